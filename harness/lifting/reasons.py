"""Why the methods of this repository differ from their originals where they do.

These sentences complete the `differences` of `methods/`. They stand apart because a run's identity
covers every line of its method: prose there would train models again.
"""

from harness.lifting.contract import Method

# By the beginning of a difference; what names its reason itself is not listed.
_REASONS = {
    "factor of the exponential decay and flip augmentation": (
        "0.96 an epoch is the factor of SemGCN, whose layers the paper builds on; VideoPose3D and "
        "ST-GCN mirror the same data"
    ),
    "recipe and normalisation of SemGCN's public code": (
        "all methods here are given the same input, z-scores would need the training set's "
        "statistics at test time, and the released weights of that code can be imported"
    ),
    "all joints are predicted": "so that all methods are compared on the same joints",
    "the learning rate falls at every step": (
        "one formula serves all methods; the two are never 5 % apart"
    ),
    "the best epoch is chosen on validation subjects": (
        "a choice made on test subjects makes every number too good"
    ),
    "recipe of the public code": "the published numbers and the released weights are that code's",
    "with non-local blocks the public code trains 30 epochs": (
        "a recipe has one number of epochs; 50 is that of the default, without non-local blocks"
    ),
    "all of the data set's joints": "so that all methods are compared on the same joints",
    "the learning rate falls evenly": (
        "a schedule has one factor, here 0.95^4 x 0.5 spread over five epochs"
    ),
    "refinement is trained together with the network": (
        "a run is one training; there the second stage is started by hand, with other settings"
    ),
    "without the public code's switches for a symmetry loss": "both are off by default there",
    "the semi-supervised training of the paper's section 4": (
        "it needs further video, without 3D; the published numbers here are of full supervision"
    ),
    "120 epochs, the public code's default": "what was run is said in a comment only",
    "each frame counts once in scores": (
        "frames that count twice would make a score depend on the length of the window"
    ),
    "batch_size and window_stride are those of 243": (
        "a recipe holds numbers, not formulas; set both with frames"
    ),
    "window_stride is that of 243": "a recipe holds numbers, not formulas; set it with frames",
    "predicts metres in camera space": "so that all methods are compared on the same target",
    "every frame of a clip is predicted": "so that all methods are compared on the same frames",
    "trained from scratch": "it takes other data sets, and what it gives can be started from",
    "terms of limbs and angles": "a term of weight zero changes nothing",
    "on other joints than Human3.6M's": "nothing is published for them",
    "all windows are sampled from": "every number must be made again by whoever has the weights",
    "noise is estimated in": "rounding is no part of the method",
    "bone_lengths switches the bone term": "the published row without it cannot be made otherwise",
}


def explained_differences(method: Method) -> tuple[str, ...]:
    """Return a method's differences from the original, each with its reason."""
    return tuple(_explained(difference) for difference in method.differences)


def _explained(difference: str) -> str:
    for beginning, reason in _REASONS.items():
        if difference.startswith(beginning):
            return f"{difference}. Why: {reason}"
    return difference
