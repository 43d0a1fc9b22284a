"""Training is deterministic, shared out without overlap, and stops where numbers are not finite."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_lifter import METHOD, LinearLifter, LinearSettings, write_tiny_set

from harness.body.skeleton import H36M_17
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.lifting.augmentation import mirrored_some
from harness.lifting.build import build_lifter
from harness.lifting.contract import LifterInput
from harness.lifting.lift import lift, mpjpe_mm
from harness.lifting.recipe import Recipe
from harness.lifting.windows import TrainingWindows, WindowReader
from harness.training.loop import StateFile, Training, TrainingFailed, make_fabric
from harness.training.schedule import learning_rate
from harness.training.state import TrainingState, load_state, remove_state, save_state
from harness.training.watching import SilentWatcher
from harness.training.window_order import TrainingOrder

RECIPE = Recipe(epochs=2, batch_size=4, learning_rate=0.01)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    return write_tiny_set(tmp_path_factory.mktemp("training") / "tiny")


def lifter(seed: int = 0, **network: object) -> LinearLifter:
    built = build_lifter(METHOD, network, H36M_17, H36M_17, seed)
    assert isinstance(built, LinearLifter)
    return built


def reader(prepared: PreparedSet, model: LinearLifter, split: str) -> WindowReader:
    return WindowReader(prepared, prepared.select(split), "gt", model)  # type: ignore[arg-type]


def training(
    prepared: PreparedSet,
    folder: Path,
    model: LinearLifter,
    recipe: Recipe = RECIPE,
    seed: int = 0,
    validate: bool = True,
) -> Training:
    return Training(
        model,
        reader(prepared, model, "train"),
        reader(prepared, model, "validation") if validate else None,
        recipe,
        seed,
        fabric=make_fabric(recipe, accelerator="cpu"),
        state_file=StateFile(folder / "state.pt", "key", seconds=0.0),
        watcher=SilentWatcher(),
    )


def test_the_seed_alone_decides_the_weights(prepared: PreparedSet, tmp_path: Path) -> None:
    def trained(seed: int) -> torch.Tensor:
        torch.manual_seed(np.random.randint(1000))
        state = training(prepared, tmp_path, lifter(seed), seed=seed).run()
        assert state.best_weights is not None
        return torch.cat([weight.flatten().double() for weight in state.best_weights.values()])

    first = trained(0)
    assert torch.equal(first, trained(0))
    assert not torch.equal(first, trained(1))


def test_the_epoch_best_on_validation_is_kept(prepared: PreparedSet, tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"epochs": 7, "learning_rate": 1.0})
    model = lifter()
    state = training(prepared, tmp_path, model, recipe).run()
    errors = [record.validation_MPJPE for record in state.history]
    assert state.best_epoch == 1 + int(np.argmin(errors))
    assert state.best_epoch != recipe.epochs, (
        "the last epoch is the best: the test would prove nothing"
    )
    model.load_state_dict(state.best_weights)
    assert mpjpe_mm(model, reader(prepared, model, "validation")) == min(errors)


def test_the_last_epoch_is_kept_where_so_declared(prepared: PreparedSet, tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"epochs": 8, "learning_rate": 0.2, "select": "last"})
    model = lifter()
    state = training(prepared, tmp_path, model, recipe).run()
    assert state.best_epoch == 8
    for name, weight in model.state_dict().items():
        assert torch.equal(state.best_weights[name], weight)


def test_without_validation_clips_the_best_epoch_cannot_be_chosen(
    prepared: PreparedSet, tmp_path: Path
) -> None:
    with pytest.raises(HarnessError, match="select: last"):
        training(prepared, tmp_path, lifter(), validate=False)
    recipe = RECIPE.model_copy(update={"select": "last"})
    state = training(prepared, tmp_path, lifter(), recipe, validate=False).run()
    assert [record.validation_MPJPE for record in state.history] == [None, None]


def test_a_loss_that_is_not_finite_names_its_step(prepared: PreparedSet, tmp_path: Path) -> None:
    # 7 + 3 training windows make 2 steps an epoch.
    run = training(prepared, tmp_path, lifter(explode_after=3))
    with pytest.raises(TrainingFailed, match=r"epoch 2, step 2: the loss is (inf|nan)"):
        run.run()
    assert run.state.best_epoch == 1
    assert all(weight.isfinite().all() for weight in run.state.best_weights.values())


def test_validation_mpjpe_equals_a_literal_loop(prepared: PreparedSet) -> None:
    model = lifter(frames=4)
    clips = prepared.select("validation")
    model.eval()
    errors = []
    for clip in clips.itertuples():
        assert clip.frames < 4  # one window, padded evenly
        rows = np.clip(np.arange(4) - (4 - clip.frames) // 2, 0, clip.frames - 1) + clip.first_row
        camera = prepared.camera(clip.camera)
        pixels = prepared.keypoints_2d("gt")[rows]
        screen = pixels * (2 / camera.width) - [1, camera.height / camera.width]
        inputs = LifterInput(torch.tensor(screen[None], dtype=torch.float32), torch.zeros(1, 9))
        with torch.no_grad():
            predicted = model(inputs)[0].double().numpy()
        for place, row in enumerate(rows):
            if place in range((4 - clip.frames) // 2, (4 - clip.frames) // 2 + clip.frames):
                truth = prepared.positions_3d[row] - prepared.positions_3d[row, 0]
                errors += [
                    np.sqrt(((predicted[place, joint] - truth[joint]) ** 2).sum())
                    for joint in range(17)
                ]
    assert len(errors) == 17 * clips["frames"].sum()
    error = mpjpe_mm(model, reader(prepared, model, "validation"))
    assert error == pytest.approx(1000 * np.mean(errors), rel=1e-5)


@pytest.mark.parametrize("predicts", ["all", "middle"])
def test_predictions_do_not_depend_on_batch_size(prepared: PreparedSet, predicts: str) -> None:
    model = lifter(frames=3, predicts=predicts)
    whole = WindowReader(prepared, prepared.clips, "gt", model)
    at_once = lift(model, whole, flip_test=True)
    np.testing.assert_allclose(lift(model, whole, flip_test=True, batch_size=2), at_once, atol=1e-6)
    assert at_once.shape == (prepared.rows, 17, 3)


def test_flip_averaged_predictions_are_symmetric(prepared: PreparedSet) -> None:
    model = lifter()
    whole = WindowReader(prepared, prepared.clips, "gt", model)
    center = np.array([camera.width / 2 for camera in map(prepared.camera, whole.clips["camera"])])
    mirrored = np.array(prepared.keypoints_2d("gt"))
    columns = np.repeat(center, whole.clips["frames"])
    mirrored[..., 0] = 2 * columns[:, None] - mirrored[..., 0]
    mirrored = mirrored[:, list(H36M_17.mirror)]
    image = WindowReader(prepared, prepared.clips, "gt", model, keypoints=mirrored)
    straight = lift(model, whole, flip_test=True)
    reflected = lift(model, image, flip_test=True)[:, list(H36M_17.mirror)] * [-1, 1, 1]
    np.testing.assert_allclose(straight, reflected, atol=1e-5)
    plain = lift(model, whole, flip_test=False)
    assert np.abs(plain - straight).max() > 1e-3


def test_an_epoch_draws_each_window_once_and_devices_share_without_overlap(
    prepared: PreparedSet,
) -> None:
    model = lifter()
    read = reader(prepared, model, "train")
    recipe = RECIPE.model_copy(update={"batch_size": 2, "flip_augmentation": False})
    alone = TrainingOrder(read, model, recipe, 0)
    shared = [TrainingOrder(read, model, recipe, 0, rank=r, world_size=2) for r in range(2)]
    everything = read.batch(TrainingWindows(read.clips, model.frames, "all")[:]).target

    def drawn(order: TrainingOrder, epoch: int) -> list[list[int]]:
        return [
            [int(torch.nonzero((everything == one).all((1, 2, 3)))[0]) for one in batch.target]
            for batch in order.batches(epoch)
        ]

    epoch = drawn(alone, 1)
    assert sorted(window for step in epoch for window in step) == list(range(len(everything)))
    assert drawn(alone, 2) != epoch
    assert drawn(alone, 1) == epoch
    halves = [drawn(order, 1) for order in shared]
    assert [sorted(a + b) for a, b in zip(*halves, strict=True)] == [sorted(step) for step in epoch]
    assert [len(a) for a in halves[0]] == [1] * 5


def test_windows_are_mirrored_anew_each_epoch(prepared: PreparedSet) -> None:
    model = lifter()
    read = reader(prepared, model, "train")
    recipe = RECIPE.model_copy(update={"batch_size": 10})
    order = TrainingOrder(read, model, recipe, 0)
    straight = read.batch(TrainingWindows(read.clips, model.frames, "all")[:]).target

    def mirrored(epoch: int) -> set[int]:
        batch = next(iter(order.batches(epoch)))
        return {
            number
            for number, one in enumerate(straight)
            if not (batch.target == one).all((1, 2, 3)).any()
        }

    sets = [frozenset(mirrored(epoch)) for epoch in range(1, 6)]
    assert len(set(sets)) > 1
    assert 10 < sum(map(len, sets)) < 40


def test_an_epoch_of_all_mirror_images_shows_each_window_straight_and_mirrored(
    prepared: PreparedSet,
) -> None:
    """As VideoPose3D's generator does, whose last, smaller batch is a step, too."""
    model = lifter()
    read = reader(prepared, model, "train")
    straight = read.batch(TrainingWindows(read.clips, model.frames, "all")[:])
    images = mirrored_some(straight, torch.ones(10, dtype=torch.bool), H36M_17, H36M_17)
    everything = torch.cat([straight.target, images.target])
    updates = {"batch_size": 8, "mirror_images": "all", "last_batch": "kept"}
    recipe = RECIPE.model_copy(update=updates)

    def drawn(order: TrainingOrder, epoch: int) -> list[list[int]]:
        return [
            [int(torch.nonzero((everything == one).all((1, 2, 3)))[0]) for one in batch.target]
            for batch in order.batches(epoch)
        ]

    alone = TrainingOrder(read, model, recipe, 0)
    epoch = drawn(alone, 1)
    assert [len(step) for step in epoch] == [8, 8, 4]
    assert sorted(window for step in epoch for window in step) == list(range(20))
    assert drawn(alone, 2) != epoch
    shared = [TrainingOrder(read, model, recipe, 0, rank=r, world_size=2) for r in range(2)]
    halves = [drawn(order, 1) for order in shared]
    assert [sorted(a + b) for a, b in zip(*halves, strict=True)] == [sorted(step) for step in epoch]
    left_out = recipe.model_copy(update={"last_batch": "left_out"})
    assert [len(step) for step in drawn(TrainingOrder(read, model, left_out, 0), 1)] == [8, 8]


