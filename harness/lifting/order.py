"""Which training windows come when, on which device."""

from collections.abc import Iterator

import numpy as np
import torch

from harness.lifting.augmentation import mirrored_some
from harness.lifting.contract import Batch, Lifter
from harness.lifting.recipe import Recipe
from harness.lifting.windows import TrainingWindows, WindowReader, prefetched
from harness.runs.errors import HarnessError
from harness.runs.seeds import derive_seed


class TrainingOrder:
    """A new permutation of the training windows each epoch, shared out among the devices.

    A last batch smaller than the others is left out (other windows each epoch), so that every step
    weighs alike; a set smaller than a batch is one batch.

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
            HarnessError: there are fewer windows than devices.
        """
        self._reader, self._recipe, self._seed = reader, recipe, seed
        self._layout, self._skeleton = lifter.layout, lifter.skeleton
        self._rank, self._world_size = rank, world_size
        self._windows = TrainingWindows(
            reader.clips, reader.frames, reader.predicts, recipe.window_stride
        )
        count = len(self._windows)
        self._size = min(recipe.batch_size, count // world_size * world_size)
        if self._size == 0:
            raise HarnessError(f"{count} training windows cannot be shared by {world_size} devices")
        self.steps = min(count // self._size, recipe.steps_per_epoch or count)

    def batches(self, epoch: int, begin: int = 0) -> Iterator[Batch]:
        """Yield this device's share of each batch of an epoch, from step `begin` on."""
        count = len(self._windows)
        order = self._random("order", epoch).permutation(count)
        mirrored = self._random("flip", epoch).integers(0, 2, count, dtype=np.uint8) == 1

        def read(step: int) -> Batch:
            share = slice(step * self._size + self._rank, (step + 1) * self._size, self._world_size)
            batch = self._reader.batch(self._windows[order[share]])
            if not self._recipe.flip_augmentation:
                return batch
            chosen = torch.from_numpy(mirrored[share])
            return mirrored_some(batch, chosen, self._layout, self._skeleton)

        return prefetched(read, range(begin, self.steps))

    def _random(self, purpose: str, epoch: int) -> np.random.Generator:
        return np.random.default_rng(derive_seed(self._seed, purpose, epoch))
