"""Slips and scans among the figures: equal to a recount of their rows, told as their reader may be told; on both databases."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, update

from ged import schema
from ged.administration import wanted
from ged.capture.models import BatchSource, Bridge, Scan, ScanBatch, ScanLeaf, ScanPage, ScanState
from ged.dashboard import movements
from ged.dashboard.movements import Handed
from ged.figures import checking, handed, scanned, whole_days
from ged.figures import operations as figures
from ged.figures.models import FigureReading, FigureScan, FigureScanDay, FigureSlip, FigureSlipDay, FigureState
from ged.figures.periods import Period
from ged.figures.stages import NO_DELAY, Grain, SlipSide
from ged.figures.whole_days import WholeDays
from ged.org.models import Holding
from ged.ports import Confidentiality
from ged.register import levels
from ged.register.models import Attachment, AttachmentKind, Mail, PageText
from ged.routing import calendar_changes
from ged.slips import operations as slip_operations
from ged.slips.drafting import LineForm
from ged.slips.models import Slip, SlipKind, SlipLine, SlipPurpose
from ged.slips.states import LineState, SlipState
from ged.unit import SYSTEM, Services, UnitOfWork
from tests import routing_kit, slip_kit
from tests.administration_kit import do
from tests.factories import actor
from tests.figure_letters_kit import add_auditor, letter
from tests.figure_site import main, plain, saved_rows, site, table_rows
from tests.figure_slips_kit import UNITS, many_slips, recount
from tests.routing_kit import services_on_either, unit_id
from tests.signbook_kit import House, house_on_either
from tests.site import Clock, give_passwords, make_site, sign_in
from web.site import context

__all__ = ["house_on_either", "services_on_either", "site"]  # fixtures

pytestmark = pytest.mark.in_turns(3)

LOME, NAIROBI = ZoneInfo("Africa/Lome"), ZoneInfo("Africa/Nairobi")
NOVEMBER_30 = datetime(2026, 11, 30, 15, tzinfo=UTC)
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))


def rows(services: Services) -> list[Any]:
    with services.reading() as session:
        return list(
            session.execute(
                select(Slip.id, Slip.kind, Slip.state, Slip.sender_unit_id, Slip.receiver_unit_id, Slip.sent_at, Slip.received_at)
            )
        )  # fmt: skip


@pytest.mark.parametrize("zone", [LOME, NAIROBI], ids=["Lome", "Nairobi"])
def test_slips_equal_a_recount_of_their_rows(services_on_either: Services, zone: ZoneInfo) -> None:
    services = replace(services_on_either, zone=zone)
    many_slips(services, 250)
    figures.heal(services, now=datetime(2026, 12, 1, tzinfo=UTC))
    assert list(checking.compare(services)) == []
    units = {int(unit_id(services, code)) for code in ("DGE", "ETU")}
    counted = recount(services, units, NOVEMBER)
    level = Confidentiality.ORDINARY
    with services.reading() as session:
        told = movements.slips(session, units, level, NOVEMBER)
        assert told.by_day == counted.by_day
        told_of_units = told.by_unit
        of_month = movements.slips(session, units, level, NOVEMBER, by_months=True)
        assert of_month.by_unit == told_of_units
        assert of_month.by_day.keys() == {NOVEMBER.since}
        assert told_of_units == counted.by_unit
        assert told.delays_sent == of_month.delays_sent == counted.delays_sent
        assert told.delays == of_month.delays
        assert {unit: sum(found.values()) for unit, found in told.delays.items()} == {
            unit: handed_over.received for unit, handed_over in counted.by_unit.items()
        }
        cleared = movements.slips(session, units, Confidentiality.RESTRICTED, NOVEMBER).by_unit
    assert sum(one.faults for one in cleared.values()) > sum(one.faults for one in told_of_units.values()) > 0


def test_slips_of_a_unit_stay_its_own_when_it_is_closed_or_moved(services_on_either: Services) -> None:
    """The next unit begins at nothing: it did not send what the closed one sent."""
    services, units = services_on_either, {int(unit_id(services_on_either, code)) for code in UNITS}
    many_slips(services, 120)
    figures.heal(services, now=NOVEMBER_30)
    before = recount(services, units, NOVEMBER)
    do(services, lambda now: wanted.closed_unit(now, "ETU", successor="DAF", keeps_posts=False))
    do(services, lambda now: wanted.moved_unit(now, "DGE", below="DAF"))
    figures.run(services, now=NOVEMBER_30)
    figures.heal(services, now=NOVEMBER_30 + timedelta(days=1))
    with services.reading() as session:
        told = movements.slips(session, units, Confidentiality.ORDINARY, NOVEMBER)
    assert (told.by_day, told.by_unit, told.delays_sent) == (before.by_day, before.by_unit, before.delays_sent)
    assert list(checking.compare(services)) == []


def test_a_line_of_a_secret_letter_is_in_no_figure(services_on_either: Services) -> None:
    """Nor is that of a letter whose level was raised after the slip."""
    services, at = services_on_either, datetime(2026, 11, 20, 9, tzinfo=UTC)
    levels = (Confidentiality.SECRET, Confidentiality.SECRET, Confidentiality.RESTRICTED, Confidentiality.ORDINARY)
    ids = [letter(services, "DGE", level=level) for level in levels]
    with services.unit_of_work(at) as uow:
        post_id, person_id = uow.session.execute(select(Holding.post_id, Holding.person_id).limit(1)).one()
        slip = Slip(
            kind=SlipKind.TRANSMITTAL, state=SlipState.RECEIVED, purpose=SlipPurpose.HANDOVER,
            sender_unit_id=unit_id(services, "SG"), receiver_unit_id=unit_id(services, "DGE"), sender_post_id=post_id,
            sender_person_id=person_id, sender_name="A", sender_title="B", issued_at=at, sent_at=at, received_at=at,
        )  # fmt: skip
        uow.session.add(slip)
        uow.session.flush()
        for position, (mail_id, hidden) in enumerate(zip(ids, (True, False, False, False), strict=True), 1):
            uow.session.add(
                SlipLine(
                    slip_id=slip.id, position=position, description="Pièce", is_confidential=hidden, state=LineState.MISSING,
                    mail_id=mail_id,
                )
            )  # fmt: skip
    figures.heal(services, now=at)
    dge = int(unit_id(services, "DGE"))
    with services.reading() as session:
        told = [
            movements.slips(session, {dge}, level, NOVEMBER).by_unit[dge].faults
            for level in (Confidentiality.ORDINARY, Confidentiality.RESTRICTED)
        ]
    assert told == [1, 2]


def test_a_slip_that_people_send_and_receive_is_counted(services_on_either: Services) -> None:
    services = services_on_either
    now = datetime(2026, 11, 20, 16, tzinfo=UTC)  # a Friday
    made = slip_kit.send(services, LineForm(mail_id=slip_kit.letter(services, now=now)), now=now)
    slip_kit.take(services, made.slip_id, LineState.DAMAGED, now=now + timedelta(days=3))
    figures.run(services, now=now)
    ours = {int(unit_id(services, "DGE"))}
    with services.reading() as session:
        told = movements.slips(session, ours, Confidentiality.ORDINARY, NOVEMBER)
    assert told.by_day == {date(2026, 11, 23): Handed(0, 1, 1)}
    assert told.delays == {unit_id(services, "DGE"): {1: 1}}, "from Friday to Monday is one working day"


def test_a_faulty_line_leaves_the_figures_of_who_may_not_know_of_it_any_more(services_on_either: Services) -> None:
    """The level of its letter is raised a week after the slip: an act on the letter alone."""
    services, now = services_on_either, datetime(2026, 11, 20, 9, tzinfo=UTC)
    ids = [slip_kit.letter(services, now=now) for _ in range(2)]
    made = slip_kit.send(services, *(LineForm(mail_id=one) for one in ids), now=now)
    slip_kit.take(services, made.slip_id, LineState.DAMAGED, LineState.MISSING, now=now)
    dge = int(unit_id(services, "DGE"))

    def told(at: datetime) -> list[int]:
        figures.run(services, now=at)
        with services.reading() as session:
            return [
                movements.faults_counted(session, {dge}, level, NOVEMBER)
                for level in (Confidentiality.ORDINARY, Confidentiality.RESTRICTED)
            ]

    assert told(now) == [2, 2]
    later = now + timedelta(days=7)
    for n, level in enumerate((Confidentiality.RESTRICTED, Confidentiality.SECRET)):
        with services.unit_of_work(later) as uow:
            levels.change_level(uow, ids[0], level, reason="Enquête en cours", actor=actor(services, "agent"))
        assert told(later) == [1, 2 - n]
        assert list(checking.compare(services)) == []


def slip_cells(services: Services) -> list[Any]:
    with services.reading() as session:
        return sorted(map(tuple, session.execute(select(*FigureSlip.__table__.columns))))


def test_a_run_that_is_killed_before_it_counts_a_slip_loses_none(services_on_either: Services) -> None:
    """The day is noted with the entry; a void slip leaves the figures by its own entry."""
    services, now = services_on_either, datetime(2026, 11, 20, 9, tzinfo=UTC)
    figures.run(services, now=now)
    made = slip_kit.send(services, LineForm(mail_id=slip_kit.letter(services, now=now)), now=now)
    with pytest.MonkeyPatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(WholeDays, "count", _dies)
        figures.run(services, now=now)
    with services.reading() as session:
        assert session.scalars(select(FigureSlipDay.day)).all() == [now.date()]
        assert figures.has_acts(session), "the next run does not wait for another act"
    assert list(checking.compare(services)) == [], "what is noted is about to be counted"
    figures.run(services, now=now)
    with services.reading() as session:
        assert not figures.has_acts(session)
    sender = next(iter(slip_cells(services)))
    assert sender[2:] == (SlipSide.SENT, sender[3], -1, 1)
    assert list(checking.compare(services)) == []
    with services.unit_of_work(now) as uow:
        slip_operations.void_slip(uow, made.slip_id, reason="Erreur d'envoi", actor=actor(services, "agent"), now=now)
    figures.run(services, now=now)
    assert slip_cells(services) == []
    assert list(checking.compare(services)) == []


def test_cells_of_slips_that_differ_are_told_and_the_night_mends_them(services_on_either: Services) -> None:
    services, now = services_on_either, datetime(2026, 12, 1, tzinfo=UTC)
    many_slips(services, 60)
    figures.heal(services, now=now)
    right = slip_cells(services)
    assert {row[2] for row in right} == set(SlipSide)
    with services.unit_of_work(now) as uow:
        uow.session.execute(update(FigureSlip).where(FigureSlip.grain == Grain.DAY).values(slips=FigureSlip.slips + 1))
    assert {one.what for one in checking.compare(services)} == {"figures.slip"}
    figures.heal(services, now=now)
    assert slip_cells(services) == right
    with services.unit_of_work(now) as uow:
        uow.session.execute(delete(FigureSlip).where(FigureSlip.grain == Grain.MONTH))
    figures.heal(services, now=now)
    assert slip_cells(services) == right, "months that are missing"
    figures.rebuild(services, now=now)
    assert slip_cells(services) == right
    with services.unit_of_work(now) as uow:
        calendar_changes.set_holiday(uow, date(2026, 11, 5), name="Fête", is_off=True, actor=actor(services, "admin"))
    figures.heal(services, now=now)
    assert slip_cells(services) != right, "a new holiday shortens the delays that it lies in"
    assert list(checking.compare(services)) == []


def test_a_slip_without_a_delay_is_received_all_the_same(services_on_either: Services) -> None:
    """The clock of a desk is some minutes slow at midnight, on a Sunday; a day after the calendar of the delays."""
    services, now = services_on_either, datetime(2026, 12, 1, tzinfo=UTC)
    many_slips(services, 2)
    midnight, later = datetime(2026, 11, 8, tzinfo=UTC), datetime(2029, 1, 5, tzinfo=UTC)
    minutes = timedelta(minutes=2)
    with services.unit_of_work(now) as uow:
        pairs = ((midnight + minutes, midnight - minutes), (midnight, later))
        for slip, (sent, received) in zip(uow.session.scalars(select(Slip).order_by(Slip.id)), pairs, strict=True):
            slip.kind, slip.state, slip.sent_at, slip.received_at = SlipKind.RETURN, SlipState.RECEIVED, sent, received
    figures.heal(services, now=now)
    days = [
        row for row in slip_cells(services) if row[0] is Grain.DAY and row[2] not in (SlipSide.SENT, SlipSide.FAULTY)
    ]
    assert sorted((row[1], row[4], row[5]) for row in days) == [
        (day, NO_DELAY, 1) for day in (date(2026, 11, 7), later.date()) for _side in (1, 2)
    ]
    assert list(checking.compare(services)) == []


def test_a_rebuild_that_begins_while_a_run_counts_days_loses_no_delay(services_on_either: Services) -> None:
    """It empties the calendar of the delays first. Killed there, it is ended by another run."""
    services, now = services_on_either, datetime(2026, 12, 1, tzinfo=UTC)
    many_slips(services, 60)
    figures.heal(services, now=now)
    right, real, begun = slip_cells(services), figures._count_days, []

    def begins(services: Services, kind: WholeDays, *, now: datetime) -> None:
        if not begun:
            begun.append(kind)
            with pytest.MonkeyPatch.context() as killed, suppress(KeyboardInterrupt):
                killed.setattr(figures, "_build_on", _dies)
                figures.rebuild(services, now=now)
        real(services, kind, now=now)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(figures, "_count_days", begins)
        figures.run(services, now=now)
    assert slip_cells(services) == [], "the run left the days to the rebuild"
    figures.run(services, now=now)
    assert slip_cells(services) == right
    assert list(checking.compare(services)) == []


def test_slips_are_counted_when_the_upgrade_has_ended_and_shown_at_the_end(services_on_either: Services) -> None:
    """A program of the release before would not note the days of slips."""
    services, now = services_on_either, datetime(2026, 12, 1, tzinfo=UTC)
    many_slips(services, 60)
    figures.heal(services, now=now)
    right = slip_cells(services)
    with services.unit_of_work(now) as uow:
        handed.SLIPS.forget(uow.session)
        uow.session.execute(update(FigureState).values(slips_whole=False))
        schema.keep(uow.session.connection(), "0042")
    figures.heal(services, now=now)
    with services.reading() as session:
        assert not movements.are_whole(session, handed.SLIPS)
        assert not figures.has_acts(session), "nothing can be done before the upgrade has ended"
    assert slip_cells(services) == []
    assert list(checking.compare(services)) == [], "they are not missing yet"
    with services.unit_of_work(now) as uow:
        schema.keep(uow.session.connection(), handed.SLIPS.opened_by)
    with services.reading() as session:
        assert figures.has_acts(session)
    assert [(one.what, one.where) for one in checking.compare(services)] == [("figures.missing", "slips")]
    figures.run(services, now=now)
    assert slip_cells(services) == right
    with services.reading() as session:
        assert movements.are_whole(session, handed.SLIPS)
        assert session.scalars(select(FigureSlipDay.day)).all() == []


def test_a_year_of_slips_is_read_from_months(services_on_either: Services) -> None:
    """Only the days of a month that the period cuts are read one by one."""
    services, now = services_on_either, datetime(2026, 12, 1, tzinfo=UTC)
    many_slips(services, 120)
    figures.heal(services, now=now)
    units = {int(unit_id(services, code)) for code in UNITS}
    cut = Period(date(2026, 10, 28), date(2026, 12, 3))

    def told(period: Period) -> movements.Slips:
        with services.reading() as session:
            return movements.slips(session, units, Confidentiality.ORDINARY, period, by_months=True)

    before = told(cut)
    assert set(before.by_day) == {date(2026, month, 1) for month in (10, 11, 12)}
    by_days = daily(services, units, cut)
    assert sum(one.sent for one in before.by_day.values()) == sum(one.sent for one in by_days) > 0
    assert sum(one.received for one in before.by_unit.values()) == sum(one.received for one in by_days) > 0
    with services.unit_of_work(now) as uow:
        november = FigureSlip.day.between(NOVEMBER.since, NOVEMBER.until)
        uow.session.execute(delete(FigureSlip).where(FigureSlip.grain == Grain.DAY, november))
    assert told(cut) == before


def daily(services: Services, units: set[int], period: Period) -> list[Handed]:
    with services.reading() as session:
        return list(movements.slips(session, units, Confidentiality.ORDINARY, period).by_day.values())


Read = dict[str, tuple[float, list[str], str]]
CONFIDENCES: Read = {"bad": (40.0, ["low_confidence"], "mot"), "good": (92.4, [], "des mots"), "none": (0.0, ["low_confidence"], ""),
               "blank": (0.0, ["blank"], ""), "turned": (83.0, ["rotated_90"], "mots")}  # fmt: skip


def some_scans(services: Services, *, times: int = 1) -> None:
    """Two stations and a file, on several days; scans that wait, that are joined, that were merged; pages that were read well and badly.

    The rows have no entry in the journal: a night's comparison finds them.
    """
    desk = int(unit_id(services, "DGE"))
    at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    mail_id = routing_kit.register(services).mail_id
    with services.unit_of_work(at) as uow:
        stations = [Bridge(name=name, unit_id=desk, token_hash=name, paired_at=at) for name in ("Guichet", "Accueil")]
        uow.session.add_all(stations)
        uow.session.flush()
        for n, (bridge, source, pages, states) in enumerate((
            (stations[0].id, BatchSource.BRIDGE, 5, (ScanState.WAITING, ScanState.DISCARDED, ScanState.JOINED)),
            (stations[1].id, BatchSource.BRIDGE, 2, (ScanState.WAITING,)),
            (None, BatchSource.UPLOAD, 1, (ScanState.MERGED,)),
        ) * times):  # fmt: skip
            batch = ScanBatch(key=f"k{n}", bridge_id=bridge, unit_id=desk, source=source, created_at=at)
            uow.session.add(batch)
            uow.session.flush()
            rows = [
                {"batch_id": batch.id, "token": f"t{n}-{page}", "digest": "0" * 64, "media_type": "image/png", "size_bytes": 1,
                 "received_at": at + timedelta(days=page % 2)} for page in range(pages)
            ]  # fmt: skip
            uow.session.execute(insert(ScanPage), rows)
            scans = [Scan(batch_id=batch.id, unit_id=desk, state=state, created_at=at) for state in states]
            uow.session.add_all(scans)
            for scan in scans:
                if scan.state is ScanState.JOINED:
                    scan.mail_id, scan.attachment_id = mail_id, read_document(uow, mail_id, CONFIDENCES)


def read_document(uow: UnitOfWork, mail_id: int, pages: Read) -> int:
    """An annex of a letter whose pages were read so. Returns its id."""
    row = Attachment(
        mail_id=mail_id, kind=AttachmentKind.ANNEX, media_type="image/png", page_count=len(pages), added_at=uow.now
    )
    uow.session.add(row)
    uow.session.flush()
    for page_no, (confidence, flags, text) in enumerate(pages.values(), start=1):
        uow.session.add(
            PageText(
                attachment_id=row.id, page_no=page_no, text=text, words=[], confidence=confidence, flags=flags, read_at=uow.now
            )
        )  # fmt: skip
    return row.id


def test_scans_of_each_desk_equal_their_rows(services_on_either: Services) -> None:
    services = services_on_either
    some_scans(services)
    desk = int(unit_id(services, "DGE"))
    figures.heal(services, now=datetime(2026, 11, 22, tzinfo=UTC))
    with services.reading() as session:
        found = movements.desks(session, {desk}, NOVEMBER)
        days = movements.scans_by(session, {desk}, NOVEMBER)
        month = movements.scans_by(session, {desk}, NOVEMBER, grain=Grain.MONTH)
        elsewhere = movements.desks(session, {int(unit_id(services, "DAF"))}, NOVEMBER)
        later = movements.desks(session, {desk}, Period(date(2026, 12, 1), date(2026, 12, 31)))
    told = [(one.name, one.source, one.brought.pages, one.brought.documents, one.brought.letters) for one in found]
    assert told == [
        ("Guichet", BatchSource.BRIDGE, 5, 3, 1), ("Accueil", BatchSource.BRIDGE, 2, 1, 0), ("", BatchSource.UPLOAD, 1, 0, 0),
    ]  # fmt: skip
    read = found[0].brought
    assert (read.was_read, read.doubtful, read.textless, read.points) == (4, 1, 1, 40 + 92 + 83), "a blank page is none"
    assert read.reliability == 72, "of the pages with a text"
    assert {day: one.pages for day, one in days.items()} == {date(2026, 11, 20): 5, date(2026, 11, 21): 3}
    assert month == {date(2026, 11, 1): days[date(2026, 11, 20)] + days[date(2026, 11, 21)]}
    assert elsewhere == []
    assert later == [], "nothing came then"
    assert list(checking.compare(services)) == []


def test_scans_of_letters_above_the_ordinary_level_are_joined_to_none(services_on_either: Services) -> None:
    """A head who is not cleared sees no number move."""
    services, now = services_on_either, datetime(2026, 11, 22, tzinfo=UTC)
    some_scans(services)
    figures.heal(services, now=now)
    desk, period = {int(unit_id(services, "DGE"))}, NOVEMBER
    with services.reading() as session:
        before = sum(one.letters for one in movements.scans_by(session, desk, period).values())
        mail_id = session.scalars(select(Scan.mail_id).where(Scan.mail_id.is_not(None))).first()
    with services.unit_of_work(now) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mail_id).values(level=int(Confidentiality.SECRET)))
        uow.record("mail.level_changed", "mail", mail_id, actor=SYSTEM)
    figures.run(services, now=now)
    with services.reading() as session:
        after = movements.scans_by(session, desk, period).values()
    assert before > 0
    assert (sum(one.letters for one in after), sum(one.was_read for one in after)) == (0, 0)
    assert list(checking.compare(services)) == []


def test_a_waiting_scan_that_is_joined_to_a_secret_letter_moves_no_number(site: tuple[Flask, House]) -> None:
    """A number of scans that wait would fall, while that of the scans with a letter stays: their head would learn of the letter."""
    app, house = site
    services, now = house.services, datetime(2026, 11, 22, tzinfo=UTC)
    some_scans(services)
    secret = letter(services, "DAF", level=Confidentiality.SECRET)
    figures.heal(services, now=now)
    client, panels = sign_in(app, "dge"), ("scan-days", "scan-desks", "scan-reading", "scan-quality")

    def told() -> list[Any]:
        days = "du=2026-11-01&au=2026-11-30"
        return [table_rows(client, f"/tableau/fichier?{days}&tableau={one}") for one in panels]

    before = told()
    assert "Guichet" in str(before)
    with services.unit_of_work(now) as uow:
        scan = uow.session.scalars(select(Scan).where(Scan.state == ScanState.WAITING).order_by(Scan.id)).first()
        assert scan is not None
        scan.state, scan.mail_id = ScanState.JOINED, secret
        scan.attachment_id = read_document(uow, secret, CONFIDENCES)
        uow.record("scan.joined", "scan", scan.id, actor=SYSTEM)
    figures.run(services, now=now)
    assert told() == before
    assert list(checking.compare(services)) == []


def cells_of(services: Services) -> list[Any]:
    with services.reading() as session:
        models = (FigureScan, FigureReading)
        return [sorted(map(tuple, session.execute(select(*one.__table__.columns)))) for one in models]


def test_what_differs_is_told_and_the_night_mends_it(services_on_either: Services) -> None:
    services, now = services_on_either, datetime(2026, 11, 22, tzinfo=UTC)
    figures.run(services, now=now)
    some_scans(services)
    figures.heal(services, now=now)
    right = cells_of(services)
    with services.unit_of_work(now) as uow:
        uow.session.execute(update(FigureScan).where(FigureScan.grain == Grain.DAY).values(pages=FigureScan.pages + 1))
        uow.session.execute(update(FigureReading).values(doubtful=3))
    assert {one.what for one in checking.compare(services)} == {"figures.scan", "figures.reading"}
    figures.rebuild(services, now=now)
    assert cells_of(services) == right
    with services.unit_of_work(now) as uow:
        uow.session.execute(delete(FigureScan).where(FigureScan.grain == Grain.MONTH))
    figures.heal(services, now=now)
    assert cells_of(services) == right, "a month that is missing"
    with services.unit_of_work(now) as uow:
        uow.session.execute(delete(FigureReading))
    figures.heal(services, now=now)
    assert cells_of(services) == right, "documents whose texts were not counted"
    with services.unit_of_work(now) as uow:
        uow.session.execute(delete(PageText))
        uow.session.execute(update(Scan).where(Scan.state == ScanState.WAITING).values(state=ScanState.MERGED))
    figures.heal(services, now=now)
    with services.reading() as session:
        brought = movements.scans_by(session, {int(unit_id(services, "DGE"))}, NOVEMBER)
    assert sum(one.was_read for one in brought.values()) == 0
    assert sum(one.documents for one in brought.values()) == 2
    assert list(checking.compare(services)) == []


def test_pages_are_counted_as_they_come_and_as_they_are_read(services_on_either: Services) -> None:
    """By the entries of the journal, without a comparison; killed between the note of a day and its count, nothing is lost."""
    services, now = services_on_either, datetime(2026, 11, 20, 9, tzinfo=UTC)
    desk, mail_id = int(unit_id(services, "DGE")), routing_kit.register(services).mail_id
    with services.unit_of_work(now) as uow:
        batch = ScanBatch(key="k", unit_id=desk, source=BatchSource.EMAIL, created_at=now)
        uow.session.add(batch)
        uow.session.flush()
        uow.session.add(
            ScanPage(
                batch_id=batch.id, token="t", digest="0" * 64, media_type="image/png", size_bytes=1, received_at=now
            )
        )
        batch_id = batch.id
    figures.rebuild(services, now=now)

    def brought() -> movements.Brought:
        figures.run(services, now=now)
        with services.reading() as session:
            return movements.scans_by(session, {desk}, NOVEMBER).get(now.date(), movements.Brought())

    assert brought().pages == 1
    with services.unit_of_work(now) as uow:
        uow.session.add(
            ScanPage(
                batch_id=batch_id, token="u", digest="0" * 64, media_type="image/png", size_bytes=1, received_at=now
            )
        )
        uow.record("scan.page_received", "scan_batch", batch_id, actor=SYSTEM)
    with pytest.MonkeyPatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(WholeDays, "count", _dies)
        figures.run(services, now=now)
    with services.reading() as session:
        assert session.scalars(select(FigureScanDay.day)).all() == [now.date()]
    assert list(checking.compare(services)) == [], "what is noted is about to be counted"
    assert brought().pages == 2
    with services.unit_of_work(now) as uow:
        scan = Scan(batch_id=batch_id, unit_id=desk, state=ScanState.JOINED, created_at=now, mail_id=mail_id)
        uow.session.add(scan)
        uow.session.flush()
        uow.record("scan.joined", "scan", scan.id, actor=SYSTEM)
        scan_id = scan.id
    assert (brought().letters, brought().was_read) == (1, 0)
    better: Read = {"better": (95.0, [], "mots")}
    for pages, doubtful in ((CONFIDENCES, 1), (better, 0)):
        with services.unit_of_work(now) as uow:
            scan = uow.session.get_one(Scan, scan_id)
            uow.session.execute(delete(PageText))
            scan.attachment_id = read_document(uow, mail_id, pages)
            uow.record("attachment.read", "mail", mail_id, actor=SYSTEM)
        assert (brought().was_read, brought().doubtful) == (len(pages) - doubtful, doubtful)
    with services.unit_of_work(now) as uow:
        uow.session.execute(delete(PageText))
        uow.record("mail.destroyed", "mail", mail_id, actor=SYSTEM)
    assert brought().was_read == 0, "the figures tell of the register as it is now"
    assert list(checking.compare(services)) == []


def test_after_an_upgrade_all_days_are_counted_by_the_first_run_and_shown_at_its_end(
    services_on_either: Services,
) -> None:
    """Also where an act of that day is counted first: it is not taken for all there is."""
    services, now = services_on_either, datetime(2026, 11, 22, tzinfo=UTC)
    some_scans(services)
    figures.run(services, now=now)
    right = cells_of(services)
    with services.unit_of_work(now) as uow:
        scanned.STATIONS.forget(uow.session)
        uow.session.execute(update(FigureState).values(scans_whole=False))
        batch_id = uow.session.scalars(select(ScanBatch.id)).first()
        uow.record("batch.completed", "scan_batch", batch_id, actor=SYSTEM)
    real, left = WholeDays.count, [2]

    def dies(*given: Any) -> bool:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return real(*given)

    with pytest.MonkeyPatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(whole_days, "DAYS_AT_ONCE", 1)
        patched.setattr(WholeDays, "count", dies)
        figures.run(services, now=now)
    with services.reading() as session:
        assert not movements.are_whole(session, scanned.STATIONS)
        assert figures.has_acts(session), "the next run goes on"
    figures.run(services, now=now)
    assert cells_of(services) == right
    with services.reading() as session:
        assert movements.are_whole(session, scanned.STATIONS)
        assert session.scalars(select(FigureScanDay.day)).all() == []


def _dies(*_: object) -> bool:
    raise KeyboardInterrupt


def test_a_year_of_scans_is_read_from_a_few_cells(services_on_either: Services) -> None:
    """However many pages came: of whole months, one row for each desk and month."""
    services = services_on_either
    some_scans(services, times=20)
    figures.heal(services, now=datetime(2026, 11, 22, tzinfo=UTC))
    year = Period(date(2026, 1, 1), date(2026, 12, 31))
    with services.unit_of_work(datetime(2026, 11, 22, tzinfo=UTC)) as uow:
        desks = movements.desks(uow.session, {int(unit_id(services, "DGE"))}, year)
        assert [one.brought.pages for one in desks] == [100, 40, 20]
        uow.session.execute(delete(ScanLeaf))
        uow.session.execute(update(FigureScan).where(FigureScan.grain == Grain.DAY).values(pages=0))
        assert movements.desks(uow.session, {int(unit_id(services, "DGE"))}, year) == desks, (
            "neither pages nor days are read"
        )


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
    figures.heal(services, now=clock.at)
    span = "du=2026-11-01&au=2026-11-30"
    head = sign_in(app, "dge")
    shown = head.get(f"/tableau/?{span}&vue=decharge").text
    assert "Délai de décharge" in shown
    assert re.search(r"médiane : \d+ j", shown)
    scans = head.get(f"/tableau/?{span}&vue=numerisation").text
    assert "Guichet" in scans
    table = head.get(f"/tableau/fichier?{span}&tableau=scan-desks&format=csv").text
    assert "Guichet" in table
    assert ";5;3;1\r\n" in table.replace(",", ";")
    quality = head.get(f"/tableau/fichier?{span}&tableau=scan-quality&format=csv").text.replace(",", ";")
    assert ";4;1;25 %;1;72 %" in quality, quality
    months = head.get("/tableau/fichier?du=2026-01-01&au=2026-11-30&tableau=scan-days&format=csv").text.splitlines()
    assert [one[-2:] for one in months[-2:]] == [";0", ";8"], months
    units = head.get(f"/tableau/fichier?{span}&tableau=slip-units&format=csv").text.splitlines()
    assert len(units) > 1
    auditor = sign_in(app, "auditeur")
    told = auditor.get(f"/supervision/fichier?{span}&tableau=slip-units&format=csv").text
    numbers = [one for line in told.partition("\r\n\r\n")[2].splitlines()[1:] for one in re.split("[;,]", line)[1:4]]
    assert numbers
    assert all(one.startswith("moins de") or not one.isdigit() or int(one) % 5 == 0 for one in numbers), numbers
    for panel in ("scan-desks", "scan-quality", "scan-reading", "scan-days"):
        told = auditor.get(f"/supervision/fichier?{span}&tableau={panel}&format=csv").text
        lines = told.partition("\r\n\r\n")[2].splitlines()[1:]
        words = {one for line in lines for one in re.split("[;,]", line)[1:]}
        assert lines
        assert words <= {"moins de 5", "—", "5", "10"}, (panel, words)
        assert "Guichet" not in told, "the others are too few to be told by themselves"
    assert "en préparation" not in head.get(f"/tableau/?{span}&vue=numerisation").text
    for view in ("numerisation", "lecture"):
        empty = head.get(f"/tableau/?du=2020-01-01&au=2020-01-31&vue={view}").text
        assert empty.count("Aucune page dans cette période.") == 2
    assert "en préparation" not in empty
    none = "du=2020-01-01&au=2020-01-31"
    shown = [main(head.get(f"/tableau/?{none}&vue={view}").text) for view in ("bordereaux", "decharge")]
    assert [one.count("Aucun bordereau") for one in shown] == [2, 1]
    few = "".join(main(auditor.get(f"/supervision/?{none}&vue={one}").text) for one in ("bordereaux", "decharge"))
    assert few.count("Trop peu de bordereaux") == 2, "there may be some; the units are a table of one row"
    assert "Aucun bordereau" not in few
    assert "Trop peu de pages" in auditor.get(f"/supervision/?{none}&vue=numerisation").text
    with services.unit_of_work(clock.at) as uow:
        uow.session.execute(update(FigureState).values(scans_whole=False, slips_whole=False))
    for view in ("numerisation", "lecture"):
        assert head.get(f"/tableau/?{span}&vue={view}").text.count("en préparation") == 2
    for reader, page in ((head, "tableau"), (auditor, "supervision")):
        shown = [reader.get(f"/{page}/?{span}&vue={view}").text for view in ("bordereaux", "decharge")]
        assert [one.count("en préparation") for one in shown] == [2, 1]
        for panel in ("slips", "slip-units", "slip-delays", "scan-desks"):
            kept = table_rows(reader, f"/{page}/fichier?{span}&tableau={panel}&format=csv")
            assert [one for one in kept[1:] if "en préparation" not in one[0]] == []
            assert len(kept) == 2, "a file that is kept says that it has no figures yet"
    services.engine.dispose()


@pytest.mark.parametrize(
    ("noted", "view", "table"), [(FigureSlipDay, "bordereaux", "slips"), (FigureScanDay, "numerisation", "scan-days")]
)
def test_while_days_are_about_to_be_counted_again_the_pages_say_so(
    site: tuple[Flask, House], noted: type[Any], view: str, table: str
) -> None:
    """The acts are all counted then, and the page says up to now; a view of letters says no more than that."""
    app, house = site
    services = house.services
    letter(services, "DGE")
    many_slips(services, 12)
    figures.rebuild(services, now=NOVEMBER_30)
    client, told = sign_in(app, "dge"), "Quelques jours sont encore recomptés"

    def says() -> list[bool]:
        pages = (f"/tableau/?vue={view}", f"/tableau/chiffres?tableau={table}", "/tableau/?vue=charge")
        return [told in plain(client.get(one).text) for one in pages]

    assert says() == [False, False, False]
    with services.unit_of_work(NOVEMBER_30) as uow:
        uow.session.add(noted(day=NOVEMBER_30.date()))
    assert says() == [True, True, False]
    assert any(row and row[0].startswith(told) for row in saved_rows(client, f"/tableau/fichier?tableau={table}"))
    figures.run(services, now=NOVEMBER_30)
    assert says() == [False, False, False]
