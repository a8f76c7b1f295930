"""Days that a forecast leaves aside: chosen in the address, told wherever the forecast is told; on both databases."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from ged.figures.periods import Period
from tests.figure_copies import Copy, copied
from tests.figure_letters_kit import count_all
from tests.figure_site import ods_texts, plain, saved_rows, site, table_rows
from tests.signbook_kit import House, house_on_either
from tests.site import sign_in
from web.views.figures import left_out

__all__ = ["house_on_either", "site"]  # fixtures

pytestmark = pytest.mark.in_turns(3)

TODAY = date(2026, 11, 30)
"""A Monday."""
STRIKE = "sans=2026-11-16"


def furnished(house: House) -> None:
    """Three letters each Monday, answered a day later; 20 on one of them."""
    days = [TODAY - timedelta(days=7 * n) for n in range(1, 18)]
    copied(
        house.services,
        [*(Copy(day, "DGE", 1) for day in days for _ in range(3)), *[Copy(date(2026, 11, 16), "DGE", 1)] * 17],
    )
    count_all(house.services)


@pytest.mark.parametrize(("typed", "spans", "wrong"), [
    ("2026-11-09..2026-11-13", "2026-11-09..2026-11-13", []), ("2026-11-13,2026-11-09..2026-11-12", "2026-11-09..2026-11-13", []),
    ("2026-11-02,2026-11-16", "2026-11-02,2026-11-16", []), ("2026-11-30", "", ["2026-11-30"]), ("2026-11-20..2026-12-02", "", ["2026-11-20..2026-12-02"]),
    ("1999-01-01", "", ["1999-01-01"]), ("9999-12-31", "", ["9999-12-31"]), ("2026-11-13..2026-11-09", "", ["2026-11-13..2026-11-09"]),
    ("grève", "", ["grève"]), ("1950-01-01..2026-08-12", "1950-01-01..2026-08-12", []), ("", "", []),
])  # fmt: skip
def test_spans_of_days_are_read_from_an_address(typed: str, spans: str, wrong: list[str]) -> None:
    found, refused, _errors = left_out.read(MultiDict({"sans": typed}), TODAY)
    assert (left_out.written(found), refused) == (spans, wrong)
    assert len(left_out.days(found, TODAY)) <= 112
    assert left_out.read(MultiDict([("sans", spans), ("sans_du", "2026-11-03")]), TODAY)[1] == []


def test_more_spans_than_there_may_be_are_said() -> None:
    days = [(TODAY - timedelta(days=2 * n)).isoformat() for n in range(1, 13)]
    found, refused, _errors = left_out.read(MultiDict({"sans": ",".join(days)}), TODAY)
    assert (len(found), refused) == (10, days[10:])
    typed = MultiDict({"sans": ",".join(days[:10]), "sans_du": "2026-10-01"})
    assert [one.code for one in left_out.read(typed, TODAY).errors] == ["figures.left_many"]
    assert left_out.days((Period(date(1950, 1, 1), date(2026, 8, 11)),), TODAY) == {
        date(2026, 8, 10),
        date(2026, 8, 11),
    }


def test_a_strike_is_left_out_of_the_forecast_and_of_its_past_error(site: tuple[Flask, House]) -> None:
    app, house = site
    furnished(house)
    client = sign_in(app, "dge")
    usual = table_rows(client, "/tableau/fichier?tableau=forecast")
    without = table_rows(client, f"/tableau/fichier?tableau=forecast&{STRIKE}")
    assert usual[-1][1:3] == ["5", "3 à 20"]
    assert without[-1][1:3] == ["3", "3 à 3"]
    assert without[-4] == ["16/11/2026–22/11/2026 (sans 1 jour)", "0", "0 à 3", "0", "0"], (
        "the letters of the other days"
    )
    text = plain(client.get(f"/tableau/?vue=prevision&{STRIKE}").text)
    assert "écart moyen de la même règle, en courriers par semaine : 0." in text
    assert "Les jours laissés de côté ne sont ni dans les moyennes, ni dans l'erreur passée" in text
    stood = table_rows(client, f"/tableau/fichier?tableau=forecast-open&{STRIKE}")
    assert [row[3] for row in stood[1:-2]] == [row[3] for row in table_rows(client, "/tableau/fichier?tableau=forecast-open")[1:-2]], (
        "what stood open stood open"
    )  # fmt: skip
    units = table_rows(client, f"/supervision/fichier?tableau=forecast-units&{STRIKE}")
    assert units[1][1:3] == ["6", "6 à 6"]


def test_the_days_are_told_in_titles_criteria_and_files(site: tuple[Flask, House]) -> None:
    app, house = site
    furnished(house)
    client = sign_in(app, "dge")
    address = "sans=2026-11-16..2026-11-17,2026-11-03"
    told = "le 03/11/2026, du 16/11/2026 au 17/11/2026"
    for page in ("tableau", "supervision"):
        text = unescape(plain(client.get(f"/{page}/?vue=prevision&{address}").text))
        assert f"Courriers attendus (jours laissés de côté : {told})" in text
        assert f"Jours laissés de côté : <strong>{told}</strong>" in text, "what the print says"
        again = re.findall(r'<li>([^·]+) · <a href="([^"]+)">Compter de nouveau', text)
        assert [one[0] for one in again] == ["le 03/11/2026", "du 16/11/2026 au 17/11/2026"]
        assert "sans=2026-11-16" in again[0][1]
        assert "03" not in again[0][1].partition("sans=")[2]
        rows = saved_rows(client, f"/{page}/fichier?tableau=forecast&{address}")
        assert rows[0] == [f"Courriers attendus (jours laissés de côté : {told})"]
        assert ["Jours laissés de côté", told] in rows
        assert told in ods_texts(client, f"/{page}/fichier?tableau=forecast&{address}&format=ods")
        # Elsewhere they change nothing, and are kept for the way back.
        other = unescape(plain(client.get(f"/{page}/?vue=delais&{address}").text))
        assert "Jours laissés de côté" not in other
        assert "sans=2026-11-03" in other
    assert ["Jours laissés de côté", told] not in saved_rows(client, f"/tableau/fichier?tableau=arrivals&{address}")


def test_the_form_adds_days_and_says_which_it_cannot(site: tuple[Flask, House]) -> None:
    app, house = site
    furnished(house)
    client = sign_in(app, "dge")
    page = unescape(
        plain(client.get(f"/tableau/?vue=prevision&{STRIKE}&sans_du=2026-11-09&sans_au=2026-11-10&nature=-").text)
    )
    assert "Jours laissés de côté : <strong>du 09/11/2026 au 10/11/2026, le 16/11/2026</strong>" in page
    way = re.search(r'href="([^"]+#sans_du)"', page)
    assert way is not None
    form = plain(client.get(way[1].partition("#")[0]).text)
    assert '<input type="hidden" name="sans" value="2026-11-09..2026-11-10,2026-11-16">' in form
    assert '<option value="-" selected>' in form
    assert 'name="sans_du"' in form
    assert 'name="sans_au"' in form
    assert 'name="sans_du"' not in client.get("/tableau/criteres?vue=delais").text, "only a forecast leaves days aside"
    late = unescape(plain(client.get("/tableau/?vue=prevision&sans_du=2026-12-24").text))
    assert "n'est pas appliqué : Jours laissés de côté « 2026-12-24 »" in late
    every = ",".join((TODAY - timedelta(days=7 * n)).isoformat() for n in range(1, 9))
    none = unescape(plain(client.get(f"/tableau/?vue=prevision&sans={every}").text))
    assert "dont quatre au moins sans jour laissé de côté" in none
    assert 'id="left-title"' not in plain(sign_in(app, "auditeur").get("/supervision/?vue=prevision").text)


@pytest.mark.parametrize("page_name", ["tableau/", "supervision/", "tableau/criteres"])
@pytest.mark.parametrize(("first", "last", "field", "said"), [
    ("12/11/2026", "10/11/2026", "sans_au", "Le dernier jour est avant le premier."),
    ("31/02/2026", "10/11/2026", "sans_du", "Cette date n'existe pas"),
    ("24/12/2026", "26/12/2026", "sans_au", "Ces jours ne sont pas encore venus."),
    ("24/12/2026", "", "sans_du", "Ces jours ne sont pas encore venus."),
    ("01/02/2026", "", "sans_du", "Choisissez des jours des 16 dernières semaines."),
])  # fmt: skip
def test_days_that_cannot_be_left_aside_are_told_at_their_field_and_stay_as_they_were_typed(
    site: tuple[Flask, House], page_name: str, first: str, last: str, field: str, said: str
) -> None:
    count_all(site[1].services)
    client = sign_in(site[0], "dge")
    asked = f"vue=prevision&{STRIKE}&sans_du={first}&sans_au={last}"
    text = unescape(plain(client.get(f"/{page_name}?{asked}").text))
    assert page_name.endswith("criteres") or re.search(r'<details class="filters__more" open>', text)
    for name, typed in (("sans_du", first), ("sans_au", last)):
        assert re.search(rf'id="{name}"[^>]* value="{typed}"', text)
    assert re.findall(r'id="([a-z_]+)"[^>]*aria-invalid="true"', text) == [field]
    assert said in text
    assert ".." not in text.partition("n'est pas appliqué")[2].partition("</p>")[0], "as it was typed"
    assert '<input type="hidden" name="sans" value="2026-11-16">' in text, "the other days stay aside"
    refused = client.get(f"/tableau/fichier?tableau=forecast&format=csv&{asked}")
    assert refused.status_code == 422
    assert "aria-invalid" not in client.get(f"/tableau/?vue=delais&sans_du={first}&sans_au={last}").text
