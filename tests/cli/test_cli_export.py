"""`harness export`: files that predict what the run predicts, wherever they are loaded."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stored_runs import write_score
from torch import Tensor, nn

from harness.body.skeleton import H36M_17
from harness.cli.main import main
from harness.exchange import export
from harness.exchange import formats as exporting
from harness.exchange.formats import Format
from harness.foundation.files import sha256_of_file
from harness.foundation.provenance import Hardware, RunRecord, write_record
from harness.lifting.build import build_lifter
from harness.lifting.checkpoint import ModelContract, load_checkpoint, save_checkpoint
from harness.lifting.contract import Lifter, LifterInput
from harness.lifting.registry import METHODS, method_called
from harness.prediction.stored import PredictionContract

_SMALL = {"channels": 4, "blocks": 1, "non_local": False}
_TOKENS = {"frames": 4, "channels": 16, "depth": 1}
_DYNAMICAL = _SMALL | {"spatial_unit": ["DSG"], "temporal_unit": ["DTG"]}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "d3dp": ("d3dp", _TOKENS | {"hypotheses": 2, "steps": 2}),
    "dgnet": ("dgnet", _DYNAMICAL | {"non_local": True}),
    "dgnet_balanced": ("dgnet", _DYNAMICAL | {"balanced_coordinates": True, "frames": 3}),
    "dgnet_unified": ("dgnet", _DYNAMICAL | {"form": "unified", "frames": 2}),
    "fsg": ("fsg", _SMALL),
    "fsg_ftg": ("fsg_ftg", _SMALL | {"frames": 3}),
    "martinez": ("martinez", {"width": 8}),
    "martinez_no_root": ("martinez", {"width": 8, "predict_root": False, "joints": 16}),
    "mixste": ("mixste", _TOKENS),
    "motionagformer": ("motionagformer", _TOKENS),
    "motionbert": ("motionbert", _TOKENS),
    "poseformerv2": (
        "poseformerv2",
        {"frames": 5, "kept_frames": 1, "kept_coefficients": 3, "joint_channels": 8, "depth": 1},
    ),
    "semgcn": ("semgcn", {"channels": 8, "modules": 1, "non_local": True}),
    "stgcn": ("stgcn", {"joint_channels": [4, 4, 8], "part_channels": 8}),
    "stgcn_refined": (
        "stgcn",
        {"joint_channels": [4, 4, 8], "part_channels": 8, "refinement": True},
    ),
    "videopose3d": ("videopose3d", {"frames": 9, "channels": 8}),
    "videopose3d_causal": ("videopose3d", {"frames": 9, "channels": 8, "causal": True}),
    "wsgcn": ("wsgcn", {"channels": 8, "modules": 1}),
}
SOME = ("dgnet", "martinez", "motionagformer", "stgcn_refined", "videopose3d")
"""A lifter of each kind: choices, one frame, attention with confidence, depth, convolutions."""
WINDOWS = 5


RECORD = RunRecord(
    run="tiny/run",
    run_id="run-0123456789",
    kind="train",
    status="finished",
    model="dgnet",
    seed=0,
    parameters={},
    dataset="synthetic",
    data_hash="d" * 64,
    commit=None,
    dirty=None,
    code_hash="c" * 64,
    dvc_hashes={},
    versions={},
    hardware=Hardware(cpu="one", cores=1, memory_gib=1.0, gpus=[]),
    command="made by a test",
    started="2024-01-01T00:00:00+00:00",
)


def write_trained_run(folder: Path, method: str, network: dict[str, Any]) -> None:
    """Write a run as training leaves it: random weights, norms and scales away from their start."""
    lifter = build_lifter(method_called(method), network, H36M_17, H36M_17, seed=0)
    generator = torch.Generator().manual_seed(0)
    for module in lifter.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
    for name, scale in lifter.named_parameters():
        if name.endswith("_scale"):  # they start so small that a block would do nothing
            scale.data.uniform_(0.5, 1.5, generator=generator)
    named = {"run": f"tiny/{folder.name}", "run_id": f"{folder.name}-0123456789", "model": method}
    record = RECORD.model_copy(update=named)
    contract = ModelContract(
        run_id=record.run_id,
        method=method,
        network=network,
        data_skeleton="h36m_17",
        data_layout="h36m_17",
        skeleton=lifter.skeleton.name,
        layout=lifter.layout.name,
        frames=lifter.frames,
        predicts=lifter.predicts,
        input_2d="gt",
        train_actions=None,
        dataset="synthetic",
        data_hash="d" * 64,
        uses_root_depth=lifter.uses_root_depth,
        uses_confidence=lifter.uses_confidence,
        hypotheses=lifter.hypotheses,
        seed=0,
        recipe={"epochs": 2},
        selection="best",
        epoch=2,
        parameters=1,
    )
    save_checkpoint(folder / "model.safetensors", lifter.state_dict(), contract)
    write_record(folder / "run.json", record)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name, (method, network) in NETWORKS.items():
        write_trained_run(folder / f"results/tiny/runs/{name}-seed0", method, network)
    return folder


@pytest.fixture(autouse=True)
def _there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["export", *arguments])
    return int(ended.value.code or 0)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    return error


def inputs_for(lifter: Lifter) -> LifterInput:
    generator = torch.Generator().manual_seed(7)
    shape = (WINDOWS, lifter.frames, len(lifter.layout), 2)
    return LifterInput(
        torch.rand(shape, generator=generator) * 2 - 1,
        torch.tensor([[2.3, 2.29, 0.02, 0.01, 0, 0, 0, 0, 0]]).repeat(WINDOWS, 1),
        torch.rand(shape[:2], generator=generator) + 4 if lifter.uses_root_depth else None,
        torch.rand(shape[:3], generator=generator) if lifter.uses_confidence else None,
    )


def given_and_expected(name: str) -> tuple[dict[str, Tensor], Tensor]:
    """Return the tensors that an exported file takes, and the run's own predictions."""
    lifter, _ = load_checkpoint(Path(f"results/tiny/runs/{name}-seed0/model.safetensors"))
    inputs = inputs_for(lifter)
    with torch.no_grad():
        expected = lifter(inputs)
    given = {"keypoints": inputs.keypoints}
    if inputs.root_depth is not None:
        given |= {"intrinsics": inputs.intrinsics, "root_depth": inputs.root_depth}
    if inputs.confidence is not None:
        given["confidence"] = inputs.confidence
    return given, expected


