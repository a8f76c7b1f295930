"""Scanner bridges: pairing with a unit, authentication, and the scanners at the desk."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from ged import locks
from ged.capture.models import FINAL_ORDER_STATES, Bridge, OrderState, PairingCode, ScanOrder
from ged.errors import Forbidden, Invalid, NotFound
from ged.org.models import Unit
from ged.org.tree import heirs_among, ministry_of_role
from ged.ports import UnitId
from ged.unit import SYSTEM, Actor, HeldPost, Role, UnitOfWork

CODE_LIFE = timedelta(minutes=15)
SEEN_EVERY = timedelta(seconds=20)
ONLINE = timedelta(seconds=70)
"""A bridge polls at least every 25 s. A bridge silent for longer than this is shown as offline."""
# Without I, O, 0 and 1, which look like each other on a screen.
CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
MAX_DEVICES = 50
MAX_VERSION = 40
"""Longest version that is kept of a bridge, in characters."""


@dataclass(frozen=True)
class BridgeIdentity:
    """The bridge that a token names."""

    id: int
    unit_id: int
    name: str
    last_seen_at: datetime | None


def token_digest(token: str) -> str:
    """The digest of a bridge's token; only this is stored."""
    return _hash(token)


def _hash(text: str) -> str:
    # No slow hash with a salt: what it hashes is random, 256 bits of a token, 40 of a code that lives 15 minutes.
    return hashlib.sha256(text.encode()).hexdigest()


def may_pair(actor: Actor, unit_id: int) -> HeldPost | None:
    """The post through which the actor may pair a bridge with a unit: its clerk, or an administrator of
    its ministry.
    """
    is_near = unit_id in ministry_of_role(actor, Role.ADMINISTRATOR)
    return actor.post_with(Role.CLERK, unit_id=UnitId(unit_id)) or (
        actor.post_with(Role.ADMINISTRATOR) if is_near else None
    )


def pairable_units(session: Session, actor: Actor) -> frozenset[UnitId]:
    """Units with which the actor may pair a bridge: those of ``desk_units`` that are open."""
    found = session.scalars(select(Unit.id).where(Unit.closed_at.is_(None), Unit.id.in_(desk_units(actor))))
    return frozenset(UnitId(unit_id) for unit_id in found)


def desk_units(actor: Actor) -> frozenset[UnitId]:
    """Units whose bridges the actor may revoke: those of the actor's clerk posts; of an administrator, those of the ministry
    too. Closed ones are among them: a bridge outlives its unit, and its token stays valid.
    """
    own = (post.unit_id for post in actor.posts if Role.CLERK in post.roles)
    return frozenset(own).union(UnitId(unit_id) for unit_id in ministry_of_role(actor, Role.ADMINISTRATOR))


def make_pairing_code(uow: UnitOfWork, unit_id: int, *, actor: Actor, now: datetime) -> str:
    """A code of eight characters to type at the desk, valid for 15 minutes and for one bridge.

    Raises:
        Forbidden: ``bridge.pair_forbidden``.
    """
    post = may_pair(actor, unit_id)
    if post is None:
        raise Forbidden("bridge.pair_forbidden", "ask the unit's clerk or an administrator", unit=unit_id)
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(8))
    row = PairingCode(
        code_hash=_hash(code), unit_id=unit_id, made_by_id=actor.person_id or None, expires_at=now + CODE_LIFE
    )
    uow.session.add(row)
    uow.session.flush()
    uow.record("bridge.code_made", "pairing_code", row.id, actor=actor, post=post, unit=unit_id)
    return f"{code[:4]}-{code[4:]}"


def pair(uow: UnitOfWork, code: str, name: str, *, now: datetime) -> tuple[str, int]:
    """Exchange a code for a token; returns the token (it is not stored) and the bridge's id.

    Raises:
        NotFound: ``bridge.code_wrong``: unknown, used or expired.
    """
    typed = code.upper().replace("-", "").replace(" ", "").strip()
    # Locked: of two bridges that send one code, the second finds it used.
    row = next(iter(locks.hold_where(uow.session, PairingCode, PairingCode.code_hash == _hash(typed))), None)
    if row is None or row.used_at is not None or row.expires_at < now:
        raise NotFound("bridge.code_wrong", "ask for a new pairing code")
    row.used_at = now
    token = secrets.token_urlsafe(32)
    bridge = Bridge(
        name=" ".join(name.split())[:100] or "Numériseur", unit_id=row.unit_id, token_hash=_hash(token), paired_at=now
    )
    uow.session.add(bridge)
    uow.session.flush()
    uow.record("bridge.paired", "bridge", bridge.id, actor=SYSTEM, name=bridge.name, unit=bridge.unit_id, code=row.id)
    return token, bridge.id


