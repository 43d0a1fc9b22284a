"""Pages of tables as LaTeX has them."""

from harness.reporting.table_text import Page, Table


def test_every_table_with_a_caption_is_in_latex_under_a_label_of_its_own() -> None:
    tables = [Table(["method"], [[f"lifter {n}"]], caption=f"Table {n}") for n in range(13)]
    latex = Page("cross_data", ["Some text.", Table(["a"], [["b"]]), *tables], "").latex
    assert latex.count(r"\begin{table*}") == 13
    assert [f"lifter {n}" in latex for n in range(13)] == [True] * 13
    labels = [line for line in latex.splitlines() if r"\label" in line]
    assert labels[0].strip() == r"\label{tab:cross-data}"
    assert len(set(labels)) == 13
