"""Which entry of a directory a person is: bound at the first sign-in, never moved to another person by a name."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, delete, select

from ged.db import insert_if_missing
from ged.directory.models import BreakGlass, DirectoryLink
from ged.entry import factors, second
from ged.errors import Invalid, NotFound
from ged.org.models import OpenSession, Person
from ged.unit import SYSTEM, Actor, ReadSession, Services, UnitOfWork

LISTED = 1000


def subject_of(session: ReadSession, person_id: int, provider: str) -> str:
    """The subject to which a person is linked; empty: to none of this provider."""
    return session.scalar(_link(person_id, provider).with_only_columns(DirectoryLink.subject)) or ""


def person_of(session: ReadSession, provider: str, subject: str) -> int | None:
    """The person that a subject is; None: nobody yet."""
    return session.scalar(
        select(DirectoryLink.person_id).where(DirectoryLink.provider == provider, DirectoryLink.subject == subject)
    )


def is_linked(session: ReadSession, person_id: int) -> bool:
    """Whether a directory or provider says who this person is."""
    return session.scalar(select(DirectoryLink.id).where(DirectoryLink.person_id == person_id).limit(1)) is not None


def has_own_password(session: ReadSession, services: Services, person_id: int) -> bool:
    """Whether a password here opens the account: it is linked to nothing, or it is a break-glass account."""
    if services.directory is None and services.provider is None:
        return True
    if session.scalar(select(BreakGlass.id).where(BreakGlass.person_id == person_id)) is not None:
        return True
    return services.own_passwords and not is_linked(session, person_id)


def bind(uow: UnitOfWork, person_id: int, provider: str, subject: str) -> None:
    """Bind a person, or note that the link was used. The password here counts no more, so nobody asks to change it.

    Raises:
        Invalid: ``directory.mismatch``: the subject is another person, or the person another subject. Nothing is changed.
    """
    made = insert_if_missing(
        uow.session, DirectoryLink, person_id=person_id, provider=provider, subject=subject, bound_at=uow.now, used_at=uow.now
    )  # fmt: skip
    row = uow.session.scalar(_link(person_id, provider))
    if row is None or row.subject != subject:
        raise Invalid("directory.mismatch", "ask an administrator")
    row.used_at = uow.now
    person = uow.session.get_one(Person, person_id)
    if person.must_change_password:
        person.must_change_password = False
    if made:
        uow.record(
            "directory.bound", "person", person_id, actor=second.own(person_id), provider=provider, subject=subject
        )


def note_mismatch(services: Services, person_id: int, provider: str, subject: str, *, now: datetime) -> None:
    """Tell the journal that somebody came with a name of this account and is another."""
    with services.unit_of_work(now) as uow:
        uow.record("directory.mismatch", "person", person_id, actor=SYSTEM, provider=provider, subject=subject)


def unlink(uow: UnitOfWork, link_id: int, *, actor: Actor) -> None:
    """Undo a link: the next sign-in binds anew. All sessions of the person end.

    Raises:
        NotFound: ``directory.no_link``.
    """
    row = uow.session.get(DirectoryLink, link_id)
    if row is None:
        raise NotFound("directory.no_link", "reload the list")
    person = factors.hold(uow, row.person_id)
    uow.session.delete(row)
    end_sessions(uow, person)
    uow.record("directory.unbound", "person", person.id, actor=actor, provider=row.provider, subject=row.subject)


def end_sessions(uow: UnitOfWork, person: Person) -> None:
    """End all sessions and half-done sign-ins of a person."""
    factors.end_sessions(uow, person)
    uow.session.execute(delete(OpenSession).where(OpenSession.person_id == person.id))


@dataclass(frozen=True)
class LinkRow:
    """A link as the page shows it."""

    id: int
    account: str
    name: str
    provider: str
    subject: str
    bound_at: datetime
    used_at: datetime | None


def listing(session: ReadSession) -> list[LinkRow]:
    """All links, by account."""
    rows = session.execute(
        select(DirectoryLink, Person.account, Person.name)
        .join(Person, Person.id == DirectoryLink.person_id)
        .order_by(Person.account, DirectoryLink.id)
        .limit(LISTED)
    )
    return [
        LinkRow(link.id, account, name, link.provider, link.subject, link.bound_at, link.used_at)
        for link, account, name in rows
    ]


def _link(person_id: int, provider: str) -> Select[DirectoryLink]:
    return select(DirectoryLink).where(DirectoryLink.person_id == person_id, DirectoryLink.provider == provider)
