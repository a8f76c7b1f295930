"""ClamAV's daemon as the scanner for viruses: sends the bytes in pieces by the command INSTREAM of clamd(8).

Our own client: the maintained client on PyPI is under GPL-2.0-only, which the licence of this project excludes.
"""

import socket
import struct
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from ged.errors import ConfigError, EngineFailed, Invalid

PIECE = 256 * 1024
MAX_REPLY = 4096
AT_ONCE = 4
"""Files that one process has scanned concurrently: a hanging daemon must not block all threads of a site."""
PASSED = "stream: OK\0"
CONNECT_S = 2.0
"""Also the timeout of the answer to PING: a health check does not wait for a hanging daemon."""


class Clamd:
    """A daemon at ``unix:/run/clamav/clamd.ctl`` or ``tcp://host:3310``."""

    def __init__(self, address: str, *, timeout_s: float = 60.0) -> None:
        """Prepare; no connection is made yet.

        Raises:
            ConfigError: ``config.invalid``.
        """
        self._address = parse_address(address)
        self._timeout_s = timeout_s
        self._places = threading.BoundedSemaphore(AT_ONCE)

    def check(self, source: Path) -> None:
        """Send the whole file; see ``ged.ports.VirusScanner``."""
        if not self._places.acquire(timeout=CONNECT_S):
            raise _unavailable("it has too many files to look at")
        try:
            reply = self._streamed(source)
        except OSError as error:
            raise _unavailable(str(error)) from None
        finally:
            self._places.release()
        if reply.endswith(" FOUND\0"):
            name = reply.removeprefix("stream: ").removesuffix(" FOUND\0")
            raise Invalid("file.virus", "do not open the file; tell its sender", field="file", virus=name)
        if reply != PASSED:
            raise EngineFailed(
                "scanner.refused", "let clamd's StreamMaxLength be as large as GED_MAX_UPLOAD_BYTES", reason=reply[:200]
            )

    def is_there(self) -> bool:
        """Whether the daemon answers PING."""
        try:
            with self._connect() as link:
                link.settimeout(CONNECT_S)
                # `z`: command and answer end with a zero byte (clamd(8)), so a part of an answer is never taken for the whole.
                link.sendall(b"zPING\0")
                return _reply(link, time.monotonic() + CONNECT_S) == "PONG\0"
        except OSError:
            return False

    def _streamed(self, source: Path) -> str:
        """The daemon's answer on a file; also when it stopped reading before the end, at its size limit."""
        until = time.monotonic() + self._timeout_s
        with self._connect() as link, source.open("rb") as file:
            try:
                link.sendall(b"zINSTREAM\0")
                while piece := file.read(PIECE):
                    link.sendall(struct.pack("!L", len(piece)) + piece)
                link.sendall(struct.pack("!L", 0))
            except (BrokenPipeError, ConnectionResetError):
                return _reply(link, until) or "the daemon closed the connection"
            return _reply(link, until)

    def _connect(self) -> socket.socket:
        if isinstance(self._address, str):
            link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            link.settimeout(CONNECT_S)
            try:
                link.connect(self._address)
            except OSError:
                link.close()
                raise
        else:
            link = socket.create_connection(self._address, timeout=CONNECT_S)
        link.settimeout(self._timeout_s)
        return link


def parse_address(address: str) -> str | tuple[str, int]:
    """A socket's path, or host and port.

    Raises:
        ConfigError: ``config.invalid``.
    """
    refusal = ConfigError(
        "config.invalid", "set GED_CLAMD to unix:/run/clamav/clamd.ctl or tcp://host:3310", setting="GED_CLAMD"
    )
    parts = urlsplit(address)
    if parts.scheme == "unix" and parts.path.startswith("/"):
        return parts.path
    try:
        port = parts.port
    except ValueError:
        raise refusal from None
    if parts.scheme != "tcp" or not parts.hostname or not port:
        raise refusal
    return parts.hostname, port


def _unavailable(reason: str) -> EngineFailed:
    return EngineFailed("scanner.unavailable", "start clamd, then try again", retryable=True, reason=reason)


def _reply(link: socket.socket, until: float) -> str:
    """The daemon's answer, with its closing zero byte; shorter when the daemon closed the connection.

    Raises:
        TimeoutError: the answer was not complete at ``until``, on the monotonic clock.
    """
    said = b""
    while len(said) < MAX_REPLY and not said.endswith(b"\0"):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        link.settimeout(left)
        try:
            more = link.recv(MAX_REPLY)
        except ConnectionResetError:
            break
        if not more:
            break
        said += more
    return said.decode("utf-8", "replace")
