"""First access of a new person: a code, on a printed sheet or in a link, that lets its bearer choose a password once.

Only an account without a password gets one: for an account in use a code would let an administrator in, in another's name.
The code is stored as a digest only, works once, and not longer than ``LASTS``.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ged import locks
from ged.administration.models import FirstAccess
from ged.administration.reach import Reach
from ged.errors import Invalid, NotFound
from ged.org.accounts import set_password
from ged.org.letterhead import country_and_motto, organisation_name
from ged.org.models import Person
from ged.ports import PersonId
from ged.register.prints import Sheet
from ged.typeset import qr_svg
from ged.typography import french
from ged.unit import Actor, Services, UnitOfWork

LASTS = timedelta(hours=72)
SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without those that are read for one another on paper: 0 and O, 1 and I."""
LENGTH = 20
"""Twenty signs of 32: 100 bits."""
GROUP = 5
_OTHERS = re.compile(r"[^0-9A-Z]")


@dataclass(frozen=True)
class Made:
    """A code as it is told, once."""

    code: str
    account: str
    name: str
    until: datetime


@dataclass(frozen=True)
class Bearer:
    """Whom a code lets in."""

    person_id: PersonId
    account: str
    name: str


def make(uow: UnitOfWork, person_id: int, *, actor: Actor) -> Made:
    """Make a code for a person; an earlier one of theirs is worth nothing any more.

    Raises:
        NotFound: ``person.unknown``: no such person, or one of another ministry.
        Invalid: ``first_access.closed``: the account is closed; ``first_access.opened``: it has a password.
    """
    reach = Reach(actor, uow.services.installation_accounts)
    near = uow.session.scalar(select(Person.id).where(Person.id == person_id, reach.people))
    person = locks.hold_one(uow.session, Person, person_id) if near is not None else None
    if person is None:
        raise NotFound("person.unknown", "open it from the list again", id=person_id)
    if not person.is_active:
        raise Invalid("first_access.closed", "open the account again first")
    if person.password_hash:
        raise Invalid("first_access.opened", "let the operator give a new password: ged account password")
    uow.session.execute(delete(FirstAccess).where(FirstAccess.person_id == person_id))
    code = "".join(secrets.choice(SIGNS) for _ in range(LENGTH))
    until = uow.now + LASTS
    uow.session.add(
        FirstAccess(
            person_id=person_id,
            code_hash=_digest(code),
            made_by_id=int(actor.person_id),
            made_at=uow.now,
            expires_at=until,
        )
    )
    uow.record("first_access.made", "person", person_id, actor=actor, until=until.isoformat())
    return Made(grouped(code), person.account, person.name, until)


def grouped(code: str) -> str:
    """A code as people read it."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def _digest(code: str) -> str:
    return hashlib.sha256(_OTHERS.sub("", code.upper()).encode()).hexdigest()


def bearer(session: Session, code: str, *, now: datetime) -> Bearer:
    """Whom a code lets in.

    Raises:
        Invalid: ``first_access.gone``: no such code, used, too old, or the account has a password meanwhile.
    """
    found = _found(session, code, now)
    if found is None:
        raise Invalid("first_access.gone", "ask for a new one", field="code")
    return Bearer(PersonId(found.id), found.account, found.name)


def _found(session: Session, code: str, now: datetime) -> Person | None:
    return session.scalar(
        select(Person)
        .join(FirstAccess, FirstAccess.person_id == Person.id)
        .where(
            FirstAccess.code_hash == _digest(code[:100]), FirstAccess.expires_at > now, Person.is_active,
            Person.password_hash == "",
        )
    )  # fmt: skip


def choose(uow: UnitOfWork, code: str, password_hash: str, *, actor: Actor) -> Bearer:
    """Set the password that the bearer chose. The code is used up.

    Args:
        password_hash: made before the transaction.

    Raises:
        Invalid: ``first_access.gone``.
    """
    known = bearer(uow.session, code, now=uow.now)
    # Whoever held the row first has used the code: it is looked up again under the lock.
    locks.hold_one(uow.session, Person, int(known.person_id))
    known = bearer(uow.session, code, now=uow.now)
    uow.session.execute(delete(FirstAccess).where(FirstAccess.person_id == int(known.person_id)))
    uow.record("first_access.used", "person", int(known.person_id), actor=actor)
    set_password(uow, known.person_id, password_hash, actor=actor)
    return known


def sheet(session: Session, services: Services, made: Made, *, address: str, link: str, now: datetime) -> Sheet:
    """The sheet for the sealed envelope.

    Args:
        address: of the page on which the code is typed; ``link``: the same with the code, for the QR code.
    """
    country, motto = country_and_motto(services.country)
    until = made.until.astimezone(services.zone)
    data = {
        "organisation": organisation_name(session), "country": country, "motto": motto, "name": french(made.name),
        "account": made.account, "code": made.code, "address": address, "qr": qr_svg(link),
        "until": f"{until:%d/%m/%Y à %H:%M}",
    }  # fmt: skip
    return Sheet("first_access.typ", data, now, f"premier-acces-{made.account}.pdf")
