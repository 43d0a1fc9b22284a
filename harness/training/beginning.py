"""What training begins with: the lifter with its first weights, and the clips it learns from."""

import pandas as pd
import torch

from harness.datasets.prepared import PreparedSet, Split
from harness.foundation.errors import HarnessError
from harness.lifting.build import build_lifter
from harness.lifting.contract import Lifter
from harness.lifting.recipe import Recipe
from harness.lifting.windows import WindowReader
from harness.training.plan import TrainingPlan


def untrained(plan: TrainingPlan, recipe: Recipe, prepared: PreparedSet) -> Lifter:
    """Return the plan's lifter with its initial weights, in the precision that it is trained in.

    Raises:
        HarnessError: the method's settings are wrong, or the data lack a joint.
    """
    return build_lifter(
        plan.method(),
        plan.settings.network,
        prepared.skeleton,
        prepared.layout(plan.input_2d),
        plan.seed,
        dtype=torch.float64 if recipe.precision == "64-true" else torch.float32,
    )


def learnt_from(
    plan: TrainingPlan, prepared: PreparedSet, lifter: Lifter
) -> tuple[WindowReader, WindowReader | None]:
    """Return the readers of the clips to train on and of those to validate on, if there are any.

    Raises:
        HarnessError: the set has no training clips, or lacks the 2D source or a joint.
    """
    training, validation = (
        _reader(plan, prepared, lifter, split) for split in ("train", "validation")
    )
    if training is None:
        raise HarnessError(f"{plan.prepared}: has no training clips; prepare it with some")
    return training, validation


def training_clips(plan: TrainingPlan, prepared: PreparedSet) -> pd.DataFrame:
    """Return the clips to train on.

    Raises:
        HarnessError: an action does not exist, or a subject has no such training clip.
    """
    clips = prepared.select("train", subjects=plan.train_subjects, actions=plan.train_actions)
    idle = sorted(set(plan.train_subjects or ()) - set(clips["subject"]))
    if idle:
        raise HarnessError(
            f"{plan.prepared}: train_subjects names {idle[0]}, who has no training clip among "
            f"those chosen; name some of {', '.join(clips['subject'].unique())}"
        )
    return clips


def _reader(
    plan: TrainingPlan, prepared: PreparedSet, lifter: Lifter, split: Split
) -> WindowReader | None:
    """Return the reader of a split's clips, or None where the set has none to validate on."""
    present = prepared.clips[prepared.clips["split"] == split]
    if plan.train_actions is not None and split == "validation":
        present = present[present["action"].isin(plan.train_actions)]
    if present.empty:
        return None
    if split == "train":
        clips = training_clips(plan, prepared)
    else:
        clips = prepared.select(split, actions=plan.train_actions)
    return WindowReader(prepared, clips, plan.input_2d, lifter)
