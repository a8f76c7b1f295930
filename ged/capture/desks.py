"""Queries for the pages of waiting scans: desks, orders, batches in progress."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from ged.capture.bridges import ONLINE
from ged.capture.models import (
    FINAL_ORDER_STATES,
    BatchSource,
    BatchState,
    Bridge,
    OrderState,
    ScanBatch,
    ScanOrder,
    ScanPage,
)
from ged.capture.orders import BACK, FRONT
from ged.capture.queries import clerk_units
from ged.db import ByOtherIndex
from ged.org.models import Unit
from ged.org.names import told_apart
from ged.unit import Actor

FAILED_SHOWN = timedelta(hours=12)
SILENT_AFTER = timedelta(days=4)
"""A long weekend: a station that is off for longer is told of."""
RECENT = 50
"""How many of the last batches of a bridge are looked through for its last page."""


@dataclass(frozen=True)
class DeviceRow:
    """A scanner at a desk."""

    name: str
    title: str
    sources: tuple[str, ...]
    modes: tuple[str, ...]
    resolutions: tuple[int, ...]


@dataclass(frozen=True)
class BridgeRow:
    """A bridge as the form 'Numériser' and the list of desks show it."""

    id: int
    name: str
    unit_id: int
    unit_name: str
    online: bool
    last_seen_at: datetime | None
    devices: tuple[DeviceRow, ...]
    program_version: str = ""


@dataclass(frozen=True)
class BridgeWork:
    """What a bridge brought last, and what it is asked for now: ``orders`` that are not finished."""

    last_page_at: datetime | None = None
    orders: int = 0


@dataclass(frozen=True)
class OrderRow:
    """An order that runs, or has just ended, or whose batch is open.

    ``batch_open``: more pages may be added to its batch. ``is_silent``: the order runs, but its bridge is silent.
    ``fronts``, ``backs``: pages of its batch by side, when it is scanned in two passes.
    """

    id: int
    batch_id: int
    batch_key: str
    bridge_id: int
    bridge_name: str
    device: str | None
    source: str | None
    mode: str
    dpi: int
    duplex: bool
    side: str
    complete: bool
    state: OrderState
    pages: int
    batch_pages: int
    code: str
    detail: str
    cancel_requested: bool
    batch_open: bool
    changed_at: datetime
    is_silent: bool
    bridge_seen_at: datetime | None
    fronts: int = 0
    backs: int = 0

    @property
    def is_at_work(self) -> bool:
        """Whether the order is not yet finished."""
        return self.state not in FINAL_ORDER_STATES

    @property
    def sides_differ(self) -> bool:
        """Whether the two passes have different page counts: then fronts and backs cannot be matched."""
        return self.batch_open and self.state is OrderState.DONE and bool(self.backs) and self.fronts != self.backs


@dataclass(frozen=True)
class BatchRow:
    """A batch whose pages are not all in scans: open at a desk, or being inspected."""

    id: int
    key: str
    source: BatchSource
    state: BatchState
    pages: int
    created_at: datetime


def bridges(session: Session, unit_ids: Collection[int], *, now: datetime) -> list[BridgeRow]:
    """The bridges of units, online bridges first."""
    found = session.execute(
        select(Bridge, Unit.name)
        .join(Unit, Unit.id == Bridge.unit_id)
        .where(Bridge.unit_id.in_(unit_ids), Bridge.revoked_at.is_(None))
        .order_by(Bridge.name, Bridge.id)
    )
    pairs = [(bridge, unit_name) for bridge, unit_name in found]
    units = told_apart(session, {bridge.unit_id: unit_name for bridge, unit_name in pairs})
    rows = [_bridge_row(bridge, units[bridge.unit_id], now) for bridge, _unit_name in pairs]
    return sorted(rows, key=lambda row: not row.online)


def _bridge_row(bridge: Bridge, unit_name: str, now: datetime) -> BridgeRow:
    online = bridge.last_seen_at is not None and now - bridge.last_seen_at <= ONLINE
    devices = tuple(
        DeviceRow(
            name=str(device["name"]),
            title=" ".join(filter(None, (device.get("vendor"), device.get("model")))) or str(device["name"]),
            sources=tuple(device.get("sources") or ()),
            modes=tuple(device.get("modes") or ()),
            resolutions=tuple(device.get("resolutions") or ()),
        )
        for device in bridge.devices
    )
    return BridgeRow(
        bridge.id, bridge.name, bridge.unit_id, unit_name, online, bridge.last_seen_at, devices, bridge.program_version
    )


def bridge_work(session: Session, bridge_ids: Collection[int]) -> dict[int, BridgeWork]:
    """Bridge id -> its work, for each of the bridges. The last page is looked for in the last ``RECENT`` batches of each."""
    # The batches of a bridge grow with the archive, and those without a page would all be walked through.
    recent = (
        select(ScanBatch.id)
        .where(ScanBatch.bridge_id == Bridge.id)
        .order_by(ScanBatch.id.desc())
        .limit(RECENT)
        .correlate(Bridge)  # by itself it looks no further than the next statement around it, which names no bridge
    )
    page_at = (
        select(func.max(ScanPage.received_at)).where(ScanPage.batch_id.in_(recent)).correlate(Bridge).scalar_subquery()
    )
    asked = (
        select(func.count(ScanOrder.id))
        .where(ScanOrder.bridge_id == Bridge.id, ScanOrder.state.not_in(FINAL_ORDER_STATES))
        .scalar_subquery()
    )
    found = session.execute(select(Bridge.id, page_at, asked).where(Bridge.id.in_(bridge_ids)))
    return {bridge_id: BridgeWork(at, count) for bridge_id, at, count in found}


def orders(session: Session, actor: Actor, *, since: datetime, now: datetime, limit: int = 20) -> list[OrderRow]:
    """Orders that run, that failed or were stopped after ``since``, and the last pass of each open batch; newest first.

    A finished pass is no longer told: its pages stand in its batch, or wait as scans. An order that failed before its
    first page is shown for half a day: somebody may be repairing the scanner.
    """
    # Of each batch alone: pages of all batches would be counted, and they grow with the archive.
    pages = select(func.count(ScanPage.id)).where(ScanPage.batch_id == ScanBatch.id).scalar_subquery()
    later = aliased(ScanOrder)
    is_last = ~exists().where(later.batch_key == ScanOrder.batch_key, later.id > ScanOrder.id)
    found = session.execute(
        select(ScanOrder, Bridge, ScanBatch, pages)
        .join(Bridge, Bridge.id == ScanOrder.bridge_id)
        .join(ScanBatch, ScanBatch.key == ScanOrder.batch_key)
        .where(
            Bridge.unit_id.in_(clerk_units(actor)),
            or_(
                ScanOrder.state.not_in(FINAL_ORDER_STATES),
                and_(ScanOrder.state != OrderState.DONE, ScanOrder.changed_at >= since, is_last),
                and_(
                    ScanBatch.state == BatchState.OPEN,
                    is_last,
                    or_(
                        ScanOrder.state == OrderState.DONE,
                        exists().where(ScanPage.batch_id == ScanBatch.id),
                        and_(ScanOrder.state == OrderState.FAILED, ScanOrder.changed_at >= now - FAILED_SHOWN),
                    ),
                ),
            ),
        )
        .order_by(ScanOrder.id.desc())
        .limit(limit)
    )
    rows = [_order_row(order, bridge, batch, pages, now) for order, bridge, batch, pages in found]
    counts = _side_counts(session, {row.batch_id for row in rows if row.side})
    return [
        replace(row, fronts=counts.get((row.batch_id, FRONT), 0), backs=counts.get((row.batch_id, BACK), 0))
        if row.side
        else row
        for row in rows
    ]


def _side_counts(session: Session, batch_ids: Collection[int]) -> dict[tuple[int, str], int]:
    found = session.execute(
        select(ScanPage.batch_id, ScanOrder.side, func.count(ScanPage.id))
        .join(ScanOrder, ScanOrder.id == ScanPage.order_id)
        .where(ScanPage.batch_id.in_(batch_ids))
        .group_by(ScanPage.batch_id, ScanOrder.side)
    )
    return {(batch_id, side): pages for batch_id, side, pages in found}


def _order_row(order: ScanOrder, bridge: Bridge, batch: ScanBatch, pages: int, now: datetime) -> OrderRow:
    is_online = bridge.last_seen_at is not None and now - bridge.last_seen_at < ONLINE
    return OrderRow(
        id=order.id,
        batch_id=batch.id,
        batch_key=batch.key,
        bridge_id=order.bridge_id,
        bridge_name=bridge.name,
        device=order.device,
        source=order.source,
        mode=order.mode,
        dpi=order.dpi,
        duplex=order.duplex,
        side=order.side,
        complete=order.complete,
        state=order.state,
        pages=order.pages,
        batch_pages=pages,
        code=order.code,
        detail=order.detail,
        cancel_requested=order.cancel_requested,
        batch_open=batch.state is BatchState.OPEN,
        changed_at=order.changed_at,
        is_silent=order.state not in FINAL_ORDER_STATES and not is_online,
        bridge_seen_at=bridge.last_seen_at,
    )


def unsettled(session: Session, actor: Actor) -> list[BatchRow]:
    """Batches with pages that are in no scan yet."""
    found = session.execute(
        select(ScanBatch, func.count(ScanPage.id))
        .join(ScanPage, ScanPage.batch_id == ScanBatch.id)
        .where(ByOtherIndex(ScanBatch.unit_id).in_(clerk_units(actor)))
        .where(ScanBatch.state.in_((BatchState.OPEN, BatchState.COMPLETE)))  # an index finds the few of them
        .group_by(ScanBatch.id)
        .order_by(ScanBatch.id.desc())
        .limit(50)
    )
    return [BatchRow(b.id, b.key, b.source, b.state, pages, b.created_at) for b, pages in found]


@dataclass(frozen=True)
class SilentRow:
    """A bridge that was not seen for ``SILENT_AFTER``. ``seen_at`` is None when it was never seen."""

    id: int
    name: str
    unit_name: str
    seen_at: datetime | None


def is_silent(at: datetime) -> ColumnElement[bool]:
    """The condition that a bridge is silent for too long at a time: since it was last seen, or since it was paired."""
    return func.coalesce(Bridge.last_seen_at, Bridge.paired_at) < at - SILENT_AFTER


def silent_at(unit_ids: Collection[int], at: datetime) -> Select[Any]:
    """The bridges of these units that are silent at a time if they are not seen before."""
    return select(Bridge.id).where(Bridge.revoked_at.is_(None), Bridge.unit_id.in_(sorted(unit_ids)), is_silent(at))


def silent(session: Session, unit_ids: Collection[int], *, now: datetime) -> list[SilentRow]:
    """The silent bridges of these units, by name."""
    query = silent_at(unit_ids, now).join(Unit, Unit.id == Bridge.unit_id).order_by(Bridge.name, Bridge.id)
    return [
        SilentRow(*row)
        for row in session.execute(query.with_only_columns(Bridge.id, Bridge.name, Unit.name, Bridge.last_seen_at))
    ]
