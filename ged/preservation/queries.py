"""The signature level of each document, for the page of administrators and auditors. No content, no names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, TextClause, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged import paging
from ged.monthly.models import MonthlyReport, MonthlyReportRevision
from ged.org.models import Unit
from ged.paging import MOST_COUNTED, START, Key, Place, Slice
from ged.preservation.documents import SignedKind, subject_of
from ged.preservation.models import IS_FAILING, IS_LASTING, IS_RISING, LASTING, Preservation
from ged.register.models import ClosingRevision, MailNumber, Register, RegisterClosing
from ged.signbook.models import SignedRevision
from ged.slips.models import SlipRevision

LEVELS = ("", "B-B", "B-T", "B-LT", "B-LTA")
"""All levels of ETSI EN 319 142-1, in ascending order; empty: none."""


OVERDUE = timedelta(days=3)
"""The nightly job does what is due, and tries again the next nights."""


class Group(StrEnum):
    """Which documents a list shows."""

    FAILING = "echecs"
    RISING = "en-cours"
    LASTING = "tenues"


_IN = {Group.FAILING: IS_FAILING, Group.RISING: IS_RISING, Group.LASTING: IS_LASTING}


@dataclass(frozen=True)
class StandingRow:
    """One signed document.

    Attributes:
        number: of the letter or slip; for a closing, its register and last day; for a report, its entity and month.
        level: the lowest level of its signatures in its last revision; empty for a closing that waits for the seal.
        signed_at: when the last revision was made.
        due_at: the next attempt, or the renewal of the last time-stamp.
        failure: error code of the last attempt.
    """

    sort: SignedKind
    subject_id: int
    number: str
    level: str
    signed_at: datetime
    due_at: datetime
    failure: str
    tries: int

    @property
    def is_lasting(self) -> bool:
        """Whether only renewals remain to be done."""
        return self.level == LASTING


def counts(session: Session) -> dict[str, int]:
    """The number of documents at each level of ``LEVELS``; each counts at most ``paging.MOST_COUNTED`` + 1."""
    return dict(zip(LEVELS, _counted(session, (Preservation.level == level for level in LEVELS)), strict=True))


def totals(session: Session) -> dict[Group, int]:
    """How many documents each list has; each counts at most ``paging.MOST_COUNTED`` + 1."""
    return dict(zip(Group, _counted(session, (text(_IN[group]) for group in Group)), strict=True))


def overdue(session: Session, *, now: datetime) -> int:
    """How many documents' next step, a renewal of the last time-stamp among them, was due ``OVERDUE`` ago and is not done.

    At most ``paging.MOST_COUNTED`` + 1.
    """
    return _counted(session, [Preservation.due_at < now - OVERDUE])[0]


def _counted(session: Session, conditions: Iterable[ColumnElement[bool] | TextClause]) -> Sequence[int]:
    firsts = (select(Preservation.id).where(one).limit(MOST_COUNTED + 1).subquery() for one in conditions)
    counted = (select(func.count()).select_from(one).scalar_subquery() for one in firsts)
    return tuple(session.execute(select(*counted)).one())


def standings(
    session: Session, group: Group, at: Place = START, *, limit: int
) -> tuple[tuple[StandingRow, ...], Slice]:
    """A page of a list, in the order of the due times."""
    query = select(Preservation.id).where(text(_IN[group]))
    page = paging.read(session, query, Preservation.id, at, keys=(Key(Preservation.due_at),), limit=limit)
    rows = {row.id: row for row in session.scalars(select(Preservation).where(Preservation.id.in_(page.ids)))}
    listed = [(row, *subject_of(row)) for row in (rows[one] for one in page.ids if one in rows)]
    subjects = [(sort.value, subject_id) for _, sort, subject_id in listed]
    numbers, signed = _numbers(session, subjects), _signed(session, subjects)
    return tuple(
        StandingRow(
            sort, subject_id, numbers.get((sort, subject_id), ""), row.level, signed[sort, subject_id], row.due_at,
            row.failure, row.tries,
        )
        for row, sort, subject_id in listed
    ), page  # fmt: skip


def _signed(session: Session, found: Iterable[tuple[str, int]]) -> dict[tuple[str, int], datetime]:
    """When the last revision of each of these documents was made; of a closing without a seal: when it was closed."""
    ids = _by_sort(found)
    made: dict[tuple[str, int], datetime] = {}
    closed = select(RegisterClosing.id, RegisterClosing.closed_at)
    for sort, query, subject in (
        (SignedKind.CLOSING, closed, RegisterClosing.id),
        (SignedKind.REPORT, select(MonthlyReport.id, MonthlyReport.made_at), MonthlyReport.id),
        (
            SignedKind.REPORT,
            _latest(MonthlyReportRevision.report_id, MonthlyReportRevision.at),
            MonthlyReportRevision.report_id,
        ),
        (SignedKind.CLOSING, _latest(ClosingRevision.closing_id, ClosingRevision.at), ClosingRevision.closing_id),
        (SignedKind.MAIL, _latest(SignedRevision.mail_id, SignedRevision.at), SignedRevision.mail_id),
        (SignedKind.SLIP, _latest(SlipRevision.slip_id, SlipRevision.at), SlipRevision.slip_id),
    ):
        if ids[sort]:
            rows = session.execute(query.where(subject.in_(ids[sort])))
            made |= {(sort.value, subject_id): at for subject_id, at in rows}
    return made


def _latest(subject: InstrumentedAttribute[int], at: InstrumentedAttribute[datetime]) -> Select[int, datetime]:
    return select(subject, func.max(at)).group_by(subject)


def _by_sort(found: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {sort.value: [] for sort in SignedKind}
    for sort, subject_id in found:
        ids[sort].append(subject_id)
    return ids


def _numbers(session: Session, found: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The numbers by which people know these documents."""
    ids = _by_sort(found)
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
    reports = (
        select(MonthlyReport.id, Unit.code, MonthlyReport.month)
        .join(Unit, Unit.id == MonthlyReport.entity_id)
        .where(MonthlyReport.id.in_(ids[SignedKind.REPORT]))
    )
    named |= {
        (SignedKind.REPORT.value, subject): f"{code} {month:%m/%Y}" for subject, code, month in session.execute(reports)
    }
    return named
