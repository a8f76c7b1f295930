"""Concurrent transactions on PostgreSQL. Whether one waits is asked of the server, never guessed by a delay."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, text

WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"
)


def wait_for_waiters(engine: Engine, count: int = 1, *, timeout_s: float = 30.0) -> None:
    """Return once ``count`` connections of this database wait for a lock that another connection holds."""
    until = time.monotonic() + timeout_s
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while time.monotonic() < until:
            if (connection.execute(WAITING).scalar() or 0) >= count:
                return
            time.sleep(0.005)
    raise AssertionError(f"{count} were to wait for a lock, and did not")


def waited_for(engine: Engine) -> list[str]:
    """Return the kind (``pg_locks.locktype``) of each lock that a connection of this database waits for.

    ``pg_locks`` lists the locks of the whole server, and other tests work on other databases of the server. The
    database of a lock is not enough: a lock on a transaction has none."""
    kinds = text(
        "SELECT locktype FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE NOT granted AND datname = current_database() AND pid <> pg_backend_pid()"
    )
    with engine.connect() as connection:
        return list(connection.scalars(kinds))


class Actor(threading.Thread):
    """A function that runs in a separate thread. ``result`` waits for it, and raises its exception."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._value: Any = None
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._value = self._work()
        except Exception as error:  # noqa: BLE001  # handed to the test, which raises it
            self._error = error

    def result(self, timeout_s: float = 60.0) -> Any:
        """The return value. Raises what the function raised; AssertionError when it still runs after ``timeout_s``
        seconds."""
        self.join(timeout_s)
        assert not self.is_alive(), "it hangs"
        if self._error is not None:
            raise self._error
        return self._value


def outcomes(*works: Callable[[], Any]) -> list[Any]:
    """Run all functions at once. Returns for each its return value or the exception that it raised, in their order."""
    gate = threading.Barrier(len(works))

    def begin(work: Callable[[], Any]) -> Any:
        gate.wait(30)
        return work()

    actors = [Actor(lambda work=work: begin(work)) for work in works]
    found = []
    for one in actors:
        try:
            found.append(one.result())
        except Exception as error:  # noqa: BLE001  # the test looks at it
            found.append(error)
    return found
