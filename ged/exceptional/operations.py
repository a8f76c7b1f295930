"""A person reads a SECRET letter by exception: proposed, confirmed by a second person, taken back, ended."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from ged import access, locks
from ged.access import Because
from ged.errors import Forbidden, Invalid, NotFound
from ged.exceptional.models import ExceptionRequest, LetterException
from ged.exceptional.reading import LONGEST
from ged.exceptional.rights import Side, second_side, sides_of, sides_of_person, speakers
from ged.notices import finding
from ged.notices.models import Occasion
from ged.org import tree
from ged.org.accounts import as_stored
from ged.org.actors import load_actor
from ged.org.models import Holding, Person, Post, held_on
from ged.ports import Confidentiality, MailId, exception_principal
from ged.register import typed_numbers
from ged.register.models import Mail, MailNumber
from ged.register.operations import mail_to_change
from ged.seconded import Step, step_of, undecided
from ged.unit import SYSTEM, Actor, UnitOfWork

LASTS = timedelta(hours=72)
"""How long a proposal waits for the second person."""
MAX_REASON = 500
REQUESTS_A_DAY = 5


def propose(
    uow: UnitOfWork, mail_id: MailId, *, account: str, until_on: date, reason: str, actor: Actor
) -> LetterException:
    """Propose that a person read a SECRET letter up to a day. Who may confirm it is told.

    Raises:
        NotFound: ``mail.unknown``.
        Forbidden: ``exception.not_holder``: the actor does not speak for the letter.
        Invalid: ``exception.not_secret``, ``exception.reason``, ``exception.person`` (no open account of the ministry),
            ``exception.sees`` (the person sees the letter anyway), ``exception.until``, ``exception.already`` (one waits or
            runs for this person), ``exception.no_second``.
    """
    on = _today(uow)
    mail, sides = _letter(uow, mail_id, actor, on)
    if not reason.strip() or len(reason) > MAX_REASON:
        raise Invalid("exception.reason", "say why the person must read it", field="reason")
    person = _person(uow.session, mail, account, actor, on)
    if not on <= until_on <= on + LONGEST:
        raise Invalid("exception.until", "choose an earlier day", field="until_on", days=LONGEST.days)
    standing = select(LetterException).where(
        LetterException.mail_id == mail.id, LetterException.person_id == person.id, LetterException.ended_at.is_(None)
    )
    if any(_stands(row, uow.now, on) for row in uow.session.scalars(standing)):
        raise Invalid("exception.already", "settle it first", field="account")
    able = _able(uow.session, mail, sides, sides[0].humans, on)
    if not able:
        raise Invalid("exception.no_second", "have a second person cleared, or lower the level")
    row = LetterException(
        mail_id=mail.id, person_id=person.id, reason=reason.strip(), until_on=until_on, behind=sorted(sides[0].humans),
        asked_by_id=int(actor.person_id), asked_at=uow.now, expires_at=uow.now + LASTS,
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()
    for asked in uow.session.scalars(_requests(mail.id).where(ExceptionRequest.person_id == person.id)):
        asked.ended_at, asked.ended_by_id = uow.now, int(actor.person_id)
    uow.record(
        "mail.exception_proposed", "mail", mail.id, actor=actor, post=sides[0].post, exception=row.id, person=person.id,
        name=person.name, until=until_on.isoformat(), reason=row.reason,
    )  # fmt: skip
    _tell(uow, row, Step.WAITING, able)
    return row


def confirm(uow: UnitOfWork, mail_id: MailId, exception_id: int, *, actor: Actor) -> None:
    """Let the person read the letter, as the second person. It takes effect at once; the person is told.

    Raises:
        NotFound: ``mail.unknown``, ``exception.unknown``.
        Forbidden: ``exception.not_holder``; ``exception.not_second``: a human of the proposal stands behind the actor too, or neither
            of the two decides on the letter.
        Invalid: ``exception.not_secret``; ``exception.settled``: it waits no more; ``exception.first_lost``: who proposed it may not
            any more; ``exception.person``: the person's account is closed, or of another ministry.
    """
    on = _today(uow)
    mail, sides = _letter(uow, mail_id, actor, on)
    row = _exception_of(uow, mail, exception_id)
    side = _second(uow, mail, row, sides, on)
    (person,) = locks.hold(uow.session, Person, [row.person_id])
    _require_near(uow.session, mail, person, actor, on)
    row.second_id, row.confirmed_at = int(actor.person_id), uow.now
    person.excepted_until = max(person.excepted_until or row.until_on, row.until_on)
    access.grant(uow, mail.id, [exception_principal(person.id, row.until_on)], Because.SHARED)
    uow.record(
        "mail.exception_granted", "mail", mail.id, actor=actor, post=side.post, exception=row.id, person=person.id,
        name=person.name, until=row.until_on.isoformat(), asked_by=row.asked_by_id, reason=row.reason,
    )  # fmt: skip
    _tell(uow, row, Step.DONE, _speakers(uow.session, mail, on) - {int(actor.person_id)})
    _tell_reader(uow, row)


def refuse(uow: UnitOfWork, mail_id: MailId, exception_id: int, *, actor: Actor) -> None:
    """Refuse a proposal, as a second person; who proposed it takes it back by this act.

    Raises:
        As ``confirm``.
    """
    on = _today(uow)
    mail, sides = _letter(uow, mail_id, actor, on)
    row = _exception_of(uow, mail, exception_id)
    is_own = row.asked_by_id == int(actor.person_id)
    if is_own and step_of(row, uow.now) is not Step.WAITING:
        raise Invalid("exception.settled", "look at it again")
    side = sides[0] if is_own else _second(uow, mail, row, sides, on)
    row.second_id, row.refused_at = int(actor.person_id), uow.now
    action = "mail.exception_withdrawn" if is_own else "mail.exception_refused"
    uow.record(
        action, "mail", mail.id, actor=actor, post=side.post, exception=row.id, person=row.person_id,
        asked_by=row.asked_by_id,
    )  # fmt: skip
    _tell(uow, row, Step.REFUSED, {row.asked_by_id} - {int(actor.person_id)})


def end(uow: UnitOfWork, mail_id: MailId, exception_id: int, *, actor: Actor) -> None:
    """End a right before its day: one of those who speak for the letter is enough.

    Raises:
        NotFound: ``mail.unknown``, ``exception.unknown``.
        Forbidden: ``exception.not_holder``.
        Invalid: ``exception.settled``: it does not run.
    """
    on = _today(uow)
    mail, sides = _letter(uow, mail_id, actor, on, any_level=True)
    row = _exception_of(uow, mail, exception_id)
    if not is_running(row, on):
        raise Invalid("exception.settled", "look at it again")
    _end(uow, row, actor, sides[0])


def set_aside(uow: UnitOfWork, mail_id: MailId, request_id: int, *, actor: Actor) -> None:
    """Set a request to read the letter aside.

    Raises:
        NotFound: ``mail.unknown``, ``exception.unknown``.
        Forbidden: ``exception.not_holder``.
    """
    mail, sides = _letter(uow, mail_id, actor, _today(uow), any_level=True)
    asked = uow.session.scalar(_requests(mail.id).where(ExceptionRequest.id == request_id))
    if asked is None:
        raise NotFound("exception.unknown", "reload the letter", id=request_id)
    asked.ended_at, asked.ended_by_id = uow.now, int(actor.person_id)
    uow.record("mail.exception_set_aside", "mail", mail.id, actor=actor, post=sides[0].post, person=asked.person_id)


def request(uow: UnitOfWork, number: str, *, reason: str, actor: Actor) -> None:
    """Ask to read a letter of which the actor knows the number. Those who speak for it are told.

    The actor learns nothing: all is alike whether there is such a letter or not.

    Raises:
        Invalid: ``exception.reason``; ``exception.many``: too many in a day.
    """
    if not reason.strip() or len(reason) > MAX_REASON:
        raise Invalid("exception.reason", "say why you must read it", field="reason")
    # Of two requests that are sent at once, the second counts the first.
    locks.hold_one(uow.session, Person, int(actor.person_id))
    lately = select(func.count(ExceptionRequest.asked_at.distinct())).where(
        ExceptionRequest.person_id == int(actor.person_id), ExceptionRequest.asked_at > uow.now - timedelta(days=1)
    )
    if (uow.session.scalar(lately) or 0) >= REQUESTS_A_DAY:
        raise Invalid("exception.many", "wait until tomorrow", most=REQUESTS_A_DAY)
    on = _today(uow)
    units = _ministry(actor)
    secret = select(Mail).where(Mail.level == int(Confidentiality.SECRET), Mail.unit_id.in_(sorted(units)))
    bearing = select(MailNumber.mail_id).where(typed_numbers.typed(number), MailNumber.voided_at.is_(None))
    found = uow.session.scalars(secret.where(Mail.id.in_(bearing)).order_by(Mail.id)).all()
    unseen = [one for one in found if not access.may_see(uow.session, one.id, Confidentiality.SECRET, actor)]
    letters: list[Mail | None] = [*unseen] or [None]
    for mail in letters:
        row = ExceptionRequest(
            person_id=int(actor.person_id), number=number.strip()[:64], mail_id=mail.id if mail is not None else None,
            reason=reason.strip(), asked_at=uow.now,
        )  # fmt: skip
        uow.session.add(row)
        uow.session.flush()
        subject = ("mail", mail.id) if mail is not None else ("person", int(actor.person_id))
        uow.record("mail.exception_requested", *subject, actor=actor, request=row.id, reason=row.reason)
        if mail is not None:
            key = f"exception-request:{row.id}"
            notices = [
                finding.Found(one, Occasion.EXCEPTION, key, mail.id, row.id) for one in _speakers(uow.session, mail, on)
            ]
            finding.tell(uow, notices)


def settle_due(uow: UnitOfWork) -> int:
    """Note in the journal the proposals that nobody decided in time, and the rights that are over: their last day is, or their letter is
    SECRET no more, or their reader has left. So none is there again when the level is raised anew. Returns how many.
    """
    on = _today(uow)
    late = select(LetterException).where(*undecided(LetterException), LetterException.expires_at <= uow.now)
    over = select(LetterException).where(
        LetterException.confirmed_at.is_not(None), LetterException.ended_at.is_(None), _is_over(on)
    )
    rows = [*uow.session.scalars(late), *uow.session.scalars(over)]
    locks.hold(uow.session, Mail, {row.mail_id for row in rows})
    done = 0
    for row in rows:
        uow.session.refresh(row)
        if row.confirmed_at is not None and row.ended_at is None:
            if uow.session.scalar(select(LetterException.id).where(LetterException.id == row.id, _is_over(on))) is None:
                continue
            _end(uow, row, SYSTEM, None)
        elif row.confirmed_at is None and row.refused_at is None and row.lapsed_at is None:
            row.lapsed_at = uow.now
            uow.record(
                "mail.exception_lapsed", "mail", row.mail_id, actor=SYSTEM, exception=row.id, asked_by=row.asked_by_id
            )
        else:
            continue
        done += 1
    return done


def end_all(uow: UnitOfWork) -> int:
    """End every right, after a restore: which were taken back after the copy, nobody can tell. Returns how many."""
    running = select(LetterException).where(
        LetterException.confirmed_at.is_not(None), LetterException.ended_at.is_(None)
    )
    rows = uow.session.scalars(running.order_by(LetterException.id)).all()
    locks.hold(uow.session, Mail, {row.mail_id for row in rows})
    for row in rows:
        _end(uow, row, SYSTEM, None)
    return len(rows)


def _is_over(on: date) -> ColumnElement[bool]:
    letter = exists().where(Mail.id == LetterException.mail_id, Mail.level == int(Confidentiality.SECRET))
    reader = exists().where(
        Person.id == LetterException.person_id, Person.is_active, Holding.person_id == Person.id, *held_on(on)
    )
    return or_(LetterException.until_on < on, ~letter, ~reader)


def is_running(row: LetterException, on: date) -> bool:
    """Whether the person reads the letter by it on a day."""
    return row.confirmed_at is not None and row.ended_at is None and row.until_on >= on


def _stands(row: LetterException, now: datetime, on: date) -> bool:
    return is_running(row, on) or step_of(row, now) is Step.WAITING


def _today(uow: UnitOfWork) -> date:
    return uow.now.astimezone(uow.services.zone).date()


def _letter(
    uow: UnitOfWork, mail_id: MailId, actor: Actor, on: date, *, any_level: bool = False
) -> tuple[Mail, tuple[Side, ...]]:
    """The letter, locked, and the ways by which the actor speaks for it."""
    mail = mail_to_change(uow, mail_id, actor=actor)
    sides = sides_of(uow.session, mail, actor, on=on)
    if not sides:
        raise Forbidden("exception.not_holder", "ask who works on the letter", id=mail.id)
    if mail.level < Confidentiality.SECRET and not any_level:
        raise Invalid("exception.not_secret", "the letter is not secret: share it as usual")
    return mail, sides


def _exception_of(uow: UnitOfWork, mail: Mail, exception_id: int) -> LetterException:
    row = uow.session.get(LetterException, exception_id, populate_existing=True)
    if row is None or row.mail_id != mail.id:
        raise NotFound("exception.unknown", "reload the letter", id=exception_id)
    return row


def _second(uow: UnitOfWork, mail: Mail, row: LetterException, sides: tuple[Side, ...], on: date) -> Side:
    """The way by which the actor decides on a proposal that waits."""
    if step_of(row, uow.now) is not Step.WAITING or row.until_on < on:
        raise Invalid("exception.settled", "look at it again")
    first = sides_of_person(uow.session, mail, row.asked_by_id, on=on)
    if not any(side.humans == frozenset(row.behind) for side in first):
        raise Invalid("exception.first_lost", "propose it anew")
    side = second_side(first, row.behind, sides)
    if side is None:
        raise Forbidden("exception.not_second", "another person who works on the letter confirms it", id=row.id)
    return side


def _able(session: Session, mail: Mail, first: tuple[Side, ...], behind: Iterable[int], on: date) -> frozenset[int]:
    known = frozenset(behind)
    return frozenset(
        person_id for person_id, sides in speakers(session, mail, on=on) if second_side(first, known, sides) is not None
    )


def _speakers(session: Session, mail: Mail, on: date) -> set[int]:
    return {person_id for person_id, _sides in speakers(session, mail, on=on)}


def _person(session: Session, mail: Mail, account: str, actor: Actor, on: date) -> Person:
    person = session.scalar(select(Person).where(Person.account == as_stored(account)))
    if person is None:
        raise Invalid("exception.person", "check the account", field="account")
    _require_near(session, mail, person, actor, on)
    reader = load_actor(session, person.id, on=on)
    if access.may_see(session, mail.id, Confidentiality(mail.level), reader):
        raise Invalid("exception.sees", "nothing to do", field="account")
    return person


def _require_near(session: Session, mail: Mail, person: Person, actor: Actor, on: date) -> None:
    """The account is open, and the person has a post in the letter's ministry."""
    root = tree.root_of(mail.unit_id, actor.units)
    held = select(Post.unit_id).join(Holding, Holding.post_id == Post.id)
    units = session.scalars(held.where(Holding.person_id == person.id, *held_on(on))).all()
    if not person.is_active or root not in {tree.root_of(unit, actor.units) for unit in units}:
        raise Invalid("exception.person", "check the account", field="account")


