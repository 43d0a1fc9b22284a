"""`harness view` serves one person on loopback: the list of clips, each clip, and nothing else."""

import json
import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_results import Made, make_results

from harness.cli.main import harness
from harness.foundation.errors import HarnessError
from harness.reporting.page.server import ClipServer, clip_server
from harness.reporting.page.stored_clips import StoredClips, lifted_runs


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_results(tmp_path_factory.mktemp("view"))


@pytest.fixture(scope="module")
def server(made: Made) -> Iterator[ClipServer]:
    folders = [made.results / f"tiny/runs/{model}-seed0" for model in ("dgnet", "semgcn")]
    stored = StoredClips(made.prepared, lifted_runs(folders))
    with clip_server(stored) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def answer(server: ClipServer, place: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(server.address.rstrip("/") + place, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_page_lists_every_clip_and_each_can_be_had(server: ClipServer) -> None:
    status, page = answer(server, "/")
    assert status == 200
    assert "connect-src 'self'" in page
    for number in server.stored.errors:
        assert f"/clips/{number}" in page
        status, text = answer(server, f"/clips/{number}")
        motion = json.loads(text)
        assert status == 200
        assert motion["name"] == server.stored.names[number]
        labels = [poses["label"] for poses in motion["poses"]]
        assert labels == ["truth", "dgnet-seed0", "semgcn-seed0"]


@pytest.mark.parametrize("place", ["/clips/999", "/clips/x", "/../params.yaml", "/clips/"])
def test_nothing_else_is_served(server: ClipServer, place: str) -> None:
    assert answer(server, place) == (404, "there is no such clip")


def test_other_machines_and_other_names_are_refused(server: ClipServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert answer(server, "/", Host="evil.example")[0] == 403


def test_a_taken_port_is_one_plain_line(server: ClipServer) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(HarnessError, match=f"port {port} of 127.0.0.1 cannot be used"):
            clip_server(server.stored, port)


def test_a_run_without_a_score_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="has no score"):
        lifted_runs([tmp_path])


def test_the_command_says_where_the_page_is_until_it_is_ended(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ended(server: ClipServer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ClipServer, "serve_forever", ended)
    run = made.results / "tiny/runs/dgnet-seed0"
    arguments = ["view", str(run), "--data", str(made.prepared.path), "--no-open"]
    harness(arguments, standalone_mode=False)
    said = capsys.readouterr().out
    assert re.fullmatch(r"5 clips at http://127\.0\.0\.1:\d+/ \(Ctrl-C ends it\)\nended\n", said)
