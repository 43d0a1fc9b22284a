"""Stage `sources`: list the source files that a model's training and prediction are made of."""

from pathlib import Path

from harness.lifting.registry import method_module

from harness.runs.files import write_json
from harness.runs.sources import source_hashes
from pipelines.stage import run_stage

# What stands between a prepared set and weights or predictions. The rest of harness.runs
# (progress, tracking, records) shapes no number.
_SHAPING = (
    "dgnet",
    "baselines",
    "harness.body",
    "harness.datasets.prepared",
    "harness.lifting",
    "harness.runs.seeds",
)


def sources(model: str) -> None:
    """Write data/sources/MODEL.json: SHA-256 by module name."""
    module = method_module(model)
    start = (module, "harness.lifting.training", "harness.lifting.prediction")
    package = module.partition(".")[0]
    theirs = () if package == "harness" else (package,)
    hashes = source_hashes(start, (*_SHAPING, *theirs))
    write_json(Path("data/sources") / f"{model}.json", hashes)


if __name__ == "__main__":
    run_stage(sources, "model")
