"""Tables I and II: measured rows beside published ones only where both are of Human3.6M."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from scored_sets import make_run, make_set
from tiny_project import tiny_params

from harness.datasets.h36m.contents import ACTIONS
from harness.datasets.prepared import PreparedSet
from harness.foundation.files import read_json, write_json
from harness.foundation.settings import Settings
from harness.reporting.profile_tables import write_tables
from harness.reporting.published import ACTION_COLUMNS, published_by_action

CPN = "cpn_ft_h36m_dbb"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    """A set with a short take of each of the fifteen actions by both test subjects."""
    takes = [(subject, action, "1", 3) for subject in ("S9", "S11") for action in ACTIONS]
    return make_set(tmp_path_factory.mktemp("set") / "made", takes=takes, cameras=1)


@pytest.fixture(scope="module")
def walking_only(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    takes = [(subject, "Walking", "1", 3) for subject in ("S9", "S11")]
    return make_set(tmp_path_factory.mktemp("set") / "walking", takes=takes, cameras=1)


def run(results: Path, prepared: PreparedSet, model: str = "dgnet", **contract: Any) -> Path:
    """Write a run as of Human3.6M with CPN's detections, unless `contract` says otherwise."""
    usual = {"dataset": "h36m", "input_2d": CPN, "trained_on_2d": CPN}
    return make_run(results, prepared, model, profile="tiny", **(usual | contract))


def tables(results: Path, **params: Any) -> tuple[str, list[dict[str, str]]]:
    """Write the tables; return table I as Markdown and as the lines of its CSV file."""
    written = write_tables(Settings(**(tiny_params() | params)), "tiny", results)
    assert [path.name for path in written] == [
        f"{name}.{ending}"
        for name in ("table_01_mpjpe", "table_02_p_mpjpe", "table_metrics", "table_subjects")
        for ending in ("md", "csv", "tex")
        if ending != "tex" or (results / "tiny/tables" / f"{name}.tex").is_file()
    ] + ["references.bib"], "tables III and IV are of other data sets"
    with written[1].open(newline="") as stream:
        return written[0].read_text(), list(csv.DictReader(stream))


def markdown_tables(text: str) -> dict[str, list[list[str]]]:
    """Return the rows of each table, head first, by the section that it stands in."""
    found: dict[str, list[list[str]]] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("### "):
            section += ": " + line.removeprefix("### ")
        elif line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("|") and not line.startswith("|:"):
            found.setdefault(section, []).append([cell.strip() for cell in line.split("|")[1:-1]])
    return found


PUBLISHED = "Published, measured on Human3.6M"


def test_numbers_of_another_data_set_stand_in_a_table_of_their_own(
    tmp_path: Path, prepared: PreparedSet
) -> None:
    run(tmp_path, prepared, dataset="synthetic", input_2d="detected", trained_on_2d="detected")
    run(tmp_path, prepared, "semgcn", dataset="cmu", frames=1)
    text, lines = tables(tmp_path)
    found = markdown_tables(text)
    assert [row[0] for row in found["Measured here, on the data set `synthetic`"][1:]] == ["DG-Net"]
    assert [row[0] for row in found["Measured here, on the data set `cmu`"][1:]] == ["SemGCN"]
    published = published_by_action("table_01_h36m_protocol1")
    assert len(found[PUBLISHED]) == 1 + len(published)
    assert "measured" not in " ".join(row[0] for row in found[PUBLISHED])
    assert "interval" not in " ".join(found[PUBLISHED][0])
    measured = [line for line in lines if line["origin"] == "measured"]
    assert {line["dataset"] for line in measured} == {"synthetic", "cmu"}
    assert not any(line["published"] or line["difference"] for line in measured)
    assert {line["dataset"] for line in lines if line["origin"] == "published"} == {"h36m"}


