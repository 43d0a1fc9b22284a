"""Whatever is wrong with the input: one plain error, a non-zero exit code, nothing damaged.

What each importer makes of damaged files is tested beside the importer; `ELSEWHERE` says where.
Here the real command line meets damaged files and unknown names between a prepared set and a table.
"""

import ast
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from scored_run import COMPARE, PREDICT, RUN, SCORE, SCORING, SET, TRAIN, contents, ended

from pipelines.score import score
from pipelines.stage import run_stage

TESTS = Path(__file__).parents[1]

ELSEWHERE = {
    "missing files": (
        "datasets/test_h36m_refusals.py::test_a_folder_without_the_files_says_which_were_looked_for",
        "datasets/test_cmu.py::test_bad_folders_are_refused",
        "datasets/test_bvh.py::test_folders_without_files_or_with_one_name_twice_are_refused",
        "datasets/test_humaneva.py::test_an_empty_folder_says_what_was_looked_for",
        "datasets/test_safe_npz.py::test_missing_files_and_entries_are_named",
    ),
    "truncated files": (
        "datasets/test_h36m_refusals.py::test_a_truncated_file_is_named",
        "datasets/test_cmu.py::test_a_truncated_motion_leaves_the_older_set_as_it_was",
        "datasets/test_safe_npz.py::test_a_truncated_entry_is_one_plain_error",
        "lifting/test_checkpoint.py::test_a_truncated_file_is_refused",
    ),
    "wrong joint counts, NaN or infinity, 2D shorter than 3D, empty actions": (
        "datasets/test_h36m_refusals.py::test_bad_data_is_one_plain_error",
        "datasets/test_h36m_refusals.py::test_bad_metadata_is_one_plain_error",
        "datasets/test_h36m_refusals.py::test_bad_original_files_are_named",
        "datasets/test_humaneva.py::test_bad_npz_files_are_one_plain_error",
        "datasets/test_humaneva.py::test_bad_matlab_files_are_named",
        "datasets/test_acclaim.py::test_a_damaged_motion_is_refused_with_its_place",
        "datasets/test_bvh_reader.py::test_a_bad_file_is_refused_in_one_plain_line",
        "datasets/test_bvh.py::test_a_file_that_is_no_person_is_refused_in_one_line",
        "prediction/test_stored_predictions.py::test_wrong_joint_count_is_refused_and_the_old_folder_stays",
        "prediction/test_stored_predictions.py::test_non_finite_predictions_name_clip_and_frame",
    ),
    "fps or camera mismatch": (
        "datasets/test_h36m_refusals.py::test_bad_options_are_one_plain_error",
        "datasets/test_h36m_refusals.py::test_cameras_in_another_order_are_noticed",
        "datasets/test_cmu.py::test_bad_options_are_refused_by_name",
        "datasets/test_resample.py::test_impossible_rates_are_refused",
    ),
    "a malicious npz": (
        "datasets/test_h36m_refusals.py::test_a_malicious_file_is_refused_and_runs_nothing",
        "datasets/test_safe_npz.py::test_code_is_named_and_never_run",
        "datasets/test_safe_npz.py::test_the_same_payloads_do_run_under_numpy",
        "datasets/test_safe_npz.py::test_an_archive_bomb_is_refused",
    ),
    "a malicious checkpoint": (
        "lifting/test_checkpoint.py::test_a_pickle_is_refused_and_never_run",
        "training/test_training.py::test_a_state_that_would_run_code_is_refused",
    ),
    "two processes writing the same run": (
        "training/test_training_run.py::test_a_run_that_another_process_writes_is_refused",
        "experiments/test_executor.py::test_two_runners_of_one_grid_are_refused",
    ),
}


