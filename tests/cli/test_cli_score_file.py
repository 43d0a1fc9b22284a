"""`harness score FILE`: predictions of another program get a fair row, or one plain error."""

import json
import pickle
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat
from scored_sets import make_run, make_set, true_poses

from harness.body.skeleton import H36M_16, MPI_INF_3DHP_17
from harness.cli.main import main
from harness.datasets.clip_names import clip_names
from harness.datasets.prepared import PreparedSet

PARAMS = """
profile: quick
seeds: [0]
models: [dgnet]
profiles:
  quick:
    dataset: {name: synthetic}
    input_2d: gt
    flip_test: true
    protocols: [h36m17-actionwise, h36m16-semgcn]
    models: {dgnet: {}}
  mpi: {dataset: {name: synthetic}, input_2d: gt, flip_test: true,
        protocols: [3dhp17-univ-frameweighted], models: {dgnet: {}}}
"""
PROTOCOL = "h36m17-actionwise"
DECLARED = {
    "model": "theirs",
    "input_2d": "gt",
    "frames": 27,
    "flip_test": True,
    "trained_on": "S1, S5 to S8 of Human3.6M",
    "source": "their repository at 0123abc",
}

Clips = dict[str, NDArray[np.float32]]


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PreparedSet:
    """A project with a prepared set, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    Path("params.yaml").write_text(PARAMS)
    return make_set(Path("data/prepared/quick"))


def predicted(prepared: PreparedSet, noise: float = 0.05) -> Clips:
    """Return the truth with noise by clip, in metres."""
    truth = true_poses(prepared)
    truth = truth + noise * np.random.default_rng(5).normal(size=truth.shape).astype(np.float32)
    clips = prepared.select("test")
    ends = clips["frames"].cumsum()
    parts = np.split(truth, ends[:-1])
    return dict(zip(clip_names(clips), parts, strict=True))


def declare(path: Path, **changes: Any) -> Path:
    path.with_suffix(".json").write_text(json.dumps({**DECLARED, **changes}))
    return path


def npz(clips: Clips, **changes: Any) -> Path:
    np.savez("theirs.npz", **clips)
    return declare(Path("theirs.npz"), **changes)


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert not ended.value.code


def scored(path: Path, *options: str, protocol: str = PROTOCOL) -> None:
    run("score", str(path), "--protocol", protocol, *options)


def mpjpe(model: str = "theirs", profile: str = "quick", protocol: str = PROTOCOL) -> float:
    folder = Path("results") / profile / "runs" / f"{model}-seed0/scores" / protocol
    return json.loads((folder / "metrics.json").read_text())["MPJPE"]


def refusal(
    capsys: pytest.CaptureFixture[str], path: Path, *options: str, protocol: str = PROTOCOL
) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["score", str(path), "--protocol", protocol, *options])
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert len(error.splitlines()) == 1, error
    return error


def test_a_file_scores_as_the_same_predictions_of_a_run_do(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = predicted(prepared)
    scored(npz(dict(reversed(clips.items()))))
    printed = capsys.readouterr().out
    for word in ("theirs", "trained on S1, S5 to S8", "their repository at 0123abc", "elsewhere"):
        assert word in printed
    # Slowly: the mean over actions of the mean distance.
    truth = true_poses(prepared)
    distance = 1000 * np.linalg.norm(np.concatenate([*clips.values()]) - truth, axis=-1)
    actions = np.repeat(prepared.select("test")["action"], prepared.select("test")["frames"])
    by_action = [distance[np.asarray(actions == action)].mean() for action in set(actions)]
    assert mpjpe() == pytest.approx(float(np.mean(by_action)), rel=1e-5)


def test_a_file_of_another_kind_is_refused(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("theirs.csv").write_text("1,2,3")
    assert "is no file of predictions, expected .npz" in refusal(capsys, Path("theirs.csv"))


def test_a_score_is_a_run_of_mlflow(
    prepared: PreparedSet, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(empty_store, "mlflow.db")
    monkeypatch.delenv("HARNESS_TRACKING")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    scored(npz(predicted(prepared)))
    with sqlite3.connect("mlflow.db") as store:
        ((name, status),) = store.execute("SELECT name, status FROM runs")
        values = dict(store.execute("SELECT key, value FROM metrics"))
        tags = dict(store.execute("SELECT key, value FROM tags"))
    assert (name, status) == ("quick/theirs-seed0", "FINISHED")
    assert values[f"{PROTOCOL}/MPJPE"] == values["MPJPE"] == pytest.approx(mpjpe())
    assert (tags["scored"], tags["model"]) == ("yes", "theirs")


def test_every_layout_and_unit_gives_the_same_score(prepared: PreparedSet) -> None:
    clips = predicted(prepared)
    scored(npz(clips))
    np.save("all.npy", np.concatenate([*clips.values()]))
    scored(declare(Path("all.npy"), model="all"))
    np.savez("mm.npz", **{name: 1000 * array for name, array in clips.items()})
    options = {**DECLARED, "model": "millimetres", "unit": "mm"}
    told = [f"--declare={key}={str(value).lower()}" for key, value in options.items()]
    scored(Path("mm.npz"), *told)
    sixteen = list(H36M_16.columns_in(prepared.skeleton))
    np.savez("few.npz", **{name: array[:, sixteen] for name, array in clips.items()})
    few = declare(Path("few.npz"), model="few", skeleton="h36m_16")
    scored(few, protocol="h36m16-semgcn")
    scored(Path("theirs.npz"), protocol="h36m16-semgcn")
    assert mpjpe("all") == pytest.approx(mpjpe(), rel=1e-6)
    assert mpjpe("millimetres") == pytest.approx(mpjpe(), rel=1e-5)
    sixteen_scores = mpjpe("few", protocol="h36m16-semgcn"), mpjpe(protocol="h36m16-semgcn")
    assert sixteen_scores[0] == pytest.approx(sixteen_scores[1], rel=1e-6)


def test_the_row_stands_in_comparisons_tables_and_show(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(Path("results"), prepared, "dgnet", noise=0.08)
    scored(npz(predicted(prepared)))
    capsys.readouterr()
    run("compare", "dgnet", "theirs")
    printed = capsys.readouterr().out
    assert "theirs - dgnet" in printed
    assert "theirs: window 27; flip at test on; predictions made elsewhere, as declared" in printed
    page = Path("results/quick/tables/table_01_mpjpe.md")
    run("tables")
    assert "theirs" not in page.read_text(), "a foreign run joins tables only when asked for"
    run("tables", "--with", "theirs")
    table = page.read_text()
    assert "theirs" in table
    assert "trained on S1, S5 to S8 of Human3.6M" in table
    capsys.readouterr()
    run("show", "quick/theirs-seed0")
    assert "their repository at 0123abc" in capsys.readouterr().out


def test_a_file_can_be_checked_without_storing_it(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    npz(predicted(prepared))
    run("score", "theirs.npz", "--check-only")
    printed = capsys.readouterr().out
    assert "17 joints (h36m_17)" in printed
    assert "nothing was stored" in printed
    assert not Path("results").exists()
    npz({name: array[:-1] for name, array in predicted(prepared).items()})
    with pytest.raises(SystemExit):
        main(["score", "theirs.npz", "--check-only"])
    assert "frames, expected" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["score", "theirs.npz"])
    assert "name the protocol" in capsys.readouterr().err


def test_a_foreign_run_can_be_removed_and_a_trained_one_is_kept(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(Path("results"), prepared, "dgnet")
    scored(npz(predicted(prepared)))
    run("remove", "quick/theirs-seed0")
    assert not Path("results/quick/runs/theirs-seed0").exists()
    with pytest.raises(SystemExit):
        main(["remove", "quick/dgnet-seed0"])
    assert "was trained here" in capsys.readouterr().err
    run("remove", "quick/dgnet-seed0", "--trained")
    assert not Path("results/quick/runs/dgnet-seed0").exists()


def test_another_2d_source_is_not_compared(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(Path("results"), prepared, "dgnet")
    scored(npz(predicted(prepared), input_2d="openpose", uses_root_depth=True))
    assert "given the true depth of the root" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["compare", "dgnet", "theirs"])
    assert "2D source differs: gt and openpose" in capsys.readouterr().err


def test_names_and_frames_of_clips_are_listed(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    run("data", "clips", "quick")
    lines = capsys.readouterr().out.splitlines()
    expected = predicted(prepared)
    assert lines[0] == "clip,frames"
    assert lines[1:] == [f"{name},{len(array)}" for name, array in expected.items()]
    assert lines[1].startswith("S9/Walking/1/")


def test_the_same_file_is_stored_once_and_another_only_with_force(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = predicted(prepared)
    scored(npz(clips))
    record = Path("results/quick/runs/theirs-seed0/run.json")
    first = record.read_bytes()
    scored(npz(clips))
    assert record.read_bytes() == first
    other = npz(predicted(prepared, noise=0.1))
    assert "holds other predictions" in refusal(capsys, other)
    scored(other, "--force")
    make_run(Path("results"), prepared, "dgnet")
    assert "'dgnet' is a model of this harness" in refusal(capsys, other, "--declare=model=dgnet")
    make_run(Path("results"), prepared, "mine")
    assert "which was made here" in refusal(capsys, other, "--declare=model=mine", "--force")


def changed(key: int, change: Callable[[Any], Any]) -> Callable[[Clips], Clips]:
    """Return what changes one array of the file."""

    def change_one(clips: Clips) -> Clips:
        name = list(clips)[key]
        return clips | {name: change(clips[name])}

    return change_one


def _with_nan(array: NDArray[np.float32]) -> NDArray[np.float32]:
    array = array.copy()
    array[3, 2, 1] = np.nan
    return array


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda clips: dict(list(clips.items())[1:]), "lacks 1 of 12 clips, first 'S9/Walking/1/"),
        (
            lambda clips: {name.replace("WalkDog", "WalkingDog"): a for name, a in clips.items()},
            "is no clip that was to be predicted; did you mean 'S9/WalkDog/1/",
        ),
        (changed(0, lambda array: array[:-1]), "has 11 frames, expected 12"),
        (
            changed(0, lambda array: array[:, :14]),
            "has shape (12, 14, 3), expected (frames, 17, 3)",
        ),
        (changed(0, lambda array: array[..., :2]), "has shape (12, 17, 2)"),
        (changed(0, _with_nan), "holds NaN or infinity, first in frame 3"),
        (changed(0, lambda array: array.astype(object)), "Python objects (a pickle)"),
        (
            lambda clips: {name: 1000 * array for name, array in clips.items()},
            "seem to be in millimetres, so declare unit=mm",
        ),
        (
            lambda clips: {name: array + np.array([0, 0, 5]) for name, array in clips.items()},
            "the root joint (Hip) lies 5 m from the origin",
        ),
    ],
)
def test_a_bad_file_is_refused(
    prepared: PreparedSet,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Clips], Clips],
    said: str,
) -> None:
    assert said in refusal(capsys, npz(change(predicted(prepared))))
    assert not Path("results").exists()


def test_a_file_whose_joints_mostly_lie_at_the_origin_is_scored(prepared: PreparedSet) -> None:
    collapsed = predicted(prepared)
    for array in collapsed.values():
        array[:, 1:-2] = 0.0
    scored(npz(collapsed))
    assert mpjpe() > 100


class RunsCode:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("it-ran"),))


def test_files_that_are_no_plain_arrays_are_refused(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = npz(predicted(prepared)).read_bytes()
    for keep in (0, 200, len(whole) // 2, len(whole) - 30):
        Path("theirs.npz").write_bytes(whole[:keep])
        assert "theirs.npz" in refusal(capsys, Path("theirs.npz"))
    np.savez("theirs.npz", **dict.fromkeys(predicted(prepared), np.array(RunsCode(), dtype=object)))
    assert "theirs.npz" in refusal(capsys, Path("theirs.npz"))
    Path("theirs.npy").write_bytes(pickle.dumps(RunsCode()))
    assert "theirs.npy" in refusal(capsys, Path("theirs.npy"))
    np.save("theirs.npy", np.array({"S9": [1.0]}, dtype=object))
    assert "Python objects" in refusal(capsys, Path("theirs.npy"))
    np.save("theirs.npy", np.concatenate([*predicted(prepared).values()])[1:])
    assert "has shape (125, 17, 3), expected (126, 17, 3)" in refusal(capsys, Path("theirs.npy"))
    assert "no such file" in refusal(capsys, declare(Path("gone.npz")))
    assert "undeclared.npz: no such file" in refusal(capsys, Path("undeclared.npz"))
    assert not Path("it-ran").exists()
    assert not Path("results").exists()


def test_a_declaration_that_is_wrong_is_refused(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    path = npz(predicted(prepared))
    assert "did you mean 'flip_test'?" in refusal(capsys, path, "--declare=flip_tset=true")
    assert "'frames': found \"many\"" in refusal(capsys, path, "--declare=frames=many")
    assert "expected KEY=VALUE" in refusal(capsys, path, "--declare=frames")
    assert "unknown skeleton" in refusal(capsys, path, "--declare=skeleton=h36m")
    assert "seem to be in metres, so declare unit=m" in refusal(capsys, path, "--declare=unit=mm")
    assert "is data set made, not h36m" in refusal(capsys, path, "--dataset", "h36m")
    assert "unknown profile 'quik'" in refusal(capsys, path, "--profile", "quik")
    path.with_suffix(".json").unlink()
    assert "theirs.npz: is declared without model, input_2d, frames, flip_test, trained_on; " in (
        refusal(capsys, path)
    )
    misspelt = refusal(capsys, path, "--declare=flip_tset=true")
    assert "did you mean 'flip_test'?" in misspelt
    make_run(Path("results"), prepared, "dgnet")
    run_with_declaration = refusal(capsys, Path("quick/dgnet-seed0"), "--declare=frames=1")
    assert "are for a file" in run_with_declaration


SEQUENCES = (("TS1", "Studio", "", 12), ("TS2", "Outdoor", "", 9))


@pytest.fixture
def mpi(prepared: PreparedSet) -> PreparedSet:
    """A set as MPI-INF-3DHP's test set: one camera, some frames not scored."""
    return make_set(
        Path("data/prepared/mpi"),
        takes=SEQUENCES,
        cameras=1,
        valid=True,
        settings={"annotation": "univ_annot3"},
        skeleton=MPI_INF_3DHP_17,
    )


