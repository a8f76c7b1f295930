"""Leaky buckets, shared by all processes: they slow down repeated attempts, and forget them with time.

The bucket of a subject (an address, an account at an address, a device ...) accepts ``burst`` attempts at once and
drains one attempt every ``every_s`` seconds. A row holds one number, the moment at which its bucket will be empty, and
is changed by single statements: no process waits for another's decision, and concurrent attempts all count.
"""

import hashlib
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Case, CursorResult, case, delete, or_, select, update
from sqlalchemy.orm import Session

from ged.db import insert_if_missing
from ged.org.models import Bucket

LONGEST_WAIT = timedelta(minutes=15)
"""A bucket never takes longer to drain, however many attempts came at once."""
MOST_UNWRITTEN = 5_000
SET_BACK_MS = 3_600_000
"""A level further ahead than an hour beyond a full bucket was written while the server's clock was ahead: it counts as empty."""


@dataclass(frozen=True)
class Limit:
    """The number of attempts allowed at once, and the seconds until one more is allowed."""

    kind: str
    burst: int
    every_s: float

    @property
    def every_ms(self) -> int:
        """The weight of one attempt, in milliseconds."""
        return int(self.every_s * 1000)

    @property
    def full_ms(self) -> int:
        """The highest level of a bucket, in milliseconds."""
        return max(self.room_ms + self.every_ms, int(LONGEST_WAIT.total_seconds() * 1000))

    @property
    def room_ms(self) -> int:
        """The highest level of a bucket that allows one more attempt, in milliseconds."""
        return (self.burst - 1) * self.every_ms

    def subject(self, *parts: object) -> str:
        """The key of a bucket. Only a digest is stored: the typed account may be a password in the wrong box."""
        digest = hashlib.sha256("\0".join(map(str, parts)).encode(errors="replace")).hexdigest()[:40]
        return f"{self.kind}:{digest}"


class Unwritten:
    """Buckets in this process's memory, for when the database's disk is full. Bounded: the fullest stay."""

    def __init__(self) -> None:
        self._drained_ms: dict[str, int] = {}
        self._lock = threading.Lock()

    def wait_s(self, limit: Limit, subject: str, *, now: datetime) -> int:
        """Whole seconds until the subject may try again, 0 for now."""
        left_ms = self._drained_ms.get(subject, 0) - _ms(now) - limit.room_ms
        return max(0, -(-left_ms // 1000))

    def add(self, limit: Limit, subject: str, *, now: datetime) -> None:
        """Count a failure."""
        now_ms = _ms(now)
        with self._lock:
            if len(self._drained_ms) >= MOST_UNWRITTEN and subject not in self._drained_ms:
                del self._drained_ms[min(self._drained_ms, key=lambda one: self._drained_ms[one])]
            level = max(self._drained_ms.get(subject, 0), now_ms) + limit.every_ms
            self._drained_ms[subject] = min(level, now_ms + limit.full_ms)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def wait_s(session: Session, limit: Limit, subject: str, *, now: datetime) -> int:
    """Whole seconds until the subject may try again, 0 for now. Counts nothing."""
    drained = session.scalar(select(Bucket.drained_ms).where(Bucket.subject == subject)) or 0
    if drained > _ms(now) + limit.full_ms + SET_BACK_MS:
        return 0
    left_ms = drained - _ms(now) - limit.room_ms
    return max(0, -(-left_ms // 1000))


def add(session: Session, limit: Limit, subject: str, *, now: datetime) -> None:
    """Count a failure, even if the bucket is full: concurrent attempts all count."""
    _ensure(session, subject, now)
    now_ms = _ms(now)
    full_ms, risen = limit.full_ms, _level(limit, now_ms) + limit.every_ms
    session.execute(
        update(Bucket)
        .where(Bucket.subject == subject)
        .values(
            drained_ms=case((risen > now_ms + full_ms, now_ms + full_ms), else_=risen),
            refused=case((Bucket.drained_ms < now_ms, 0), else_=Bucket.refused),
        )
        .execution_options(synchronize_session=False)
    )


def take(session: Session, limit: Limit, subject: str, *, now: datetime) -> bool:
    """Count an attempt if the bucket has room; returns whether it had. Concurrent attempts cannot exceed the room."""
    _ensure(session, subject, now)
    now_ms = _ms(now)
    level = _level(limit, now_ms)
    taken = session.execute(
        update(Bucket)
        .where(Bucket.subject == subject, level <= now_ms + limit.room_ms)
        .values(drained_ms=level + limit.every_ms)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[tuple[()]], taken).rowcount == 1


def _level(limit: Limit, now_ms: int) -> Case[int]:
    is_set_back = Bucket.drained_ms > now_ms + limit.full_ms + SET_BACK_MS
    return case((or_(Bucket.drained_ms < now_ms, is_set_back), now_ms), else_=Bucket.drained_ms)


def note_refused(session: Session, subject: str) -> int:
    """Count a refused attempt; returns the number since the bucket was last empty."""
    session.execute(
        update(Bucket)
        .where(Bucket.subject == subject)
        .values(refused=Bucket.refused + 1)
        .execution_options(synchronize_session=False)
    )
    return session.scalar(select(Bucket.refused).where(Bucket.subject == subject)) or 0


def empty(session: Session, subject: str) -> None:
    """Empty the bucket of a subject."""
    session.execute(
        update(Bucket).where(Bucket.subject == subject).values(drained_ms=0, refused=0)
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def _ensure(session: Session, subject: str, now: datetime) -> None:
    if session.scalar(select(Bucket.id).where(Bucket.subject == subject)) is not None:
        return
    # The insert of a new subject also deletes old rows, so the table holds only subjects of the last hours.
    forgotten_ms = _ms(now - timedelta(hours=1))
    session.execute(delete(Bucket).where(Bucket.drained_ms < forgotten_ms).execution_options(synchronize_session=False))
    insert_if_missing(session, Bucket, subject=subject, drained_ms=_ms(now), refused=0)
