"""Comparisons tell the differences, what they rest on, and refuse what cannot be compared."""

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scored_sets import TWELVE_TAKES, make_run, make_set

from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.prediction.stored import read_predictions, write_predictions
from harness.reporting.comparison import Comparison, compare_models
from harness.reporting.comparison_text import as_csv, as_json, as_markdown, conditions
from harness.reporting.page.boards import differences
from harness.reporting.stored.scored_runs import ScoredModel, find_scored_model
from harness.scoring.protocols import protocol_called
from harness.scoring.score import score_predictions
from harness.scoring.stored_score import read_score

PROTOCOL = "h36m17-actionwise"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    return make_set(tmp_path_factory.mktemp("data") / "made", takes=TWELVE_TAKES)


@pytest.fixture(scope="module")
def results(prepared: PreparedSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    make_run(folder, prepared, "dgnet", seed=0, noise=0.05)
    make_run(folder, prepared, "dgnet", seed=1, noise=0.06)
    make_run(folder, prepared, "semgcn", seed=0, noise=0.08, flip_test=False)
    make_run(folder, prepared, "semgcn", seed=1, noise=0.09, flip_test=False)
    make_run(folder, prepared, "martinez", seed=0, noise=0.05)
    return folder


@pytest.fixture
def own(results: Path, tmp_path: Path) -> Path:
    """A copy of the results that a test may spoil."""
    return Path(shutil.copytree(results, tmp_path / "results"))


def find(results: Path, *names: str, seeds: tuple[int, ...] = ()) -> list[ScoredModel]:
    return [find_scored_model(name, "quick", PROTOCOL, results, seeds) for name in names]


@pytest.fixture(scope="module")
def comparison(results: Path) -> Comparison:
    return compare_models(find(results, "dgnet", "semgcn", "martinez"))


def stored(results: Path, run: str) -> dict[str, float]:
    return json.loads((results / f"quick/runs/{run}/scores/{PROTOCOL}/metrics.json").read_text())


def test_values_are_those_of_the_scores_averaged_over_seeds(
    comparison: Comparison, results: Path
) -> None:
    zero, one = stored(results, "dgnet-seed0"), stored(results, "dgnet-seed1")
    semgcn = [stored(results, f"semgcn-seed{seed}") for seed in (0, 1)]
    rows = {row.label: row for row in comparison.rows}
    assert list(rows) == ["Eating", "WalkDog", "Walking"]
    for label, row in {**rows, "average": comparison.average}.items():
        key = "MPJPE" if label == "average" else f"MPJPE/{label}"
        assert row.values[0] == pytest.approx((zero[key] + one[key]) / 2)
        assert row.values[1] == pytest.approx((semgcn[0][key] + semgcn[1][key]) / 2)
        assert row.differences[0].value == pytest.approx(row.values[1] - row.values[0])
        assert row.frames == sum(n for _, a, _, n in TWELVE_TAKES if label in (a, "average")) * 2


def test_a_clear_difference_is_seen_and_equal_models_are_not_told_apart(
    comparison: Comparison,
) -> None:
    worse = comparison.average.differences[0]
    assert worse.low is not None
    assert 0 < worse.low < worse.value
    p_values = comparison.average.p_values
    assert p_values[0] is not None
    assert p_values[0] < 0.05
    for row in comparison.rows:
        assert row.p_values[0] is not None
        assert row.differences[0].p_value is not None
        assert row.p_values[0] >= row.differences[0].p_value


def test_four_takes_of_one_seed_are_not_tested(comparison: Comparison) -> None:
    assert [row.p_values[1] for row in comparison.rows] == [None] * 3
    walking = next(line for line in as_markdown(comparison).splitlines() if "| Walking" in line)
    assert "no test: 4 takes" in walking
    assert "1.0000" not in walking


def test_a_single_seed_earns_no_star_and_the_reason_is_told(results: Path) -> None:
    found = compare_models(find(results, "semgcn", "dgnet", seeds=(0,)))
    assert found.average.p_values[0] is not None
    assert found.average.p_values[0] < 0.01
    assert not found.average.significant(0)
    text = as_markdown(found)
    assert "no * where one of two models has a single seed (semgcn, dgnet)" in text
    assert "stored too but not among the seeds chosen: 1 (--seeds all)" in text


def test_the_page_marks_what_the_table_marks(results: Path, comparison: Comparison) -> None:
    one_seed = compare_models(find(results, "semgcn", "dgnet", seeds=(0,)))
    for compared, marked in ((comparison, True), (one_seed, False)):
        assert compared.average.significant(0) is marked
        average, *_ = differences(compared)["rows"]
        assert average["cells"][0]["significant"] is marked


def test_a_root_at_zero_is_told_and_not_tested(own: Path, prepared: PreparedSet) -> None:
    folder = make_run(own, prepared, "rooted")
    table = folder / f"scores/{PROTOCOL}"
    predictions = read_predictions(folder / "predictions")
    forced = np.array(predictions.positions)
    forced[:, prepared.skeleton.root] = 0.0
    shutil.rmtree(folder / "predictions")
    clips = prepared.select("test")
    write_predictions(folder / "predictions", predictions.contract, clips, forced)
    made = read_predictions(folder / "predictions")
    score_predictions(made, prepared, protocol_called(PROTOCOL), table, force=True)
    found = compare_models(find(own, "semgcn-seed0", "rooted"), by="joint")
    (root,) = (row for row in found.rows if row.forced)
    assert (root.label, root.forced, root.p_values) == ("Hip", ("rooted",), (None,))
    text = as_markdown(found)
    assert "no test: root at zero" in text
    assert "Hip: no skill. The truth at the root is zero by definition and rooted puts it" in text
    assert "by definition" not in as_markdown(compare_models(find(own, "semgcn-seed0", "rooted")))


def test_rows_by_subject_come_in_the_order_people_count(results: Path) -> None:
    found = compare_models(find(results, "dgnet", "semgcn"), by="subject")
    assert [row.label for row in found.rows] == ["S9", "S11"]


def test_rows_by_joint_average_to_the_final_number(results: Path) -> None:
    found = compare_models(find(results, "dgnet", "semgcn"), by="joint")
    assert len(found.rows) == 17
    assert np.mean([row.values[1] for row in found.rows]) == pytest.approx(found.average.values[1])
    pck = compare_models(find(results, "dgnet", "semgcn"), "PCK@150mm", by="joint")
    assert len(pck.rows) == 14


def test_the_table_shows_values_differences_and_marks(comparison: Comparison) -> None:
    lines = as_markdown(comparison).splitlines()
    assert [cell.strip() for cell in lines[0].strip("|").split("|")][:4] == [
        "action",
        "dgnet",
        "semgcn",
        "semgcn - dgnet",
    ]
    average = next(line for line in lines if line.startswith("| **average**"))
    assert f"**{comparison.average.values[0]:.1f}**" in average
    assert f"**{comparison.average.differences[0].value:+.1f}**" in average
    walking = next(line for line in lines if line.startswith("| Walking"))
    assert [line.strip("|").split("|")[6].strip() for line in (average, walking)] == ["*", "*"]
    assert [line.strip("|").split("|")[11].strip() for line in (average, walking)] == ["", ""]


def test_the_conditions_stand_below(comparison: Comparison, prepared: PreparedSet) -> None:
    text = "\n".join(conditions(comparison))
    for fact in (
        "data set made",
        prepared.data_hash[:12],
        "h36m17-actionwise, version 1",
        "17 joints",
        "2D source gt",
        f"{2 * sum(take[3] for take in TWELVE_TAKES)} frames scored in 24 clips of 12 takes",
        "flip at test on",
        "flip at test off",
        "predicted without flip at test, the protocol's source with",
        "window 4",
        "epochs 3, batch_size 64, learning_rate 0.001",
        "epoch kept 2 of 3 (best on validation clips), 2 of 3 (best on validation clips)",
        "seeds 0, 1",
        "dgnet-0000000000, dgnet-0000000001",
    ):
        assert fact in text, fact


def test_csv_and_json_carry_every_digit_and_the_runs(comparison: Comparison) -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(comparison))))
    content = json.loads(as_json(comparison))
    assert len(lines) == len(content["rows"]) == 4 * 3
    last = lines[-2]
    assert (last["action"], last["model"]) == ("average", "semgcn")
    assert float(last["value"]) == comparison.average.values[1]
    assert float(last["low"]) == comparison.average.differences[0].low
    assert last["run_ids"] == "semgcn-0000000000 semgcn-0000000001"
    assert lines[0]["difference"] == ""
    assert content["rows"][0]["difference"] is None


