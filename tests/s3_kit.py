"""Buckets of a private S3 store for the tests, and a line to it that can be made slow, busy, or cut."""

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from ged.adapters.s3_wire import Lock, Place
from tests.servers import Unavailable, versitygw

REGION, PREFIX = "us-east-1", "ged/"


def store_url() -> str:
    """The address of the run's store; skips the test without it."""
    try:
        return versitygw.server().url
    except Unavailable as refusal:
        pytest.skip(str(refusal))


def client(url: str) -> Any:
    """A bare client, to look at what ours did."""
    return boto3.client(
        "s3", endpoint_url=url, region_name=REGION, aws_access_key_id=versitygw.ACCESS,
        aws_secret_access_key=versitygw.SECRET, config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip


@contextmanager
def bare(place: Place) -> Iterator[Any]:
    """A bare client of a bucket's store."""
    made = client(place.endpoint)
    try:
        yield made
    finally:
        made.close()


def new_place(url: str, *, lock: Lock | None = None, versioned: bool = False) -> Place:
    """A new, empty bucket."""
    name = f"t-{secrets.token_hex(8)}"
    made = client(url)
    made.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock is not None)
    if versioned:
        made.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    made.close()
    return Place(name, PREFIX, url, REGION, versitygw.ACCESS, versitygw.SECRET, lock=lock)


def access_of(place: Place) -> dict[str, str]:
    """The settings by which a program reaches a bucket's store."""
    return {
        "GED_S3_ENDPOINT": place.endpoint,
        "GED_S3_ACCESS_KEY": place.access_key,
        "GED_S3_SECRET_KEY": place.secret_key,
    }


def files_of(place: Place) -> Path:
    """The folder in which the store keeps what is below the prefix of a bucket."""
    return versitygw.folder_of() / place.bucket / place.prefix


class Line:
    """A line to a store, through which each connection goes.

    Attributes:
        refuse: each connection is closed at once; busy: each request is answered by 503; hang: nothing is answered.
        forbidden: a request whose first line has it is answered by 403.
        cut_after: of the next answers, so many bytes come through, then the line is cut (``cuts`` times).
        asked: first lines of requests that came.
    """

    def __init__(self, url: str) -> None:
        self._to = (str(urlsplit(url).hostname), int(urlsplit(url).port or 80))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.refuse = self.busy = self.hang = False
        self.cut_after, self.cuts = 0, 0
        self.drip_s = 0.0
        self.lose_answers_to = self.forbidden = b""
        self.asked: list[str] = []
        self._open: list[socket.socket] = []
        self._done = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End."""
        self._done.set()
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while not self._done.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(near)
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with suppress(OSError), near:
            first = near.recv(65536)
            if not first or self.refuse:
                return
            self.asked.append(first.partition(b"\r\n")[0].decode())
            if self.hang:
                self._done.wait()
            elif self.forbidden and self.forbidden in first.partition(b"\r\n")[0]:
                near.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            elif self.busy:
                near.sendall(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                self._through(near, first)

    def _through(self, near: socket.socket, first: bytes) -> None:
        """One request for each connection, so that each is seen here."""
        head, end, rest = first.partition(b"\r\n\r\n")
        is_lost = bool(self.lose_answers_to) and head.startswith(self.lose_answers_to)
        if is_lost:
            self.lose_answers_to = b""
        with socket.create_connection(self._to) as far:
            self._open.append(far)
            far.sendall(head + b"\r\nConnection: close" + end + rest)
            threading.Thread(target=_pump, args=(near, far), daemon=True).start()
            sent, is_cut = 0, self.cuts > 0
            self.cuts -= is_cut
            while piece := far.recv(65536):
                if is_cut and sent + len(piece) > self.cut_after:
                    near.sendall(piece[: self.cut_after - sent])
                    near.shutdown(socket.SHUT_RDWR)  # to close it alone says nothing while ``_pump`` reads it
                    return
                if is_lost:
                    continue
                if self.drip_s:
                    for n in range(len(piece)):
                        near.sendall(piece[n : n + 1])
                        if self._done.wait(self.drip_s):
                            return
                near.sendall(b"" if self.drip_s else piece)
                sent += len(piece)


def _pump(near: socket.socket, far: socket.socket) -> None:
    with suppress(OSError):
        while piece := near.recv(65536):
            far.sendall(piece)


@contextmanager
def line_to(url: str) -> Iterator[Line]:
    """A line to a store."""
    line = Line(url)
    try:
        yield line
    finally:
        line.close()
