"""MPI-INF-3DHP scores are those of the data set's own MATLAB scorer."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import mpi_inf_3dhp_files as files
import numpy as np
import pytest
from mpi_inf_3dhp_reference import errors_of_sequence, reference
from scored_sets import make_contract, true_poses

from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.prediction.stored import Predictions, read_predictions, write_predictions
from harness.scoring.activities import read_activities
from harness.scoring.averages import averages
from harness.scoring.metrics import metric_called
from harness.scoring.protocols import protocol_called
from harness.scoring.score import score_predictions
from harness.scoring.stored_score import Score

UNIVERSAL = protocol_called("3dhp17-univ-frameweighted")
METRIC = protocol_called("3dhp17-annot3-seqmean")
ACTIVITY_NAMES = (
    "Standing/Walking",
    "Exercising",
    "Sitting",
    "Reaching/Crouching",
    "On The Floor",
    "Sports",
    "Miscellaneous",
)


@pytest.fixture(scope="module")
def testing() -> dict[str, Any]:
    return files.testing()


Case = tuple[PreparedSet, Predictions, dict[str, Any]]


@pytest.fixture(scope="module", params=["univ_annot3", "annot3"])
def case(
    request: pytest.FixtureRequest,
    testing: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Case:
    """A set of one annotation, predictions on it, and the reference's errors by sequence."""
    folder = tmp_path_factory.mktemp("mpi")
    files.write_testing_mat(folder, testing)
    options = {"train_subjects": [], "validation_subjects": [], "annotation": request.param}
    prepare_set("mpi_inf_3dhp", folder, folder / "set", options)
    data = PreparedSet(folder / "set")
    truth = true_poses(data)
    rng = np.random.default_rng(3)
    # Some sequences and frames are harder; the root is off as well.
    spread = np.repeat(np.linspace(0.03, 0.1, len(truth) // 7 + 1), 7)[: len(truth), None, None]
    predicted = (truth + spread * rng.normal(size=truth.shape)).astype(np.float32)
    write_predictions(folder / "p", make_contract(data), data.select("test"), predicted)
    predictions = read_predictions(folder / "p")
    errors = {
        clip.subject: errors_of_sequence(
            predicted[clip.first_row : clip.first_row + clip.frames],
            testing[clip.subject],
            request.param,
        )
        for clip in predictions.clips.itertuples()
    }
    return data, predictions, errors


def scored(case: Case, folder: Path) -> Score:
    data, predictions, _ = case
    protocol = UNIVERSAL if data.manifest.settings["annotation"] == "univ_annot3" else METRIC
    return score_predictions(predictions, data, protocol, folder)


def test_scores_are_those_of_the_official_scorer(case: Case, tmp_path: Path) -> None:
    data, _, errors = case
    score = scored(case, tmp_path / "score")
    by_sequence = {name: reference(values) for name, values in errors.items()}
    pooled = reference(np.concatenate(list(errors.values()), axis=1))
    assert score.header.frames == 2929
    assert 20 < pooled["AUC"] < pooled["PCK@150mm"] < 99
    for metric, over_frames in pooled.items():
        of_sequences = [values[metric] for values in by_sequence.values()]
        mean = sum(of_sequences) / 6
        final = over_frames if score.protocol is UNIVERSAL else mean
        assert abs(over_frames - mean) > 0.05, "the two averages must be told apart"
        assert score.metrics[metric] == pytest.approx(final, abs=1e-3)
        assert score.metrics[f"{metric} (frame-wise)"] == pytest.approx(over_frames, abs=1e-3)
        for name, values in by_sequence.items():
            scene = data.select(subjects=[name])["action"].item()
            found = score.metrics[f"{metric}/{name}/{scene}"]
            assert found == pytest.approx(values[metric], abs=1e-3)


def test_scores_by_scene_pool_its_two_sequences(case: Case, tmp_path: Path) -> None:
    score = scored(case, tmp_path / "score")
    by_scene = replace(score.protocol, groups=("action",))
    scenes = {"Green screen": ("TS1", "TS2"), "Studio": ("TS3", "TS4"), "Outdoor": ("TS5", "TS6")}
    for scene, names in scenes.items():
        pooled = reference(np.concatenate([case[2][name] for name in names], axis=1))
        for metric, value in pooled.items():
            found = averages(score.sequences, metric_called(metric), by_scene).groups[scene]
            assert found == pytest.approx(value, abs=1e-3)


def test_scores_by_activity_are_those_of_the_official_scorer(
    case: Case, tmp_path: Path, testing: dict[str, Any]
) -> None:
    scored(case, tmp_path / "score")
    table = read_activities(tmp_path / "score").set_index(["activity", "metric"])
    labels = np.concatenate(
        [
            testing[name]["activity_annotation"][testing[name]["valid_frame"] == 1]
            for name in case[2]
        ]
    )
    everything = np.concatenate(list(case[2].values()), axis=1)
    for code, name in enumerate(ACTIVITY_NAMES, start=1):
        chosen = everything[:, labels == code]
        for metric, value in reference(chosen).items():
            assert table.loc[(name, metric), "frames"] == chosen.shape[1]
            assert table.loc[(name, metric), "value"] == pytest.approx(value, abs=1e-3)
    assert list(table.index.unique("activity")) == list(ACTIVITY_NAMES)
    assert table.xs("MPJPE", level="metric")["frames"].sum() == 2929


def test_each_annotation_has_its_own_protocol(case: Case, tmp_path: Path) -> None:
    data, predictions, _ = case
    other = METRIC if data.manifest.settings["annotation"] == "univ_annot3" else UNIVERSAL
    with pytest.raises(HarnessError, match=f"needs annotation '{other.annotation}'"):
        score_predictions(predictions, data, other, tmp_path / "score")


def test_a_set_that_names_no_activities_has_no_scores_by_activity(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="only a data set that names activities has it"):
        read_activities(tmp_path)
    (tmp_path / "activities.csv").write_text("a,b\n1,2\n")
    with pytest.raises(HarnessError, match="has columns"):
        read_activities(tmp_path)


def test_a_lifter_of_human36m_is_tested_on_the_16_joints_that_both_have(
    testing: dict[str, Any], tmp_path: Path
) -> None:
    files.write_testing_mat(tmp_path, {"TS1": testing["TS1"]})
    options = {"train_subjects": [], "validation_subjects": [], "test_sequences": ["TS1"]}
    prepare_set("mpi_inf_3dhp", tmp_path, tmp_path / "set", {**options, "joints": "h36m_16"})
    data = PreparedSet(tmp_path / "set")
    predicted = (true_poses(data) + 0.02).astype(np.float32)  # off by the same everywhere
    predicted[:, 3] += np.float32(0.016)
    write_predictions(tmp_path / "p", make_contract(data), data.select("test"), predicted)
    protocol = protocol_called("3dhp16-cross-poseaug")
    predictions = read_predictions(tmp_path / "p")
    score = score_predictions(predictions, data, protocol, tmp_path / "score")
    assert score.header.frames == 603
    # Moved to a perfect root, one of 16 joints is off, by 16 mm along each axis.
    assert score.metrics["MPJPE"] == pytest.approx(16 * 3**0.5 / 16, abs=1e-3)
