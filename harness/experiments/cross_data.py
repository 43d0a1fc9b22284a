"""Testing trained lifters on the test clips of other prepared sets: each profile's on each other's.

In the run's folder, cross/TARGET/ gets the scores under the target's protocols and under
COMMON_PROTOCOL, whose joints most sets have, so that all pairs can be told in one number.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.provenance import read_record
from harness.foundation.settings import Profile
from harness.lifting.checkpoint import CHECKPOINT
from harness.prediction.predict_run import predict_run
from harness.scoring.all_protocols import score_run
from harness.scoring.protocols import COMMON_PROTOCOL, protocol_called
from harness.scoring.stored_score import CROSS_FOLDER, read_header


@dataclass(frozen=True)
class CrossTest:
    """One lifter to be tested on one set.

    Attributes:
        source: profile that the lifter was trained in.
        target: profile whose test clips it lifts.
        run: folder of the run.
        prepared: folder of all prepared sets.
    """

    source: str
    target: str
    run: Path
    prepared: Path

    @property
    def name(self) -> str:
        """How messages and tracking call it."""
        return f"{self.source}/{self.run.name} on {self.target}"

    @property
    def out(self) -> Path:
        """Where predictions and scores go."""
        return self.run / CROSS_FOLDER / self.target


def cross_test(test: CrossTest, target: Profile, *, keep_predictions: bool) -> None:
    """Predict and score one lifter on one set.

    Args:
        test: which lifter, which set.
        target: settings of the set's profile: 2D source, flip at test, protocols.
        keep_predictions: leave them beside the scores.

    Raises:
        HarnessError: the run is not finished, the joints do not fit, or the lifter was trained on
            somebody whom the set tests.
    """
    prepared = PreparedSet(test.prepared / test.target)
    _refuse_trained_subjects(test, prepared)
    predictions = predict_run(
        test.run,
        prepared.path,
        flip_test=target.flip_test,
        input_2d=target.input_2d,
        allow_other_input=True,
        out=test.out / "predictions",
    )
    score_run(test.name, test.out, prepared.path, _protocols(prepared, target), predictions)
    if not keep_predictions:
        shutil.rmtree(predictions)


def cross_all(
    profiles: Mapping[str, Profile],
    models: Sequence[str],
    seeds: Sequence[int],
    *,
    results: Path,
    prepared: Path,
    tell: Callable[[str], None],
) -> dict[str, str]:
    """Test every trained lifter of some profiles on every prepared set of them, its own included.

    What was tested already, with the same weights, data and settings, is left.

    Args:
        profiles: settings by name.
        models: names of the methods.
        seeds: the training seeds.
        results: the folder of all results.
        prepared: the folder of all prepared sets.
        tell: told what is being done.

    Returns:
        Why some could not be tested, by name of the test.

    Raises:
        HarnessError: no set is prepared, or no lifter of these profiles has weights here.
    """
    failed = {}
    targets = [name for name in profiles if _is_prepared(prepared / name)]
    named = ", ".join(profiles)
    if not targets:
        raise HarnessError(
            f"{prepared}: no set of {named} is prepared; see 'harness data prepare -h'"
        )
    if not any(_runs(results, profiles, models, seeds)):
        raise HarnessError(
            f"{results}: no run of {named} (models {', '.join(models)}; seeds "
            f"{', '.join(map(str, seeds))}) has weights on this machine, and git keeps none; train "
            "with 'dvc exp run -S profile=NAME'"
        )
    for name in profiles:
        if name not in targets:
            tell(f"nothing is tested on {name}, which is not prepared ({prepared / name})")
        if not any(_runs(results, [name], models, seeds)):
            tell(f"no lifter of {name} is tested: its runs have no weights here ({results / name})")
    for test in _tests(profiles, models, seeds, results, prepared):
        target = profiles[test.target]
        if _is_tested(test, target):
            tell(f"{test.name}: tested already")
            continue
        tell(test.name)
        try:
            cross_test(test, target, keep_predictions=False)
        except HarnessError as error:
            failed[test.name] = str(error)
    return failed


def _tests(
    profiles: Mapping[str, Profile],
    models: Sequence[str],
    seeds: Sequence[int],
    results: Path,
    prepared: Path,
) -> Iterator[CrossTest]:
    for source, run in _runs(results, profiles, models, seeds):
        for target in profiles:
            if _is_prepared(prepared / target):
                yield CrossTest(source, target, run, prepared)


def _runs(
    results: Path, profiles: Iterable[str], models: Sequence[str], seeds: Sequence[int]
) -> Iterator[tuple[str, Path]]:
    """Yield the runs that have weights here, each after its profile."""
    for profile in profiles:
        for model in models:
            for seed in seeds:
                run = results / profile / "runs" / f"{model}-seed{seed}"
                if (run / CHECKPOINT).is_file():
                    yield profile, run


def _is_prepared(folder: Path) -> bool:
    return (folder / "manifest.json").is_file()


def _protocols(prepared: PreparedSet, target: Profile) -> list[str]:
    """Return the protocols of a set's profile, and that of all sets where it has the joints."""
    common = set(protocol_called(COMMON_PROTOCOL).joints) <= set(prepared.skeleton.joints)
    return list(dict.fromkeys([*target.protocols, *[COMMON_PROTOCOL] * common]))


def _is_tested(test: CrossTest, target: Profile) -> bool:
    """Whether the stored scores are of these weights, data and settings, under each protocol."""
    prepared = PreparedSet(test.prepared / test.target)
    protocols = _protocols(prepared, target)
    try:
        record = read_record(test.run / "run.json")
        headers = [read_header(test.out / "scores" / protocol) for protocol in protocols]
    except HarnessError:
        return False
    weights = record.results.get("checkpoint_sha256")
    now = (record.run_id, weights, prepared.data_hash, target.input_2d, target.flip_test)
    return all(
        (made.run_id, made.checkpoint_sha256, made.data_hash, made.input_2d, made.flip_test) == now
        and header.conditions.definition == protocol_called(protocol).definition
        for header, protocol in zip(headers, protocols, strict=True)
        for made in [header.conditions.predictions]
    )


def _refuse_trained_subjects(test: CrossTest, tested: PreparedSet) -> None:
    """Raise where the lifter knows a person of the other set's test; its own set keeps them apart.

    Without the set it was trained on at hand nothing can be said.
    """
    folder = test.prepared / test.source
    if test.source == test.target or not (folder / "manifest.json").is_file():
        return
    trained = PreparedSet(folder)
    if trained.manifest.name != tested.manifest.name:
        return
    both = sorted({*trained.select("train")["subject"]} & {*tested.select("test")["subject"]})
    if both:
        raise HarnessError(
            f"subject {both[0]} of {tested.path} was trained on in {trained.path}; such a number "
            "would say nothing about other people"
        )
