"""The GitHub Actions workflow that a user's repository gets: everything it names must exist."""

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from harness.cli.main import harness
from harness.foundation.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    # BaseLoader leaves all values text: YAML 1.1 would read the key `on` as the truth value.
    text = (ROOT / ".github/workflows/regression.yml").read_text()
    return yaml.load(text, Loader=yaml.BaseLoader)


def commands(workflow: dict[str, Any]) -> list[list[str]]:
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    found = [shlex.split(line) for step in steps for line in step.get("run", "").splitlines()]
    assert found
    return found


def test_it_runs_on_pull_requests_with_python_3_11(workflow: dict[str, Any]) -> None:
    assert set(workflow["on"]) == {"pull_request"}
    steps = workflow["jobs"]["check"]["steps"]
    (python,) = [step for step in steps if "setup-python" in step.get("uses", "")]
    assert python["with"]["python-version"] == "3.11"
    assert python["with"]["cache"] == "pip"
    for path in python["with"]["cache-dependency-path"].split():
        assert (ROOT / path).is_file()


def test_its_harness_commands_and_options_exist(workflow: dict[str, Any]) -> None:
    ours = [words for words in commands(workflow) if words[0].endswith("harness")]
    assert [words[1] for words in ours] == ["check", "check"]
    for _, name, *rest in ours:
        command = harness.get_command(click.Context(harness), name)
        assert command is not None
        command.make_context(name, rest)  # raises on an unknown option or a bad value


def test_what_needs_no_training_is_checked_before_it(workflow: dict[str, Any]) -> None:
    order = [" ".join(words) for words in commands(workflow)]
    (early, late) = [at for at, words in enumerate(order) if "harness check" in words]
    assert order.index("dvc repro prepare@quick") < early < order.index("make repro") < late
    stages = order[early].split("--stage ")[1].split()[0].split(",")
    assert stages == ["data", "steps", "predictions", "scores"]


def test_its_make_targets_exist(workflow: dict[str, Any]) -> None:
    targets = [words[1] for words in commands(workflow) if words[0] == "make"]
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_table_that_is_posted_is_the_one_that_the_check_writes(
    workflow: dict[str, Any],
) -> None:
    checks = [words for words in commands(workflow) if words[0].endswith("harness")]
    (written,) = {check[check.index("--output") + 1] for check in checks}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    (upload,) = [step for step in steps if "upload-artifact" in step.get("uses", "")]
    (post,) = [step for step in steps if "github-script" in step.get("uses", "")]
    assert upload["with"]["path"] == written
    assert f"readFileSync('{written}'" in post["with"]["script"]


def test_no_job_may_write_more_than_comments_and_none_that_runs_the_code_may_write(
    workflow: dict[str, Any],
) -> None:
    assert workflow["permissions"] == {}
    jobs = workflow["jobs"]
    assert jobs["check"]["permissions"] == {"contents": "read"}
    assert jobs["comment"]["permissions"] == {"pull-requests": "write"}
    assert not any("checkout" in step.get("uses", "") for step in jobs["comment"]["steps"])
    assert "secrets." not in (ROOT / ".github/workflows/regression.yml").read_text()


def test_the_workflow_of_the_experiments_makes_and_shows_what_it_names() -> None:
    path = ROOT / ".github/workflows/experiments.yml"
    experiments = yaml.load(path.read_text(), Loader=yaml.BaseLoader)
    assert [words[1] for words in commands(experiments) if words[0] == "make"] == ["experiments"]
    makefile = (ROOT / "Makefile").read_text()
    profile = re.search(r"^experiments: PROFILE \?= (\w+)$", makefile, re.MULTILINE)
    assert profile
    assert profile[1] in load_settings(ROOT / "params.yaml").profiles
    written = f"results/{profile[1]}/"
    (shown,) = [words[1] for words in commands(experiments) if words[0] == "cat"]
    (upload,) = [
        step for step in experiments["jobs"]["tiny"]["steps"] if "upload" in step.get("uses", "")
    ]
    for place in (shown, *upload["with"]["path"].split()):
        assert place.startswith(written)
