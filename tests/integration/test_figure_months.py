"""A chart of months counts the days that the cards beside it count: its first and its last month are cut; on both databases."""

from __future__ import annotations

import re
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.figure_copies import Copy, copied
from tests.figure_letters_kit import count_all
from tests.figure_site import ods_texts, plain, site, table_rows
from tests.signbook_kit import House, house_on_either
from tests.site import sign_in

__all__ = ["house_on_either", "site"]  # fixtures

pytestmark = pytest.mark.in_turns(3)

PERIOD = "du=2026-08-14&au=2026-11-10"
DAYS = [
    date(2026, 8, 3), date(2026, 8, 14), date(2026, 8, 31), date(2026, 9, 1), date(2026, 9, 30), date(2026, 11, 1),
    date(2026, 11, 10), date(2026, 11, 11), date(2026, 11, 30),
]  # fmt: skip


@pytest.fixture
def client(site: tuple[Flask, House]) -> FlaskClient:
    """Whoever heads DGE, which has a letter of each of these days; the answers came a day later."""
    copied(site[1].services, [*(Copy(day) for day in DAYS), *(Copy(day, "DGE", 1) for day in DAYS)])
    count_all(site[1].services)
    return sign_in(site[0], "dge")


def cards(client: FlaskClient, page: str, period: str) -> dict[str, int]:
    rows = table_rows(client, f"/{page}/fichier?{period}&tableau=cards")
    return {row[0]: int(row[1]) for row in rows[1:] if row[1].isdigit()}


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("period", [PERIOD, "du=2026-09-01&au=2026-11-10", "du=2026-08-14&au=2026-10-31", "periode=12mois", "periode=annee"])  # fmt: skip
def test_the_months_of_a_chart_add_up_to_the_card(client: FlaskClient, period: str) -> None:
    told = cards(client, "tableau", period)
    rows = table_rows(client, f"/tableau/fichier?{period}&tableau=arrivals")[1:]
    assert [sum(int(row[n]) for row in rows) for n in (1, 2)] == [told["Reçus"], told["Traités"]]
    assert told["Reçus"] > 0
    stood = table_rows(client, f"/tableau/fichier?{period}&tableau=standing")[-1]
    assert [int(one) for one in stood[1:]] == [told["En instance"], told["En retard"]]
    twelve = table_rows(client, f"/supervision/fichier?{period}&tableau=months")[-1]
    assert [int(one) for one in twelve[-2:]] == [told["En instance"], told["En retard"]], "at the end of the period"


def test_a_month_that_is_cut_says_so_wherever_it_stands(client: FlaskClient) -> None:
    rows = [row[0] for row in table_rows(client, f"/tableau/fichier?{PERIOD}&tableau=arrivals")[1:]]
    assert rows == ["août 26, dès le 14", "sept. 26", "oct. 26", "nov. 26, jusqu'au 10"]
    page = plain(client.get(f"/tableau/?{PERIOD}").text)
    assert ">14–31</text>" in page
    assert ">1–10</text>" in page
    assert "<title>août 26, dès le 14 : " in page
    assert "Reçus et Traités, par mois. Seuls les jours de la période comptent : du 14/08/2026 au 10/11/2026." in page
    assert "mois entier" not in page
    assert "août 26, dès le 14" in plain(client.get(f"/tableau/chiffres?{PERIOD}&tableau=arrivals").text)
    assert "août 26, dès le 14" in ods_texts(client, f"/tableau/fichier?{PERIOD}&tableau=arrivals&format=ods")
    assert table_rows(client, f"/supervision/fichier?{PERIOD}&tableau=months")[-1][0] == "nov. 26, jusqu'au 10"
    whole = plain(client.get("/tableau/?du=2026-08-01&au=2026-10-31").text)
    assert "Reçus et Traités, par mois.</p>" in whole
    assert table_rows(client, f"/tableau/fichier?{PERIOD}&tableau=slips")[1][0] == "août 26, dès le 14"


def test_a_month_that_is_cut_leads_to_its_letters(client: FlaskClient) -> None:
    table = client.get(f"/tableau/chiffres?{PERIOD}&tableau=arrivals").text
    links = re.findall(r'href="(/l/[^"]+)">(\d+)<', table)
    assert len(links) >= 4
    for href, number in links:
        listed = plain(client.get(href.replace("&amp;", "&")).text)
        assert f"Courriers que vous pouvez lire : {number}" in listed, href


def test_who_is_told_of_whole_months_is_told_so(site: tuple[Flask, House], client: FlaskClient) -> None:
    auditor = sign_in(site[0], "auditeur")
    rows = table_rows(auditor, f"/supervision/fichier?{PERIOD}&tableau=months")
    assert rows[-1][0] == "nov. 26"
    assert "par mois entier" in plain(auditor.get(f"/supervision/?{PERIOD}&vue=mois").text)