def test_on_human36m_a_row_stands_below_the_published_ones_with_its_differences(
    tmp_path: Path, prepared: PreparedSet
) -> None:
    folder = run(tmp_path, prepared)
    metrics = json.loads((folder / "scores/h36m17-actionwise/metrics.json").read_text())
    text, lines = tables(tmp_path)
    head, *rows = markdown_tables(text)[PUBLISHED]
    measured, difference = rows[-2:]
    assert measured[0] == "DG-Net, measured here"
    assert difference[0] == "DG-Net, measured minus published"
    heads, (*facts,) = markdown_tables(text)[f"{PUBLISHED}: Conditions"]
    assert dict(zip(heads, facts, strict=True))["run"] == "`dgnet-0000000000`"
    published = {"Direct.": 41.5, "Photo": 54.1, "WalkT.": 35.6, "Avg": 45.3}
    for column, printed in published.items():
        name = "MPJPE" if column == "Avg" else f"MPJPE/{ACTION_COLUMNS[column]}"
        assert measured[head.index(column)].strip("*") == f"{metrics[name]:.1f}"
        assert difference[head.index(column)] == f"{metrics[name] - printed:+.1f}"
    (average,) = [line for line in lines if (line["origin"], line["action"]) == ("measured", "Avg")]
    assert average["published"] == "45.3"
    assert float(average["low"]) < float(average["value"]) < float(average["high"])
    assert float(average["difference"]) == pytest.approx(float(average["value"]) - 45.3, abs=0.05)


def test_below_a_table_stands_whose_labels_a_model_learnt_from(
    tmp_path: Path, prepared: PreparedSet
) -> None:
    run(tmp_path, prepared, "dgnet")
    run(tmp_path, prepared, "semgcn", network={"labelled_subjects": ["S1"]})
    text, _ = tables(tmp_path)
    heads, *rows = markdown_tables(text)[f"{PUBLISHED}: Conditions"]
    assert {row[0]: row[heads.index("learnt from")] for row in rows} == {
        "DG-Net": "all training clips",
        "SemGCN": "all training clips, 3D labels of S1 alone",
    }


@pytest.mark.parametrize(
    ("contract", "printed"),
    [
        ({}, "45.3"),
        ({"input_2d": "gt", "trained_on_2d": "gt"}, "31.2"),
        ({"input_2d": "sh_ft_h36m", "trained_on_2d": "sh_ft_h36m"}, "45.3"),
        ({"frames": 2}, ""),
        ({"dataset": "cmu"}, ""),
    ],
)
def test_differences_need_the_same_kind_of_2d_and_the_same_frames(
    contract: dict[str, Any], printed: str, tmp_path: Path, prepared: PreparedSet
) -> None:
    run(tmp_path, prepared, **contract)
    text, lines = tables(tmp_path)
    (average,) = [line for line in lines if (line["origin"], line["action"]) == ("measured", "Avg")]
    assert average["published"] == printed
    assert bool(average["difference"]) == bool(printed)
    assert ("measured minus published" in text) == bool(printed)


def test_an_average_of_other_actions_is_not_set_against_the_published_one(
    tmp_path: Path, walking_only: PreparedSet
) -> None:
    run(tmp_path, walking_only)
    text, lines = tables(tmp_path)
    head, *rows = markdown_tables(text)[PUBLISHED]
    difference = rows[-1]
    assert difference[head.index("Walk.")] != ""
    assert difference[head.index("Avg")] == ""
    differences = {
        line["action"]: line["difference"] for line in lines if line["origin"] == "measured"
    }
    assert differences["Walking"] != ""
    assert differences["Avg"] == ""


def test_only_the_test_split_as_it_is_enters_a_table(tmp_path: Path, prepared: PreparedSet) -> None:
    run(tmp_path, prepared, corruption={"kind": "gaussian", "sigma_px": 5.0, "draw": 0})
    path = run(tmp_path, prepared, "semgcn") / "scores/h36m17-actionwise/score.json"
    header = read_json(path)
    header["conditions"]["predictions"]["split"] = "validation"
    write_json(path, header)
    text, lines = tables(tmp_path)
    assert {line["origin"] for line in lines} == {"published"}
    assert "- dgnet: its score is of corrupted 2D input" in text
    assert "- semgcn: its score is of split validation" in text


def test_what_was_not_measured_is_named_and_leaves_no_row(
    tmp_path: Path, prepared: PreparedSet
) -> None:
    run(tmp_path, prepared)
    text, lines = tables(tmp_path)
    assert "## Not measured" in text
    assert "\n- semgcn: " in text
    assert "'harness train semgcn --profile tiny'" in text
    assert {line["model"] for line in lines if line["origin"] == "measured"} == {"dgnet"}


