"""The `harness` command itself: help, unknown commands, exit codes, closed pipes."""

import importlib
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from harness.cli.main import _COMMANDS, harness, main


def ended(*arguments: str) -> object:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_is_there_and_helps(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module, attribute = _COMMANDS[name][0].split(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert ended(name, "--help") == 0
    assert command.help
    assert command.help.split()[0] in capsys.readouterr().out


def leaves(
    group: click.Group = harness, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with its full name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


LEAVES = dict(leaves())


@pytest.mark.parametrize("name", LEAVES)
def test_help_explains_every_option_and_gives_examples_that_parse(name: str) -> None:
    command = LEAVES[name]
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []
    start = f"  harness {name}"
    examples = [line for line in (command.epilog or "").splitlines() if line.startswith(start)]
    assert examples
    for example in examples:
        arguments = shlex.split(example.removeprefix(start))
        command.make_context(name, arguments)  # parses, and runs nothing


def test_no_line_in_a_list_of_commands_is_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    for group in ((), ("data",), ("grid",)):
        assert ended(*group, "--help") == 0
        assert "..." not in capsys.readouterr().out.partition("Commands:")[2]


def test_the_list_of_commands_is_complete() -> None:
    modules = {path.stem for path in Path(main.__code__.co_filename).parent.glob("*.py")}
    listed = {target.split(":")[0].rpartition(".")[2] for target, _ in _COMMANDS.values()}
    assert listed == modules - {"__init__", "main"}


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--help") == 0
    shown = capsys.readouterr().out
    for name, (_, line) in _COMMANDS.items():
        assert f"  {name}" in shown
        assert line in shown


def test_without_a_command_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended() in (0, 2)
    output = capsys.readouterr()
    assert "Usage:" in output.out + output.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["comapre"], "Error: unknown command 'comapre'; did you mean 'compare'?"),
        (["train"], "Missing argument 'MODEL'"),
        (["train", "dgnet", "--sede", "1"], "No such option"),
        (["train", "dgnet", "--seed", "-1"], "-1 is not in the range"),
        (["compare", "a", "b", "--by", "actoin"], "'actoin' is not one of"),
    ],
)
def test_wrong_use_exits_2_and_names_the_word(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--version") == 0
    assert "version" in capsys.readouterr().out


def test_a_reader_that_goes_away_is_no_error() -> None:
    harness = Path(sys.executable).with_name("harness")
    process = subprocess.Popen(
        [harness, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()  # as `head` does when it has seen enough
    assert "Traceback" not in process.stderr.read()
    process.wait()
