"""Heat maps of lifters by what they were trained and tested on."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from harness.reporting.heat_maps import HeatMapAxes, draw_heat_maps


@pytest.mark.parametrize("panels", [1, 2, 3])
def test_any_number_of_panels_is_drawn(tmp_path: Path, panels: int) -> None:
    matrices = {f"lifter {n}": np.array([[50.0, np.nan], [70.0, 60.0]]) for n in range(panels)}
    written = draw_heat_maps(matrices, HeatMapAxes("ab", "ab", "MPJPE, mm"), tmp_path / "map")
    (picture,) = (path for path in written if path.suffix == ".png")
    assert image.imread(picture)[..., :3].std() > 0.02
