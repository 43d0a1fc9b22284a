"""Training a run into its folder: what the command line, pipelines and grids share.

    run.json                   the run's record
    history.csv                a row an epoch
    model.safetensors          the weights kept, with their contract

The state to resume from lies under .harness/state, named by the run's id: an id belongs to one set
of settings, data, seed and source files, so a state is never resumed under others.
"""

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from harness.datasets.frame_rates import frame_rates
from harness.datasets.prepared import PreparedSet
from harness.foundation.files import only_writer, sha256_of_file, sha256_of_json
from harness.foundation.processes import end_with_parent
from harness.foundation.provenance import RunRecord, collect, read_record, write_record
from harness.foundation.tracking import Tracker, open_tracker
from harness.lifting.checkpoint import (
    CHECKPOINT,
    ModelContract,
    parameter_count,
    save_checkpoint,
)
from harness.lifting.computation import macs_per_frame
from harness.lifting.contract import Lifter
from harness.lifting.registry import method_sources
from harness.training.beginning import learnt_from, training_clips, untrained
from harness.training.loop import StateFile, Training, TrainingFailed, Watcher, make_fabric
from harness.training.plan import TrainingPlan
from harness.training.state import TrainingState, load_state, remove_state
from harness.training.taken_joints import on_joints_it_takes
from harness.training.warm_start import start_from, starting_checkpoint
from harness.training.watching import SilentWatcher, watched

STATES = Path(".harness/state")


def train_run(
    plan: TrainingPlan,
    *,
    resume: bool = True,
    devices: int = 1,
    num_nodes: int = 1,
    accelerator: str = "auto",
    state_seconds: float = 60.0,
    tracker: Tracker | None = None,
) -> RunRecord:
    """Train a run into its folder and return its record.

    A run that was killed goes on where its last state was written; one that is finished already,
    with the same settings, data, seed and sources, is left as it is.

    Args:
        plan: the run.
        resume: whether to do so; otherwise the run starts over.
        devices: devices on this machine.
        num_nodes: machines, each of which runs the same command.
        accelerator: Lightning Fabric's name of the kind of device.
        state_seconds: time between two states inside an epoch.
        tracker: where the run is mirrored, instead of in a run of its own.

    Raises:
        HarnessError: settings, data or places are wrong, or another process writes the run.
        TrainingFailed: a number was not finite; the record says "failed", and the best weights
            before are kept as best-before-failure.safetensors.
    """
    prepared = PreparedSet(plan.prepared)
    plan = on_joints_it_takes(plan, prepared)
    recipe, parameters = plan.recipe(), plan.parameters()
    lifter = untrained(plan, recipe, prepared)
    started_from: dict[str, Any] = {}
    if recipe.start_from is not None:
        path = starting_checkpoint(recipe.start_from)
        origin = start_from(path, plan.model, lifter)
        started_from = {"started_from": f"{path.as_posix()} ({origin.run_id})"}
    record = collect(
        run=plan.name,
        kind="train",
        model=plan.model,
        seed=plan.seed,
        parameters=parameters,
        dataset=prepared.manifest.name,
        data_hash=prepared.data_hash,
        inputs=[plan.prepared],
        code=sha256_of_json(method_sources(plan.model)),
    )
    if resume and (finished := _finished(plan.folder, record.run_id)):
        return finished

    fabric = make_fabric(recipe, devices=devices, num_nodes=num_nodes, accelerator=accelerator)
    fabric.launch()
    if not fabric.is_global_zero:
        end_with_parent()
    state_file = StateFile(STATES / f"{record.run_id}.pt", record.run_id, state_seconds)
    training, validation = learnt_from(plan, prepared, lifter)

    def trained(state: TrainingState, watcher: Watcher) -> dict[str, Any]:
        """Train to the end and return how it was done."""
        work_per_frame = macs_per_frame(lifter)  # first: what cannot predict need not be trained
        work = Training(
            lifter,
            training,
            validation,
            recipe,
            plan.seed,
            fabric=fabric,
            state_file=state_file,
            watcher=watcher,
            state=state,
        )
        work.run()
        compiling = work.compiling
        return {
            "devices": fabric.world_size,
            "compiled": compiling.compiled,
            "compiled_because": compiling.reason,
            "macs_per_frame": work_per_frame,
            **started_from,
        }

    with ExitStack() as held:
        state = None
        try:
            if fabric.is_global_zero:
                held.enter_context(only_writer(plan.folder))
                held.enter_context(only_writer(state_file.path))
                if not resume:
                    remove_state(state_file.path)
                state = load_state(state_file.path, record.run_id) or TrainingState()
        finally:  # also where the first process fails, or the others would wait for it for ever
            state = fabric.broadcast(state)
        if state is None:
            return record
        if not fabric.is_global_zero:
            with suppress(TrainingFailed):  # the first process fails likewise, and tells
                trained(state, SilentWatcher())
            return record

        write_record(plan.folder / "run.json", record)
        history_csv = plan.folder / "history.csv"
        with (
            open_tracker(
                plan.experiment,
                plan.name,
                record.tags(),
                within=tracker,
                identity=record.run_id,
            ) as tracker,
            watched(plan.name, recipe.epochs, history_csv, tracker) as watcher,
        ):
            tracker.parameters(parameters)
            watcher.on_start(state)
            try:
                done = trained(state, watcher)
            except TrainingFailed as error:
                _keep(plan, record, prepared, lifter, state, {"failure": str(error)})
                remove_state(state_file.path)  # to resume would be to fail again
                raise TrainingFailed(f"{plan.name}: {error}") from error
            record = _keep(plan, record, prepared, lifter, state, done)
            for name in ("run.json", "history.csv", CHECKPOINT):
                tracker.artifact(plan.folder / name)
        remove_state(state_file.path)
        return record


