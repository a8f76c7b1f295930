"""Passkeys (WebAuthn, by py_webauthn): added, used after the password, and used alone.

The relying party is the host of the public address; the device verifies its user (a finger, a PIN) each time, so that a passkey alone
is two factors: something held and something known. A challenge lives in the row of a step and is signed once; a device whose
count of signatures goes back may have been copied, and is refused.
"""

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import select
from sqlalchemy.orm import Session
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from ged.entry import factors, recovery, second, steps
from ged.entry.models import Passkey, StepKind
from ged.errors import GedError, Invalid
from ged.letterhead import organisation_name
from ged.notices.models import FactorStep
from ged.org import throttle
from ged.org.accounts import Caller
from ged.org.models import Person
from ged.org.throttle import Limit
from ged.ports import PersonId
from ged.unit import Actor, Services, UnitOfWork

ASKED = Limit("passkey", 600, 1)
"""Challenges that one address asks for without a password: a ministry may share it."""
MOST = 20
"""Passkeys of one person."""
LONGEST_ANSWER = 20_000
"""Characters of a browser's answer."""


@dataclass(frozen=True)
class Party:
    """For whom passkeys are made.

    Attributes:
        rp_id: the host; origin: what a browser says it is on.
    """

    rp_id: str
    origin: str


@dataclass(frozen=True)
class Added:
    """A passkey was added: as ``totp.Armed``."""

    recovery_codes: tuple[str, ...]
    raised_epoch: int | None


@dataclass(frozen=True)
class Opened:
    """A passkey was taken.

    Attributes:
        epoch: that of the person while the passkey was checked, for ``ged.org.sessions.open_session``.
    """

    person_id: PersonId
    epoch: int


