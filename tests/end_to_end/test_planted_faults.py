"""Faults planted in the code, line by line: `harness check` must fail and blame the right stage.

No model is trained here: what differs is seen in first steps, predictions of committed weights, and
scores of committed predictions.
"""

import contextlib
import inspect
import json
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tiny_project import tiny_params

from dgnet.dynamical import DynamicalTemporalGraph
from harness.cli.main import main
from harness.lifting import augmentation, lift
from harness.lifting.methods.videopose3d import VideoPose3DLifter
from harness.lifting.windows import TrainingWindows
from harness.scoring import procrustes
from harness.training.loop import Training
from pipelines.prepare import prepare

MODELS = ("martinez", "videopose3d", "dgnet")
PROBES = "data,steps,predictions,scores"
REFERENCE = Path("results/reference/tiny")


def params() -> dict[str, Any]:
    values = tiny_params() | {"models": list(MODELS)}
    values["profiles"]["tiny"]["models"]["videopose3d"] = {
        "network": {"frames": 27, "channels": 8},
        "training": {"epochs": 2, "steps_per_epoch": 2, "batch_size": 8},
    }
    return values


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with prepared data and references of all stages before training's end."""
    folder = tmp_path_factory.mktemp("committed")
    with contextlib.chdir(folder):
        Path("params.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(params()))))
        prepare("tiny")
        assert ended("--update", "--stage", PROBES) is None
    return folder


@pytest.fixture(autouse=True)
def _in_a_copy(committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(committed, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")


def ended(*arguments: str) -> object:
    """Run `harness check` and return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(["check", *arguments])
    return caught.value.code or None


def plant(patch: pytest.MonkeyPatch, function: Any, right: str, wrong: str) -> None:
    """Change one place of a function's source, wherever the function is already imported."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(right) == 1, f"{right} is not there once:\n{source}"
    made: dict[str, Any] = {}
    exec(source.replace(right, wrong), dict(function.__globals__), made)
    patch.setattr(function, "__code__", made[function.__name__].__code__)


def verdicts(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, tuple[str, str]]:
    """Check and return stage and remark by model, failing unless the exit code fits."""
    capsys.readouterr()
    code = ended("--format", "json", "--stage", PROBES, *arguments)
    output = capsys.readouterr()
    found = json.loads(output.out)["verdicts"]
    assert code == (1 if found else None)
    if found:
        assert output.err.startswith(f"Error: failed at {found[0]['stage']}")
        assert found[0]["remark"] in output.err
    return {finding["model"]: (finding["stage"], finding["remark"]) for finding in found}


FAULTS = {
    "a wrong sign in eq. 10": (
        DynamicalTemporalGraph.affinity,
        ("x[1:] - x[:-1]", "x[1:] + x[:-1]"),
        ("steps", "loss of epoch 1, step 1", "network or loss"),
        ("dgnet",),
    ),
    "P-MPJPE without scale": (
        procrustes.similar_and_rigid_distances,
        ("np.multiply(part.predicted, part.scale, out=rest)", "rest[:] = part.predicted"),
        ("scores", "P-MPJPE", "metric or protocol"),
        MODELS,
    ),
    "left and right exchanged": (
        VideoPose3DLifter.forward,
        (
            "self.network.window(inputs.keypoints)",
            "self.network.window(inputs.keypoints)[:, :, list(self.skeleton.mirror)]",
        ),
        ("steps", "loss of epoch 1, step 1", "network or loss"),
        ("videopose3d",),
    ),
    "joints of the flip at test not exchanged": (
        lift._with_mirror_image,
        (
            "mirrored_points(image, lifter.skeleton)",
            "image * image.new_tensor([-1.0, 1.0, 1.0])",
        ),
        ("predictions", "mm (", "flip at test"),
        MODELS,
    ),
    "joints of the flip in training not exchanged": (
        augmentation.mirrored_points,
        ("points[..., list(skeleton.mirror), :]", "points"),
        ("steps", "windows of epoch 1, step 1", "augmentation"),
        ("videopose3d", "dgnet"),  # the third does not mirror windows
    ),
    "windows one frame late": (
        TrainingWindows.__getitem__,
        ("start = self._begin[clip]", "start = 1 + self._begin[clip]"),
        ("steps", "windows of epoch 1, step 1", "windows"),
        MODELS,
    ),
    "a learning rate 1 % too high": (
        Training._learning_rate,
        ("return learning_rate", "return 1.01 * learning_rate"),
        ("steps", "change of the weights of epoch 1, step 1", "learning rate"),
        MODELS,
    ),
    "a schedule that ends 1 % too high": (
        Training._learning_rate,
        ("return learning_rate", "return (1 + (epoch > 1) / 100) * learning_rate"),
        ("steps", "change of the weights of epoch 2, step 1", "schedule"),
        MODELS,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_fails_and_is_blamed_on_its_stage(
    fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    function, (right, wrong), (stage, place, points_to), models = FAULTS[fault]
    plant(monkeypatch, function, right, wrong)
    found = {
        model: remark for model, (blamed, remark) in verdicts(capsys).items() if blamed == stage
    }
    assert set(found) == set(models)
    for remark in found.values():
        assert place in remark
        assert points_to in remark.rpartition(": ")[2]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_unchanged_tree_passes_with_any_number_of_threads(
    threads: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        # One model will do for two threads, which are slow on busy cores.
        assert verdicts(capsys, *([] if threads == 1 else ["--models", "dgnet"])) == {}
    finally:
        torch.set_num_threads(before)


def change_params(change: Callable[[dict[str, Any]], None]) -> None:
    path = Path("params.yaml")
    values = yaml.safe_load(path.read_text())
    change(values["profiles"]["tiny"])
    path.write_text(yaml.safe_dump(values))


def test_a_setting_that_changed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    def faster(profile: dict[str, Any]) -> None:
        profile["models"]["dgnet"]["training"]["learning_rate"] = 0.00101

    change_params(faster)
    found = verdicts(capsys)
    assert set(found) == {"dgnet"}
    assert "training learning_rate is 0.00101, the reference's 0.001" in found["dgnet"][1]


def test_other_data_are_the_verdict_and_nothing_is_compared_on_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    change_params(lambda profile: profile["dataset"]["options"].update(seconds=0.44))
    prepare("tiny")
    capsys.readouterr()
    assert ended("--stage", PROBES) == 1
    output = capsys.readouterr()
    assert output.err.startswith("Error: failed at data: ")
    assert "positions_3d.npy" in output.err
    assert output.out.count("nothing can be compared on other data") == 3


def test_stages_without_data_are_skipped_by_default_and_refused_by_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.rmtree("data/prepared/tiny")
    assert ended() == 2
    assert "nothing could be checked" in capsys.readouterr().err
    assert ended("--stage", "steps") == 2
    assert capsys.readouterr().err == (
        "Error: data/prepared/tiny: data are not prepared; run 'dvc repro prepare@tiny'\n"
    )


@pytest.mark.parametrize(
    ("file", "damage", "words"),
    [
        ("dgnet/steps.json", None, "dgnet/steps.json: no such file; restore it from git"),
        ("dgnet/steps.json", b'{"seed": 0}', "is not a whole reference (settings: Field required"),
        ("dgnet/scores.json", b"{", "is not valid JSON"),
        ("dgnet/model.safetensors", b"no weights", "is not the file that the committed predict"),
        ("dgnet/predictions/predictions.npy", b"nothing", "was changed or damaged"),
    ],
)
def test_a_missing_or_damaged_reference_is_one_plain_line(
    file: str, damage: bytes | None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if damage is None:
        (REFERENCE / file).unlink()
    else:
        (REFERENCE / file).write_bytes(damage)
    capsys.readouterr()
    assert ended("--models", "dgnet", "--stage", PROBES) == 2
    output = capsys.readouterr()
    assert words in output.err
    assert "restore it from git" in output.err
    assert output.err.count("\n") == 1


def test_a_model_is_added_by_one_command_that_leaves_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.rmtree(REFERENCE / "dgnet")
    others = {path: path.read_bytes() for path in REFERENCE.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert ended("--stage", PROBES) is None
    assert "new: dgnet" in capsys.readouterr().out
    assert ended("--update", "--models", "dgnet") is None
    output = capsys.readouterr().out
    assert [line for line in output.splitlines() if line.endswith(": new")] == [
        f"dgnet: {stage}: new" for stage in ("steps", "predictions", "scores")
    ]
    assert {path: path.read_bytes() for path in others} == others
    assert verdicts(capsys) == {}
    assert ended("--update", "--stage", PROBES) is None
    assert "nothing changed" in capsys.readouterr().out


def test_a_metric_without_reference_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    path = REFERENCE / "dgnet/scores.json"
    scores = json.loads(path.read_text())
    for metrics in scores["protocols"].values():
        for name in [name for name in metrics if name.startswith("MPJVE")]:
            del metrics[name]
    path.write_text(json.dumps(scores))
    found = verdicts(capsys, "--models", "dgnet")
    remark = "no reference yet of MPJVE; write them with 'harness check --update'"
    assert found == {"dgnet": ("scores", remark)}
    assert ended("--update", "--models", "dgnet", "--stage", "scores") is None
    assert verdicts(capsys, "--models", "dgnet") == {}


def test_an_update_says_what_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    function, change, *_ = FAULTS["P-MPJPE without scale"]
    plant(monkeypatch, function, *change)
    capsys.readouterr()
    assert ended("--update", "--stage", PROBES, "--models", "martinez") is None
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("martinez: scores: P-MPJPE of committed predictions under h36m17-")
    assert verdicts(capsys, "--models", "martinez") == {}
