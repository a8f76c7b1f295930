"""Signing in through an identity provider: from the browser that is sent there to the person who comes back."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from ged.directory import links, outages
from ged.directory.models import ProviderRequest, ProviderSession
from ged.entry import factors, sealing, second
from ged.errors import EngineFailed, Invalid
from ged.org import throttle
from ged.org.accounts import told_when_full
from ged.org.models import OpenSession, Person
from ged.org.throttle import Limit
from ged.ports import Identity, IdentityProvider, PersonId
from ged.unit import SYSTEM, ReadSession, Services, UnitOfWork

LASTS = timedelta(minutes=10)
UNUSED = timedelta(minutes=15)
"""After that, what a provider said of a session that was never opened, or has ended, is forgotten."""
FRESH_S = 120
"""Who proves again who they are has signed in there in these last seconds."""
ASKED = Limit("provider", 60, 2)
"""Ways to the provider that one address may begin: a ministry may have one address."""
RENEWAL = "renewal"
"""What is sealed: see ``ged.entry.sealing``."""
LOGOUTS = Limit("logout", 300, 0.2)


@dataclass(frozen=True)
class Came:
    """Who came back from the provider.

    Attributes:
        pending: the text under which ``ProviderSession`` waits for the session that is opened.
        proves_session_id: None: a sign-in; else the person proved again who they are, and nothing else is to be done.
        asks_more: our second step is due.
        epoch: that of the person when the provider named them, for ``ged.org.sessions.open_session``.
    """

    person_id: PersonId
    target: str
    pending: str
    proves_session_id: int | None
    asks_more: bool
    epoch: int


def begin(
    services: Services, *, browser: str, target: str, redirect_uri: str, address: str, anew: bool, now: datetime,
    proves_session_id: int | None = None,
) -> str:  # fmt: skip
    """Begin a way to the provider. Returns the address to which the browser goes.

    Args:
        browser: the text in the browser's cookie.
        target: a path of this site.
        anew: the person signs in at the provider again, although a session is open there.

    Raises:
        EngineFailed: ``provider.away``, ``provider.issuer``.
        Invalid: ``session.throttled``.
    """
    provider = _provider(services)
    state, nonce, verifier = (secrets.token_urlsafe(size) for size in (32, 32, 48))
    is_anew = anew or proves_session_id is not None
    # Before the transaction: the provider may have to be asked for its addresses.
    try:
        way = provider.address(redirect_uri=redirect_uri, state=state, nonce=nonce, verifier=verifier, anew=is_anew)
    except EngineFailed as error:
        outages.note_away(services, provider.issuer, error, now=now)
        raise
    with services.unit_of_work(now) as uow:
        is_open = throttle.take(uow.session, ASKED, ASKED.subject(address), now=now)
        uow.session.execute(delete(ProviderRequest).where(ProviderRequest.expires_at < uow.now))
        if is_open:
            uow.session.add(
                ProviderRequest(
                    state_hash=_digest(state), browser_hash=_digest(browser), nonce=nonce, verifier=verifier,
                    proves_session_id=proves_session_id, target=target, begun_at=uow.now, expires_at=uow.now + LASTS,
                )
            )  # fmt: skip
    if not is_open:
        raise Invalid("session.throttled", "wait, then try again", seconds=max(1, ASKED.every_ms // 1000))
    return way


def finish(
    services: Services, *, state: str, browser: str, code: str, redirect_uri: str, address: str, now: datetime
) -> Came:
    """Take the browser that comes back: once for each way that was begun, and from the same browser.

    Raises:
        EngineFailed: ``provider.away``.
        Invalid: ``provider.over`` (nothing such was begun here, or it was taken), ``provider.refused``,
            ``provider.no_account`` (nobody here, closed here, or the account is another's: all alike), ``provider.other_person``.
        NotRecorded: the database's disk is full.
    """
    provider = _provider(services)
    asked = _taken(services, state, browser, now=now)
    max_age_s = FRESH_S if asked.proves_session_id is not None else None
    try:
        who = provider.identity(
            code, redirect_uri=redirect_uri, nonce=asked.nonce, verifier=asked.verifier, max_age_s=max_age_s
        )
    except EngineFailed as error:
        outages.note_away(services, provider.issuer, error, now=now)
        raise
    outages.note_back(services, provider.issuer, now=now)
    if asked.proves_session_id is not None:
        return _proved(services, provider, who, asked)
    person_id, epoch = _person(services, provider, who, address, now=now)
    pending = secrets.token_urlsafe(32)
    with told_when_full(PersonId(person_id), epoch), services.unit_of_work(now) as uow:
        links.bind(uow, person_id, provider.issuer, who.subject)
        asks_more = factors.is_armed(uow.session, person_id) and not who.second_done
        _keep(uow, person_id, provider, who, pending)
        action = "session.password_right" if asks_more else "session.opened"
        uow.record(action, "person", person_id, actor=second.own(person_id), address=address, by="provider")
    return Came(PersonId(person_id), asked.target, pending, None, asks_more, epoch)


@dataclass(frozen=True)
class _Asked:
    nonce: str
    verifier: str
    target: str
    proves_session_id: int | None


def _taken(services: Services, state: str, browser: str, *, now: datetime) -> _Asked:
    with services.unit_of_work(now) as uow:
        row = uow.session.scalar(select(ProviderRequest).where(ProviderRequest.state_hash == _digest(state)))
        is_ours = (
            row is not None
            and bool(browser)
            and row.expires_at >= now
            and hmac.compare_digest(row.browser_hash, _digest(browser))
        )
        asked = (
            _Asked(row.nonce, row.verifier, row.target, row.proves_session_id) if row is not None and is_ours else None
        )
        if asked is not None:
            # Of two browsers that bring one answer, one deletes the row.
            gone = uow.session.scalar(
                delete(ProviderRequest)
                .where(ProviderRequest.state_hash == _digest(state))
                .returning(ProviderRequest.id)
                .execution_options(synchronize_session=False)
            )
            asked = asked if gone is not None else None
    if asked is None:
        raise Invalid("provider.over", "begin again")
    return asked


def _proved(services: Services, provider: IdentityProvider, who: Identity, asked: _Asked) -> Came:
    with services.reading() as session:
        here = session.get(OpenSession, asked.proves_session_id)
        owner = links.person_of(session, provider.issuer, who.subject)
    if here is None or here.person_id != owner:
        raise Invalid("provider.other_person", "sign in there as yourself")
    return Came(PersonId(owner), asked.target, "", asked.proves_session_id, asks_more=False, epoch=here.epoch)


def _person(
    services: Services, provider: IdentityProvider, who: Identity, address: str, *, now: datetime
) -> tuple[int, int]:
    """Who it is, and the epoch: by the link, else by the account that the provider names, if nobody else is linked to it.

    Raises:
        Invalid: ``provider.no_account``.
    """
    with services.reading() as session:
        owner = links.person_of(session, provider.issuer, who.subject)
        by_name = select(Person).where(Person.account == who.account)
        person = session.get(Person, owner) if owner is not None else session.scalar(by_name) if who.account else None
        known = links.subject_of(session, person.id, provider.issuer) if person is not None else ""
    if person is not None and known and known != who.subject:
        # A name was given to another person there: that person is nobody here.
        links.note_mismatch(services, person.id, provider.issuer, who.subject, now=now)
        person = None
    if person is None or not person.is_active:
        with services.unit_of_work(now) as uow:
            uow.record(
                "session.refused", "person", person.id if person else None, actor=SYSTEM, address=address,
                account=person.account if person else "", by="provider",
            )  # fmt: skip
        raise Invalid("provider.no_account", "ask an administrator")
    return person.id, person.session_epoch


# --- what the provider said of a session ---


def _keep(uow: UnitOfWork, person_id: int, provider: IdentityProvider, who: Identity, pending: str) -> None:
    sweep(uow)
    sealed = b""
    if who.refresh_token:
        sealed = sealing.seal(who.refresh_token, key=uow.services.factor_secret, person_id=person_id, what=RENEWAL)
    uow.session.add(
        ProviderSession(
            token_hash=_digest(pending), person_id=person_id, issuer=provider.issuer, subject=who.subject, provider_sid=who.sid,
            id_token=who.id_token, refresh_sealed=sealed, second_done=who.second_done, opened_at=uow.now,
        )
    )  # fmt: skip


def sweep(uow: UnitOfWork) -> None:
    """Forget what was said of sessions that have ended, and of those that were never opened."""
    is_open = exists().where(OpenSession.token_hash == ProviderSession.token_hash)
    over = ProviderSession.opened_at < uow.now - UNUSED
    uow.session.execute(delete(ProviderSession).where(over, ~is_open).execution_options(synchronize_session=False))


def follow(uow: UnitOfWork, pending: str, token: str, person_id: int) -> None:
    """The session is opened: what waited under ``pending`` belongs to it, if it is the same person's."""
    uow.session.flush()
    uow.session.execute(
        update(ProviderSession)
        .where(ProviderSession.token_hash == _digest(pending), ProviderSession.person_id == person_id)
        .values(token_hash=_digest(token))
        .execution_options(synchronize_session=False)
    )


def of_session(session: ReadSession, session_id: int) -> ProviderSession | None:
    """What the provider said of an open session; None: it was not opened by one."""
    return session.scalar(
        select(ProviderSession)
        .join(OpenSession, OpenSession.token_hash == ProviderSession.token_hash)
        .where(OpenSession.id == session_id, OpenSession.person_id == ProviderSession.person_id)
    )


def second_done(session: Session, session_id: int) -> bool:
    """Whether the provider asked for the second step of an open session."""
    row = of_session(session, session_id)
    return row is not None and row.second_done


def leave(services: Services, logout_token: str, *, address: str, now: datetime) -> int:
    """End the sessions of which the provider says that they ended there. Returns how many did.

    Raises:
        EngineFailed: ``provider.away``.
        Invalid: ``provider.refused``, ``session.throttled``.
    """
    provider = _provider(services)
    with services.unit_of_work(now) as uow:
        is_open = throttle.take(uow.session, LOGOUTS, LOGOUTS.subject(address), now=now)
    if not is_open:
        raise Invalid("session.throttled", "wait, then try again", seconds=1)
    gone = provider.leaving(logout_token)
    with services.unit_of_work(now) as uow:
        found = (
            select(ProviderSession.token_hash, ProviderSession.person_id)
            .join(OpenSession, OpenSession.token_hash == ProviderSession.token_hash)
            .where(
                ProviderSession.issuer == provider.issuer,
                # A message that is brought again ends no session that was opened after it.
                ProviderSession.opened_at
                <= datetime.fromtimestamp(gone.issued_at, tz=now.tzinfo) + timedelta(seconds=5),
            )
        )
        found = found.where(ProviderSession.provider_sid == gone.sid) if gone.sid else found
        rows = uow.session.execute(
            found.where(ProviderSession.subject == gone.subject) if gone.subject else found
        ).all()
        for token_hash, person_id in rows:
            uow.session.execute(delete(OpenSession).where(OpenSession.token_hash == token_hash))
            uow.record("directory.left", "person", person_id, actor=SYSTEM, provider=provider.issuer)
    return len(rows)


def _provider(services: Services) -> IdentityProvider:
    if services.provider is None:
        raise Invalid("provider.none", "sign in by account and password")
    return services.provider


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