@pytest.mark.parametrize(
    ("batch_size", "mirror_images", "sizes"),
    [
        (9, "all", [9, 9, 2]),
        (64, "all", [20]),
        (3, "by_chance", [3, 3, 3]),  # one window has no variance: it is never a batch
        (4, "by_chance", [4, 4, 2]),
    ],
)
def test_a_last_batch_that_is_kept_has_two_windows_or_more(
    prepared: PreparedSet, batch_size: int, mirror_images: str, sizes: list[int]
) -> None:
    model = lifter()
    read = reader(prepared, model, "train")
    updates = {"batch_size": batch_size, "mirror_images": mirror_images, "last_batch": "kept"}
    order = TrainingOrder(read, model, RECIPE.model_copy(update=updates), 0)
    assert [len(batch.target) for batch in order.batches(1)] == sizes


def test_schedules() -> None:
    by_epoch = Recipe(
        epochs=9,
        batch_size=1,
        learning_rate=0.1,
        schedule="exponential_by_epoch",
        decay=0.5,
    )
    assert learning_rate(by_epoch, epoch=1, step=0) == 0.1
    assert learning_rate(by_epoch, epoch=3, step=999) == pytest.approx(0.025)
    by_step = by_epoch.model_copy(update={"schedule": "exponential_by_step", "decay_steps": 10})
    assert learning_rate(by_step, epoch=1, step=5) == pytest.approx(0.1 * 0.5**0.5)
    constant = by_epoch.model_copy(update={"schedule": "constant"})
    assert learning_rate(constant, epoch=9, step=999) == 0.1


