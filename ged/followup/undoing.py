"""An imputation is taken back by who made it, as long as nothing hangs on it.

What hangs on it: an act of a receiver, a slip, a note, an answer, a reminder, or that a receiver has opened the letter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from ged import access, locks
from ged.db import UtcDateTime
from ged.errors import Forbidden, Invalid, NotFound
from ged.followup.models import LetterNote, Reminder
from ged.org import people
from ged.org.actors import load_actor
from ged.org.models import Person, Post
from ged.ports import Confidentiality, MailId, PostId, Principal, UnitId
from ged.register.models import REPLY, Mail, MailLink, ReadMark, RecentLetter, Rectification
from ged.register.operations import mail_for
from ged.register.states import MailState
from ged.routing import due, undoing
from ged.routing.models import Assignment, Imputation, UndoneImputation
from ged.routing.operations import ImputationForm, principals_of_target
from ged.routing.states import AssignmentState
from ged.routing.undoing import Before
from ged.slips.models import Slip, SlipLine
from ged.slips.states import SlipState
from ged.unit import Actor, HeldPost, UnitOfWork

REMEDY = "impute the letter again instead"
_ACTED = {
    AssignmentState.TAKEN: "imputation.taken",
    AssignmentState.DONE: "imputation.finished",
    AssignmentState.RETURNED: "imputation.returned",
}


@dataclass(frozen=True)
class Offer:
    """A decision that the actor made; ``obstacle``: why it can no longer be taken back, None when it can."""

    imputation_id: int
    obstacle: Invalid | None


def offer(session: Session, latest_id: int, actor: Actor, *, on: date) -> Offer | None:
    """The decision in force on a letter, if the actor made it and the letter is still assigned.

    Args:
        latest_id: the last decision that was not taken back, on a letter that the actor sees.
    """
    decision = session.get_one(Imputation, latest_id)
    mail = session.get_one(Mail, decision.mail_id)
    if mail.state is not MailState.ASSIGNED or decision.prior is None or _post(decision, actor) is None:
        return None
    return Offer(decision.id, next(_hanging(session, mail, decision, on=on), None))


def taken_back(session: Session, mail_id: MailId | int, actor: Actor) -> ImputationForm | None:
    """What the actor decided on a letter and took back, if nobody has decided since: the form begins with it again.

    The caller has checked that the actor may see the letter.
    """
    query = select(Imputation).where(Imputation.mail_id == mail_id).order_by(Imputation.id.desc()).limit(1)
    decision = session.scalar(query)
    if decision is None or decision.person_id != actor.person_id:
        return None
    if session.get(UndoneImputation, decision.id) is None:
        return None
    given = session.scalars(
        select(Assignment)
        .where(Assignment.imputation_id == decision.id)
        .order_by(Assignment.is_leading.desc(), Assignment.id)
    ).unique()
    first, *others = given
    # A date that the letter has without the decision was not a part of it.
    is_own = due.columns_of(first) != due.columns_of(session.get_one(Mail, mail_id))
    return ImputationForm(
        leading_unit_id=UnitId(first.unit_id) if first.post_id is None else None,
        leading_post_id=PostId(first.post_id) if first.post_id is not None else None,
        other_unit_ids=tuple(UnitId(one.unit_id) for one in others if one.post_id is None),
        other_post_ids=tuple(PostId(one.post_id) for one in others if one.post_id is not None),
        mentions=tuple(decision.mentions),
        note=decision.note,
        due_on=first.due_on if is_own and first.due_days is None else None,
        due_days=first.due_days if is_own else None,
    )


def undo(uow: UnitOfWork, imputation_ids: Sequence[int], *, actor: Actor) -> list[MailId]:
    """Take decisions back, all or none: letters, rights, dates and assignments are as they were. Returns the letters.

    Raises:
        NotFound: ``imputation.unknown``, ``mail.unknown``.
        Forbidden: ``imputation.not_yours``: another person made it, or the actor no longer holds that post.
        Invalid: ``imputation.undone``; or what hangs on it: ``imputation.not_last``, ``imputation.letter_changed``,
            ``imputation.due_rectified``, ``imputation.passed_on``, ``imputation.taken``, ``imputation.finished``,
            ``imputation.returned``, ``imputation.on_slip``, ``imputation.answered``, ``imputation.noted``,
            ``imputation.reminded``, ``imputation.opened``. ``params["mail"]``: the letter.
    """
    wanted = sorted(set(imputation_ids))
    found = {one.id: one for one in uow.session.scalars(select(Imputation).where(Imputation.id.in_(wanted)))}
    if not wanted or len(found) < len(wanted):
        raise NotFound("imputation.unknown", "reload the page", id=next((i for i in wanted if i not in found), 0))
    # Before the letters (``ged.locks.ORDER``): their dates come back, as the calendar of today counts them.
    due.hold_calendar(uow)
    locks.hold(uow.session, Mail, [one.mail_id for one in found.values()])
    return [_undo(uow, found[one], actor) for one in wanted]


def _undo(uow: UnitOfWork, decision: Imputation, actor: Actor) -> MailId:
    mail = mail_for(uow, MailId(decision.mail_id), actor=actor)
    post = _post(decision, actor)
    if post is None:
        raise Forbidden("imputation.not_yours", "ask who imputed the letter", id=mail.id)
    obstacle = next(_obstacles(uow.session, mail, decision, on=uow.now.astimezone(uow.services.zone).date()), None)
    if obstacle is not None:
        raise obstacle
    before = Before.read(decision.prior or {})
    uow.session.add(UndoneImputation(imputation_id=decision.id, person_id=actor.person_id, at=uow.now))
    undoing.restore(uow, mail, decision, before)
    uow.record(
        "mail.imputation_undone", "mail", mail.id, actor=actor, post=post, imputation=decision.id,
        restored=sorted(before.live), due_on=str(mail.due_on) if mail.due_on is not None else None,
    )  # fmt: skip
    return MailId(mail.id)


def _post(decision: Imputation, actor: Actor) -> HeldPost | None:
    """The authority's post, if the actor decided through it and still acts for it."""
    return actor.holds(decision.post_id) if decision.person_id == actor.person_id else None


