"""Who may see a letter: one rule in three forms - a check, an SQL clause, principals for the index.

A right is a row (mail, principal, because). The rule: an actor sees a letter of level L when one of the letter's
principals is in the actor's set for L (``ged.org.actors`` expands these sets). Only this module writes ``mail_access``.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import ColumnElement, ForeignKey, Index, String, and_, delete, false, insert, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from ged.db import Among, Base, ByOtherIndex, UtcDateTime, asked_of_each_row, insert_if_missing, table_of, write_many
from ged.errors import NotFound
from ged.org.actors import post_granting
from ged.ports import Confidentiality, MailId, Principal, Principals
from ged.unit import Actor, HeldPost, UnitOfWork


class Because(StrEnum):
    """Why a principal may see a letter."""

    REGISTERED = "registered"
    ADDRESSED = "addressed"
    IMPUTED = "imputed"
    ASSIGNED = "assigned"
    COPIED = "copied"
    AUTHORED = "authored"
    VISA = "visa"
    SIGNATORY = "signatory"
    SLIP = "slip"
    SHARED = "shared"


class MailAccess(Base):
    """A right to see a letter. A principal may have several rights, one for each reason."""

    __tablename__ = "mail_access"
    __table_args__ = (Index("ix_mail_access_principal_mail", "principal", "mail_id"),)

    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True)
    principal: Mapped[str] = mapped_column(String(24), primary_key=True)
    because: Mapped[str] = mapped_column(String(24), primary_key=True)
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)


_RIGHTS = insert(table_of(MailAccess))
CLAUSES_KEPT = 256


def grant(uow: UnitOfWork, mail_id: MailId | int, principals: Iterable[Principal], because: Because) -> None:
    """Let principals see a letter; a repeated grant has no effect. The operation's own journal entry records it."""
    # All rights, not those of this reason: whether this is the first one decides if the index has to learn of the letter at all.
    rights = uow.session.execute(
        select(MailAccess.principal, MailAccess.because).where(MailAccess.mail_id == mail_id)
    ).all()
    if not rights:
        uow.first_granted.add(int(mail_id))
    held = {principal for principal, reason in rights if reason == because}
    new = [p for p in dict.fromkeys(principals) if p not in held]
    for principal in sorted(new):
        # A concurrent transaction may grant the same right. Both insert in the same order, so they cannot deadlock.
        insert_if_missing(
            uow.session, MailAccess, mail_id=mail_id, principal=principal, because=because, granted_at=uow.now
        )
    if new:
        # The index holds no old rights of a letter that nobody could see before this transaction. So the letter need
        # not be hidden until its job is done, and many new letters do not fill the list of exclusions.
        uow.reindex(mail_id, access=int(mail_id) not in uow.first_granted)


def grant_new(uow: UnitOfWork, mail_id: MailId | int, rights: Mapping[Because, Iterable[Principal]]) -> None:
    """Grant the first rights of a letter that this transaction made, in one statement; see ``grant``."""
    rows = [
        {"mail_id": mail_id, "principal": principal, "because": because, "granted_at": uow.now}
        for because, principals in rights.items()
        for principal in dict.fromkeys(principals)
    ]
    uow.session.execute(_RIGHTS, rows)
    uow.first_granted.add(int(mail_id))
    uow.reindex(mail_id)


def grant_first(uow: UnitOfWork, principals: Mapping[int, Principal], because: Because) -> None:
    """Grant one right for each of many letters that this transaction made. The caller defers their index job."""
    rows = [
        {"mail_id": mail_id, "principal": principal, "because": because, "granted_at": uow.now}
        for mail_id, principal in principals.items()
    ]
    write_many(uow.session, MailAccess, rows)
    uow.first_granted.update(principals)


def revoke(uow: UnitOfWork, mail_id: MailId | int, principal: Principal, because: Because) -> None:
    """Withdraw one reason. The principal still sees the letter while another reason remains."""
    uow.session.execute(
        delete(MailAccess).where(
            MailAccess.mail_id == mail_id, MailAccess.principal == principal, MailAccess.because == because
        )
    )
    # Even where another reason remains: the index holds principals without reasons, so only a new reading tells what is
    # left.
    uow.reindex(mail_id, access=True)


Right = tuple[Principal, Because, datetime]
"""A right as stored: who, why, since when."""


