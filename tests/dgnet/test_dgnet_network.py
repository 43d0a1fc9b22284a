"""The network: sizes, switches, heads, affinities."""

import dataclasses

import pytest
import torch

from dgnet import BodyGraph, DGNet, DGNetConfig, total_loss

HUMAN = BodyGraph(
    joints=17,
    edges=tuple(
        (parent, child)
        for child, parent in enumerate((-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15))
        if parent >= 0
    ),
    mirror_pairs=((4, 1), (5, 2), (6, 3), (11, 14), (12, 15), (13, 16)),
)
SMALL = DGNetConfig(channels=8, blocks=2, frames=4)


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def keypoints(frames=4, seed=0, batch=3, joints=17):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, frames, joints, 2, generator=generator)


def make(config, seed=0, graph=HUMAN):
    """Build a network whose every parameter has an effect, with the statistics of some poses."""
    torch.manual_seed(seed)
    network = DGNet(config, graph)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            module.momentum = 1.0
    network(keypoints(config.frames, seed=1, batch=8, joints=graph.joints))
    return network


def test_full_network_has_the_counts_of_the_plain_reading():
    network = DGNet(DGNetConfig(), HUMAN)
    block = network.blocks[0]
    fsg, dsg = block.spatial_unit
    ftg, dtg, last = block.temporal_unit
    assert parameters(network.input) == 945
    assert parameters(fsg) == 66_402
    assert parameters(dsg) == 34_050
    assert parameters(ftg) + parameters(last) == 198_144
    assert parameters(dtg) == 100_100
    assert parameters(block.after_spatial) + parameters(block.after_temporal) == 66_944
    assert parameters(block) == 465_640
    assert parameters(network.head) == 3_892
    assert parameters(network.block_heads[0]) == 67_222
    assert parameters(network) == 2_669_147
    network.drop_block_heads()
    assert parameters(network) == 2_333_037


def test_parameters_in_training_and_testing_are_near_the_published_figures():
    network = DGNet(DGNetConfig(), HUMAN)
    assert abs(parameters(network) / 2.69e6 - 1) < 0.01
    network.drop_block_heads()
    assert abs(parameters(network) / 2.39e6 - 1) < 0.025


SWITCHES = {
    "channels": 6,
    "blocks": 3,
    "spatial_unit": ("FSG", "DSG", "DSG"),
    "temporal_unit": ("FTG", "DTG"),
    "spatial_neighbours": 5,
    "temporal_neighbours": 2,
    "weight_bound": "sigmoid",
    "spatial_self_neighbour": False,
    "temporal_self_neighbour": False,
    "outside_window": "replicate",
    "non_local": False,
    "form": "unified",
    "knn": False,
}


@pytest.mark.parametrize("frames", [1, 2, 4])
@pytest.mark.parametrize("form", ["factorized", "unified"])
@pytest.mark.parametrize(
    "connection", ["random", "fixed", "full", "symmetry", "precomputed", "dynamical"]
)
@pytest.mark.parametrize("weighting", ["none", "fully_connected", "embedded_gaussian"])
def test_every_style_trains_all_its_parameters(connection, weighting, form, frames):
    config = dataclasses.replace(
        SMALL, frames=frames, connection=connection, weighting=weighting, form=form, blocks=1
    )
    network = make(config)
    target = torch.randn(3, frames, 17, 3)
    loss = total_loss(network.levels(keypoints(frames)), target)
    loss.backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    assert network.eval()(keypoints(frames)).shape == (3, frames, 17, 3)


@pytest.mark.parametrize(("switch", "value"), SWITCHES.items())
def test_every_switch_changes_the_prediction(switch, value):
    plain, switched = make(SMALL), make(dataclasses.replace(SMALL, **{switch: value}))
    if {name: p.shape for name, p in plain.named_parameters()} == {
        name: p.shape for name, p in switched.named_parameters()
    }:
        switched.load_state_dict(plain.state_dict(), strict=False)
    inputs = keypoints()
    assert not torch.allclose(plain.eval()(inputs), switched.eval()(inputs), atol=1e-6)


@pytest.mark.parametrize("connection", ["random", "fixed", "full", "symmetry", "precomputed"])
def test_every_connection_style_changes_the_prediction(connection):
    plain, styled = make(SMALL), make(dataclasses.replace(SMALL, connection=connection))
    styled.load_state_dict(plain.state_dict(), strict=False)
    inputs = keypoints()
    assert not torch.allclose(plain.eval()(inputs), styled.eval()(inputs), atol=1e-6)


