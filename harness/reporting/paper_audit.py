"""The page reproduction.md: for every table of the paper, what was reproduced of it.

Tables of grids are counted in the grid, the others in the CSV file that their own module writes. A
table that joins later needs one more `Reproduction` in `reproductions`.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.experiments.grid import grid_called
from harness.foundation.files import atomic_file
from harness.foundation.settings import Settings
from harness.reporting.grids.experiments import REPRODUCING, experiment_reproduction
from harness.reporting.measured_rows import EXACT_SOURCE, cell_names
from harness.reporting.paper.keypoint_table import published_keypoints
from harness.reporting.paper.speed_report import SpeedReport
from harness.reporting.paper.speed_table import SPEED_FILE, SPEED_FOLDER, read_speed
from harness.reporting.paper.subject_table import BY_ACTION_AND_SUBJECT, published_by_subject
from harness.reporting.profile_tables import runs_of_profile
from harness.reporting.published import (
    ACTION_COLUMNS,
    AVERAGE,
    published_by_action,
    published_table,
)
from harness.reporting.reproduction import Reproduction, reproduction_page
from harness.reporting.stored.scored_runs import ScoredModel, takes_of_models
from harness.reporting.table_parts import Published
from harness.scoring.metrics import metric_called
from harness.scoring.rank_agreement import Agreement, agreement
from harness.scoring.statistics import LEVEL
from harness.scoring.takes import Takes

_RESAMPLES = 1000

_ACTION_TABLES = (
    ("Table I", "MPJPE by action, mm", "table_01_h36m_protocol1", "table_01_mpjpe", "MPJPE"),
    ("Table II", "P-MPJPE by action, mm", "table_02_h36m_protocol2", "table_02_p_mpjpe", "P-MPJPE"),
)


def write_reproduction(settings: Settings, profile: str, results: Path) -> Path:
    """Write results/PROFILE/reproduction.md and return it.

    Args:
        settings: params.yaml.
        profile: whose runs and grids.
        results: the folder of all results.

    Raises:
        HarnessError: the profile is unknown, or a stored score is damaged.
    """
    path = results / profile / "reproduction.md"
    defined = _defined(settings, profile)
    found = reproductions(settings, profile, results)
    with atomic_file(path) as stream:
        others = [grid for grid in settings.experiments if grid not in defined]
        stream.write(reproduction_page(profile, found, others))
    return path


def _defined(settings: Settings, profile: str) -> list[str]:
    """Return the experiments that the profile has a budget for."""
    return [grid for grid in settings.experiments if profile in grid_called(settings, grid).budgets]


def reproductions(settings: Settings, profile: str, results: Path) -> list[Reproduction]:
    """Return what became of each table of the paper; arguments as `write_reproduction`."""
    grids = _defined(settings, profile)
    models, _ = runs_of_profile(settings, profile, results).scored
    found = [
        action_reproduction(*table, models=models, folder=results / profile)
        for table in _ACTION_TABLES
    ]
    folder = results / profile
    found.append(_table_of_subjects(models, folder))
    found.append(_by_difference(*_TABLE_IV, published_keypoints(), folder=folder))
    found.append(_table_of_times(folder))
    found += [
        experiment_reproduction(settings, grid, profile, results)
        for grid in grids
        if grid in REPRODUCING
    ]
    return [*found, _weak_supervision(folder)]


def action_reproduction(
    table: str,
    about: str,
    source: str,
    page: str,
    metric: str,
    *,
    models: Sequence[ScoredModel],
    folder: Path,
) -> Reproduction:
    """Return how much of table I or II was reproduced.

    On another data set than the paper's the actions are others, so that the averages alone count,
    and of these the order.

    Args:
        table: how the paper calls it.
        about: what it shows.
        source: name of the published table.
        page: name of the files that the table was written to.
        metric: what it shows.
        models: the models of the profile that were scored.
        folder: results/PROFILE.
    """
    printed = published_by_action(source)
    own = printed[printed["model"] != ""]
    path = folder / "tables" / f"{page}.csv"
    differences = _differences(path)
    pairs = [(model, value) for model in models if (value := _average(own, model)) is not None]
    dataset = models[0].runs[0].score.header.conditions.predictions.dataset if models else None
    return Reproduction(
        table=table,
        about=about,
        page=f"tables/{page}.md" if path.is_file() else None,
        printed=int(own[[*ACTION_COLUMNS.values(), AVERAGE]].notna().to_numpy().sum()),
        measured=len(differences) or len(pairs),
        dataset=dataset,
        differences=differences,
        compared=f"the averages of {', '.join(model.name for model, _ in pairs)}",
        agreement=_order(pairs, metric),
    )


_TABLE_III = ("Table III", "HumanEva-I by subject, P-MPJPE, mm", "tables/table_03_humaneva")
_TABLE_IV = (
    *("Table IV", "MPI-INF-3DHP, PCK and AUC in %, MPJPE in mm"),
    "tables/table_04_mpi_inf_3dhp",
)


def _table_of_subjects(models: Sequence[ScoredModel], folder: Path) -> Reproduction:
    """Return how much of table III was reproduced, and on its data set the order of averages."""
    published = published_by_subject()
    own = published.rows[published.rows["model"] != ""]
    pairs = [
        (model, value)
        for model in models
        if model.runs[0].score.header.conditions.predictions.dataset == published.dataset
        and (value := _average(own, model)) is not None
    ]
    return replace(
        _by_difference(*_TABLE_III, [published], folder=folder),
        compared=f"the averages of {', '.join(model.name for model, _ in pairs)}",
        agreement=_order(pairs, published.metric, published.cells),
    )


def _by_difference(
    table: str, about: str, page: str, published: Sequence[Published], *, folder: Path
) -> Reproduction:
    """Return how many numbers of a table have a difference to print, which says they were measured.

    Such a table asks for its own data set: elsewhere nothing of it can be measured. Differences in
    another unit than mm are counted, not averaged with the others.
    """
    path = folder / f"{page}.csv"
    if not path.is_file():
        printed = sum(one.numbers for one in published)
        why = f"no model of this profile was scored on {published[0].dataset}"
        return Reproduction(table, about, None, printed, 0, None, notes=(why,))
    rows = pd.read_csv(path)
    rows = rows[~rows["action"].isin(rows.loc[rows["origin"] == "derived", "action"])]
    own = rows[(rows["origin"] == "published") & rows["model"].notna() & rows["value"].notna()]
    measured = rows[rows["difference"].notna()]
    in_mm = [metric_called(name).unit == "mm" for name in measured["metric"]]
    return Reproduction(
        table=table,
        about=about,
        page=f"{page}.md",
        printed=len(own),
        measured=len(measured),
        dataset=str(own["dataset"].iloc[0]) if len(measured) else None,
        differences=tuple(measured.loc[in_mm, "difference"].astype(float)),
    )


def _table_of_times(folder: Path) -> Reproduction:
    """Return how many times of table V were taken; they are of this machine, not the paper's.

    Their order is that of one window at a time.
    """
    path, printed = folder / "speed/table_05_speed.csv", published_table("table_05_inference_time")
    times = folder / SPEED_FOLDER / SPEED_FILE
    timed: set[str] = set()
    if path.is_file():
        rows = pd.read_csv(path)
        timed = set(rows.loc[rows["origin"] == "measured", "model"])
    return Reproduction(
        table="Table V",
        about="ms per frame",
        page="speed/table_05_speed.md" if path.is_file() else None,
        printed=len(printed),
        measured=int(printed["model"].isin(timed).sum()),
        dataset=None,
        compared="median times of one window; the interval resamples repetitions",
        agreement=_order_of_times(read_speed(times), printed) if times.is_file() else None,
        notes=("times are of the machine that they were taken on; its page compares their ratios",),
    )


def _order_of_times(report: SpeedReport, printed: pd.DataFrame) -> Agreement:
    measured = {timing.model: timing.ms_per_frame["window"] for timing in report.timings}
    times = np.array([measured[model] for model in printed["model"]])  # (systems, repetitions)
    repetitions = times.shape[1]

    def of_medians(chosen: NDArray[np.integer]) -> Agreement:
        medians = tuple(np.median(times[:, None, chosen], axis=2, keepdims=True))
        one, seeds = np.ones(1, np.int64), ((0,),) * len(medians)
        takes = Takes(pd.DataFrame(index=[0]), medians, seeds, one, one, "frames")
        return agreement(list(printed["ms_per_frame"]), takes, [""] * len(printed))

    drawn = np.random.default_rng(0).integers(repetitions, size=(_RESAMPLES, repetitions))
    low, high = np.quantile(
        [of_medians(chosen).tau for chosen in drawn], [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    )
    return replace(of_medians(np.arange(repetitions)), low=float(low), high=float(high))


def _weak_supervision(folder: Path) -> Reproduction:
    """Return how many numbers of WS-GCN's table were measured."""
    path, keys = folder / "experiments/wsgcn/wsgcn.csv", ["supervision", "bone_loss", "warm_up"]
    about = "weak supervision, MPJPE and P-MPJPE, mm"
    printed = published_table("wsgcn_h36m").fillna({"bone_loss": "", "warm_up": ""})
    numbers = 2 * len(printed)
    if not path.is_file():
        return Reproduction("WS-GCN", about, None, numbers, 0, None)
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    keys.append("metric")
    published, measured = (
        rows[(rows["origin"] == origin) & (rows["table"] == "wsgcn")]
        for origin in ("published", "measured")
    )
    both = published.merge(measured, on=keys, suffixes=("", "_here"))
    same = both[both["dataset"] == both["dataset_here"]]
    return Reproduction(
        table="WS-GCN",
        about=about,
        page="experiments/wsgcn/wsgcn.md",
        printed=numbers,
        measured=len(both),
        dataset=str(both["dataset_here"].iloc[0]) if len(both) else None,
        differences=tuple(same["value_here"].astype(float) - same["value"].astype(float)),
    )


