"""Processes that are killed in the middle of an act, at the moments at which it writes, and what a restart then finds.

The process is a fork of the test: a new one for each moment would take a second. It opens connections of its own, as SQLite
asks. A moment is a statement that writes, a commit (before and after it), and a step of a file: written, synced, renamed, removed.
"""

import os
import shutil
import signal
import sqlite3
import struct
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.orm import Session

from ged.unit import Services
from tests.sample_kit import LONG_RUN

WRITING = ("INSERT", "UPDATE", "DELETE")
STEPS_OF_FILES = ("pwrite", "fsync", "replace", "unlink")
DATABASE = "ged.sqlite3"
KEPT = (DATABASE, "partial", "blobs")
"""What an act changes in the data folder."""
COLUMNS = {
    **dict.fromkeys(("audit_entries", "audit_payloads", "audit_head"), "count(*)"),
    "workbook_imports": "id, content, changes, taken_at, undone_at",
}
"""Of tables whose rows hold what chance made, or put in order: what is compared."""
MOST_KILLS = 8 if LONG_RUN else 4
_COUNT = struct.Struct("I")


def rows_of(services: Services) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table; of the journal, how many."""
    services.engine.dispose()
    with closing(sqlite3.connect(str(services.engine.url.database))) as own:
        names = [name for (name,) in own.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {
            name: sorted(own.execute(f"SELECT {COLUMNS.get(name, '*')} FROM {name}"), key=repr)  # our own tables
            for name in names
        }


class Moments:
    """Counts the moments of this process, and kills it at one of them.

    Args:
        at: of this moment; None: of none.
    """

    def __init__(self, at: int | None) -> None:
        self._at, self.passed = at, 0

    def pass_by(self, *_: object) -> None:
        """A moment."""
        if self.passed == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1

    def pass_by_statement(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        """A statement: a moment where it writes."""
        if statement.lstrip().startswith(WRITING):
            self.pass_by()


def killed(services: Services, act: Callable[[], object], at: int | None) -> int:
    """Do an act in a process that is killed at a moment of it. Without a moment it is done: returns how many it has."""
    services.engine.dispose()
    told, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        _act_and_die(services, act, Moments(at), tells)
    os.close(tells)
    status = os.waitpid(pid, 0)[1]
    with os.fdopen(told, "rb") as pipe:
        count = pipe.read()
    if at is not None:
        assert os.WIFSIGNALED(status), "the act failed, or has no such moment: see its output"
        assert os.WTERMSIG(status) == signal.SIGKILL
        return at
    assert status == 0, "the act failed: see its output"
    return int(_COUNT.unpack(count)[0])


def _act_and_die(services: Services, act: Callable[[], object], moments: Moments, tells: int) -> NoReturn:
    try:
        event.listen(services.engine, "before_cursor_execute", moments.pass_by_statement)
        event.listen(services.engine, "commit", moments.pass_by)
        event.listen(Session, "after_commit", moments.pass_by)
        for name in STEPS_OF_FILES:
            setattr(os, name, _counted(getattr(os, name), moments))
        act()
        os.write(tells, _COUNT.pack(moments.passed))
    except BaseException:  # noqa: BLE001  # a forked child must never return into the test
        traceback.print_exc(file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _counted(step: Callable[..., Any], moments: Moments) -> Callable[..., Any]:
    def counted(*args: Any, **named: Any) -> Any:
        moments.pass_by()
        return step(*args, **named)

    return counted


def kill_in_the_middle(
    services: Services, act: Callable[[], object], restarted: Callable[[], None], *, most: int = MOST_KILLS
) -> int:
    """Kill an act at its moments, each time from the same state: at the first, at the last, and at some between. In the end it
    is done without a kill.

    Args:
        restarted: looks at what a process finds that starts after the kill, and may go on with it.
        most: kills, where the act has more moments.

    Returns:
        The number of moments.
    """
    folder = Path(services.data_dir)
    before, done = folder / "before", folder / "done"
    services.engine.dispose()  # closing the last connection writes the write-ahead log into the file
    _copy(folder, before)
    count = killed(services, act, None)
    _copy(folder, done)
    for at in _spread(count, most):
        _copy(before, folder)
        killed(services, act, at)
        restarted()
        services.engine.dispose()
    _copy(done, folder)
    return count


def _spread(count: int, most: int) -> Sequence[int]:
    some = min(count, most)
    return sorted({round(n * (count - 1) / max(1, some - 1)) for n in range(some)})


def _copy(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for name in (*KEPT, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        place = target / name
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
    for name in (*KEPT, f"{DATABASE}-wal"):
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        elif (source / name).exists():
            shutil.copyfile(source / name, target / name)


@contextmanager
def cut_off(services: Services, at: int) -> Iterator[list[int]]:
    """Another session ends the connection that is about to write, at the ``at``-th statement that writes or at a commit. Yields a
    list that then has the number of its process."""
    own, ended, left = create_engine(services.engine.url, isolation_level="AUTOCOMMIT"), list[int](), [at]

    def end(connection: Connection) -> None:
        left[0] -= 1
        if left[0] != -1:
            return
        held = connection.connection.dbapi_connection
        assert held is not None
        pid = held.info.backend_pid
        with own.connect() as other:
            assert other.scalar(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})
        ended.append(pid)

    def statement(connection: Connection, _cursor: object, said: str, *_: object) -> None:
        if said.lstrip().startswith(WRITING):
            end(connection)

    event.listen(services.engine, "before_cursor_execute", statement)
    event.listen(services.engine, "commit", end)
    try:
        yield ended
    finally:
        event.remove(services.engine, "before_cursor_execute", statement)
        event.remove(services.engine, "commit", end)
        own.dispose()
