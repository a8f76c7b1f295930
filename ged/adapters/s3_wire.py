"""How an S3 store is asked: where it is, how long it may take, and the bodies that go and come."""

import base64
import hashlib
import os
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from typing import IO, Any, Literal

import boto3
from botocore.config import Config

CONNECT_S, READ_S, ANSWER_S = 2.0, 5.0, 20.0
ATTEMPTS, WRITE_ATTEMPTS = 3, 2
READ_ENDS_S, WRITE_ENDS_S = 30.0, 60.0
SLOWEST_BYTES_S = 64 * 1024
PART = 8 << 20
"""Bytes of a part; a file up to this size is sent by one request. 10,000 parts are 80 GB."""
PIECE = 1 << 16


@dataclass(frozen=True)
class Lock:
    """For how long the store refuses to remove an object: ``GOVERNANCE`` may be lifted by who has the right, ``COMPLIANCE`` by
    nobody."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    days: int


@dataclass(frozen=True)
class Place:
    """Where a bucket is, and who asks.

    Attributes:
        prefix: begins the keys of everything of ours; empty, or ending in ``/``.
        endpoint: address of the store; empty: Amazon's, of the region.
        ca: path of a PEM file of authorities; empty: the system's.
    """

    bucket: str
    prefix: str
    endpoint: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    ca: str = ""
    lock: Lock | None = None

    @property
    def address(self) -> str:
        """As people write it."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def client_of(place: Place, kind: str) -> Any:  # botocore makes its classes at run time
    """A client for calls that ask (``read``), that write (``write``), or that must not be repeated (``once``)."""
    attempts = {"read": ATTEMPTS, "write": WRITE_ATTEMPTS}.get(kind, 1)
    with _making:
        return _session().client(
            "s3",
            aws_access_key_id=place.access_key,
            aws_secret_access_key=place.secret_key,
            region_name=place.region,
            endpoint_url=place.endpoint or None,
            verify=place.ca or None,
            config=Config(
                signature_version="s3v4",
                # A store of one's own has seldom a name and a certificate for each bucket.
                s3={"addressing_style": "path" if place.endpoint else "auto"},
                connect_timeout=CONNECT_S,
                read_timeout=READ_S if kind == "read" else ANSWER_S,
                retries={"mode": "standard", "total_max_attempts": attempts},
                # botocore would send a CRC32 of its own behind each body, which
                # not every store understands. Ours is a SHA-256 before it.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                # Else a variable of the environment (AWS_ENDPOINT_URL) could lead our bytes to another store.
                ignore_configured_endpoint_urls=True,
                max_pool_connections=16,
                # Clear bytes stay on this machine, whatever proxy the environment names.
                proxies={} if place.endpoint.startswith("http:") else None,
            ),
        )


@cache
def _session() -> Any:
    """It holds what the library knows of the service, which takes a second to read, and nothing of ours."""
    return boto3.session.Session()


_making = threading.Lock()
"""A session is not made for several threads, its clients are."""


class Part:
    """A part of a file as a body to send. It ends with an error when the store takes it too slowly."""

    def __init__(self, file: IO[bytes], start: int, length: int) -> None:
        self._file, self._start, self._length, self._at = file, start, length, 0
        self._deadline = time.monotonic() + WRITE_ENDS_S + length / SLOWEST_BYTES_S

    def __len__(self) -> int:
        return self._length

    def digest(self) -> bytes:
        """Its SHA-256."""
        hasher = hashlib.sha256()
        self.seek(0)
        while piece := self.read(PIECE):
            hasher.update(piece)
        self.seek(0)
        return hasher.digest()

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes.

        Raises:
            TimeoutError: the store takes them too slowly.
        """
        if time.monotonic() > self._deadline:
            raise TimeoutError("the store takes the bytes too slowly")
        left = self._length - self._at
        self._file.seek(self._start + self._at)
        content = self._file.read(left if size is None or size < 0 else min(size, left))
        self._at += len(content)
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place of the part."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        return self._at

    def tell(self) -> int:
        """The place in the part."""
        return self._at


def within(body: Any, length: int, deadline: float) -> bytes:  # botocore's StreamingBody
    """All bytes of an answer, until a moment: a store that sends a byte now and then holds nobody."""
    found, raw = bytearray(), body._raw_stream
    with body:
        while len(found) < length:
            if time.monotonic() > deadline:
                raise TimeoutError("the store sends the bytes too slowly")
            piece = raw.read1(PIECE)
            if not piece:
                raise ConnectionError("the answer was cut off")
            found += piece
    return bytes(found)


def base64_of(digest: bytes) -> str:
    """As the store's headers write a digest."""
    return base64.b64encode(digest).decode()