def test_one_take_prints_an_empty_interval_never_nan(tmp_path: Path) -> None:
    prepared = make_set(tmp_path / "set", takes=(("S9", "Walking", "1", 10),))
    make_run(tmp_path / "results", prepared, "dgnet")
    make_run(tmp_path / "results", prepared, "semgcn")
    found = compare_models(find(tmp_path / "results", "dgnet", "semgcn"))
    for text in (as_markdown(found), as_csv(found), as_json(found)):
        assert "nan" not in text.lower().replace("scanning", "")
    assert as_markdown(found).splitlines()[2].split("|")[5].strip() == ""


def test_seeds_can_be_chosen_and_runs_named(results: Path) -> None:
    (chosen,) = find(results, "dgnet", seeds=(1,))
    assert [run.name for run in chosen.runs] == ["quick/dgnet-seed1"]
    folder = results / "quick/runs/dgnet-seed0"
    for name in ("dgnet-seed0", str(folder)):
        (found,) = find(results, name)
        assert [run.name for run in found.runs] == ["quick/dgnet-seed0"]
    elsewhere = find_scored_model("quick/dgnet-seed0", "paper", PROTOCOL, results)
    assert elsewhere.runs[0].name == "quick/dgnet-seed0"


@pytest.mark.parametrize(
    ("names", "seeds", "reason"),
    [
        (("dgent",), (), "did you mean 'dgnet'.*known: dgnet, martinez, semgcn"),
        (("dgnet",), (7,), r"no run with these seeds .*\(there: 0, 1\)"),
        (("other/dgnet-seed0",), (), "unknown run"),
    ],
)
def test_unknown_names_are_answered_with_what_is_there(
    results: Path, names: tuple[str, ...], seeds: tuple[int, ...], reason: str
) -> None:
    with pytest.raises(HarnessError, match=reason):
        find(results, *names, seeds=seeds)