# --- what hangs on a decision ---------------------------------------------------------------------------------------


def _obstacles(session: Session, mail: Mail, decision: Imputation, *, on: date) -> Iterator[Invalid]:
    """Why a decision cannot be taken back: it is not in force, or what hangs on it."""
    if session.get(UndoneImputation, decision.id) is not None:
        yield _hangs("imputation.undone", mail)
    if decision.prior is None:
        yield _hangs("imputation.letter_changed", mail)
    last = undoing.latest(session, mail.id)
    if last is None or last.id != decision.id:
        yield _hangs("imputation.not_last", mail)
    yield from _hanging(session, mail, decision, on=on)


def _hanging(session: Session, mail: Mail, decision: Imputation, *, on: date) -> Iterator[Invalid]:
    """What hangs on the decision in force. The caller takes the first: what is seldom, or costly to know, comes last."""
    if mail.state is not MailState.ASSIGNED or mail.addressed_post_id != decision.post_id:
        yield _hangs("imputation.letter_changed", mail)
    given = session.scalars(select(Assignment).where(Assignment.imputation_id == decision.id)).unique().all()
    yield from _of_receivers(session, mail, given)
    yield from _of_papers(session, mail, decision)
    rectified = select(Rectification.id).where(
        Rectification.mail_id == mail.id, Rectification.field == "due_on", Rectification.at >= decision.decided_at
    )
    if session.scalar(rectified.limit(1)) is not None:
        yield _hangs("imputation.due_rectified", mail)
    reminded = select(Reminder.id).where(Reminder.assignment_id.in_([row.id for row in given])).limit(1)
    if session.scalar(reminded) is not None:
        yield _hangs("imputation.reminded", mail)
    yield from _of_readers(session, mail, decision, given, on)


