"""The report as a person meets it: opened from disk in a real browser, without any network.

Debian's package `chromium` is such a browser; elsewhere HARNESS_BROWSER names one. The tests are
skipped where there is none, or where Playwright (extra `dev`) is not installed.
"""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_results import TAG, make_results
from PIL import Image

from harness.reporting.page.report import write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright (extra dev) is missing")

_FLAGS = (
    "--no-sandbox",  # a container's root may not make one; the page is ours
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What the browser complained of, and what it asked a network for."""
    return []


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, said: list[str]) -> Iterator[Any]:
    """The report of made-up runs, one of which is called like a tag, opened from disk."""
    program = os.environ.get("HARNESS_BROWSER") or shutil.which("chromium")
    if program is None:
        pytest.skip("no browser: install Debian's chromium, or name one in HARNESS_BROWSER")
    folder = tmp_path_factory.mktemp("browser")
    made = make_results(folder)
    report = write_report(made.settings, "tiny", made.results, made.prepared.path)
    # Such a name no run can have here; the page must not depend on that.
    escaped = TAG.replace("<", "\\u003c").replace(">", "\\u003e")
    report.write_text(report.read_text().replace('"martinez"', f'"{escaped}"'))
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(20_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: said.append(request.url[:80]))
        page.add_init_script("window.boom = () => console.error('text was run')")
        page.goto(report.as_uri())
        page.locator("#viewer output").filter(has_text="frame").wait_for()
        yield page
        browser.close()


def pixels(page: Any, selector: str, folder: Path) -> np.ndarray:
    path = folder / "shot.png"
    page.locator(selector).first.screenshot(path=path)
    return np.asarray(Image.open(path).convert("RGB"))


def test_nothing_is_complained_of_and_nothing_asked_for(page: Any, said: list[str]) -> None:
    assert [line for line in said if not line.startswith(("file:", "data:"))] == []
    assert len([line for line in said if line.startswith("file:")]) == 1
    assert page.locator("h2").count() >= 10
    assert page.locator(".chart svg").count() >= 4


def test_a_name_like_a_tag_stays_text(page: Any) -> None:
    assert page.get_by_role("rowheader", name=TAG).first.inner_text().startswith(TAG)
    assert page.locator("img").count() == 0
    assert page.get_by_label(TAG, exact=True).count() == 1  # its switch in the viewer


def test_the_leaderboard_sorts_both_ways(page: Any) -> None:
    board = page.get_by_role("region", name="Leaderboard")
    cells = board.locator("tbody td:nth-child(2)")

    def values() -> list[float]:
        return [float(text.split()[0]) for text in cells.all_inner_texts()]

    assert values() == sorted(values())
    board.get_by_role("button", name="MPJPE", exact=True).first.press("Enter")
    assert values() == sorted(values(), reverse=True)
    head = board.locator("thead th:nth-child(2)")
    assert head.get_attribute("aria-sort") == "descending"


def test_a_number_leads_to_the_record_of_its_run(page: Any) -> None:
    board = page.get_by_role("region", name="Leaderboard")
    board.locator('tbody td:nth-child(2) a[href="#record-dgnet"]').click()
    record = page.locator('[id="record-dgnet"][open]')
    record.wait_for()
    assert "made by a test" in record.inner_text()


def test_another_reference_gives_other_differences(page: Any) -> None:
    page.get_by_label("Against", exact=True).select_option("dgnet")
    region = page.get_by_role("region", name="Differences to dgnet")
    assert region.locator("thead th").all_inner_texts()[:3] == ["action", "dgnet", "semgcn"]


def test_error_is_drawn_against_parameters_or_computation(page: Any) -> None:
    chart = page.locator("#costs .chart")
    assert "trainable parameters" in chart.inner_text()
    page.get_by_label("Cost", exact=True).select_option("macs_per_frame")
    assert "multiply-accumulates a predicted frame" in chart.inner_text()


def test_the_slider_and_the_keyboard_change_the_frame(page: Any, tmp_path: Path) -> None:
    told = page.locator("#viewer output")
    before = pixels(page, "canvas.body", tmp_path)
    assert len(np.unique(before.reshape(-1, 3), axis=0)) > 50  # it is not blank
    slider = page.get_by_label("Frame", exact=True)
    slider.fill("3")
    assert told.inner_text().startswith("frame 3 of")
    slider.press("ArrowRight")
    assert told.inner_text().startswith("frame 4 of")
    canvas = page.locator("canvas.body")
    canvas.press(",")
    assert told.inner_text().startswith("frame 3 of")
    turned = pixels(page, "canvas.body", tmp_path)
    canvas.press("ArrowLeft")
    page.wait_for_timeout(100)
    assert (pixels(page, "canvas.body", tmp_path) != turned).any()
    canvas.press(" ")
    page.get_by_role("button", name="Pause").wait_for()
    canvas.press(" ")
    page.get_by_role("button", name="Play").wait_for()


def test_affinities_are_drawn_when_asked_for(page: Any, tmp_path: Path) -> None:
    before = pixels(page, "canvas.body", tmp_path)
    page.get_by_label("affinities of dgnet").check()
    page.wait_for_timeout(100)
    assert (pixels(page, "canvas.body", tmp_path) != before).any()


def test_everything_that_can_be_used_has_a_name(page: Any) -> None:
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input, canvas, a, [role=img]')]
        .filter((item) => !(item.textContent.trim() || item.getAttribute('aria-label')
          || item.labels?.length))
        .map((item) => item.outerHTML.slice(0, 80))"""
    )
    assert nameless == []


