"""Lifting a detector's file, read and written, against what the network alone takes."""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.command import parser_of, run
from benchmarks.made_sets import made_set
from benchmarks.predicting import network_alone
from benchmarks.record import Line, at_most
from benchmarks.timing import Turns
from harness.body.skeleton import H36M_17
from harness.lifting.build import build_lifter
from harness.lifting.checkpoint import ModelContract
from harness.lifting.contract import Lifter
from harness.lifting.registry import method_called
from harness.lifting.windows import WindowReader
from harness.prediction.lift_file import LiftOptions, lift_file
from harness.prediction.motion_formats.write import write_motion

MODELS = ("dgnet", "semgcn")
FRAMES = 1_000
FPS = 50.0


def write_coco(path: Path, frames: int) -> None:
    """Write COCO results of somebody who wanders about."""
    rng = np.random.default_rng(0)
    pose = rng.uniform((300, 200), (700, 800), (17, 2))
    wander = np.cumsum(rng.normal(0.0, 1.0, (frames, 1, 2)), axis=0)
    people = np.concatenate([pose + wander, np.full((frames, 17, 1), 0.9)], axis=-1)
    results = [
        {"image_id": frame, "category_id": 1, "keypoints": person.ravel().tolist(), "score": 0.9}
        for frame, person in enumerate(people)
    ]
    path.write_text(json.dumps(results))


def contract_of(lifter: Lifter, model: str) -> ModelContract:
    """Return a contract for a lifter that was not trained."""
    return ModelContract(
        run_id=f"{model}-0123456789",
        method=model,
        network={},
        data_skeleton=H36M_17.name,
        data_layout=H36M_17.name,
        skeleton=lifter.skeleton.name,
        layout=lifter.layout.name,
        frames=lifter.frames,
        predicts=lifter.predicts,
        input_2d="gt",
        train_actions=None,
        dataset="made",
        data_hash=None,
        frame_rates=(FPS,),
        uses_root_depth=False,
        seed=0,
        recipe={},
        selection="last",
        epoch=1,
        parameters=1,
    )


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return how much longer lifting a file takes than the network."""
    models, frames, rounds = (("semgcn",), 40, 1) if arguments.smoke else (MODELS, FRAMES, 5)
    options = LiftOptions(image_size=(1000, 1000), fps=FPS)
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_coco(folder / "a.json", frames)
        prepared = made_set(folder / "set", 1, frames, split="test")
        for model in models:
            lifter = build_lifter(method_called(model), {}, H36M_17, H36M_17, 0).eval()
            contract = contract_of(lifter, model)
            reader = WindowReader(prepared, prepared.select("test"), "gt", lifter)

            def whole(lifter: Lifter = lifter, contract: ModelContract = contract) -> None:
                lifted = lift_file(folder / "a.json", lifter, contract, options)
                write_motion(lifted.motions["1"], folder / "a", ["npz", "bvh"])

            works = {"lifting": whole, "network": network_alone(lifter, reader)}
            turns = Turns(works, rounds, clock=time.process_time)
            what = f"lifting {frames:,} frames of COCO results with {model} to npz and BVH"
            lines.append(Line(what, turns["lifting"], "s"))
            ratio = turns.ratio("lifting", "network")
            lines.append(at_most(f"{what}, against the network's own time", ratio, "x", 1.5))
    return lines


if __name__ == "__main__":
    run("lifting_files", measure, parser_of(__doc__))
