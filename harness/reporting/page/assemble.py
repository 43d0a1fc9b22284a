"""One HTML file that needs nothing else: template, style, modules, libraries and data in one text.

Modules stay plain files that import one another by name; the page's import map gives each name the
module's text as a data URL, which works from disk as well as from a server. The page's own policy
forbids everything that would come from elsewhere.
"""

import base64
import html
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

_PACKAGE = "harness.reporting.page"
# Names that modules import by -> files, and what has to be renamed where a file imports another.
_LIBRARIES = {
    "three-core": "libraries/three/three.core.min.js",
    "three": "libraries/three/three.module.min.js",
    "orbit-controls": "libraries/three/OrbitControls.js",
}
_RENAMED = {"./three.core.min.js": "three-core"}
_CHARTS = "libraries/echarts/echarts.common.min.js"
_LICENCES = {
    "three.js 0.185.0 (MIT)": ("libraries/three/LICENSE.txt",),
    "Apache ECharts 6.1.0 (Apache-2.0)": (
        "libraries/echarts/NOTICE.txt",
        "libraries/echarts/LICENSE.txt",
        "libraries/echarts/LICENSE-d3.txt",
    ),
}


def assembled_page(
    title: str, entry: str, data: Mapping[str, Any], *, charts: bool = False, served: bool = False
) -> str:
    """Return a whole page as text.

    Args:
        title: shown by the browser.
        entry: the module that is run, such as "report".
        data: what that module reads; plain values, no NaN.
        charts: whether it draws charts, whose library is then part of the page.
        served: whether the page may ask its own server for more data.

    Raises:
        ValueError: the data holds NaN or infinity.
    """
    parts = {
        "title": html.escape(title),
        "connect": "'self'" if served else "'none'",
        "style": _text("assets/style.css"),
        "licences": _licences(charts),
        "data": json_in_html(data),
        "imports": _import_map(),
        "charts": _script(_text(_CHARTS)) if charts else "",
        "entry": _script(f'import "{entry}";', "module"),
    }
    page = _text("assets/page.html")
    # One pass, so that nothing inside a part is taken for a place to fill.
    head, *pieces = page.split("{{")
    return head + "".join(
        parts[name] + rest for name, _, rest in (piece.partition("}}") for piece in pieces)
    )


def json_in_html(value: Any) -> str:
    """Return a value as JSON that no HTML parser reads as a tag or a comment, whatever its text."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _text(place: str) -> str:
    return resources.files(_PACKAGE).joinpath(place).read_text(encoding="utf-8")


def _script(text: str, kind: str = "text/javascript") -> str:
    # In JavaScript "<\/" is "</"; in HTML only the latter could end the script.
    unended = text.replace("</script", "<\\/script")
    return f'<script type="{kind}">{unended}</script>'


def _import_map() -> str:
    modules = {
        entry.name.removesuffix(".js"): entry.read_text(encoding="utf-8")
        for entry in resources.files(_PACKAGE).joinpath("assets").iterdir()
        if entry.name.endswith(".js")
    }
    modules |= {name: _text(place) for name, place in _LIBRARIES.items()}
    for name in sorted(modules):
        for written, renamed in _RENAMED.items():
            modules[name] = modules[name].replace(written, renamed)
    addresses = {
        name: "data:text/javascript;base64," + base64.b64encode(modules[name].encode()).decode()
        for name in sorted(modules)
    }
    return json_in_html({"imports": addresses})


def _licences(charts: bool) -> str:
    chosen = [name for name in _LICENCES if charts or name.startswith("three")]
    return "".join(
        f"<details><summary>{html.escape(name)}</summary>"
        + "".join(f"<pre>{html.escape(_text(place))}</pre>" for place in _LICENCES[name])
        + "</details>"
        for name in chosen
    )
