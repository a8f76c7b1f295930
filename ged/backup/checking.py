"""Reads a medium again, without any key: whether each byte is what was written."""

from collections.abc import Iterator
from dataclasses import dataclass

from ged.backup import papers
from ged.backup.medium import digest_of
from ged.backup.papers import Index
from ged.backup.places import AnyMedium, Place
from ged.errors import EngineFailed
from ged.progress import Progress


@dataclass(frozen=True)
class Broken:
    """A fault of a medium: a code, the file, and the copies that it harms (of an object)."""

    code: str
    where: str
    snapshots: tuple[str, ...] = ()


def check(medium: AnyMedium, public_pem: bytes | None, *, progress: Progress = lambda _: None) -> Iterator[Broken]:
    """Every fault of a medium.

    Args:
        public_pem: the journal's public key; without it nobody says who made the copies.

    Raises:
        NotFound: ``backup.no_medium``.
    """
    medium.require()
    needs: dict[str, list[str]] = {}
    for name in medium.snapshots():
        progress(name)
        yield from of_snapshot(medium, name, public_pem)
        try:
            for key in Index.read(medium.path_of(name)).objects:
                needs.setdefault(key, []).append(name)
        except EngineFailed:
            continue  # told above
    found = medium.objects()
    for n, (key, path) in enumerate(sorted(found.items())):
        if n % 1000 == 0:
            progress(f"objects: {n}/{len(found)}")
        if not is_whole(path):
            yield Broken("object.altered", medium.shown_as(path), tuple(needs.get(key, ())))
    progress(f"objects: {len(found)}/{len(found)}")
    for key in sorted(needs.keys() - found.keys()):
        yield Broken("object.missing", f"objects/{key[:2]}/{key}", tuple(needs[key]))


def of_snapshot(medium: AnyMedium, name: str, public_pem: bytes | None) -> Iterator[Broken]:
    """The faults of one copy's own files."""
    folder = medium.path_of(name)
    try:
        index = Index.read(folder)
    except EngineFailed as error:
        yield Broken(error.code.replace("backup.", ""), f"{name}/{papers.INDEX}")
        return
    if index.snapshot != name or (public_pem is not None and not papers.is_signed(folder, public_pem)):
        yield Broken("index.not_ours", f"{name}/{papers.INDEX}")
    for piece in index.pieces:
        path = folder / piece.name
        if not path.is_file():
            yield Broken("piece.missing", f"{name}/{piece.name}")
        elif path.stat().st_size != piece.size_bytes or _digest(path) != piece.sha256:
            yield Broken("piece.altered", f"{name}/{piece.name}")


def is_whole(path: Place) -> bool:
    """Whether an object is what was written: its name ends with the digest of its bytes."""
    return _digest(path) == path.name.partition("-")[2]


def _digest(path: Place) -> str:
    """As ``digest_of``; empty where the medium cannot be read: one bad sector hides no other fault."""
    try:
        return digest_of(path)
    except OSError:
        return ""