def test_a_batch_that_devices_cannot_share_is_refused() -> None:
    with pytest.raises(HarnessError, match="batch_size 4 cannot be shared evenly by 3"):
        make_fabric(RECIPE, devices=3, accelerator="cpu")


def test_devices_that_are_not_there_are_refused() -> None:
    with pytest.raises(HarnessError, match="cannot train on"):
        make_fabric(RECIPE, accelerator="abacus")


def test_states_come_back_and_those_of_others_do_not(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    assert load_state(path, "a") is None
    save_state(path, "a", TrainingState(epoch=3, losses=torch.ones(2)))
    assert load_state(path, "a").epoch == 3
    with pytest.raises(HarnessError, match="another run"):
        load_state(path, "b")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(HarnessError, match="damaged"):
        load_state(path, "a")
    remove_state(path)
    assert list(tmp_path.iterdir()) == []


class _Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("a stranger's code ran",)


def test_a_state_that_would_run_code_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"format": 1, "key": "a", "state": _Trap()}, tmp_path / "state.pt")
    with pytest.raises(HarnessError, match="damaged"):
        load_state(tmp_path / "state.pt", "a")
    assert capsys.readouterr().out == ""


def test_settings_are_checked_by_name() -> None:
    with pytest.raises(HarnessError, match="'hiden'; did you mean 'hidden'"):
        build_lifter(METHOD, {"hiden": 3}, H36M_17, H36M_17, 0)
    assert LinearSettings().hidden == 8
