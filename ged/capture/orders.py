"""Scan orders: their settings, the batch for the pages, and their progress."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import locks
from ged.capture.bridges import SEEN_EVERY, clerk_of, handling_post
from ged.capture.models import (
    FINAL_ORDER_STATES,
    BatchSource,
    BatchState,
    Bridge,
    OrderState,
    Scan,
    ScanBatch,
    ScanLeaf,
    ScanOrder,
    ScanState,
)
from ged.errors import Invalid, InvalidTransition, NotFound
from ged.unit import SYSTEM, Actor, HeldPost, UnitOfWork

MODES = ("color", "gray", "lineart")
SIDES = ("one", "duplex", "two_pass")
PAPERS = ("a4", "a5", "a3", "letter", "legal", "whole")
FRONT, BACK = "front", "back"
"""The side that a one-sided feeder scans, if both sides are scanned in two passes; ``intake`` interleaves them."""
REPORTED_STATES = frozenset(state.value for state in OrderState) - {OrderState.WAITING.value}


@dataclass(frozen=True)
class Settings:
    """How to scan. ``sides``: ``one``, ``duplex``, ``two_pass``; ``more``: the batch stays open for another pass."""

    source: str = ""
    mode: str = "gray"
    dpi: int = 300
    sides: str = "one"
    paper: str = "a4"
    more: bool = False

    def check(self) -> None:
        """Refuse invalid settings.

        Raises:
            Invalid: ``order.mode``, ``order.dpi``, ``order.sides``, ``order.paper``.
        """
        if self.mode not in MODES:
            raise Invalid("order.mode", "choose a colour mode", field="mode")
        if not 50 <= self.dpi <= 1200:
            raise Invalid("order.dpi", "choose a resolution between 50 and 1200", field="dpi")
        if self.sides not in SIDES:
            raise Invalid("order.sides", "choose one side, both, or two passes", field="sides")
        if self.paper not in PAPERS:
            raise Invalid("order.paper", "choose a size of paper", field="paper")


@dataclass(frozen=True)
class ScanTarget:
    """The destination of the pages; by default a new batch, which becomes a waiting scan.

    ``batch_key``: one more pass of an open batch. ``scan_id``: a waiting scan, at its end, behind its page ``leaf_id``,
    or replacing this page (``replaces_leaf``). ``mail_id``: directly to a letter; set only by operations that have
    checked the actor's right.
    """

    batch_key: str | None = None
    scan_id: int | None = None
    leaf_id: int | None = None
    replaces_leaf: bool = False
    mail_id: int | None = None


NEW_BATCH = ScanTarget()
A_LETTER = Settings()


@dataclass(frozen=True)
class Order:
    """An order for a bridge."""

    id: int
    batch_key: str
    device: str | None
    source: str | None
    mode: str
    dpi: int
    duplex: bool
    paper: str
    complete: bool


def order_scan(
    uow: UnitOfWork,
    bridge_id: int,
    settings: Settings = A_LETTER,
    *,
    actor: Actor,
    now: datetime,
    device: str | None = None,
    into: ScanTarget = NEW_BATCH,
) -> ScanOrder:
    """Order a bridge to scan, with the given scanner or with its first.

    Raises:
        NotFound: ``bridge.unknown``, ``scan.unknown``, ``scan.page_unknown``, ``batch.unknown``.
        Forbidden: ``scan.not_clerk``.
        Invalid: the codes of ``Settings.check``.
        InvalidTransition: ``batch.complete``, ``scan.not_waiting``.
    """
    bridge = _bridge(uow, bridge_id)
    post = clerk_of(actor, bridge.unit_id) if into.mail_id is None else None
    settings.check()
    batch = _new_batch(uow, bridge, into) if into.batch_key is None else _open_batch(uow, bridge, into.batch_key)
    two_pass = settings.sides == "two_pass"
    order = ScanOrder(
        device=device or None,
        source=settings.source or None,
        mode=settings.mode,
        dpi=settings.dpi,
        duplex=settings.sides == "duplex",
        side=FRONT if two_pass else "",
        paper=settings.paper,
        complete=not (settings.more or two_pass),
    )
    return _send(uow, order, bridge, batch, actor=actor, post=post, now=now)


def _send(
    uow: UnitOfWork,
    order: ScanOrder,
    bridge: Bridge,
    batch: ScanBatch,
    *,
    actor: Actor,
    post: HeldPost | None,
    now: datetime,
) -> ScanOrder:
    order.bridge_id, order.batch_key = bridge.id, batch.key
    order.ordered_by_id, order.ordered_at, order.changed_at = actor.person_id or None, now, now
    uow.session.add(order)
    uow.session.flush()
    uow.record("scan.ordered", "scan_order", order.id, actor=actor, post=post, bridge=bridge.id, batch=batch.key)
    return order


def next_pass(uow: UnitOfWork, order_id: int, *, actor: Actor, now: datetime, same_side: bool = False) -> ScanOrder:
    """One more pass into the same open batch with the same settings, after an order that ended.

    After a fault: the rest of the stack. After the first of two passes: the backs, unless more fronts follow
    (``same_side``). Otherwise: one more page.

    Raises:
        NotFound: ``order.unknown`` (also for an order of another mail office), ``bridge.unknown``.
        InvalidTransition: ``order.not_ended``, ``batch.complete``.
    """
    before, bridge, post = _order_to_change(uow, order_id, actor)
    if before.state not in FINAL_ORDER_STATES:
        raise InvalidTransition("order.not_ended", "wait for its end, or stop it", id=order_id)
    is_done = before.state is OrderState.DONE
    turned = is_done and before.side == FRONT and not same_side
    batch = _open_batch(uow, _bridge(uow, bridge.id), before.batch_key)
    order = ScanOrder(
        device=before.device,
        source=before.source,
        mode=before.mode,
        dpi=before.dpi,
        duplex=before.duplex,
        side=BACK if turned else before.side,
        paper=before.paper,
        complete=turned or before.side == BACK or (before.complete and not is_done),
    )
    return _send(uow, order, bridge, batch, actor=actor, post=post, now=now)


def _bridge(uow: UnitOfWork, bridge_id: int) -> Bridge:
    found = uow.session.get(Bridge, bridge_id)
    if found is None or found.revoked_at is not None:
        raise NotFound("bridge.unknown", "choose a bridge of the list", id=bridge_id)
    return found


def _open_batch(uow: UnitOfWork, bridge: Bridge, key: str) -> ScanBatch:
    found = uow.session.scalar(select(ScanBatch).where(ScanBatch.key == key, ScanBatch.bridge_id == bridge.id))
    if found is None:
        raise NotFound("batch.unknown", "begin a new batch", key=key)
    if found.state is not BatchState.OPEN:
        raise InvalidTransition("batch.complete", "begin a new batch", key=key)
    return found


def _new_batch(uow: UnitOfWork, bridge: Bridge, into: ScanTarget) -> ScanBatch:
    if into.scan_id is not None:
        scan = uow.session.get(Scan, into.scan_id)
        if scan is None or scan.unit_id != bridge.unit_id:
            raise NotFound("scan.unknown", "reload the list of waiting scans", id=into.scan_id)
        if scan.state is not ScanState.WAITING or scan.is_signed:
            raise InvalidTransition("scan.not_waiting", "reload the list of waiting scans", id=into.scan_id)
    if into.leaf_id is not None:
        leaf = uow.session.get(ScanLeaf, into.leaf_id)
        if leaf is None or leaf.scan_id != into.scan_id:
            raise NotFound("scan.page_unknown", "reload the scan", id=into.leaf_id)
    batch = ScanBatch(
        key=secrets.token_hex(16),
        bridge_id=bridge.id,
        unit_id=bridge.unit_id,
        source=BatchSource.BRIDGE,
        into_scan_id=into.scan_id,
        into_leaf_id=into.leaf_id,
        replaces_leaf=into.leaf_id is not None and into.replaces_leaf,
        into_mail_id=into.mail_id,
        created_at=uow.now,
    )
    uow.session.add(batch)
    uow.session.flush()
    return batch


def next_order(session: Session, bridge_id: int) -> Order | None:
    """The oldest order that the bridge has not begun. It is returned again until the bridge reports its begin."""
    row = session.scalar(
        select(ScanOrder)
        .where(ScanOrder.bridge_id == bridge_id, ScanOrder.state == OrderState.WAITING)
        .order_by(ScanOrder.id)
        .limit(1)
    )
    if row is None:
        return None
    return Order(row.id, row.batch_key, row.device, row.source, row.mode, row.dpi, row.duplex, row.paper, row.complete)


def orders_waiting(session: Session) -> dict[str, bool]:
    """Token digest -> whether an order waits, for each bridge that is not revoked."""
    waits = select(ScanOrder.id).where(ScanOrder.bridge_id == Bridge.id, ScanOrder.state == OrderState.WAITING).exists()
    rows = session.execute(select(Bridge.token_hash, waits).where(Bridge.revoked_at.is_(None)))
    return {digest: bool(is_there) for digest, is_there in rows}


def order_progress(
    uow: UnitOfWork, bridge_id: int, order_id: int, *, state: str, pages: int, code: str, detail: str, now: datetime
) -> bool:
    """Store an order's progress; returns whether the bridge should stop.

    A late report on an ended order changes nothing, and the bridge is told to stop.

    Raises:
        NotFound: ``order.unknown``.
        Invalid: ``order.state``.
    """
    order = _order_of(uow, order_id)
    if order.bridge_id != bridge_id:
        raise NotFound("order.unknown", "fetch the orders again", id=order_id)
    if state not in REPORTED_STATES:
        raise Invalid("order.state", "send a state of the contract", state=state[:32])
    # After its order, here and where a bridge is revoked: the exception in the order of locks (docs/dev/locks.md).
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
    """Stop an order: at once when the scanner has not begun, else at the bridge's next report.

    A second request ends the order here, so that a dead bridge leaves no order open.

    Raises:
        NotFound: ``order.unknown``, also for an order of another mail office.
    """
    order, _bridge_of, post = _order_to_change(uow, order_id, actor)
    if order.state in FINAL_ORDER_STATES:
        return
    if order.state is OrderState.WAITING or order.cancel_requested:
        order.state = OrderState.CANCELLED
    order.cancel_requested, order.changed_at = True, now
    uow.record("scan.order_cancelled", "scan_order", order.id, actor=actor, post=post)


def _order_to_change(uow: UnitOfWork, order_id: int, actor: Actor) -> tuple[ScanOrder, Bridge, HeldPost]:
    """An order, its bridge, and the actor's post at the mail office of the bridge.

    An order of another office is refused as one that is not there: another error would tell that it is.
    """
    order = _order_of(uow, order_id)
    bridge = uow.session.get_one(Bridge, order.bridge_id)
    post = handling_post(actor, bridge.unit_id)
    if post is None:
        raise NotFound("order.unknown", "fetch the orders again", id=order_id)
    return order, bridge, post


def _order_of(uow: UnitOfWork, order_id: int) -> ScanOrder:
    order = locks.hold_one(uow.session, ScanOrder, order_id)
    if order is None:
        raise NotFound("order.unknown", "fetch the orders again", id=order_id)
    return order
