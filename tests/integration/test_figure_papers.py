"""Slips and scans among the figures: equal to a recount of their rows, told as their reader may be told; on both databases."""

from __future__ import annotations

import random
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from ged.capture.models import BatchSource, Bridge, Scan, ScanBatch, ScanPage, ScanState
from ged.figures import movements
from ged.figures import operations as figures
from ged.figures.movements import Handed
from ged.figures.periods import Period
from ged.figures.stages import bin_of
from ged.org.models import Person, Post
from ged.ports import Confidentiality
from ged.routing import calendar
from ged.slips.drafting import LineForm
from ged.slips.models import Slip, SlipKind, SlipLine, SlipPurpose
from ged.slips.states import LineState, SlipState
from ged.unit import Services
from tests import slip_kit
from tests.figure_kit import add_auditor
from tests.routing_kit import services_on_either, unit_id
from tests.site import Clock, give_passwords, make_site, sign_in
from web.site import context

__all__ = ["services_on_either"]  # a fixture

LOME, NAIROBI = ZoneInfo("Africa/Lome"), ZoneInfo("Africa/Nairobi")
UNITS = ("DGE", "DAF", "ETU", "SG")
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))


def many_slips(services: Services, count: int, seed: int = 4) -> None:
    """Slips at random moments around midnights, some void, some without an answer; lines with faults."""
    chance = random.Random(seed)
    ids = [int(unit_id(services, code)) for code in UNITS]
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


def rows(services: Services) -> list[Any]:
    with services.reading() as session:
        return list(
            session.execute(
                select(Slip.id, Slip.kind, Slip.state, Slip.sender_unit_id, Slip.receiver_unit_id, Slip.sent_at, Slip.received_at)
            )
        )  # fmt: skip


@pytest.mark.parametrize("zone", [LOME, NAIROBI], ids=["Lome", "Nairobi"])
def test_slips_equal_a_recount_of_their_rows(services_on_either: Services, zone: ZoneInfo) -> None:
    services = services_on_either
    many_slips(services, 250)
    figures.run(services, now=datetime(2026, 12, 1, tzinfo=UTC))
    units = {int(unit_id(services, code)) for code in ("DGE", "ETU")}
    by_day: dict[date, Counter[str]] = {}
    by_unit: dict[int, Counter[str]] = {}
    bins: Counter[int] = Counter()
    with services.reading() as session:
        known = calendar.calendar(session)
        lines = session.execute(select(SlipLine.slip_id, SlipLine.state, SlipLine.is_confidential)).all()
    for slip_id, kind, state, sender, receiver, sent_at, received_at in rows(services):
        if kind is SlipKind.DISCREPANCY or state is SlipState.VOIDED:
            continue
        sent = sent_at.astimezone(zone).date()
        if sender in units and NOVEMBER.since <= sent <= NOVEMBER.until:
            by_day.setdefault(sent, Counter())["sent"] += 1
            by_unit.setdefault(sender, Counter())["sent"] += 1
        received = received_at.astimezone(zone).date() if received_at else None
        if received is None or not NOVEMBER.since <= received <= NOVEMBER.until:
            continue
        if receiver in units:
            faults = sum(
                one == slip_id and found in (LineState.MISSING, LineState.DAMAGED) and not hidden
                for one, found, hidden in lines
            )
            for counted in (by_day.setdefault(received, Counter()), by_unit.setdefault(receiver, Counter())):
                counted["received"] += 1
                counted["faults"] += faults
        if sender in units:
            days = (received - sent).days
            bins[bin_of(sum(known.is_working(sent + timedelta(days=n + 1)) for n in range(days)))] += 1
    level = Confidentiality.ORDINARY
    with services.reading() as session:
        told = movements.slips_by_day(session, zone, units, level, NOVEMBER)
        assert told == {day: Handed(**counted) for day, counted in by_day.items()}
        told_of_units = movements.slips_by_unit(session, zone, units, level, NOVEMBER)
        assert told_of_units == {unit: Handed(**counted) for unit, counted in by_unit.items()}
        assert movements.acknowledgements(session, zone, units, NOVEMBER) == {0: dict(bins)}
        of_receivers = movements.acknowledgements(session, zone, units, NOVEMBER, by_receiver=True)
        assert {unit: sum(found.values()) for unit, found in of_receivers.items()} == {
            unit: counted["received"] for unit, counted in by_unit.items()
        }
        cleared = movements.slips_by_unit(session, zone, units, Confidentiality.RESTRICTED, NOVEMBER)
    assert sum(one.faults for one in cleared.values()) > sum(one.faults for one in told_of_units.values()) > 0


