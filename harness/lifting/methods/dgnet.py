"""DG-Net: dynamical spatial and temporal graph convolutions, four frames."""

from harness.lifting.contract import Method
from harness.lifting.methods.dgnet_lifter import (
    DIFFERENCES,
    RECIPE,
    REFERENCE,
    DGNetSettings,
    build,
)

METHOD = Method(
    name="dgnet",
    title="DG-Net",
    reference=REFERENCE,
    settings=DGNetSettings,
    build=build,
    recipe=RECIPE,
    differences=(
        *DIFFERENCES,
        "neighbour weights are bounded (a softmax over the neighbours unless set otherwise): "
        "unbounded ones diverge",
        "coordinates are the plain form unless set otherwise: the balanced form of the paper needs "
        "the true depth of the root",
    ),
    published_row="dgnet",
    published={
        "MPJPE, Human3.6M, CPN": 45.3,
        "P-MPJPE, Human3.6M, CPN": 35.4,
        "MPJPE, Human3.6M, ground truth 2D": 31.2,
        "P-MPJPE, Human3.6M, ground truth 2D": 24.1,
    },
)