def _ministry(actor: Actor) -> set[int]:
    roots = {tree.root_of(unit, actor.units) for unit in actor.unit_ids}
    return {unit for unit in actor.units if tree.root_of(unit, actor.units) in roots}


def _requests(mail_id: int) -> Select[ExceptionRequest]:
    return select(ExceptionRequest).where(ExceptionRequest.mail_id == mail_id, ExceptionRequest.ended_at.is_(None))


def _end(uow: UnitOfWork, row: LetterException, actor: Actor, side: Side | None) -> None:
    row.ended_at, row.ended_by_id = uow.now, int(actor.person_id) or None
    access.revoke(uow, row.mail_id, exception_principal(row.person_id, row.until_on), Because.SHARED)
    uow.record(
        "mail.exception_ended", "mail", row.mail_id, actor=actor, post=side.post if side else None, exception=row.id,
        person=row.person_id,
    )  # fmt: skip


def _tell(uow: UnitOfWork, row: LetterException, step: Step, people: Iterable[int]) -> None:
    key = f"exception:{row.id}:{step.value}"
    finding.tell(uow, [finding.Found(one, Occasion.EXCEPTION, key, row.mail_id, row.id) for one in people])


def _tell_reader(uow: UnitOfWork, row: LetterException) -> None:
    """The reader's notice is about no letter: notices are told by the rights for changes, and the reader has none."""
    found = finding.Found(row.person_id, Occasion.EXCEPTION, f"exception:{row.id}:reader", None, row.mail_id)
    finding.tell(uow, [found])
