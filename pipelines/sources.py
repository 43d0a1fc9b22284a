"""Stage `sources`: list the source files that each model's training and prediction are made of."""

from pathlib import Path

from harness.foundation.files import write_json
from harness.foundation.settings import load_settings
from harness.lifting.registry import method_sources
from pipelines.stage import run_stage


def sources() -> None:
    """Write data/sources/MODEL.json for every model: SHA-256 by module name."""
    for model in load_settings().models:
        write_json(Path("data/sources") / f"{model}.json", method_sources(model))


if __name__ == "__main__":
    run_stage(sources)
