"""The files and the print of the pages of figures say what they count; numbers and days are numbers and days; on both databases."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, timedelta
from html import unescape
from xml.etree import ElementTree

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from ged.org.models import Person
from ged.register.models import Direction, Priority, Register, RegisterNature
from tests.factories import NOW
from tests.figure_letters_kit import count_all, letter
from tests.figure_site import plain, saved_rows, site
from tests.routing_kit import unit_id
from tests.signbook_kit import House, house_on_either
from tests.site import sign_in
from web.views.figures import dashboard, sent, supervision

__all__ = ["house_on_either", "site"]  # fixtures

NOVEMBER = "du=2026-11-01&au=2026-11-30"


def ods_cells(client: FlaskClient, address: str) -> dict[str, tuple[str, str]]:
    """Text of a cell -> (type, value)."""
    answer = client.get(f"{address}&format=ods")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        tree = ElementTree.fromstring(archive.read("content.xml"))  # made by us
    found = {}
    for cell in tree.iter():
        if cell.tag.endswith("}table-cell"):
            named = {name.partition("}")[2]: value for name, value in cell.attrib.items()}
            value = named.get("value") or named.get("date-value") or ""
            found["".join(cell.itertext())] = (named.get("value-type", ""), value)
    return found


def head(rows: list[list[str]]) -> list[list[str]]:
    """The first rows of a file: what it counts. The last of them, the moment of counting, is left out."""
    end = rows.index([]) - 1
    assert rows[end][0] == "Compté le"
    assert re.fullmatch(r"\d\d/\d\d/2026 à \d\d:\d\d", rows[end][1].replace("\xa0", " "))
    return rows[:end]


def chosen(client: FlaskClient, address: str) -> str:
    """The line that says what the figures are narrowed to; empty where there is none."""
    text = plain(client.get(address).text).partition('<p class="figure-chosen">')[2].partition("</p>")[0]
    return unescape(text).replace("<strong>", "").replace("</strong>", "")


def test_a_file_says_in_its_first_rows_what_it_counts(site: tuple[Flask, House]) -> None:
    app, services = site[0], site[1].services
    letter(services, "DGE", nature="plainte", priority=Priority.URGENT)
    count_all(services)
    client, dge = sign_in(app, "dge"), unit_id(services, "DGE")
    with services.reading() as session:
        register_id, register = session.execute(select(Register.id, Register.name).where(Register.code == "ARR")).one()
    more = (
        f"&unite={dge}&nature=plainte&sens=incoming&registre={register_id}&canal=post&priorite=urgent&etape=imputation"
    )
    name = "Direction générale de l'énergie"
    filters = [
        ["Service, avec ceux qui en dépendent", name], ["Nature", "Plainte ou réclamation"], ["Sens", "Arrivée"], ["Registre", register],
        ["Canal", "Voie postale"], ["Priorité", "Urgent"], ["Délai montré", "Réception → imputation"],
    ]  # fmt: skip
    rows = saved_rows(client, f"/supervision/fichier?{NOVEMBER}{more}&tableau=units")
    assert head(rows) == [
        ["Par service"],
        ["Période", "du 01/11/2026 au 30/11/2026"],
        *filters,
        ["Établi le", "30/11/2026"],
    ]
    assert rows[rows.index([]) + 1][0] == "Service"
    # A delay is told by some tables only, a period is not that of each, and slips know units alone.
    rows = saved_rows(client, f"/supervision/fichier?{NOVEMBER}{more}&tableau=backlog")
    assert head(rows)[1:] == [*filters[:-1], ["Établi le", "30/11/2026"]]
    rows = saved_rows(client, f"/tableau/fichier?{NOVEMBER}{more}&tableau=slips")
    assert [row[0] for row in head(rows)] == ["Bordereaux", "Période", filters[0][0], "Établi le"]
    # The sheet has these rows too, and without filters only what always holds.
    assert {name, "Plainte ou réclamation", "Urgent"} <= ods_cells(
        client, f"/supervision/fichier?{NOVEMBER}{more}&tableau=units"
    ).keys()
    rows = saved_rows(client, f"/supervision/fichier?{NOVEMBER}&tableau=units")
    assert [row[0] for row in head(rows)] == ["Par service", "Période", "Établi le"]
    alone = saved_rows(client, f"/supervision/fichier?{NOVEMBER}&unite={dge}&seul=1&tableau=units")
    assert alone[2] == ["Service, sans ceux qui en dépendent", name]


def test_the_page_and_its_print_say_what_they_count(site: tuple[Flask, House]) -> None:
    app, services = site[0], site[1].services
    letter(services, "DGE", nature="plainte")
    count_all(services)
    client, dge = sign_in(app, "dge"), unit_id(services, "DGE")
    for path in ("/tableau/", "/supervision/"):
        assert chosen(client, f"{path}?{NOVEMBER}") == ""
        assert chosen(client, f"{path}?{NOVEMBER}&unite={dge}&nature=plainte") == (
            "Critères : Service, avec ceux qui en dépendent : Direction générale de l'énergie · Nature : Plainte ou réclamation"
        )
    assert (
        chosen(client, f"/tableau/chiffres?{NOVEMBER}&nature=plainte&tableau=delays")
        == "Critères : Nature : Plainte ou réclamation"
    )
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).values(language="en"))
    english = sign_in(app, "dge")
    address = f"/supervision/?{NOVEMBER}&unite={dge}&seul=1&priorite=urgent"
    assert chosen(english, address) == (
        "Criteria: Unit, without those below it: Direction générale de l'énergie · Priority: Urgent"
    )


def test_a_filter_that_the_reader_is_not_offered_is_never_named(site: tuple[Flask, House]) -> None:
    app, services = site[0], site[1].services
    letter(services, "DGE")
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Register(
                unit_id=unit_id(services, "DAF"),
                code="SEC",
                name="Registre réservé",
                pattern="{sequence}",
                nature=RegisterNature.ARRIVAL,
                direction=Direction.INCOMING,
            )
        )
    with services.reading() as session:
        theirs = session.scalars(select(Register.id).where(Register.code == "SEC")).one()
    count_all(services)
    client, daf = sign_in(app, "dge"), unit_id(services, "DAF")
    more = f"{NOVEMBER}&unite={daf}&registre={theirs}"
    assert chosen(client, f"/supervision/?{more}") == ""
    answer = client.get(f"/supervision/fichier?{more}&tableau=delays")
    assert answer.status_code == 422
    assert "Registre réservé" not in answer.text
    assert "Direction des affaires" not in answer.text


def test_numbers_and_days_of_a_sheet_are_numbers_and_days(site: tuple[Flask, House]) -> None:
    app, services = site[0], site[1].services
    for day in (*[date(2026, 10, 5)] * 10, date(2026, 11, 3), *[date(2026, 11, 4)] * 11):
        letter(services, "DGE", on=day, answered=NOW + timedelta(days=2) if day.day == 3 else None)
    count_all(services)
    client = sign_in(app, "dge")
    cards = ods_cells(client, f"/tableau/fichier?{NOVEMBER}&tableau=cards")
    assert cards["12"] == ("float", "12")
    assert cards["+20 %"] == ("percentage", "0.2")
    assert cards["Reçus"] == ("string", "")
    assert cards["30/11/2026"] == ("date", "2026-11-30")
    assert next(one for text, one in cards.items() if text.endswith(" j"))[0] == "float", "a delay"
    arrivals = ods_cells(client, f"/tableau/fichier?{NOVEMBER}&tableau=arrivals")
    assert arrivals["03/11/2026"] == ("date", "2026-11-03")
    rhythm = saved_rows(client, f"/tableau/fichier?{NOVEMBER}&tableau=rhythm")
    assert rhythm[rhythm.index([]) + 1][1:3] == ["26/10/2026", "02/11/2026"]
    rows = saved_rows(client, f"/tableau/fichier?{NOVEMBER}&tableau=arrivals")
    assert rows[rows.index([]) + 3] == ["02/11/2026", "0", "0"]


def test_a_number_that_is_told_in_words_stays_words_in_a_sheet(site: tuple[Flask, House]) -> None:
    app, services = site[0], site[1].services
    for _ in range(3):
        letter(services, "DGE")
    count_all(services)
    cards = ods_cells(sign_in(app, "auditeur"), f"/supervision/fichier?{NOVEMBER}&tableau=cards")
    assert cards["moins de 5"] == ("string", "")
    assert not {one for one in cards.values() if one[0] == "float"}, "no cell tells what its words hide"


def test_files_are_named_in_french_words(site: tuple[Flask, House]) -> None:
    app, services = site[0], site[1].services
    letter(services, "DGE")
    count_all(services)
    client = sign_in(app, "dge")
    for address, name in (
        ("/supervision/fichier?tableau=units", "supervision-services-2026-11-30.csv"),
        ("/tableau/fichier?tableau=cards&format=ods", "tableau-de-bord-chiffres-2026-11-30.ods"),
    ):
        assert client.get(address).headers["Content-Disposition"] == f'attachment; filename="{name}"'
    makers = {*dashboard.PAGE.makers, *supervision.PAGE.makers, "cards"}
    assert sent.NAMES.keys() == makers
    assert len(set(sent.NAMES.values())) == len(makers), "two tables under one name"
    assert makers >= sent.STAGED | sent.TIMELESS
