"""Learning rate schedules, as pure functions of how far training is: nothing to save or resume."""

from harness.lifting.recipe import Recipe


def learning_rate(recipe: Recipe, epoch: int, step: int) -> float:
    """Return the learning rate of a step.

    Args:
        recipe: names the schedule.
        epoch: the epoch, from 1.
        step: steps taken before this one, over all epochs.
    """
    if recipe.schedule == "exponential_by_epoch":
        return recipe.learning_rate * recipe.decay ** (epoch - 1)
    if recipe.schedule == "exponential_by_step":
        return recipe.learning_rate * recipe.decay ** (step / recipe.decay_steps)
    return recipe.learning_rate
