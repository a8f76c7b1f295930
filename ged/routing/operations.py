"""What an authority and the units below decide over a letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from ged import access
from ged.access import Because
from ged.errors import Forbidden, Invalid, NotFound
from ged.org.models import Post, Unit
from ged.ports import MailId, PostId, UnitId, post_principal, unit_principal
from ged.registry.models import Mail
from ged.registry.operations import mail_for
from ged.registry.states import MOVES, MailAct, move
from ged.routing import deadlines, states
from ged.routing.models import Assignment, Imputation, Mention, Purpose
from ged.routing.states import LIVE, AssignmentAct, AssignmentState
from ged.unit import Actor, HeldPost, Role, UnitOfWork

MAX_UNITS = 40


@dataclass(frozen=True)
class ImputationForm:
    """An authority's decision: one leading unit, others, ticked mentions, a note, a date."""

    leading_unit_id: UnitId | None
    other_unit_ids: tuple[UnitId, ...] = ()
    mentions: tuple[str, ...] = ()
    note: str = ""
    due_on: date | None = None


def impute(
    uow: UnitOfWork, mail_id: MailId, form: ImputationForm, *, version: int | None, actor: Actor, now: datetime
) -> int:
    """Impute a letter; a second decision supersedes the first, which stays readable.

    Answers the imputation's id (the sheet is printed from it).

    Raises:
        Forbidden: ``impute.forbidden``: only the authority addressed, or who acts for it.
        Invalid: ``impute.unit_missing``, ``impute.unit_twice``, ``impute.mention``, ``impute.due_past``.
        InvalidTransition: ``mail.wrong_state``.
        StaleVersion: ``mail.stale``.
    """
    mail = mail_for(uow, mail_id, actor=actor, version=version)
    post = imputing_post(mail, actor)
    units = _checked_units(uow, form, now)
    mail.state = move(mail.state, MailAct.IMPUTE)
    decision = Imputation(
        mail_id=mail.id,
        post_id=post.post_id,
        person_id=actor.person_id,
        acted_as=post.because,
        note=form.note.strip(),
        mentions=list(form.mentions),
        decided_at=now,
    )
    uow.session.add(decision)
    _supersede(uow, mail.id, now)
    uow.session.flush()
    mail.responsible_unit_id = units[0].id
    mail.due_on = form.due_on or mail.due_on
    for position, unit in enumerate(units):
        uow.session.add(
            Assignment(
                mail_id=mail.id,
                imputation_id=decision.id,
                unit_id=unit.id,
                is_leading=position == 0,
                purpose=Purpose.ACTION if position == 0 else Purpose.INFORMATION,
                mentions=list(form.mentions),
                instruction=form.note.strip(),
                due_on=mail.due_on if position == 0 else None,
                assigned_by_person_id=actor.person_id,
                assigned_by_post_id=post.post_id,
                assigned_at=now,
            )
        )
    access.grant(uow, mail.id, (unit_principal(u.id) for u in units), Because.IMPUTED)
    uow.record(
        "mail.imputed", "mail", mail.id, actor=actor, post=post,
        units=[u.code for u in units], mentions=list(form.mentions), note=form.note, due_on=_text(mail.due_on),
    )  # fmt: skip
    uow.reindex(mail.id)
    return decision.id


def imputing_post(mail: Mail, actor: Actor) -> HeldPost:
    """The addressed authority's post, held or acted for by the actor.

    Raises:
        Forbidden: ``impute.forbidden``.
    """
    post = actor.holds(mail.addressed_post_id) if mail.addressed_post_id is not None else None
    if post is None or Role.AUTHORITY not in post.roles:
        raise Forbidden("impute.forbidden", "only the authority addressed imputes, or who acts for it", id=mail.id)
    return post


def _checked_units(uow: UnitOfWork, form: ImputationForm, now: datetime) -> list[Unit]:
    if form.leading_unit_id is None:
        raise Invalid("impute.unit_missing", "choose the unit that leads", field="leading_unit_id")
    ids = [form.leading_unit_id, *form.other_unit_ids]
    if len(ids) != len(set(ids)) or len(ids) > MAX_UNITS:
        raise Invalid("impute.unit_twice", "choose each unit once", field="other_unit_ids")
    known = set(uow.session.scalars(select(Mention.code)))
    if not set(form.mentions) <= known:
        raise Invalid("impute.mention", "tick mentions of the list", field="mentions")
    if form.due_on is not None and form.due_on < now.astimezone(uow.services.zone).date():
        raise Invalid("impute.due_past", "choose a date to come", field="due_on")
    return [open_unit(uow, unit_id) for unit_id in ids]


