"""First access of a new person: a code, on a printed sheet or in a link, that lets its bearer choose a password once.

Only an account without a password gets one: for an account in use a code would let an administrator in, in another's name.
The code is stored as a digest only, works once, not longer than ``LASTS``, and only after a second person confirmed it: see
``ged.administration.seconds``.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import locks
from ged.administration.reach import Reach
from ged.administration.seconds import Seconds, able_lately, seconds_of
from ged.errors import Forbidden, Invalid, NotFound
from ged.letterhead import country_and_motto, organisation_name
from ged.notices import finding
from ged.notices.models import Occasion
from ged.org.accounts import set_password
from ged.org.models import FirstAccess, Person
from ged.org.openings import OpeningState, OpeningStep, rows, state_of
from ged.org.turns import one_at_a_time
from ged.ports import PersonId
from ged.sheets import Sheet
from ged.typeset import qr_svg
from ged.typography import french
from ged.unit import SYSTEM, Actor, Services, UnitOfWork

LASTS = timedelta(hours=72)
SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without those that are read for one another on paper: 0 and O, 1 and I."""
LENGTH = 20
"""Twenty signs of 32: 100 bits."""
GROUP = 5
_OTHERS = re.compile(r"[^0-9A-Z]")


@dataclass(frozen=True)
class Made:
    """A code as it is told, once.

    Attributes:
        is_alone: it works without a second person.
    """

    code: str
    account: str
    name: str
    until: datetime
    is_alone: bool


@dataclass(frozen=True)
class Bearer:
    """Whom a code lets in."""

    person_id: PersonId
    account: str
    name: str


def make(uow: UnitOfWork, person_id: int, *, actor: Actor) -> Made:
    """Make a code for a person; an earlier one of theirs is worth nothing any more. Who can confirm it is told.

    Raises:
        NotFound: ``person.unknown``: no such person, or one of another ministry.
        Invalid: ``first_access.closed``: the account is closed; ``first_access.opened``: it has a password.
    """
    reach = Reach(actor, uow.services.installation_accounts)
    mine = reach.opened_by(uow.now.astimezone(uow.services.zone).date())
    near = uow.session.scalar(select(Person.id).where(Person.id == person_id, mine))
    person = locks.hold_one(uow.session, Person, person_id) if near is not None else None
    if person is None:
        raise NotFound("person.unknown", "open it from the list again", id=person_id)
    if not person.is_active:
        raise Invalid("first_access.closed", "open the account again first")
    if person.password_hash:
        raise Invalid("first_access.opened", "let the operator give a new password: ged account password")
    row = uow.session.scalar(select(FirstAccess).where(FirstAccess.person_id == person_id))
    if row is None:
        row = FirstAccess(person_id=person_id)
        uow.session.add(row)
    code = "".join(secrets.choice(SIGNS) for _ in range(LENGTH))
    row.code_hash, row.made_by_id, row.made_at, row.expires_at = (
        _digest(code), int(actor.person_id), uow.now, uow.now + LASTS
    )  # fmt: skip
    row.second_id = row.confirmed_at = row.refused_at = row.used_at = None
    found = _seconds(uow, row)
    today = uow.now.astimezone(uow.services.zone).date()
    lately = able_lately(uow.session, person_id, maker_id=row.made_by_id, on=today) if not found.able else frozenset()
    row.is_alone = not found.able and not lately
    uow.session.flush()
    uow.record(
        "first_access.made", "person", person_id, actor=actor, until=row.expires_at.isoformat(), is_alone=row.is_alone,
        second_people=sorted(found.able or lately),
    )  # fmt: skip
    _tell(uow, row, OpeningStep.WAITING, found.asked | lately)
    _tell(uow, row, OpeningStep.MADE, found.notified - found.asked - lately)
    return Made(grouped(code), person.account, person.name, row.expires_at, row.is_alone)


