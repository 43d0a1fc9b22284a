import json
import math
import shutil
from pathlib import Path

import pytest
from stored_runs import write_run

from harness.foundation.errors import HarnessError
from harness.reporting.regression.check import as_markdown, check_scores, other_runs
from harness.reporting.regression.reference_update import update_references
from harness.reporting.regression.references import read_references, reference_path

SEEDS = {0: 50.0, 1: 51.0, 2: 52.0}
MEAN = 51.0
# Two models of three seeds, both with variance (1 + 0 + 1) / 2 = 1: four degrees of freedom, whose
# 99.5 % point of Student's t is 4.604 in the printed tables; two runs differ with variance 2.
TOLERANCE = 4.604 * 2**0.5


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seeds of two models with references made from them."""
    results = tmp_path_factory.mktemp("results")
    for seed, value in SEEDS.items():
        write_run(results, "dgnet", seed, mpjpe=value, p_mpjpe=40.0)
        write_run(results, "semgcn", seed, mpjpe=value + 10)
    update_references("quick", results, ["dgnet", "semgcn"])
    return results


@pytest.fixture
def results(unchanged: Path, tmp_path: Path) -> Path:
    """A copy of those results for one test to change."""
    return Path(shutil.copytree(unchanged, tmp_path / "results"))


def verdicts(results: Path, seeds: tuple[int, ...] = (0, 1, 2)) -> dict[tuple[str, str], str]:
    findings = check_scores("quick", seeds, results=results)
    return {(item.model, item.metric or ""): item.verdict for item in findings}


def test_a_reference_holds_the_mean_the_spread_and_how_it_was_obtained(results: Path) -> None:
    reference = read_references(reference_path("quick", results), "quick").models["dgnet"]
    (stored,) = reference.values()
    value = stored.metrics["MPJPE"]
    assert value.value == pytest.approx(MEAN)
    assert value.tolerance == pytest.approx(TOLERANCE, abs=0.01)
    assert value.by_seed == SEEDS
    assert (value.better, value.unit) == ("lower", "mm")
    assert stored.metrics["P-MPJPE"].tolerance == 0.5  # no spread at all: the least tolerance
    assert "seeds of 2 models (4 degrees of freedom)" in value.tolerance_from
    run = json.loads((results / "quick/runs/dgnet-seed1/run.json").read_text())
    assert stored.obtained.runs[1] == run["run_id"]
    assert stored.obtained.versions == run["versions"]
    assert stored.conditions["data_hash"] == "d" * 64
    assert stored.conditions["protocol"] == "h36m17-actionwise"
    assert stored.conditions["frames_scored"] == 80


def test_unchanged_scores_pass(results: Path) -> None:
    assert set(verdicts(results).values()) == {"as before"}


def test_a_degradation_beyond_the_tolerance_is_worse_and_within_it_is_not(results: Path) -> None:
    for seed, value in SEEDS.items():
        write_run(results, "dgnet", seed, mpjpe=value + TOLERANCE + 0.05, p_mpjpe=40.45)
    found = verdicts(results)
    assert found["dgnet", "MPJPE"] == "worse"
    assert found["dgnet", "P-MPJPE"] == "as before"
    assert found["semgcn", "MPJPE"] == "as before"


def test_an_improvement_beyond_the_tolerance_passes_and_asks_for_an_update(results: Path) -> None:
    for seed, value in SEEDS.items():
        write_run(results, "dgnet", seed, mpjpe=value - 6.6)
    findings = check_scores("quick", [0, 1, 2], results=results)
    (better,) = [item for item in findings if item.verdict == "better"]
    assert (better.model, better.metric, better.difference) == ("dgnet", "MPJPE", -6.6)
    assert not any(item.failed for item in findings)
    assert "harness check --update" in better.remark


def test_one_seed_is_compared_with_the_same_seed_s_reference(results: Path) -> None:
    """Seed 0 lies 1 mm below the mean; it must not use that up to hide a degradation."""
    write_run(results, "dgnet", 0, mpjpe=SEEDS[0] + 7)
    finding = check_scores("quick", [0], ["dgnet"], results)[0]
    assert (finding.reference, finding.now, finding.difference) == (50.0, 57.0, 7.0)
    assert finding.verdict == "worse"


def test_a_seed_without_reference_is_compared_with_the_mean(results: Path) -> None:
    write_run(results, "dgnet", 7, mpjpe=MEAN + 1)
    finding = check_scores("quick", [7], ["dgnet"], results)[0]
    assert (finding.reference, finding.difference, finding.verdict) == (MEAN, 1.0, "as before")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data_hash": "9" * 64}, "data_hash is 999999999999, the reference's dddddddddddd"),
        ({"input_2d": "ground_truth"}, "input_2d is ground_truth, the reference's detected"),
        ({"flip_test": False}, "flip_test is False, the reference's True"),
    ],
)
def test_scores_made_under_other_conditions_fail_with_the_reason(
    results: Path, changes: dict, words: str
) -> None:
    write_run(results, "dgnet", 0, **changes)
    (finding,) = check_scores("quick", [0, 1, 2], ["dgnet"], results)
    assert finding.failed
    assert words in finding.remark


def test_a_protocol_of_another_version_fails_with_the_reason(results: Path) -> None:
    path = results / "quick/runs/dgnet-seed0/scores/h36m17-actionwise/score.json"
    header = json.loads(path.read_text())
    header["conditions"]["version"] += 1
    header["conditions"]["definition"] = "0" * 64
    path.write_text(json.dumps(header))
    (finding,) = check_scores("quick", [0], ["dgnet"], results)
    assert finding.failed
    assert "now defined otherwise" in finding.remark


def test_a_missing_score_fails_and_a_damaged_one_too(results: Path) -> None:
    assert verdicts(results, (0, 5))["dgnet", ""] == "not comparable"
    (finding,) = check_scores("quick", [5], ["dgnet"], results)
    assert "no score of seed 5; run 'dvc repro' first" in finding.remark
    table = results / "quick/runs/dgnet-seed0/scores/h36m17-actionwise/sequences.csv"
    table.write_text(table.read_text().replace("50", "40", 1))
    (finding,) = check_scores("quick", [0], ["dgnet"], results)
    assert finding.failed
    assert "was changed after it was written" in finding.remark


def test_a_new_model_is_told_and_an_unknown_one_refused(results: Path) -> None:
    write_run(results, "martinez", 0)
    (finding,) = check_scores("quick", [0], ["martinez"], results)
    assert (finding.verdict, finding.failed) == ("new", False)
    with pytest.raises(HarnessError, match="unknown model with references 'semgnc'; did you mean"):
        check_scores("quick", [0], ["semgnc"], results)


def test_without_references_the_check_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="harness check --profile quick --update") as caught:
        check_scores("quick", [0], results=tmp_path)
    assert caught.value.exit_code == 2


def test_damaged_references_are_one_plain_error(results: Path) -> None:
    path = reference_path("quick", results)
    text = path.read_text()
    path.write_text(text.replace('"tolerance"', '"tolerence"'))
    with pytest.raises(HarnessError, match=r"is not a file of references .* restore it from git"):
        check_scores("quick", [0], results=results)
    path.write_text(text.replace('"profile": "quick"', '"profile": "cmu"'))
    with pytest.raises(HarnessError, match="is of profile cmu, expected quick"):
        check_scores("quick", [0], results=results)


def test_an_update_changes_only_what_changed_and_repeats_itself(results: Path) -> None:
    path = reference_path("quick", results)
    before = path.read_text()
    update_references("quick", results, ["dgnet", "semgcn"])
    assert path.read_text() == before
    for seed, value in SEEDS.items():
        write_run(results, "dgnet", seed, mpjpe=value - 5, p_mpjpe=40.0)
    update_references("quick", results, ["dgnet"])
    after = json.loads(path.read_text())
    old = json.loads(before)
    assert after["models"]["semgcn"] == old["models"]["semgcn"]
    value = after["models"]["dgnet"]["h36m17-actionwise"]["metrics"]["MPJPE"]
    assert value["value"] == pytest.approx(MEAN - 5)
    assert set(verdicts(results).values()) == {"as before"}


def test_references_are_rounded_and_sorted_for_a_readable_diff(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(tmp_path, "dgnet", seed, mpjpe=50 + math.pi / 7 + seed)
    update_references("quick", tmp_path, ["dgnet"])
    text = reference_path("quick", tmp_path).read_text()
    assert '"0": 50.45,' in text
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"


def test_one_seed_takes_the_spread_that_the_file_tells(results: Path) -> None:
    write_run(results, "dgnet", 0, mpjpe=45.0)
    write_run(results, "martinez", 0)
    references = update_references("quick", results, ["dgnet", "martinez"], [0])
    for model in ("dgnet", "martinez"):
        value = references.models[model]["h36m17-actionwise"].metrics["MPJPE"]
        assert value.tolerance == pytest.approx(TOLERANCE, abs=0.01)
        assert "4 degrees of freedom" in value.tolerance_from
    assert references.models["dgnet"]["h36m17-actionwise"].metrics["MPJPE"].value == 45.0


def test_one_seed_alone_makes_no_tolerance(tmp_path: Path) -> None:
    write_run(tmp_path, "martinez", 0)
    with pytest.raises(HarnessError, match=r"'seeds: \[0, 1, 2\]' in params.yaml, run 'dvc repro'"):
        update_references("quick", tmp_path, ["martinez"])


@pytest.mark.parametrize(("count", "own"), [(2, False), (3, False), (4, True)])
def test_four_steady_seeds_and_no_fewer_are_held_to_their_own_spread(
    results: Path, count: int, own: bool
) -> None:
    values = [60.0, 60.1, 60.2, 60.1][:count]
    for seed, value in enumerate(values):
        write_run(results, "martinez", seed, mpjpe=value)
    references = update_references("quick", results, ["martinez"], range(count))
    value = references.models["martinez"]["h36m17-actionwise"].metrics["MPJPE"]
    if own:  # variance 0.02 / 3, three degrees of freedom: 5.841 in the printed tables
        assert value.tolerance == pytest.approx(5.841 * (2 * 0.02 / 3) ** 0.5, abs=0.01)
        assert "seeds of 1 model (3 degrees of freedom)" in value.tolerance_from
    else:
        assert value.tolerance > 4
        assert "seeds of 3 models" in value.tolerance_from


def test_seeds_that_were_not_made_alike_make_no_reference(results: Path) -> None:
    before = reference_path("quick", results).read_text()
    write_run(results, "dgnet", 1, code="0" * 64)
    with pytest.raises(HarnessError, match=r"dgnet under .*: seeds 0 and 1 differ in code"):
        update_references("quick", results, ["dgnet"])
    write_run(results, "dgnet", 1, width=16)
    with pytest.raises(HarnessError, match="differ in parameters"):
        update_references("quick", results, ["dgnet"])
    assert reference_path("quick", results).read_text() == before


def test_a_model_without_scores_makes_no_reference(results: Path) -> None:
    with pytest.raises(HarnessError, match="martinez has no score of any seed"):
        update_references("quick", results, ["martinez"])
    with pytest.raises(HarnessError, match="dgnet has no score of seed 4"):
        update_references("quick", results, ["dgnet"], [0, 4])


def test_the_table_names_what_failed(results: Path) -> None:
    write_run(results, "dgnet", 0, mpjpe=60.0)
    findings = check_scores("quick", [0], results=results)
    (row,) = [line for line in as_markdown(findings).splitlines() if "**worse**" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:8] == [
        *("dgnet", "h36m17-actionwise", "MPJPE"),
        *("50.00", "60.00", "+10.00", "6.51", "**worse**"),
    ]
    assert findings[0].told == (
        "MPJPE under h36m17-actionwise is 60.00, the reference's 50.00 (tolerance 6.51): worse"
    )


@pytest.mark.parametrize(("seed", "mpjpe"), [(0, 50.2), (0, 49.8), (3, 50.0)])
def test_runs_in_float64_are_held_to_a_tenth_of_a_millimetre_both_ways(
    tmp_path: Path, seed: int, mpjpe: float
) -> None:
    write_run(tmp_path, "dgnet", 0, mpjpe=50.0, precision="64-true")
    references = update_references("quick", tmp_path, ["dgnet"])  # one seed is enough
    value = references.models["dgnet"]["h36m17-actionwise"].metrics["MPJPE"]
    assert value.tolerance == 0.1
    assert value.exact
    write_run(tmp_path, "dgnet", 0, mpjpe=50.09, precision="64-true")
    assert not any(item.failed for item in check_scores("quick", [0], results=tmp_path))
    write_run(tmp_path, "dgnet", seed, mpjpe=mpjpe, precision="64-true")
    finding = check_scores("quick", [seed], results=tmp_path)[0]
    expected = "not comparable" if seed else "worse" if mpjpe > 50 else "changed"
    assert (finding.verdict, finding.failed) == (expected, True)


def test_runs_other_than_those_of_the_references_are_told(results: Path) -> None:
    assert other_runs("quick", results=results) == []
    write_run(results, "dgnet", 1, mpjpe=51.0, code="0" * 64)
    (line,) = other_runs("quick", results=results)
    assert line.startswith("dgnet seed 1: the run is dgnet-")
    assert "its reference was made from dgnet-" in line
