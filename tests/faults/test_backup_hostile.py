"""Media that were in other hands: links that lead to the server's files, bombs, a medium that gives something else the second time."""

import errno
import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest

from ged.adapters.age import AgeRecipients
from ged.adapters.keyring import BOOK
from ged.adapters.master_keys import MASTER
from ged.archive.copies import is_old, last_made
from ged.backup import checking, folders, papers, restoring
from ged.backup.clock import is_due
from ged.backup.medium import FolderMedium
from ged.backup.papers import Index
from ged.backup.streams import AtMost
from ged.errors import EngineFailed, GedError
from tests.backup_kit import Copied
from web.processes import restore as process

pytestmark = pytest.mark.in_turns(3)

NIGHT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
NAME = f"{'a' * 40}-{'b' * 64}"


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Copied]:
    made = Copied.make(tmp_path)
    made.letter("Construction d'un forage à Tsévié")
    yield made
    made.installation.close()


def of_server(tmp_path: Path) -> Path:
    """A folder of the server, to which a link on the medium leads."""
    folder = tmp_path / "server"
    (folder / "2026.half").mkdir(parents=True)
    for name in ("file", NAME, "2026.half/file"):
        (folder / name).write_bytes(b"a file of the server")
    return folder


def link_lock(medium: Path, server: Path) -> None:
    (medium / "lock").symlink_to(server / "file")


def link_incoming(medium: Path, server: Path) -> None:
    (medium / "incoming").symlink_to(server)


def link_snapshots(medium: Path, server: Path) -> None:
    (medium / "snapshots").symlink_to(server)


def link_of_objects(medium: Path, server: Path) -> None:
    (medium / "objects").mkdir()
    (medium / "objects" / "aa").symlink_to(server)


@pytest.mark.parametrize("link", [link_lock, link_incoming, link_snapshots, link_of_objects])
def test_no_link_of_a_medium_leads_to_the_server(tmp_path: Path, link: Callable[[Path, Path], None]) -> None:
    server, folder = of_server(tmp_path), tmp_path / "disk"
    folder.mkdir()
    link(folder, server)
    before = {path: path.read_bytes() for path in server.rglob("*") if path.is_file()}
    medium = FolderMedium(folder)
    with pytest.raises(EngineFailed, match="backup.medium_damaged"), medium.alone():
        medium.write_object("aa" + "0" * 38, lambda out: out.write(b"object"))
    assert {path: path.read_bytes() for path in server.rglob("*") if path.is_file()} == before


def test_only_plain_files_with_names_of_ours_are_objects(tmp_path: Path) -> None:
    server, medium = of_server(tmp_path), FolderMedium(tmp_path / "disk")
    medium.folder.mkdir()
    with medium.alone():
        pass
    place = medium.folder / "objects" / "aa"
    place.mkdir()
    (place / NAME).symlink_to(server / "file")
    os.mkfifo(place / NAME.replace("b", "c"))
    (place / "holiday-photos").write_bytes(b"of the owner of the disk")
    (place / NAME.replace("a", "d")).write_bytes(b"in another folder than its own")
    assert medium.objects() == {}
    assert list(checking.check(medium, None)) == []


def test_an_index_that_is_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(b"[" * (64 << 20))
    (tmp_path / papers.INDEX).write_bytes(bomb)
    most = 0

    class Watched:
        def __init__(self, **options: int) -> None:
            self._inner = zlib_decompressobj(**options)

        def decompress(self, content: bytes, length: int = 0) -> bytes:
            nonlocal most
            plain = self._inner.decompress(content, length)
            most = max(most, len(plain))
            return plain

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    zlib_decompressobj = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", Watched)
    with pytest.raises(EngineFailed, match="backup.index_damaged"):
        Index.read(tmp_path)
    assert most < 4 << 20


def test_an_index_of_deep_brackets_is_refused(tmp_path: Path) -> None:
    (tmp_path / papers.INDEX).write_bytes(gzip.compress(b"[" * 200_000))
    with pytest.raises(EngineFailed, match="backup.index_damaged"):
        Index.read(tmp_path)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "index.sig"])
def test_an_index_names_the_files_of_its_copy_alone(tmp_path: Path, name: str) -> None:
    index = Index("2026-11-28T010000Z", (papers.Piece(name, 1, "0" * 64),), (), "k")
    (tmp_path / papers.INDEX).write_bytes(index.written())
    with pytest.raises(EngineFailed, match="backup.index_damaged"):
        Index.read(tmp_path)