def _seconds(uow: UnitOfWork, row: FirstAccess) -> Seconds:
    today = uow.now.astimezone(uow.services.zone).date()
    accounts = uow.services.installation_accounts
    return seconds_of(
        uow.session, row.person_id, maker_id=row.made_by_id, installation_accounts=accounts, on=today
    )  # fmt: skip


def tell_of_posts(uow: UnitOfWork, act_id: int, accounts: Iterable[str]) -> None:
    """Tell the heads of accounts that were opened without a second person, and that an act gives a post: nobody but the maker of the
    code has vouched for them."""
    opened = (
        select(FirstAccess)
        .join(Person, Person.id == FirstAccess.person_id)
        .where(Person.account.in_(sorted(set(accounts))), FirstAccess.is_alone, FirstAccess.used_at.is_not(None))
    )
    for row in uow.session.scalars(opened).all():
        _tell(uow, row, OpeningStep.GIVEN, _seconds(uow, row).notified, of=f"act-{act_id}")


@contextmanager
def told_of_lapsed(uow: UnitOfWork, act_id: int) -> Iterator[None]:
    """Ask once more, for the codes that were confirmed before an act and wait again after it."""
    standing = select(FirstAccess.id).where(FirstAccess.confirmed_at.is_not(None), FirstAccess.used_at.is_(None))
    before = uow.session.scalars(standing).all()
    yield
    if not before:
        return
    lapsed = select(FirstAccess).where(FirstAccess.id.in_(before)).execution_options(populate_existing=True)
    for row in uow.session.scalars(lapsed).all():
        if state_of(row, now=uow.now) is OpeningState.WAITING:
            _tell(uow, row, OpeningStep.WAITING, _seconds(uow, row).asked, of=f"act-{act_id}-{uow.now:%y%m%d%H%M%S}")


def _tell(uow: UnitOfWork, row: FirstAccess, step: OpeningStep, people: Iterable[int], *, of: str = "") -> None:
    """``of``: what is told; empty: of this code."""
    key = f"account:{row.id}:{of or row.code_hash[:16]}:{step.value}"
    finding.tell(uow, [finding.Found(one, Occasion.ACCOUNT, key, None, row.id) for one in people])


def confirm(uow: UnitOfWork, opening_id: int, *, shown: str, actor: Actor) -> None:
    """Let a code work: the actor is its second person. The confirmation lasts while posts, name and clearance stay: see
    ``ged.org.follow``.

    Args:
        shown: ``OpeningRow.mark`` of what the actor saw.

    Raises:
        NotFound: ``first_access.unknown``: no such code, or the actor has nothing to do with it.
        Forbidden: ``first_access.not_second``: the actor made it, or it is for the actor.
        Invalid: ``first_access.settled``: it does not wait any more, or is not what was shown: another code was made, or the posts,
            the name or the clearance changed.
    """
    row = _held(uow, opening_id, actor, shown)
    row.second_id, row.confirmed_at = int(actor.person_id), uow.now
    uow.record("first_access.confirmed", "person", row.person_id, actor=actor, made_by=row.made_by_id)


def refuse(uow: UnitOfWork, opening_id: int, *, shown: str, actor: Actor) -> None:
    """Make a code worthless, as its second person. Its maker and all who were told of it are told.

    Raises:
        NotFound, Forbidden, Invalid: as ``confirm``.
    """
    row = _held(uow, opening_id, actor, shown)
    row.second_id, row.refused_at = int(actor.person_id), uow.now
    uow.record("first_access.refused", "person", row.person_id, actor=actor, made_by=row.made_by_id)
    _tell(uow, row, OpeningStep.REFUSED, (_seconds(uow, row).notified | {row.made_by_id}) - {int(actor.person_id)})


