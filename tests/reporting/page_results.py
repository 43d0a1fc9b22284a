"""Results as a report is made from: three runs with predictions, nothing of them trained."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scored_sets import make_run, make_set
from tiny_project import tiny_params

from harness.body.skeleton import H36M_17
from harness.datasets.prepared import PreparedSet
from harness.foundation.history import EpochRecord, write_history
from harness.foundation.provenance import read_record, write_record
from harness.foundation.settings import Settings
from harness.lifting.build import build_lifter
from harness.lifting.checkpoint import CHECKPOINT, ModelContract, save_checkpoint
from harness.lifting.registry import method_called

TAG = "<img src=x onerror=boom()>"
"""A name that would run where it was taken for HTML."""

TAKES = (
    ("S9", "Walking", "1", 12),
    ("S9", "Walking", "2", 20),
    ("S9", TAG, "1", 9),
    ("S11", "Walking", "1", 16),
    ("S11", TAG, "1", 5),
)

_NETWORK = {"channels": 8, "blocks": 1}
_NOISE = """\
corruption,size,model,metric,measured,low,high,measured_on
Gaussian noise,0 px,dgnet,P-MPJPE,50,48,52,made
Gaussian noise,5 px,dgnet,P-MPJPE,55,53,57,made
Gaussian noise,20 px,dgnet,P-MPJPE,70,,,made
missing joints,20 %,dgnet,P-MPJPE,90,88,93,made
"""


@dataclass(frozen=True)
class Made:
    """A project's files: settings, the folder of results and the prepared set."""

    params: dict[str, Any]
    results: Path
    prepared: PreparedSet

    @property
    def settings(self) -> Settings:
        return Settings(**self.params)


def make_results(folder: Path) -> Made:
    """Write three runs of profile tiny on a set with an action that is called `TAG`."""
    results = folder / "results"
    prepared = make_set(folder / "prepared", takes=TAKES, cameras=1)
    for model, noise in (("semgcn", 0.05), ("dgnet", 0.03), ("martinez", 0.08)):
        run = make_run(results, prepared, model, noise=noise, profile="tiny")
        curve = [
            EpochRecord(n, 10 * n, 0.001, 1.0 / n, 100.0 / n + 1000 * noise) for n in (1, 2, 3)
        ]
        write_history(run / "history.csv", curve)
        record = read_record(run / "run.json")
        results_of_run = {"epoch": 2, "epochs": 3, "parameters": 70_913, "macs_per_frame": 5e6}
        write_record(run / "run.json", record.model_copy(update={"results": results_of_run}))
    _write_checkpoint(results / "tiny/runs/dgnet-seed0", prepared)
    noise_table = results / "tiny/experiments/noise/table_10_noise.csv"
    noise_table.parent.mkdir(parents=True)
    noise_table.write_text(_NOISE)
    params = tiny_params() | {"models": ["semgcn", "dgnet", "martinez"]}
    return Made(params, results, prepared)


def _write_checkpoint(run: Path, prepared: PreparedSet) -> None:
    """Write an untrained DG-Net, whose affinities are then at hand."""
    lifter = build_lifter(method_called("dgnet"), _NETWORK, H36M_17, H36M_17, seed=1)
    contract = ModelContract(
        run_id="dgnet-0123456789",
        method="dgnet",
        network=_NETWORK,
        data_skeleton="h36m_17",
        data_layout="h36m_17",
        skeleton="h36m_17",
        layout="h36m_17",
        frames=lifter.frames,
        predicts=lifter.predicts,
        input_2d="gt",
        train_actions=None,
        dataset="made",
        data_hash=prepared.data_hash,
        uses_root_depth=False,
        seed=1,
        recipe={},
        selection="best",
        epoch=1,
        parameters=1,
    )
    save_checkpoint(run / CHECKPOINT, lifter.state_dict(), contract)
