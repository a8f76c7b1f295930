"""Sessions as rows: who is signed in, from where, since when. The cookie holds a random id, the row only its digest."""

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from sqlalchemy import Select, bindparam, delete, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ged.errors import Forbidden, NotFound
from ged.org.accounts import as_stored
from ged.org.actors import load_actor
from ged.org.models import OpenSession, Person
from ged.org.tree import of_ministry
from ged.ports import PersonId
from ged.unit import Actor, Role, Services, UnitOfWork

_log = logging.getLogger(__name__)

LONGEST_SESSION = timedelta(hours=12)
LONGEST_IDLE = timedelta(hours=2)
SEEN_EVERY = timedelta(minutes=1)
"""``seen_at`` is updated at most this often, not with every thumbnail."""
LISTED = 500


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


@dataclass(frozen=True)
class Here:
    """The actor of a request, from an open session.

    Attributes:
        password_is_given: another person knows the password: its owner must change it first.
    """

    session_id: int
    actor: Actor
    seen_at: datetime
    proved_at: datetime
    password_is_given: bool
    excepted_until: date | None
    """See ``Person``."""


def epoch_of_account(session: Session, account: str) -> int:
    """The epoch of an account, for ``open_session``: read it before the password is checked. 0: there is no such account."""
    return session.scalar(select(Person.session_epoch).where(Person.account == as_stored(account))) or 0


def open_session(
    uow: UnitOfWork, person_id: int, *, address: str, device: str, instead_of: str = "", epoch: int | None = None
) -> str:
    """Begin a session after a check of who it is. Returns the random text for the cookie; it is not stored.

    Args:
        instead_of: the text of the browser's previous cookie: its session ends.
        epoch: that of the person before the check: a password that was changed meanwhile ends this session too. None: that of now.
    """
    earlier = _find(uow.session, instead_of, now=uow.now) if instead_of else None
    if earlier is not None:
        uow.session.delete(earlier[0])
    _sweep(uow)
    token = secrets.token_urlsafe(32)
    if epoch is None:
        epoch = uow.session.scalar(select(Person.session_epoch).where(Person.id == person_id)) or 0
    uow.session.add(
        OpenSession(
            token_hash=_digest(token), person_id=person_id, epoch=epoch, opened_at=uow.now, seen_at=uow.now,
            proved_at=uow.now, address=address[:64], device=device[:200],
        )
    )  # fmt: skip
    return token


def _sweep(uow: UnitOfWork) -> None:
    over = (OpenSession.opened_at < uow.now - LONGEST_SESSION) | (OpenSession.seen_at < uow.now - LONGEST_IDLE)
    uow.session.execute(delete(OpenSession).where(over).execution_options(synchronize_session=False))


def find(session: Session, token: str, *, now: datetime, on: date) -> Here | None:
    """The actor of a cookie, with the rights on a day; None when the session has ended or never existed."""
    found = _find(session, token, now=now)
    if found is None:
        return None
    row, person = found  # keep a reference: ``load_actor`` then uses this row
    try:
        actor = load_actor(session, person.id, on=on)
    except NotFound:
        return None
    return Here(row.id, actor, row.seen_at, row.proved_at, person.must_change_password, person.excepted_until)


def _find(session: Session, token: str, *, now: datetime) -> tuple[OpenSession, Person] | None:
    """The open session of a cookie and its person, in one indexed query."""
    asked = {"token_hash": _digest(token), "opened": now - LONGEST_SESSION, "seen": now - LONGEST_IDLE}
    found = session.execute(_session_of(), asked).first()
    return None if found is None else (found[0], found[1])


@cache
def _session_of() -> Select[OpenSession, Person]:
    """The statement of ``_find``, composed once: each request asks it."""
    return (
        select(OpenSession, Person)
        .join(Person, Person.id == OpenSession.person_id)
        .where(
            OpenSession.token_hash == bindparam("token_hash"),
            OpenSession.opened_at >= bindparam("opened"),
            OpenSession.seen_at >= bindparam("seen"),
            OpenSession.epoch == Person.session_epoch,
            Person.is_active,
        )
    )


def touch(services: Services, session_id: int, *, now: datetime) -> None:
    """Update the time at which a session was last seen, if the database can be written.

    With a full disk or a busy database the request goes on, and the session may end a little early.
    """
    try:
        with services.unit_of_work(now) as uow:
            uow.session.execute(update(OpenSession).where(OpenSession.id == session_id).values(seen_at=uow.now))
    except OperationalError:
        _log.warning("session.not_touched", exc_info=True)


