"""A person's notices, under the access rule of the letter that each is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session

from ged import access, paging
from ged.counting import MOST_IN_MENU
from ged.errors import NotFound
from ged.notices.models import ASKED, DeliveryState, FactorStep, NoticeMail, Occasion, PersonalNotice
from ged.org import openings
from ged.org.models import Person, Unit
from ged.org.openings import OpeningRow, OpeningStep
from ged.paging import START, Place, Slice
from ged.register.models import Mail
from ged.register.queries import first_numbers
from ged.supervisors.models import Supervisor
from ged.unit import Actor, UnitOfWork

PAGE_SIZE = 30


@dataclass(frozen=True)
class NoticeRow:
    """A notice. ``number`` is empty without a letter, or before the letter has one; ``subject`` is of ordinary ones."""

    id: int
    occasion: Occasion
    is_draft: bool
    mail_id: int | None
    subject_id: int
    number: str
    subject: str
    at: datetime
    is_read: bool
    opening: OpeningRow | None = None
    """Of ``Occasion.ACCOUNT``: the first access, with the posts of the day."""
    step: OpeningStep | None = None
    factor_step: FactorStep | None = None
    """Of ``Occasion.SECOND_STEP``; ``name``: whose second step it is."""
    name: str = ""
    """Of ``Occasion.SUPERVISES``: the unit whose figures the person is shown."""
    addressee: str = ""
    """Of an ordinary letter without a number: drafts have the subject of their template, and many are alike."""
    is_asked: bool = False
    """Of ``Occasion.DISPOSAL``: the person may decide; else the own slip waits no more."""


def count_unread(actor: Actor) -> Select[int]:
    """The statement that counts unread notices (for the navigation), at most ``MOST_IN_MENU``."""
    unread = _own(actor).where(PersonalNotice.read_at.is_(None)).limit(MOST_IN_MENU)
    return select(func.count()).select_from(unread.subquery())


def page(
    session: Session,
    actor: Actor,
    at: Place = START,
    *,
    on: date,
    now: datetime,
    unread_only: bool = False,
    limit: int = PAGE_SIZE,
) -> tuple[list[NoticeRow], Slice]:
    """A page of the actor's notices, the newest first."""
    asked = _own(actor)
    if unread_only:
        asked = asked.where(PersonalNotice.read_at.is_(None))
    found = paging.read(session, asked, PersonalNotice.id, at, descending=True, limit=limit)
    rows = session.execute(
        select(PersonalNotice, Mail.subject, Mail.addressee, Mail.level)
        .outerjoin(Mail, Mail.id == PersonalNotice.mail_id)
        .where(PersonalNotice.id.in_(found.ids))
        .order_by(PersonalNotice.id.desc())
    ).all()
    numbers = first_numbers(session, [row.mail_id for row, *_ in rows if row.mail_id is not None])
    opened = [row for row, *_ in rows if row.occasion is Occasion.ACCOUNT]
    opening_rows = openings.rows(session, [row.subject_id for row in opened], on=on, now=now)
    names = names_told(session, [row for row, *_ in rows])
    return [
        _notice_row(
            row,
            numbers.get(row.mail_id or 0, ""),
            subject or "",
            level or 0,
            opening_rows.get(row.subject_id) if row in opened else None,
            addressee or "",
            names.get(row.id, ""),
        )
        for row, subject, addressee, level in rows
    ], found


def _notice_row(
    row: PersonalNotice,
    number: str,
    subject: str,
    level: int,
    opening: OpeningRow | None = None,
    addressee: str = "",
    name: str = "",
) -> NoticeRow:
    is_of_step = row.occasion is Occasion.SECOND_STEP
    return NoticeRow(
        row.id, row.occasion, row.key.startswith("refused:"), row.mail_id, row.subject_id, number,
        "" if level else subject, row.at, row.read_at is not None, opening,
        openings.step_of(row.key) if row.occasion is Occasion.ACCOUNT else None,
        factor_step_of(row.key) if is_of_step else None, name,
        "" if level or number else addressee, row.occasion is Occasion.DISPOSAL and row.key.endswith(ASKED),
    )  # fmt: skip


