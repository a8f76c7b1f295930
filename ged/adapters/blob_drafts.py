"""How a stored file is written before it has its name: the header of clear files, and drafts that are encrypted on the way."""

import hashlib
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ged.adapters.blob_frames import ID_BYTES, FrameWriter
from ged.adapters.keyring import Keyring
from ged.adapters.master_keys import new_key
from ged.errors import EngineFailed, NotFound
from ged.ports import Digest
from ged.space import disk_full_of

MAGIC = b"GEDBLOB\x01"
CLEAR = (0).to_bytes(4, "big")
HEADER = MAGIC + CLEAR
CHUNK = 1 << 20
DRAFT_KEPT_S = 24 * 3600
_DIGEST_CHARS = 64


@dataclass(frozen=True)
class Written:
    """A draft: what it holds, and the key that reads it (``key_id`` None: it is clear)."""

    digest: Digest
    size: int
    key_id: bytes | None
    key: bytes = field(repr=False)


def write_draft(draft: Path, content: BinaryIO, keyring: Keyring | None) -> Written:
    """Write a new file as it will be stored; durable when this returns. Its key is kept nowhere yet.

    Raises:
        OSError: the disk; see ``not_written``.
    """
    hasher, size = hashlib.sha256(), 0
    key_id, key = (secrets.token_bytes(ID_BYTES), new_key()) if keyring is not None else (None, b"")
    with draft.open("xb") as out:
        frames = FrameWriter(out, key, key_id) if key_id is not None else None
        if frames is None:
            out.write(HEADER)
        while chunk := content.read(CHUNK):
            hasher.update(chunk)
            size += len(chunk)
            (frames or out).write(chunk)
        if frames is not None:
            frames.finish()
        out.flush()
        os.fsync(out.fileno())
    return Written(Digest(hasher.hexdigest()), size, key_id, key)


def drop_old_drafts(folder: Path) -> None:
    """Delete files that a killed process had begun to write."""
    for draft in folder.iterdir():
        with suppress(FileNotFoundError):  # finished, or removed by another process, since the folder was read
            if time.time() - draft.stat().st_mtime > DRAFT_KEPT_S:
                draft.unlink()


def not_written(error: OSError) -> EngineFailed:
    """The error of ours for a disk that took no draft: ``disk.full``, or ``blob.write_failed``."""
    failed = EngineFailed(
        "blob.write_failed", "look at the server's disk, then send again", retryable=True, errno=error.errno
    )
    return disk_full_of(error) or failed


def require_digest(digest: str) -> None:
    """Check that a name is a digest: else it could lead anywhere.

    Raises:
        NotFound: ``blob.missing``.
    """
    if len(digest) != _DIGEST_CHARS or digest.strip("0123456789abcdef"):
        raise NotFound("blob.missing", "a digest is 64 hexadecimal characters")
