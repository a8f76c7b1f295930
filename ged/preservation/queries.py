"""The signature level of each document, for the page of administrators and auditors. No content, no names."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Label, Select, Subquery, exists, func, literal, select, union_all
from sqlalchemy.orm import Session, aliased

from ged.preservation.documents import SignedKind
from ged.preservation.models import Preservation
from ged.register.models import ClosingRevision, MailNumber, Register, RegisterClosing
from ged.signbook.models import SignedRevision
from ged.slips.models import SlipRevision

LEVELS = ("", "B-B", "B-T", "B-LT", "B-LTA")
"""All levels of ETSI EN 319 142-1, in ascending order; empty: none."""
LASTING = LEVELS[-1]


class Group(StrEnum):
    """Which documents a list shows."""

    FAILING = "echecs"
    RISING = "en-cours"
    LASTING = "tenues"


@dataclass(frozen=True)
class StandingRow:
    """One signed document.

    Attributes:
        number: of the letter or slip; for a closing, its register and last day.
        level: the lowest level of its signatures in its last revision; empty for a closing that waits for the seal.
        signed_at: when the last revision was made.
        due_at: the next attempt, or the renewal of the last time-stamp; None before the first attempt.
        failure: error code of the last attempt.
    """

    sort: SignedKind
    subject_id: int
    number: str
    level: str
    signed_at: datetime
    due_at: datetime | None
    failure: str
    tries: int

    @property
    def is_lasting(self) -> bool:
        """Whether only renewals remain to be done."""
        return self.level == LASTING


def counts(session: Session) -> dict[str, int]:
    """The number of documents at each level of ``LEVELS``."""
    every = _every()
    rows = session.execute(select(every.c.level, func.count()).group_by(every.c.level))
    found = {str(level): int(count) for level, count in rows}
    return {level: found.get(level, 0) for level in LEVELS}


def totals(session: Session) -> dict[Group, int]:
    """How many documents each list has."""
    return {group: session.scalar(select(func.count()).select_from(_of(group).subquery())) or 0 for group in Group}


def standings(session: Session, group: Group, *, limit: int, offset: int) -> tuple[StandingRow, ...]:
    """Documents of a list, in the order of their due times."""
    found = _of(group)
    rows = session.execute(
        found.order_by(found.selected_columns.due_at, found.selected_columns.subject_id).limit(limit).offset(offset)
    ).all()
    numbers = _numbers(session, [(row.sort, row.subject_id) for row in rows])
    return tuple(
        StandingRow(
            SignedKind(row.sort), row.subject_id, numbers.get((row.sort, row.subject_id), ""), row.level, row.at,
            row.due_at, row.failure or "", row.tries or 0,
        )
        for row in rows
    )  # fmt: skip


def _of(group: Group) -> Select[str, int, str, datetime, datetime | None, str | None, int | None]:
    every = _every()
    failing = func.coalesce(every.c.failure, "") != ""
    query = select(
        every.c.sort, every.c.subject_id, every.c.level, every.c.at, every.c.due_at, every.c.failure, every.c.tries
    )
    if group is Group.FAILING:
        return query.where(failing)
    if group is Group.LASTING:
        return query.where(~failing, every.c.level == LASTING)
    return query.where(~failing, every.c.level != LASTING)


def _every() -> Subquery:
    """Each signed document with its last revision and its remaining work."""
    later_letter, later_slip, later_seal = aliased(SignedRevision), aliased(SlipRevision), aliased(ClosingRevision)
    todo = (Preservation.due_at, Preservation.failure, Preservation.tries)
    letters = (
        select(
            _sort(SignedKind.MAIL),
            SignedRevision.mail_id.label("subject_id"),
            SignedRevision.level,
            SignedRevision.at,
            *todo,
        )
        .outerjoin(Preservation, Preservation.mail_id == SignedRevision.mail_id)
        .where(
            ~exists().where(
                later_letter.mail_id == SignedRevision.mail_id, later_letter.sequence > SignedRevision.sequence
            )
        )
    )
    slips = (
        select(
            _sort(SignedKind.SLIP), SlipRevision.slip_id.label("subject_id"), SlipRevision.level, SlipRevision.at, *todo
        )
        .outerjoin(Preservation, Preservation.slip_id == SlipRevision.slip_id)
        .where(~exists().where(later_slip.slip_id == SlipRevision.slip_id, later_slip.sequence > SlipRevision.sequence))
    )
    level, at = func.coalesce(ClosingRevision.level, ""), func.coalesce(ClosingRevision.at, RegisterClosing.closed_at)
    closings = (
        select(
            _sort(SignedKind.CLOSING),
            RegisterClosing.id.label("subject_id"),
            level.label("level"),
            at.label("at"),
            *todo,
        )
        .outerjoin(ClosingRevision, ClosingRevision.closing_id == RegisterClosing.id)
        .outerjoin(Preservation, Preservation.closing_id == RegisterClosing.id)
        .where(
            ~exists().where(later_seal.closing_id == RegisterClosing.id, later_seal.sequence > ClosingRevision.sequence)
        )
    )
    return union_all(letters, slips, closings).subquery()


def _sort(sort: SignedKind) -> Label[str]:
    return literal(sort.value).label("sort")


def _numbers(session: Session, found: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The numbers by which people know these documents."""
    ids: dict[str, list[int]] = {sort.value: [] for sort in SignedKind}
    for sort, subject_id in found:
        ids[sort].append(subject_id)
    letters = select(MailNumber.mail_id, MailNumber.text).where(MailNumber.mail_id.in_(ids[SignedKind.MAIL]))
    slips = select(MailNumber.slip_id, MailNumber.text).where(MailNumber.slip_id.in_(ids[SignedKind.SLIP]))
    closings = (
        select(RegisterClosing.id, Register.code, RegisterClosing.until_on)
        .join(Register, Register.id == RegisterClosing.register_id)
        .where(RegisterClosing.id.in_(ids[SignedKind.CLOSING]))
    )
    named = {
        (SignedKind.MAIL.value, subject): text for subject, text in session.execute(letters) if subject is not None
    }
    named |= {(SignedKind.SLIP.value, subject): text for subject, text in session.execute(slips) if subject is not None}
    named |= {
        (SignedKind.CLOSING.value, subject): f"{code} {until_on:%d/%m/%Y}"
        for subject, code, until_on in session.execute(closings)
    }
    return named