# Stands for another program: neither our packages nor, for ONNX, PyTorch can be imported.
_ELSEWHERE = """
import sys
for package in ("harness", "dgnet", "baselines", *sys.argv[2:]):
    sys.modules[package] = None
import numpy as np
names = sys.argv[1].split(",")
for name in names:
    given = dict(np.load(f"{name}.npz"))
    if "torch" in sys.argv:
        import onnxruntime
        session = onnxruntime.InferenceSession(f"{name}.onnx")
        (out,) = session.run(["positions"], given)
    else:
        import torch
        extra = {"contract.json": ""}
        model = torch.jit.load(f"{name}.pt", _extra_files=extra)
        assert b"run_id" in extra["contract.json"]
        with torch.inference_mode():
            out = model(*map(torch.from_numpy, given.values())).numpy()
    np.save(f"{name}.npy", out)
"""


@pytest.mark.parametrize(
    "names",
    [SOME, pytest.param(tuple(NETWORKS.keys() - SOME), marks=pytest.mark.slow)],
    ids=["some", "others"],
)
@pytest.mark.parametrize(("style", "blocked"), [("torchscript", ()), ("onnx", ("torch",))])
def test_other_programs_get_the_same_predictions(
    style: Format, blocked: tuple[str, ...], names: tuple[str, ...], tmp_path: Path
) -> None:
    expected = {}
    for name in names:
        out = tmp_path / f"{name}{exporting.SUFFIXES[style]}"
        assert run(f"tiny/{name}-seed0", "--format", style, "--out", str(out)) == 0
        given, expected[name] = given_and_expected(name)
        np.savez(tmp_path / name, **{key: value.numpy() for key, value in given.items()})
    ended = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, ",".join(names), *blocked],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    for name, positions in expected.items():
        assert positions.abs().max() > 1e-4, name
        found = torch.from_numpy(np.load(tmp_path / f"{name}.npy"))
        torch.testing.assert_close(found, positions, atol=1e-5, rtol=1e-5, msg=name)


@pytest.mark.slow
def test_torchscript_of_one_run_is_the_same_bytes_twice(tmp_path: Path) -> None:
    """In processes of their own: within one, torch numbers the classes that it made before."""
    command = [sys.executable, "-m", "harness", "export", "tiny/semgcn-seed0"]
    files = [tmp_path / name for name in ("one.pt", "two.pt")]
    for path in files:
        subprocess.run([*command, "--format", "torchscript", "--out", str(path)], check=True)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_every_method_is_tried() -> None:
    assert {method for method, _ in NETWORKS.values()} == set(METHODS)


def test_safetensors_are_loaded_by_our_own_loader(tmp_path: Path) -> None:
    out = tmp_path / "model.safetensors"
    assert run("tiny/stgcn-seed0", "--out", str(out)) == 0
    lifter, contract = load_checkpoint(out)
    _, expected = given_and_expected("stgcn")
    assert torch.equal(lifter(inputs_for(lifter)), expected)
    assert contract.method == "stgcn"


