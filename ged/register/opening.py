"""The writes when a letter is opened: the seen mark, the person's last opening, and for restricted letters a journal
entry. Nothing else."""

from datetime import datetime, timedelta

from sqlalchemy import Insert, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ged import access
from ged.ports import Confidentiality, MailId
from ged.register.models import ReadMark, RecentLetter
from ged.register.operations import mail_for
from ged.unit import Actor, UnitOfWork

OPENED_AGAIN = timedelta(minutes=5)
"""A page that is loaded again within this time is no new opening: it would only cost a write."""
RECENT_KEPT = timedelta(days=60)
"""How long the last openings are kept for the person's home page."""


def must_write(level: Confidentiality, *, opened_at: datetime | None, now: datetime) -> bool:
    """Whether opening a letter needs a write.

    Args:
        opened_at: when the person last opened it; None: never, or long ago.
    """
    return opened_at is None or now - opened_at > OPENED_AGAIN or level >= Confidentiality.RESTRICTED


def mark_opened(uow: UnitOfWork, mail_id: MailId | int, *, actor: Actor, now: datetime) -> None:
    """Set the actor's seen mark (the first opening counts) and the time of the last opening; record the opening of a
    restricted or secret letter.

    Raises:
        NotFound: ``mail.unknown``.
    """
    mail = mail_for(uow, mail_id, actor=actor)
    uow.session.execute(_mark(uow, mail.id, actor.person_id, now))
    uow.session.execute(_opened(uow, mail.id, actor.person_id, now))
    level = Confidentiality(mail.level)
    if level >= Confidentiality.RESTRICTED:
        post = access.through(uow.session, mail.id, level, actor)
        uow.record("mail.opened", "mail", mail.id, actor=actor, post=post, level=mail.level)


def was_opened(session: Session, mail_id: MailId | int, *, actor: Actor, now: datetime) -> bool:
    """Whether the actor opened a letter a moment ago, so that reading a file of it is no new opening."""
    at = session.scalar(
        select(RecentLetter.opened_at).where(RecentLetter.mail_id == mail_id, RecentLetter.person_id == actor.person_id)
    )
    return at is not None and now - at <= OPENED_AGAIN


def mark_read(uow: UnitOfWork, mail_id: MailId | int, *, actor: Actor, now: datetime) -> None:
    """As ``mark_opened``, when a file of the letter was read: the caller has checked the access and records the file."""
    uow.session.execute(_mark(uow, int(mail_id), actor.person_id, now))
    uow.session.execute(_opened(uow, int(mail_id), actor.person_id, now))


def record_opening(uow: UnitOfWork, mail_id: MailId | int, *, where: str, actor: Actor) -> None:
    """Record that another page showed the subject of a restricted or secret letter; sets no seen mark.

    ``where`` is a code. The letter itself was not opened: it stays marked as new.

    Raises:
        NotFound: ``mail.unknown``.
    """
    mail = mail_for(uow, mail_id, actor=actor)
    level = Confidentiality(mail.level)
    if level >= Confidentiality.RESTRICTED:
        post = access.through(uow.session, mail.id, level, actor)
        uow.record("mail.opened", "mail", mail.id, actor=actor, post=post, level=mail.level, form=where)


def record_printing(uow: UnitOfWork, mail_id: MailId | int, *, what: str, actor: Actor) -> None:
    """Record that a print about a restricted or secret letter was made; ``what`` is a code.

    Raises:
        NotFound: ``mail.unknown``.
    """
    mail = mail_for(uow, mail_id, actor=actor)
    level = Confidentiality(mail.level)
    if level >= Confidentiality.RESTRICTED:
        post = access.through(uow.session, mail.id, level, actor)
        uow.record("mail.printed", "mail", mail.id, actor=actor, post=post, form=what)


def forget(uow: UnitOfWork, *, now: datetime) -> None:
    """Delete the last openings that no home page shows any more."""
    uow.session.execute(delete(RecentLetter).where(RecentLetter.opened_at < now - RECENT_KEPT))


def _mark(uow: UnitOfWork, mail_id: int, person_id: int, now: datetime) -> Insert:
    # Two tabs may open the letter at once: the second insert must not fail.
    make = sqlite.insert if uow.session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return make(ReadMark).values(mail_id=mail_id, person_id=person_id, at=now).on_conflict_do_nothing()


def _opened(uow: UnitOfWork, mail_id: int, person_id: int, now: datetime) -> Insert:
    make = sqlite.insert if uow.session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return (
        make(RecentLetter)
        .values(person_id=person_id, mail_id=mail_id, opened_at=now)
        .on_conflict_do_update(index_elements=["person_id", "mail_id"], set_={"opened_at": now})
    )
