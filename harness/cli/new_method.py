"""`harness new-method`: write a package with a lifter of your own and its test."""

import re
from pathlib import Path

import click

_EXAMPLE = "window_mlp"
_NOT_COPIED = r'^steady_mixste = .*\n|, "steady_mixste"|^readme = .*\n'


@click.command(epilog="\b\nExample:\n  harness new-method my_lifter")
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write; a new folder NAME unless named.",
)
def new_method(name: str, folder: Path | None) -> None:
    """Write a package that adds lifter NAME, a copy of the example to change, with its test."""
    from harness.foundation.errors import HarnessError
    from harness.foundation.files import atomic_file
    from harness.lifting.registry import method_names

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise HarnessError(f"{name}: a method's name is small letters, digits and underscores")
    if name in method_names():
        raise HarnessError(f"{name}: there is a method of this name; choose another")
    source = Path(__file__).parents[2] / "examples/third_party_lifter"
    if not source.is_dir():
        raise HarnessError(f"{source}: the example is not there; use a checkout of the repository")
    out = folder or Path(name)
    if out.exists():
        raise HarnessError(f"{out}: is there already; name another place with --folder")
    words = name.split("_")
    title = " ".join(word.capitalize() for word in words)
    changes = {
        "WindowMLP": "".join(word.capitalize() for word in words),
        "Window MLP": title,
        "window-mlp": name.replace("_", "-"),
        _EXAMPLE: name,
    }
    for path in ("pyproject.toml", f"{_EXAMPLE}.py", f"test_{_EXAMPLE}.py"):
        text = (source / path).read_text(encoding="utf-8")
        for old, new in changes.items():
            text = text.replace(old, new)
        # The example holds a second lifter, which goes on from published weights.
        text = re.sub(
            r'^steady_mixste = .*\n|, "steady_mixste"|^readme = .*\n', "", text, flags=re.M
        )
        with atomic_file(out / path.replace(_EXAMPLE, name)) as stream:
            stream.write(text)
    click.echo(f"wrote {out}: change {name}.py, then")
    click.echo(f"  pip install --no-deps --editable {out}")
    click.echo(f"  python -m pytest {out}")
    click.echo(f"  harness run {name} --seeds 0,1")
