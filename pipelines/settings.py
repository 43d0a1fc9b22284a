"""Stage `settings`: check params.yaml before any name in it becomes part of another command."""

from pathlib import Path

from harness.foundation.files import atomic_file
from harness.foundation.settings import load_settings
from pipelines.stage import run_stage

CHECKED = Path("data/settings.txt")


def settings() -> None:
    """Write data/settings.txt, which is always the same: what depends on it is not made again."""
    load_settings()
    with atomic_file(CHECKED) as stream:
        stream.write("params.yaml is valid: its names are letters, digits, _, . and -\n")


if __name__ == "__main__":
    run_stage(settings)
