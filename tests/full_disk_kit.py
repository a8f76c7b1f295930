"""Full disks for tests: a real file system, a limit of pages in SQLite, a store of files that refuses writes."""

import errno
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from ged.adapters.blobs_fs import FileBlobs
from ged.ports import StoredBlob
from ged.unit import Services

SAID = "Le serveur n'a plus de place : rien n'a été enregistré."
TO_DO = "Prévenez l'administrateur (espace disque insuffisant), puis envoyez de nouveau."
MOST_PAGES = 60


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 16 MB."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this machine mounts no file system for tests")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Fill the file system of a file with it."""
    with pytest.raises(OSError, match="No space left"), ballast.open("wb", buffering=0) as out:
        while True:
            out.write(b"x" * 4096)


def bound(connection: Connection) -> None:
    """A listener of ``begin``: the database may take no further page."""
    count = connection.exec_driver_sql("PRAGMA page_count").scalar()
    connection.exec_driver_sql(f"PRAGMA max_page_count={count}")


def unbound(services: Services) -> None:
    """Give the database room again."""
    event.remove(services.engine, "begin", bound)
    services.engine.dispose()


@contextmanager
def room_of(services: Services, pages: int) -> Iterator[None]:
    """A database that may take so many pages more. What was deleted leaves no free page: SQLite would use it first."""
    services.engine.dispose()
    with closing(sqlite3.connect(str(services.engine.url.database))) as own:
        own.execute("VACUUM")
        most = own.execute("PRAGMA page_count").fetchone()[0] + pages

    def limit(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={most}")

    event.listen(services.engine, "begin", limit)
    try:
        yield
    finally:
        event.remove(services.engine, "begin", limit)
        services.engine.dispose()


def make_pages_small(services: Services) -> None:
    """Give the database pages of 512 bytes: a small act needs new ones too."""
    services.engine.dispose()
    with closing(sqlite3.connect(str(services.engine.url.database))) as own:
        for one in ("PRAGMA journal_mode=DELETE", "PRAGMA page_size=512", "VACUUM"):
            own.execute(one)


def page_by_page(services: Services, act: Callable[[], bool], state: Callable[[], object]) -> int:
    """Do an act with no further page for the database, then with one, with two, until it is done.

    So the disk is full in another place of the act each time. ``state`` must be as it was after each refusal.

    Args:
        act: returns whether it was done; it checks what is said of the full disk.

    Returns:
        The number of refusals.
    """
    before = state()
    for pages in range(MOST_PAGES):
        with room_of(services, pages):
            is_done = act()
        if is_done:
            return pages
        assert state() == before
    raise AssertionError("it never had enough room")


class FullDisk(FileBlobs):
    """A store whose disk is full for ``refusals`` writes, after as many as ``fit``."""

    refusals = 0
    fit = 0

    def put(self, content: object) -> StoredBlob:
        """Store a stream, or fail as on a full disk."""
        if self.refusals and self.fit:
            self.fit -= 1
        elif self.refusals:
            self.refusals -= 1
            return super().put(_Full())  # type: ignore[arg-type]
        return super().put(content)  # type: ignore[arg-type]


class _Full:
    def read(self, _size: int) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")