def rights_because(session: Session, mail_id: MailId | int, reasons: Collection[Because]) -> list[Right]:
    """The rights of a letter for these reasons, to be restored later."""
    rows = session.execute(
        select(MailAccess.principal, MailAccess.because, MailAccess.granted_at)
        .where(MailAccess.mail_id == mail_id, MailAccess.because.in_(reasons))
        .order_by(MailAccess.principal, MailAccess.because)
    )
    return [(Principal(principal), Because(because), at) for principal, because, at in rows]


def restore(uow: UnitOfWork, mail_id: MailId | int, rights: Iterable[Right], reasons: Collection[Because]) -> None:
    """Set the rights of a letter for these reasons to what they were. The caller holds the letter's lock."""
    uow.session.execute(delete(MailAccess).where(MailAccess.mail_id == mail_id, MailAccess.because.in_(reasons)))
    rows = [
        {"mail_id": mail_id, "principal": principal, "because": because, "granted_at": at}
        for principal, because, at in rights
    ]
    if rows:
        uow.session.execute(_RIGHTS, rows)
    uow.reindex(mail_id, access=True)


def principals_of(session: Session, mail_id: MailId | int) -> frozenset[Principal]:
    """All principals of a letter, for the index."""
    return frozenset(
        Principal(p) for p in session.scalars(select(MailAccess.principal).where(MailAccess.mail_id == mail_id))
    )


def principals_because(session: Session, mail_id: MailId | int, because: Because) -> frozenset[Principal]:
    """The principals that see a letter for this reason."""
    rows = session.scalars(
        select(MailAccess.principal).where(MailAccess.mail_id == mail_id, MailAccess.because == because)
    )
    return frozenset(Principal(one) for one in rows)


def principals_of_many(session: Session, mail_ids: Collection[int]) -> dict[int, frozenset[Principal]]:
    """Principals of each letter that has any."""
    found: dict[int, set[Principal]] = {}
    rows = session.execute(select(MailAccess.mail_id, MailAccess.principal).where(MailAccess.mail_id.in_(mail_ids)))
    for mail_id, principal in rows:
        found.setdefault(mail_id, set()).add(Principal(principal))
    return {mail_id: frozenset(principals) for mail_id, principals in found.items()}


def sees(actor: Actor, granted: Collection[Principal], level: Confidentiality) -> bool:
    """Whether the actor may see a letter of a level with these principals: the rule itself."""
    return not actor.principals.at(level).isdisjoint(granted)


def may_see(session: Session, mail_id: MailId | int, level: Confidentiality, actor: Actor) -> bool:
    """Whether the actor may see the letter: the rule as a check."""
    return sees(actor, principals_of(session, mail_id), level)


def through(session: Session, mail_id: MailId | int, level: Confidentiality, actor: Actor) -> HeldPost | None:
    """The post through which the actor sees a letter, own posts first. The journal names it."""
    return post_granting(actor, principals_of(session, mail_id), level)


@lru_cache(maxsize=CLAUSES_KEPT)
def visible_clause(
    mail_id: InstrumentedAttribute[int], level: InstrumentedAttribute[int], principals: Principals
) -> ColumnElement[bool]:
    """The rule as an SQL clause over a letter's id and level columns.

    It is composed once for these rights: a page has a dozen statements with it.
    """
    levels: dict[frozenset[Principal], list[int]] = {}
    for confidentiality in Confidentiality:
        if held := principals.at(confidentiality):
            levels.setdefault(held, []).append(int(confidentiality))

    # A letter has a handful of rights, an actor has up to hundreds of principals: the rights are found by the letter.
    def through(held: frozenset[Principal], of: list[int]) -> ColumnElement[bool]:
        right = asked_of_each_row(MailAccess.mail_id == mail_id, Among(ByOtherIndex(MailAccess.principal), held))
        return and_(level.in_(of), right)

    # A cleared actor has the same set for several levels: the statement then names its principals once.
    return or_(false(), *(through(held, of) for held, of in levels.items()))


def require(session: Session, mail_id: MailId | int, level: Confidentiality, actor: Actor) -> None:
    """Stop an actor who may not see a letter.

    Raises:
        NotFound: ``mail.unknown``: existence is not disclosed. ``params['refused']`` is set, so that the caller at the
            border can write the refusal to the journal.
    """
    if not may_see(session, mail_id, level, actor):
        raise not_seen(mail_id)


def not_seen(mail_id: MailId | int) -> NotFound:
    """The error of ``require``, for callers that checked by ``visible_clause``."""
    return NotFound("mail.unknown", "check the number, or ask for access", id=int(mail_id), refused=True)