def model_contract(
    plan: TrainingPlan, prepared: PreparedSet, lifter: Lifter, *, run_id: str, epoch: int
) -> ModelContract:
    """Return what is stored with weights of the plan's run from `epoch`."""
    parameters = plan.parameters()
    return ModelContract(
        run_id=run_id,
        method=plan.model,
        network=parameters["network"],
        data_skeleton=prepared.skeleton.name,
        data_layout=prepared.layout(plan.input_2d).name,
        skeleton=lifter.skeleton.name,
        layout=lifter.layout.name,
        frames=lifter.frames,
        predicts=lifter.predicts,
        input_2d=plan.input_2d,
        train_actions=plan.train_actions,
        dataset=prepared.manifest.name,
        data_hash=prepared.data_hash,
        frame_rates=frame_rates(training_clips(plan, prepared)),
        uses_root_depth=lifter.uses_root_depth,
        uses_confidence=lifter.uses_confidence,
        space=lifter.space,
        hypotheses=lifter.hypotheses,
        seed=plan.seed,
        recipe=parameters["training"],
        selection=plan.recipe().select,
        epoch=epoch,
        parameters=parameter_count(lifter),
    )


def _finished(folder: Path, run_id: str) -> RunRecord | None:
    """Return the record of the run in `folder` if it is this one, finished and whole."""
    if not (folder / "run.json").exists() or not (folder / CHECKPOINT).exists():
        return None
    record = read_record(folder / "run.json")
    whole = record.results.get("checkpoint_sha256") == sha256_of_file(folder / CHECKPOINT)
    return record if record.run_id == run_id and record.status == "finished" and whole else None


def _keep(
    plan: TrainingPlan,
    record: RunRecord,
    prepared: PreparedSet,
    lifter: Lifter,
    state: TrainingState,
    told: dict[str, Any],
) -> RunRecord:
    """Write the best weights there are and the record of the run's end; return the record.

    `told` goes into its results; a "failure" in there says that training failed.
    """
    failed = "failure" in told
    results: dict[str, Any] = {"epochs": len(state.history), **told}
    if state.best_weights is not None:
        contract = model_contract(
            plan, prepared, lifter, run_id=record.run_id, epoch=state.best_epoch
        )
        path = plan.folder / ("best-before-failure.safetensors" if failed else CHECKPOINT)
        save_checkpoint(path, state.best_weights, contract)
        results |= {
            "epoch": state.best_epoch,
            "validation_MPJPE": state.best_value,
            "parameters": contract.parameters,
            "checkpoint_sha256": sha256_of_file(path),
        }
    ended = record.ended("failed" if failed else "finished", results, state.seconds)
    write_record(plan.folder / "run.json", ended)
    return ended
