"""Figures agree with each other: a method has one look, files are the same each time."""

from pathlib import Path

import pytest
from scored_sets import make_run, make_set

from harness.lifting.registry import METHODS
from harness.reporting.drawing import style_of
from harness.reporting.joint_figure import draw_joint_figure
from harness.reporting.measured_rows import ProfileRuns
from harness.reporting.names import citation_key, title_of


def test_every_method_has_a_look_of_its_own_and_a_strangers_never_has_it() -> None:
    ours = {name: style_of(name) for name in METHODS}
    assert len(set(ours.values())) == len(METHODS)
    assert len({style.color for style in ours.values()}) == len(METHODS)
    for number in range(200):
        stranger = style_of(f"method{number}")
        assert stranger == style_of(f"method{number}")
        assert stranger not in ours.values()


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("Martinez et al., A simple yet effective baseline, ICCV 2017", "martinez2017"),
        ("Martinez et al., ICCV 2017", "martinez2017"),
        ("ST-GCN, Cai et al., ICCV 2019", "cai2019"),
        ("DG-Net", ""),
        ("An example, unpublished", ""),
    ],
)
def test_a_key_is_made_of_the_first_author_and_the_year(reference: str, key: str) -> None:
    assert citation_key(reference) == key


def test_what_is_no_method_keeps_its_name() -> None:
    assert title_of("theirs") == "theirs"
    assert title_of("dgnet") == "DG-Net"


def test_the_figure_by_joint_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    prepared = make_set(tmp_path / "set")
    for model in ("dgnet", "semgcn"):
        make_run(tmp_path, prepared, model)
    runs = ProfileRuns(("dgnet", "semgcn"), (0,), "quick", "h36m17-actionwise", tmp_path)
    first = {path.name: path.read_bytes() for path in draw_joint_figure(runs)}
    assert sorted(first) == ["joints.pdf", "joints.png"]
    assert first == {path.name: path.read_bytes() for path in draw_joint_figure(runs)}
    nobody = ProfileRuns(("martinez",), (0,), "quick", "h36m17-actionwise", tmp_path)
    assert draw_joint_figure(nobody) == []