def test_without_any_score_the_published_rows_stand_alone(tmp_path: Path) -> None:
    text, lines = tables(tmp_path)
    assert {line["origin"] for line in lines} == {"published"}
    assert "- dgnet: " in text
    assert "- semgcn: " in text


def test_conditions_name_all_that_a_number_depends_on(
    tmp_path: Path, prepared: PreparedSet
) -> None:
    run(tmp_path, prepared, flip_test=False)
    run(tmp_path, prepared, "semgcn", frames=1, uses_root_depth=True)
    text, _ = tables(tmp_path)
    shared = next(line for line in text.splitlines() if line.startswith("Of all: "))
    for part in (
        f"data set h36m (data hash {prepared.data_hash[:12]})",
        "protocol h36m17-actionwise version 1",
        f"2D source {CPN}",
        "joints 17",
    ):
        assert part in shared
    heads, *rows = markdown_tables(text)[f"{PUBLISHED}: Conditions"]
    own = {row[0]: dict(zip(heads, row, strict=True)) for row in rows}
    assert (own["DG-Net"]["flip at test"], own["SemGCN"]["flip at test"]) == ("off", "on")
    assert (own["DG-Net"]["window"], own["SemGCN"]["window"]) == ("4 frames", "1 frame")
    assert own["DG-Net"]["seeds"] == own["SemGCN"]["seeds"] == "0"
    assert "given the true depth of the root" in own["SemGCN"]["departures"]


def test_the_best_of_a_column_is_bold_the_second_italic_and_the_rest_plain(
    tmp_path: Path, prepared: PreparedSet
) -> None:
    for model, noise in (("dgnet", 0.03), ("semgcn", 0.08), ("martinez", 0.2)):
        run(tmp_path, prepared, model, dataset="cmu", noise=noise)
    text, _ = tables(tmp_path, models=["dgnet", "semgcn", "martinez"])
    head, *rows = markdown_tables(text)["Measured here, on the data set `cmu`"]
    stars = [len(row[head.index("Avg")]) - len(row[head.index("Avg")].strip("*")) for row in rows]
    assert stars == [4, 2, 0]
    latex = (tmp_path / "tiny/tables/table_01_mpjpe.tex").read_text()
    average = rows[0][head.index("Avg")].strip("*")
    assert rf"\textbf{{{average}}}" in latex
    assert rf"\underline{{{rows[1][head.index('Avg')].strip('*')}}}" in latex
    assert r"DG-Net~\cite{zhang2021}" in latex
    assert r"\toprule" in latex
    assert "@misc{zhang2021," in (tmp_path / "tiny/tables/references.bib").read_text()


def test_what_intervals_cannot_tell_apart_is_a_tie(tmp_path: Path, prepared: PreparedSet) -> None:
    for model in ("dgnet", "stgcn", "martinez"):
        run(tmp_path, prepared, model, dataset="cmu", noise=0.2 if model == "martinez" else 0.05)
    text, _ = tables(tmp_path, models=["dgnet", "stgcn", "martinez"])
    head, *rows = markdown_tables(text)["Measured here, on the data set `cmu`"]
    averages = [row[head.index("Avg")] for row in rows]
    assert [cell.startswith("**") for cell in averages] == [True, True, False]


def test_the_seeds_of_a_model_are_one_row(tmp_path: Path, prepared: PreparedSet) -> None:
    for seed in (0, 1):
        run(tmp_path, prepared, seed=seed)
    _, lines = tables(tmp_path, seeds=[0, 1])
    (average,) = [line for line in lines if (line["origin"], line["action"]) == ("measured", "Avg")]
    assert average["seeds"] == "0 1"
    assert average["run_ids"] == "dgnet-0000000000 dgnet-0000000001"
    single = []
    for seed in (0, 1):
        path = tmp_path / f"tiny/runs/dgnet-seed{seed}/scores/h36m17-actionwise/metrics.json"
        single.append(json.loads(path.read_text())["MPJPE"])
    assert float(average["value"]) == pytest.approx(sum(single) / 2, abs=0.001)


def test_writing_again_gives_the_same_bytes(tmp_path: Path, prepared: PreparedSet) -> None:
    run(tmp_path, prepared)
    assert tables(tmp_path) == tables(tmp_path)
