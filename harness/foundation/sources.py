"""Which source files a module is made of, found by following its imports without running it.

A training stage depends on just the files its model is made of: a change in one method retrains
that method and no other.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from harness.foundation.errors import HarnessError


def source_hashes(modules: Iterable[str], packages: Iterable[str]) -> dict[str, str]:
    """Return a SHA-256 for every source file that `modules` import, directly or not.

    It is of what the file does: comments, docstrings and layout do not count.

    Args:
        modules: dotted names to start from.
        packages: only modules in these packages, or these modules themselves, are followed.

    Returns:
        Hash by dotted module name, sorted.

    Raises:
        HarnessError: a starting module does not exist, or a file is not Python.
    """
    inside = tuple(packages)
    found: dict[str, str] = {}
    waiting = list(modules)
    starting = set(waiting)
    while waiting:
        name = waiting.pop()
        if name in found or (not _belongs(name, inside) and name not in starting):
            continue
        path = _source_of(name)
        if path is None:
            if name in starting:
                raise HarnessError(f"module {name} has no source file; is its package installed?")
            continue
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        try:
            found[name], imported = _hash_and_imports(path.read_text(encoding="utf-8"), package)
        except (SyntaxError, ValueError) as error:
            raise HarnessError(f"{path}: is not Python that can be read ({error})") from error
        waiting.extend(imported)
    return dict(sorted(found.items()))


@lru_cache(maxsize=1024)  # methods share most of their sources
def _hash_and_imports(text: str, package: str) -> tuple[str, tuple[str, ...]]:
    tree = _parsed(text)
    imported = tuple(_imports(tree, package))
    return hashlib.sha256(_code(tree).encode()).hexdigest(), imported


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SystemError:
        # CPython 3.11 miscounts its own depth where another thread runs, or garbage is collected,
        # while it builds the tree (python/cpython#106905). The second attempt starts from nothing.
        return ast.parse(text)


def _belongs(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def _source_of(name: str) -> Path | None:
    """Return a module's file; only its top-level package is looked up, so nothing is imported."""
    top, *inner = name.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None:
        return None
    if not inner:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        path = Path(folder, *inner)
        for candidate in (path / "__init__.py", path.with_suffix(".py")):
            if candidate.is_file():
                return candidate
    return None


def _code(tree: ast.Module) -> str:
    """Return the module's code without docstrings, comments and layout; the tree is changed."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body[0] = ast.Pass()
    return ast.unparse(tree)


def _imports(tree: ast.Module, package: str) -> Iterable[str]:
    """Yield every dotted name that the module may import; names of attributes are harmless."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base]).rstrip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
