"""Downloading CMU files from a server on this machine: right, wrong, cut, gone, gone on with."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from acclaim_files import walking, write_cmu

from harness.datasets.cmu.fetch import SUMS, Fetched, fetch_cmu
from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError


class Site:
    """A server with the site's layout that can be told to misbehave, and counts what it sends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: dict[str, str] = {}
        self.requests: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/subjects"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.removeprefix("/subjects/")
        self.requests.append(name)
        path, fault = self.folder / "subjects" / name, self.faults.get(name)
        if fault == "broken":
            request.send_error(500)
            return
        if not path.is_file():
            request.send_error(404)
            return
        content = b"<html>be back soon</html>" if fault == "page" else path.read_bytes()
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[: len(content) // 2] if fault == "cut" else content)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    trials = {name: walking(130, seed=number) for number, name in enumerate(("04_01", "04_02"))}
    trials |= {"04_04": walking(130), "01_01": walking(130)}
    served = Site(write_cmu(tmp_path / "site", trials))
    yield served
    served.close()


def fetch(site: Site, to: Path, **what: list[str]) -> tuple[Fetched, str]:
    said: list[str] = []
    fetched = fetch_cmu(to, base_url=site.url, say=said.append, **what)
    return fetched, "\n".join(said)


def test_what_is_fetched_can_be_prepared(site: Site, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    fetched, _ = fetch(site, raw, trials=["04_01", "04_02"])
    assert fetched == Fetched(downloaded=3, kept=0)
    for path in raw.glob("subjects/*/*"):
        assert path.read_bytes() == (site.folder / path.relative_to(raw)).read_bytes()
    options = {"train": ["04_01"], "validation": [], "test": ["04_02"]}
    prepare_set("cmu", raw, tmp_path / "set", options)
    assert len(PreparedSet(tmp_path / "set").clips) == 8


def test_a_whole_subject_is_fetched_across_gaps_in_its_numbers(site: Site, tmp_path: Path) -> None:
    fetched, said = fetch(site, tmp_path / "raw", subjects=["04"])
    assert fetched.downloaded == 4
    assert (tmp_path / "raw/subjects/04/04_04.amc").exists()
    assert "04: no trials 05 to 07" in said


def test_what_is_there_and_right_is_not_downloaded_again(site: Site, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    fetch(site, raw, trials=["04_01"])
    site.requests.clear()
    fetched, said = fetch(site, raw, trials=["04_01", "04_02"])
    assert fetched == Fetched(downloaded=1, kept=2)
    assert site.requests == ["04/04_02.amc"]
    assert said == "downloading 04/04_02.amc"


def test_a_file_that_changed_since_it_was_fetched_is_replaced(site: Site, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    fetch(site, raw, trials=["04_01"])
    path = raw / "subjects/04/04_01.amc"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"root", b"root ", 1))  # still readable, but another sum
    fetched, said = fetch(site, raw, trials=["04_01"])
    assert fetched == Fetched(downloaded=1, kept=1)
    assert "downloading 04/04_01.amc again: its SHA-256 is not" in said
    assert path.read_bytes() == content


def test_the_recorded_sums_have_the_form_of_sha256sum(site: Site, tmp_path: Path) -> None:
    import hashlib

    raw = tmp_path / "raw"
    fetch(site, raw, trials=["04_01"])
    lines = (raw / SUMS).read_text().splitlines()
    assert len(lines) == 2
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((raw / name).read_bytes()).hexdigest() == digest


def test_a_file_whose_known_sum_differs_is_refused(site: Site, tmp_path: Path) -> None:
    # The server's subject 01 is made up; sums of the real one ship with the code.
    with pytest.raises(HarnessError, match=r"01/01\.asf: the file's SHA-256 is not the known e993"):
        fetch(site, tmp_path / "raw", subjects=["01"])
    assert not list((tmp_path / "raw").rglob("*.as*"))


def test_a_file_the_site_lacks_is_named(site: Site, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"04/04_09\.amc: the site has no such file"):
        fetch(site, tmp_path / "raw", trials=["04_01", "04_09"])
    assert (tmp_path / "raw/subjects/04/04_01.amc").exists()
    with pytest.raises(HarnessError, match=r"77/77\.asf: the site has no such file"):
        fetch(site, tmp_path / "raw", subjects=["77"])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("cut", "the site cannot be reached, or hung up"),
        ("broken", "the site answers 500"),
        ("page", "is not what it should be: .*is not a motion in degrees"),
    ],
)
def test_an_interrupted_download_leaves_nothing_half_made_and_goes_on(
    fault: str, message: str, site: Site, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    site.faults["04/04_02.amc"] = fault
    with pytest.raises(HarnessError, match=message):
        fetch(site, raw, subjects=["04"])
    there = sorted(path.name for path in raw.rglob("*") if path.is_file())
    assert there == ["04.asf", "04_01.amc", SUMS]
    site.faults.clear()
    fetched, _ = fetch(site, raw, subjects=["04"])
    assert fetched == Fetched(downloaded=2, kept=2)


def test_a_damaged_file_stays_while_the_site_cannot_be_reached(site: Site, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    fetch(site, raw, trials=["04_01"])
    path = raw / "subjects/04/04_01.amc"
    path.write_bytes(b"damaged")
    site.close()
    with pytest.raises(HarnessError, match=r"cannot be reached.*run the same command again"):
        fetch(site, raw, trials=["04_01"])
    assert path.read_bytes() == b"damaged"


@pytest.mark.parametrize(
    "what", [{}, {"subjects": ["5"]}, {"subjects": ["../02"]}, {"trials": ["04"]}]
)
def test_names_that_are_no_subject_or_trial_are_refused(
    what: dict[str, list[str]], site: Site, tmp_path: Path
) -> None:
    with pytest.raises(HarnessError, match="--subjects"):
        fetch(site, tmp_path / "raw", **what)
    assert site.requests == []


def test_real_files_have_the_sums_that_ship_with_the_code(
    real_cmu: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    served = Site(real_cmu)
    try:
        fetched, _ = fetch(served, tmp_path, trials=["02_03", "03_02"])
    finally:
        served.close()
    assert fetched == Fetched(downloaded=4, kept=0)