def _average(own: pd.DataFrame, model: ScoredModel) -> float | None:
    """Return the printed average of the same method, kind of 2D and window, if there is one."""
    made = model.runs[0].score.header.conditions.predictions
    kind = "gt" if made.input_2d == EXACT_SOURCE else "detected"
    same = own[
        (own["model"] == made.model) & (own["input_2d"] == kind) & (own["frames"] == made.frames)
    ]
    return None if same.empty or pd.isna(same.iloc[0][AVERAGE]) else float(same.iloc[0][AVERAGE])


def _differences(path: Path) -> tuple[float, ...]:
    """Return the differences to print that a table's CSV file holds."""
    if not path.is_file():
        return ()
    return tuple(pd.read_csv(path)["difference"].dropna().astype(float))


def _order(
    pairs: Sequence[tuple[ScoredModel, float]], metric: str, only: Collection[str] = ()
) -> Agreement | None:
    """Return how far averages stand in printed order; `only` names the cells averaged over."""
    if len(pairs) < 2:
        return None
    takes = takes_of_models([model for model, _ in pairs], metric_called(metric))
    if only:
        takes = takes.only(np.isin(cell_names(takes, BY_ACTION_AND_SUBJECT), list(only)))
    return agreement([value for _, value in pairs], takes, [""] * len(pairs))
