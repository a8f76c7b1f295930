"""The decisions of an authority and of the units below on a letter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from ged import access, locks
from ged.access import Because
from ged.errors import Invalid, InvalidTransition, NotFound
from ged.org.models import Post, PostRole, Unit
from ged.org.stock import kept_for
from ged.org.tree import entity_of, heirs, in_ministry, upwards
from ged.ports import MailId, PostId, Principal, UnitId, heading_principal, post_principal, unit_principal
from ged.register import operations as register_operations
from ged.register.models import Mail
from ged.register.operations import mail_for
from ged.register.states import MOVES, MailAct, move
from ged.routing import deadlines, due, states
from ged.routing.models import Assignment, Imputation, Mention, Purpose
from ged.routing.rights import ENDED, assigning_post, imputing_post, working_post
from ged.routing.states import LIVE, AssignmentAct, AssignmentState
from ged.routing.undoing import Before
from ged.unit import NO_WORK, Actor, UnitOfWork

MAX_UNITS = 40


@dataclass(frozen=True)
class ImputationForm:
    """An authority's decision: who leads, others, ticked mentions, a note, a date.

    Attributes:
        leading_unit_id: the unit that leads; None when a post leads, or nobody was chosen.
        leading_post_id: the post that leads, instead of a unit.
    """

    leading_unit_id: UnitId | None
    other_unit_ids: tuple[UnitId, ...] = ()
    mentions: tuple[str, ...] = ()
    note: str = ""
    due_on: date | None = None
    due_days: int | None = None
    """Working days from the decision, instead of a date."""
    leading_post_id: PostId | None = None
    other_post_ids: tuple[PostId, ...] = ()


def impute(
    uow: UnitOfWork, mail_id: MailId, form: ImputationForm, *, version: int | None, actor: Actor, now: datetime
) -> int:
    """Impute a letter; a second decision supersedes the first, which stays readable.

    Returns the imputation's id (the sheet is printed from it).

    Raises:
        Forbidden: ``impute.forbidden``: only the addressed authority, or a person acting for it, may impute.
        Invalid: ``impute.unit_missing``, ``impute.unit_twice``, ``impute.post``, ``impute.mention``, ``impute.due_past``.
        InvalidTransition: ``mail.wrong_state``.
        StaleVersion: ``mail.stale``.
    """
    # First, before the letter: it holds the calendar, which comes first in the order of locks.
    asked = due.asked(uow, form.due_on, form.due_days)
    mail = _locked(uow, mail_id, actor=actor, version=version)
    post = imputing_post(uow.session, mail, actor)
    targets = _checked_targets(uow, mail, form, actor, now)
    # Before anything changes: this is what comes back when the decision is taken back.
    before = Before.of(uow.session, mail)
    mail.state = move(mail.state, MailAct.IMPUTE)
    decision = Imputation(
        mail_id=mail.id,
        post_id=post.post_id,
        person_id=actor.person_id,
        acted_as=post.because,
        note=form.note.strip(),
        mentions=list(form.mentions),
        decided_at=now,
        prior=before.stored(),
    )
    uow.session.add(decision)
    superseded = _end(uow, _live_of(uow, mail.id), now)
    uow.session.flush()
    mail.responsible_unit_id = targets[0].unit.id
    if asked is not None:
        due.set_due(mail, asked)
    given = [
        Assignment(
            mail_id=mail.id,
            imputation_id=decision.id,
            unit_id=target.unit.id,
            post_id=target.post_id,
            is_leading=position == 0,
            purpose=Purpose.ACTION if position == 0 else Purpose.INFORMATION,
            mentions=list(form.mentions),
            instruction=form.note.strip(),
            # The letter's date is binding for every unit that gets it, and for all assignments below.
            **due.columns_of(mail),
            assigned_by_person_id=actor.person_id,
            assigned_by_post_id=post.post_id,
            assigned_at=now,
        )
        for position, target in enumerate(targets)
    ]
    uow.session.add_all(given)
    uow.session.flush()
    seen_by = [one for target in targets for one in principals_of_target(target.unit.id, target.post_id)]
    access.grant(uow, mail.id, seen_by, Because.IMPUTED)
    # The new rows are there by now, so a unit that both decisions name keeps its right.
    withdraw_rights(uow, superseded)
    uow.record(
        "mail.imputed", "mail", mail.id, actor=actor, post=post, imputation=decision.id,
        units=[one.unit.code for one in targets], to_posts=[one.post_id for one in targets if one.post_id is not None],
        mentions=list(form.mentions), note=decision.note, due_on=_text(mail.due_on),
        supersedes=[row.id for row in superseded],
        assignments=[row.id for row in given],  # the first one leads: the proof of a monthly report asks for it
    )  # fmt: skip
    uow.reindex(mail.id)
    return decision.id


def impute_all(
    uow: UnitOfWork, versions: Mapping[MailId, int | None], form: ImputationForm, *, actor: Actor, now: datetime
) -> list[int]:
    """The same decision for several letters, or for none of them. Returns the ids of the imputations.

    Args:
        versions: letter -> version that its form showed, in the order of the decisions.

    Raises:
        As ``impute``.
    """
    # Before the letter (``ged.locks.ORDER``): no holiday is added between the count of a date and the commit.
    due.hold_calendar(uow)
    # Lock all letters before the first decision: two people may have ticked the same letters in different orders.
    locks.hold(uow.session, Mail, list(versions))
    return [impute(uow, mail_id, form, version=version, actor=actor, now=now) for mail_id, version in versions.items()]


def _locked(uow: UnitOfWork, mail_id: MailId, *, actor: Actor, version: int | None = None) -> Mail:
    """The letter, locked for a change of its path: of two concurrent acts, the second sees the first."""
    locks.hold(uow.session, Mail, [mail_id])
    return mail_for(uow, mail_id, actor=actor, version=version)


@dataclass(frozen=True)
class _Target:
    """Whom a decision names: a unit, or a post of it."""

    unit: Unit
    post_id: int | None = None


def _checked_targets(uow: UnitOfWork, mail: Mail, form: ImputationForm, actor: Actor, now: datetime) -> list[_Target]:
    """Whom the decision names; who leads comes first."""
    if form.leading_unit_id is None and form.leading_post_id is None:
        raise Invalid("impute.unit_missing", "choose the unit that leads", field="leading_unit_id")
    leading: tuple[int | None, int | None] = (form.leading_unit_id, form.leading_post_id)
    ids = [leading, *((one, None) for one in form.other_unit_ids), *((None, one) for one in form.other_post_ids)]
    if len(ids) != len(set(ids)) or len(ids) > MAX_UNITS:
        raise Invalid("impute.unit_twice", "choose each unit once", field="other_unit_ids")
    own = [entity_of(mail.unit_id, actor.units)]
    known = set(uow.session.scalars(select(Mention.code).where(kept_for(Mention, own))))
    if not set(form.mentions) <= known:
        raise Invalid("impute.mention", "tick mentions of the list", field="mentions")
    if form.due_on is not None and form.due_on < now.astimezone(uow.services.zone).date():
        raise Invalid("impute.due_past", "choose a date to come", field="due_on")
    fields = ["leading_unit_id", *["other_unit_ids"] * (len(ids) - 1)]
    return [_target(uow, *one, actor, field=field) for one, field in zip(ids, fields, strict=True)]


def _target(uow: UnitOfWork, unit_id: int | None, post_id: int | None, actor: Actor, *, field: str) -> _Target:
    if post_id is None:
        return _Target(open_unit(uow, unit_id or 0, actor, field=field))
    post = uow.session.get(Post, post_id)
    working = select(PostRole.post_id).where(PostRole.post_id == post_id, PostRole.role.not_in(NO_WORK))
    if (
        post is None
        or not in_ministry(post.unit_id, actor)
        or post.unit.closed_at
        or uow.session.scalar(working.limit(1)) is None
    ):
        raise Invalid("impute.post", "choose a post of the list", field=field, id=post_id)
    return _Target(post.unit, post.id)


def open_unit(uow: UnitOfWork, unit_id: UnitId | int, actor: Actor, *, field: str = "leading_unit_id") -> Unit:
    """A unit of the actor's ministry that still takes mail.

    Raises:
        Invalid: ``unit.unknown``.
    """
    unit = uow.session.get(Unit, unit_id)
    if unit is None or not in_ministry(unit.id, actor) or unit.closed_at is not None:
        raise Invalid("unit.unknown", "choose a unit of the list", field=field, id=int(unit_id))
    return unit


def _live_of(uow: UnitOfWork, mail_id: int, *, anew: bool = False) -> list[Assignment]:
    query = select(Assignment).where(Assignment.mail_id == mail_id, Assignment.state.in_(LIVE))
    return list(uow.session.scalars(query.execution_options(populate_existing=anew)))


def _end(uow: UnitOfWork, rows: Sequence[Assignment], now: datetime) -> list[Assignment]:
    for row in rows:
        row.state, row.finished_at = states.move(row.state, AssignmentAct.SUPERSEDE), now
    uow.session.flush()
    return list(rows)


def _below(uow: UnitOfWork, row: Assignment) -> list[Assignment]:
    """Live assignments below this assignment."""
    live = _live_of(uow, row.mail_id)
    ids, grown = {row.id}, True
    while grown:
        more = {one.id for one in live if one.parent_id in ids} - ids
        ids |= more
        grown = bool(more)
    return [one for one in live if one.id in ids and one.id != row.id]


def withdraw_rights(uow: UnitOfWork, rows: Sequence[Assignment]) -> None:
    """Withdraw the rights of assignments that were taken back before they were finished.

    A right stays if another assignment (live or done) or another reason also gives it.
    """
    kept = (*LIVE, AssignmentState.DONE)
    for row in rows:
        others = uow.session.execute(
            select(Assignment.unit_id, Assignment.post_id).where(
                Assignment.mail_id == row.mail_id,
                Assignment.state.in_(kept),
                Assignment.parent_id.is_(None) if row.parent_id is None else Assignment.parent_id.is_not(None),
            )
        )
        stay = {one for unit_id, post_id in others for one in principals_of_target(unit_id, post_id)}
        for principal in principals_of_target(row.unit_id, row.post_id):
            if principal not in stay:
                access.revoke(uow, row.mail_id, principal, _because(row))


def principals_of_target(unit_id: int, post_id: int | None) -> tuple[Principal, ...]:
    """Who sees a letter given to a unit; or given to a post of it: the post, and the heads above it."""
    return (unit_principal(unit_id),) if post_id is None else (post_principal(post_id), heading_principal(unit_id))


def _because(row: Assignment) -> Because:
    return Because.IMPUTED if row.parent_id is None else Because.ASSIGNED


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
    """Assign a letter further down (to a unit below, or a post of it), with no later date than one's own.

    Raises:
        Forbidden: ``assign.forbidden``.
        Invalid: ``assign.not_below``, ``assign.post``, ``assign.twice``, ``impute.due_past``, ``unit.unknown``,
            ``deadline.later_than_above``.
        InvalidTransition: ``assignment.wrong_state``, ``mail.wrong_state``.
    """
    asked = due.asked(uow, due_on, None)
    mail = _open_mail(uow, mail_id, actor=actor)
    above = assignment_for(uow, from_assignment_id, mail_id=mail.id)
    post = assigning_post(above, actor)
    # No move leads on from there: this raises, with the words for it.
    if above.state not in LIVE:
        states.move(above.state, AssignmentAct.TAKE)
    unit = _unit_below(uow, above, to_unit_id, actor)
    _check_target(uow, above, unit, to_post_id)
    if due_on is not None and due_on < now.astimezone(uow.services.zone).date():
        raise Invalid("impute.due_past", "choose a date to come", field="due_on")
    bound = deadlines.latest(due_on, {above.due_on})
    basis = due.columns_of(above) if asked is None else due.columns(asked)
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
        **basis,
        assigned_by_person_id=actor.person_id,
        assigned_by_post_id=post.post_id,
        assigned_at=now,
    )
    uow.session.add(row)
    uow.session.flush()
    access.grant(uow, mail.id, principals_of_target(row.unit_id, row.post_id), _because(row))
    uow.record(
        "mail.assigned", "mail", mail.id, actor=actor, post=post, assignment=row.id, unit=unit.code,
        to_post=to_post_id, purpose=purpose.value, instruction=row.instruction, due_on=_text(bound),
    )  # fmt: skip
    uow.reindex(mail.id)
    return row.id


def _open_mail(uow: UnitOfWork, mail_id: MailId, *, actor: Actor) -> Mail:
    """A letter on which people still work.

    Raises:
        InvalidTransition: ``mail.wrong_state``: closed or voided.
    """
    mail = _locked(uow, mail_id, actor=actor)
    if mail.state in ENDED:
        raise InvalidTransition("mail.wrong_state", "reload the letter: it is closed", state=mail.state.value)
    return mail


def _unit_below(uow: UnitOfWork, above: Assignment, unit_id: UnitId | int, actor: Actor) -> Unit:
    # The successor of a closed unit assigns the letters of that unit.
    own = heirs(uow.session, above.unit_id)
    unit = open_unit(uow, own[-1] if unit_id == above.unit_id else unit_id, actor, field="to_unit_id")
    if unit.id not in own:
        higher = {u.id for u in upwards(uow.session, unit.id)}
        if unit.id not in actor.headed_unit_ids or higher.isdisjoint(own):
            raise Invalid("assign.not_below", "choose a unit below yours", field="to_unit_id")
    return unit


def _check_target(uow: UnitOfWork, above: Assignment, unit: Unit, post_id: PostId | None) -> None:
    if post_id is not None:
        post = uow.session.get(Post, post_id)
        if post is None or post.unit_id != unit.id:
            raise Invalid("assign.post", "choose a post of the unit", field="to_post_id")
    elif unit.id in heirs(uow.session, above.unit_id):
        raise Invalid("assign.post", "choose a post, or a unit below", field="to_post_id")
    if post_id is not None and post_id == above.post_id:
        raise Invalid("assign.twice", "choose somebody else", field="to_post_id")
    for row in _live_of(uow, above.mail_id):
        if row.parent_id == above.id and (row.unit_id, row.post_id) == (unit.id, post_id):
            raise Invalid(
                "assign.twice", "it is there already", field="to_unit_id" if post_id is None else "to_post_id"
            )


def assignment_for(uow: UnitOfWork, assignment_id: int, *, mail_id: int) -> Assignment:
    """An assignment of a letter.

    Raises:
        NotFound: ``assignment.unknown``.
    """
    row = uow.session.get(Assignment, assignment_id)
    if row is None or row.mail_id != mail_id:
        raise NotFound("assignment.unknown", "reload the letter", id=assignment_id)
    return row


def take(uow: UnitOfWork, mail_id: MailId, assignment_id: int, *, actor: Actor) -> None:
    """Take an assignment: the actor works on it.

    Raises:
        Forbidden: ``assign.forbidden``.
        InvalidTransition: ``assignment.wrong_state``.
    """
    mail = _open_mail(uow, mail_id, actor=actor)
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
    mail = _open_mail(uow, mail_id, actor=actor)
    row = assignment_for(uow, assignment_id, mail_id=mail.id)
    post = working_post(row, actor)
    if not outcome.strip():
        raise Invalid("mail.outcome_missing", "say what was done", field="outcome")
    row.state, row.outcome, row.finished_at = states.move(row.state, AssignmentAct.FINISH), outcome.strip(), now
    # The unit has answered: its own requests to others for that answer are no longer waited for.
    ended = _end(uow, [one for one in _below(uow, row) if one.purpose is not Purpose.INFORMATION], now)
    uow.record(
        "assignment.finished", "mail", mail.id, actor=actor, post=post, assignment=row.id, outcome=row.outcome,
        ended=[one.id for one in ended],
    )  # fmt: skip
    if row.is_leading and row.parent_id is None:
        mail.state = move(mail.state, MailAct.ANSWER)
    uow.reindex(mail.id)


def give_back(
    uow: UnitOfWork, mail_id: MailId, assignment_id: int, *, reason: str, actor: Actor, now: datetime
) -> None:
    """Return an assignment that concerns another unit to its giver. The right to see the letter is withdrawn.

    When the leading unit returns it, the letter is in the authority's queue again.

    Raises:
        Forbidden: ``assign.forbidden``.
        Invalid: ``assignment.reason``.
        InvalidTransition: ``assignment.wrong_state``.
    """
    mail = _open_mail(uow, mail_id, actor=actor)
    row = assignment_for(uow, assignment_id, mail_id=mail.id)
    post = working_post(row, actor)
    if not reason.strip():
        raise Invalid("assignment.reason", "say why it is not yours", field="reason")
    row.state, row.outcome, row.finished_at = states.move(row.state, AssignmentAct.RETURN), reason.strip(), now
    ended = _end(uow, _below(uow, row), now)
    withdraw_rights(uow, [row, *ended])
    if row.is_leading and row.parent_id is None:
        mail.state, mail.responsible_unit_id = move(mail.state, MailAct.GIVE_BACK), None
    uow.record(
        "assignment.returned", "mail", mail.id, actor=actor, post=post, assignment=row.id, reason=row.outcome,
        ended=[one.id for one in ended],
    )  # fmt: skip
    uow.reindex(mail.id)


def reopen(uow: UnitOfWork, mail_id: MailId, *, reason: str, actor: Actor) -> None:
    """Reopen a closed letter, with a reason. It is in the leading unit's inbox again, no longer done.

    Raises:
        As ``ged.register.operations.reopen``.
    """
    register_operations.reopen(uow, mail_id, reason=reason, actor=actor)
    leading = uow.session.scalars(
        select(Assignment)
        .where(Assignment.mail_id == mail_id, Assignment.is_leading, Assignment.parent_id.is_(None))
        .where(Assignment.state.in_((*LIVE, AssignmentState.DONE)))
        .order_by(Assignment.id.desc())
        .limit(1)
    ).one_or_none()
    if leading is None or leading.state in LIVE:
        return
    # The unit's earlier answer stays in the journal.
    leading.state, leading.finished_at = states.move(leading.state, AssignmentAct.REOPEN), None
    leading.outcome = ""
    uow.record("assignment.reopened", "mail", int(mail_id), actor=actor, assignment=leading.id)


def answered_by(uow: UnitOfWork, mail_id: MailId, *, actor: Actor, now: datetime, outcome: str) -> None:
    """Finish the live assignments for action, because an answer was sent (called by the signature book)."""
    mail = locks.hold_known(uow.session, Mail, mail_id)
    # Read anew: the unit of work may have loaded the assignments before it held the letter.
    for row in [one for one in _live_of(uow, mail_id, anew=True) if one.purpose is Purpose.ACTION]:
        row.state, row.outcome, row.finished_at = states.move(row.state, AssignmentAct.FINISH), outcome, now
    if (mail.state, MailAct.ANSWER) in MOVES:
        mail.state = move(mail.state, MailAct.ANSWER)
    uow.record("mail.answered", "mail", mail.id, actor=actor, outcome=outcome)
    uow.reindex(mail.id)


def _text(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