def party(public_url: str) -> Party | None:
    """The relying party of an installation; None where browsers make no passkeys: an address of numbers, or no ``https`` (but on the
    machine itself)."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        is_name = bool(host)
    else:
        is_name = False
    is_near = host == "localhost" or host.endswith(".localhost")
    if not is_name or not (parts.scheme == "https" or is_near):
        return None
    return Party(host, f"{parts.scheme}://{parts.netloc}")


def _require_party(services: Services) -> Party:
    found = party(services.public_url)
    if found is None:
        raise Invalid("second_step.no_passkeys", "use a telephone")
    return found


# --- adding ---


def begin(uow: UnitOfWork, *, actor: Actor, instead_of: str) -> tuple[str, str]:
    """Begin to add a passkey of the actor. Returns the text for the cookie, and what the browser needs, as JSON.

    Raises:
        Invalid: ``second_step.no_passkeys``, ``second_step.too_many``.
    """
    found = _require_party(uow.services)
    person = factors.hold(uow, int(actor.person_id))
    own = uow.session.scalars(select(Passkey).where(Passkey.person_id == person.id)).all()
    if len(own) >= MOST:
        raise Invalid("second_step.too_many", "remove one first", most=MOST)
    token = steps.begin(uow, StepKind.ADD, person.id, instead_of=instead_of)
    uow.session.flush()
    made = steps.challenge(uow, steps.require(uow.session, token, StepKind.ADD, now=uow.now))
    options = webauthn.generate_registration_options(
        rp_id=found.rp_id,
        rp_name=organisation_name(uow.session) or "GED",
        user_id=own[0].user_handle if own else _handle(uow.services, person.id),
        user_name=actor.account,
        user_display_name=actor.name,
        challenge=made,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=key.credential_id) for key in own],
    )
    return token, webauthn.options_to_json(options)


def add(uow: UnitOfWork, token: str, name: str, answer: str, *, actor: Actor) -> Added:
    """Keep the passkey that the actor's device made.

    Args:
        answer: of ``navigator.credentials.create``, as JSON.

    Raises:
        Invalid: ``second_step.over``; ``second_step.passkey_refused``; ``second_step.passkey_known``.
    """
    found = _require_party(uow.services)
    person = factors.hold(uow, int(actor.person_id))
    step = steps.require(uow.session, token, StepKind.ADD, now=uow.now)
    if step.person_id != person.id:
        raise Invalid("second_step.over", "begin again")
    try:
        made = webauthn.verify_registration_response(
            credential=_answer(answer), expected_challenge=step.challenge, expected_rp_id=found.rp_id,
            expected_origin=found.origin, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise _refused() from error
    steps.end(uow, step)
    digest = _digest(made.credential_id)
    if uow.session.scalar(select(Passkey.id).where(Passkey.credential_hash == digest)) is not None:
        raise Invalid("second_step.passkey_known", "this device is added already")
    is_first = not factors.is_armed(uow.session, person.id)
    own = uow.session.scalars(select(Passkey).where(Passkey.person_id == person.id)).first()
    row = Passkey(
        person_id=person.id, name=name[:80], credential_hash=digest, credential_id=made.credential_id,
        public_key=made.credential_public_key, user_handle=own.user_handle if own else _handle(uow.services, person.id), sign_count=made.sign_count,
        rp_id=found.rp_id, is_synced=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        added_at=uow.now,
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()
    uow.record("second_step.armed", "person", person.id, actor=actor, way="passkey", name=row.name, passkey=row.id)
    codes = recovery.renew(uow, person.id, actor=actor) if is_first else ()
    if is_first:
        factors.end_sessions(uow, person)
    factors.tell_owner(uow, person.id, FactorStep.ADDED)
    return Added(codes, person.session_epoch if is_first else None)


# --- using ---


def ask(services: Services, token: str, *, now: datetime) -> str:
    """What a browser needs to sign the second step with one of the person's passkeys, as JSON.

    Raises:
        Invalid: ``second_step.over``, ``second_step.no_passkeys``.
    """
    found = _require_party(services)
    with services.unit_of_work(now) as uow:
        step = steps.require(uow.session, token, StepKind.SECOND, now=now)
        made = steps.challenge(uow, step)
        own = uow.session.scalars(select(Passkey).where(Passkey.person_id == step.person_id)).all()
        allowed = [PublicKeyCredentialDescriptor(id=key.credential_id) for key in own]
    return _asked(found, made, allowed)


def ask_alone(services: Services, *, instead_of: str, address: str, now: datetime) -> tuple[str, str]:
    """Begin a sign-in by a passkey alone. Returns the text for the cookie, and what the browser needs, as JSON: the same for everybody.

    Raises:
        Invalid: ``second_step.no_passkeys``, ``session.throttled``.
    """
    found = _require_party(services)
    subject = ASKED.subject(address)
    with services.unit_of_work(now) as uow:
        is_open = throttle.take(uow.session, ASKED, subject, now=now)
        token = steps.begin(uow, StepKind.ALONE, None, instead_of=instead_of) if is_open else ""
        uow.session.flush()
        made = steps.challenge(uow, steps.require(uow.session, token, StepKind.ALONE, now=now)) if is_open else b""
    if not is_open:
        raise Invalid("session.throttled", "wait, then try again", seconds=ASKED.every_ms // 1000)
    return token, _asked(found, made, [])


def _asked(found: Party, made: bytes, allowed: list[PublicKeyCredentialDescriptor]) -> str:
    options = webauthn.generate_authentication_options(
        rp_id=found.rp_id, challenge=made, allow_credentials=allowed,
        user_verification=UserVerificationRequirement.REQUIRED,
    )  # fmt: skip
    return webauthn.options_to_json(options)


def _anybody(_session: Session, _person_id: int) -> bool:
    return True


def sign_in(
    services: Services, token: str, answer: str, *, kind: StepKind, caller: Caller, now: datetime,
    may_alone: Callable[[Session, int], bool] = _anybody,
) -> Opened:  # fmt: skip
    """Complete a sign-in by a passkey: the second step after the password, or alone.

    Args:
        answer: of ``navigator.credentials.get``, as JSON.
        may_alone: whether a person may sign in without a directory (``ged.directory``).

    Raises:
        Invalid: ``session.by_directory``: the person may not; ``second_step.over``; ``second_step.passkey_refused``: unknown,
            another person's, of a closed account, or not rightly signed, all alike; ``second_step.passkey_copied``: its count
            went back.
    """
    found = _require_party(services)
    try:
        credential = _answer(answer)
        credential_id = base64url_to_bytes(str(credential["id"]))
    except (ValueError, KeyError, TypeError) as error:
        raise _refused() from error
    with services.reading() as session:
        owner = session.scalar(select(Passkey.person_id).where(Passkey.credential_hash == _digest(credential_id)))
        steps.require(session, token, kind, now=now)
    if owner is None:
        raise _refused()
    copied: int | None = None
    with services.unit_of_work(now) as uow:
        person, row = _held_key(uow, owner, credential_id)
        epoch = person.session_epoch
        step = steps.require(uow.session, token, kind, now=now)
        if kind is StepKind.SECOND and step.person_id != owner:
            raise _refused()
        count = _verified(row, credential, step.challenge, found)
        if kind is StepKind.ALONE and not may_alone(uow.session, owner):
            raise Invalid("session.by_directory", "sign in through the directory")
        steps.end(uow, step)
        if (count or row.sign_count) and count <= row.sign_count:
            copied = row.id
            uow.record(
                "second_step.refused", "person", owner, actor=second.own(owner), way="passkey", passkey=row.id,
                name=row.name, count=count, known=row.sign_count, address=caller.address,
            )  # fmt: skip
        else:
            row.sign_count, row.used_at = count, uow.now
            way = "passkey" if kind is StepKind.SECOND else "passkey_alone"
            second.complete(uow, owner, way=way, address=caller.address)
    # Raised behind the block: the refusal stays in the journal, and the step is used up.
    if copied is not None:
        raise Invalid("second_step.passkey_copied", "sign in another way, and remove it")
    return Opened(PersonId(owner), epoch)


def _held_key(uow: UnitOfWork, owner: int, credential_id: bytes) -> tuple[Person, Passkey]:
    """The owner, locked, and the passkey."""
    try:
        person = factors.hold(uow, owner)
    except GedError as closed:
        raise _refused() from closed
    row = uow.session.scalar(
        select(Passkey).where(Passkey.credential_hash == _digest(credential_id), Passkey.person_id == owner)
    )
    if row is None:
        raise _refused()
    return person, row


def _verified(row: Passkey, credential: dict[str, object], challenge: bytes, found: Party) -> int:
    """The device's new count, if the signature is right."""
    try:
        handle = dict(credential["response"]).get("userHandle")  # type: ignore[call-overload]
        if handle and base64url_to_bytes(str(handle)) != row.user_handle:
            raise _refused()
        # The count is compared by us: a copied device is told apart from a wrong signature.
        made = webauthn.verify_authentication_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=found.rp_id, expected_origin=found.origin,
            credential_public_key=row.public_key, credential_current_sign_count=-1, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise _refused() from error
    return int(made.new_sign_count)


def _answer(answer: str) -> dict[str, object]:
    if len(answer) > LONGEST_ANSWER:
        raise ValueError("too long")
    credential = json.loads(answer)
    if not isinstance(credential, dict):
        raise TypeError("no object")
    return credential


def _handle(services: Services, person_id: int) -> bytes:
    """What a device knows a person by: it tells nothing of the person, and is the same again after all passkeys were removed."""
    return hmac.digest(services.factor_secret, f"ged/passkey/{person_id}".encode(), "sha256")


def _digest(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def _refused() -> Invalid:
    return Invalid("second_step.passkey_refused", "try again, or sign in another way")
