"""`harness run` and `harness new-method`: from a new package to a comparison, in one process."""

import importlib.metadata
import sys
from pathlib import Path

import pytest
import yaml
from tiny_project import tiny_params

from harness.cli.main import main
from harness.foundation.provenance import read_record
from harness.foundation.settings import Profile
from harness.lifting import registry
from harness.lifting.recipe import Recipe
from harness.training.plan import default_settings


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    Path("params.yaml").write_text(yaml.safe_dump(tiny_params()))
    return tmp_path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    code = ended.value.code or 0
    assert isinstance(code, int)
    return code


def test_a_new_method_is_run_and_compared_without_a_word_in_params(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("run", "martinez") == 0, "data are prepared where they need no files"
    assert "no other model of profile tiny is scored" in capsys.readouterr().out
    assert run("new-method", "my_lifter") == 0
    assert sorted(path.name for path in Path("my_lifter").iterdir()) == [
        *("my_lifter.py", "pyproject.toml", "test_my_lifter.py")
    ]
    text = "".join(path.read_text() for path in Path("my_lifter").iterdir())
    assert "steady" not in text
    assert "indow_mlp" not in text
    monkeypatch.syspath_prepend("my_lifter")
    entry = importlib.metadata.EntryPoint("my_lifter", "my_lifter:METHOD", "pose_lifters")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry])
    before = Path("params.yaml").read_bytes()
    capsys.readouterr()
    assert run("run", "my_lifter", "--seeds", "0,1", "--against", "martinez") == 0
    printed = capsys.readouterr().out
    assert "my_lifter has no entry in profile tiny: its own recipe, with epochs 2" in printed
    assert "my_lifter - martinez" in printed
    assert "seeds 0, 1" in printed
    assert "harness tables --profile tiny --with my_lifter --seeds 0,1" in printed
    assert Path("params.yaml").read_bytes() == before
    assert run("run", "my_lifter", "--seeds", "0,1", "--against", "martinez") == 0
    assert "tiny/my_lifter-seed1 is scored already" in capsys.readouterr().out
    # Trained again under the same id, as on another machine: the scores are of other weights.
    record = Path("results/tiny/runs/my_lifter-seed1/run.json")
    told = read_record(record)
    weights = str(told.results["checkpoint_sha256"])
    for path in record.parent.glob("*/**/*.json"):
        path.write_text(path.read_text().replace(weights, "0" * 64))
    assert run("run", "my_lifter", "--seeds", "0,1", "--against", "martinez") == 0
    printed = capsys.readouterr().out
    assert "tiny/my_lifter-seed0 is scored already" in printed
    assert "predicting and scoring tiny/my_lifter-seed1" in printed
    assert run("tables", "--with", "my_lifter", "--seeds", "0,1") == 0
    assert "My Lifter &" in Path("results/tiny/tables/table_01_mpjpe.tex").read_text()
    sys.modules.pop("my_lifter", None)


def test_the_packages_own_test_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(__file__).parents[2] / "examples/third_party_lifter"
    monkeypatch.syspath_prepend(folder)
    import test_window_mlp

    for name, test in list(vars(test_window_mlp).items()):
        if name.startswith("test_"):
            test()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("new-method", "dgnet"), "there is a method of this name"),
        (("new-method", "My-Lifter"), "small letters, digits and underscores"),
        (("run", "dgent"), "did you mean 'dgnet'"),
        (("run", "dgnet", "--seeds", "one"), "expected numbers such as 0,1,2"),
    ],
)
def test_what_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], reason: str
) -> None:
    assert run(*arguments) == 2
    assert reason in capsys.readouterr().err


def test_the_budget_of_a_method_without_an_entry_is_what_half_of_the_others_get() -> None:
    def entry(**training: object) -> dict[str, object]:
        return {"training": training}

    profile = Profile(
        dataset={"name": "synthetic"},  # type: ignore[arg-type]
        input_2d="gt",
        flip_test=True,
        protocols=["h36m17-actionwise"],
        models={  # type: ignore[arg-type]
            "a": entry(epochs=3, steps_per_epoch=250, precision="64-true"),
            "b": entry(epochs=4, steps_per_epoch=60, precision="64-true", select="last"),
            "c": entry(epochs=9, precision="64-true"),
        },
    )
    recipe = Recipe(epochs=40, batch_size=8, learning_rate=0.01)
    assert default_settings(profile, recipe).training == {
        "epochs": 4,
        "steps_per_epoch": 60,
        "precision": "64-true",
    }
    short = Recipe(epochs=2, steps_per_epoch=9, batch_size=8, learning_rate=0.01)
    cut = default_settings(profile, short).training
    assert (cut["epochs"], cut["steps_per_epoch"]) == (2, 9)


def test_a_lifter_without_a_loss_is_refused_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("lossless.py").write_text(
        "from dataclasses import replace\nfrom tiny_lifter import METHOD as OTHER\n"
        "from harness.lifting.contract import Lifter\n"
        "class Lossless(Lifter):\n    def forward(self, inputs): return inputs.keypoints\n"
        "METHOD = replace(OTHER, name='lossless', build=Lossless)\n"
    )
    monkeypatch.syspath_prepend(".")
    entry = importlib.metadata.EntryPoint("lossless", "lossless:METHOD", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry])
    assert run("models", "lossless") == 2
    assert "builds a lifter without loss" in capsys.readouterr().err
