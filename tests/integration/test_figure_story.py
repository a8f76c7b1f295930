"""A month whose story can be read from the pages of figures: a strike, a backlog, a reorganisation. Everything is recounted from the register's
rows and from what the people of the story did.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text

from ged.monthly import operations as monthly
from ged.morning import queries
from ged.morning.base import Kind
from ged.org.models import Unit
from ged.unit import Services
from tests.factories import actor, make_services
from tests.figure_site import main, plain, table_rows
from tests.monthly_kit import LATER, file_of, words
from tests.site import Clock, give_passwords, open_site, sign_in
from tests.story_kit import (
    EMPTIED,
    ENDED,
    EVENING,
    HEIR,
    MERGED,
    MOVED,
    NEW_NAME,
    REORGANISED,
    SLOW,
    STRIKE,
    UNDER,
    WITH,
    Story,
    at,
    units_below,
)
from web.site import context

NOVEMBER, OCTOBER = "du=2026-11-01&au=2026-11-30", "du=2026-10-01&au=2026-10-31"
ENDED_NAME = "Service de la réglementation et du contrôle (jusqu'au 16/11/2026)"
MERGED_NAME = "Direction des systèmes d'information (jusqu'au 16/11/2026)"
OWN = {
    "dge.chef": "DGE",
    "dgmg.chef": "DGMG",
    "daj.chef": "DAJ",
    "dcom.chef": "DCOM",
    "daf.chef": "DAF",
    "drh.agent": "DRH",
}
"""Heads on the last evening, with the units that they head."""
COLUMNS = {"received": 1, "answered": 2, "open": 4}
"""Places in the table of units."""

pytestmark = [pytest.mark.slow, pytest.mark.long("a year of a made ministry is played; each view has its own tests")]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Story, Flask]]:
    """The ministry on the evening of the last day, with its story."""
    folder = tmp_path_factory.mktemp("story")
    services = make_services(folder)
    story = Story(services, a_day=3)
    story.play()
    give_passwords(services)
    yield services, story, open_site(folder, services)
    services.engine.dispose()


@pytest.fixture(autouse=True)
def evening(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    clock.at = EVENING
    monkeypatch.setattr(context, "datetime", clock)


def counted(services: Services, first: str, last: str) -> dict[str, dict[str, int]]:
    """Code of a unit -> what its letters did in a period and how many are open at its end, by SQL over the register alone."""
    query = text(
        """
        SELECT units.code,
               sum(mails.received_on BETWEEN :first AND :last) AS received,
               sum(coalesce(ends.day BETWEEN :first AND :last, 0)) AS answered,
               sum(mails.received_on <= :last AND (ends.day IS NULL OR ends.day > :last)) AS open
        FROM mails
        JOIN units ON units.id = coalesce(mails.responsible_unit_id, mails.unit_id)
        LEFT JOIN (
            SELECT mail_id, date(max(finished_at)) AS day FROM assignments
            WHERE parent_id IS NULL AND is_leading AND finished_at IS NOT NULL GROUP BY mail_id
        ) AS ends ON ends.mail_id = mails.id
        GROUP BY units.code
        """
    )
    with services.engine.connect() as connection:
        rows = connection.execute(query, {"first": first, "last": last}).mappings().all()
    found = {row["code"]: {name: int(row[name]) for name in COLUMNS} for row in rows}
    return {code: numbers for code, numbers in found.items() if any(numbers.values())}


def named(services: Services) -> dict[str, str]:
    """Name of a unit as the pages have it -> its code."""
    with services.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT code, name FROM units WHERE code NOT LIKE 'AT2ER%' AND code NOT LIKE 'CEET%'")
        ).all()
    return {name: code for code, name in rows} | {ENDED_NAME: ENDED, MERGED_NAME: MERGED}


def shown(app: Flask, services: Services, account: str, days: str) -> dict[str, dict[str, int]]:
    """As ``counted``, from the file of the table of units."""
    codes = named(services)
    rows = table_rows(sign_in(app, account), f"/supervision/fichier?{days}&tableau=units")[1:]
    return {codes[row[0]]: {name: int(row[place]) for name, place in COLUMNS.items()} for row in rows}


def test_the_story_has_what_it_tells(told: tuple[Services, Story, Flask]) -> None:
    """What the tests below read is there: else they would prove nothing."""
    services, story, _app = told
    acts = {(one.act, one.unit) for one in story.log}
    assert {("answered", ENDED), ("answered", MERGED), ("given", HEIR), ("given", WITH), ("given", MOVED)} <= acts
    after = [one for one in story.log if one.unit == ENDED and one.on >= REORGANISED]
    assert after, "letters of the closed unit were dealt with by who took it over"
    assert {one.act for one in after} == {"answered"}
    assert not [one for one in story.log if STRIKE[0] <= one.on <= STRIKE[1]]
    assert units_below(services, UNDER) >= {MOVED}
    assert len([one for one in story.log if one.act == "received"]) > 150


@pytest.mark.parametrize(
    ("days", "first", "last"), [(NOVEMBER, "2026-11-01", "2026-11-30"), (OCTOBER, "2026-10-01", "2026-10-31")]
)
def test_each_unit_has_its_past_and_the_whole_is_neither_doubled_nor_lost(
    told: tuple[Services, Story, Flask], days: str, first: str, last: str
) -> None:
    services, story, app = told
    expected = counted(services, first, last)
    of_all = shown(app, services, "sg", days)
    assert of_all == expected
    span = (date.fromisoformat(first), date.fromisoformat(last))
    done = {
        act: sum(one.act == act and span[0] <= one.on <= span[1] for one in story.log)
        for act in ("received", "answered")
    }
    assert {act: sum(numbers[act] for numbers in of_all.values()) for act in done} == done, "what the people did"
    cards = table_rows(sign_in(app, "sg"), f"/supervision/fichier?{days}&tableau=cards")
    assert [int(row[1]) for row in cards[1:3]] == [done["received"], done["answered"]]
    assert int(cards[4][1]) == sum(numbers["open"] for numbers in expected.values())
    for account, code in OWN.items():
        below = units_below(services, code) | {one for one, heir in ((ENDED, HEIR), (MERGED, WITH)) if heir == code}
        assert shown(app, services, account, days) == {
            one: numbers for one, numbers in expected.items() if one in below
        }


def test_a_closed_unit_says_until_when_it_was_and_who_goes_on(told: tuple[Services, Story, Flask]) -> None:
    _services, _story, app = told
    for account, ended in (("dge.chef", ENDED_NAME), ("daj.chef", ENDED_NAME), ("dcom.chef", MERGED_NAME)):
        client = sign_in(app, account)
        page = unescape(plain(client.get(f"/supervision/?{NOVEMBER}").text))
        assert ended in page, account
        told_of = re.findall(r"« ([^»]+) » a pris la suite de « ([^»]+) » le 16/11/2026\.", page)
        assert [one for _heir, one in told_of] == [ended.partition(" (")[0]], account
        assert "Le courrier confié avant ce jour reste compté sous l'ancien nom" in page
        long_ago = plain(client.get("/supervision/?du=2026-09-20&au=2026-09-30").text)
        assert "a pris la suite" in long_ago, "the organisation of today is that of each period"
    auditor = unescape(plain(sign_in(app, "auditeur").get(f"/supervision/?{NOVEMBER}").text))
    assert f"« {NEW_NAME} » a pris la suite de « Direction des systèmes d'information »" in auditor
    untouched = plain(sign_in(app, "daf.chef").get(f"/supervision/?{NOVEMBER}").text)
    assert "a pris la suite" not in untouched


def test_the_day_of_a_closing_is_a_line_across_the_charts_of_days(told: tuple[Services, Story, Flask]) -> None:
    _services, _story, app = told
    client = sign_in(app, "sg")
    for view in ("", "delais"):
        page = plain(client.get(f"/tableau/?{NOVEMBER}&vue={view}").text)
        assert f"fermeture : {ENDED}, {MERGED}" in page
        assert page.count("line--closing") == 1
        assert "line--closing" not in client.get(f"/tableau/?{OCTOBER}&vue={view}").text
    of_one = plain(sign_in(app, "dge.chef").get(f"/tableau/?{NOVEMBER}").text)
    assert f"fermeture : {ENDED}<" in of_one


def test_the_strike_and_the_backlog_stand_in_the_charts(told: tuple[Services, Story, Flask]) -> None:
    services, story, app = told
    client = sign_in(app, "sg")
    rows = {
        row[0]: [int(one) for one in row[1:]]
        for row in table_rows(client, f"/tableau/fichier?{NOVEMBER}&tableau=arrivals")[1:]
    }
    for day, numbers in rows.items():
        on = datetime.strptime(day, "%d/%m/%Y").replace(tzinfo=UTC).date()
        assert numbers == [
            sum(one.act == act and one.on == on for one in story.log) for act in ("received", "answered")
        ], day
    assert all(rows[f"0{n}/11/2026"] == [0, 0] for n in range(2, 7))
    assert rows["09/11/2026"][0] == max(numbers[0] for numbers in rows.values())
    stood = table_rows(sign_in(app, "daf.chef"), f"/tableau/fichier?{NOVEMBER}&tableau=standing")[1:]
    assert int(stood[-1][1]) >= 2 * int(stood[0][1]) > 0
    assert int(stood[-1][1]) == counted(services, "2026-11-01", "2026-11-30")[SLOW]["open"]
    goal = plain(sign_in(app, "daf.chef").get(f"/tableau/?{NOVEMBER}&vue=delais&nature=facture").text)
    assert "objectif : 10 j" in goal


def test_the_period_before_is_that_of_the_units_of_today(told: tuple[Services, Story, Flask]) -> None:
    services, _story, app = told
    before = counted(services, "2026-10-01", "2026-10-31")
    for account in ("dge.chef", "dgmg.chef", "daj.chef"):
        units = shown(app, services, account, OCTOBER)
        client = sign_in(app, account)
        cards = table_rows(client, f"/tableau/fichier?{NOVEMBER}&tableau=cards")
        expected = [sum(before[one][name] for one in units) for name in COLUMNS]
        assert [int(cards[n][2]) for n in (1, 2, 4)] == expected, account
        page = plain(client.get(f"/tableau/?{NOVEMBER}").text)
        assert "« Avant » : les mêmes services, du 01/10/2026 au 31/10/2026." in page
    assert MOVED in shown(app, services, "dge.chef", OCTOBER), "its past goes with it"
    assert MOVED not in shown(app, services, "dgmg.chef", OCTOBER)


@pytest.mark.parametrize("account", ["sg", "dge.chef", "daj.chef", "dcom.chef"])
def test_each_number_of_the_story_leads_to_so_many_letters(told: tuple[Services, Story, Flask], account: str) -> None:
    _services, _story, app = told
    client = sign_in(app, account)
    page = "".join(
        main(client.get(f"/supervision/chiffres?{NOVEMBER}&tableau={name}").text)
        for name in ("units", "backlog", "flows", "forecast-units", "months")
    )
    links = dict(re.findall(r'<a href="(/l/[^"]+)">([\d\u202f\xa0]+)<span', page))
    assert len(links) > 10
    for href, number in links.items():
        listed = client.get(unescape(href)).text
        total = re.search(r"Courriers que vous pouvez lire[\s\xa0:]+(\d+)", listed)
        assert total is not None, href
        assert int(total[1]) == int(number), href


def test_what_came_to_a_closed_unit_is_expected_where_its_work_goes_on(told: tuple[Services, Story, Flask]) -> None:
    services, _story, app = told
    first = EVENING.date() - timedelta(days=56)
    query = text(
        "SELECT mails.received_on FROM mails JOIN units ON units.id = coalesce(mails.responsible_unit_id, mails.unit_id) "
        "WHERE units.code IN (:one, :other) AND mails.received_on >= :first AND mails.received_on < :today"
    )
    with services.engine.connect() as connection:
        days = connection.execute(
            query, {"one": HEIR, "other": ENDED, "first": first.isoformat(), "today": EVENING.date().isoformat()}
        ).scalars()
        came = [date.fromisoformat(str(one)) for one in days]
    # Of each weekday the mean of eight, and two weeks of them: a quarter of all. No day of these weeks is a holiday.
    expected = round(len(came) / 4)
    rows = {
        row[0]: row
        for row in table_rows(sign_in(app, "sg"), f"/supervision/fichier?{NOVEMBER}&tableau=forecast-units")[1:]
    }
    assert rows["Direction des affaires juridiques"][1] == str(expected)
    assert rows[ENDED_NAME][1:4] == ["—"] * 3, "nothing comes there any more"
    page = plain(sign_in(app, "sg").get(f"/supervision/?{NOVEMBER}&vue=prevision").text)
    assert (
        "Rien n'est attendu d'un service fermé : son courrier est attendu chez le service qui a pris la suite." in page
    )
    assert "ce courrier n'arrive plus ici" not in page, "the heir is among what is shown"
    former = unescape(plain(sign_in(app, "dge.chef").get(f"/tableau/?{NOVEMBER}&vue=prevision").text))
    gone = "Un autre service a pris la suite de « Service de la réglementation et du contrôle » : ce courrier n'arrive plus ici"
    assert former.count(gone) == 3, "in each forecast of all letters"
    assert "ce courrier n'arrive plus ici" not in plain(
        sign_in(app, "daj.chef").get(f"/tableau/?{NOVEMBER}&vue=prevision").text
    )


def test_the_report_says_which_units_are_no_more_and_counts_their_letters_once(
    told: tuple[Services, Story, Flask], tmp_path: Path
) -> None:
    services, _story, _app = told
    with services.reading() as session:
        ministry = session.scalars(select(Unit.id).where(Unit.code == "MMRE")).one()
    who = actor(services, "admin", on=LATER.date())
    row = monthly.make(services, ministry, date(2026, 11, 1), actor=who, now=LATER)
    paper = " ".join(words(file_of(services, row), tmp_path, is_drawn=False).replace("’", "'").split())
    for code in (ENDED, MERGED):
        assert f"({code}), n'existe plus" in paper
    assert paper.count("n'existe plus") == 6, "each in the numbers, in the delays and in the annex"
    expected = counted(services, "2026-11-01", "2026-11-30")
    whole = sum(numbers["received"] for numbers in expected.values())
    assert re.search(rf"Ensemble\s+{whole}\s+{whole}\s+0\s", words(file_of(services, row), tmp_path))


def test_letters_at_the_post_that_stands_empty_are_told_in_the_morning(told: tuple[Services, Story, Flask]) -> None:
    services, _story, _app = told
    query = text(
        "SELECT assignments.mail_id FROM assignments JOIN posts ON posts.id = assignments.post_id JOIN mails ON mails.id = assignments.mail_id "
        "WHERE posts.code = :post AND assignments.state IN ('OPEN', 'open') AND mails.state IN ('ASSIGNED', 'assigned')"
    )
    with services.engine.connect() as connection:
        waiting = set(connection.execute(query, {"post": EMPTIED}).scalars())
    morning = at(EVENING.date(), 7)
    for account, expected in (("dge.chef", waiting), ("dge.etudes.chef", waiting), ("daj.chef", set())):
        with services.reading() as session:
            who = actor(services, account, on=morning.date())
            parts = {part.kind: part for part in queries.parts(session, services, who, now=morning)}
        part = parts.get(Kind.EMPTY_POSTS)
        assert (part.total if part else 0) == len(expected), account
        assert {line.subject_id for line in (part.lines if part else ())} <= expected
    assert waiting, "the engineer left letters behind"
