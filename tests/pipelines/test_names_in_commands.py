"""Names in params.yaml become part of shell commands: none runs before they were checked."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_project import ROOT, TinyProject, tiny_params

CHECKED = "data/settings.txt"


def test_every_stage_waits_for_the_check() -> None:
    stages: dict[str, Any] = {}
    for pipeline in ("dvc.yaml", "experiments/dvc.yaml"):
        stages |= yaml.safe_load((ROOT / pipeline).read_text())["stages"]
    made_by = {
        path if isinstance(path, str) else next(iter(path)): name
        for name, stage in stages.items()
        for kind in ("outs", "metrics", "plots")
        for path in stage.get(kind, [])
    }

    def waits(name: str) -> bool:
        deps = stages[name]["deps"]
        return CHECKED in deps or any(
            waits(maker)
            for path in deps
            for out, maker in made_by.items()
            if maker != name and (path == out or out.startswith(f"{path}/"))
        )

    named = [name for name, stage in stages.items() if "${" in stage["cmd"]]
    assert len(named) > 8
    for name in named:
        assert waits(name), f"stage {name} forms its command of names that nothing has checked"


@pytest.mark.parametrize("key", ["profile", "models"])
def test_a_name_that_a_shell_would_run_is_refused_and_not_run(key: str, tmp_path: Path) -> None:
    name = "tiny; touch it_ran; '$(touch it_ran)'"
    params = tiny_params()
    params["profiles"][name] = params["profiles"]["tiny"]
    params["profiles"][name]["models"][name] = {}
    params[key] = name if key == "profile" else [name]
    project = TinyProject.made(tmp_path / "project", params)
    (project.folder / "data/raw" / name).mkdir()
    ended = project.run("python", "-m", "dvc", "repro")
    assert ended.returncode != 0
    assert f"Error: params.yaml: '{key}" in ended.stderr
    assert "expected pattern" in ended.stderr
    assert not list(project.folder.rglob("it_ran"))
