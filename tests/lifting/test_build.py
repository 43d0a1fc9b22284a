import pytest
import torch

from harness.body.skeleton import H36M_17
from harness.foundation.errors import HarnessError
from harness.lifting.build import build_lifter
from harness.lifting.registry import METHODS, method_called


@pytest.mark.parametrize("name", METHODS)
def test_weights_are_drawn_in_float64_and_rounded_to_the_type_asked_for(name: str) -> None:
    """So they are alike on processors whose float32 draws are not."""
    exact = build_lifter(method_called(name), {}, H36M_17, H36M_17, 0, dtype=torch.float64)
    single = build_lifter(method_called(name), {}, H36M_17, H36M_17, 0)
    expected = exact.state_dict()
    for key, weight in single.state_dict().items():
        assert weight.dtype != torch.float64
        assert torch.equal(weight, expected[key].to(weight.dtype)), key
    drawn = [weight for weight in exact.parameters() if weight.numel() > 1 and weight.std() > 0]
    assert any((weight != weight.float().double()).any() for weight in drawn)


def test_torch_is_left_as_it_was_also_where_building_fails() -> None:
    before = torch.get_rng_state()
    with pytest.raises(HarnessError, match="unknown key"):
        build_lifter(method_called("dgnet"), {"chanels": 8}, H36M_17, H36M_17, 0)
    build_lifter(method_called("dgnet"), {"channels": 8, "blocks": 1}, H36M_17, H36M_17, 0)
    assert torch.get_default_dtype() == torch.float32
    assert torch.equal(torch.get_rng_state(), before)
