"""The code in docs/ runs as it stands there."""

import doctest
import json
import re
import runpy
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.io import savemat
from standing_body import STANDING

from harness import scoring
from harness.cli.main import main
from harness.datasets import importers
from harness.datasets.clip_names import clip_names
from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.scoring import metrics, procrustes

DOCS = Path(__file__).resolve().parents[1] / "docs"


def code_of(page: str, first_words: str, folder: Path) -> Path:
    """Write the block of Python whose docstring begins so into `folder` and return its path."""
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), flags=re.DOTALL)
    (block,) = [block for block in blocks if block.startswith(f'"""{first_words}')]
    path = folder / "documented.py"
    path.write_text(block)
    return path


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert not end.value.code


def test_the_script_for_the_custom_layout_writes_a_set_that_can_be_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(code_of("add_a_dataset.md", "Write the folder", tmp_path)))
    prepare_set("custom", Path("kitchen"), Path("out"), {})
    prepared = PreparedSet(Path("out"))
    assert set(prepared.clips["split"]) == {"train", "validation", "test"}
    error = prepared.keypoints_2d("detector") - prepared.keypoints_2d("gt")
    assert 2.0 < float(np.std(error)) < 4.0, "detections are 3 pixels off"


def test_the_custom_set_trains_and_is_scored_under_the_profile_that_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    page = (DOCS / "add_a_dataset.md").read_text()
    (profile,) = re.findall(r"```yaml\n(profiles:\n.*?)```", page, flags=re.DOTALL)
    params = (DOCS.parent / "params.yaml").read_text()
    Path("params.yaml").write_text(params.replace("profiles:\n", profile, 1))
    runpy.run_path(str(code_of("add_a_dataset.md", "Write the folder", tmp_path)))
    commands = re.findall(
        r"^harness ((?:data|train|predict|score) .*kitchen.*)$", page, re.MULTILINE
    )
    assert len(commands) == 5
    for command in commands:
        run(*command.split())
    runs = Path("results/kitchen/runs/martinez-seed0")
    metrics = json.loads((runs / "scores/own-actionwise/metrics.json").read_text())
    assert {"MPJPE", "MPJPE/Stirring", "MPJPE/Cutting"} <= metrics.keys()


def test_the_importer_reads_the_files_it_tells_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code_of("add_a_dataset.md", "The data set Dance", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(importers._MODULES, "dance", "documented")
    for subject in ("anna", "bert", "carl", "dora"):
        for action in ("Waltz", "Tango"):
            path = tmp_path / "dances" / subject / f"{action}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(
                path, np.tile(1000.0 * (STANDING - STANDING[0]) + [0.0, 0.0, 4000.0], (30, 1, 1))
            )
    prepare_set("dance", tmp_path / "dances", tmp_path / "out", {"test": ["carl", "dora"]})
    prepared = PreparedSet(tmp_path / "out")
    assert prepared.clips["split"].value_counts().to_dict() == {"train": 4, "test": 4}
    assert float(prepared.positions_3d[0, 0, 2]) == pytest.approx(4.0)


def test_the_script_for_predictions_from_elsewhere_gives_what_can_be_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    options = {"seconds": 0.2, "takes": 1, "test": ["S9"], "actions": ["Walking"]}
    prepare_set("synthetic", None, Path("data/prepared/quick"), options)
    runpy.run_path(str(code_of("foreign_predictions.md", "Write predictions", tmp_path)))
    (tmp_path / "params.yaml").write_text((DOCS.parent / "params.yaml").read_text())
    folder = "results/quick/runs/theirs-seed0"
    run("score", "theirs.npz", "--profile", "quick", "--protocol", "h36m17-actionwise")
    score = json.loads(Path(folder, "scores/h36m17-actionwise/metrics.json").read_text())
    truth = PreparedSet(Path("data/prepared/quick"))
    rows = truth.select("test").pipe(
        lambda clips: np.concatenate(
            [np.arange(c.first_row, c.first_row + c.frames) for c in clips.itertuples()]
        )
    )
    pose = truth.positions_3d[rows].astype(np.float64)
    distance = np.linalg.norm(pose - pose[:, :1], axis=-1).mean()
    assert score["MPJPE"] == pytest.approx(1000 * distance), "zeros are as far off as the pose is"


