"""`harness compare` and `harness score` as a user runs them."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from scored_sets import make_run, make_set

from harness.cli.compare import compare
from harness.cli.main import main
from harness.cli.score import score
from harness.cli.tables import tables
from harness.datasets.prepared import PreparedSet

PARAMS = """
profile: quick
seeds: [0]
models: [dgnet, semgcn]
profiles:
  quick:
    dataset: {name: synthetic}
    input_2d: gt
    flip_test: true
    protocols: [h36m17-actionwise, h36m16-semgcn]
    models: {dgnet: {}, semgcn: {}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `dvc repro` leaves it: params.yaml, a prepared set, two scored runs."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "params.yaml").write_text(PARAMS)
    prepared = make_set(folder / "data/prepared/quick")
    make_run(folder / "results", prepared, "dgnet", noise=0.05)
    make_run(folder / "results", prepared, "semgcn", noise=0.08)
    return folder


@pytest.fixture(autouse=True)
def _there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("HARNESS_TRACKING", "off")


def run(command: object, *arguments: str) -> Result:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)  # type: ignore[arg-type]
    assert result.exit_code == 0, result.output
    return result


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the whole command line, which must end in one plain error; return it."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert "Traceback" not in error
    return error


def test_compare_takes_profile_and_protocol_from_params() -> None:
    output = run(compare, "dgnet", "semgcn").output
    assert output.startswith("| action")
    assert "| **average**" in output
    assert "protocol h36m17-actionwise, version 1" in output


@pytest.mark.parametrize("by", ["action", "subject", "joint"])
@pytest.mark.parametrize("metric", ["MPJPE", "P-MPJPE", "AUC"])
def test_compare_by_everything(by: str, metric: str) -> None:
    output = run(compare, "dgnet", "semgcn", "--by", by, "--metric", metric, "--format", "json")
    rows = json.loads(output.output)["rows"]
    assert rows[-1][by] == "average"
    larger = rows[-1]["value"] > rows[-2]["value"]
    assert larger == (metric != "AUC"), "semgcn's predictions are the noisier ones"


def test_compare_runs_by_name_and_by_folder() -> None:
    arguments = ("quick/dgnet-seed0", "results/quick/runs/semgcn-seed0")
    output = run(compare, *arguments, "--format", "csv").output
    assert output.splitlines()[0].startswith("action,model,metric,unit,value,difference,low,high,p")


def test_a_model_may_be_named_with_its_profile() -> None:
    own, named = (
        run(compare, name, "semgcn", "--format", "csv") for name in ("dgnet", "quick/dgnet")
    )
    assert named.output == own.output.replace(",dgnet,", ",quick/dgnet,")


def test_compare_and_table_one_take_the_same_seeds(tmp_path: Path) -> None:
    results = tmp_path / "results"
    prepared = PreparedSet(Path("data/prepared/quick"))
    for seed in (0, 1):
        for model, noise in (("dgnet", 0.05), ("semgcn", 0.08)):
            make_run(results, prepared, model, seed=seed, noise=noise + 0.02 * seed)
    values = []
    for seeds in ((), ("--seeds", "all")):
        chosen = ("--results", str(results), *seeds)
        rows = json.loads(run(compare, "dgnet", "semgcn", "--format", "json", *chosen).output)
        value = rows["rows"][-2]["value"]
        run(tables, *chosen)
        with (results / "quick/tables/table_01_mpjpe.csv").open() as stream:
            (average,) = (
                line
                for line in csv.DictReader(stream)
                if (line["model"], line["action"], line["origin"]) == ("dgnet", "Avg", "measured")
            )
        assert float(average["value"]) == pytest.approx(value, abs=0.001)
        values.append(round(value, 3))
    assert values[0] != values[1]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("dgnet", "semgnc"), "did you mean 'semgcn'"),
        (("dgnet", "semgcn", "--protocol", "h36m17"), "unknown protocol 'h36m17'"),
        (("dgnet", "semgcn", "--protocol", "h36m16-semgcn"), "is not scored under h36m16-semgcn"),
        (("dgnet", "semgcn", "--metric", "MPJPEE"), "did you mean 'MPJPE'"),
        (("dgnet", "semgcn", "--dataset", "h36m"), "not of h36m"),
        (("dgnet", "semgcn", "--seeds", "7"), "(there: 0); choose others with --seeds"),
        (("dgnet", "semgcn", "--seeds", "0;1"), "expected numbers such as 0,1,2 or all"),
        (("dgnet", "semgcn", "--profile", "qick"), "did you mean 'quick'"),
        (("dgnet", "semgcn", "--results", "nowhere"), "no run in nowhere/quick/runs"),
    ],
)
def test_compare_refuses_in_one_plain_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], reason: str
) -> None:
    error = refused(capsys, "compare", *arguments)
    assert reason in error
    assert len(error.strip().splitlines()) <= 2


def test_compare_starts_without_torch() -> None:
    code = (
        "import sys; from harness.cli.main import harness; "
        "harness.main(['compare', 'dgnet', 'semgcn'], standalone_mode=False); "
        "heavy = {'torch', 'mlflow', 'matplotlib', 'lightning_fabric'} & sys.modules.keys(); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_score_finds_run_data_and_place_by_the_runs_name() -> None:
    output = run(score, "quick/dgnet-seed0", "--protocol", "h36m16-semgcn").output
    assert "| **average**" in output
    assert "predicted with flip at test, the protocol's source without" in output
    assert Path("results/quick/runs/dgnet-seed0/scores/h36m16-semgcn/score.json").is_file()


def test_score_of_a_folder_of_predictions_needs_its_data(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = "results/quick/runs/dgnet-seed0/predictions"
    protocol = ("--protocol", "h36m17-framewise")
    assert "name the prepared set" in refused(capsys, "score", folder, *protocol)
    out = ("--data", "data/prepared/quick", "--out", str(tmp_path / "out"))
    run(score, folder, *protocol, *out)
    assert (tmp_path / "out/errors.parquet").is_file()
    semgcn = "results/quick/runs/semgcn-seed0/predictions"
    assert "--force" in refused(capsys, "score", semgcn, *protocol, *out)
    run(score, semgcn, *protocol, *out, "--force")


def test_score_refuses_other_data_in_one_plain_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = make_set(tmp_path / "other", seed=1)
    arguments = ("--protocol", "h36m17-actionwise", "--data", str(other.path))
    assert "data hash" in refused(capsys, "score", "quick/dgnet-seed0", *arguments)