def _of_receivers(session: Session, mail: Mail, given: Sequence[Assignment]) -> Iterator[Invalid]:
    for row in given:
        if row.parent_id is not None:
            above = next(one for one in given if one.id == row.parent_id)
            yield _hangs("imputation.passed_on", mail, who=_receiver(session, above))
    for row in given:
        if row.state in _ACTED:
            yield _hangs(_ACTED[row.state], mail, who=_receiver(session, row))


def _receiver(session: Session, row: Assignment) -> str:
    return session.get_one(Post, row.post_id).title if row.post_id is not None else row.unit.name


def _of_papers(session: Session, mail: Mail, decision: Imputation) -> Iterator[Invalid]:
    """Slips, answers and notes since the decision."""
    slips = (
        select(Slip)
        .join(SlipLine, SlipLine.slip_id == Slip.id)
        .where(SlipLine.mail_id == mail.id, Slip.issued_at >= decision.decided_at, Slip.state != SlipState.VOIDED)
    )
    slip = session.scalars(slips.order_by(Slip.id).limit(1)).unique().one_or_none()
    if slip is not None:
        yield _hangs("imputation.on_slip", mail, number=slip.number_text)
    reply = aliased(Mail)
    answers = (
        select(MailLink.id)
        .join(reply, reply.id == MailLink.from_id)
        .where(MailLink.to_id == mail.id, MailLink.kind == REPLY, reply.created_at >= decision.decided_at)
        .where(reply.state != MailState.VOIDED)
    )
    if session.scalar(answers.limit(1)) is not None:
        yield _hangs("imputation.answered", mail)
    noted = (
        select(Person.name)
        .join(LetterNote, LetterNote.person_id == Person.id)
        .where(LetterNote.mail_id == mail.id, LetterNote.at >= decision.decided_at)
        .order_by(LetterNote.id)
    )
    name = session.scalar(noted.limit(1))
    if name is not None:
        yield _hangs("imputation.noted", mail, who=name)


def _of_readers(
    session: Session, mail: Mail, decision: Imputation, given: Sequence[Assignment], on: date
) -> Iterator[Invalid]:
    """Who opened the letter since, and sees it because of the decision. Those who decide through the post are left out.

    The last openings are kept for some weeks only, the first ones for good: both are looked at.
    """
    last = select(RecentLetter.person_id, RecentLetter.opened_at.label("at")).where(
        RecentLetter.mail_id == mail.id, RecentLetter.opened_at >= decision.decided_at
    )
    first = select(ReadMark.person_id, ReadMark.at).where(
        ReadMark.mail_id == mail.id, ReadMark.at >= decision.decided_at
    )
    opened = last.union_all(first).subquery()
    readers = session.execute(
        select(Person.id, Person.name, func.max(opened.c.at, type_=UtcDateTime()).label("at"))
        .join(opened, opened.c.person_id == Person.id)
        .where(Person.id != decision.person_id)
        .group_by(Person.id, Person.name)
        .order_by("at")
    ).all()
    if not readers:
        return
    own = people.of_post(session, decision.post_id, on=on)
    granted = {one for row in given for one in principals_of_target(row.unit_id, row.post_id)}
    for person_id, name, at in readers:
        if person_id not in own and _saw(session, person_id, granted, mail, on):
            yield _hangs("imputation.opened", mail, who=name, at=at)


def _saw(session: Session, person_id: int, granted: set[Principal], mail: Mail, on: date) -> bool:
    """Whether somebody who opened a letter sees it because of these rights, or has lost since the right to see it."""
    level = Confidentiality(mail.level)
    try:
        held = load_actor(session, person_id, on=on).principals.at(level)
    except NotFound:  # the account was closed since
        return True
    return not held.isdisjoint(granted) or held.isdisjoint(access.principals_of(session, mail.id))


def _hangs(code: str, mail: Mail, **more: object) -> Invalid:
    return Invalid(code, REMEDY, mail=mail.id, **more)
