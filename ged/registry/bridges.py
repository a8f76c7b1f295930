"""Scanner bridges: how one is paired with a unit, how it proves who it is, and what it is asked to do."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.org.models import Unit
from ged.ports import UnitId
from ged.registry.intake_models import (
    FINAL_ORDER_STATES,
    BatchSource,
    BatchState,
    Bridge,
    OrderState,
    PairingCode,
    Scan,
    ScanBatch,
    ScanLeaf,
    ScanOrder,
    ScanState,
)
from ged.unit import SYSTEM, Actor, HeldPost, Role, UnitOfWork

CODE_LIFE = timedelta(minutes=15)
SEEN_EVERY = timedelta(seconds=20)
ONLINE = timedelta(seconds=70)
"""A bridge asks at least every 25 s; one that was silent for longer than this is shown as away."""
CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
MODES = ("color", "gray", "lineart")
SIDES = ("one", "duplex", "two_pass")
PAPERS = ("a4", "a5", "a3", "letter", "legal", "whole")
FRONT, BACK = "front", "back"
MAX_DEVICES = 50
REPORTED_STATES = frozenset(state.value for state in OrderState) - {OrderState.WAITING.value}


@dataclass(frozen=True)
class BridgeIdentity:
    """The bridge that a token names."""

    id: int
    unit_id: int
    name: str
    last_seen_at: datetime | None


@dataclass(frozen=True)
class Order:
    """What a bridge is asked to scan."""

    id: int
    batch_key: str
    device: str | None
    source: str | None
    mode: str
    dpi: int
    duplex: bool
    paper: str
    complete: bool


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def may_pair(actor: Actor, unit_id: int) -> HeldPost | None:
    """The post through which the actor may pair a bridge with a unit: its clerk, or an administrator."""
    return actor.post_with(Role.CLERK, unit_id=UnitId(unit_id)) or actor.post_with(Role.ADMINISTRATOR)


def pairable_units(session: Session, actor: Actor) -> frozenset[UnitId]:
    """Units with which the actor may pair a bridge: all for an administrator, else those of its clerk's posts."""
    if actor.has(Role.ADMINISTRATOR):
        return frozenset(UnitId(i) for i in session.scalars(select(Unit.id).where(Unit.closed_at.is_(None))))
    return frozenset(post.unit_id for post in actor.posts if Role.CLERK in post.roles)


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
    """Exchange a code for a token; answers the token (told this once) and the bridge's id.

    Raises:
        NotFound: ``bridge.code_wrong``: unknown, used or too old.
    """
    typed = code.upper().replace("-", "").replace(" ", "").strip()
    row = uow.session.scalar(select(PairingCode).where(PairingCode.code_hash == _hash(typed)).with_for_update())
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
    """Take a bridge's right away; its token opens nothing any more.

    Raises:
        NotFound: ``bridge.unknown``.
        Forbidden: ``bridge.pair_forbidden``.
    """
    bridge = uow.session.get(Bridge, bridge_id)
    if bridge is None:
        raise NotFound("bridge.unknown", "choose a bridge of the list", id=bridge_id)
    post = may_pair(actor, bridge.unit_id)
    if post is None:
        raise Forbidden("bridge.pair_forbidden", "ask the unit's clerk or an administrator", unit=bridge.unit_id)
    if bridge.revoked_at is None:
        bridge.revoked_at = now
        uow.record("bridge.revoked", "bridge", bridge.id, actor=actor, post=post, name=bridge.name)


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
    """Note that a bridge is there (no entry in the journal: it is not a change that a person makes)."""
    uow.session.get_one(Bridge, bridge_id).last_seen_at = now


def tell_devices(uow: UnitOfWork, bridge_id: int, devices: list[dict[str, Any]], *, now: datetime) -> None:
    """Store what a bridge found at its desk.

    Raises:
        Invalid: ``bridge.devices``.
    """
    checked = [_device(device) for device in devices[:MAX_DEVICES]]
    bridge = uow.session.get_one(Bridge, bridge_id)
    bridge.last_seen_at = now
    if checked != bridge.devices:
        bridge.devices = checked
        names = [device["name"] for device in checked]
        uow.record("bridge.devices", "bridge", bridge.id, actor=SYSTEM, devices=names)


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