def test_a_file_for_one_window_takes_that_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import onnxruntime

    assert (
        run(
            "martinez",
            "--profile",
            "tiny",
            "--format",
            "onnx",
            "--windows",
            "1",
            "--out",
            str(tmp_path / "one.onnx"),
        )
        == 0
    )
    session = onnxruntime.InferenceSession(tmp_path / "one.onnx")
    given, expected = given_and_expected("martinez")
    (found,) = session.run(None, {name: value[:1].numpy() for name, value in given.items()})
    np.testing.assert_allclose(found, expected[:1].numpy(), atol=1e-5)
    assert session.get_inputs()[0].shape[0] == 1
    capsys.readouterr()
    assert "takes any number" in refused(
        capsys, "martinez", "--profile", "tiny", "--windows", "1", "--out", str(tmp_path / "a")
    )


def test_the_card_tells_all_and_its_code_runs(tmp_path: Path) -> None:
    folder = Path("results/tiny/runs/stgcn_refined-seed0")
    run_id = json.loads((folder / "run.json").read_text())["run_id"]
    contract = PredictionContract(
        model="stgcn",
        run_id=run_id,
        checkpoint_sha256="a" * 64,
        dataset="synthetic",
        data_hash="d" * 64,
        input_2d="gt",
        trained_on_2d="gt",
        split="test",
        skeleton="h36m_17",
        frames=3,
        predicts="middle",
        flip_test=True,
        uses_root_depth=True,
        seed=0,
    )
    write_score(folder / "scores", contract, 51.3, 40.2)
    program = ""
    for style in exporting.FORMATS:
        out = tmp_path / f"model{exporting.SUFFIXES[style]}"
        assert run("tiny/stgcn_refined-seed0", "--format", style, "--out", str(out)) == 0
        card = out.with_name(out.name + ".md").read_text()
        words = [run_id, "ST-GCN", "51.3", "40.2", "h36m17-actionwise", "Apache-2.0", "synthetic"]
        words += ["MIT (vanoracai", sha256_of_file(out), "RShoulder", "root_depth", "x / w * 2 - 1"]
        words += ["trained together with the network"]
        assert [word for word in words if word not in card] == []
        (code,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
        program += code
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == 3 * ["(10, 1, 17, 3)"]


def test_a_file_that_is_there_is_kept_unless_forced(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tiny/martinez-seed0") == 0
    path = Path("exports/tiny/martinez-seed0.safetensors")
    assert path.is_file()
    capsys.readouterr()
    path.write_text("mine")
    assert "exists; choose another place" in refused(capsys, "tiny/martinez-seed0")
    assert path.read_text() == "mine"
    assert run("tiny/martinez-seed0", "--force") == 0
    load_checkpoint(path)


def test_runs_that_are_not_there_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "did you mean 'tiny/semgcn-seed0'?" in refused(capsys, "tiny/semgnc-seed0")
    folder = tmp_path / "results/tiny/runs/martinez-seed0"
    for seed in (0, 1):
        write_trained_run(folder.with_name(f"martinez-seed{seed}"), *NETWORKS["martinez"])
    monkeypatch.chdir(tmp_path)
    assert "tiny/martinez-seed0, tiny/martinez-seed1" in refused(
        capsys, "martinez", "--profile", "tiny"
    )
    (folder / "model.safetensors").write_bytes(b"cut")
    assert "is not a whole safetensors file" in refused(capsys, "tiny/martinez-seed0")
    (folder / "model.safetensors").unlink()
    assert "no such checkpoint" in refused(capsys, "tiny/martinez-seed0")
    assert not Path("exports").exists()


def test_a_package_that_is_missing_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    error = refused(capsys, "tiny/martinez-seed0", "--format", "onnx")
    assert "onnxruntime" in error
    assert "pose-lifting-harness[export]" in error


class Stubborn(nn.Module):
    """Breaks recorders: its result depends on values, or fails beyond two windows."""

    def __init__(self, lifter: Lifter, how: str) -> None:
        super().__init__()
        self.lifter, self.how = lifter, how
        for name in ("frames", "layout", "skeleton", "predicts", "windows_at_a_time"):
            setattr(self, name, getattr(lifter, name))
        self.uses_root_depth = self.uses_confidence = False

    def forward(self, inputs: LifterInput) -> Tensor:
        if self.how == "fails" and torch.jit.is_tracing():
            raise RuntimeError("no such operator\nand a page of advice")
        positions = self.lifter(inputs)
        return positions * (1 + int(inputs.keypoints.shape[0] == 2))


@pytest.mark.parametrize(
    ("how", "said"),
    [("fails", "torchscript cannot express this model (no such operator)"), ("differs", "of 25")],
)
def test_a_model_that_a_format_cannot_express_is_refused(
    how: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded(path: Path) -> tuple[Any, ModelContract]:
        lifter, contract = load_checkpoint(path)
        return Stubborn(lifter, how), contract

    monkeypatch.setattr(export, "load_checkpoint", loaded)
    error = refused(capsys, "tiny/semgcn-seed0", "--format", "torchscript")
    assert said in error
    assert "export it as safetensors" in error
    assert not Path("exports/tiny/semgcn-seed0.pt").exists()
