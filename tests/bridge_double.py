"""A small HTTP server with the site's API for bridges, and a real agent with SANE's test devices.

The server can inject faults: it goes down, loses a confirmation, delays a page, refuses a batch.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from scanner_bridge.config import Config, save

CODE, TOKEN = "K7-42", "token-of-the-double"


@dataclass
class Site:
    """What the server received, and the faults that it injects.

    Attributes:
        states: (order id, state, number of pages, error code), in order of arrival.
        pages: batch key -> page token -> (order of the page, bytes, time of arrival).
        completed: batch key -> tokens of its pages in order.
        puts: tokens of received pages, repeated ones included.
        down: every request gets status 503.
        lose_receipts: for this number of pages, store the page and cut the connection before the response.
    """

    orders: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)
    states: list[tuple[Any, str, int, str | None]] = field(default_factory=list)
    state_times: list[tuple[str, float]] = field(default_factory=list)
    version: str = ""
    devices: list[dict[str, Any]] = field(default_factory=list)
    batches: dict[str, list[Any]] = field(default_factory=dict)
    pages: dict[str, dict[str, tuple[tuple[int, int], bytes, float]]] = field(default_factory=dict)
    pieces: dict[str, bytes] = field(default_factory=dict)
    completed: dict[str, list[str]] = field(default_factory=dict)
    puts: list[str] = field(default_factory=list)
    turned_away: list[str] = field(default_factory=list)
    """Paths asked for while the server was ``down``."""
    down: bool = False
    page_delay_s: float = 0.0
    lose_receipts: int = 0
    forget_once: bool = False
    cancel_at: int | None = None
    unauthorised: bool = False
    refused_batches: frozenset[str] = frozenset()
    refuse_pages: tuple[int, str, str] | None = None

    def wait(self, true: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """Wait until ``true()`` holds; AssertionError after ``timeout_s`` seconds."""
        end = time.monotonic() + timeout_s
        while not true():
            assert time.monotonic() < end, f"timed out; states {self.states}, completed {self.completed}"
            time.sleep(0.01)

    def final(self, order_id: Any) -> tuple[Any, str, int, str | None] | None:
        """The last state that ended this order: (order id, state, pages, error code); None while it is unfinished."""
        ends = [state for state in self.states if state[0] == order_id and state[1] in {"done", "failed", "cancelled"}]
        return ends[-1] if ends else None

    def wait_final(self, order_id: Any, timeout_s: float = 20.0) -> tuple[Any, str, int, str | None]:
        """Wait until the order has ended; returns its final state, as ``final``."""
        self.wait(lambda: self.final(order_id) is not None, timeout_s)
        state = self.final(order_id)
        assert state is not None
        return state

    def images(self, batch_key: str) -> list[bytes]:
        """The pages of a batch in their order, as bytes."""
        return [data for _, data, _ in sorted(self.pages.get(batch_key, {}).values())]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        return

    def _answer(self, status: int, body: object = None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _handle(self) -> None:
        site = self.site
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        parts = path.removeprefix("/api/bridge/").split("/")
        if site.down:
            site.turned_away.append(path)
            return self._answer(503)
        if parts == ["pair"]:
            if json.loads(body)["code"] != CODE:
                return self._answer(404, {"error": {"code": "bridge.code", "message": "Code inconnu"}})
            return self._answer(201, {"token": TOKEN, "bridge_id": "7"})
        if site.unauthorised or self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self._answer(401, {"error": {"code": "bridge.token", "message": "Jeton inconnu"}})
        match [self.command, *parts]:
            case ["POST", "devices"]:
                told = json.loads(body)
                site.devices, site.version = told["devices"], told["version"]
                return self._answer(204)
            case ["GET", "order"]:
                return self._order(min(2.0, float(query.removeprefix("wait_s="))))
            case ["POST", "order", order_id, "state"]:
                return self._state(int(order_id), json.loads(body))
            case ["PUT", "batch", key] if key in site.refused_batches:
                return self._answer(403, {"error": {"code": "batch.other_bridge", "message": "Autre poste"}})
            case ["PUT", "batch", key]:
                site.batches.setdefault(key, []).append(json.loads(body)["order_id"])
                return self._answer(200)
            case ["PUT", "batch", _, "page", _] if site.refuse_pages is not None:
                status, code, message = site.refuse_pages
                return self._answer(status, {"error": {"code": code, "message": message}})
            case ["PUT", "batch", key, "page", token]:
                return self._piece(key, token, int(query.removeprefix("offset=")), body)
            case ["GET", "batch", key, "page", token]:
                return self._answer(200, {"held": len(site.pieces.get(token, b""))})
            case ["POST", "batch", key, "complete"]:
                return self._complete(key, json.loads(body)["pages"])
        return self._answer(404)

    do_GET = do_POST = do_PUT = _handle

    def _order(self, wait_s: float) -> None:
        try:
            order = self.site.orders.get(timeout=wait_s)
        except queue.Empty:
            return self._answer(204)
        try:
            return self._answer(200, order)
        except OSError:
            self.site.orders.put(order)  # the caller was killed while it waited: keep the order for the next caller
            return None

    def _state(self, order_id: int, body: dict[str, Any]) -> None:
        self.site.states.append((order_id, body["state"], body["pages"], body["code"]))
        self.site.state_times.append((body["state"], time.monotonic()))
        cancel = self.site.cancel_at is not None and body["pages"] >= self.site.cancel_at
        self._answer(200, {"cancel": cancel})

    def _piece(self, key: str, token: str, offset: int, body: bytes) -> None:
        here = self.site.pieces.get(token, b"")
        if offset != len(here):
            return self._answer(409, {"held": len(here)})
        whole = here + body
        if len(whole) < int(self.headers["X-Content-Size"]):
            self.site.pieces[token] = whole
            return self._answer(202, {"held": len(whole)})
        self.site.pieces.pop(token, None)
        return self._page(key, token, whole)

    def _page(self, key: str, token: str, body: bytes) -> None:
        site = self.site
        digest = hashlib.sha256(body).hexdigest()
        if key not in site.batches or digest != self.headers["X-Content-SHA256"]:
            return self._answer(422, {"error": {"code": "bridge.digest", "message": "Empreinte"}})
        time.sleep(site.page_delay_s)
        site.puts.append(token)
        known = site.pages.setdefault(key, {}).get(token)
        if known is not None and known[1] != body:
            return self._answer(409, {"error": {"code": "bridge.token_reused", "message": "Autres octets"}})
        if known is None:
            site.pages[key][token] = (_order_of(self.headers["X-Page-Order"]), body, time.monotonic())
        if site.lose_receipts > 0:
            site.lose_receipts -= 1
            self.close_connection = True
            return None
        return self._answer(200 if known else 201, {"digest": digest, "size": len(body)})

    def _complete(self, key: str, pages: list[dict[str, str]]) -> None:
        site = self.site
        held = site.pages.get(key, {})
        if site.forget_once:
            site.forget_once = False
            held.pop(pages[0]["token"])
        missing = [page["token"] for page in pages if page["token"] not in held]
        if missing:
            return self._answer(409, {"missing": missing})
        site.completed[key] = [page["token"] for page in pages]
        return self._answer(200)


def _order_of(text: str) -> tuple[int, int]:
    order_id, sequence = text.split(".")
    return int(order_id), int(sequence)


class QuietServer(ThreadingHTTPServer):
    """A server that does not report broken connections, because tests kill its clients."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        """Break every connection, as when a network cable is pulled."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Double:
    """The server. ``stop`` takes it off the network; ``start`` brings it back on the same port."""

    def __init__(self) -> None:
        self.site = Site()
        self.port = 0
        self._server: QuietServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        handler = type("BoundHandler", (Handler,), {"site": self.site})
        self._server = QuietServer(("127.0.0.1", self.port), handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def finish_requests(self) -> None:
        """Wait until all requests of a killed agent are handled and its connections are closed.

        The server accepts connections in order. Once it has answered a request of ours, it has accepted all earlier
        ones.
        """
        server = self._server
        assert server is not None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", "/", headers={"Connection": "close"})
        connection.getresponse().read()
        connection.close()
        self.site.wait(lambda: not server.connections)

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut()
            self._server = None


class Desk:
    """A bridge's folder, its SANE configuration (devices ``test`` and ``pnm``), and its agent as a separate process."""

    def __init__(self, root: Path, url: str) -> None:
        self.home, self.sane, self.lid = root / "home", root / "sane", root / "under-the-lid.pgm"
        self.sane.mkdir()
        (self.sane / "dll.conf").write_text("test\npnm\n")
        (self.sane / "test.conf").write_bytes(Path("/etc/sane.d/test.conf").read_bytes())
        self.url = url
        self.agent: subprocess.Popen[bytes] | None = None
        self._log: list[str] = []

    def env(self) -> dict[str, str]:
        return os.environ | {"SANE_CONFIG_DIR": str(self.sane), "GED_BRIDGE_HOME": str(self.home)}

    def lay(self, text: str, size: tuple[int, int] = (850, 1100)) -> bytes:
        """Put a page under the scanner's lid: an image of ``size`` pixels with this text. Returns its pixels, one byte
        each."""
        image = Image.new("L", size, 240)
        ImageDraw.Draw(image).text((80, 100), text, fill=20)
        part = self.lid.with_suffix(".part")
        image.save(part, "PPM")
        part.replace(self.lid)
        return image.tobytes()

    def configure(self, devices: dict[str, dict[str, Any]] | None = None, **values: Any) -> None:
        """Write the agent's configuration. Without ``devices``, the only device reads the page under the lid."""
        chosen = {"pnm:0": {"filename": str(self.lid)}} if devices is None else devices
        save(self.home, Config(server=self.url, token=TOKEN, bridge_id="7", devices=chosen, **values))

    def command(self, *arguments: str) -> list[str]:
        """The command line of the agent, for tests that start it themselves."""
        return [sys.executable, "-m", "scanner_bridge.agent", *arguments]

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the agent with these arguments to its end, at most 60 seconds; returns exit code and output."""
        command = self.command(*arguments)
        return subprocess.run(command, env=self.env(), capture_output=True, text=True, timeout=60, check=False)

    def start(self, *, prefix: tuple[str, ...] = ()) -> None:
        """Start the agent and collect its log. ``prefix`` goes before its command, for example ``strace``."""
        self.agent = subprocess.Popen([*prefix, *self.command("run")], env=self.env(), stderr=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read_log, args=(self.agent,), daemon=True)
        self._reader.start()

    def _read_log(self, agent: subprocess.Popen[bytes]) -> None:
        assert agent.stderr is not None
        with agent.stderr as log:
            for line in log:
                self._log.append(line.decode("utf-8", "replace"))
                sys.stderr.write(self._log[-1])

    def has_logged(self, words: str) -> bool:
        """Whether an agent of this desk has logged a line that contains ``words``."""
        return any(words in line for line in self._log)

    def kill(self) -> None:
        """Kill the agent with SIGKILL."""
        assert self.agent is not None
        self.agent.kill()
        self.agent.wait()

    def stop(self) -> int:
        """Stop the agent with SIGTERM; returns its exit code, 0 when none runs. Fails after 20 seconds."""
        if self.agent is None:
            return 0
        self.agent.terminate()
        code = self.agent.wait(timeout=20)
        self._reader.join(timeout=5)  # read its last lines before the next test starts
        self.agent = None
        return code

    def spooled(self) -> list[Path]:
        """The page files that wait on the bridge's disk, sorted by path."""
        return sorted(self.home.glob("spool/*/*.png"))


ADF = {"source": "Automatic Document Feeder"}


def order(order_id: int, batch_key: str = "batch-1", **values: Any) -> dict[str, Any]:
    """A scan order as the site sends it: gray, 100 dpi, one side; ``values`` replace single fields."""
    usual = {"device": None, "source": None, "mode": "gray", "dpi": 100, "duplex": False, "complete": True}
    return usual | {"order_id": order_id, "batch_key": batch_key} | values


@pytest.fixture
def double() -> Iterator[Double]:
    """A new server without orders."""
    server = Double()
    yield server
    server.stop()


@pytest.fixture
def desk(tmp_path: Path, double: Double) -> Iterator[Desk]:
    """A desk whose bridge belongs to ``double``; its agent is not started."""
    place = Desk(tmp_path, double.url)
    yield place
    place.stop()
