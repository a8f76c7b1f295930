"""Checks a disk without its passphrase: every byte is what the signed manifest says."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ged.archive.seal import HeadSeal
from ged.backup.medium import digest_of
from ged.case_export import FORMAT
from ged.disk.making import DRAFT, MANIFEST, SIGNATURE
from ged.disk.readable import files_of
from ged.errors import EngineFailed, NotFound
from ged.progress import Progress

EACH = 1_000


@dataclass(frozen=True)
class Broken:
    """A file that is not as it was written: ``disk.altered``, ``disk.missing``, ``disk.unreadable``, ``disk.added``, ``disk.not_ours``."""

    code: str
    where: str


@dataclass(frozen=True)
class Signed:
    """The manifest of a disk, as it lies there; who signed it is not asked yet.

    Attributes:
        sha256: its digest. An earlier disk of the installation is signed too: only this, noted elsewhere, tells them apart.
        listed: path -> (SHA-256, size in bytes) of each file.
    """

    content: bytes
    signature: str
    made_at: datetime
    listed: Mapping[str, tuple[str, int]]

    @property
    def sha256(self) -> str:
        """See the class."""
        return hashlib.sha256(self.content).hexdigest()


def manifest_of(folder: Path) -> Signed:
    """The manifest of a disk.

    Raises:
        NotFound: ``disk.none``; EngineFailed: ``disk.manifest_damaged``.
    """
    place = folder / MANIFEST
    if not place.is_file():
        remedy = (
            f"call ged disk make again: {DRAFT} is not complete" if folder.name == DRAFT else "name the folder GED-…"
        )
        raise NotFound("disk.none", remedy, folder=str(folder))
    try:
        content = place.read_bytes()
        manifest = json.loads(content)
        if manifest["format"] != FORMAT:
            raise ValueError(manifest["format"])
        listed = {str(one["path"]): (str(one["sha256"]), int(one["size"])) for one in manifest["files"]}
        if len(listed) != len(manifest["files"]):
            raise ValueError("a path stands twice")
        made_at = datetime.fromisoformat(manifest["exported_at"]).astimezone(UTC)
        return Signed(content, (folder / SIGNATURE).read_text(encoding="utf-8"), made_at, listed)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise EngineFailed("disk.manifest_damaged", "take another disk", where=MANIFEST) from None


def check(folder: Path, key: Path | None, *, progress: Progress = lambda _: None) -> Iterator[Broken]:
    """Read every byte of a disk. A file that the medium no longer gives is named, and the others are read.

    Args:
        key: the journal's public key, which came another way; None: the disk's own, which proves no author.

    Raises:
        As ``manifest_of``.
    """
    signed = manifest_of(folder)
    if not _is_signed(signed, key or folder / "journal.pub"):
        yield Broken("disk.not_ours", MANIFEST)
    for number, (name, (sha256, size)) in enumerate(signed.listed.items(), start=1):
        if code := _wrong(folder, name, sha256, size):
            yield Broken(code, name)
        if number % EACH == 0:
            progress(f"files: {number}/{len(signed.listed)}")
    for name, _path in files_of(folder):
        if name not in signed.listed and name not in (MANIFEST, SIGNATURE):
            yield Broken("disk.added", name)


def _is_signed(signed: Signed, key: Path) -> bool:
    # Without the file, the seal's folder would want to make a key.
    return key.is_file() and HeadSeal.of_public(key).is_signed_bytes(signed.content, signed.signature)


def _wrong(folder: Path, name: str, sha256: str, size: int) -> str:
    """What is wrong with a file, as a code; "": nothing. A hostile manifest may name anything, and an old stick fails at any byte."""
    try:
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            return "disk.missing"
        return "" if path.stat().st_size == size and digest_of(path) == sha256 else "disk.altered"
    except (OSError, ValueError):
        return "disk.unreadable"
