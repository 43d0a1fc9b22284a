"""The house rules that a reader relies on: which way imports point, and what must never be used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = ("harness", "dgnet", "baselines", "pipelines")
# From the ground up: a floor imports only from those listed before it.
FLOORS = (
    "body",
    "datasets",
    "lifting",
    "training",
    "prediction",
    "exchange",
    "scoring",
    "experiments",
    "reporting",
    "cli",
)
# Floors of one height: neither knows the other, though one is listed before it.
APART = {"training": "prediction", "prediction": "training"}


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"no sources below {folder}: the test would prove nothing"
    return found


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written out in full"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("package", ["dgnet", "baselines"])
def test_models_are_plain_pytorch_and_know_nothing_of_the_harness(package: str) -> None:
    allowed = {"torch", "dgnet", "baselines", *sys.stdlib_module_names}
    for path in sources(package):
        foreign = {name.partition(".")[0] for name in imported_modules(path)} - allowed
        assert not foreign, f"{path} imports {foreign}"


def test_floors_of_the_harness_import_only_from_below() -> None:
    for path in sources("harness"):
        floor = path.relative_to(ROOT / "harness").parts[0]
        if floor not in FLOORS:
            assert floor in ("foundation", "__init__.py", "__main__.py"), (
                f"{path} stands on no floor"
            )
            continue
        above = {*FLOORS[FLOORS.index(floor) + 1 :], APART.get(floor)}
        for name in imported_modules(path):
            parts = name.split(".")
            assert parts[0] != "pipelines", f"{path} imports {name}"
            if parts[0] == "harness" and len(parts) > 1:
                assert parts[1] not in above, f"{path} ({floor}) must not import {name}"


def test_foundation_knows_no_floor() -> None:
    for path in sources("harness/foundation"):
        for name in imported_modules(path):
            parts = name.split(".")
            assert parts[0] not in ("dgnet", "baselines", "pipelines")
            assert parts[:1] != ["harness"] or parts[1] == "foundation", f"{path} imports {name}"


def test_nothing_loads_what_could_run_a_strangers_code() -> None:
    for package in OURS:
        for path in sources(package):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                arguments = {
                    word.arg: word.value.value
                    for word in node.keywords
                    if isinstance(word.value, ast.Constant)
                }
                assert arguments.get("allow_pickle") is not True, f"{path}:{node.lineno}"
                if ast.unparse(node.func) == "torch.load":
                    assert arguments.get("weights_only") is True, f"{path}:{node.lineno}"


def test_help_comes_without_the_heavy_imports() -> None:
    code = (
        "import sys; from harness.cli.main import harness\n"
        "harness(['--help'], standalone_mode=False)\n"
        "heavy = {'torch', 'pandas', 'mlflow', 'matplotlib', 'scipy', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "compare" in done.stdout
