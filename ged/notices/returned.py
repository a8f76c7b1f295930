"""What comes back of our e-mails: reports of mail servers, and messages that the program wrote to itself."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import and_, case, delete, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from ged.dispatch.models import DispatchLine
from ged.errors import EngineFailed
from ged.jobs import LIVE_STATES, Job, JobKind, JobState
from ged.notices.mail import KEPT, set_state
from ged.notices.models import DeliveryState, MailLoop, MailReport, NoticeMail
from ged.org.models import Person
from ged.ports import DeliveryReport, Message
from ged.unit import SYSTEM, Actor, Services, UnitOfWork

LOOP = "<boucle-"
SHOWN = 50
BACK_AFTER = timedelta(minutes=30)
"""Mailboxes are collected every three minutes; greylisting makes a first message wait for a quarter of an hour."""
LOST = (DeliveryState.FAILED, DeliveryState.BOUNCED)
REACHED_OR_NOT = (*LOST, DeliveryState.SENT)


def is_own(session: Session, message_id: str) -> bool:
    """Whether the program wrote this message to itself. The name cannot be guessed."""
    return message_id.startswith(LOOP) and bool(
        session.scalar(select(MailLoop.id).where(MailLoop.message_id == message_id))
    )


def is_ours(session: Session, message_id: str) -> bool:
    """Whether the program sent this message: to itself, about notices, or with a letter."""
    sent = (
        select(NoticeMail.id).where(NoticeMail.message_id == message_id),
        select(DispatchLine.id).where(DispatchLine.reference == message_id),
    )
    return bool(message_id) and (
        is_own(session, message_id) or any(session.scalar(one.limit(1)) is not None for one in sent)
    )


def note(uow: UnitOfWork, message_id: str, reports: tuple[DeliveryReport, ...]) -> None:
    """Store that our own message came back, or what mail servers report.

    A report marks an e-mail of ours only when it names its Message-ID, which a stranger cannot guess, and its
    address; and only one that was sent.
    """
    if not reports:
        uow.session.execute(
            update(MailLoop)
            .where(MailLoop.message_id == message_id, MailLoop.seen_at.is_(None))
            .values(seen_at=uow.now)
        )
    for one in reports:
        line = uow.session.scalar(select(DispatchLine).where(DispatchLine.reference == one.message_id).limit(1))
        is_line = line is not None and bool(one.message_id) and _same(line.email, one.recipient)
        uow.session.add(
            MailReport(
                message_id=one.message_id, recipient=one.recipient, status=one.status, is_permanent=one.is_permanent,
                mail_id=line.mail_id if line is not None and is_line else None, at=uow.now,
            )
        )  # fmt: skip
        if one.is_permanent and line is not None and is_line:
            uow.record("dispatch.bounced", "mail", line.mail_id, actor=SYSTEM, line=line.id, status=one.status)
        elif one.is_permanent:
            _mark(uow, one)


def _mark(uow: UnitOfWork, report: DeliveryReport) -> None:
    row = uow.session.scalar(select(NoticeMail).where(NoticeMail.message_id == report.message_id))
    was_sent = row is not None and row.state in (DeliveryState.SENT, DeliveryState.UNCERTAIN)
    if row is not None and was_sent and _same(row.address, report.recipient):
        set_state(uow, row.id, DeliveryState.BOUNCED, report.status)


def _same(address: str, other: str) -> bool:
    return address.strip().casefold() == other.strip().casefold()


# --- the loop -------------------------------------------------------------------------------------------------------


class LoopState(StrEnum):
    """What became of the last message that the program wrote to itself."""

    NEVER = "never"
    UNDER_WAY = "under_way"
    BACK = "back"
    LOST = "lost"
    """It left and did not come back in time."""
    UNSENT = "unsent"
    """The mail server did not take it."""


WRONG = (LoopState.LOST, LoopState.UNSENT)


@dataclass(frozen=True)
class Loop:
    """The last message to ourselves.

    Attributes:
        sent_at: when it was written; None when none ever was.
        good_at: when the last one that came back was written.
        failure: the code of the error of one that did not leave.
    """

    state: LoopState
    sent_at: datetime | None = None
    good_at: datetime | None = None
    failure: str = ""


def may_loop(services: Services) -> bool:
    """Whether messages can come back at all: there is an address to write from, and mailboxes are collected."""
    return bool(services.own_address and services.mailboxes)


def try_loop(services: Services, *, actor: Actor, now: datetime) -> None:
    """Write a message to our own address. It is awaited in the mailboxes that are collected.

    Raises:
        EngineFailed: ``post.certificate``, ``post.no_tls``, ``post.failed``, ``post.refused``.
    """
    name = f"{LOOP}{secrets.token_hex(16)}@ged>"
    with services.unit_of_work(now) as uow:
        row = MailLoop(message_id=name, sent_at=now)
        uow.session.add(row)
        uow.session.flush()
        uow.record("mailbox.loop", "mailbox", row.id, actor=actor)
    words = services.translations(actor.language)
    text = words.gettext("Ce message vérifie que le courriel part et revient. Il est retiré de lui-même de la boîte.")
    message = Message(name, services.own_address, words.gettext("Essai d'aller-retour"), f"{text}\n")
    try:
        services.post.send(message)
    except EngineFailed as error:
        with services.unit_of_work(now) as uow:
            uow.session.execute(update(MailLoop).where(MailLoop.message_id == name).values(failure=error.code))
        raise


def last_loop(session: Session, *, now: datetime) -> Loop:
    """What became of the last message to ourselves."""
    last = session.scalar(select(MailLoop).order_by(MailLoop.id.desc()).limit(1))
    if last is None:
        return Loop(LoopState.NEVER)
    good_at = session.scalar(select(func.max(MailLoop.sent_at)).where(MailLoop.seen_at.is_not(None)))
    return Loop(_state(last, now), last.sent_at, good_at, last.failure)


def _state(last: MailLoop, now: datetime) -> LoopState:
    if last.seen_at is not None:
        return LoopState.BACK
    if last.failure:
        return LoopState.UNSENT
    return LoopState.LOST if now - last.sent_at > BACK_AFTER else LoopState.UNDER_WAY


def forget(uow: UnitOfWork, *, now: datetime) -> None:
    """Delete reports and messages to ourselves as old as the e-mails about notices are kept."""
    uow.session.execute(delete(MailReport).where(MailReport.at < now - KEPT))
    uow.session.execute(delete(MailLoop).where(MailLoop.sent_at < now - KEPT))


# --- what administrators see ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FailedRow:
    """An e-mail about notices that reached nobody."""

    person: str
    address: str
    state: DeliveryState
    reason: str
    at: datetime


@dataclass(frozen=True)
class ReportRow:
    """A report of a mail server."""

    recipient: str
    status: str
    is_permanent: bool
    is_letter: bool
    at: datetime


@dataclass(frozen=True)
class PostHealth:
    """How e-mail goes: what failed, and how many wait."""

    failed: tuple[FailedRow, ...]
    reports: tuple[ReportRow, ...]
    waiting: int


def failing(session: Session) -> int:
    """How many people the last e-mail to their present address did not reach."""
    later = aliased(NoticeMail)
    newer = exists().where(
        later.person_id == NoticeMail.person_id, later.id > NoticeMail.id, later.state.in_(REACHED_OR_NOT)
    )
    lost = select(func.count(NoticeMail.id)).join(Person, Person.id == NoticeMail.person_id)
    lost = lost.where(NoticeMail.state.in_(LOST), NoticeMail.address == Person.email, ~newer)
    return session.scalar(lost) or 0


def health(session: Session) -> PostHealth:
    """Failed e-mails and reports, the latest first."""
    # An e-mail whose job stopped (its worker died while sending, or every attempt failed) is queued only by name.
    of_mail = and_(Job.kind == JobKind.NOTICE_MAIL, Job.subject_id == NoticeMail.id)
    stopped = and_(NoticeMail.state == DeliveryState.QUEUED, Job.state.in_((JobState.FAILED, JobState.UNCERTAIN)))
    failed = session.execute(
        select(
            Person.name, NoticeMail.address,
            case((stopped, literal(DeliveryState.UNCERTAIN, NoticeMail.state.type)), else_=NoticeMail.state),
            case((stopped, Job.error_code), else_=NoticeMail.reason),
            func.coalesce(NoticeMail.ended_at, Job.finished_at),
        )
        .join(Person, Person.id == NoticeMail.person_id)
        .outerjoin(Job, of_mail)
        .where(or_(stopped, NoticeMail.state.in_((DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.BOUNCED))))
        .order_by(NoticeMail.id.desc())
        .limit(SHOWN)
    )  # fmt: skip
    reports = session.scalars(select(MailReport).order_by(MailReport.id.desc()).limit(SHOWN))
    waiting = (
        select(func.count(NoticeMail.id))
        .join(Job, of_mail)
        .where(NoticeMail.state == DeliveryState.QUEUED, Job.state.in_(LIVE_STATES))
    )
    return PostHealth(
        failed=tuple(FailedRow(row[0], row[1], row[2], row[3], row[4]) for row in failed if row[4] is not None),
        reports=tuple(
            ReportRow(one.recipient, one.status, one.is_permanent, one.mail_id is not None, one.at) for one in reports
        ),
        waiting=session.scalar(waiting) or 0,
    )
