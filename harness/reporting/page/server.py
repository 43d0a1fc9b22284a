"""A server of clips for one person: on loopback, reading only, one clip at a time."""

import http.server
import json
import re
import threading
from http import HTTPStatus

from harness.foundation.errors import HarnessError
from harness.foundation.shown import shown
from harness.reporting.page.motion import plain_motion, viewer_page
from harness.reporting.page.stored_clips import StoredClips

LOOPBACK = "127.0.0.1"


class ClipServer(http.server.ThreadingHTTPServer):
    """Serves the viewer at / and each clip at /clips/NUMBER, to this machine alone.

    A browser keeps connections open that it may never use, so each has a thread; clips are read
    one at a time.
    """

    def __init__(self, stored: StoredClips, port: int) -> None:
        """Listen on a port of the loopback address; the kernel chooses one where it is 0."""
        super().__init__((LOOPBACK, port), _Handler)
        self.stored = stored
        self.reading = threading.Lock()

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    def page(self) -> str:
        """Return the viewer with the list of all clips, worst first."""
        stored = self.stored
        clips = [
            {"name": stored.names[number], "error": f"{error:.1f} mm", "url": f"/clips/{number}"}
            for number, error in stored.errors.items()
        ]
        labels = ", ".join(run.label for run in stored.runs)
        title = f"{labels} on {stored.prepared.manifest.title}"
        note = f"{len(clips)} clips scored under {stored.protocol.id}, worst first."
        return viewer_page({"clips": clips}, title, [note], served=True)


def clip_server(stored: StoredClips, port: int = 0) -> ClipServer:
    """Return a server that listens already; `serve_forever` answers.

    Args:
        stored: the clips.
        port: of the loopback address; a free one if 0.

    Raises:
        HarnessError: the port is taken or not allowed.
    """
    try:
        return ClipServer(stored, port)
    except OSError as error:
        raise HarnessError(
            f"port {port} of {LOOPBACK} cannot be used ({shown(error.strerror)}); "
            "name another with --port"
        ) from error


class _Handler(http.server.BaseHTTPRequestHandler):
    server: ClipServer

    def do_GET(self) -> None:
        # Another site's page may ask under a name of its own that leads to this machine.
        if self.headers.get("Host") not in _hosts(self.server.server_port):
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", "ask under the printed address")
            return
        clip = re.fullmatch(r"/clips/(\d{1,9})", self.path)
        if self.path == "/":
            self._answer(HTTPStatus.OK, "text/html", self.server.page())
        elif clip and int(clip[1]) in self.server.stored.errors:
            self._clip(int(clip[1]))
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", "there is no such clip")

    def _clip(self, number: int) -> None:
        try:
            with self.server.reading:
                motion = plain_motion(self.server.stored.motion(number))
        except HarnessError as error:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", str(error))
            return
        self._answer(HTTPStatus.OK, "application/json", json.dumps(motion))

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: the person looks at the page."""


def _hosts(port: int) -> tuple[str, ...]:
    return f"{LOOPBACK}:{port}", f"localhost:{port}"
