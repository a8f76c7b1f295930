"""Slips, scans and registers that are pending. Their lines name units and numbers, and nothing of a letter."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute

from ged.capture import queries as scans
from ged.capture.models import Scan, ScanState
from ged.closing import queries as closing
from ged.counting import composed
from ged.db import Among, ByOtherIndex
from ged.morning.base import MOST, NOTHING, Found, Ground, Line, Probe
from ged.org.models import Unit
from ged.register import books
from ged.register.models import Register
from ged.slips import parties, tasks
from ged.slips.models import Slip, SlipTask
from ged.slips.queries import SlipRow, is_overdue_loan, is_unacknowledged, rows_of, slips_where
from ged.unit import Actor


def unacknowledged(ground: Ground) -> Found:
    """Slips that the reader's units sent or must receive, and that wait longer than the installation allows."""
    before = ground.now - timedelta(hours=ground.services.unacknowledged_hours)
    found = {
        slip_id: sent_at
        for side in (Slip.sender_unit_id, Slip.receiver_unit_id)
        for slip_id, sent_at in ground.session.execute(_waiting_at(side, ground.actor, before))
    }
    first = sorted(found, key=lambda slip_id: (found[slip_id] or ground.now, slip_id))
    return [
        Line(row.id, row.number, row.sender_unit, who=row.receiver_unit, on=_local(ground, row.sent_at))
        for row in _rows(ground, first[: ground.shown])
    ], min(MOST, len(found))


def probes_of_unacknowledged(ground: Ground) -> tuple[Probe, ...]:
    """Statements that find the slips of ``unacknowledged``, and those that will wait for too long before the day ends."""
    before = ground.next_midnight - timedelta(hours=ground.services.unacknowledged_hours)
    return (_sent, (before,)), (_to_receive, (before,))


@composed
def _sent(actor: Actor, before: datetime) -> Select[*tuple[Any, ...]]:
    return _waiting_at(Slip.sender_unit_id, actor, before)


@composed
def _to_receive(actor: Actor, before: datetime) -> Select[*tuple[Any, ...]]:
    return _waiting_at(Slip.receiver_unit_id, actor, before)


def _waiting_at(side: InstrumentedAttribute[int], actor: Actor, before: datetime) -> Select[*tuple[Any, ...]]:
    """Of one side, for an index finds the few open slips of a side, not of either."""
    return (
        select(Slip.id, Slip.sent_at)
        .where(Among(side, parties.units_seen(actor)), is_unacknowledged(before))
        .order_by(Slip.sent_at)
        .limit(MOST)
    )


def probes_of_loans(ground: Ground) -> tuple[Probe, ...]:
    """The statements of ``loans``."""
    return (_lent, (ground.today,)), (_borrowed, (ground.today,))


def loans(ground: Ground) -> Found:
    """Slips on loan that the reader's units sent or received and that are overdue: the receiver gives the originals back."""
    queries = (compose(ground.actor, ground.today) for compose in (_lent, _borrowed))
    found = {slip_id: return_by for query in queries for slip_id, return_by in ground.session.execute(query)}
    first = sorted(found, key=lambda slip_id: (found[slip_id] or ground.today, slip_id))
    return [
        Line(row.id, row.number, row.sender_unit, who=row.receiver_unit, on=row.return_by)
        for row in _rows(ground, first[: ground.shown])
    ], min(MOST, len(found))


@composed
def _lent(actor: Actor, today: date) -> Select[*tuple[Any, ...]]:
    return _overdue_loans(Slip.sender_unit_id, actor, today)


@composed
def _borrowed(actor: Actor, today: date) -> Select[*tuple[Any, ...]]:
    # What a unit borrowed is found among all loans, not among all slips that it received.
    return _overdue_loans(ByOtherIndex(Slip.receiver_unit_id), actor, today)


def _overdue_loans(side: Any, actor: Actor, today: date) -> Select[*tuple[Any, ...]]:
    """Of one side, as ``_waiting_at``."""
    return (
        select(Slip.id, Slip.return_by)
        .where(Among(side, parties.units_seen(actor)), is_overdue_loan(today))
        .order_by(Slip.return_by, Slip.id)
        .limit(MOST)
    )


def _rows(ground: Ground, ids: Sequence[int]) -> list[SlipRow]:
    if not ids:
        return []
    rows: dict[int, SlipRow] = {row.id: row for row in rows_of(ground.session, slips_where(Slip.id.in_(ids)))}
    return [rows[one] for one in ids if one in rows]


def probes_of_tasks(_ground: Ground) -> tuple[Probe, ...]:
    """The statement of ``discrepancies``."""
    return ((_tasks, ()),)


def discrepancies(ground: Ground) -> Found:
    """Open tasks of the reader's units, one for each paper: a piece of a slip was missing, damaged, refused."""
    found = ground.session.execute(_tasks(ground.actor)).all()
    rows = {row.id: row for row in _rows(ground, sorted({row.slip_id for row in found[: ground.shown]}))}
    return [
        Line(row.slip_id, rows[row.slip_id].number, "", who=row.unit, on=_local(ground, row.opened_at), code=row.kind.value)
        for row in found[: ground.shown]
        if row.slip_id in rows
    ], len(found)  # fmt: skip


@composed
def _tasks(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(SlipTask.slip_id, SlipTask.kind, SlipTask.opened_at, Unit.name.label("unit"))
        .join(Unit, Unit.id == SlipTask.unit_id)
        .where(tasks.to_settle(parties.units_seen(actor)))
        .order_by(SlipTask.opened_at, SlipTask.id)
        .limit(MOST)
    )


def probes_of_scans(ground: Ground) -> tuple[Probe, ...]:
    """The statement of ``waiting_scans``."""
    return ((_waiting_scans, (ground.midnight,)),)


def waiting_scans(ground: Ground) -> Found:
    """Scans of the reader's offices that came before today and wait for their number."""
    rows = ground.session.execute(_waiting_scans(ground.actor, ground.midnight)).all()
    return [Line(row.id, who=row.unit, on=_local(ground, row.created_at)) for row in rows[: ground.shown]], len(rows)


@composed
def _waiting_scans(actor: Actor, midnight: datetime) -> Select[*tuple[Any, ...]]:
    return (
        select(Scan.id, Scan.created_at, Unit.name.label("unit"))
        .join(Unit, Unit.id == Scan.unit_id)
        .where(Scan.state == ScanState.WAITING, scans.seen_by(actor), Scan.created_at < midnight)
        .order_by(Scan.id)
        .limit(MOST)
    )


def open_days(ground: Ground) -> Found:
    """Registers of the reader's offices, and of closed ones that these took over, with days that are over and not closed."""
    offices = scans.scan_units(ground.actor)
    rows = closing.open_days(ground.session, offices, before=ground.today) if offices else []
    if not rows:
        return NOTHING
    # Of an office that was taken over the clerk may know that days are open, and may not always read the register.
    readable = set(ground.session.scalars(select(Register.id).where(books.readable_clause(ground.actor))))
    return [
        Line(row.register_id if row.register_id in readable else 0, row.code, row.name, who=row.unit_name, on=row.since_on, code="waiting" if row.waiting else "")
        for row in rows[: ground.shown]
    ], min(MOST, len(rows))  # fmt: skip


def _local(ground: Ground, at: datetime | None) -> date | None:
    return None if at is None else at.astimezone(ground.services.zone).date()
