"""Checks a disk without its passphrase: every byte is what the signed manifest says."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ged.archive.seal import HeadSeal
from ged.backup.medium import digest_of
from ged.case_export import FORMAT
from ged.disk.making import DRAFT, MANIFEST, SIGNATURE
from ged.disk.readable import files_of
from ged.errors import EngineFailed, NotFound

EACH = 1_000
Told = Callable[[str], None]


@dataclass(frozen=True)
class Broken:
    """A file that is not as it was written: ``disk.altered``, ``disk.missing``, ``disk.added``, ``disk.not_ours``."""

    code: str
    where: str


def check(folder: Path, key: Path | None, *, told: Told = lambda _: None) -> Iterator[Broken]:
    """Read every byte of a disk.

    Args:
        key: the journal's public key, which came another way; None: the disk's own, which proves no author.

    Raises:
        NotFound: ``disk.none``; EngineFailed: ``disk.manifest_damaged``.
    """
    place = folder / MANIFEST
    if not place.is_file():
        remedy = (
            f"call ged disk make again: {DRAFT} is not complete" if folder.name == DRAFT else "name the folder GED-…"
        )
        raise NotFound("disk.none", remedy, folder=str(folder))
    content = place.read_bytes()
    try:
        manifest = json.loads(content)
        if manifest["format"] != FORMAT:
            raise ValueError(manifest["format"])
        listed = {str(one["path"]): (str(one["sha256"]), int(one["size"])) for one in manifest["files"]}
        signature = (folder / SIGNATURE).read_text(encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError):
        raise EngineFailed("disk.manifest_damaged", "take another disk", where=MANIFEST) from None
    if not HeadSeal.of_public(key or folder / "journal.pub").is_signed_bytes(content, signature):
        yield Broken("disk.not_ours", MANIFEST)
    for number, (name, (sha256, size)) in enumerate(listed.items(), start=1):
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            yield Broken("disk.missing", name)
        elif path.stat().st_size != size or digest_of(path) != sha256:
            yield Broken("disk.altered", name)
        if number % EACH == 0:
            told(f"files: {number}/{len(listed)}")
    for name, _path in files_of(folder):
        if name not in listed and name not in (MANIFEST, SIGNATURE):
            yield Broken("disk.added", name)