def epoch_of(session: Session, person_id: PersonId | int) -> int:
    """The epoch of a person's sessions: a new password raises it, which ends them."""
    return session.get_one(Person, int(person_id)).session_epoch


def administrator_without_row(session: Session, person_id: int, *, epoch: int, on: date) -> Actor | None:
    """The administrator who signed in while a full disk refused the session's row; None for everybody else.

    Valid only while the person's epoch is ``epoch``.
    """
    person = session.get(Person, person_id)
    if person is None or not person.is_active or person.session_epoch != epoch or person.must_change_password:
        return None
    actor = load_actor(session, person.id, on=on)
    return actor if actor.has(Role.ADMINISTRATOR) else None


def prove(uow: UnitOfWork, session_id: int) -> None:
    """Record that the person of a session has just entered their password."""
    uow.session.execute(update(OpenSession).where(OpenSession.id == session_id).values(proved_at=uow.now))


def end_this(uow: UnitOfWork, session_id: int, *, actor: Actor) -> None:
    """Sign out: delete the session, so that a copy of its cookie is worthless too."""
    uow.session.execute(delete(OpenSession).where(OpenSession.id == session_id))
    uow.record("session.closed", "person", actor.person_id, actor=actor)


def end_own(uow: UnitOfWork, session_id: int, *, actor: Actor) -> None:
    """End one's own session.

    Raises:
        NotFound: ``session.unknown``: the session has ended meanwhile, or is another person's.
    """
    row = uow.session.get(OpenSession, session_id)
    if row is None or row.person_id != actor.person_id:
        raise NotFound("session.unknown", "read the list again")
    end(uow, session_id, actor=actor)


def end(uow: UnitOfWork, session_id: int, *, actor: Actor) -> PersonId:
    """End a session: one's own, or anybody's as an administrator. Returns its person.

    Raises:
        NotFound: ``session.unknown``: the session has ended meanwhile, or the actor may not end it.
    """
    row = uow.session.get(OpenSession, session_id)
    if row is None or not _may_end(uow.session, row.person_id, actor):
        raise NotFound("session.unknown", "read the list again")
    uow.session.delete(row)
    uow.record("session.ended", "person", row.person_id, actor=actor, address=row.address, device=row.device)
    return PersonId(row.person_id)


def end_all(uow: UnitOfWork, person_id: int, *, actor: Actor, keep: int | None = None) -> int:
    """End all sessions of a person, except ``keep``. Returns how many were ended.

    Raises:
        Forbidden: ``session.not_yours``.
    """
    if not _may_end(uow.session, person_id, actor):
        raise Forbidden("session.not_yours", "ask an administrator")
    ids = uow.session.scalars(select(OpenSession.id).where(OpenSession.person_id == person_id)).all()
    ended = [one for one in ids if one != keep]
    uow.session.execute(delete(OpenSession).where(OpenSession.id.in_(ended)))
    if ended:
        uow.record("session.ended", "person", person_id, actor=actor, sessions=len(ended))
    return len(ended)


def _may_end(session: Session, person_id: int, actor: Actor) -> bool:
    """Whether the sessions are the actor's own, or those of a person of whose ministry the actor is an administrator."""
    if person_id == actor.person_id:
        return True
    theirs = select(Person.id).where(Person.id == person_id, of_ministry(Person.id, actor, Role.ADMINISTRATOR))
    return actor.has(Role.ADMINISTRATOR) and session.scalar(theirs) is not None


@dataclass(frozen=True)
class SessionRow:
    """A session as a list shows it."""

    id: int
    person_id: int
    account: str
    name: str
    opened_at: datetime
    seen_at: datetime
    address: str
    device: str


def listing(session: Session, actor: Actor, *, everybody: bool = False, now: datetime) -> list[SessionRow]:
    """The open sessions, the last seen first: the actor's own, or those of everybody in the ministry that the actor
    administers."""
    query = (
        select(OpenSession, Person.account, Person.name)
        .join(Person, Person.id == OpenSession.person_id)
        .where(
            OpenSession.opened_at >= now - LONGEST_SESSION,
            OpenSession.seen_at >= now - LONGEST_IDLE,
            OpenSession.epoch == Person.session_epoch,
            Person.is_active,
        )
        .order_by(OpenSession.seen_at.desc(), OpenSession.id.desc())
        .limit(LISTED)
    )
    of = of_ministry(Person.id, actor, Role.ADMINISTRATOR) if everybody else OpenSession.person_id == actor.person_id
    query = query.where(of)
    return [
        SessionRow(row.id, row.person_id, account, name, row.opened_at, row.seen_at, row.address, row.device)
        for row, account, name in session.execute(query)
    ]
