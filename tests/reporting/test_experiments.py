"""Tables VI to XI, figure 5 and reproduction.md from folders of finished cells, made by hand."""

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from stored_runs import write_score
from tiny_project import tiny_params

from harness.cli.main import main
from harness.experiments.grid import Cell, resolve_cells
from harness.experiments.settings import Evaluation
from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json, write_json
from harness.foundation.history import EpochRecord, write_history
from harness.foundation.provenance import collect, write_record
from harness.foundation.settings import Settings, load_settings
from harness.prediction.stored import PredictionContract
from harness.reporting.grids.ablations import TABLES
from harness.reporting.grids.cells import grid_cells
from harness.reporting.grids.experiments import (
    EXPERIMENTS,
    experiment_reproduction,
    write_experiment,
)
from harness.reporting.paper_audit import write_reproduction

ROOT = Path(__file__).parents[2]
Error = Callable[[Cell, Evaluation], float]


@pytest.fixture(autouse=True)
def _away_from_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each record would read dvc.lock, which takes a second of it."""
    monkeypatch.chdir(tmp_path)


def settings_of(**grids: dict[str, Any]) -> Settings:
    return Settings(**tiny_params(), experiments=list(grids), grids=grids)


def neighbours(*counts: int) -> dict[str, Any]:
    variations = {f"DSG-K{count}": {"network.spatial_neighbours": count} for count in counts}
    return {"profile": "tiny", "models": ["dgnet"], "variations": variations}


def write_cells(
    settings: Settings, grid: str, results: Path, error: Error, dataset: str = "synthetic"
) -> None:
    """Write every cell of a grid as finished, each evaluation wrong by `error` mm everywhere."""
    for cell in resolve_cells(settings, grid):
        folder = results / "tiny/grids" / grid / cell.name
        record = collect(
            run=f"tiny-{grid}/{cell.name}",
            kind="train",
            model=cell.model,
            seed=cell.seed,
            parameters={"network": cell.network, "training": RECIPE},
            dataset=dataset,
            data_hash="d" * 64,
            code="c" * 64,
        )
        write_record(folder / "run.json", record.ended("finished", {"parameters": 1234}, 1.0))
        for evaluation in cell.evaluations:
            contract = PredictionContract(
                model=cell.model,
                run_id=record.run_id,
                checkpoint_sha256="a" * 64,
                dataset=dataset,
                data_hash="d" * 64,
                input_2d=cell.input_2d,
                trained_on_2d=cell.input_2d,
                split=evaluation.split,
                skeleton="h36m17",
                frames=4,
                predicts="all",
                flip_test=True,
                uses_root_depth=False,
                seed=cell.seed,
                corruption=evaluation.corruption,
            )
            value = error(cell, evaluation)
            write_score(folder / "evaluations" / evaluation.name / "scores", contract, value, value)
        write_json(folder / "cell.json", cell.model_dump(mode="json"))
        write_json(folder / "done.json", {"key": "k", "run_id": record.run_id})


RECIPE = {
    "epochs": 2,
    "steps_per_epoch": 2,
    "batch_size": 8,
    "learning_rate": 0.001,
    "select": "last",
}


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def errors_by_variation(**values: float) -> Error:
    return lambda cell, evaluation: values[cell.variation.replace("-", "_")]


def test_a_measured_number_stands_beside_the_printed_one_and_the_rest_is_counted(
    tmp_path: Path,
) -> None:
    settings = settings_of(neighbours=neighbours(1, 3))
    write_cells(settings, "neighbours", tmp_path, errors_by_variation(DSG_K1=60.0, DSG_K3=70.0))
    page, table, _ = write_experiment(settings, "neighbours", "tiny", tmp_path)
    lines = rows_of(table)
    assert [(line["layer"], line["K"], line["printed"], line["measured"]) for line in lines] == [
        ("DSG", "1", "47.3", "60.000"),
        ("DSG", "3", "45.3", "70.000"),
        ("DSG", "5", "48.2", ""),
        ("DSG", "7", "50.8", ""),
        ("DTG", "1", "48.0", ""),
        ("DTG", "3", "46.5", ""),
        ("DTG", "5", "47.3", ""),
        ("DTG", "7", "49.2", ""),
    ]
    assert {line["difference"] for line in lines} == {""}, "another data set has no difference"
    assert {line["measured_on"] for line in lines} == {"synthetic", ""}
    text = page.read_text()
    assert "printed, `h36m`" in text
    assert "measured here, `synthetic`" in text
    assert "2 of 8 cells measured" in text
    assert "(-1.00 to -1.00)" not in text, "one pair gives no interval"
    assert "0 of 1 pairs stand as printed, Kendall's tau -1.00" in text
    assert "no such cell or test in this profile's grid: DSG 5; DSG 7" in text


def test_on_human36m_the_difference_is_printed(tmp_path: Path) -> None:
    settings = settings_of(neighbours=neighbours(1, 3))
    errors = errors_by_variation(DSG_K1=60.0, DSG_K3=44.0)
    write_cells(settings, "neighbours", tmp_path, errors, dataset="h36m")
    _, table, _ = write_experiment(settings, "neighbours", "tiny", tmp_path)
    assert [line["difference"] for line in rows_of(table)][:3] == ["+12.7", "-1.3", ""]
    found = experiment_reproduction(settings, "neighbours", "tiny", tmp_path)
    assert found.differences == pytest.approx((12.7, -1.3))
    assert (found.printed, found.measured) == (8, 2)


def test_a_cell_of_other_settings_than_todays_is_not_shown(tmp_path: Path) -> None:
    write_cells(settings_of(neighbours=neighbours(3)), "neighbours", tmp_path, lambda *_: 50.0)
    changed = neighbours(3)
    changed["training"] = {"epochs": 7}
    found = grid_cells(settings_of(neighbours=changed), "neighbours", "tiny", tmp_path)
    assert found.missing == {"DSG-K3-dgnet-seed0": "run under settings other than today's"}
    spelt_out = neighbours(3)
    spelt_out["network"] = {"temporal_neighbours": 4}
    found = grid_cells(settings_of(neighbours=spelt_out), "neighbours", "tiny", tmp_path)
    assert list(found.finished) == ["DSG-K3-dgnet-seed0"]


def test_cells_scored_on_different_data_are_refused(tmp_path: Path) -> None:
    settings = settings_of(neighbours=neighbours(1, 3))
    write_cells(settings, "neighbours", tmp_path, lambda *_: 50.0)
    path = next(tmp_path.glob("tiny/grids/neighbours/DSG-K1*/**/score.json"))
    header = read_json(path)
    header["conditions"]["predictions"]["data_hash"] = "f" * 64
    write_json(path, header)
    with pytest.raises(HarnessError, match="scored on different data"):
        write_experiment(settings, "neighbours", "tiny", tmp_path)


def noise_grid() -> dict[str, Any]:
    return {
        "profile": "tiny",
        "models": ["martinez", "dgnet"],
        "input_2d": "gt",
        "evaluations": [
            {"name": "exact"},
            {"name": "5px", "draws": 2, "corruption": {"kind": "gaussian", "sigma_px": 5.0}},
            {"name": "drop", "corruption": {"kind": "dropout", "probability": 0.2}},
        ],
    }


def noisy(cell: Cell, evaluation: Evaluation) -> float:
    corruption = evaluation.corruption or {}
    base = {"martinez": 40.0, "dgnet": 30.0}[cell.model]
    return base + corruption.get("sigma_px", 0.0) + 2.0 * corruption.get("draw", 0)


def test_noise_is_averaged_over_draws_and_our_corruptions_stand_without_print(
    tmp_path: Path,
) -> None:
    settings = settings_of(noise=noise_grid())
    write_cells(settings, "noise", tmp_path, noisy)
    page, table, latex, figure, _ = write_experiment(settings, "noise", "tiny", tmp_path)
    found = {
        (line["corruption"], line["size"], line["method"]): (line["printed"], line["measured"])
        for line in rows_of(table)
    }
    assert found["Gaussian noise", "0 px", "dgnet"] == ("24.17", "30.000")
    assert found["Gaussian noise", "5 px", "dgnet"] == ("31.86", "36.000")
    assert found["Gaussian noise", "5 px", "martinez"] == ("46.65", "46.000")
    assert found["Gaussian noise", "5 px", "Moreno-Noguer"] == ("67.11", "")
    assert found["Gaussian noise", "10 px", "dgnet"] == ("38.63", "")
    assert found["missing joints", "20 %", "dgnet"] == ("", "30.000")
    by_draw = {line["method"]: line["by_draw"] for line in rows_of(table) if " " in line["by_draw"]}
    assert by_draw["dgnet"] == "35.000 37.000"
    measured = page.read_text().partition("## Measured here")[2]
    (line,) = (line for line in measured.splitlines() if "| 5 px " in line)
    assert [cell.strip() for cell in line.split("|")[3:-1]] == ["*46.0*", "**36.0**"]
    assert "Gaussian noise & 5 px &" in latex.read_text()
    assert figure.read_bytes().startswith(b"\x89PNG")
    reproduced = experiment_reproduction(settings, "noise", "tiny", tmp_path)
    assert (reproduced.printed, reproduced.measured) == (10, 4)
    assert reproduced.agreement is not None
    assert (reproduced.agreement.agreeing, reproduced.agreement.pairs) == (2, 2)


def cross_action_grid() -> dict[str, Any]:
    return {
        "profile": "tiny",
        "models": ["dgnet", "fsg_ftg"],
        "axes": {"train_actions": [["Walking"], ["Sitting"]]},
        "evaluations": [{"name": "test"}, {"name": "held_out", "split": "validation"}],
    }


def test_cross_action_has_a_matrix_a_model_and_checks_the_claim_of_the_figure(
    tmp_path: Path,
) -> None:
    def error(cell: Cell, evaluation: Evaluation) -> float:
        worse = cell.model == "fsg_ftg" and cell.train_actions == ["Walking"]
        return 50.0 + 20.0 * worse + 5.0 * (evaluation.split == "validation")

    settings = settings_of(cross_action=cross_action_grid())
    write_cells(settings, "cross_action", tmp_path, error)
    page, table, _, *figures = write_experiment(settings, "cross_action", "tiny", tmp_path)
    found = {
        (line["model"], line["trained_on"], line["tested_on"], line["split"]): line["measured"]
        for line in rows_of(table)
    }
    assert found["fsg_ftg", "Walking", "Sitting", "test"] == "70.000"
    assert found["dgnet", "Sitting", "average", "test"] == "50.000"
    assert found["dgnet", "Sitting", "Walking", "validation"] == "55.000"
    assert [path.suffix for path in figures] == [".png", ".pdf"] * 2
    assert "1 of 2 pairs stand as claimed" in page.read_text()
    reproduced = experiment_reproduction(settings, "cross_action", "tiny", tmp_path)
    assert (reproduced.printed, reproduced.measured) == (45, 4)


def size_grid() -> dict[str, Any]:
    sizes = {f"channels-{count}": {"network.channels": count} for count in (16, 8, 32)}
    return {"profile": "tiny", "models": ["fsg_ftg", "dgnet"], "seeds": [0, 1], "variations": sizes}


def test_the_claim_stands_step_by_step_and_its_growth_below(tmp_path: Path) -> None:
    def error(cell: Cell, evaluation: Evaluation) -> float:
        gain = {8: 0.0, 16: 1.0, 32: 5.0}[cell.network["channels"]]
        return 60.0 - gain * (cell.model == "dgnet") + cell.seed * (cell.network["channels"] == 16)

    settings = settings_of(size=size_grid())
    write_cells(settings, "size", tmp_path, error)
    page, table, _, *figures = write_experiment(settings, "size", "tiny", tmp_path)
    lines = {line["step"]: line for line in rows_of(table)}
    assert list(lines) == ["channels-8", "channels-16", "channels-32", "growth"]
    assert [float(line["difference"]) for line in lines.values()] == pytest.approx([0, -1, -5, -5])
    assert lines["growth"]["what"] == "channels-32 minus channels-8"
    assert lines["channels-16"]["seeds"] == "0 1"
    assert lines["growth"]["low"] == lines["growth"]["high"] == "-5.0000"
    text = page.read_text()
    assert "3 of 3 steps measured" in text
    assert "16 channels, blocks: 1" in text
    assert "No interval over subjects: the takes are of 1 subject," in text
    assert [path.suffix for path in figures] == [".png", ".pdf"]
    assert "size" not in write_reproduction(settings, "tiny", tmp_path).read_text()


def test_a_step_of_fewer_seeds_stands_but_growth_ends_before_it(tmp_path: Path) -> None:
    settings = settings_of(size=size_grid())
    write_cells(settings, "size", tmp_path, lambda cell, _: 50.0 + cell.network["channels"])
    for folder in (tmp_path / "tiny/grids/size").glob("channels-32-*-seed1"):
        (folder / "done.json").unlink()
    _, table, *_ = write_experiment(settings, "size", "tiny", tmp_path)
    lines = {line["step"]: line for line in rows_of(table)}
    assert lines["channels-32"]["seeds"] == "0"
    assert lines["growth"]["what"] == "channels-16 minus channels-8"


def test_a_step_of_which_a_cell_lacks_is_counted_and_named(tmp_path: Path) -> None:
    grid = size_grid() | {
        "variations": {
            "all": {},
            "half": {"train_subjects": ["S1"]},
            "quarter": {"models": ["dgnet"]},
        }
    }
    settings = settings_of(subjects=grid)
    write_cells(settings, "subjects", tmp_path, lambda cell, _: 50.0)
    page, table, *_ = write_experiment(settings, "subjects", "tiny", tmp_path)
    assert [line["step"] for line in rows_of(table)] == ["half", "all", "growth"]
    assert "1 subject: S1" in page.read_text()
    assert "2 of 3 steps measured" in page.read_text()


def test_every_table_of_the_shipped_grids_finds_its_cells(tmp_path: Path) -> None:
    """A variation that params.yaml renames would silently leave its line empty."""
    settings = load_settings(ROOT / "params.yaml")
    for grid in EXPERIMENTS:
        cells = grid_cells(settings, grid, "paper", tmp_path)
        there = {(cell.variation, cell.model) for cell in cells.cells}
        if grid in TABLES:
            table = TABLES[grid](cells)
            wanted = {(cell.variation, cell.model) for cell in table.cells if cell.model}
            assert wanted <= there, f"{grid}: no cells for {wanted - there}"
            assert there - wanted <= {("as_it_is", "dgnet")}, f"{grid}: shown nowhere"


def test_the_page_of_what_was_reproduced_counts_every_table(tmp_path: Path) -> None:
    settings = settings_of(neighbours=neighbours(1, 3), noise=noise_grid())
    write_cells(settings, "neighbours", tmp_path, errors_by_variation(DSG_K1=60.0, DSG_K3=50.0))
    write_experiment(settings, "neighbours", "tiny", tmp_path)
    text = write_reproduction(settings, "tiny", tmp_path).read_text()
    cells = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[3:-1]]
        for line in text.splitlines()
        if line.startswith("| [Table") or line.startswith("| Table")
    }
    place = "experiments/neighbours/table_06_neighbours.md"
    assert cells[f"[Table VI]({place})"][:5] == ["8", "2", "`synthetic`", "", "1 of 1 pairs"]
    assert cells["Table I"][:4] == ["113", "0", "", ""]
    noise = next(value for name, value in cells.items() if "Table X" in name)
    assert noise[:3] == ["10", "0", ""]
    assert cells["Table V"][:3] == ["3", "0", ""]
    assert "10 of 10 numbers were not run" in text
    assert "compared is the order of K within each layer" in text


def test_the_command_writes_and_lists_them(
    tmp_path: Path,
    empty_store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(empty_store, "mlflow.db")
    monkeypatch.delenv("HARNESS_TRACKING", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    grids = {"neighbours": neighbours(1), "noise": noise_grid()}
    params = {**tiny_params(), "experiments": list(grids), "grids": grids}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    write_cells(settings_of(**grids), "neighbours", Path("results"), lambda *_: 50.0)
    for arguments in ([], ["--list"]):
        with pytest.raises(SystemExit) as ended:
            main(["tables", *arguments])
        assert ended.value.code == 0
        printed = capsys.readouterr().out
        assert "results/tiny/experiments/neighbours/table_06_neighbours.md" in printed
        assert "results/tiny/reproduction.md" in printed
        assert "experiments/noise" not in printed, "a grid that was never run has no table"
    (page,) = Path("mlruns").glob("**/artifacts/experiments/neighbours/table_06_neighbours.md")
    (place,) = (path for path in page.parents if path.name == "artifacts")
    assert (place / "reproduction.md").is_file()
    assert (place / "tables/table_01_mpjpe.csv").is_file()


def test_a_profile_that_experiments_are_not_defined_for_has_its_page(tmp_path: Path) -> None:
    settings = load_settings(ROOT / "params.yaml")
    text = write_reproduction(settings, "humaneva", tmp_path).read_text()
    assert f"no cells of {', '.join(settings.experiments)} on this profile" in text
    assert "Table III" in text
    assert "Table VI" not in text


def test_a_grid_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="unknown experiment 'noize'; did you mean 'noise'"):
        write_experiment(settings_of(noise=noise_grid()), "noize", "tiny", tmp_path)


def test_tables_made_elsewhere_are_counted_in_their_csv_files(tmp_path: Path) -> None:
    place = tmp_path / "tiny"
    (place / "tables").mkdir(parents=True)
    (place / "speed").mkdir()
    (place / "tables/table_03_humaneva.csv").write_text(
        "origin,model,dataset,action,metric,value,difference\n"
        "published,dgnet,humaneva,Jog/S1,P-MPJPE,13.7,\n"
        "published,dgnet,humaneva,Jog/S2,P-MPJPE,9.5,\n"
        "derived,dgnet,humaneva,Avg of two,P-MPJPE,11.6,\n"
        "published,,humaneva,Jog/S1,P-MPJPE,14.5,\n"
        "measured,dgnet,humaneva,Jog/S1,P-MPJPE,15.2,+1.5\n"
        "measured,dgnet,humaneva,Avg of two,P-MPJPE,12.6,+1.0\n"
    )
    (place / "tables/table_04_mpi_inf_3dhp.csv").write_text(
        "origin,model,dataset,action,metric,value,difference\n"
        "published,dgnet,mpi_inf_3dhp,Avg,PCK@150mm,87.5,\n"
        "published,dgnet,mpi_inf_3dhp,Avg,MPJPE,76.0,\n"
        "measured,dgnet,mpi_inf_3dhp,Avg,PCK@150mm,77.5,-10.0\n"
        "measured,dgnet,mpi_inf_3dhp,Avg,MPJPE,80.0,+4.0\n"
    )
    (place / "speed/table_05_speed.csv").write_text(
        "origin,model\npublished,dgnet\nmeasured,dgnet\nmeasured,dgnet\nmeasured,videopose3d\n"
    )
    text = write_reproduction(settings_of(), "tiny", tmp_path).read_text()
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    found = rows["[Table III](tables/table_03_humaneva.md)"].split("|")[3:7]
    assert [cell.strip() for cell in found] == ["2", "1", "`humaneva`", "+1.5 (+1.5 to +1.5)"]
    keypoints = rows["[Table IV](tables/table_04_mpi_inf_3dhp.md)"].split("|")[3:7]
    assert [cell.strip() for cell in keypoints] == [
        *("2", "2", "`mpi_inf_3dhp`", "+4.0 (+4.0 to +4.0)")
    ]
    times = rows["[Table V](speed/table_05_speed.md)"].split("|")[3:6]
    assert [cell.strip() for cell in times] == ["3", "2", ""]


def test_a_table_of_cells_that_were_hardly_trained_says_so(tmp_path: Path) -> None:
    settings = settings_of(neighbours=neighbours(1))
    write_cells(settings, "neighbours", tmp_path, lambda *_: 50.0)
    for steps, stamped in ((20, True), (1000, False)):
        for cell in (tmp_path / "tiny/grids/neighbours").glob("*/cell.json"):
            write_history(cell.with_name("history.csv"), [EpochRecord(1, steps, 0.001, 1.0, 50.0)])
        page, *_ = write_experiment(settings, "neighbours", "tiny", tmp_path)
        assert ("**Smoke test.** No cell was trained for more than 20" in page.read_text()) == (
            stamped
        )