@pytest.mark.parametrize("only_scored", [False, True])
@pytest.mark.parametrize("layout", ["official", "plain"])
def test_matlab_files_of_mpi_inf_3dhp(mpi: PreparedSet, layout: str, only_scored: bool) -> None:
    variables: dict[str, Any] = {}
    assert mpi.valid is not None
    expected = []
    rows = mpi.select("test")[["first_row", "frames", "subject"]].itertuples(index=False)
    for (first, frames, subject), array in zip(rows, predicted(mpi).values(), strict=True):
        valid = np.asarray(mpi.valid[first : first + frames])
        array = array.copy()
        array[:, 14] = 0  # as P-STMO stores it
        truth = mpi.positions_3d[first : first + frames]
        distance = np.linalg.norm(array - (truth - truth[:, 14:15]), axis=-1)
        expected.append(1000 * distance[valid])
        stored = 1000 * (array[valid] if only_scored else array)
        official = stored.transpose(2, 1, 0)[:, :, None]
        variables[subject] = official if layout == "official" else stored
    savemat("inference_data.mat", variables)
    path = declare(Path("inference_data.mat"))
    protocol = "3dhp17-univ-frameweighted"
    scored(path, "--profile", "mpi", protocol=protocol)
    found = mpjpe(profile="mpi", protocol=protocol)
    assert found == pytest.approx(float(np.concatenate(expected).mean()), rel=1e-5)


