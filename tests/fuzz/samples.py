"""A sound sample of every kind of file that the harness reads, and the reader of each."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from scipy.io import savemat

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the writers of made-up files lie

import acclaim_files
import bvh_files
import custom_files
import h36m_fixtures
import keypoint_files
import mpi_inf_3dhp_files
import scored_sets
from tiny_project import tiny_params

from harness.body.skeleton import H36M_17
from harness.cli.data import _parsed as parsed_options
from harness.datasets.bvh.mapping import mapping_called
from harness.datasets.clip_names import clip_names
from harness.datasets.files.cdf import read_cdf
from harness.datasets.files.matlab import read_matlab
from harness.datasets.importers import prepare_set
from harness.datasets.inspection import inspect_set
from harness.datasets.keypoints.layouts import BODY_25
from harness.datasets.keypoints.mapping import lifter_keypoints
from harness.datasets.keypoints.people import confident, people_of
from harness.datasets.keypoints.read import read_keypoints
from harness.datasets.prepared import PreparedSet
from harness.datasets.verification import verify_set
from harness.exchange.checkpoint_import.public_file import read_weights
from harness.foundation.budget import BUDGET
from harness.foundation.files import read_text
from harness.foundation.provenance import dvc_hashes
from harness.foundation.settings import load_settings
from harness.foundation.tracking_journal import journals
from harness.lifting.checkpoint import load_checkpoint
from harness.prediction.declared import read_declared
from harness.prediction.foreign import read_foreign
from harness.prediction.stored import read_predictions
from harness.reporting.regression.references import read_references
from harness.reporting.stored.learning_curve import convergence_of
from harness.reporting.stored.run_report import as_text, report_run
from harness.reporting.stored.scored_runs import find_scored_model, require_comparable
from harness.scoring.errors_file import read_errors
from harness.scoring.protocols import protocol_called
from harness.scoring.score import score_predictions
from harness.training.plan import profile_plan
from harness.training.state import load_state
from pipelines.predict import predict
from pipelines.prepare import prepare
from pipelines.score import score
from pipelines.train import train

_RUN = Path("results/tiny/runs/martinez-seed0")
_SET = Path("data/prepared/tiny")
_OUT = Path("out")


@dataclass(frozen=True)
class Sample:
    """A file and what reads it.

    Attributes:
        kind: what it is.
        path: where it lies in the folder of samples.
        read: reads it as a command would.
    """

    kind: str
    path: Path
    read: Callable[[], object]


def write_samples() -> list[Sample]:
    """Write the samples into the current folder and return them."""
    return [
        *_project(),
        *_raw_files(),
        *_predictions_of_others(),
        *_checkpoints_of_others(),
        *_keypoints_of_detectors(),
    ]


def _project() -> Iterator[Sample]:
    params = tiny_params() | {"models": ["martinez"]}
    params["profiles"]["tiny"]["dataset"]["options"]["test"] = ["S9"]
    Path("params.yaml").write_text(yaml.safe_dump(params))
    prepare("tiny")
    train("tiny", "martinez", 0)
    predict("tiny", "martinez", 0)
    score("tiny", "martinez", 0)
    yield Sample("params.yaml", Path("params.yaml"), _read_settings)
    for name in ("manifest.json", "clips.parquet", "positions_3d.npy", "keypoints_2d/detected.npy"):
        yield Sample(f"prepared set: {name}", _SET / name, _read_set)
    for name in ("run.json", "history.csv"):
        yield Sample(f"run: {name}", _RUN / name, _read_run)
    for name in ("score.json", "sequences.csv", "metrics.json"):
        yield Sample(f"score: {name}", _RUN / f"scores/h36m17-actionwise/{name}", _read_run)
    errors = _RUN / "scores/h36m17-actionwise/errors.parquet"
    yield Sample("score: errors.parquet", errors, lambda: read_errors(errors))
    for name in ("contract.json", "clips.parquet", "predictions.npy"):
        yield Sample(f"predictions: {name}", _RUN / f"predictions/{name}", _read_predictions)
    weights = _RUN / "model.safetensors"
    yield Sample("checkpoint", weights, lambda: load_checkpoint(weights))
    state = Path("state.pt")
    torch.save({"format": 1, "key": "k", "state": {"epoch": 1, "history": []}}, state)
    yield Sample("training state", state, lambda: load_state(state, "k"))
    lock = Path("dvc.lock")
    stages = {"s": {"cmd": "x", "deps": [{"path": "a", "md5": "0", "size": 1}]}}
    lock.write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    yield Sample("dvc.lock", lock, lambda: dvc_hashes(["a"], lock))
    journal = Path("unsent/run/events.jsonl")
    journal.parent.mkdir(parents=True)
    lines = [{"event": "open", "time": 1, "experiment": "e", "run_name": "r", "tags": {}}]
    lines += [{"event": "metrics", "time": 2, "step": 0, "values": {"a": 1.0}}]
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    yield Sample("tracking journal", journal, lambda: _read_journals(journal.parents[1]))
    references = Path("references.json")
    shutil.copy(Path(__file__).parents[2] / "results/reference/quick.json", references)
    yield Sample("references", references, lambda: read_references(references, "quick"))
    options = Path("options.txt")
    options.write_text("fps=25.0\nactions=[Walking]\nseconds=1e-1\n")
    yield Sample("--set", options, lambda: _read_options(options))


def _raw_files() -> Iterator[Sample]:
    small = h36m_fixtures.Small(Path("h36m"))
    motion = h36m_fixtures.write_motion(small.raw, small.motion)
    keypoints = h36m_fixtures.write_keypoints(small.raw, h36m_fixtures.CPN, small.keypoints)
    for path in (motion, keypoints):
        yield Sample(f"h36m: {path.name}", path, _importing("h36m", small.raw, h36m_fixtures.SMALL))
    cdf = Path("pose.cdf")
    pose = next(iter(small.motion["S1"].values()))
    h36m_fixtures.write_cdf(cdf, h36m_fixtures.millimetres(pose))
    yield Sample("h36m: CDF", cdf, lambda: read_cdf(cdf, "Pose"))
    custom = Path("custom")
    content = custom_files.description()
    custom_files.write(custom, content)
    for name in ("dataset.json", content["clips"][0]["file"]):
        yield Sample(f"custom: {Path(name).suffix}", custom / name, _importing("custom", custom))
    trials = {"01_01": acclaim_files.walking(130), "02_01": acclaim_files.walking(130, seed=1)}
    cmu = acclaim_files.write_cmu(Path("cmu"), trials)
    options = {"train": ["01"], "validation": [], "test": ["02"]}
    for name in ("01/01.asf", "01/01_01.amc"):
        path = cmu / "subjects" / name
        yield Sample(f"cmu: {path.suffix}", path, _importing("cmu", cmu, options))
    bvh = bvh_files.write_raw(Path("bvh"), {"walk": bvh_files.bvh_text(bvh_files.moving(40))})
    mapping = Path("bvh/mapping.yaml")
    mapping.write_text(yaml.safe_dump(mapping_called("lafan1").model_dump()))
    split = bvh_files.write_split(bvh / "split.csv", "anna,walk,Walk,train\n")
    options = {"skeleton": str(mapping), "split": split, "fps": 30}
    for path in (bvh / "walk.bvh", mapping, Path(split)):
        yield Sample(f"bvh: {path.suffix}", path, _importing("bvh", bvh, options))
    penn = Path("penn/labels/0001.mat")
    penn.parent.mkdir(parents=True)
    rng = np.random.default_rng(0)
    label = {"action": "bowl", "pose": "back", "dimensions": np.array([[272, 481, 6]])}
    label |= {name: rng.uniform(1, 200, (6, 13)) for name in ("x", "y")}
    savemat(penn, {**label, "visibility": rng.random((6, 13)) < 0.8})
    yield Sample("penn_action: MATLAB 5", penn, _importing("penn_action", Path("penn")))
    cells = Path("cells.mat")
    with mpi_inf_3dhp_files.version_73(cells) as file:
        poses = [rng.normal(size=(4, 84)) for _ in range(3)]
        mpi_inf_3dhp_files.write_cells(file, "annot3", poses)
        file["annot2"] = rng.normal(size=(4, 56))
    yield Sample("MATLAB 7.3", cells, lambda: read_matlab(cells, ["annot2", "annot3"]))


def _predictions_of_others() -> Iterator[Sample]:
    prepared = scored_sets.make_set(Path("scored/set"))
    truth = scored_sets.true_poses(prepared)
    clips = prepared.select("test")
    ends = clips["frames"].cumsum()
    arrays = {
        name: truth[end - frames : end]
        for name, end, frames in zip(clip_names(clips), ends, clips["frames"], strict=True)
    }
    declared = {"model": "theirs", "input_2d": "gt", "frames": 1, "flip_test": False}
    Path("theirs.json").write_text(json.dumps({**declared, "trained_on": "S1"}))
    np.savez("theirs.npz", **arrays)
    np.save("theirs.npy", truth)

    def read(path: Path) -> object:
        return read_foreign(path, read_declared(path, ()), prepared, prepared.skeleton)

    for name in ("theirs.json", "theirs.npz", "theirs.npy"):
        path = Path("theirs.npz" if name == "theirs.json" else name)
        yield Sample(f"foreign: {Path(name).suffix}", Path(name), lambda path=path: read(path))


def _checkpoints_of_others() -> Iterator[Sample]:
    path = Path("public.bin")
    weights = {"w": torch.arange(12.0).reshape(3, 4), "b": torch.zeros(3)}
    torch.save({"model_pos": weights, "epoch": 3, "lr": 1e-3}, path)
    yield Sample("public checkpoint", path.rename("public.pt"), _public(Path("public.pt")))
    old = Path("old.tar")
    torch.save({"model_pos": weights}, old, _use_new_zipfile_serialization=False)
    yield Sample("public checkpoint before PyTorch 1.6", old, _public(old))


def _keypoints_of_detectors() -> Iterator[Sample]:
    person = keypoint_files.coco_person()
    folder = keypoint_files.openpose(
        Path("openpose"), [keypoint_files.seen(BODY_25, keypoint_files.waving())]
    )
    labels = keypoint_files.ultralytics_labels(Path("labels"), [person], tracked=True)
    parts = keypoint_files.COCO_PARTS
    files = {
        keypoint_files.coco(Path("coco.json"), [person]): None,
        keypoint_files.mmpose(Path("mmpose.json"), person): None,
        keypoint_files.videopose3d(Path("videopose3d.npz"), {"a": person}, (640, 480)): None,
        keypoint_files.deeplabcut(Path("deeplabcut.csv"), {"a": person}, parts): None,
        keypoint_files.deeplabcut_hdf5(Path("deeplabcut.h5"), "two"): None,
        keypoint_files.sleap_hdf5(Path("sleap.h5"), {"a": person}, parts): None,
        keypoint_files.named_npz(Path("named.npz"), person, parts): None,
        next(folder.iterdir()): folder,
        next(labels.iterdir()): labels,
    }
    for path, whole in files.items():
        name = f"keypoints: {(whole or path).name}"
        yield Sample(name, path, lambda given=whole or path: _read_people(given))


def _read_people(path: Path) -> None:
    for person in people_of(read_keypoints(path)[1]).values():
        lifter_keypoints(confident(person, 0.3, str(path)), H36M_17.joints, str(path))


def _public(path: Path) -> Callable[[], object]:
    return lambda: read_weights([path], "model_pos")


def _importing(name: str, raw: Path, options: dict[str, Any] | None = None) -> Callable[[], object]:
    return lambda: prepare_set(name, raw, _OUT, options or {})


def _read_settings() -> None:
    settings = load_settings()
    profile_plan(settings.profile, settings.profile_called(), "martinez", 0, changes={})


def _read_set() -> None:
    prepared = PreparedSet(_SET)
    inspect_set(prepared, None).text()
    prepared.select("test")
    verify_set(prepared)


def _read_run() -> None:
    as_text(report_run(_RUN))
    convergence_of(_RUN)
    model = find_scored_model("martinez", "tiny", "h36m17-actionwise", Path("results"))
    require_comparable([model])


def _read_predictions() -> None:
    shutil.rmtree("scored/out", ignore_errors=True)
    score_predictions(
        read_predictions(_RUN / "predictions"),
        PreparedSet(_SET),
        protocol_called("h36m17-actionwise"),
        Path("scored/out"),
    )


def _read_journals(folder: Path) -> None:
    for journal in journals(folder):
        list(journal.blocks(0))
        journal.is_closed()


def _read_options(path: Path) -> None:
    parsed_options(tuple(read_text(path, BUDGET.yaml_bytes, "text").splitlines()))
