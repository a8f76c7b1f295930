"""How far people are, counted from their entries in the journal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.audit import AuditEntry
from ged.org.models import Person
from ged.training.exercises import ANSWERED, BY_NUMBER, COUNTED, EXERCISES, STARTED, Exercise
from ged.unit import Actor, Role


@dataclass(frozen=True)
class Progress:
    """How far a person is with an exercise.

    Attributes:
        started_at: of the last start; None: not begun.
        starts: how often it was begun.
        done: acts that count, ``wanted`` at most.
        done_at: of the act by which it was passed.
        entry: number of the journal's entry that begins it; 0: not begun.
    """

    exercise: Exercise
    started_at: datetime | None = None
    starts: int = 0
    done: int = 0
    done_at: datetime | None = None
    entry: int = 0

    @property
    def lasted(self) -> timedelta | None:
        """From the start to the last act."""
        return self.done_at - self.started_at if self.done_at and self.started_at else None


@dataclass(frozen=True)
class Trainee:
    """A person who began an exercise."""

    person_id: int
    name: str
    account: str
    progress: tuple[Progress, ...]

    @property
    def passed(self) -> int:
        """How many exercises are passed."""
        return sum(one.done_at is not None for one in self.progress)


@dataclass
class _Count:
    started_at: datetime
    starts: int
    entry: int
    subjects: set[tuple[str, int]] = field(default_factory=set)
    done_at: datetime | None = None

    def note(self, exercise: Exercise, row: AuditEntry) -> None:
        if self.done_at is not None or row.action not in exercise.actions:
            return
        if exercise.for_another and row.acting_for_post_id is None:
            return
        if row.action == ANSWERED and row.subject_id != exercise.number:
            return
        # An act without a subject counts by itself.
        self.subjects.add((row.subject_kind, row.subject_id if row.subject_id is not None else -row.sequence))
        if len(self.subjects) >= exercise.wanted:
            self.done_at = row.at


def offered(actor: Actor) -> tuple[Exercise, ...]:
    """The exercises of a person's own roles: a secretary does not learn to be the authority, nor an authority to be a head."""
    own = {role for post in actor.posts if post.because == "holder" for role in post.roles}
    if Role.AUTHORITY in own:
        own.discard(Role.HEAD)
    return tuple(one for one in EXERCISES if one.role in own)


def progress_of(session: Session, actor: Actor) -> tuple[Progress, ...]:
    """How far a person is with each exercise of their roles."""
    counts = _counts(_entries(session, actor.person_id)).get(int(actor.person_id), {})
    return tuple(_progress(one, counts.get(one.number)) for one in offered(actor))


def trainees(session: Session) -> tuple[Trainee, ...]:
    """All who began an exercise, by name, with the exercises that they began."""
    found = _counts(_entries(session))
    people = session.execute(select(Person.id, Person.name, Person.account).where(Person.id.in_(found))).all()
    return tuple(
        Trainee(
            person_id, name, account, tuple(_progress(BY_NUMBER[n], one) for n, one in sorted(found[person_id].items()))
        )
        for person_id, name, account in sorted(people, key=lambda row: row[1])
    )


def _entries(session: Session, person_id: int | None = None) -> Sequence[AuditEntry]:
    rows = select(AuditEntry).where(AuditEntry.action.in_(COUNTED), AuditEntry.person_id.is_not(None))
    if person_id is not None:
        rows = rows.where(AuditEntry.person_id == int(person_id))
    return session.scalars(rows.order_by(AuditEntry.sequence)).all()


def _counts(rows: Iterable[AuditEntry]) -> dict[int, dict[int, _Count]]:
    """Person -> number of the exercise -> its count since the last start."""
    found: dict[int, dict[int, _Count]] = {}
    for row in rows:
        own = found.get(row.person_id or 0, {})
        if row.action == STARTED:
            number, own = row.subject_id or 0, found.setdefault(row.person_id or 0, own)
            if number in BY_NUMBER:
                own[number] = _Count(row.at, (own[number].starts if number in own else 0) + 1, row.sequence)
            continue
        for number, count in own.items():
            count.note(BY_NUMBER[number], row)
    return found


def _progress(exercise: Exercise, count: _Count | None) -> Progress:
    if count is None:
        return Progress(exercise)
    return Progress(exercise, count.started_at, count.starts, len(count.subjects), count.done_at, count.entry)