def test_bad_matlab_files_are_refused(mpi: PreparedSet, capsys: pytest.CaptureFixture[str]) -> None:
    declare(Path("theirs.mat"))

    def refused(variables: dict[str, Any], *options: str) -> str:
        savemat("theirs.mat", variables)
        return refusal(
            capsys,
            Path("theirs.mat"),
            *(options or ("--profile", "mpi")),
            protocol="3dhp17-univ-frameweighted",
        )

    arrays = dict(zip(("TS1", "TS2"), (1000 * a for a in predicted(mpi).values()), strict=True))
    assert "has no variable TS2" in refused({"TS1": arrays["TS1"]})
    assert "has 11 frames, expected 12, or the" in refused(arrays | {"TS1": arrays["TS1"][1:]})
    assert "in metres, so declare unit=m" in refused({k: a / 1000 for k, a in arrays.items()})
    assert "store them as .npz" in refused(arrays, "--profile", "quick")
    Path("theirs.mat").write_bytes(Path("theirs.mat").read_bytes()[:300])
    error = refusal(capsys, Path("theirs.mat"), "--profile", "mpi")
    assert "damaged, truncated or no MATLAB file" in error


def test_hypotheses_of_a_file_are_scored_and_must_be_as_many_everywhere(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = predicted(prepared), predicted(prepared, noise=0.1)
    both = {name: np.stack([one[name], two[name]], axis=1) for name in one}
    scored(npz(both, hypotheses=2))
    out = capsys.readouterr().out
    assert "P-Best (mm)" in out
    assert "the mean of 2 hypotheses (P-Agg)" in out
    name = next(iter(both))
    for spoilt, message in (
        (both | {name: both[name][:, :1]}, "which is 1 hypotheses a frame, expected 2"),
        (both | {name: both[name][:, 0]}, "expected (frames, 2, 17, 3)"),
    ):
        with pytest.raises(SystemExit):
            main(["score", str(npz(spoilt, hypotheses=2)), "--protocol", PROTOCOL, "--force"])
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["score", str(npz(both)), "--protocol", PROTOCOL, "--force"])
    assert "declared as hypotheses=2" in capsys.readouterr().err


def test_a_root_path_beside_the_file_is_scored(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = prepared.select("test")
    roots = {
        name: prepared.positions_3d[first : first + frames, 0] + np.float32(0.1)
        for name, first, frames in zip(
            clip_names(clips), clips["first_row"], clips["frames"], strict=True
        )
    }
    np.savez("roots.npz", **roots)
    scored(npz(predicted(prepared, noise=0.0), root_file="roots.npz"))
    metrics = json.loads(
        Path(f"results/quick/runs/theirs-seed0/scores/{PROTOCOL}/metrics.json").read_text()
    )
    assert metrics["MRPE"] == pytest.approx(100 * 3**0.5, abs=0.01)
    np.savez("roots.npz", **{name: 1000 * path for name, path in roots.items()})
    for file, message in (("roots.npz", "in metres"), ("none.npz", "is no such file")):
        with pytest.raises(SystemExit):
            main(["score", str(npz(predicted(prepared), root_file=file)), "--protocol", PROTOCOL])
        assert message in capsys.readouterr().err