def open_unit(uow: UnitOfWork, unit_id: UnitId | int) -> Unit:
    """A unit that still takes mail.

    Raises:
        Invalid: ``unit.unknown``.
    """
    unit = uow.session.get(Unit, unit_id)
    if unit is None or unit.closed_at is not None:
        raise Invalid("unit.unknown", "choose a unit of the list", field="leading_unit_id", id=int(unit_id))
    return unit


def _supersede(uow: UnitOfWork, mail_id: int, now: datetime) -> None:
    live = select(Assignment).where(Assignment.mail_id == mail_id, Assignment.state.in_(LIVE))
    for old in uow.session.scalars(live).all():
        old.state, old.finished_at = states.move(old.state, AssignmentAct.SUPERSEDE), now


def assign(
    uow: UnitOfWork,
    mail_id: MailId,
    *,
    from_assignment_id: int,
    to_unit_id: UnitId,
    to_post_id: PostId | None,
    purpose: Purpose,
    instruction: str,
    due_on: date | None,
    actor: Actor,
    now: datetime,
    mentions: Sequence[str] = (),
) -> int:
    """Give a letter further down (a unit below, or a post of it), never later than one's own date.

    Raises:
        Forbidden: ``assign.forbidden``.
        Invalid: ``assign.not_below``, ``assign.post``, ``deadline.later_than_above``.
        InvalidTransition: ``assignment.wrong_state``.
    """
    mail = mail_for(uow, mail_id, actor=actor)
    above = assignment_for(uow, from_assignment_id, mail_id=mail.id)
    post = assigning_post(above, actor)
    unit = open_unit(uow, to_unit_id)
    if unit.id not in actor.headed_unit_ids and unit.id != above.unit_id:
        raise Invalid("assign.not_below", "choose a unit below yours", field="to_unit_id")
    if to_post_id is not None and uow.session.get_one(Post, to_post_id).unit_id != unit.id:
        raise Invalid("assign.post", "choose a post of the unit", field="to_post_id")
    due_on = deadlines.latest(due_on, {above.due_on})
    if above.state is AssignmentState.OPEN:
        above.state = states.move(above.state, AssignmentAct.TAKE)
    row = Assignment(
        mail_id=mail.id,
        imputation_id=above.imputation_id,
        parent_id=above.id,
        unit_id=unit.id,
        post_id=to_post_id,
        is_leading=above.is_leading and purpose is Purpose.ACTION,
        purpose=purpose,
        mentions=list(mentions),
        instruction=instruction.strip(),
        due_on=due_on,
        assigned_by_person_id=actor.person_id,
        assigned_by_post_id=post.post_id,
        assigned_at=now,
    )
    uow.session.add(row)
    uow.session.flush()
    principal = post_principal(to_post_id) if to_post_id is not None else unit_principal(unit.id)
    access.grant(uow, mail.id, (principal,), Because.ASSIGNED)
    uow.record(
        "mail.assigned", "mail", mail.id, actor=actor, post=post, assignment=row.id, unit=unit.code,
        to_post=to_post_id, purpose=purpose.value, instruction=instruction, due_on=_text(due_on),
    )  # fmt: skip
    uow.reindex(mail.id)
    return row.id


def assignment_for(uow: UnitOfWork, assignment_id: int, *, mail_id: int) -> Assignment:
    """An assignment of a letter.

    Raises:
        NotFound: ``assignment.unknown``.
    """
    row = uow.session.get(Assignment, assignment_id)
    if row is None or row.mail_id != mail_id:
        raise NotFound("assignment.unknown", "reload the letter", id=assignment_id)
    return row


def assigning_post(above: Assignment, actor: Actor) -> HeldPost:
    """The post through which the actor gives an assignment further: head of its unit (or of one above), or its holder.

    Raises:
        Forbidden: ``assign.forbidden``.
    """
    if above.post_id is not None and (held := actor.holds(above.post_id)) is not None:
        return held
    if above.unit_id in actor.headed_unit_ids:
        head = actor.post_with(Role.HEAD, unit_id=UnitId(above.unit_id)) or actor.post_with(Role.HEAD)
        if head is not None or (head := actor.post_with(Role.AUTHORITY)) is not None:
            return head
    raise Forbidden("assign.forbidden", "ask the head of the unit", id=above.id)


