"""A TCP relay between a program and its server. It can be slow, cut a connection, or be unreachable."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass, field

_RESET = struct.pack("ii", 1, 0)


@dataclass
class Wire:
    """Relays the port ``port`` to the port ``target``.

    Attributes:
        host: the address that it listens on.
        target_host: the address of the server.
        bytes_per_s: limit of the data to the server; None: no limit.
        most_bytes: a connection is cut after this number of bytes to the server; None: never.
        down: new connections are refused.
    """

    target: int
    bytes_per_s: float | None = None
    most_bytes: int | None = None
    sent_up: int = 0
    cuts: int = 0
    port: int = 0
    down: bool = False
    host: str = "127.0.0.1"
    target_host: str = "127.0.0.1"
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._listener = socket.create_server((self.host, self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self.down:
                    raise ConnectionRefusedError
                far = socket.create_connection((self.target_host, self.target), timeout=5)
                far.settimeout(None)
            except OSError:
                _reset(near)
                continue
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.bytes_per_s:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            with self._lock:
                self._open |= {near, far}
            for source, sink, is_up in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._relay, args=(source, sink, is_up), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket, is_up: bool) -> None:
        carried = 0
        with contextlib.suppress(OSError):
            while data := source.recv(4096 if self.bytes_per_s else 65536):
                if is_up:
                    if self.most_bytes is not None:
                        data = data[: self.most_bytes - carried]
                    if self.bytes_per_s:
                        time.sleep(len(data) / self.bytes_per_s)
                    carried += len(data)
                    self.sent_up += len(data)
                sink.sendall(data)
                if is_up and self.most_bytes is not None and carried >= self.most_bytes:
                    self.cuts += 1
                    break
        self._close(source, sink)

    def _close(self, *ends: socket.socket) -> None:
        with self._lock:
            self._open -= set(ends)
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def cut(self) -> None:
        """Break every connection without an orderly close."""
        with self._lock:
            ends, self._open = list(self._open), set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Stop listening, and break every connection."""
        self._listener.close()
        self.cut()


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.close()


if __name__ == "__main__":
    _port, _host, _target = sys.argv[1:]
    Wire(int(_target), port=int(_port), target_host=_host)
    threading.Event().wait()
