"""Protocols fix what moves numbers, and cannot change unnoticed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.body.skeleton import H36M_16, H36M_17, MPI_INF_3DHP_17
from harness.foundation.errors import HarnessError
from harness.scoring.metrics import METRICS, mpjpe
from harness.scoring.protocols import PROTOCOLS, Protocol, protocol_called

# A definition may change only together with its version; then this table follows.
DEFINED = {
    "3dhp16-cross-poseaug": (1, "38e0bafd"),
    "3dhp17-annot3-seqmean": (1, "7cd3c541"),
    "3dhp17-univ-frameweighted": (1, "19bf7e57"),
    "common16-actionwise": (1, "b5d24708"),
    "h36m14-martinez": (1, "fe14505d"),
    "h36m16-semgcn": (1, "fb4e0387"),
    "h36m16-semgcn-executed": (1, "9d0fa49d"),
    "h36m17-actionwise": (1, "565962e1"),
    "h36m17-actionwise-no-s9drift": (1, "bef612d5"),
    "h36m17-actionwise-rootzero": (1, "48943b4b"),
    "h36m17-aligned-windows": (1, "0a2b8f65"),
    "h36m17-framewise": (1, "0a488134"),
    "h36m17-made25d": (1, "b60266f2"),
    "h36m17-made25d-xy-of-input": (1, "c907e1ca"),
    "h36m17-motionbert25d": (1, "bc49bb71"),
    "humaneva15-validate": (1, "fc136745"),
    "humaneva15-validate-no-s3walk": (1, "64c4ade6"),
    "own-actionwise": (1, "5ee9f24d"),
}


def test_a_definition_changes_only_with_its_version() -> None:
    found = {p.id: (p.version, p.definition[:8]) for p in PROTOCOLS.values()}
    assert found == DEFINED


def test_words_are_no_part_of_a_definition_and_numbers_are() -> None:
    protocol = protocol_called("h36m17-actionwise")
    assert replace(protocol, description="x", source="y").definition == protocol.definition
    assert replace(protocol, root="overwrite_root").definition != protocol.definition


@pytest.mark.parametrize("id", PROTOCOLS)
def test_names_in_a_protocol_exist(id: str) -> None:
    protocol = PROTOCOLS[id]
    assert set(protocol.not_scored) <= set(protocol.skeleton.joints)
    assert set(protocol.no_credit) <= set(protocol.joints)
    assert set(protocol.metrics) <= set(METRICS)
    assert set(protocol.groups) <= {"subject", "action", "subaction"}


@pytest.mark.parametrize(
    ("id", "joints"),
    [
        ("h36m17-actionwise", 17),
        ("h36m16-semgcn", 16),
        ("h36m14-martinez", 14),
        ("humaneva15-validate", 15),
        ("3dhp17-univ-frameweighted", 17),
    ],
)
def test_mpjpe_counts_the_joints_that_the_id_says(id: str, joints: int) -> None:
    assert protocol_called(id).counts(METRICS["MPJPE"]).sum() == joints


def test_pck_of_3dhp_counts_the_14_joints_of_the_matlab_evaluation() -> None:
    protocol = protocol_called("3dhp17-univ-frameweighted")
    counted = protocol.counts(METRICS["PCK@150mm"])
    left_out = [joint for joint, yes in zip(protocol.joints, counted, strict=True) if not yes]
    assert counted.sum() == 14
    assert left_out == ["Pelvis", "Spine", "Head"]
    assert MPI_INF_3DHP_17.root == 14


def _poses() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(6, 17, 3)) + np.array([0.0, 0.0, 5.0])
    predicted = truth - truth[:, :1] + rng.normal(scale=0.05, size=truth.shape)
    return predicted, truth


def test_the_three_root_policies() -> None:
    predicted, truth = _poses()
    relative = truth - truth[:, :1]
    base = protocol_called("h36m17-actionwise")
    expected = {
        "as_predicted": predicted,
        "subtract_predicted_root": predicted - predicted[:, :1],
        "overwrite_root": np.concatenate([np.zeros((6, 1, 3)), predicted[:, 1:]], axis=1),
    }
    for policy, pose in expected.items():
        placed, target = replace(base, root=policy).place(predicted, H36M_17, truth, H36M_17)
        np.testing.assert_allclose(placed, pose)
        np.testing.assert_allclose(target, relative)


def test_counting_a_perfect_root_scales_the_number_by_16_of_17() -> None:
    predicted, truth = _poses()
    frames = np.arange(6)
    placed = {
        id: protocol_called(id).place(predicted, H36M_17, truth, H36M_17)
        for id in ("h36m17-actionwise", "h36m17-actionwise-rootzero")
    }
    counted = mpjpe(*placed["h36m17-actionwise"], frames)
    overwritten = mpjpe(*placed["h36m17-actionwise-rootzero"], frames)
    assert overwritten.mean() == pytest.approx(counted[:, 1:].mean() * 16 / 17)
    assert counted.mean() > overwritten.mean()


def test_joints_are_picked_by_name() -> None:
    predicted, truth = _poses()
    fewer = [H36M_17.joints.index(joint) for joint in H36M_16.joints]
    protocol = protocol_called("h36m16-semgcn")
    from_17 = protocol.place(predicted, H36M_17, truth, H36M_17)
    from_16 = protocol.place(predicted[:, fewer], H36M_16, truth, H36M_17)
    np.testing.assert_array_equal(from_17, from_16)
    martinez, _ = protocol_called("h36m14-martinez").place(predicted, H36M_17, truth, H36M_17)
    assert martinez.shape == (6, 14, 3)
    # The root is not scored, yet the pose is moved by it.
    np.testing.assert_allclose(martinez[:, 0], predicted[:, 1] - predicted[:, 0])


def test_missing_joints_are_named() -> None:
    predicted, truth = _poses()
    with pytest.raises(HarnessError, match="lacks Neck/Nose"):
        protocol_called("h36m17-actionwise").place(predicted[:, :16], H36M_16, truth, H36M_17)


def test_actions_match_exactly() -> None:
    clips = pd.DataFrame(
        {
            "subject": ["S3", "S3", "S1", "S1", "S1"],
            "action": ["Walking", "Jog", "Walking", "Walking 2", "Jogging"],
            "subaction": "1",
        }
    )
    whole, partly = "humaneva15-validate", "humaneva15-validate-no-s3walk"
    assert protocol_called(whole).keeps(clips).tolist() == [True, True, True, False, False]
    assert protocol_called(partly).keeps(clips).tolist() == [False, True, True, False, False]
    assert protocol_called("h36m17-actionwise").keeps(clips).all()


def test_the_shifted_takes_of_s9_are_left_out_and_no_others() -> None:
    takes = [("S9", "Greeting"), ("S9", "Greeting 1"), ("S9", "SittingDown 1"), ("S9", "Waiting")]
    takes += [("S11", "Greeting"), ("S9", "act_13_subact_01"), ("S9", "act_13_subact_02")]
    clips = pd.DataFrame(takes, columns=["subject", "subaction"]).assign(action="Greeting")
    kept = protocol_called("h36m17-actionwise-no-s9drift").keeps(clips).tolist()
    assert kept == [False, True, False, True, True, False, True]


def test_whole_windows_leave_the_rest_of_a_clip_and_a_short_last_clip_out() -> None:
    protocol = protocol_called("h36m17-motionbert25d")
    assert counted(protocol, [25, 9, 20, 10]) == [
        [*range(20)],
        [*range(9)],
        [*range(20)],
        [*range(10)],
    ]
    assert counted(protocol, [25, 9]) == [[*range(20)], []]
    assert counted(protocol_called("h36m17-actionwise"), [25, 9]) == [[*range(25)], [*range(9)]]


def test_an_aligned_last_window_counts_what_it_shares_twice() -> None:
    protocol = protocol_called("h36m17-aligned-windows")
    assert counted(protocol, [25, 20, 9]) == [
        [*range(20), *range(15, 25)],
        [*range(20)],
        [*range(9)],
    ]


def counted(protocol: Protocol, lengths: list[int]) -> list[list[int]]:
    return [frames.tolist() for frames in protocol.covered(lengths, window=10)]


def test_what_semgcn_computes_is_not_what_it_reads_as() -> None:
    predicted, truth = _poses()
    torch = pytest.importorskip("torch")
    columns = list(H36M_16.columns_in(H36M_17))
    sixteen = torch.tensor(predicted[:, columns]).contiguous()
    sixteen -= sixteen[:, :1]  # the line of its evaluation, on a view of the same memory
    executed, target = protocol_called("h36m16-semgcn-executed").place(
        predicted, H36M_17, truth, H36M_17
    )
    np.testing.assert_array_equal(executed, sixteen.numpy())
    meant, _ = protocol_called("h36m16-semgcn").place(predicted, H36M_17, truth, H36M_17)
    assert mpjpe(meant, target, np.arange(6)).mean() != mpjpe(executed, target, np.arange(6)).mean()


def test_an_unknown_protocol_is_answered_with_the_nearest_id() -> None:
    with pytest.raises(HarnessError, match="did you mean 'h36m17-actionwise'"):
        protocol_called("h36m17-actionwize")