def working_post(row: Assignment, actor: Actor) -> HeldPost:
    """The post through which the actor works on an assignment: its own post, or any of its unit.

    Raises:
        Forbidden: ``assign.forbidden``.
    """
    if row.post_id is not None:
        held = actor.holds(row.post_id)
        return held if held is not None else assigning_post(row, actor)
    for post in actor.posts:
        if post.unit_id == row.unit_id and post.roles - {Role.ADMINISTRATOR, Role.AUDITOR}:
            return post
    return assigning_post(row, actor)


def take(uow: UnitOfWork, mail_id: MailId, assignment_id: int, *, actor: Actor) -> None:
    """Say that one works on it.

    Raises:
        Forbidden: ``assign.forbidden``.
        InvalidTransition: ``assignment.wrong_state``.
    """
    mail = mail_for(uow, mail_id, actor=actor)
    row = assignment_for(uow, assignment_id, mail_id=mail.id)
    post = working_post(row, actor)
    row.state = states.move(row.state, AssignmentAct.TAKE)
    uow.record("assignment.taken", "mail", mail.id, actor=actor, post=post, assignment=row.id)


def finish(uow: UnitOfWork, mail_id: MailId, assignment_id: int, *, outcome: str, actor: Actor, now: datetime) -> None:
    """Give the outcome of an assignment (the opinion asked for, the action done).

    Raises:
        Forbidden: ``assign.forbidden``.
        Invalid: ``mail.outcome_missing``.
        InvalidTransition: ``assignment.wrong_state``.
    """
    mail = mail_for(uow, mail_id, actor=actor)
    row = assignment_for(uow, assignment_id, mail_id=mail.id)
    post = working_post(row, actor)
    if not outcome.strip():
        raise Invalid("mail.outcome_missing", "say what was done", field="outcome")
    row.state, row.outcome, row.finished_at = states.move(row.state, AssignmentAct.FINISH), outcome.strip(), now
    uow.record("assignment.finished", "mail", mail.id, actor=actor, post=post, assignment=row.id, outcome=row.outcome)
    if row.is_leading and row.parent_id is None:
        mail.state = move(mail.state, MailAct.ANSWER)
    uow.reindex(mail.id)


def give_back(
    uow: UnitOfWork, mail_id: MailId, assignment_id: int, *, reason: str, actor: Actor, now: datetime
) -> None:
    """Send an assignment back to whoever gave it: not ours.

    Raises:
        Forbidden: ``assign.forbidden``.
        Invalid: ``assignment.reason``.
        InvalidTransition: ``assignment.wrong_state``.
    """
    mail = mail_for(uow, mail_id, actor=actor)
    row = assignment_for(uow, assignment_id, mail_id=mail.id)
    post = working_post(row, actor)
    if not reason.strip():
        raise Invalid("assignment.reason", "say why it is not yours", field="reason")
    row.state, row.outcome, row.finished_at = states.move(row.state, AssignmentAct.RETURN), reason.strip(), now
    uow.record("assignment.returned", "mail", mail.id, actor=actor, post=post, assignment=row.id, reason=reason.strip())
    uow.reindex(mail.id)


def answered_by(uow: UnitOfWork, mail_id: MailId, *, actor: Actor, now: datetime, outcome: str) -> None:
    """An answer to the letter left: its live assignments for action are done (called by the signature book)."""
    mail = uow.session.get_one(Mail, mail_id)
    for row in uow.session.scalars(
        select(Assignment).where(
            Assignment.mail_id == mail_id, Assignment.state.in_(LIVE), Assignment.purpose == Purpose.ACTION
        )
    ).all():
        row.state, row.outcome, row.finished_at = states.move(row.state, AssignmentAct.FINISH), outcome, now
    if (mail.state, MailAct.ANSWER) in MOVES:
        mail.state = move(mail.state, MailAct.ANSWER)
    uow.record("mail.answered", "mail", mail.id, actor=actor, outcome=outcome)
    uow.reindex(mail.id)


def _text(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
