"""`harness import-checkpoint` from the command line."""

from pathlib import Path

import pytest
import torch

from harness.cli.main import main

# The smallest network of the simple baseline's public form: 16 joints to 15, 2 units, no stage.
SHAPES = {"w1.weight": (2, 32), "w1.bias": (2,), "w2.weight": (45, 2), "w2.bias": (45,)}
NORM = ("weight", "bias", "running_mean", "running_var")


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    weights = {name: torch.ones(shape) for name, shape in SHAPES.items()}
    weights |= {f"batch_norm1.{name}": torch.ones(2) for name in NORM}
    torch.save({"state_dict": weights}, tmp_path / "ckpt_linear.pth.tar")
    return tmp_path / "ckpt_linear.pth.tar"


def ran(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["import-checkpoint", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_writes_a_run_and_says_what_it_was_trained_on(
    release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(str(release), "--model", "martinez", "--folder", "results/x/runs/theirs") == 0
    said = capsys.readouterr().out
    assert "h36m" in said
    assert "2D source gt" in said
    assert Path("results/x/runs/theirs/run.json").is_file()
    assert Path("results/x/runs/theirs/model.safetensors").is_file()


def test_refuses_in_one_line(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release.write_bytes(b"something else")
    for model in ("martinez", "martines"):
        assert ran(str(release), "--model", model, "--folder", "run") == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert not Path("run/run.json").exists()
