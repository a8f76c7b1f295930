"""What a letter's page shows of rights by exception, and what a person who asked for one is told."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from ged import access
from ged.exceptional.models import ExceptionRequest, LetterException
from ged.exceptional.operations import is_running
from ged.exceptional.rights import Side, second_side, sides_of, sides_of_person
from ged.org.models import Person
from ged.ports import Confidentiality, MailId, exception_of
from ged.register.models import Mail
from ged.seconded import Step, step_of
from ged.unit import Actor

SHOWN = 20


@dataclass(frozen=True)
class ExceptionRow:
    """A right by exception, or its proposal.

    Attributes:
        second_name: who decided; empty: nobody.
        is_running: the person reads the letter by it today.
        may_decide, is_own: what the reader of the page may do while it waits.
    """

    id: int
    name: str
    account: str
    reason: str
    until_on: date
    by_name: str
    asked_at: datetime
    expires_at: datetime
    second_name: str
    step: Step
    is_running: bool
    ended_at: datetime | None
    may_decide: bool
    is_own: bool


@dataclass(frozen=True)
class RequestRow:
    """Somebody asks to read the letter."""

    id: int
    name: str
    account: str
    reason: str
    asked_at: datetime


@dataclass(frozen=True)
class ExceptionPanel:
    """Rights by exception to one letter.

    Attributes:
        reads_until: the reader of the page sees the letter by exception alone, up to this day; None: by a right.
        may_propose: whether the reader speaks for the letter.
    """

    rows: tuple[ExceptionRow, ...]
    requests: tuple[RequestRow, ...]
    reads_until: date | None
    may_propose: bool


def panel(session: Session, mail_id: MailId, actor: Actor, *, now: datetime, on: date) -> ExceptionPanel | None:
    """The panel of a letter that the actor sees; None: there is nothing to show. Of a letter that is not SECRET it asks nothing."""
    until = reads_until(session, mail_id, actor)
    if until is not None:
        return ExceptionPanel((), (), until, False)
    mail = session.get_one(Mail, mail_id)
    if mail.level < Confidentiality.SECRET:
        return None
    sides = sides_of(session, mail, actor, on=on)
    by, second, reader = aliased(Person), aliased(Person), aliased(Person)
    found = session.execute(
        select(LetterException, reader, by.name, second.name)
        .join(reader, reader.id == LetterException.person_id)
        .join(by, by.id == LetterException.asked_by_id)
        .outerjoin(second, second.id == LetterException.second_id)
        .where(LetterException.mail_id == mail.id)
        .order_by(LetterException.id.desc())
        .limit(SHOWN)
    ).all()
    rows = tuple(
        _exception_row(session, mail, row, (person, by_name, second_name or ""), actor, sides, now=now, on=on)
        for row, person, by_name, second_name in found
    )
    asked = session.execute(
        select(ExceptionRequest, Person)
        .join(Person, Person.id == ExceptionRequest.person_id)
        .where(ExceptionRequest.mail_id == mail.id, ExceptionRequest.ended_at.is_(None))
        .order_by(ExceptionRequest.id)
        .limit(SHOWN)
    ).all() if sides else ()  # fmt: skip
    if not rows and not asked and not sides:
        return None
    requests = tuple(RequestRow(one.id, person.name, person.account, one.reason, one.asked_at) for one, person in asked)
    return ExceptionPanel(rows, requests, None, bool(sides))


def _exception_row(
    session: Session, mail: Mail, row: LetterException, names: tuple[Person, str, str], actor: Actor,
    sides: tuple[Side, ...], *, now: datetime, on: date,
) -> ExceptionRow:  # fmt: skip
    """``names``: who is to read, who proposed it, who decided."""
    person, by_name, second_name = names
    step = step_of(row, now)
    is_waiting = step is Step.WAITING and row.until_on >= on
    first = sides_of_person(session, mail, row.asked_by_id, on=on) if is_waiting and sides else ()
    return ExceptionRow(
        row.id, person.name, person.account, row.reason, row.until_on, by_name, row.asked_at, row.expires_at,
        second_name, step, is_running(row, on), row.ended_at,
        is_waiting and second_side(first, row.behind, sides) is not None,
        is_waiting and row.asked_by_id == int(actor.person_id),
    )  # fmt: skip


def reads_until(session: Session, mail_id: MailId, actor: Actor) -> date | None:
    """The last day on which an actor, who sees a letter by exception alone, does so; None: a right shows it."""
    if not any(exception_of(one) for one in actor.principals.secret):  # hardly anybody has one: no query
        return None
    mail = session.get_one(Mail, mail_id)
    granted = access.principals_of(session, mail.id) & actor.principals.at(Confidentiality(mail.level))
    days = [exception[1] for one in granted if (exception := exception_of(one)) is not None]
    return max(days) if len(days) == len(granted) and days else None