def test_the_script_that_uses_metrics_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runpy.run_path(str(code_of("metrics_from_python.md", "Score two seconds", tmp_path)))
    printed = capsys.readouterr().out
    assert "h36m17-actionwise: 4" in printed
    assert "over 17 joints" in printed


@pytest.mark.parametrize("module", [metrics, procrustes])
def test_the_examples_of_metric_functions_are_true(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.failed == 0
    assert found.attempted > 0


def test_every_public_metric_function_has_an_example() -> None:
    functions = {name: getattr(scoring, name) for name in scoring.__all__ if name.islower()}
    looked_up = {"metric_called", "protocol_called"}
    assert {n for n, f in functions.items() if ">>>" not in (f.__doc__ or "")} == looked_up


@pytest.mark.parametrize(
    "dump", ["a folder with one file for each action", "one array", "a MATLAB file"]
)
def test_the_scripts_for_usual_dumps_give_what_the_check_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dump: str
) -> None:
    monkeypatch.chdir(tmp_path)
    options = {"seconds": 0.2, "takes": 1, "test": ["S9"], "actions": ["Walking", "Sitting"]}
    prepare_set("synthetic", None, Path("data/prepared/quick"), options)
    Path("params.yaml").write_text((DOCS.parent / "params.yaml").read_text())
    prepared = PreparedSet(Path("data/prepared/quick"))
    table = prepared.select("test")
    names, clips = clip_names(table), list(table.itertuples())
    poses = [prepared.positions_3d[c.first_row : c.first_row + c.frames] for c in clips]
    poses = [pose - pose[:, :1] for pose in poses]
    if "folder" in dump:
        Path("dump").mkdir()
        for action in {clip.action for clip in clips}:
            arrays = {
                f"{clip.subject} {clip.subaction}.{name.rpartition('/')[2]}": pose + 1
                for name, clip, pose in zip(names, clips, poses, strict=True)
                if clip.action == action
            }
            np.savez(f"dump/{action}.npz", **arrays)
    elif "array" in dump:
        np.save("dump.npy", np.concatenate(poses[::-1]))
        Path("order.txt").write_text("\n".join(names[::-1]))
    else:
        savemat("dump.mat", {f"pose_{n:03d}": 1000 * pose for n, pose in enumerate(poses, 1)})
    runpy.run_path(str(code_of("foreign_predictions.md", f"Make theirs.npz from {dump}", tmp_path)))
    declared = {"model": "theirs", "input_2d": "detected", "frames": 9, "flip_test": True}
    Path("theirs.json").write_text(json.dumps({**declared, "trained_on": "nothing"}))
    run("score", "theirs.npz", "--check-only")
    with np.load("theirs.npz") as made:
        expected = poses[-1] if "array" in dump else poses[0]
        np.testing.assert_allclose(made[made.files[0]], expected, atol=1e-5)


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        *(f"docs/{page.name}" for page in DOCS.glob("*.md")),
    ],
)
def test_files_and_links_that_a_page_names_are_there(page: str) -> None:
    path = DOCS.parent / page
    text = path.read_text()
    folders = "benchmarks|baselines|dgnet|examples|experiments|harness|pipelines|tests"
    named = set(re.findall(rf"(?<![\w/.])(?:{folders})/[\w./-]+\.\w+", text))
    named -= {"harness/lifting/methods/NAME.py", "harness/datasets/dance.py"}  # to be written
    assert [name for name in sorted(named) if not (DOCS.parent / name).is_file()] == []
    elsewhere = ("http", "../../actions/")  # the second is where GitHub keeps a workflow's badge
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith(elsewhere)]
    assert [link for link in links if not (path.parent / link).exists()] == []
