"""Methods by name: plain strings until one is used, so that listing names imports nothing heavy.

A package installed beside this one adds a method through an entry point of group `pose_lifters`,
`name = "package.module:METHOD"`; every command then takes its name like ours.
"""

import importlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from harness.body.skeleton import Skeleton
from harness.lifting.contract import Lifter, Method
from harness.runs.errors import HarnessError
from harness.runs.seeds import derive_seed
from harness.runs.settings import validated
from harness.runs.sources import source_hashes
from harness.runs.suggest import unknown_name

ENTRY_POINT_GROUP = "pose_lifters"

METHODS: dict[str, str] = {
    "dgnet": "harness.lifting.methods.dgnet:METHOD",
    "fsg": "harness.lifting.methods.fsg:METHOD",
    "fsg_ftg": "harness.lifting.methods.fsg_ftg:METHOD",
    "martinez": "harness.lifting.methods.martinez:METHOD",
    "semgcn": "harness.lifting.methods.semgcn:METHOD",
}

_SHAPING_PACKAGES = (
    "dgnet",
    "baselines",
    "harness.body",
    "harness.datasets.prepared",
    "harness.lifting",
    "harness.runs.seeds",
)
"""Where code stands between a prepared set and weights or predictions; the rest of harness.runs
(progress, tracking, records) shapes no number."""


def method_names() -> Sequence[str]:
    """Return the names of all methods, installed packages' included, sorted."""
    return sorted(_known())


def method_called(name: str) -> Method:
    """Import and return the method called `name`.

    Raises:
        HarnessError: there is none, or the package that adds it cannot be imported.
    """
    target = _target(name)
    module, _, attribute = target.partition(":")
    try:
        method = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise HarnessError(
            f"method '{name}' cannot be loaded from {target} ({error}); repair or remove the "
            "package that adds it"
        ) from error
    if not isinstance(method, Method):
        raise HarnessError(f"method '{name}': {target} is not a harness.lifting.contract.Method")
    return method


def method_module(name: str) -> str:
    """Return the dotted name of the module that defines a method, without importing it.

    Raises:
        HarnessError: there is no such method.
    """
    return _target(name).partition(":")[0]


def method_sources(name: str) -> dict[str, str]:
    """Return the SHA-256, by module, of the source files that shape a method's numbers.

    Raises:
        HarnessError: there is no such method.
    """
    module = method_module(name)
    package = module.partition(".")[0]
    theirs = () if package == "harness" else (package,)
    start = (module, "harness.lifting.training", "harness.lifting.prediction")
    return source_hashes(start, (*_SHAPING_PACKAGES, *theirs))


def build_lifter(
    method: Method, network: Mapping[str, Any], skeleton: Skeleton, layout: Skeleton, seed: int
) -> Lifter:
    """Build a method's lifter with initial weights that depend on nothing but `seed`.

    Args:
        method: the method.
        network: its own parameters; those left out take their defaults.
        skeleton: joints of the data set's 3D.
        layout: joints of the 2D source.
        seed: the training seed.

    Raises:
        HarnessError: a parameter is unknown or wrong, or the data lack a joint.
    """
    settings = validated(method.settings, network, f"models.{method.name}.network")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "init", method.name))
        return method.build(settings, skeleton, layout)


def _target(name: str) -> str:
    known = _known()
    if name not in known:
        raise unknown_name("model", name, known)
    return known[name]


def _known() -> dict[str, str]:
    theirs = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    return {entry.name: entry.value for entry in theirs} | METHODS
