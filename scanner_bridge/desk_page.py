"""The page of this desk: lines of the reserve book are typed here while the server is away.

It is served on the loopback address alone, and opened with a code that ``ged-bridge desk`` showed once. There are no cookies: a
browser sends them to every port of a machine. What opens the page stands in its forms, so no other page can send them, and
other accounts of this computer get nothing.
"""

import hashlib
import hmac
import html
import logging
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs

from scanner_bridge.desk_lines import KEY, DeskFull, DeskLine, DeskLines, NotEditable, new_key
from scanner_bridge.desk_sender import iso_clock, iso_day
from scanner_bridge.desk_texts import PAGE, SCRIPT, STYLE, TROUBLES
from scanner_bridge.faults import ADVICE, ScanFault

log = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"
MAX_BODY_BYTES: Final = 64 * 1024
_LONGEST_NUMBER: Final = 10
_IDLE_S: Final = 4 * 3600
_TRIES: Final = 5
_PAUSE_S: Final = 30.0
_SOCKET_S: Final = 10.0
_REQUEST_S: Final = 30.0
MOST_AT_ONCE: Final = 32
"""Requests at once, and how long one may take: whoever sends slowly takes no thread from the scanner's work."""
_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LIMITS: Final = {
    "line": 64, "received_on": 10, "received_clock": 5, "sender_name": 200, "subject": 2000, "their_reference": 100,
    "written_on": 10, "enclosure_count": 4, "addressee": 300, "is_urgent": 1,
}  # fmt: skip
"""The fields of a line and their greatest lengths, as the site has them."""
REQUIRED: Final = ("line", "received_on", "received_clock", "sender_name", "subject")


