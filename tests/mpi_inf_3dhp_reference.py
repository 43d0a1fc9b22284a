"""The MATLAB scorer of MPI-INF-3DHP, written out slowly.

mpii_test_predictions.m (errors), mpii_get_pck_auc_joint_groups.m (groups), mpii_compute_3d_pck.m
(PCK, AUC), mpii_evaluate_errors.m (MPJPE; by sequence, by activity, all).
"""

from typing import Any

import numpy as np

GROUPS = ([0], [1], [2, 5], [3, 6], [4, 7], [8, 11], [9, 12], [10, 13])


def errors_of_sequence(predicted: np.ndarray, variables: dict[str, Any], annotation: str) -> Any:
    """Return the (17, valid frames) errors in mm of one test sequence."""
    columns = []
    for frame, valid in enumerate(variables["valid_frame"]):
        if valid == 1:
            truth = variables[annotation][frame] - variables[annotation][frame][14]
            guess = 1000.0 * predicted[frame].astype(np.float64)
            guess[14] = 0.0  # lifters of this data set do not predict the root
            columns.append([np.sqrt(np.sum((guess[j] - truth[j]) ** 2)) for j in range(17)])
    return np.array(columns).T


def pck_and_auc(errors: np.ndarray) -> tuple[float, float]:
    """Return PCK at 150 mm and AUC in percent, groups of joints weighted by their size."""
    frames, joints = errors.shape[1], sum(map(len, GROUPS))
    curve, pck = np.zeros(31), 0.0
    for group in GROUPS:
        chosen = errors[group]
        for step, threshold in enumerate(range(0, 151, 5)):
            part = np.sum(chosen < threshold) / (len(group) * frames)
            curve[step] += part * len(group) / joints
        pck += np.sum(chosen < 150) / (len(group) * frames) * len(group) / joints
    return 100 * pck, 100 * np.sum(curve) / 31


def mpjpe(errors: np.ndarray) -> float:
    """Return the mean over joints of each joint's mean, the root among them."""
    return float(np.mean([np.mean(errors[joint]) for joint in range(17)]))


def reference(errors: np.ndarray) -> dict[str, float]:
    pck, auc = pck_and_auc(errors)
    return {"MPJPE": mpjpe(errors), "PCK@150mm": pck, "AUC": auc}
