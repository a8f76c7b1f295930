"""The lists behind figures of slips and scans: the letters on the slips, and with the documents, that a bar or a cell counts; on both databases."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, insert, select, update

from ged.access import may_see
from ged.capture.models import BatchSource, Bridge, Scan, ScanBatch, ScanPage, ScanState
from ged.dashboard import letters as letter_lists
from ged.dashboard.letters import GIVEN, PAPERS, SCANS, AskedLetters, What
from ged.dashboard.movements import Station
from ged.dashboard.reach import reach_of
from ged.figures import operations as figures
from ged.figures.handed import is_counted
from ged.figures.periods import Period
from ged.figures.stages import bin_of
from ged.org.models import Person, Post
from ged.paging import START, Place
from ged.ports import Confidentiality, MailId
from ged.register.models import Attachment, AttachmentKind, Correspondent, Mail, PageText
from ged.routing import calendar
from ged.slips.models import Slip, SlipKind, SlipLine, SlipPurpose
from ged.slips.states import LineState, SlipState
from ged.unit import Actor, Services
from tests.factories import actor
from tests.figure_letters_kit import count_all, letter
from tests.figure_site import main, plain, site, table_rows
from tests.figure_slips_kit import many_slips
from tests.routing_kit import unit_id
from tests.sample_kit import in_turn
from tests.signbook_kit import House, house_on_either
from tests.site import sign_in

__all__ = ["house_on_either", "site"]  # fixtures

pytestmark = pytest.mark.in_turns(3)

NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
DAYS = "du=2026-11-01&au=2026-11-30"
NOW = datetime(2026, 11, 30, 15, tzinfo=UTC)
VIEWS = ("bordereaux", "decharge", "numerisation", "lecture")
PANELS = ("slips", "slip-units", "slip-delays", "scan-days", "scan-desks", "scan-reading", "scan-quality")
FAULTS = (LineState.MISSING, LineState.DAMAGED)
READINGS: tuple[tuple[str, list[str]], ...] = (("mots", []), ("mot", ["low_confidence"]), ("", []), ("", ["blank"]))
"""(text, flags) of a page: read well, uncertain, without text, blank."""


def papers(house: House, *, slips: int = 60, seed: int = 3) -> None:
    """Slips whose lines are letters, of which one stands on several; scans of two stations and of files, some of one letter."""
    services, chance = house.services, random.Random(seed)
    ids = [letter(services, unit) for unit in ("DGE", "ETU", "DAF", "") for _ in range(4)]
    ids.append(letter(services, "DGE", level=Confidentiality.SECRET))
    ids.append(letter(services, "DGE", level=Confidentiality.RESTRICTED))
    many_slips(services, slips)
    desk, office = int(unit_id(services, "DGE")), int(unit_id(services, "DAF"))
    with services.unit_of_work(NOW) as uow:
        for line in uow.session.scalars(select(SlipLine)):
            line.mail_id = chance.choice([*ids, None])
        bridges = [
            Bridge(name=name, unit_id=of, token_hash=name, paired_at=NOW)
            for name, of in (("Guichet", desk), ("Accueil", desk), ("Caisse", office))
        ]
        uow.session.add_all(bridges)
        uow.session.flush()
        stations = [(one.id, BatchSource.BRIDGE, one.unit_id) for one in bridges] + [(None, BatchSource.UPLOAD, desk)]
        for n in range(40):
            at = datetime(2026, 11, 2, 8, tzinfo=UTC) + timedelta(minutes=chance.randrange(60 * 24 * 29))
            bridge_id, source, of = chance.choice(stations)
            batch = ScanBatch(key=f"k{n}", bridge_id=bridge_id, unit_id=of, source=source, created_at=at)
            uow.session.add(batch)
            uow.session.flush()
            page = {"batch_id": batch.id, "digest": "0" * 64, "media_type": "image/png", "size_bytes": 1}
            pages = [page | {"token": f"t{n}-{one}", "received_at": at} for one in range(chance.randrange(1, 4))]
            uow.session.execute(insert(ScanPage), pages)
            state = chance.choice([ScanState.WAITING, ScanState.MERGED, *[ScanState.JOINED] * 4])
            scan = Scan(batch_id=batch.id, unit_id=of, state=state, created_at=at)
            uow.session.add(scan)
            if state is ScanState.JOINED:
                scan.mail_id = chance.choice(ids)
                row = Attachment(
                    mail_id=scan.mail_id, kind=AttachmentKind.ANNEX, media_type="image/png", page_count=1, added_at=at
                )
                uow.session.add(row)
                uow.session.flush()
                scan.attachment_id = row.id
                for number in range(1, chance.randrange(2, 4)):
                    text, flags = chance.choice(READINGS)
                    uow.session.add(
                        PageText(
                            attachment_id=row.id, page_no=number, text=text, words=[], confidence=80.0, flags=flags, read_at=at
                        )
                    )  # fmt: skip
    count_all(services)
    figures.heal(services, now=NOW)


def recounted(services: Services, who: Actor, what: What, period: Period, bins: tuple[int, int], station: Station | None) -> set[int]:  # fmt: skip
    """The letters by loops over the rows, and by the rule of access as a check."""
    units, zone = reach_of(who).headed, services.zone
    with services.reading() as session:
        found = set(_scanned(session, units, zone, what, period, station) if what in SCANS else ())
        if what not in SCANS:
            found = set(_carried(session, who, zone, what, period, bins))
        level = {one.id: one.level for one in session.scalars(select(Mail).where(Mail.id.in_(found)))}
        most = Confidentiality.ORDINARY if what in SCANS else reach_of(who).level
        return {one for one in found if level[one] <= most and may_see(session, one, level[one], who)}


def _carried(session, who: Actor, zone, what: What, period: Period, bins: tuple[int, int]) -> Iterable[int]:  # type: ignore[no-untyped-def]
    known, units = calendar.calendar(session), reach_of(who).headed
    is_cleared = reach_of(who).level >= Confidentiality.RESTRICTED
    slips = {one.id: one for one in session.scalars(select(Slip))}
    for line in session.scalars(select(SlipLine).where(SlipLine.mail_id.is_not(None))):
        slip = slips[line.slip_id]
        if slip.kind is SlipKind.DISCREPANCY or slip.state is SlipState.VOIDED:
            continue
        sent = slip.sent_at.astimezone(zone).date() if slip.sent_at else None
        received = slip.received_at.astimezone(zone).date() if slip.received_at else None
        day, unit = (sent, slip.sender_unit_id) if what is What.ON_SENT else (received, slip.receiver_unit_id)
        if what is What.WAITED:
            unit = slip.sender_unit_id
        if day is None or unit not in units or not period.since <= day <= period.until:
            continue
        if what is What.AT_FAULT and (line.state not in FAULTS or (line.is_confidential and not is_cleared)):
            continue
        if what is What.WAITED:
            days = bin_of(sum(known.is_working(sent + timedelta(days=n + 1)) for n in range((day - sent).days)))
            if not bins[0] <= days <= bins[1]:
                continue
        yield line.mail_id


def _scanned(session, units, zone, what: What, period: Period, station: Station | None) -> Iterable[int]:  # type: ignore[no-untyped-def]
    for scan in session.scalars(select(Scan).where(Scan.mail_id.is_not(None), Scan.state != ScanState.MERGED)):
        batch = session.get_one(ScanBatch, scan.batch_id)
        day = scan.created_at.astimezone(zone).date()
        if batch.unit_id not in units or not period.since <= day <= period.until:
            continue
        if station is not None and (batch.bridge_id, batch.source) != (station.bridge_id, station.source):
            continue
        pages = session.scalars(select(PageText).where(PageText.attachment_id == scan.attachment_id)).all()
        read = [one for one in pages if "blank" not in one.flags]
        wanted: Mapping[What, Callable[[PageText], bool]] = {
            What.READ: lambda _page: True,
            What.UNCERTAIN: lambda page: bool(page.text) and "low_confidence" in page.flags,
            What.TEXTLESS: lambda page: not page.text,
        }
        if what is What.SCANNED or any(map(wanted[what], read)):
            yield scan.mail_id


def listed(services: Services, who: Actor, asked: AskedLetters, *, limit: int = 4) -> tuple[list[int], int]:
    """The whole list, read page by page, and its number."""
    sight = reach_of(who).sight(reach_of(who).headed)
    found: list[int] = []
    with services.reading() as session:
        place: Place | None = START
        total = 0
        while place is not None:
            rows, page, number = letter_lists.letters(session, who, sight.cut(), asked, place, limit=limit)
            total = total or number
            found += [int(row.mail_id) for row in rows]
            place = page.next
    return found, total


@pytest.mark.parametrize("account", ["dge", "daf", "sg"])
def test_each_list_is_a_recount_of_the_rows(house_on_either: House, account: str) -> None:
    """Of a month, of each day, of each delay and of each station; a letter of several slips stands once, SECRET ones nowhere."""
    house, services = house_on_either, house_on_either.services
    papers(house)
    who, zone = actor(services, account), services.zone
    with services.reading() as session:
        bridges = session.scalars(select(Bridge.id)).all()
    stations = [Station(one, BatchSource.BRIDGE) for one in bridges] + [Station(None, BatchSource.UPLOAD)]
    seen = dict.fromkeys(PAPERS, 0)
    for what in PAPERS:
        asked = [(NOVEMBER, (0, 260), None)]
        asked += [(Period(one, one), (0, 260), None) for one in (date(2026, 11, day) for day in range(1, 31, 4))]
        asked += [(NOVEMBER, (n, n), None) for n in range(9)] if what is What.WAITED else []
        asked += [(NOVEMBER, (0, 0), one) for one in stations] if what in SCANS else []
        for period, bins, station in asked:
            wanted = AskedLetters(what, period, bins=bins, zone=zone, station=station)
            ids, total = listed(services, who, wanted)
            assert len(ids) == len(set(ids)) == total, (what, period)
            assert set(ids) == recounted(services, who, what, period, bins, station), (what, period, bins, station)
            seen[what] += total
    # The desks are those of DGE and of DAF, and few units are headed by the others.
    assert min(seen[one] for one in (PAPERS if account == "dge" else (What.ON_SENT, What.WAITED))) > 0, seen


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("account", ["dge", "daf", "sg"])
def test_each_shape_and_cell_of_papers_leads_to_the_letters_of_what_it_counts(
    site: tuple[Flask, House], account: str
) -> None:
    """The list says as many slips, lines, pages or documents as the shape, and names the letters that a recount finds."""
    app, house = site
    papers(house)
    client, who = sign_in(app, account), actor(house.services, account)
    links, drawn = dict[str, str](), 0
    for path in ("/tableau/", "/supervision/"):
        for view in VIEWS:
            page = main(client.get(f"{path}?{DAYS}&vue={view}").text)
            pictures = re.findall(r'<svg class="chart[ "].*?</svg>', page, re.DOTALL)
            for picture in pictures:
                named = re.findall(r"(?<!>)<title>|<a [^>]*><title>|<(?:path|rect|circle) [^>]*><title>", picture)
                assert [one for one in named if not one.startswith("<a ")] == [], view
                links |= dict(re.findall(r'<a href="([^"]+)" tabindex="-1"><title>[^<]*?(\d+)</title>', picture))
            drawn += len(pictures)
        for panel in PANELS:
            table = client.get(f"{path}chiffres?{DAYS}&tableau={panel}").text
            numbers = re.findall(r'<td data-label="[^"]*" class="cell--number">(<a href="([^"]+)">)?(\d+)<', table)
            assert [text for a, _href, text in numbers if not a and text != "0"] == [], panel
            links |= {href: text for _a, href, text in numbers if href and "scanned" not in href}
    assert drawn >= (14 if account == "dge" else 2)
    assert len(links) > (40 if account == "dge" else 10)
    followed = 0
    for href, text in links.items():
        if not in_turn(href, 3):
            continue
        page = plain(client.get(unescape(href)).text)
        said = [int(one) for one in re.findall(r'role="status">([^<]*)<', page)[0:1] for one in re.findall(r"\d+", one)]
        assert said[0] == int(text), (href, text, said)
        followed += len(said) > 1
    assert followed > 3
    listed_all = plain(client.get(f"/tableau/courriers?quoi=sent&{DAYS}").text)
    expected = recounted(house.services, who, What.ON_SENT, NOVEMBER, (0, 260), None)
    assert f"Courriers que vous pouvez lire : {len(expected)}" in listed_all


def test_what_narrows_letters_narrows_no_list_of_papers(site: tuple[Flask, House]) -> None:
    """The figure counts all slips, whatever nature is chosen, and so does the list that it leads to; the way back has the nature again."""
    app, house = site
    papers(house)
    client = sign_in(app, "dge")
    cell = r'<a href="(/l/sent[^"]+)">(\d+)<'
    address = f"/tableau/chiffres?{DAYS}&nature=demande&tableau=slip-units"
    href, text = re.findall(cell, client.get(address).text)[0]
    page = client.get(unescape(href)).text
    assert re.search(rf'role="status">{text} bordereaux?\.', page), page
    back = re.findall(r'href="(/tableau/\?[^"]+)"', page)
    assert any("nature=demande" in one for one in back), back
    typed = client.get(f"/tableau/courriers?quoi=sent&{DAYS}&nature=demande").text
    assert "bordereaux." not in main(typed), "a list that a nature narrows says no number of all slips"


def test_who_is_told_rounded_numbers_reads_only_their_letters_and_no_number_of_slips(site: tuple[Flask, House]) -> None:
    app, house = site
    papers(house)
    member, auditor = sign_in(app, "etudes"), sign_in(app, "auditeur")
    for what in PAPERS:
        page = plain(member.get(f"/tableau/courriers?quoi={what.value}&{DAYS}").text)
        assert not re.search(r"\d+ (bordereau|pièce|page|document)", page), what
        assert "Aucun courrier" in plain(auditor.get(f"/tableau/courriers?quoi={what.value}&{DAYS}").text)
    assert "/l/" not in main(auditor.get(f"/supervision/?{DAYS}&vue=bordereaux").text), "an auditor opens no letter"


def test_a_hidden_letter_on_a_slip_and_in_a_scan_moves_no_list(site: tuple[Flask, House]) -> None:
    """Lines and scans become those of a SECRET letter: of who may not see it, nothing but the list of the letter that was there changes."""
    app, house = site
    services = house.services
    papers(house)
    accounts = {one: sign_in(app, one) for one in ("dge", "daf", "sg", "etudes", "agent")}
    addresses = [f"/tableau/courriers?quoi={what.value}&{DAYS}" for what in PAPERS]

    def told() -> dict[tuple[str, str], str]:
        return {(who, one): main(client.get(one).text) for who, client in accounts.items() for one in addresses}

    before = told()
    secret = letter(services, "DAF", level=Confidentiality.SECRET)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(SlipLine).where(SlipLine.mail_id.is_(None)).values(mail_id=secret, state=LineState.RECEIVED)
        )
        waiting = select(Scan.id).where(Scan.state == ScanState.WAITING)
        uow.session.execute(update(Scan).where(Scan.id.in_(waiting)).values(mail_id=secret, state=ScanState.JOINED))
    count_all(services)
    figures.heal(services, now=NOW)
    after = told()
    faulty = [one for one in addresses if "faulty" in one]
    assert {key for key in before if after[key] != before[key] and key[1] not in faulty} == set()


def test_a_station_that_is_none_is_said(site: tuple[Flask, House]) -> None:
    app, house = site
    papers(house)
    client = sign_in(app, "dge")
    assert "Station « x »" in plain(client.get(f"/tableau/courriers?quoi=scanned&station=x&{DAYS}").text)
    rows = table_rows(client, f"/tableau/fichier?{DAYS}&tableau=scan-desks&format=csv")
    assert rows
    href = re.findall(
        r'<a href="(/l/scanned[^"]*station=\d+[^"]*)"', client.get(f"/tableau/chiffres?{DAYS}&tableau=scan-desks").text
    )[0]
    page = plain(client.get(unescape(href)).text)
    assert re.search(r"Station : <strong>(Guichet|Accueil)</strong>", page), page


def test_a_list_goes_on_until_the_last_day_of_the_calendar(site: tuple[Flask, House]) -> None:
    """An address may name that day; there is none after it."""
    app, house = site
    papers(house, slips=4)
    client = sign_in(app, "dge")
    for what in (*PAPERS, What.FINISHED):
        answer = client.get(f"/tableau/courriers?quoi={what.value}&du=2026-11-01&au=9999-12-31")
        assert answer.status_code == 200, what


def test_a_sender_narrows_each_list_and_no_other_one_is_named(site: tuple[Flask, House]) -> None:
    """The page names the sender of an address beside its letters: an id that somebody tried must not tell whose it is."""
    app, house = site
    papers(house)
    with house.services.unit_of_work(NOW) as uow:
        theirs, stranger = (
            Correspondent(name=name, folded_name=name.lower()) for name in ("Mairie de Tsévié", "Informateur")
        )
        uow.session.add_all([theirs, stranger])
        uow.session.flush()
        ids = (theirs.id, stranger.id)
        uow.session.execute(update(Mail).values(sender_id=theirs.id))
    client, listed_of = sign_in(app, "dge"), 0
    for what in (*PAPERS, *GIVEN):
        address = f"/tableau/courriers?quoi={what.value}&{DAYS}"
        every, of_theirs, of_stranger = (
            plain(client.get(address + end).text) for end in ("", *(f"&expediteur={one}" for one in ids))
        )
        assert "Informateur" not in of_stranger, what
        assert "Aucun courrier de ce chiffre n'est à lire ici" in of_stranger, what
        found = [re.findall(r'href="/courriers/(\d+)"', page) for page in (every, of_theirs)]
        assert found[0] == found[1], what
        assert ("Mairie de Tsévié" in of_theirs) == bool(found[0]), what
        assert not re.search(r"\d+ (bordereau|pièce|page|document)", of_theirs + of_stranger), "of all senders' papers"
        listed_of += bool(found[0])
    assert listed_of > len(PAPERS)


def test_a_typed_delay_within_a_bin_counts_the_slips_of_its_bin_as_the_list_does(site: tuple[Flask, House]) -> None:
    app, house = site
    papers(house)
    mine = letter(house.services, "DGE")
    with house.services.unit_of_work(NOW) as uow:
        slips = uow.session.scalars(
            select(Slip).where(Slip.sender_unit_id == unit_id(house.services, "DGE"), *is_counted()).order_by(Slip.id)
        ).all()
        for slip, days in zip(slips, (0, 90, 91, 92, 600), strict=False):
            slip.received_at = datetime(2026, 11, 12, 9, tzinfo=UTC)
            slip.sent_at = slip.received_at - timedelta(days=days)
            uow.session.execute(update(SlipLine).where(SlipLine.slip_id == slip.id).values(mail_id=mine))
    count_all(house.services)
    figures.heal(house.services, now=NOW)
    client = sign_in(app, "dge")

    def told(first: int, last: int) -> tuple[str, str, list[str]]:
        page = plain(client.get(f"/tableau/courriers?quoi=waited&{DAYS}&de={first}&a={last}").text)
        said = re.findall(r'role="status">([^<]*)<', page)[0]
        return said, re.findall(r"Délai : <strong>([^<]*)<", page)[0], re.findall(r'href="/courriers/(\d+)"', page)

    assert told(61, 65) == told(62, 63) == told(65, 61)
    assert not told(61, 65)[0].startswith("0 ")
    assert told(261, 261) == told(300, 10**9)
    assert told(261, 261)[0].startswith("1 bordereau.")
    assert told(261, 261)[2] == told(61, 65)[2] == [str(mine)]


def on_slip(
    services: Services, sent: datetime, received: datetime, *lines: tuple[int, LineState], confidential: bool = False
) -> None:
    """A slip of DGE to itself: its lines are (letter, state)."""
    unit = int(unit_id(services, "DGE"))
    with services.unit_of_work(NOW) as uow:
        slip = Slip(
            kind=SlipKind.TRANSMITTAL, state=SlipState.RECEIVED, purpose=SlipPurpose.HANDOVER, sender_unit_id=unit,
            receiver_unit_id=unit, sender_post_id=uow.session.scalars(select(Post.id)).first(),
            sender_person_id=uow.session.scalars(select(Person.id)).first(), sender_name="A", sender_title="B",
            issued_at=sent - timedelta(days=40), sent_at=sent, received_at=received,
        )  # fmt: skip
        uow.session.add(slip)
        uow.session.flush()
        uow.session.add_all(
            SlipLine(
                slip_id=slip.id, position=n, description="P", mail_id=one, state=state, is_confidential=confidential
            )
            for n, (one, state) in enumerate(lines, start=1)
        )


def test_a_letter_stands_at_its_last_slip_once_and_each_condition_is_that_of_the_line(house_on_either: House) -> None:
    """Twice on one slip; on two, of which the later one has no fault; acknowledged before it was sent, by a clock that is fast."""
    services = house_on_either.services
    a, b, c, d, e, f, g = (letter(services, "DGE") for _ in range(7))
    fine, missing, damaged = LineState.RECEIVED, LineState.MISSING, LineState.DAMAGED

    def at(day: int, hour: int = 9, second: int = 0) -> datetime:
        return datetime(2026, 11, day, hour, 0, second, tzinfo=UTC)

    on_slip(services, at(3), at(20), (a, fine), (a, fine))
    on_slip(services, at(5), at(10), (b, damaged), (a, fine))
    on_slip(services, at(8), at(7), (c, fine))  # a Sunday, and the Saturday before: no working day lies between
    on_slip(services, at(16, second=30), at(16), (d, fine))
    on_slip(services, at(17), at(18), (e, missing))
    on_slip(services, at(18), at(19), (e, fine))
    on_slip(services, at(23), at(24), (f, missing), confidential=True)
    on_slip(services, at(1), at(30), (g, missing))
    on_slip(services, at(2), at(29), (g, damaged), confidential=True)
    count_all(services)
    figures.heal(services, now=NOW)
    uncounted = letter(services, "DGE")
    on_slip(services, at(25), at(26), (uncounted, missing))
    who = actor(services, "dge")

    def ids(
        what: What,
        bins: tuple[int, int] = (0, 260),
        period: Period = NOVEMBER,
        zone: ZoneInfo = services.zone,
        **changed: Any,
    ) -> list[int]:
        asked = AskedLetters(what, period, bins=bins, zone=zone)
        cut = replace(
            reach_of(who).sight(reach_of(who).headed).cut(), **{"level": int(Confidentiality.RESTRICTED), **changed}
        )
        with services.reading() as session:
            rows, _page, _total = letter_lists.letters(session, who, cut, asked, START, limit=30)
        return [int(row.mail_id) for row in rows]

    assert ids(What.ON_SENT) == [f, e, d, c, b, a, g]
    assert ids(What.ON_RECEIVED) == [g, f, a, e, d, b, c]
    assert ids(What.WAITED) == [g, f, a, e, d, b]
    assert ids(What.WAITED, (0, 0)) == [d]
    assert ids(What.AT_FAULT) == [g, f, e, b]
    assert ids(What.ON_SENT, natures=("absente",)) == []
    evening_before = Period(date(2026, 11, 15), date(2026, 11, 15))
    assert ids(What.ON_SENT, period=evening_before) == []
    assert ids(What.ON_SENT, period=evening_before, zone=ZoneInfo("Pacific/Pago_Pago")) == [d]
    assert ids(What.AT_FAULT, level=int(Confidentiality.ORDINARY)) == [g, e, b]
    with services.unit_of_work(NOW) as uow:  # now the later line of the letter is the confidential one
        for line in uow.session.scalars(select(SlipLine).where(SlipLine.mail_id == g)):
            line.is_confidential = not line.is_confidential
    assert ids(What.AT_FAULT, level=int(Confidentiality.ORDINARY)) == [g, e, b], "by its other line"


def test_a_letter_stands_once_at_its_last_scan_of_the_desks(house_on_either: House) -> None:
    """Two scans of a letter in one moment; a batch of a desk whose scan was handed to another unit; a station without its kind."""
    services = house_on_either.services
    a, b, c, d, e = (letter(services, "DGE") for _ in range(5))
    confidential = letter(services, "DGE", level=Confidentiality.RESTRICTED)
    desk, office = int(unit_id(services, "DGE")), int(unit_id(services, "DAF"))

    def scan(
        day: int, mail_id: int, *, of: int, now_at: int, source: BatchSource, bridge_id: int | None = None,
        state: ScanState = ScanState.JOINED,
    ) -> None:  # fmt: skip
        at = datetime(2026, 11, day, 9, tzinfo=UTC)
        with services.unit_of_work(NOW) as uow:
            key = f"{day}-{mail_id}-{uow.session.scalar(select(func.count()).select_from(Scan))}"
            batch = ScanBatch(key=key, bridge_id=bridge_id, unit_id=of, source=source, created_at=at)
            uow.session.add(batch)
            uow.session.flush()
            uow.session.add(Scan(batch_id=batch.id, unit_id=now_at, state=state, mail_id=mail_id, created_at=at))

    with services.unit_of_work(NOW) as uow:
        bridge = Bridge(name="Guichet", unit_id=desk, token_hash="g", paired_at=NOW)
        uow.session.add(bridge)
        uow.session.flush()
        bridge_id = bridge.id
    upload, email, by_bridge = BatchSource.UPLOAD, BatchSource.EMAIL, BatchSource.BRIDGE
    scan(3, a, of=desk, now_at=desk, source=upload)
    scan(25, a, of=desk, now_at=desk, source=by_bridge, bridge_id=bridge_id)
    scan(10, b, of=desk, now_at=office, source=upload)
    scan(10, b, of=desk, now_at=office, source=upload)
    scan(12, c, of=desk, now_at=desk, source=email)
    scan(26, d, of=office, now_at=desk, source=upload)
    scan(27, b, of=office, now_at=desk, source=upload)
    scan(28, e, of=desk, now_at=desk, source=upload, state=ScanState.MERGED)
    scan(29, confidential, of=desk, now_at=desk, source=upload)
    count_all(services)
    figures.heal(services, now=NOW)
    who = actor(services, "dge")

    with services.reading() as session:
        assert may_see(session, MailId(confidential), Confidentiality.RESTRICTED, who)

    def ids(station: Station | None = None) -> list[int]:
        return listed(
            services, who, AskedLetters(What.SCANNED, NOVEMBER, zone=services.zone, station=station), limit=2
        )[0]

    assert ids() == [a, c, b]
    assert ids(Station(None, upload)) == [b, a]
    assert ids(Station(None, email)) == [c]
    assert ids(Station(bridge_id, by_bridge)) == [a]
