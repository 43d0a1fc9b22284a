"""Metrics, protocols, stored errors and statistics.

What other programs may rely on is named in `__all__` and stays as it is: metrics as functions of
arrays, and protocols, which say how they become one number. docs/metrics_from_python.md shows both.
"""

from harness.scoring.metrics import (
    METRICS,
    auc,
    metric_called,
    mpjpe,
    mpjve,
    n_mpjpe,
    p_mpjpe,
    pck,
)
from harness.scoring.procrustes import align
from harness.scoring.protocols import PROTOCOLS, protocol_called

__all__ = [
    "METRICS",
    "PROTOCOLS",
    "align",
    "auc",
    "metric_called",
    "mpjpe",
    "mpjve",
    "n_mpjpe",
    "p_mpjpe",
    "pck",
    "protocol_called",
]