def order_scan(
    uow: UnitOfWork,
    bridge_id: int,
    *,
    actor: Actor,
    now: datetime,
    device: str | None = None,
    source: str | None = None,
    mode: str = "gray",
    dpi: int = 300,
    duplex: bool = False,
    side: str = "",
    paper: str = "a4",
    complete: bool = True,
    batch_key: str | None = None,
    into_scan_id: int | None = None,
    into_leaf_id: int | None = None,
    replaces_leaf: bool = False,
    into_mail_id: int | None = None,
) -> ScanOrder:
    """Ask a bridge to scan: into a new batch, one more page of an open one, a waiting scan, or straight to a letter.

    ``into_mail_id`` is given only by operations that checked that the actor may add to the letter. ``side`` is
    ``front`` or ``back`` when a feeder that sees one side scans both in two passes: ``intake`` puts them together.

    Raises:
        NotFound: ``bridge.unknown``, ``scan.unknown``, ``scan.page_unknown``, ``batch.unknown``.
        Forbidden: ``scan.not_clerk``.
        Invalid: those of ``check_settings``.
        InvalidTransition: ``batch.complete``.
    """
    bridge = uow.session.get(Bridge, bridge_id)
    if bridge is None or bridge.revoked_at is not None:
        raise NotFound("bridge.unknown", "choose a bridge of the list", id=bridge_id)
    post = clerk_of(actor, bridge.unit_id) if into_mail_id is None else None
    check_settings(mode, dpi, "duplex" if duplex else "one", paper)
    if batch_key is not None:
        batch = _open_batch(uow, bridge, batch_key)
    else:
        batch = _new_batch(uow, bridge, scan_id=into_scan_id, mail_id=into_mail_id)
        if into_leaf_id is not None:
            _check_leaf(uow, into_leaf_id, into_scan_id)
        batch.into_leaf_id, batch.replaces_leaf = into_leaf_id, replaces_leaf
    order = ScanOrder(
        bridge_id=bridge.id,
        batch_key=batch.key,
        device=device or None,
        source=source or None,
        mode=mode,
        dpi=dpi,
        duplex=duplex,
        side=side if side in (FRONT, BACK) else "",
        paper=paper,
        complete=complete,
        ordered_by_id=actor.person_id or None,
        ordered_at=now,
        changed_at=now,
    )
    uow.session.add(order)
    uow.session.flush()
    uow.record("scan.ordered", "scan_order", order.id, actor=actor, post=post, bridge=bridge.id, batch=batch.key)
    return order


def check_settings(mode: str, dpi: int, sides: str, paper: str) -> None:
    """Refuse what no scanner understands.

    Raises:
        Invalid: ``order.mode``, ``order.dpi``, ``order.sides``, ``order.paper``.
    """
    if mode not in MODES:
        raise Invalid("order.mode", "choose a colour mode", field="mode")
    if not 50 <= dpi <= 1200:
        raise Invalid("order.dpi", "choose a resolution between 50 and 1200", field="dpi")
    if sides not in SIDES:
        raise Invalid("order.sides", "choose one side, both, or two passes", field="sides")
    if paper not in PAPERS:
        raise Invalid("order.paper", "choose a size of paper", field="paper")


def next_pass(uow: UnitOfWork, order_id: int, *, actor: Actor, now: datetime, same_side: bool = False) -> ScanOrder:
    """One more pass into the same open batch with the same settings, after an order that ended.

    After a fault it is the rest of the stack; after a first pass of two it is the backs, unless more fronts follow
    (``same_side``); else one more page.

    Raises:
        NotFound: ``order.unknown``, ``bridge.unknown``.
        Forbidden: ``scan.not_clerk``.
        InvalidTransition: ``order.not_ended``, ``batch.complete``.
    """
    before = _order_of(uow, order_id)
    if before.state not in FINAL_ORDER_STATES:
        raise InvalidTransition("order.not_ended", "wait for its end, or stop it", id=order_id)
    is_done = before.state is OrderState.DONE
    turned = is_done and before.side == FRONT and not same_side
    return order_scan(
        uow,
        before.bridge_id,
        actor=actor,
        now=now,
        device=before.device,
        source=before.source,
        mode=before.mode,
        dpi=before.dpi,
        duplex=before.duplex,
        side=BACK if turned else before.side,
        paper=before.paper,
        complete=turned or before.side == BACK or (before.complete and not is_done),
        batch_key=before.batch_key,
    )


def _open_batch(uow: UnitOfWork, bridge: Bridge, key: str) -> ScanBatch:
    found = uow.session.scalar(select(ScanBatch).where(ScanBatch.key == key, ScanBatch.bridge_id == bridge.id))
    if found is None:
        raise NotFound("batch.unknown", "begin a new batch", key=key)
    if found.state is not BatchState.OPEN:
        raise InvalidTransition("batch.complete", "begin a new batch", key=key)
    return found


