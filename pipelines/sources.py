"""Stage `sources`: list the source files that a model's training and prediction are made of."""

from pathlib import Path

from harness.lifting.registry import method_sources
from harness.runs.files import write_json
from pipelines.stage import run_stage


def sources(model: str) -> None:
    """Write data/sources/MODEL.json: SHA-256 by module name."""
    write_json(Path("data/sources") / f"{model}.json", method_sources(model))


if __name__ == "__main__":
    run_stage(sources, "model")
