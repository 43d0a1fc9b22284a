"""A method of a profile from its data to its scores: what `dvc repro` does in stages, in one go."""

from collections.abc import Callable
from pathlib import Path

from harness.datasets.importers import importer_called, prepare_set
from harness.foundation.errors import HarnessError
from harness.foundation.provenance import RunRecord
from harness.foundation.settings import Profile
from harness.prediction.predict_run import predict_run
from harness.prediction.stored import read_predictions
from harness.scoring.all_protocols import score_run
from harness.scoring.protocols import protocol_called
from harness.scoring.stored_score import read_header
from harness.training.plan import TrainingPlan
from harness.training.train_run import train_run


def prepared_for(name: str, profile: Profile, folder: Path, tell: Callable[[str], None]) -> None:
    """Prepare a profile's data where they are not there and need no files of the user.

    Args:
        name: the profile's name.
        profile: its settings.
        folder: the prepared set.
        tell: told what is being done.

    Raises:
        HarnessError: they need files; the message names the command that prepares them.
    """
    if (folder / "manifest.json").is_file():
        return
    dataset = profile.dataset
    if importer_called(dataset.name).needs_raw:
        raise HarnessError(
            f"{folder}: is not prepared; run 'harness data prepare {dataset.name} --raw DIR "
            f"--profile {name}'"
        )
    tell(f"preparing {dataset.name} into {folder}")
    prepare_set(dataset.name, None, folder, dataset.options)


def run_whole(plan: TrainingPlan, profile: Profile, tell: Callable[[str], None]) -> None:
    """Train, predict and score a run by its profile's protocols; what is finished is left.

    Args:
        plan: the run.
        profile: whose protocols count, and whether the mirrored input is averaged with.
        tell: told what is being done.

    Raises:
        HarnessError: data, settings or places are wrong.
    """
    tell(f"training {plan.name}")
    record = train_run(plan)
    if record.status != "finished":
        return  # another process of a run whose first one goes on
    if _is_scored(plan.folder, record, profile):
        tell(f"{plan.name} is scored already ({record.run_id})")
        return
    tell(f"predicting and scoring {plan.name}")
    predict_run(plan.folder, plan.prepared, flip_test=profile.flip_test)
    score_run(plan.name, plan.folder, plan.prepared, profile.protocols)


def _is_scored(folder: Path, record: RunRecord, profile: Profile) -> bool:
    """Whether a run's predictions and scores under every protocol are of its present weights."""
    try:
        made = read_predictions(folder / "predictions").contract
        headers = [read_header(folder / "scores" / protocol) for protocol in profile.protocols]
    except HarnessError:
        return False
    found = (made.run_id, made.checkpoint_sha256, made.flip_test)
    weights = record.results.get("checkpoint_sha256")
    return found == (record.run_id, weights, profile.flip_test) and all(
        header.conditions.predictions == made
        and header.conditions.definition == protocol_called(protocol).definition
        for header, protocol in zip(headers, profile.protocols, strict=True)
    )
