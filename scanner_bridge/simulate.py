"""``ged-bridge simulate``: an eSCL (AirScan) scanner of this project, for training and tests, by http.server."""

import logging
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from scanner_bridge import escl
from scanner_bridge.simulate_device import JOBS_PATH, Device, DeviceError

log = logging.getLogger(__name__)

NAME: Final = "GED Simulateur"
_MAX_BODY: Final = 64 * 1024
_MAX_CONNECTIONS: Final = 32
_XML: Final = "text/xml; charset=utf-8"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "ged-bridge"
    sys_version = ""
    timeout = 30.0  # an idle or stalled client is disconnected
    server: "SimulatedScanner"

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)

    def _answer(self, status: int, body: bytes = b"", kind: str = "text/plain; charset=utf-8", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, detail: str, **headers: str) -> None:
        # The rest of an unread request body must not be parsed as the next request.
        self.close_connection = self.close_connection or self.command == "POST"
        self._answer(status, detail.encode(), **headers)

    def do_GET(self) -> None:
        path, device = self.path.partition("?")[0], self.server.device
        job, slash, last = path.removeprefix(f"{JOBS_PATH}/").partition("/")
        if path == "/eSCL/ScannerCapabilities":
            self._answer(200, escl.capabilities(NAME, self.server.uuid), _XML)
        elif path == "/eSCL/ScannerStatus":
            self._answer(200, device.status(), _XML)
        elif path.startswith(f"{JOBS_PATH}/") and slash and last == "NextDocument":
            self._next(device, job)
        elif path == JOBS_PATH:
            self._refuse(405, "POST", Allow="POST")
        else:
            self._refuse(404, "not found")

    do_HEAD = do_GET

    def _next(self, device: Device, job: str) -> None:
        if self.command == "HEAD":
            self._refuse(405, "GET", Allow="GET")
            return
        try:
            page = device.next_page(job)
        except DeviceError as error:
            if error.cut:
                self._break(error.cut)
            else:
                self._refuse(error.status, str(error))
            return
        self._answer(200, page, escl.JPEG, **{"Content-Location": f"{JOBS_PATH}/{job}/NextDocument"})

    def _break(self, page: bytes) -> None:
        """Announce a page, send half of it, close the connection."""
        self.send_response(200)
        self.send_header("Content-Type", escl.JPEG)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page[: len(page) // 2])
        self.close_connection = True

    def do_POST(self) -> None:
        if self.path.partition("?")[0] != JOBS_PATH:
            self._refuse(404, "not found")
            return
        length = self.headers.get("Content-Length") or ""
        if not (length.isascii() and length.isdigit()):
            self._refuse(411, "send Content-Length")
        elif len(length) > 9 or int(length) > _MAX_BODY:
            self._refuse(413, f"at most {_MAX_BODY} bytes")
        else:
            self._begin(self.rfile.read(int(length)))

    def _begin(self, body: bytes) -> None:
        try:
            location = self.server.device.begin(escl.parse_settings(body))
        except (escl.SettingsError, DeviceError) as error:
            self._answer(error.status, str(error).encode())
            return
        self._answer(201, Location=location)

    def do_DELETE(self) -> None:
        path = self.path.partition("?")[0]
        if not path.startswith(f"{JOBS_PATH}/"):
            self._refuse(404, "not found")
            return
        try:
            self.server.device.cancel(path.removeprefix(f"{JOBS_PATH}/").rstrip("/"))
        except DeviceError as error:
            self._refuse(error.status, str(error))
            return
        self._answer(200)

    def do_PUT(self) -> None:
        self.close_connection = True
        self._answer(405, Allow="GET, POST, DELETE")


class SimulatedScanner(ThreadingHTTPServer):
    """Serves the device on a port of this computer; ``serve_forever`` until ``shutdown``."""

    daemon_threads = True

    def __init__(self, device: Device, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Bind; port 0 takes a free one."""
        self.device = device
        self.uuid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"ged-bridge:{host}:{port}"))
        self._free = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}/eSCL"

    @property
    def sane_line(self) -> str:
        """The line for the section ``[devices]`` of sane-airscan's ``airscan.conf``."""
        return f'"{NAME}" = {self.url}, eSCL'

    def process_request(self, request: Any, client_address: Any) -> None:
        """One thread for each connection, up to a limit. Further connections are closed at once."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, then free its slot."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - http.server's signature
        """Log an error as an exception; a closed connection only at debug level."""
        if isinstance(sys.exception(), OSError):
            log.debug("connection from %s ended", client_address, exc_info=True)
        else:
            log.exception("connection from %s failed", client_address)


def write_sane_config(folder: Path, line: str) -> None:
    """Write a SANE configuration (for SANE_CONFIG_DIR) in which this scanner is the only device."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dll.conf").write_text("airscan\n", encoding="utf-8")
    text = f"[devices]\n{line}\n[options]\ndiscovery = disable\n"
    (folder / "airscan.conf").write_text(text, encoding="utf-8")