def new_code() -> str:
    """A code to open the page with: eight signs, 40 bits."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"{code[:4]}-{code[4:]}"


def hash_of(code: str, *, salt: bytes = b"") -> str:
    """What the settings hold of a code: salt and scrypt hash, in hexadecimal."""
    salt = salt or secrets.token_bytes(16)
    plain = code.upper().replace("-", "").replace(" ", "").encode()
    return f"{salt.hex()}:{hashlib.scrypt(plain, salt=salt, n=2**14, r=8, p=1).hex()}"


class Door:
    """Who may use the page: the code opens it, for some hours."""

    def __init__(self, code_hash: str) -> None:
        """Take the hash of the code."""
        self._hash = code_hash
        self._lock = threading.Lock()
        self._sessions: dict[str, float] = {}
        self._wrong, self._closed_until = 0, 0.0

    def open(self, code: str) -> str | None:
        """A session; None for a wrong code, or too soon after several wrong ones."""
        with self._lock:
            if time.monotonic() < self._closed_until:
                return None
            # Hashed under the lock: guesses that come at once are tried one after the other.
            if not hmac.compare_digest(hash_of(code, salt=bytes.fromhex(self._hash.partition(":")[0])), self._hash):
                self._wrong += 1
                if self._wrong % _TRIES == 0:
                    self._closed_until = time.monotonic() + _PAUSE_S
                return None
            self._wrong = 0
            session = secrets.token_urlsafe(32)
            self._sessions[session] = time.monotonic()
            return session

    def admits(self, session: str) -> bool:
        """Whether this session is open; it stays so while it is used."""
        now = time.monotonic()
        with self._lock:
            self._sessions = {one: at for one, at in self._sessions.items() if now - at < _IDLE_S}
            sent = session.encode()
            known = next((one for one in self._sessions if hmac.compare_digest(one.encode(), sent)), None)
            if known is not None:
                self._sessions[known] = now
            return known is not None


class DeskServer(ThreadingHTTPServer):
    """Serves the page on this computer alone."""

    daemon_threads = True
    # On Windows this option lets another program listen on the port beside this one, and be asked for the code.
    allow_reuse_address = sys.platform != "win32"

    def __init__(
        self, port: int, lines: DeskLines, door: Door, *, kick: Callable[[], None], link: Callable[[], str | None]
    ) -> None:
        """Listen on ``port`` of the loopback address.

        Args:
            kick: wakes the thread that sends.
            link: the state of the link to the server.

        Raises:
            OSError: the port is taken.
        """
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__((HOST, port), _Handler)
        self.lines, self.door, self.kick, self.link = lines, door, kick, link
        port = self.server_address[1]
        self.hosts = frozenset({f"{HOST}:{port}", f"localhost:{port}"})

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a request in a thread, or end its connection where too many are served."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread could be started
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a request for a while at most."""
        limit = threading.Timer(_REQUEST_S, _end, [request])
        limit.daemon = True
        limit.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            limit.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log that a request ended; its browser is gone, or was too slow."""
        log.warning("a request of the desk's page ended", exc_info=True)


def _end(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


def faults_of(fields: dict[str, str]) -> dict[str, str]:
    """Field -> what is wrong with it."""
    found = {name: "missing" for name in REQUIRED if not fields.get(name)}
    for name, read in (("received_on", iso_day), ("written_on", iso_day), ("received_clock", iso_clock)):
        try:
            if fields.get(name):
                read(fields[name])
        except (ValueError, OverflowError):  # a year of very many digits is no C integer
            found[name] = "hour" if name == "received_clock" else "day"
    if not (fields.get("enclosure_count") or "0").isdecimal():
        found["enclosure_count"] = "number"
    return found | {name: "long" for name, most in LIMITS.items() if len(fields.get(name, "")) > most}


def following(line: str) -> str:
    """The number of the next line: ``CS-ARR-2026-014-07`` is followed by ``CS-ARR-2026-014-08``."""
    head, dash, last = line.rpartition("-")
    return f"{head}{dash}{int(last) + 1:0{len(last)}d}" if dash and last.isdecimal() else ""


class _Handler(BaseHTTPRequestHandler):
    server: DeskServer
    timeout = _SOCKET_S
    server_version, sys_version = "ged-bridge", ""

    def log_message(self, format: str, *args: Any) -> None:
        """Log without what was typed."""
        log.debug("desk page: %s", format % args)

    def do_GET(self) -> None:
        """The door, and the page's own files: nothing that was typed."""
        if not self._is_own():
            return
        files = {"/desk.css": (STYLE, "text/css"), "/desk.js": (SCRIPT, "text/javascript")}
        if self.path in files:
            text, kind = files[self.path]
            self._send(text, kind)
        elif self.path == "/":
            self._send(self._door())
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Open the page, keep or take back a line."""
        sent = self._form() if self._is_own() else None
        if sent is None:
            return
        if self.path == "/ouvrir":
            session = self.server.door.open(sent.get("code", "")[:40])
            if session is None:
                self._send(self._door(TROUBLES["code"], sent))
            else:
                self._send(self._page(session, self._own_line(sent)))
            return
        session = sent.get("session", "")
        if not self.server.door.admits(session):
            # A bridge that was started again knows no session: what was typed meanwhile goes through the door.
            typed = sent if self.path == "/ligne" else None
            self._send(self._door(TROUBLES["closed"], typed), status=HTTPStatus.FORBIDDEN)
        elif self.path == "/brouillon":
            self._draft(sent)
        elif self.path == "/ligne":
            self._send(self._keep(session, sent))
        elif self.path == "/reprendre":
            line = self.server.lines.get(sent.get("key", ""))
            self._send(self._page(session, line if line is not None and line.is_editable else None))
        elif self.path == "/retirer":
            try:
                self.server.lines.drop(sent.get("key", ""))
                self._send(self._page(session))
            except NotEditable:
                self._send(self._page(session, trouble=TROUBLES["sending"]))
        else:
            self._send(self._page(session))

    def _is_own(self) -> bool:
        """Whether the request was made for this page, and by it: another name for this address, or another site, is refused."""
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        own = host in self.server.hosts and self.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}
        if own and (origin is None or origin == f"http://{host}"):
            return True
        self._refuse(HTTPStatus.FORBIDDEN)
        return False

    def _form(self) -> dict[str, str] | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or len(length) > _LONGEST_NUMBER or int(length) > MAX_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length.isdecimal() else HTTPStatus.LENGTH_REQUIRED)
            return None
        try:
            body = self.rfile.read(int(length))
            if len(body) < int(length):  # it was cut: the fields that came are not all that were typed
                self._refuse(HTTPStatus.BAD_REQUEST)
                return None
            found = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=40)
        except (ValueError, OSError):
            self._refuse(HTTPStatus.BAD_REQUEST)
            return None
        return {name: values[-1] for name, values in found.items()}

    def _draft(self, sent: dict[str, str]) -> None:
        key = sent.get("key", "")
        try:
            if KEY.fullmatch(key) and any(_typed(sent).values()):
                self.server.lines.keep(key, _typed(sent), is_draft=True)
        except (NotEditable, DeskFull, ScanFault) as fault:
            log.warning("a draft is not kept: %s", type(fault).__name__)
            self._refuse(HTTPStatus.CONFLICT)
            return
        self._send("", status=HTTPStatus.NO_CONTENT)

    def _keep(self, session: str, sent: dict[str, str]) -> str:
        key, fields = sent.get("key", ""), _typed(sent)
        key = key if KEY.fullmatch(key) else new_key()
        seen, known = sent.get("seen", ""), self.server.lines.get(key)
        is_corrected = known is not None and known.is_editable and known.mark == seen
        shown = replace(known, fields=fields) if known is not None and is_corrected else DeskLine(key, "draft", fields)
        faults = faults_of(fields)
        if faults:
            return self._page(session, shown, faults=faults)
        try:
            self.server.lines.keep(key, fields, seen=seen)
        except NotEditable:
            return self._page(session, DeskLine(new_key(), "draft", fields), trouble=TROUBLES["sent"])
        except DeskFull:
            return self._page(session, shown, trouble=TROUBLES["full"])
        except ScanFault as fault:
            return self._page(session, shown, trouble=ADVICE[fault.code].fr)
        self.server.kick()
        return self._page(session, kept_line=fields["line"])

    # --- what is sent ------------------------------------------------------------------------------------------------

    def _door(self, trouble: str = "", sent: dict[str, str] | None = None) -> str:
        line = _line_of(sent or {})
        return PAGE.door(
            trouble, {"key": line.key, "seen": (sent or {}).get("seen", "")[:40], **line.fields} if line else {}
        )

    def _own_line(self, sent: dict[str, str]) -> DeskLine | None:
        """The line that came through the door; a new one where its own was sent, or changed by another tab."""
        line = _line_of(sent)
        stored = self.server.lines.get(line.key) if line is not None else None
        if line is None or stored is None:
            return line
        if stored.is_editable and stored.mark == sent.get("seen", ""):
            return replace(stored, fields=line.fields)
        return DeskLine(new_key(), "draft", line.fields)

    def _page(
        self,
        session: str,
        line: DeskLine | None = None,
        *,
        faults: dict[str, str] | None = None,
        trouble: str = "",
        kept_line: str = "",
    ) -> str:
        lines = self.server.lines
        line = line or lines.draft()
        if line is None:
            kept = [one for one in lines.all() if one.state != "draft"]
            last = kept[-1].fields if kept else {}
            fields = {"line": following(last.get("line", "")), "received_on": last.get("received_on", _today())}
            line = DeskLine(new_key(), "draft", fields)
        shown = [one for one in reversed(lines.all()) if one.state != "draft"]
        return PAGE.lines(session, line, shown, faults or {}, trouble, kept_line, self.server.link())

    def _send(self, text: str, kind: str = "text/html", *, status: HTTPStatus = HTTPStatus.OK) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "same-origin")
        self.send_header("X-Frame-Options", "DENY")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'",
        )
        self.end_headers()
        self.wfile.write(data)

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._send(html.escape(status.phrase), "text/plain", status=status)


def _line_of(sent: dict[str, str]) -> DeskLine | None:
    """The line of a form, None where nothing is typed."""
    fields, key = _typed(sent), sent.get("key", "")
    return DeskLine(key if KEY.fullmatch(key) else new_key(), "draft", fields) if any(fields.values()) else None


def _typed(sent: dict[str, str]) -> dict[str, str]:
    return {name: " ".join(sent.get(name, "").split()) for name in LIMITS}


def _today() -> str:
    return f"{datetime.now().astimezone():%d/%m/%Y}"  # the desk's own day, as its clock shows it
