"""Resumable uploads of pages in pieces: received bytes survive a broken connection, and the bridge resumes there.

A piece is appended as it arrives, in small blocks, each under a lock and only at the end of the file. So of two
connections for one page (one of them dead but not yet detected) the slower one fails. The idempotency key of an upload
is batch, token and digest. The whole page is compared with the digest before the bridge gets its receipt.
A browser sends the files of a folder in the same pieces (``append``, ``partial_path``; ``ged.takeover.folders``).
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select

from ged.capture import intake
from ged.capture.bridges import BridgeIdentity
from ged.capture.models import ScanBatch, ScanPage
from ged.errors import EngineFailed, Invalid, NotFound
from ged.ports import Digest
from ged.space import disk_full_of
from ged.unit import Services

BLOCK = 16 * 1024
"""At most this many bytes are lost with a broken connection. A page of any size needs only this much memory."""
FOLDER = "partial"


@dataclass(frozen=True)
class Receipt:
    """The receipt: the page is durable here, with this digest and size."""

    digest: Digest
    size_bytes: int
    is_new: bool


@dataclass(frozen=True)
class Held:
    """The number of bytes received so far; ``is_conflict``: the piece had another offset and was refused."""

    size_bytes: int
    is_conflict: bool = False


def held(services: Services, bridge: BridgeIdentity, key: str, token: str, *, digest: str) -> Receipt | Held:
    """How much of a page was received; a bridge queries this before it resumes.

    Raises:
        NotFound: ``batch.unknown``.
        Invalid: ``page.token``, ``page.digest``, ``page.token_reused``.
    """
    path = _path(services, bridge, key, token, digest)
    known = _known(services, bridge, key, token, digest)
    return known or Held(path.stat().st_size if path.exists() else 0)


def receive_piece(
    services: Services,
    bridge: BridgeIdentity,
    key: str,
    token: str,
    content: BinaryIO,
    *,
    offset: int,
    size_bytes: int,
    digest: str,
    order: str,
    media_type: str,
    now: datetime,
) -> Receipt | Held:
    """Receive a piece of a page at ``offset``. The last piece makes the page durable and returns the receipt.

    Raises:
        NotFound: ``batch.unknown``.
        Invalid: ``page.token``, ``page.digest``, ``page.size``, ``file.empty``, ``file.too_large`` and those of
            ``intake.receive_page``.
        DiskFull: ``disk.full``; EngineFailed: ``blob.write_failed``; earlier pieces stay.
    """
    if size_bytes > services.max_upload_bytes:
        raise Invalid("file.too_large", "send a smaller file", field="file", limit_bytes=services.max_upload_bytes)
    if size_bytes <= 0:
        raise Invalid("file.empty", "send the page's bytes")
    path = _path(services, bridge, key, token, digest)
    if (known := _known(services, bridge, key, token, digest)) is not None:
        return known
    here, in_place = append(path, content, offset=offset, limit=size_bytes)
    if here < size_bytes:
        return Held(here, is_conflict=not in_place)
    return _finish(services, bridge, key, token, path, digest=digest, order=order, media_type=media_type, now=now)


def _finish(
    services: Services,
    bridge: BridgeIdentity,
    key: str,
    token: str,
    path: Path,
    *,
    digest: str,
    order: str,
    media_type: str,
    now: datetime,
) -> Receipt | Held:
    """Check and store the complete page, then delete its pieces, valid or not. Only a disk failure keeps the pieces."""
    try:
        with path.open("rb") as whole:
            stored, size_bytes, is_new = intake.receive_page(
                services, bridge, key, token, whole, digest=digest, order=order, media_type=media_type, now=now
            )
    except FileNotFoundError:
        # Another connection has just finished the same page.
        return _known(services, bridge, key, token, digest) or Held(0, is_conflict=True)
    except Invalid:
        path.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)
    return Receipt(stored, size_bytes, is_new)


def append(path: Path, content: BinaryIO, *, offset: int, limit: int) -> tuple[int, bool]:
    """Append the arriving bytes to the file; returns its length and whether the whole piece was appended.

    Raises:
        Invalid: ``page.size``: more bytes than ``limit``.
        DiskFull: ``disk.full``; EngineFailed: ``blob.write_failed``; what was written stays.
    """
    path.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        return _append(path, content, offset=offset, limit=limit)
    except OSError as error:
        failed = EngineFailed(
            "blob.write_failed", "look at the server's disk, then send again", retryable=True, errno=error.errno
        )
        raise disk_full_of(error) or failed from error


def partial_path(services: Services, *name: str) -> Path:
    """Where the pieces of an upload lie, for the words that name it."""
    return Path(services.data_dir) / FOLDER / hashlib.sha256("\n".join(name).encode()).hexdigest()


def _append(path: Path, content: BinaryIO, *, offset: int, limit: int) -> tuple[int, bool]:
    # Without O_APPEND: under it Linux's ``pwrite`` writes at the end, whatever the place.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        position = offset
        if (size := os.fstat(handle).st_size) != position:
            return _settled(handle, size, limit), False
        while block := content.read(BLOCK):
            # For one block alone: a connection that is dead, and not known to be, must not hold the file.
            with _locked(handle):
                if (size := os.fstat(handle).st_size) != position:
                    return _settled(handle, size, limit), False
                if position + len(block) > limit:
                    raise Invalid("page.size", "say the size of the whole page", limit_bytes=limit)
                position += _write(handle, block, position)
        return position, True
    finally:
        os.close(handle)


def _settled(handle: int, size: int, limit: int) -> int:
    """Truncate a file that is longer than its page: the upload starts again."""
    if size <= limit:
        return size
    os.ftruncate(handle, 0)
    return 0


def _write(handle: int, block: bytes, position: int) -> int:
    written = 0
    while written < len(block):
        written += os.pwrite(handle, block[written:], position + written)
    return written


@contextmanager
def _locked(handle: int) -> Iterator[None]:
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)


def _known(services: Services, bridge: BridgeIdentity, key: str, token: str, digest: str) -> Receipt | None:
    with services.reading() as session:
        batch = session.execute(select(ScanBatch.id, ScanBatch.bridge_id).where(ScanBatch.key == key)).one_or_none()
        if batch is None or batch.bridge_id != bridge.id:
            raise NotFound("batch.unknown", "begin the batch first", key=key)
        page = session.scalar(select(ScanPage).where(ScanPage.batch_id == batch.id, ScanPage.token == token).limit(1))
    if page is None:
        return None
    if page.digest != digest.strip().lower():
        raise Invalid("page.token_reused", "give the page a token of its own", token=token)
    return Receipt(Digest(page.digest), page.size_bytes, is_new=False)


def _path(services: Services, bridge: BridgeIdentity, key: str, token: str, digest: str) -> Path:
    if intake.KEY.fullmatch(token) is None:
        raise Invalid("page.token", "use 1 to 64 letters, digits, '.', '_' or '-'")
    if re.fullmatch(r"[0-9a-f]{64}", digest.strip().lower()) is None:
        raise Invalid("page.digest", "send the page's SHA-256 in hexadecimal digits")
    return partial_path(services, str(bridge.id), key, token, digest.strip().lower())


def sweep(services: Services, *, older_than: datetime) -> int:
    """Remove pieces of abandoned uploads; returns how many. The bridge may send such a page again from the start."""
    removed = 0
    for path in (Path(services.data_dir) / FOLDER).glob("*"):
        with suppress(FileNotFoundError):  # finished since the folder was read
            if path.stat().st_mtime < older_than.timestamp():
                path.unlink()
                removed += 1
    return removed