def test_without_knn_is_the_full_style_with_self():
    full, free = (
        make(dataclasses.replace(SMALL, **c)) for c in ({"connection": "full"}, {"knn": False})
    )
    inputs = keypoints()
    torch.testing.assert_close(full.eval()(inputs), free.eval()(inputs))


def test_without_block_supervision_there_are_no_block_heads():
    network = DGNet(dataclasses.replace(SMALL, block_supervision=False), HUMAN)
    assert network.levels(keypoints()).blocks == ()


def test_block_heads_do_not_touch_the_prediction():
    network = make(SMALL).eval()
    inputs = keypoints()
    with_heads = network(inputs)
    assert torch.equal(network.levels(inputs).network, with_heads)
    assert len(network.levels(inputs).blocks) == 2
    lean = DGNet(dataclasses.replace(SMALL, block_supervision=False), HUMAN).eval()
    network.drop_block_heads()
    lean.load_state_dict(network.state_dict())
    assert torch.equal(network(inputs), with_heads)
    assert torch.equal(lean(inputs), with_heads)


def test_windows_of_a_batch_do_not_see_each_other_in_evaluation():
    network = make(SMALL).double().eval()
    inputs = keypoints(batch=5).double()
    alone = torch.cat([network(window[None]) for window in inputs])
    torch.testing.assert_close(network(inputs), alone)


def test_a_spatial_network_does_not_see_other_frames():
    network = make(dataclasses.replace(SMALL, temporal_unit=())).double().eval()
    inputs = keypoints().double()
    alone = torch.cat([network(inputs[:, t : t + 1]) for t in range(4)], dim=1)
    torch.testing.assert_close(network(inputs), alone)


def test_random_connections_travel_with_the_weights():
    styles = [dataclasses.replace(SMALL, connection="random", connection_seed=s) for s in (0, 1)]
    first, second = (make(style, seed=s).eval() for s, style in enumerate(styles))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(keypoints()), second(keypoints()))


def test_precomputed_connections_are_those_of_the_2d_pose():
    network = make(dataclasses.replace(SMALL, connection="precomputed", blocks=1)).eval()
    inputs = keypoints()
    affinities = network.affinities(inputs)
    both = [affinities[f"spatial_unit.1.{layer}.spatial"] > 0 for layer in ("first", "second")]
    assert torch.equal(both[0], both[1])
    order = torch.cdist(inputs, inputs).argsort(dim=-1)[..., :3]
    expected = torch.zeros(3, 4, 17, 17, dtype=torch.bool).scatter(-1, order, True)
    assert torch.equal(both[0], expected)


def test_affinities_are_those_that_the_layers_use():
    network = make(dataclasses.replace(SMALL, weighting="none")).eval()
    inputs = keypoints()
    before = network(inputs)
    affinities = network.affinities(inputs, block=1)
    assert set(affinities) == {
        *(f"spatial_unit.1.{layer}.spatial" for layer in ("first", "second")),
        *(
            f"temporal_unit.1.{layer}.{way}"
            for layer in ("first", "second")
            for way in ("forward", "backward")
        ),
    }
    assert affinities["spatial_unit.1.first.spatial"].shape == (3, 4, 17, 17)
    assert affinities["temporal_unit.1.first.forward"].shape == (3, 3, 17, 17)
    counts = {name: (matrix > 0).sum(dim=-1).unique() for name, matrix in affinities.items()}
    assert all(
        count.tolist() == [3 if name.startswith("spatial") else 4] for name, count in counts.items()
    )
    assert torch.equal(network(inputs), before)
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_two_runs_from_one_seed_are_equal_bit_for_bit():
    losses = []
    for _ in range(2):
        network = make(SMALL)
        optimizer = torch.optim.Adam(network.parameters(), 1e-3)
        for step in range(3):
            target = torch.randn(3, 4, 17, 3, generator=torch.Generator().manual_seed(step))
            loss = total_loss(network.levels(keypoints(seed=step)), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[:3] == losses[3:]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"channels": 0}, "channels is 0"),
        ({"spatial_neighbours": 0}, "spatial_neighbours is 0"),
        ({"spatial_unit": (), "temporal_unit": ()}, "both empty"),
    ],
)
def test_impossible_configurations_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(SMALL, **change)


def test_unknown_layers_are_refused_by_name():
    with pytest.raises(ValueError, match="unknown layer 'XSG'"):
        DGNet(dataclasses.replace(SMALL, spatial_unit=("XSG",)), HUMAN)


def test_edges_beyond_the_joints_are_refused():
    with pytest.raises(ValueError, match=r"edges has \(0, 3\)"):
        BodyGraph(joints=3, edges=((0, 3),))