def revoke(uow: UnitOfWork, bridge_id: int, *, actor: Actor, now: datetime) -> None:
    """Revoke a bridge: its token becomes invalid, and what it was to scan is cancelled.

    Raises:
        NotFound: ``bridge.unknown``: there is none, or it is another office's, which the form does not show either.
    """
    asked = and_(ScanOrder.bridge_id == bridge_id, ScanOrder.state.not_in(FINAL_ORDER_STATES))
    orders = locks.hold_where(uow.session, ScanOrder, asked)  # before the bridge, as ``orders.order_progress`` does
    bridge = locks.hold_one(uow.session, Bridge, bridge_id)
    post = may_pair(actor, bridge.unit_id) if bridge is not None else None
    if bridge is None or post is None:
        raise NotFound("bridge.unknown", "choose a bridge of the list", id=bridge_id)
    if bridge.revoked_at is None:
        bridge.revoked_at = now
        seen_at = bridge.last_seen_at.isoformat() if bridge.last_seen_at else None
        before = {"unit": bridge.unit_id, "devices": [one["name"] for one in bridge.devices], "last_seen_at": seen_at}
        uow.record(
            "bridge.revoked", "bridge", bridge.id, actor=actor, post=post, name=bridge.name, before=before, after=None
        )
        for order in orders:
            order.state, order.cancel_requested, order.changed_at = OrderState.CANCELLED, True, now
            uow.record("scan.order_cancelled", "scan_order", order.id, actor=actor, post=post)


def authenticate(session: Session, token: str) -> BridgeIdentity:
    """The bridge that a token names.

    Raises:
        Forbidden: ``bridge.token_wrong``.
    """
    row = session.scalar(select(Bridge).where(Bridge.token_hash == _hash(token), Bridge.revoked_at.is_(None)))
    if row is None:
        raise Forbidden("bridge.token_wrong", "pair the bridge again")
    return BridgeIdentity(row.id, row.unit_id, row.name, row.last_seen_at)


def seen(uow: UnitOfWork, bridge_id: int, *, now: datetime) -> None:
    """Update the time at which a bridge was last seen (no journal entry: no person has changed anything)."""
    uow.session.get_one(Bridge, bridge_id).last_seen_at = now


def seen_waiting(uow: UnitOfWork, token_digests: Collection[str], *, now: datetime) -> None:
    """Update the last-seen time of bridges that wait for orders, in one statement."""
    late = now - SEEN_EVERY
    uow.session.execute(
        update(Bridge)
        .where(Bridge.token_hash.in_(token_digests), or_(Bridge.last_seen_at.is_(None), Bridge.last_seen_at < late))
        .values(last_seen_at=now)
    )


def tell_devices(
    uow: UnitOfWork, bridge_id: int, devices: list[dict[str, Any]], *, version: str = "", now: datetime
) -> None:
    """Store the scanners that a bridge reports, and the version of its program. Older bridges do not tell theirs.

    Raises:
        Invalid: ``bridge.devices``.
    """
    checked = [_device(device) for device in devices[:MAX_DEVICES]]
    version = "".join(one for one in version if one.isprintable())[:MAX_VERSION]
    bridge = uow.session.get_one(Bridge, bridge_id)
    bridge.last_seen_at = now
    if (checked, version) != (bridge.devices, bridge.program_version):
        bridge.devices, bridge.program_version = checked, version
        names = [device["name"] for device in checked]
        uow.record("bridge.devices", "bridge", bridge.id, actor=SYSTEM, devices=names, version=version)


def _device(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict) or not str(raw.get("name") or "").strip():
        raise Invalid("bridge.devices", "each device needs a name")
    texts = {key: str(raw.get(key) or "")[:200] for key in ("name", "vendor", "model", "type")}
    lists = {key: [str(v)[:100] for v in _list(raw.get(key))] for key in ("sources", "modes")}
    return {**texts, **lists, "resolutions": [int(v) for v in _list(raw.get("resolutions")) if _is_number(v)]}


def _list(value: object) -> list[Any]:
    return list(value)[:100] if isinstance(value, list) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 100_000


def unit_of(session: Session, bridge_id: int) -> int:
    """The unit of a bridge.

    Raises:
        NotFound: ``bridge.unknown``.
    """
    bridge = session.get(Bridge, bridge_id)
    if bridge is None or bridge.revoked_at is not None:
        raise NotFound("bridge.unknown", "choose a bridge of the list", id=bridge_id)
    return bridge.unit_id


def clerk_of(actor: Actor, unit_id: int) -> HeldPost:
    """The post through which the actor handles a unit's scans.

    Raises:
        Forbidden: ``scan.not_clerk``.
    """
    post = handling_post(actor, unit_id)
    if post is None:
        raise Forbidden("scan.not_clerk", "ask the mail office of this unit", unit=unit_id)
    return post


def handling_post(actor: Actor, unit_id: int) -> HeldPost | None:
    """As ``clerk_of``: a clerk's post of the unit, or of the one that took over its work; None if there is none."""
    found = (actor.post_with(Role.CLERK, unit_id=UnitId(one)) for one in heirs_among(unit_id, actor.units))
    return next((post for post in found if post is not None), None)