@pytest.mark.parametrize("name", [papers.MANIFEST, papers.FILES, papers.DATABASE])
def test_a_medium_that_gives_something_else_after_the_check_is_refused(
    copied: Copied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whoever has the public key encrypts for us: only what is compared with the signed index counts."""
    copied.copy(now=NIGHT)
    earlier = copied.medium / "snapshots" / FolderMedium(copied.medium).snapshots()[0] / name
    forged = earlier.read_bytes()
    copied.letter("Une autre lettre")
    copied.copy(now=NIGHT + timedelta(days=1))
    of_snapshot = checking.of_snapshot

    def lying(medium: FolderMedium, snapshot: str, pem: bytes | None) -> Iterator[checking.Broken]:
        yield from of_snapshot(medium, snapshot, pem)
        (medium.path_of(snapshot) / name).write_bytes(forged)

    monkeypatch.setattr(checking, "of_snapshot", lying)
    with pytest.raises(GedError, match="backup.broken"):
        process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert not (tmp_path / "back" / "data").exists()


def test_an_index_that_changes_after_the_check_is_refused(
    copied: Copied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied.copy(now=NIGHT)
    of_snapshot = checking.of_snapshot

    def lying(medium: FolderMedium, snapshot: str, pem: bytes | None) -> Iterator[checking.Broken]:
        yield from of_snapshot(medium, snapshot, pem)
        folder = medium.path_of(snapshot)
        told = Index.read(folder)
        (folder / papers.INDEX).write_bytes(Index(told.snapshot, told.pieces, (), told.keys).written())

    monkeypatch.setattr(checking, "of_snapshot", lying)
    with pytest.raises(GedError, match="backup.not_ours"):
        process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")


def test_an_object_that_unpacks_to_more_than_it_was_stops_there(
    copied: Copied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied.copy(now=NIGHT)
    (path,) = FolderMedium(copied.medium).objects().values()
    with path.open("wb") as out:
        AgeRecipients([copied.public]).encrypt(io.BytesIO(bytes(5 << 20)), out)
    wrote = []

    class Counted(AtMost):
        def write(self, content: bytes, /) -> int:
            done = super().write(content)
            wrote.append(done)
            return done

    monkeypatch.setattr(restoring, "AtMost", Counted)
    outcome = process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert len(outcome.broken) == 1
    assert sum(wrote) < 1 << 20


class BadSector(io.BytesIO):
    """A file that the medium cannot read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    def readinto(self, buffer: object, /) -> int:
        raise OSError(errno.EIO, "Input/output error")


@pytest.fixture
def bad_sector(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes a file unreadable."""
    opened = Path.open

    def mark(bad: Path) -> None:
        def open_it(path: Path, *words: str, **options: object) -> BinaryIO:
            return BadSector() if path == bad else opened(path, *words, **options)  # type: ignore[arg-type, return-value]

        monkeypatch.setattr(Path, "open", open_it)

    return mark


def test_one_bad_sector_of_a_medium_hides_nothing_else(
    copied: Copied, tmp_path: Path, bad_sector: Callable[[Path], None]
) -> None:
    copied.letter("Une autre lettre")
    copied.copy(now=NIGHT)
    bad, good = sorted(FolderMedium(copied.medium).objects().values())
    bad_sector(bad)
    good.write_bytes(b"altered")
    assert [one.code for one in copied.broken()] == ["object.altered"] * 2
    outcome = process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert len(outcome.broken) == 2


def test_one_bad_sector_of_the_server_does_not_stop_the_copy_of_the_rest(
    copied: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied.letter("Une autre lettre")
    verify = type(copied.services.blobs).verify
    bad: list[str] = []

    def of_disk(self: object, digest: str) -> bool:
        bad.extend([] if bad else [digest])
        if digest in bad:
            raise OSError(errno.EIO, "Input/output error")
        return verify(self, digest)  # type: ignore[arg-type]

    monkeypatch.setattr(type(copied.services.blobs), "verify", of_disk)
    made = copied.copy(now=NIGHT)
    assert (list(made.damaged), made.new) == (bad, 1)


def test_the_keys_never_lie_in_the_data_folder(copied: Copied, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever copies the data folder while a copy is made, or after a killed one, must not get what opens it."""
    keyring, data = copied.installation.settings.keyring, Path(copied.services.data_dir)
    assert keyring is not None
    left = keyring / "copy-killed"
    left.mkdir()
    pack = folders.pack_folder
    packed: list[Path] = []

    def seen(folder: Path, out: BinaryIO) -> None:
        packed.append(folder)
        assert not [one for one in data.rglob("*") if one.name in (MASTER, BOOK)]
        pack(folder, out)

    monkeypatch.setattr(folders, "pack_folder", seen)
    copied.copy(now=NIGHT)
    assert packed[0].is_relative_to(keyring)
    assert sorted(one.name for one in keyring.iterdir()) == [BOOK, MASTER]


def test_what_was_made_while_the_clock_was_ahead_is_not_the_latest(copied: Copied, tmp_path: Path) -> None:
    ahead = datetime.now(UTC).replace(microsecond=0) + timedelta(days=400)
    copied.copy(now=ahead)
    with copied.services.reading() as session:
        assert is_due("01:15", last_made(session), now=NIGHT, zone=copied.services.zone)
        assert is_old(session, now=NIGHT)
    copied.letter("Une lettre d'aujourd'hui")
    made = copied.copy(now=NIGHT)
    with copied.services.reading() as session:
        assert last_made(session) == NIGHT
    (keyring,) = copied.keys.glob("ged-keyring-*.age")
    assert keyring.stem == f"ged-keyring-{made.snapshot}"
    outcome = process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")
    assert (outcome.manifest.snapshot, outcome.broken, outcome.report.problems) == (made.snapshot, (), ())
