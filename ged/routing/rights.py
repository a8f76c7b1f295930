"""The post through which an actor decides on a letter or works on an assignment, for operations and pages."""

from typing import Protocol

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged.errors import Forbidden
from ged.org.tree import heirs_among, ids_upwards
from ged.ports import UnitId
from ged.register.models import Mail, SealedEnvelope
from ged.register.states import MailState
from ged.routing.models import Assignment
from ged.unit import Actor, HeldPost, Role

ENDED = frozenset({MailState.CLOSED, MailState.VOIDED})
"""States of letters on which nobody works any more."""

UNDER_WAY = (MailState.TO_IMPUTE, MailState.ASSIGNED, MailState.ANSWERED)
"""States of letters that are given to somebody, and have not ended: an index finds the few letters of these states."""

HEADS = (Role.HEAD, Role.AUTHORITY)


def imputing_post(session: Session, mail: Mail, actor: Actor) -> HeldPost:
    """The addressed authority's post, held or acted for by the actor.

    A letter from an opened envelope is imputed by its addressee, authority or not: nobody else may know of it.

    Raises:
        Forbidden: ``impute.forbidden``.
    """
    post = actor.holds(mail.addressed_post_id) if mail.addressed_post_id is not None else None
    if post is not None and Role.AUTHORITY in post.roles:
        return post
    if post is not None and post.because != "secretary" and session.scalar(select(_envelope_of(mail.id).exists())):
        return post
    raise Forbidden("impute.forbidden", "only the authority addressed imputes, or who acts for it", id=mail.id)


def waits_for(actor: Actor) -> ColumnElement[bool]:
    """``imputing_post`` as a condition on ``Mail``: letters that wait for a decision of this actor."""
    return (Mail.state == MailState.TO_IMPUTE) & addressed_to(actor)


def addressed_to(actor: Actor) -> ColumnElement[bool]:
    """Letters on which this actor decides as the addressed authority, or prepares as its secretary."""
    authorities = [p.post_id for p in actor.posts if Role.AUTHORITY in p.roles]
    from_envelope = Mail.addressed_post_id.in_(sorted(actor.deciding_post_ids)) & _envelope_of(Mail.id).exists()
    return or_(Mail.addressed_post_id.in_(authorities), from_envelope)


def _envelope_of(mail_id: int | InstrumentedAttribute[int]) -> Select[int]:
    return select(SealedEnvelope.id).where(SealedEnvelope.mail_id == mail_id)


def assigning_post(above: Assignment, actor: Actor) -> HeldPost:
    """The post through which the actor assigns further: the nearest head of the unit or of a unit above.

    Raises:
        Forbidden: ``assign.forbidden``.
    """
    post = distributing_post(above.unit_id, actor)
    if post is None:
        raise Forbidden("assign.forbidden", "ask the head of the unit", id=above.mail_id)
    return post


def working_post(row: Assignment, actor: Actor) -> HeldPost:
    """The post through which the actor works on an assignment: its own post, any of its unit, or a head above.

    Raises:
        Forbidden: ``assign.forbidden``.
    """
    held = own_post(row, actor)
    return held if held is not None else assigning_post(row, actor)


class Given(Protocol):
    """To whom an assignment is given: its row, or these columns of it."""

    @property
    def unit_id(self) -> int: ...  # noqa: D102
    @property
    def post_id(self) -> int | None: ...  # noqa: D102


def own_post(row: Given, actor: Actor) -> HeldPost | None:
    """The post that puts an assignment into the actor's inbox. A closed unit's assignments go to its successor."""
    if row.post_id is not None:
        return actor.holds(row.post_id)
    unit_ids = heirs_among(row.unit_id, actor.units)
    for post in actor.working_posts:
        if post.unit_id in unit_ids:
            return post
    return None


def distributing_post(unit_id: int, actor: Actor) -> HeldPost | None:
    """The actor's post that distributes a unit's letters, the nearest one first; None when none does.

    Unlike ``ged.org.actors.heading_post``, a secretary may impute for the authority, and a ministry's authority also
    for the entities below.
    """
    if unit_id not in actor.headed_unit_ids:
        return None
    for heir in heirs_among(unit_id, actor.units):
        for above in ids_upwards(heir, actor.units):
            for role in HEADS:
                post = actor.post_with(role, unit_id=UnitId(above))
                if post is not None:
                    return post
    return None