def _new_batch(uow: UnitOfWork, bridge: Bridge, *, scan_id: int | None, mail_id: int | None) -> ScanBatch:
    if scan_id is not None:
        scan = uow.session.get(Scan, scan_id)
        if scan is None or scan.unit_id != bridge.unit_id:
            raise NotFound("scan.unknown", "reload the list of waiting scans", id=scan_id)
        if scan.state is not ScanState.WAITING or scan.is_signed:
            raise InvalidTransition("scan.not_waiting", "reload the list of waiting scans", id=scan_id)
    batch = ScanBatch(
        key=secrets.token_hex(16),
        bridge_id=bridge.id,
        unit_id=bridge.unit_id,
        source=BatchSource.BRIDGE,
        into_scan_id=scan_id,
        into_mail_id=mail_id,
        created_at=uow.now,
    )
    uow.session.add(batch)
    uow.session.flush()
    return batch


def _check_leaf(uow: UnitOfWork, leaf_id: int, scan_id: int | None) -> None:
    leaf = uow.session.get(ScanLeaf, leaf_id)
    if leaf is None or leaf.scan_id != scan_id:
        raise NotFound("scan.page_unknown", "reload the scan", id=leaf_id)


def unit_of(session: Session, bridge_id: int) -> int:
    """The unit whose desk a bridge is.

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
    post = actor.post_with(Role.CLERK, unit_id=UnitId(unit_id))
    if post is None:
        raise Forbidden("scan.not_clerk", "ask the mail office of this unit", unit=unit_id)
    return post


def next_order(session: Session, bridge_id: int) -> Order | None:
    """The oldest order that the bridge has not begun; told again until the bridge says that it begins."""
    row = session.scalar(
        select(ScanOrder)
        .where(ScanOrder.bridge_id == bridge_id, ScanOrder.state == OrderState.WAITING)
        .order_by(ScanOrder.id)
        .limit(1)
    )
    if row is None:
        return None
    return Order(row.id, row.batch_key, row.device, row.source, row.mode, row.dpi, row.duplex, row.paper, row.complete)


def order_progress(
    uow: UnitOfWork, bridge_id: int, order_id: int, *, state: str, pages: int, code: str, detail: str, now: datetime
) -> bool:
    """Note how an order goes; answers whether the bridge should stop.

    A late word on an order that has ended changes nothing, and the bridge is told to stop.

    Raises:
        NotFound: ``order.unknown``.
        Invalid: ``order.state``.
    """
    order = _order_of(uow, order_id)
    if order.bridge_id != bridge_id:
        raise NotFound("order.unknown", "fetch the orders again", id=order_id)
    if state not in REPORTED_STATES:
        raise Invalid("order.state", "send a state of the contract", state=state[:32])
    bridge = uow.session.get_one(Bridge, bridge_id)
    if bridge.last_seen_at is None or now - bridge.last_seen_at > SEEN_EVERY:
        bridge.last_seen_at = now
    if order.state in FINAL_ORDER_STATES:
        return order.state is OrderState.CANCELLED
    order.pages = max(order.pages, min(max(pages, 0), 100_000))
    order.code, order.detail, order.changed_at = code[:64], detail[:500], now
    if OrderState(state) is not order.state:
        order.state = OrderState(state)
        uow.record("scan.order_state", "scan_order", order.id, actor=SYSTEM, state=state, pages=order.pages, code=code)
    return order.cancel_requested and order.state not in FINAL_ORDER_STATES


def cancel_order(uow: UnitOfWork, order_id: int, *, actor: Actor, now: datetime) -> None:
    """Stop an order: at once when the scanner has not begun, else at the bridge's next word.

    A second request ends the order here, so that a bridge that died leaves nothing hanging.

    Raises:
        NotFound: ``order.unknown``.
        Forbidden: ``scan.not_clerk``.
    """
    order = _order_of(uow, order_id)
    bridge = uow.session.get_one(Bridge, order.bridge_id)
    post = clerk_of(actor, bridge.unit_id)
    if order.state in FINAL_ORDER_STATES:
        return
    if order.state is OrderState.WAITING or order.cancel_requested:
        order.state = OrderState.CANCELLED
    order.cancel_requested, order.changed_at = True, now
    uow.record("scan.order_cancelled", "scan_order", order.id, actor=actor, post=post)


def _order_of(uow: UnitOfWork, order_id: int) -> ScanOrder:
    order = uow.session.get(ScanOrder, order_id, with_for_update=True, populate_existing=True)
    if order is None:
        raise NotFound("order.unknown", "fetch the orders again", id=order_id)
    return order
