"""The letters exchanged with a correspondent: those that came, and those that were sent; under the access rule."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from ged import access, destroyed, paging
from ged.destroyed import Destroyed, DestroyedLetter
from ged.dispatch.models import DispatchLine
from ged.paging import START, Parts, Place, Slice
from ged.ports import Confidentiality, MailId
from ged.register.models import Correspondent, Direction, Mail
from ged.register.queries import first_number
from ged.register.states import MailState
from ged.unit import Actor

PAGE_SIZE = 50


@dataclass(frozen=True)
class ExchangedRow:
    """A letter that came from a correspondent, or was sent to it. ``on``: its arrival, else the date of the letter."""

    mail_id: MailId
    number: str
    direction: Direction
    on: date | None
    subject: str
    state: MailState
    level: Confidentiality
    destroyed: Destroyed | None
    """The destruction of its files, decided or done."""


def exchanged(
    session: Session, correspondent_id: int, at: Place = START, *, actor: Actor, limit: int = PAGE_SIZE
) -> tuple[list[ExchangedRow], Slice]:
    """A page of the letters exchanged that the actor may see, newest first. The caller has checked the entry."""
    page = paging.read(session, _seen(session, correspondent_id, actor), Mail.id, at, descending=True, limit=limit)
    rows = session.execute(
        select(
            Mail.id, first_number(Mail.id), Mail.direction, func.coalesce(Mail.received_on, Mail.written_on),
            Mail.subject, Mail.state, Mail.level, *destroyed.LISTED,
        )
        .outerjoin(DestroyedLetter, DestroyedLetter.mail_id == Mail.id)
        .where(Mail.id.in_(page.ids))
        .order_by(Mail.id.desc())
    )  # fmt: skip
    found = [
        ExchangedRow(
            MailId(mail_id),
            number or "",
            direction,
            on,
            subject,
            state,
            Confidentiality(level),
            destroyed.listed(*gone),
        )
        for mail_id, number, direction, on, subject, state, level, *gone in rows
    ]
    return found, page


def count(session: Session, correspondent_id: int, *, actor: Actor) -> int:
    """How many letters ``exchanged`` shows, at most ``paging.MOST_COUNTED`` + 1."""
    return paging.count(session, _seen(session, correspondent_id, actor))


def _seen(session: Session, correspondent_id: int, actor: Actor) -> Parts:
    """Of each double, what came from it and what was sent to it: an index gives each in the order of the letters."""
    ids = _group(session, correspondent_id)
    may_see = access.visible_clause(Mail.id, Mail.level, actor.principals)
    earlier = aliased(DispatchLine)
    is_listed = (
        select(earlier.id)
        .where(earlier.mail_id == DispatchLine.mail_id, earlier.correspondent_id.in_(ids), earlier.id < DispatchLine.id)
        .exists()
    )
    came = (select(Mail.id).where(Mail.sender_id == one, may_see) for one in ids)
    sent = (
        select(DispatchLine.mail_id)
        .join(Mail, Mail.id == DispatchLine.mail_id)
        .where(DispatchLine.correspondent_id == one, ~is_listed, may_see)
        .where(or_(Mail.sender_id.is_(None), Mail.sender_id.not_in(ids)))
        for one in ids
    )
    return (*came, *sent)


def _group(session: Session, correspondent_id: int) -> list[int]:
    """An entry and all its doubles, also the doubles of doubles."""
    found, new = {correspondent_id}, [correspondent_id]
    while new:
        below = session.scalars(select(Correspondent.id).where(Correspondent.merged_into_id.in_(new)))
        new = [one for one in below if one not in found]
        found.update(new)
    return sorted(found)
