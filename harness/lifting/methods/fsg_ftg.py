"""FSG/FTG only: DG-Net with every dynamical layer replaced by its fixed counterpart.

The paper's figure 5 calls it the baseline.
"""

from dgnet.config import SpatialLayer, TemporalLayer
from harness.lifting.contract import Method
from harness.lifting.methods.dgnet_lifter import (
    DIFFERENCES,
    RECIPE,
    REFERENCE,
    FixedNetworkSettings,
    build,
)


class FSGFTGSettings(FixedNetworkSettings):
    """Switches of the all-fixed network."""

    spatial_unit: tuple[SpatialLayer, ...] = ("FSG", "FSG")
    temporal_unit: tuple[TemporalLayer, ...] = ("FTG", "FTG", "FTG")


METHOD = Method(
    name="fsg_ftg",
    title="FSG/FTG (all fixed)",
    reference=REFERENCE,
    settings=FSGFTGSettings,
    build=build,
    recipe=RECIPE,
    differences=DIFFERENCES,
)
