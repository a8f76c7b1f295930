"""Who acts for a post or a unit on a day: the person to whom notices and reminders are written."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.org.models import Absence, Delegation, DelegationKind, Holding, Person, Post, PostRole, held_on
from ged.org.tree import heirs
from ged.unit import NO_WORK, Role


def of_unit(session: Session, unit_id: int, *, on: date) -> frozenset[int]:
    """Who distributes the letters of a unit: who acts for its heads, or, without a head, for all its working posts.

    The letters of a closed unit go to its successor.
    """
    unit = heirs(session, unit_id)[-1]
    rows = session.execute(
        select(PostRole.post_id, PostRole.role).join(Post, Post.id == PostRole.post_id).where(Post.unit_id == unit)
    ).all()
    heads = {post_id for post_id, role in rows if role in (Role.HEAD, Role.AUTHORITY)}
    working = {post_id for post_id, role in rows if role not in NO_WORK}
    return of_posts(session, heads, on=on) or of_posts(session, working, on=on)


def of_posts(session: Session, post_ids: Iterable[int], *, on: date) -> frozenset[int]:
    """Who acts for any of these posts on a day."""
    return frozenset(person for post_id in sorted(set(post_ids)) for person in of_post(session, post_id, on=on))


def of_post(session: Session, post_id: int, *, on: date) -> frozenset[int]:
    """Who acts for a post on a day.

    The interim, while there is one. Otherwise the holders who are not away; for holders who are away, those who were
    named to replace them, or who have a delegation. When nobody replaces an absent holder, the letters wait, and so does
    the notice: it is written to the holder.
    """
    given = session.execute(
        select(Delegation.id, Delegation.kind, Delegation.person_id)
        .join(Person, Person.id == Delegation.person_id)
        .where(Delegation.post_id == post_id, Delegation.withdrawn_at.is_(None), Person.is_active)
        .where(Delegation.from_on <= on, Delegation.until_on >= on)
    ).all()
    interims = frozenset(person for _, kind, person in given if kind is DelegationKind.INTERIM)
    if interims:
        return interims
    holders = set(
        session.scalars(
            select(Holding.person_id)
            .join(Person, Person.id == Holding.person_id)
            .where(Holding.post_id == post_id, Person.is_active, *held_on(on))
        )
    )
    away = dict(
        session.execute(
            select(Absence.person_id, Absence.delegation_id)
            .where(Absence.person_id.in_(sorted(holders)), Absence.ended_at.is_(None))
            .where(Absence.from_on <= on, Absence.until_on >= on)
        ).all()
    )
    present = holders - set(away)
    if present:
        return frozenset(present)
    named = frozenset(person for row_id, _, person in given if row_id in away.values())
    delegates = frozenset(person for _, kind, person in given if kind is DelegationKind.DELEGATION)
    return named or delegates or frozenset(holders)
