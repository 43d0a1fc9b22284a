"""How sure an average or a difference is of other people: intervals over subjects.

Hierarchical bootstrap: subjects are resampled, then takes inside each (see
`harness.scoring.resampling`), and seeds before both where there are several. From few subjects
percentiles cannot reach far enough out, so the limits are Student's: the standard error of the
resamples, with one degree of freedom less than there are subjects; seeds bring their own, as in
`harness.scoring.statistics`.

The draw of subjects alone has the spread of their takes in it, for a subject's average moves with
them. Drawing takes as well counts it twice where a subject has several of an action: the interval
errs to the wide side, most where subjects are alike (by a factor of at most 1.4).
"""

from dataclasses import dataclass

from harness.foundation.seeds import derive_seed
from harness.scoring.resampling import bootstrap_of_subjects
from harness.scoring.statistics import between_seeds, student
from harness.scoring.takes import Takes

FEWEST_SUBJECTS = 3


@dataclass(frozen=True)
class Interval:
    """The limits of a 95 % interval, in the unit of the metric."""

    low: float
    high: float


def intervals_over_subjects(takes: Takes, seed: int = 0) -> list[Interval] | None:
    """Return the interval over subjects of each model's difference from the first.

    None from fewer than FEWEST_SUBJECTS subjects: two tell next to nothing of a third.

    Args:
        takes: errors of two or more models.
        seed: the same seed gives the same digits.
    """
    subjects = takes.names["subject"].nunique()
    if subjects < FEWEST_SUBJECTS:
        return None
    values = takes.values()
    resampled = bootstrap_of_subjects(takes, derive_seed(seed, "subjects"))
    found = []
    for index in range(1, len(values)):
        apart = resampled[:, index] - resampled[:, 0]
        seeds = between_seeds(takes, index)
        of_people = max(float(apart.var()) - sum(of for of, _ in seeds), 0.0)
        value = float(values[index] - values[0])
        low, high, _ = student(value, [*seeds, (of_people, subjects - 1)])
        found.append(Interval(low, high))
    return found


def told_of_subjects(subjects: int) -> str:
    """Return the sentence that says how intervals over subjects are made, or why there are none.

    Args:
        subjects: how many there are in the takes.
    """
    if subjects < FEWEST_SUBJECTS:
        people = f"{subjects} subject{'s' * (subjects != 1)}"
        return (
            f"no interval over subjects: the takes are of {people}, and from fewer than "
            f"{FEWEST_SUBJECTS} nothing can be told of other people"
        )
    return (
        f"interval over subjects: the {subjects} subjects are resampled, then takes inside each, "
        "and seeds first where there are several (hierarchical bootstrap, Student's limits); it "
        "speaks of other people, the interval over takes of other takes of these"
    )
