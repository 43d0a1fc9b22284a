"""D3DP's releases (paTRICK-swk/D3DP: main.py, common/diffusionpose.py)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from baselines.d3dp import STEPS, cosine_schedule
from harness.exchange.checkpoint_import.importer import (
    Conditions,
    PublicImporter,
    weight_of,
)
from harness.exchange.checkpoint_import.mixste import mixste_names, mixste_network
from harness.exchange.checkpoint_import.transformer_names import h36m_conditions
from harness.foundation.errors import HarnessError

_SCHEDULE = (
    *("betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod"),
    *("sqrt_one_minus_alphas_cumprod", "log_one_minus_alphas_cumprod"),
    *("sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod", "posterior_variance"),
    *("posterior_log_variance_clipped", "posterior_mean_coef1", "posterior_mean_coef2"),
)
"""What the file holds beside weights: all made of one schedule, which is computed here."""

_TOLERANCE = 1e-9


class D3DPImporter(PublicImporter):
    """`h36m_best_epoch.bin` and its like."""

    method = "d3dp"
    release = "paTRICK-swk/D3DP"
    entry = "model_pos"
    required = MappingProxyType({"scale": "of poses in the diffusion, 1.0 in all releases"})
    exact = _SCHEDULE

    def network(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return frames, width, depth and the MLPs' ratio.

        Raises:
            HarnessError: they are MixSTE's or no weights of D3DP, or the file's schedule is not
                the published one.
        """
        if "Spatial_patch_to_embedding.weight" in weights:
            raise HarnessError(
                "its names lack 'pose_estimator.' and a schedule, so it is a checkpoint of "
                "mixste; import it with --model mixste"
            )
        self._check_schedule(weights)
        return mixste_network(weights, "pose_estimator.", self.method)

    def unused(self) -> Sequence[str]:
        """Return the schedule's names."""
        return _SCHEDULE

    def prefixes(self, network: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return the names of the denoiser."""
        return [
            ("denoiser.time_embedding.0.", "pose_estimator.time_mlp.1."),
            ("denoiser.time_embedding.2.", "pose_estimator.time_mlp.3."),
            *mixste_names("denoiser.network.", "pose_estimator.", network["depth"]),
        ]

    def conditions(self, file_name: str, weights: Mapping[str, Tensor]) -> Conditions:
        """Return Human3.6M with CPN's detections, or ground truth where the file's name says so."""
        return h36m_conditions(file_name, "its target zero, set to zero in predictions")

    def _check_schedule(self, weights: Mapping[str, Tensor]) -> None:
        shares = weight_of(weights, "alphas_cumprod", 1, self.method)
        if shares.shape[0] != STEPS:
            raise HarnessError(
                f"its diffusion has {shares.shape[0]} steps; d3dp's has {STEPS}, and no other "
                "is imported"
            )
        ours = torch.tensor(cosine_schedule(), dtype=torch.float64)
        if shares.dtype != torch.float64:
            raise HarnessError(
                f"its schedule is stored as {str(shares.dtype).removeprefix('torch.')}, expected "
                "float64; it was converted on the way, so get it again"
            )
        worst = float((shares / ours - 1).abs().max())
        if worst > _TOLERANCE:
            raise HarnessError(
                f"its noise schedule differs from the cosine schedule by a factor of up to "
                f"{1 + worst:g}; only the published one is imported"
            )