def test_the_tests_named_above_exist() -> None:
    for names in ELSEWHERE.values():
        for name in names:
            path, _, function = name.partition("::")
            tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
            assert function in {
                node.name for node in tree.body if isinstance(node, ast.FunctionDef)
            }, name


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def with_array(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    np.save(path, change(np.load(path)))


def with_nan(array: np.ndarray) -> np.ndarray:
    """Spoil every clip: one value in each of eight parts."""
    for part in np.array_split(np.arange(len(array)), 8):
        array[part[0], 3, 0] = np.nan
    return array


BAD_FILES = {
    "no prepared set": (lambda: shutil.rmtree(SET), TRAIN, ["is not a prepared data set"]),
    "3D cut short": (
        lambda: truncated(SET / "positions_3d.npy"),
        TRAIN,
        ["positions_3d.npy", "prepare it again"],
    ),
    "clips cut short": (
        lambda: truncated(SET / "clips.parquet"),
        PREDICT,
        ["clips.parquet", "prepare it again"],
    ),
    "manifest cut short": (
        lambda: truncated(SET / "manifest.json"),
        SCORING,
        ["manifest.json", "is not valid JSON"],
    ),
    "a joint too few": (
        lambda: with_array(SET / "positions_3d.npy", lambda array: array[:, :16]),
        TRAIN,
        ["positions_3d.npy", "16, 3)", "17, 3)"],
    ),
    "2D shorter than 3D": (
        lambda: with_array(SET / "keypoints_2d/detected.npy", lambda array: array[:-1]),
        TRAIN,
        ["keypoints_2d/detected.npy", "has shape"],
    ),
    "NaN in 2D": (
        lambda: with_array(SET / "keypoints_2d/detected.npy", with_nan),
        PREDICT,
        ["NaN or infin"],
    ),
    "NaN in 3D": (
        lambda: with_array(SET / "positions_3d.npy", with_nan),
        SCORING,
        ["data/prepared/tiny", "NaN or infinity", "prepare it again"],
    ),
    "no checkpoint": (
        lambda: (RUN / "model.safetensors").unlink(),
        PREDICT,
        ["model.safetensors", "train the model first"],
    ),
    "checkpoint cut short": (
        lambda: truncated(RUN / "model.safetensors"),
        PREDICT,
        ["model.safetensors", "is not a whole safetensors file"],
    ),
    "record cut short": (lambda: truncated(RUN / "run.json"), PREDICT, ["run.json"]),
    "no predictions": (
        lambda: shutil.rmtree(RUN / "predictions"),
        SCORING,
        ["predictions"],
    ),
    "predictions cut short": (
        lambda: truncated(RUN / "predictions/predictions.npy"),
        SCORING,
        ["predictions.npy"],
    ),
    "predictions edited": (
        lambda: with_array(RUN / "predictions/predictions.npy", lambda array: array * 2),
        SCORING,
        ["predictions.npy"],
    ),
    "sums cut short": (
        lambda: truncated(SCORE / "sequences.csv"),
        COMPARE,
        ["sequences.csv"],
    ),
    "score cut short": (lambda: truncated(SCORE / "score.json"), COMPARE, ["score.json"]),
    "settings cut short": (
        lambda: Path("params.yaml").write_text("profile: [tiny"),
        TRAIN,
        ["params.yaml", "is not valid YAML"],
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_named_and_nothing_is_changed(case: str, refused: Callable[..., str]) -> None:
    spoil, command, parts = BAD_FILES[case]
    spoil()
    error = refused(*command)
    for part in parts:
        assert part in error


def test_training_on_nan_ends_in_a_failed_run_that_nothing_uses(
    capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
) -> None:
    with_array(SET / "keypoints_2d/detected.npy", with_nan)
    assert ended(*TRAIN) == 2
    assert capsys.readouterr().err.count("Error: tiny/semgcn-seed0: epoch 1") == 1
    assert json.loads((RUN / "run.json").read_text())["status"] == "failed"
    assert "run.json (failed)" in refused(*PREDICT)


PAYLOAD = "touch it_ran"


class Payload:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (PAYLOAD,)


def write_malicious_npz(path: Path) -> None:
    path.parent.mkdir(parents=True)
    np.savez(path, positions_3d=np.array(Payload(), dtype=object))


def write_malicious_state(path: Path) -> None:
    """Put a malicious file where `harness train` looks for the state to resume from."""
    run_id = json.loads((RUN / "run.json").read_text())["run_id"]
    (RUN / "run.json").unlink()
    state = path / f"{run_id}.pt"
    state.parent.mkdir(parents=True, exist_ok=True)
    torch.save(Payload(), state)


MALICIOUS = {
    "npz": (
        lambda: write_malicious_npz(Path("raw/data_3d_h36m.npz")),
        ("data", "prepare", "h36m", "--raw", "raw"),
        ["data_3d_h36m.npz", "system"],
    ),
    "checkpoint": (
        lambda: (RUN / "model.safetensors").write_bytes(pickle.dumps(Payload())),
        PREDICT,
        ["model.safetensors", "is not a whole safetensors file"],
    ),
    "checkpoint of torch": (
        lambda: torch.save(Payload(), RUN / "model.safetensors"),
        PREDICT,
        ["model.safetensors", "is not a whole safetensors file"],
    ),
    "training state": (
        lambda: write_malicious_state(Path(".harness/state")),
        ("train", "semgcn"),
        [".pt", "is damaged and cannot be resumed"],
    ),
    "predictions": (
        lambda: (RUN / "predictions/predictions.npy").write_bytes(pickle.dumps(Payload())),
        SCORING,
        ["predictions.npy"],
    ),
    "prepared set": (
        lambda: np.save(SET / "positions_3d.npy", np.array([Payload()], dtype=object)),
        TRAIN,
        ["positions_3d.npy", "cannot be read"],
    ),
    "settings": (
        lambda: Path("params.yaml").write_text(f"!!python/object/apply:os.system ['{PAYLOAD}']"),
        TRAIN,
        ["params.yaml", "is not valid YAML"],
    ),
}


@pytest.mark.parametrize("case", MALICIOUS)
def test_a_strangers_file_never_runs_code(case: str, refused: Callable[..., str]) -> None:
    plant, command, parts = MALICIOUS[case]
    plant()
    error = refused(*command)
    for part in parts:
        assert part in error
    assert not Path("it_ran").exists()


def test_the_payload_does_run_where_pickles_are_trusted() -> None:
    pickle.loads(pickle.dumps(Payload()))
    assert Path("it_ran").exists()


def set_profile(key: str, value: object) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["profiles"]["tiny"][key] = value
    Path("params.yaml").write_text(yaml.safe_dump(params))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("train", "semgnc"), "unknown model 'semgnc'; did you mean 'semgcn'"),
        (("train", "semgcn", "--profile", "tyni"), "unknown profile 'tyni'; did you mean 'tiny'"),
        (
            ("train", "semgcn", "--set", "network.chanels=4"),
            "unknown key 'chanels'; did you mean 'channels'",
        ),
        (("models", "semgnc"), "unknown model 'semgnc'; did you mean 'semgcn'"),
        (("compare", "semgcn", "semgnc"), "'semgnc'; did you mean 'semgcn'"),
        (
            ("compare", "semgcn", "other", "--protocol", "h36m17-actionwize"),
            "unknown protocol 'h36m17-actionwize'; did you mean 'h36m17-actionwise'",
        ),
        (
            ("score", "tiny/semgcn-seed0", "--protocol", "h36m17-actionwize"),
            "unknown protocol 'h36m17-actionwize'; did you mean 'h36m17-actionwise'",
        ),
        (("compare", "semgcn", "other", "--metric", "MPJP"), "did you mean 'MPJPE'"),
        (("show", "tiny/semgnc-seed0"), "'tiny/semgnc-seed0'"),
        (("predict", "tiny/semgcn-seed0", "--input-2d", "detcted"), "did you mean 'detected'"),
        (("tables", "--profile", "tyni"), "unknown profile 'tyni'; did you mean 'tiny'"),
        (("check", "--profile", "tyni"), "unknown profile 'tyni'; did you mean 'tiny'"),
        (("grid", "run", "choices"), "unknown grid 'choices'"),
        (("data", "prepare", "synthetik"), "unknown data set 'synthetik'; did you mean 'synthe"),
        (
            ("data", "prepare", "synthetic", "--set", "actions=[Walk]"),
            "unknown action of data set synthetic 'Walk'; did you mean 'Walking'",
        ),
        (("data", "prepare", "synthetic", "--set", "actions=[]"), "no clips"),
        (("data", "prepare", "synthetic", "--set", "fps=0"), "'fps': found 0"),
        (("trian", "semgcn"), "unknown command 'trian'; did you mean 'train'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    command: tuple[str, ...], message: str, refused: Callable[..., str]
) -> None:
    assert message in refused(*command)


def test_a_mistyped_name_in_params_is_one_plain_error(refused: Callable[..., str]) -> None:
    set_profile("protocls", [])
    assert "unknown key 'profiles.tiny.protocls'; did you mean 'protocols'" in refused(*TRAIN)


def test_stages_end_in_a_plain_error_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_profile("protocols", ["h36m17-actionwize"])
    arguments = ["--profile", "tiny", "--model", "semgcn", "--seed", "0"]
    monkeypatch.setattr("sys.argv", ["score", *arguments])
    before = contents()
    with pytest.raises(SystemExit) as caught:
        run_stage(score, "profile", "model", "seed")
    assert caught.value.code == 2
    assert contents() == before
    error = capsys.readouterr().err
    assert error.startswith("Error: unknown protocol 'h36m17-actionwize'; did you mean")
