"""Universal and metric annotation of MPI-INF-3DHP are told apart by the sizes of bodies."""

from pathlib import Path

import numpy as np
import pytest

from harness.datasets.mpi_inf_3dhp.annotation import check_annotation, knee_to_neck
from harness.datasets.mpi_inf_3dhp.sequences import find_files
from harness.foundation.errors import HarnessError

ONE_SIZE = {f"S{n}": 0.92 for n in range(1, 9)}
SIZES = {f"S{n}": 0.85 + 0.02 * n for n in range(1, 9)}
TESTS = {f"TS{n}": 0.86 + 0.03 * n for n in range(1, 7)}
TESTS_OF_ONE_SIZE = dict.fromkeys(TESTS, 0.92)


def test_the_way_from_knee_to_neck_is_measured_along_the_bones() -> None:
    positions = np.zeros((3, 17, 3))
    positions[:, [9, 12], 1] = 0.45
    positions[:, 15, 1], positions[:, 1, 2] = -0.2, 0.25
    positions[:, 1, 1] = -0.2
    assert knee_to_neck(positions) == pytest.approx(0.45 + 0.2 + 0.25)


def test_two_annotations_in_one_set_are_refused() -> None:
    with pytest.raises(HarnessError, match=r"training files have one size .* of the test files"):
        check_annotation("univ_annot3", ONE_SIZE, TESTS)
    with pytest.raises(HarnessError, match=r"test files have one size .* of the training files"):
        check_annotation("annot3", SIZES, TESTS_OF_ONE_SIZE)


def test_the_universal_annotation_named_as_the_metric_one_is_refused() -> None:
    with pytest.raises(HarnessError, match="option annotation is annot3"):
        check_annotation("annot3", ONE_SIZE, TESTS_OF_ONE_SIZE)


def test_the_metric_annotation_named_as_the_universal_one_is_told() -> None:
    notes = check_annotation("univ_annot3", SIZES, TESTS)
    assert len(notes) == 1
    assert "people differ in size (870 to 1040 mm" in notes[0]


def test_sets_of_one_annotation_and_few_people_pass_without_a_word() -> None:
    assert check_annotation("univ_annot3", ONE_SIZE, TESTS_OF_ONE_SIZE) == []
    assert check_annotation("annot3", SIZES, TESTS) == []
    assert check_annotation("annot3", {"S1": 0.9, "S2": 0.9}, {}) == []


def test_file_names_of_two_annotations_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data_train_3dhp_ori.npz").touch()
    (tmp_path / "data_test_3dhp.npz").touch()
    with pytest.raises(HarnessError, match="are of two annotations"):
        find_files(tmp_path, "annot3")
    assert find_files(tmp_path, "univ_annot3").test.name == "data_test_3dhp.npz"
