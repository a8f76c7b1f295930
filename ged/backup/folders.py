"""The small files of an installation: those that go with every copy, and the keys, which go to another medium."""

import gzip
import hashlib
import hmac
import io
import shutil
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from ged.errors import EngineFailed

KEYS = ("authority", "seal/journal.key", "ged.env")
"""Of the data folder: what opens or signs, with the secret. ``ged.env`` lay there in old installations."""
LEFT = frozenset({"blobs", "index", "run", "tmp", "partial", "leaving", "logs", "worker.lock", "moved.json"})
"""Of the data folder: what is copied file by file, is made anew, or lasts as long as a process."""
SETTINGS = "settings"
"""The folder in the archive of keys that holds the settings' file and the files that it names."""
_PUBLIC = "seal/journal.pub"


def small_files(data: Path, database: Path | None) -> Iterator[Path]:
    """Files that go with every copy; a file that a later release adds is among them by itself."""
    for path in _files(data):
        name = path.relative_to(data)
        if name.parts[0] in LEFT or _is_key(name) or (database is not None and path.name.startswith(database.name)):
            continue
        yield path


def key_files(data: Path) -> Iterator[Path]:
    """Files of the data folder that are keys, and the journal's public key."""
    for path in _files(data):
        name = path.relative_to(data)
        if _is_key(name) or name.as_posix() == _PUBLIC:
            yield path


def _is_key(name: Path) -> bool:
    return any(name.as_posix() == one or one in (parent.as_posix() for parent in name.parents) for one in KEYS)


def _files(data: Path) -> Iterator[Path]:
    for top in sorted(data.iterdir()):
        if top.name in LEFT:
            continue
        yield from (one for one in sorted(top.rglob("*")) if one.is_file()) if top.is_dir() else (top,)


def pack(data: Path, files: Iterable[Path], out: BinaryIO) -> None:
    """Write files of the data folder as a compressed archive. One that has gone meanwhile is left out."""
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as packed, _tar(packed) as archive:
        for path in files:
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            _add(archive, f"data/{path.relative_to(data).as_posix()}", content, mode=path.stat().st_mode & 0o700)


def pack_folder(folder: Path, out: BinaryIO) -> None:
    """Write the files of a private folder as a compressed archive."""
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as packed, _tar(packed) as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name, recursive=False)


def pack_keys(data: Path, settings: Mapping[str, bytes], *, secret: bytes) -> tuple[bytes, str]:
    """The archive of the keys, and a digest of its content under a secret: it changes when a key does.

    Args:
        settings: name in the archive -> content, of the settings.
    """
    found = {f"data/{path.relative_to(data).as_posix()}": path for path in key_files(data)}
    contents = {name: path.read_bytes() for name, path in found.items()}
    contents |= {f"{SETTINGS}/{name}": content for name, content in settings.items()}
    hasher = hmac.new(secret, digestmod=hashlib.sha256)
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed, _tar(packed) as archive:
        for name, content in sorted(contents.items()):
            hasher.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
            _add(archive, name, content, mode=0o600)
    return out.getvalue(), hasher.hexdigest()[:16]


def unpack(archive: BinaryIO, folder: Path) -> None:
    """Write an archive's files below a folder, private to their owner.

    Raises:
        EngineFailed: ``backup.altered``: it is no archive of ours, or a name in it leads out of the folder.
    """
    try:
        with tarfile.open(fileobj=archive, mode="r:gz") as packed:
            for member in packed:
                name = PurePosixPath(member.name)
                # Plain files alone: a link in an archive would lead what follows out of the folder.
                content = packed.extractfile(member) if member.isfile() else None
                if content is None or name.is_absolute() or ".." in name.parts:
                    raise tarfile.TarError(member.name)
                _write(folder / name, content, mode=member.mode & 0o700)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise EngineFailed(
            "backup.altered", "take an earlier copy, or another medium", reason=str(error)[:100]
        ) from error


def _write(path: Path, content: IO[bytes], *, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    with path.open("wb") as out:
        shutil.copyfileobj(content, out)
    path.chmod(mode | 0o600)


def _tar(packed: gzip.GzipFile) -> tarfile.TarFile:
    return tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT)


def _add(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode or 0o600
    archive.addfile(member, io.BytesIO(content))
