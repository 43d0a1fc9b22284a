"""Which 2D source a method can take: graph networks predict the joints that they take."""

from dataclasses import replace

from harness.datasets.keypoints.derived_source import derived_name
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.lifting.build import build_lifter
from harness.training.plan import TrainingPlan


def on_joints_it_takes(plan: TrainingPlan, prepared: PreparedSet) -> TrainingPlan:
    """Return the plan, on the source of derived joints where its method cannot take its own.

    Args:
        plan: the run.
        prepared: the set that it is trained on.

    Raises:
        HarnessError: the method takes joints that its source lacks, and the set holds none that are
            derived from it.
    """
    skeleton, layout = prepared.skeleton, prepared.layout(plan.input_2d)
    if set(skeleton.joints) <= set(layout.joints):
        return plan
    try:
        build_lifter(plan.method(), plan.settings.network, skeleton, layout, plan.seed)
    except HarnessError as error:
        derived = derived_name(plan.input_2d, skeleton)
        if derived in prepared.manifest.sources_2d:
            return replace(plan, input_2d=derived)
        raise HarnessError(
            f"{error}; 'harness data derive {prepared.path} --source {plan.input_2d} --out FOLDER' "
            f"makes a set with {derived}, where they are derived"
        ) from error
    return plan