def _held(uow: UnitOfWork, opening_id: int, actor: Actor, shown: str) -> FirstAccess:
    """The row of a code that waits for the actor. The person is locked, as by whoever makes or uses a code."""
    # No act gives a post between what is compared here and the commit.
    one_at_a_time(uow)
    row = uow.session.get(FirstAccess, opening_id)
    if row is None:
        raise NotFound("first_access.unknown", "open it from the list again", id=opening_id)
    locks.hold_one(uow.session, Person, row.person_id)
    uow.session.refresh(row)
    if int(actor.person_id) not in _seconds(uow, row).able:
        if int(actor.person_id) not in (row.person_id, row.made_by_id):
            raise NotFound("first_access.unknown", "open it from the list again", id=opening_id)
        raise Forbidden("first_access.not_second", "another administrator or a head above confirms it", id=opening_id)
    opening = rows(uow.session, [row.id], on=uow.now.astimezone(uow.services.zone).date(), now=uow.now)[row.id]
    if opening.state is not OpeningState.WAITING or opening.mark != shown:
        raise Invalid("first_access.settled", "look at it again")
    return row


def grouped(code: str) -> str:
    """A code as people read it."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def _digest(code: str) -> str:
    return hashlib.sha256(_OTHERS.sub("", code.upper()).encode()).hexdigest()


def bearer(session: Session, code: str, *, now: datetime) -> Bearer:
    """Whom a code lets in.

    Raises:
        Invalid: ``first_access.gone``: no such code, used, refused, too old, or the account has a password meanwhile;
            ``first_access.waiting``: a second person must confirm it first.
    """
    row, person = _found(session, code)
    state = state_of(row, now=now) if row is not None else OpeningState.EXPIRED
    if person is None or state not in (OpeningState.READY, OpeningState.WAITING):
        raise Invalid("first_access.gone", "ask for a new one", field="code")
    if state is OpeningState.WAITING:
        raise Invalid("first_access.waiting", "let the head of the unit confirm it", field="code")
    return Bearer(PersonId(person.id), person.account, person.name)


def _found(session: Session, code: str) -> tuple[FirstAccess, Person] | tuple[None, None]:
    found = session.execute(
        select(FirstAccess, Person)
        .join(Person, Person.id == FirstAccess.person_id)
        .where(FirstAccess.code_hash == _digest(code[:100]), Person.is_active, Person.password_hash == "")
    ).one_or_none()
    return (found[0], found[1]) if found is not None else (None, None)


def choose(uow: UnitOfWork, code: str, password_hash: str) -> Bearer:
    """Set the password that the bearer chose. The code is used up, and all whom it concerns are told, the person too.

    Args:
        password_hash: made before the transaction.

    Raises:
        Invalid: as ``bearer``.
    """
    known = bearer(uow.session, code, now=uow.now)
    # Whoever held the row first has used the code: it is looked up again under the lock.
    locks.hold_one(uow.session, Person, int(known.person_id))
    uow.session.expire_all()
    known = bearer(uow.session, code, now=uow.now)
    row = uow.session.scalars(select(FirstAccess).where(FirstAccess.person_id == int(known.person_id))).one()
    row.used_at = uow.now
    actor = replace(SYSTEM, person_id=known.person_id)
    uow.record(
        "first_access.used", "person", int(known.person_id), actor=actor, made_by=row.made_by_id, is_alone=row.is_alone,
        confirmed_by=row.second_id,
    )  # fmt: skip
    set_password(uow, known.person_id, password_hash, actor=actor)
    notified = _seconds(uow, row).notified | {row.person_id, row.made_by_id} | {row.second_id or row.person_id}
    _tell(uow, row, OpeningStep.USED, notified)
    return known


def sheet(session: Session, services: Services, made: Made, *, address: str, link: str, now: datetime) -> Sheet:
    """The sheet for the sealed envelope.

    Args:
        address: of the page on which the code is typed; ``link``: that address with the code, for the QR code.
    """
    country, motto = country_and_motto(services.country)
    until = made.until.astimezone(services.zone)
    data = {
        "organisation": organisation_name(session), "country": country, "motto": motto, "name": french(made.name),
        "account": made.account, "code": made.code, "address": address, "qr": qr_svg(link),
        "until": f"{until:%d/%m/%Y à %H:%M}", "is_alone": made.is_alone,
    }  # fmt: skip
    return Sheet("first_access.typ", data, now, f"premier-acces-{made.account}.pdf")