def factor_step_of(key: str) -> FactorStep:
    """What a notice of a second step reports, from its key."""
    return FactorStep(key.rpartition(":")[2])


def names_told(session: Session, rows: Sequence[PersonalNotice]) -> dict[int, str]:
    """Id of a notice -> the person whose second step it is about, or the unit of the act that it is about."""
    people = _subjects(rows, Occasion.SECOND_STEP)
    units = _subjects(rows, Occasion.SUPERVISES)
    named: dict[tuple[Occasion, int], str] = {}
    if people:
        found = session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))
        named |= {(Occasion.SECOND_STEP, person_id): name for person_id, name in found}
    if units:
        asked = select(Supervisor.id, Unit.name).join(Unit, Unit.id == Supervisor.unit_id)
        found = session.execute(asked.where(Supervisor.id.in_(units)))
        named |= {(Occasion.SUPERVISES, act_id): name for act_id, name in found}
    return {row.id: named.get((row.occasion, row.subject_id), "") for row in rows}


def _subjects(rows: Sequence[PersonalNotice], occasion: Occasion) -> list[int]:
    return sorted({row.subject_id for row in rows if row.occasion is occasion})


def one(session: Session, notice_id: int, actor: Actor) -> NoticeRow:
    """One notice of the actor.

    Raises:
        NotFound: ``notice.unknown``: another person's, or its letter may not be seen any more.
    """
    if session.scalar(_own(actor).where(PersonalNotice.id == notice_id)) is None:
        raise NotFound("notice.unknown", "reload the list", id=notice_id)
    return _notice_row(session.get_one(PersonalNotice, notice_id), "", "", 0)


def mark_read(uow: UnitOfWork, notice_id: int, *, actor: Actor) -> None:
    """Mark one notice as read, as a seen mark: no entry of the journal. Another person's is left alone."""
    uow.session.execute(
        update(PersonalNotice)
        .where(PersonalNotice.id == notice_id, PersonalNotice.person_id == actor.person_id)
        .where(PersonalNotice.read_at.is_(None))
        .values(read_at=uow.now)
    )


def mark_all_read(uow: UnitOfWork, *, upto: int, actor: Actor) -> None:
    """Mark all of the actor's notices as read, up to the newest that the page showed."""
    uow.session.execute(
        update(PersonalNotice)
        .where(PersonalNotice.person_id == actor.person_id, PersonalNotice.id <= upto)
        .where(PersonalNotice.read_at.is_(None))
        .values(read_at=uow.now)
    )


def _own(actor: Actor) -> Select[int]:
    seen: ColumnElement[bool] = access.visible_clause(Mail.id, Mail.level, actor.principals)
    return (
        select(PersonalNotice.id)
        .outerjoin(Mail, Mail.id == PersonalNotice.mail_id)
        .where(PersonalNotice.person_id == actor.person_id, or_(PersonalNotice.mail_id.is_(None), seen))
    )


# --- e-mails that failed --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Undelivered:
    """The last e-mail to an address failed for good."""

    person_id: int
    address: str
    reason: str
    at: datetime


def undelivered(session: Session, person_id: int, address: str) -> Undelivered | None:
    """Whether the last e-mail to a person's present address failed for good. A changed address starts afresh."""
    row = session.scalars(
        select(NoticeMail)
        .where(NoticeMail.person_id == person_id, NoticeMail.address == address, NoticeMail.state.in_(_ENDED))
        .order_by(NoticeMail.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None or row.state is DeliveryState.SENT or row.ended_at is None:
        return None
    return Undelivered(person_id, address, row.reason, row.ended_at)


_ENDED = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.BOUNCED)


def address(session: Session, actor: Actor) -> str:
    """The actor's e-mail address; empty without one."""
    return session.scalar(select(Person.email).where(Person.id == actor.person_id)) or ""
