"""Starting a training run from weights that are there: another run's, or an imported release's."""

from pathlib import Path

from harness.foundation.errors import HarnessError
from harness.lifting.checkpoint import CHECKPOINT, ModelContract, read_checkpoint
from harness.lifting.contract import Lifter


def starting_checkpoint(place: str) -> Path:
    """Return the checkpoint that `training.start_from` names: a run's folder, or a file.

    Raises:
        HarnessError: there is none.
    """
    path = Path(place)
    path = path / CHECKPOINT if path.is_dir() else path
    if not path.is_file():
        raise HarnessError(
            f"training start_from: {path}: no such checkpoint; name the folder of a finished run "
            "(results/PROFILE/runs/NAME) or a checkpoint, and bring public weights in with "
            "'harness import-checkpoint' first"
        )
    return path


def start_from(path: Path, method: str, lifter: Lifter) -> ModelContract:
    """Give the lifter the weights of a checkpoint and return the checkpoint's contract.

    A method that changes the loss or the input of another one, and keeps its network, can start
    from weights of the other.

    Args:
        path: the checkpoint.
        method: the method to be trained.
        lifter: with its initial weights, which are replaced.

    Raises:
        HarnessError: the checkpoint is damaged, of another network or of another size.
    """
    contract, weights = read_checkpoint(path)
    where = f"training start_from: {path}"
    ours = lifter.state_dict()
    odd = sorted(weights.keys() ^ ours.keys()) or sorted(
        name for name, weight in weights.items() if weight.shape != ours[name].shape
    )
    if odd and contract.method != method:
        raise HarnessError(
            f"{where}: holds weights of {contract.method}, whose network is not that of {method} "
            f"({len(odd)} tensors differ, such as '{odd[0]}'); name a checkpoint of {method}"
        )
    if odd:
        there, here = (
            str(tuple(state[odd[0]].shape)) if odd[0] in state else "none"
            for state in (weights, ours)
        )
        raise HarnessError(
            f"{where}: its network is another one ({len(odd)} tensors differ; '{odd[0]}' has shape "
            f"{there} there, {here} here); set network to its parameters, which are "
            f"{contract.network}"
        )
    lifter.load_state_dict(weights)
    return contract
