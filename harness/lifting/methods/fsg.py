"""FSG only: spatial layers of DG-Net, all fixed, no layers in time (table VIII, FSG+FSG)."""

from dgnet.config import SpatialLayer, TemporalLayer
from harness.lifting.contract import Method
from harness.lifting.methods.dgnet_lifter import (
    DIFFERENCES,
    RECIPE,
    REFERENCE,
    FixedNetworkSettings,
    build,
)


class FSGSettings(FixedNetworkSettings):
    """Switches of the all-fixed network without layers in time."""

    spatial_unit: tuple[SpatialLayer, ...] = ("FSG", "FSG")
    temporal_unit: tuple[TemporalLayer, ...] = ()


METHOD = Method(
    name="fsg",
    title="FSG (spatial, all fixed)",
    reference=REFERENCE,
    settings=FSGSettings,
    build=build,
    recipe=RECIPE,
    differences=DIFFERENCES,
    published={"MPJPE, Human3.6M, CPN": 57.4},
)
