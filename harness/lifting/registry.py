"""Methods by name: plain strings until one is used, so that listing names imports nothing heavy.

A package installed beside this one adds a method through an entry point of group `pose_lifters`,
`name = "package.module:METHOD"`; every command then takes its name like ours. A name that stands
for two different methods is refused where it is used: nobody should have to guess which one ran.
"""

import importlib
import importlib.metadata
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from harness.foundation.errors import HarnessError
from harness.foundation.sources import source_hashes
from harness.foundation.suggest import unknown_name

if TYPE_CHECKING:
    from harness.lifting.contract import Method

ENTRY_POINT_GROUP = "pose_lifters"

METHODS: dict[str, str] = {
    "d3dp": "harness.lifting.methods.d3dp:METHOD",
    "dgnet": "harness.lifting.methods.dgnet:METHOD",
    "fsg": "harness.lifting.methods.fsg:METHOD",
    "fsg_ftg": "harness.lifting.methods.fsg_ftg:METHOD",
    "martinez": "harness.lifting.methods.martinez:METHOD",
    "mixste": "harness.lifting.methods.mixste:METHOD",
    "motionagformer": "harness.lifting.methods.motionagformer:METHOD",
    "motionbert": "harness.lifting.methods.motionbert:METHOD",
    "poseformerv2": "harness.lifting.methods.poseformerv2:METHOD",
    "semgcn": "harness.lifting.methods.semgcn:METHOD",
    "stgcn": "harness.lifting.methods.stgcn:METHOD",
    "videopose3d": "harness.lifting.methods.videopose3d:METHOD",
    "wsgcn": "harness.lifting.methods.wsgcn:METHOD",
}

_SHAPING_PACKAGES = (
    "dgnet",
    "baselines",
    "harness.body",
    "harness.datasets.prepared",
    "harness.lifting",
    "harness.training",
    "harness.prediction",
    "harness.foundation.seeds",
)
"""Where code stands between a prepared set and weights or predictions; the rest of
harness.foundation (progress, tracking, records) shapes no number."""

_SHAPING_MODULES = (
    "harness.training.taken_joints",
    "harness.training.beginning",
    "harness.training.warm_start",
    "harness.training.loop",
    "harness.prediction.predict_split",
)
"""Where the way starts that every method shares: what is not imported from here, nor by the
method, is bookkeeping."""


def method_names() -> Sequence[str]:
    """Return the names of all methods, installed packages' included, sorted."""
    return sorted(_known())


def method_called(name: str) -> "Method":
    """Import and return the method called `name`.

    Raises:
        HarnessError: there is none, there are several, or the one cannot be imported.
    """
    from harness.lifting.contract import Method

    target = _target(name)
    module, _, attribute = target.partition(":")
    try:
        method = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # a stranger's module may raise anything while it is imported
        raise HarnessError(
            f"method '{name}' cannot be loaded from {target} ({type(error).__name__}: {error}); "
            "repair or remove the package that adds it"
        ) from error
    if not isinstance(method, Method):
        raise HarnessError(f"method '{name}': {target} is not a harness.lifting.contract.Method")
    if method.name != name:
        raise HarnessError(
            f"method '{name}': {target} calls itself '{method.name}'; the entry point and the "
            "Method's name must be the same"
        )
    lacking = sorted(getattr(method.build, "__abstractmethods__", ()))
    if lacking:
        raise HarnessError(
            f"method '{name}': {target} builds a lifter without {' and '.join(lacking)}; every "
            "lifter defines them, as harness/lifting/contract.py says"
        )
    return method


def method_module(name: str) -> str:
    """Return the dotted name of the module that defines a method, without importing it.

    Raises:
        HarnessError: there is no such method, or there are several.
    """
    return _target(name).partition(":")[0]


def method_sources(name: str) -> dict[str, str]:
    """Return the SHA-256, by module, of the source files that shape a method's numbers.

    This table of names is not one of them, so that a new method retrains no other.

    Raises:
        HarnessError: there is no such method, there are several, or a source file is not Python.
    """
    module = method_module(name)
    package = module.partition(".")[0]
    theirs = () if package == "harness" else (package,)
    hashes = source_hashes((module, *_SHAPING_MODULES), (*_SHAPING_PACKAGES, *theirs))
    return {name: value for name, value in hashes.items() if name != __name__}


def _target(name: str) -> str:
    known = _known()
    if name not in known:
        raise unknown_name("model", name, known)
    targets = known[name]
    if len(targets) > 1:
        raise HarnessError(
            f"model '{name}' stands for {' and '.join(targets)}; rename one in the "
            f"{ENTRY_POINT_GROUP} of its package, or uninstall that package"
        )
    return targets[0]


@cache
def _installed(
    entry_points: Callable[..., Iterable[importlib.metadata.EntryPoint]],
) -> tuple[importlib.metadata.EntryPoint, ...]:
    """Return what installed packages add; looked for once, for that reads every package's files."""
    return tuple(entry_points(group=ENTRY_POINT_GROUP))


def _known() -> dict[str, list[str]]:
    """Return by name the places that claim it: one, unless packages collide."""
    known = {name: [target] for name, target in METHODS.items()}
    for entry in _installed(importlib.metadata.entry_points):
        targets = known.setdefault(entry.name, [])
        if entry.value not in targets:
            targets.append(entry.value)
    return known
