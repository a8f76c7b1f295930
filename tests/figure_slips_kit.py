"""Rows of slips for the figures, and what they amount to by a count of its own."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from ged.dashboard.movements import Handed
from ged.figures.periods import Period
from ged.figures.stages import bin_of
from ged.org.models import Person, Post
from ged.ports import Confidentiality
from ged.register.models import Mail
from ged.routing import calendar
from ged.slips.models import Slip, SlipKind, SlipLine, SlipPurpose
from ged.slips.states import LineState, SlipState
from ged.unit import Services
from tests.routing_kit import unit_id

UNITS = ("DGE", "DAF", "ETU", "SG")


def many_slips(services: Services, count: int, seed: int = 4, *, units: Sequence[str] = UNITS) -> None:
    """Slips at random moments around midnights, some void, some without an answer; lines with faults.

    Args:
        units: the codes of those that send and receive them.
    """
    chance = random.Random(seed)
    ids = [int(unit_id(services, code)) for code in units]
    with services.unit_of_work(datetime(2026, 12, 1, tzinfo=UTC)) as uow:
        post_id, person_id = (
            uow.session.scalars(select(Post.id)).first(),
            uow.session.scalars(select(Person.id)).first(),
        )
        for _ in range(count):
            sent = datetime(2026, 10, 25, tzinfo=UTC) + timedelta(minutes=chance.randrange(60 * 24 * 45))
            received = sent + timedelta(hours=chance.choice([1, 3, 20, 60, 200])) if chance.random() < 0.8 else None
            state = chance.choice([SlipState.VOIDED, *[SlipState.RECEIVED if received else SlipState.SENT] * 9])
            slip = Slip(
                kind=chance.choice([SlipKind.DISCREPANCY, *[SlipKind.TRANSMITTAL] * 6, SlipKind.RETURN]), state=state,
                purpose=SlipPurpose.HANDOVER, sender_unit_id=chance.choice(ids), receiver_unit_id=chance.choice(ids),
                sender_post_id=post_id, sender_person_id=person_id, sender_name="A", sender_title="B", issued_at=sent,
                sent_at=sent, received_at=received,
            )  # fmt: skip
            uow.session.add(slip)
            uow.session.flush()
            for position in range(1, chance.randrange(2, 4)):
                uow.session.add(
                    SlipLine(
                        slip_id=slip.id, position=position, description="Pièce", is_confidential=chance.random() < 0.2,
                        state=chance.choice(list(LineState)) if received else LineState.PENDING,
                    )
                )  # fmt: skip


@dataclass(frozen=True)
class Recount:
    """Slips counted from their rows: day and unit -> sent, received, faults; bin of working days -> slips that the units sent."""

    by_day: dict[date, Handed]
    by_unit: dict[int, Handed]
    delays_sent: dict[int, int]


def recount(services: Services, units: Collection[int], period: Period) -> Recount:
    """What a reader of the ordinary level is told of these units, by loops over the rows."""
    by_day: dict[date, Counter[str]] = {}
    by_unit: dict[int, Counter[str]] = {}
    bins: Counter[int] = Counter()
    with services.reading() as session:
        known = calendar.calendar(session)
        slips = session.execute(
            select(
                Slip.id,
                Slip.kind,
                Slip.state,
                Slip.sender_unit_id,
                Slip.receiver_unit_id,
                Slip.sent_at,
                Slip.received_at,
            )
        ).all()
        above = Mail.level > int(Confidentiality.ORDINARY)
        withheld = set(session.scalars(select(SlipLine.id).join(Mail, Mail.id == SlipLine.mail_id).where(above)))
        lines = session.execute(select(SlipLine.id, SlipLine.slip_id, SlipLine.state, SlipLine.is_confidential)).all()
    for slip_id, kind, state, sender, receiver, sent_at, received_at in slips:
        if kind is SlipKind.DISCREPANCY or state is SlipState.VOIDED or sent_at is None:
            continue
        sent = sent_at.astimezone(services.zone).date()
        if sender in units and period.since <= sent <= period.until:
            by_day.setdefault(sent, Counter())["sent"] += 1
            by_unit.setdefault(sender, Counter())["sent"] += 1
        received = received_at.astimezone(services.zone).date() if received_at else None
        if received is None or not period.since <= received <= period.until:
            continue
        if receiver in units:
            faults = sum(
                of == slip_id
                and found in (LineState.MISSING, LineState.DAMAGED)
                and not hidden
                and line_id not in withheld
                for line_id, of, found, hidden in lines
            )
            for counted in (by_day.setdefault(received, Counter()), by_unit.setdefault(receiver, Counter())):
                counted["received"] += 1
                counted["faults"] += faults
        if sender in units:
            days = (received - sent).days
            bins[bin_of(sum(known.is_working(sent + timedelta(days=n + 1)) for n in range(days)))] += 1
    return Recount(
        {day: Handed(**counted) for day, counted in by_day.items()},
        {unit: Handed(**counted) for unit, counted in by_unit.items()},
        dict(bins),
    )