def test_a_phone_shows_it_without_scrolling_sideways(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.set_viewport_size({"width": 1280, "height": 900})


_COLOURS = """() => {
  const sheet = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const channels = (colour) => {
    sheet.clearRect(0, 0, 1, 1);
    sheet.fillStyle = colour;
    sheet.fillRect(0, 0, 1, 1);
    return [...sheet.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => {
    const [red, green, blue] = channels(colour).slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (item) => {
    for (let at = item; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (channels(colour)[3] === 255) return colour;
    }
    return 'white';
  };
  const seen = (item) => item.checkVisibility({opacityProperty: true, visibilityProperty: true});
  return {contrast, behind, seen};
}"""
"""What the page's colours are, as the browser has them: WCAG 2.2's contrast ratio, 1 to 21."""


def turn(page: Any, scheme: str) -> None:
    """Turn the page light or dark, and wait until charts are drawn so."""
    if page.evaluate(f"matchMedia('(prefers-color-scheme: {scheme})').matches"):
        return
    page.evaluate(
        """() => {
          const dark = matchMedia('(prefers-color-scheme: dark)');
          const turned = (done) => dark.addEventListener('change', () => done(), {once: true});
          window.turned = new Promise(turned);
        }"""
    )
    page.emulate_media(color_scheme=scheme)
    page.evaluate("window.turned")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_it_stands_on(page: Any, scheme: str) -> None:
    turn(page, scheme)
    faint, looked_at = page.evaluate(
        """(make) => {
          const {contrast, behind, seen} = eval(make)();
          const faint = [];
          let count = 0;
          for (const item of document.querySelectorAll('body *')) {
            const own = [...item.childNodes].some(
              (node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
            if (!own || !seen(item) || item.closest('script, style, noscript')) continue;
            const style = getComputedStyle(item);
            const size = parseFloat(style.fontSize);
            const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
            const drawn = item instanceof SVGElement;
            const ratio = contrast(drawn ? style.fill : style.color, behind(item));
            count += 1;
            if (ratio < (large ? 3 : 4.5)) {
              faint.push(`${item.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
            }
          }
          return [faint, count];
        }""",
        f"({_COLOURS})",
    )
    assert faint == [], len(faint)
    assert looked_at > 100
    turn(page, "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_has_the_focus_shows_it(page: Any, scheme: str) -> None:
    turn(page, scheme)
    page.locator(".skip").focus()
    page.keyboard.press("Tab")  # from now on the focus is a keyboard's
    for kind in ("nav a", "th button", "select", "input", "summary", "canvas.body", ".time button"):
        page.locator(kind).first.focus()
        shown, ratio = page.evaluate(
            """(make) => {
              const {contrast, behind} = eval(make)();
              const item = document.activeElement;
              const style = getComputedStyle(item);
              const shown = style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth);
              return [shown, contrast(style.outlineColor, behind(item.parentElement))];
            }""",
            f"({_COLOURS})",
        )
        assert (shown >= 2, ratio >= 3) == (True, True), (kind, shown, ratio)
    turn(page, "light")


def test_the_page_tells_readers_and_machines_what_it_is(page: Any) -> None:
    assert page.title().strip()
    told = page.evaluate(
        """() => ({
          language: document.documentElement.lang,
          zoom: document.querySelector('meta[name=viewport]').content,
          mains: document.querySelectorAll('main').length,
          heads: [...document.querySelectorAll('h1, h2, h3, h4')].map((item) => +item.tagName[1]),
          ids: [...document.querySelectorAll('[id]')].map((item) => item.id),
          leading: [...document.querySelectorAll('a[href^="#"]')].map((item) => item.hash.slice(1)),
        })"""
    )
    assert (told["language"], told["mains"]) == ("en", 1)
    assert "user-scalable" not in told["zoom"]
    assert "maximum-scale" not in told["zoom"]
    heads = told["heads"]
    assert heads.count(1) == 1
    assert all(below - above <= 1 for above, below in itertools.pairwise(heads))
    assert len(told["ids"]) == len(set(told["ids"]))
    assert set(told["leading"]) <= set(told["ids"])
