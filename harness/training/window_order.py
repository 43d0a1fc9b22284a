"""Which training windows come when, on which device."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch

from harness.foundation.errors import HarnessError
from harness.foundation.seeds import derive_seed
from harness.foundation.suggest import unknown_name
from harness.lifting.augmentation import mirrored_some
from harness.lifting.contract import Batch, Lifter
from harness.lifting.recipe import Recipe
from harness.lifting.windows import Integers, TrainingWindows, WindowReader, prefetched


class TrainingOrder:
    """A new permutation of the training windows each epoch, shared out among the devices.

    A last batch smaller than the others is left out (other windows each epoch), so that every step
    weighs alike, unless the recipe keeps it; a single window never makes one, for it has no
    variance. A set smaller than a batch is one batch.

    Windows are mirrored by chance, or an epoch holds each of them and its mirror image, as the
    recipe has it.

    Where only some subjects are labelled, the first half of each batch is labelled, the second is
    not. An epoch is then a pass over the windows that are not labelled, and the labelled ones come
    around as often as it takes (as in RoyMikeJiang/WSGCN, main_gcn.py).

    Attributes:
        steps: steps an epoch.
    """

    def __init__(
        self,
        reader: WindowReader,
        lifter: Lifter,
        recipe: Recipe,
        seed: int,
        *,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        """Prepare the order for device `rank` of `world_size`.

        Raises:
            HarnessError: there are fewer windows than devices, or no subject that is labelled, or
                none that is not.
        """
        self._reader, self._recipe, self._seed = reader, recipe, seed
        self._layout, self._skeleton = lifter.layout, lifter.skeleton
        self._rank, self._world_size = rank, world_size
        self._windows = TrainingWindows(
            reader.clips,
            reader.frames,
            reader.predicts,
            recipe.window_stride,
            centred=recipe.windows == "centred",
        )
        self._labelled: Integers | None = None
        self._others: Integers | None = None
        self._all_images = recipe.flip_augmentation and recipe.mirror_images == "all"
        count = len(self._windows) * (2 if self._all_images else 1)
        self._size = min(recipe.batch_size, count // world_size * world_size)
        if reader.labelled is not None:
            if self._all_images or recipe.last_batch == "kept":
                raise HarnessError(
                    "with labelled_subjects, half of each batch is not labelled: set training "
                    "mirror_images to by_chance and last_batch to left_out"
                )
            _check_labels(lifter.labelled_subjects or (), reader.clips["subject"])
            self._labelled = self._windows.of_clips(reader.labelled)
            self._others = self._windows.of_clips(~reader.labelled)
            count = 2 * len(self._others)
            self._size = min(recipe.batch_size, count) // (2 * world_size) * (2 * world_size)
        if self._size == 0:
            raise HarnessError(
                f"batches of {recipe.batch_size} of {count} training windows cannot be shared by "
                f"{world_size} devices"
            )
        self._count = count // world_size * world_size
        steps, rest = divmod(self._count, self._size)
        if recipe.last_batch == "kept" and rest > world_size:
            steps += 1
        self.steps = min(steps, recipe.steps_per_epoch or steps)

    def batches(self, epoch: int, begin: int = 0) -> Iterator[Batch]:
        """Yield this device's share of each batch of an epoch, from step `begin` on."""
        order = self._order(epoch)
        if self._all_images:
            mirrored, order = np.divmod(order, len(self._windows))
            mirrored = mirrored == 1
        else:
            mirrored = self._random("flip", epoch).integers(0, 2, len(order), dtype=np.uint8) == 1

        def read(step: int) -> Batch:
            end = min((step + 1) * self._size, self._count)
            share = slice(step * self._size + self._rank, end, self._world_size)
            batch = self._reader.batch(self._windows[order[share]])
            if not self._recipe.flip_augmentation:
                return batch
            chosen = torch.from_numpy(mirrored[share])
            return mirrored_some(batch, chosen, self._layout, self._skeleton)

        return prefetched(read, range(begin, self.steps))

    def _order(self, epoch: int) -> Integers:
        """Return the numbers of an epoch's windows, one batch after the other.

        Mirror images, where all are gone through, are numbered on from the last window.
        """
        random = self._random("order", epoch)
        if self._labelled is None or self._others is None:
            return random.permutation(len(self._windows) * (2 if self._all_images else 1))
        half, needed = self._size // 2, self._size // 2 * self.steps
        rounds = -(-needed // len(self._labelled))
        labelled = np.concatenate([random.permutation(self._labelled) for _ in range(rounds)])
        halves = (labelled, random.permutation(self._others))
        return np.concatenate([part[:needed].reshape(-1, half) for part in halves], axis=1).ravel()

    def _random(self, purpose: str, epoch: int) -> np.random.Generator:
        return np.random.default_rng(derive_seed(self._seed, purpose, epoch))


def _check_labels(labelled: Sequence[str], subjects: Iterable[str]) -> None:
    """Raise unless `labelled` are some of the `subjects`, at least one and not all."""
    there = set(subjects)
    for name in labelled:
        if name not in there:
            raise unknown_name("labelled training subject", name, there)
    if not labelled or there <= set(labelled):
        raise HarnessError(
            f"labelled_subjects ({', '.join(labelled) or 'none'}) must be some of the training "
            f"subjects ({', '.join(sorted(there))}), not all; null is full supervision"
        )