def test_a_slip_that_people_send_and_receive_is_counted(services_on_either: Services) -> None:
    services = services_on_either
    now = datetime(2026, 11, 20, 16, tzinfo=UTC)  # a Friday
    made = slip_kit.send(services, LineForm(mail_id=slip_kit.letter(services, now=now)), now=now)
    slip_kit.take(services, made.slip_id, LineState.DAMAGED, now=now + timedelta(days=3))
    figures.run(services, now=now)
    ours = {int(unit_id(services, "DGE"))}
    with services.reading() as session:
        told = movements.slips_by_day(session, LOME, ours, Confidentiality.ORDINARY, NOVEMBER)
        assert told == {date(2026, 11, 23): Handed(0, 1, 1)}
        delays = movements.acknowledgements(session, LOME, ours, NOVEMBER, by_receiver=True)
    assert delays == {unit_id(services, "DGE"): {1: 1}}, "from Friday to Monday is one working day"


def some_scans(services: Services) -> None:
    """Two stations and a file, on several days; scans that wait, that are joined, that were merged."""
    desk = int(unit_id(services, "DGE"))
    at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    with services.unit_of_work(at) as uow:
        stations = [Bridge(name=name, unit_id=desk, token_hash=name, paired_at=at) for name in ("Guichet", "Accueil")]
        uow.session.add_all(stations)
        uow.session.flush()
        for n, (bridge, source, pages, states) in enumerate((
            (stations[0].id, BatchSource.BRIDGE, 5, (ScanState.WAITING, ScanState.DISCARDED)),
            (stations[1].id, BatchSource.BRIDGE, 2, (ScanState.WAITING,)),
            (None, BatchSource.UPLOAD, 1, (ScanState.MERGED,)),
        )):  # fmt: skip
            batch = ScanBatch(key=f"k{n}", bridge_id=bridge, unit_id=desk, source=source, created_at=at)
            uow.session.add(batch)
            uow.session.flush()
            rows = [
                {"batch_id": batch.id, "token": f"t{n}-{page}", "digest": "0" * 64, "media_type": "image/png", "size_bytes": 1,
                 "received_at": at + timedelta(days=page % 2)} for page in range(pages)
            ]  # fmt: skip
            uow.session.execute(insert(ScanPage), rows)
            uow.session.add_all([Scan(batch_id=batch.id, unit_id=desk, state=state, created_at=at) for state in states])


def test_scans_of_each_desk_equal_their_rows(services_on_either: Services) -> None:
    services = services_on_either
    some_scans(services)
    desk = int(unit_id(services, "DGE"))
    with services.reading() as session:
        found = movements.desks(session, LOME, {desk}, NOVEMBER)
        days = movements.pages_by_day(session, LOME, {desk}, NOVEMBER)
        elsewhere = movements.desks(session, LOME, {int(unit_id(services, "DAF"))}, NOVEMBER)
        later = movements.desks(session, LOME, {desk}, Period(date(2026, 12, 1), date(2026, 12, 31)))
    assert [(one.name, one.source, one.pages, one.documents, one.letters, one.waiting) for one in found] == [
        ("Guichet", BatchSource.BRIDGE, 5, 2, 0, 1), ("Accueil", BatchSource.BRIDGE, 2, 1, 0, 1),
        ("", BatchSource.UPLOAD, 1, 0, 0, 0),
    ]  # fmt: skip
    assert days == {date(2026, 11, 20): 5, date(2026, 11, 21): 3}
    assert elsewhere == []
    assert [(one.pages, one.documents, one.waiting) for one in later] == [(0, 0, 1), (0, 0, 1)], "what waits, waits now"


def test_the_pages_show_them_and_tell_small_numbers_to_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    clock.at = datetime(2026, 11, 30, 15, tzinfo=UTC)
    monkeypatch.setattr(context, "datetime", clock)
    app, services = make_site(tmp_path)
    add_auditor(services)
    give_passwords(services)
    many_slips(services, 60)
    some_scans(services)
    figures.run(services, now=clock.at)
    span = "du=2026-11-01&au=2026-11-30"
    head = sign_in(app, "dge")
    shown = head.get(f"/tableau/?{span}&vue=bordereaux").text
    assert "Délai de décharge" in shown
    assert re.search(r"médiane : \d+ j", shown)
    scans = head.get(f"/tableau/?{span}&vue=numerisation").text
    assert "Guichet" in scans
    table = head.get(f"/tableau/fichier?{span}&tableau=scan-desks&format=csv").text
    assert "Guichet" in table
    assert ";5;2;0;1" in table.replace(",", ";")
    units = head.get(f"/tableau/fichier?{span}&tableau=slip-units&format=csv").text.splitlines()
    assert len(units) > 1
    auditor = sign_in(app, "auditeur")
    told = auditor.get(f"/supervision/fichier?{span}&tableau=slip-units&format=csv").text
    numbers = [one for line in told.partition("\r\n\r\n")[2].splitlines()[1:] for one in re.split("[;,]", line)[1:4]]
    assert numbers
    assert all(one.startswith("moins de") or not one.isdigit() or int(one) % 5 == 0 for one in numbers), numbers
    assert auditor.get(f"/supervision/fichier?{span}&tableau=scan-desks").status_code == 404
    assert "deux mois au plus" in auditor.get(f"/supervision/?{span}&vue=numerisation").text
    services.engine.dispose()
