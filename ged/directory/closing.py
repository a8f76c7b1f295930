"""Each minute: whoever is closed in the directory is signed out here. A directory that does not answer signs nobody out."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Select, select

from ged.directory import links, outages, provider
from ged.directory.models import DirectoryLink, ProviderSession
from ged.entry import factors, sealing
from ged.errors import EngineFailed, GedError, Invalid
from ged.org.models import OpenSession, Person
from ged.ports import IdentityProvider, Standing
from ged.unit import SYSTEM, Services, UnitOfWork

SOME = 3
"""Of fewer people, all may really have gone in one minute."""


def is_due(uow: UnitOfWork) -> bool:
    """Whether anybody is signed in of whom a directory knows."""
    directory, issuer = uow.services.directory, uow.services.provider
    return (directory is not None and uow.session.execute(_linked(directory.name).limit(1)).first() is not None) or (
        issuer is not None and uow.session.execute(_with_token(issuer.issuer).limit(1)).first() is not None
    )


def run(services: Services, *, now: datetime) -> int:
    """Ask the directory and the provider for everybody who is signed in. Returns how many people, and sessions, were signed out."""
    return _of_directory(services, now=now) + _of_provider(services, now=now)


def _of_directory(services: Services, *, now: datetime) -> int:
    directory = services.directory
    if directory is None:
        return 0
    with services.reading() as session:
        people = {subject: person_id for person_id, subject in session.execute(_linked(directory.name))}
    if not people:
        return 0
    try:
        standings = directory.standing(sorted(people))
        _require_anybody(standings)
    except EngineFailed as error:
        outages.note_away(services, directory.name, error, now=now)
        return 0
    outages.note_back(services, directory.name, now=now)
    ended = 0
    for subject, standing in standings.items():
        if standing is not Standing.OPEN:
            for attempt in services.attempts(now):
                with attempt as uow:
                    _sign_out(uow, people[subject], standing)
            ended += 1
    return ended


def _require_anybody(standings: Mapping[str, Standing]) -> None:
    """Of some people who are signed in, one at least is still known.

    A searching account without its right to read, and a filter that meets nobody, get an empty answer and no error.
    """
    if len(standings) >= SOME and all(standing is Standing.GONE for standing in standings.values()):
        raise EngineFailed("directory.nobody", "look at the right to read of GED_LDAP_BIND_DN, and at GED_LDAP_FILTER")


def _sign_out(uow: UnitOfWork, person_id: int, standing: Standing) -> None:
    try:
        person = factors.hold(uow, person_id)
    except GedError:
        return  # closed here meanwhile: no session is left
    links.end_sessions(uow, person)
    uow.record("directory.closed", "person", person.id, actor=SYSTEM, standing=standing.value)


def _of_provider(services: Services, *, now: datetime) -> int:
    issuer = services.provider
    if issuer is None:
        return 0
    with services.reading() as session:
        rows = session.execute(_with_token(issuer.issuer)).all()
    ended = 0
    for row_id, person_id, sealed in rows:
        try:
            ended += _is_refused(services, issuer, row_id, person_id, sealed, now=now)
        except EngineFailed as error:
            outages.note_away(services, issuer.issuer, error, now=now)
            return ended
    if rows:
        outages.note_back(services, issuer.issuer, now=now)
        with services.unit_of_work(now) as uow:
            provider.sweep(uow)
    return ended


def _is_refused(
    services: Services, issuer: IdentityProvider, row_id: int, person_id: int, sealed: bytes, *, now: datetime
) -> bool:
    """Renew what asks for one session; end the session when the provider does not any more."""
    try:
        held = sealing.opened(sealed, key=services.factor_secret, person_id=person_id, what=provider.RENEWAL)
    except Invalid:
        return False  # the installation's secret was changed: nothing can be asked
    renewed = issuer.renewed(held)
    with services.unit_of_work(now) as uow:
        row = uow.session.get(ProviderSession, row_id)
        # Renewed elsewhere since: what is stored now asks for the session, and our answer says nothing of it.
        if row is None or row.refresh_sealed != sealed:
            return False
        if renewed is not None:
            if renewed != held:
                row.refresh_sealed = sealing.seal(
                    renewed, key=services.factor_secret, person_id=person_id, what=provider.RENEWAL
                )
            return False
        here = uow.session.scalar(select(OpenSession).where(OpenSession.token_hash == row.token_hash))
        if here is not None:
            uow.session.delete(here)
        uow.session.delete(row)
        uow.record("directory.closed", "person", person_id, actor=SYSTEM, standing="refused")
    return True


def _linked(name: str) -> Select[int, str]:
    return (
        select(Person.id, DirectoryLink.subject)
        .join(DirectoryLink, DirectoryLink.person_id == Person.id)
        .join(OpenSession, OpenSession.person_id == Person.id)
        .where(DirectoryLink.provider == name, OpenSession.epoch == Person.session_epoch, Person.is_active)
        .distinct()
    )


def _with_token(issuer: str) -> Select[int, int, bytes]:
    return (
        select(ProviderSession.id, ProviderSession.person_id, ProviderSession.refresh_sealed)
        .join(OpenSession, OpenSession.token_hash == ProviderSession.token_hash)
        .where(ProviderSession.issuer == issuer, ProviderSession.refresh_sealed != b"")
        .order_by(ProviderSession.id)
    )
