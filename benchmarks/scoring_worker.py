"""Scores and compares when told to: run with the sources of any commit first on Python's path.

Started with JSON {"clips", "frames", "options"}; each line of standard input is answered by the
seconds of processor time of scoring two models and comparing them.
"""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.made_sets import made_set
from benchmarks.scoring import MODELS, make_predictions, score_and_compare


def timed(folder: Path, options: Mapping[str, bool]) -> float:
    """Return the processor time of scoring what lies in `folder` anew."""
    shutil.rmtree(folder / "scores", ignore_errors=True)
    begun = time.process_time()
    score_and_compare(folder, **options)
    return time.process_time() - begun


def main() -> None:
    """Answer until there are no more lines."""
    task = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepared = made_set(folder / "set", task["clips"], task["frames"], split="test")
        for model, noise in MODELS.items():
            make_predictions(folder / model, prepared, model, noise)
        for _ in sys.stdin:
            print(timed(folder, task["options"]), flush=True)


if __name__ == "__main__":
    main()