def test_an_unscored_protocol_is_answered_with_those_scored(results: Path) -> None:
    with pytest.raises(
        HarnessError, match=r"not scored under h36m16-semgcn \(scored under: h36m17"
    ):
        find_scored_model("dgnet", "quick", "h36m16-semgcn", results)


@pytest.mark.parametrize("names", [("dgnet",), ("dgnet", "dgnet")])
def test_there_must_be_two_models(results: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(HarnessError, match="two or more different models"):
        compare_models(find(results, *names))


def test_an_unknown_metric_or_another_data_set_is_refused(results: Path) -> None:
    models = find(results, "dgnet", "semgcn")
    with pytest.raises(HarnessError, match="did you mean 'MPJPE'"):
        compare_models(models, "MPJPEE")
    with pytest.raises(HarnessError, match="quick/dgnet-seed0 is of data set made, not of h36m"):
        compare_models(models, dataset="h36m")


def test_whose_labels_a_model_learnt_from_is_told(own: Path, prepared: PreparedSet) -> None:
    make_run(own, prepared, "wsgcn", network={"labelled_subjects": ["S1"]})
    told = conditions(compare_models(find(own, "dgnet", "wsgcn")))
    (full,) = (sentence for sentence in told if sentence.startswith("dgnet:"))
    (weak,) = (sentence for sentence in told if sentence.startswith("wsgcn:"))
    assert "learnt from all training clips;" in full
    assert "learnt from all training clips, 3D labels of S1 alone;" in weak


def _other_2d(results: Path, prepared: PreparedSet) -> None:
    make_run(results, prepared, "odd", input_2d="cpn", trained_on_2d="cpn")


def _corrupted(results: Path, prepared: PreparedSet) -> None:
    make_run(results, prepared, "odd", corruption={"kind": "gaussian", "sigma_px": 5})


def _other_data(results: Path, prepared: PreparedSet) -> None:
    other = make_set(results.parent / "other", takes=TWELVE_TAKES, seed=1)
    make_run(results, other, "odd")


def _fewer_frames(results: Path, prepared: PreparedSet) -> None:
    other = make_set(results.parent / "other", takes=TWELVE_TAKES[:-1])
    make_run(results, other, "odd")


def _other_protocol(results: Path, prepared: PreparedSet) -> None:
    folder = make_run(results, prepared, "odd", protocol="h36m17-framewise")
    (folder / "scores/h36m17-framewise").rename(folder / f"scores/{PROTOCOL}")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_other_2d, "2D source differs: gt and cpn"),
        (_corrupted, "corruption of the 2D input differs: none and"),
        (_other_data, "data hash differs"),
        (_fewer_frames, "frames scored differs"),
        (_other_protocol, "protocol differs: h36m17-actionwise version 1 and h36m17-framewise"),
    ],
)
def test_unlike_conditions_are_refused_with_the_reason(
    own: Path, prepared: PreparedSet, spoil: object, reason: str
) -> None:
    spoil(own, prepared)  # type: ignore[operator]
    with pytest.raises(HarnessError, match=reason):
        compare_models(find(own, "dgnet-seed0", "odd"))


def test_runs_of_one_model_must_differ_in_nothing_but_the_seed(
    own: Path, prepared: PreparedSet
) -> None:
    make_run(own, prepared, "dgnet", seed=2, learning_rate=0.01)
    with pytest.raises(HarnessError, match=r"learning_rate differs: 0\.001 and 0\.01"):
        find(own, "dgnet")


def test_scores_older_than_their_run_are_refused(own: Path) -> None:
    record = own / "quick/runs/semgcn-seed0/run.json"
    record.write_text(record.read_text().replace("semgcn-0000000000", "semgcn-1111111111"))
    with pytest.raises(HarnessError, match="was trained again"):
        find(own, "semgcn")


def test_an_edited_score_is_refused(own: Path) -> None:
    table = own / f"quick/runs/semgcn-seed0/scores/{PROTOCOL}/sequences.csv"
    table.write_text(table.read_text().replace("1", "0", 1))
    with pytest.raises(HarnessError, match="was changed after it was written"):
        read_score(table.parent)
