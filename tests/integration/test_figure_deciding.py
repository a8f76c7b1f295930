"""What helps to decide: forecasts and services that slow down, on the pages; on both databases."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from tests.factories import make_natures
from tests.figure_copies import Copy, copied
from tests.figure_kit import add_auditor, count_all, letter
from tests.signbook_kit import House, house_on_either
from tests.site import Clock, give_passwords, open_site, sign_in
from web.site import context

__all__ = ["house_on_either"]  # a fixture

TODAY = date(2026, 11, 30)
"""A Monday."""


@pytest.fixture
def site(house_on_either: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Flask, House]:
    """A site over the ministry of the tests with an auditor; its clock stands on the last day of November."""
    services = house_on_either.services
    make_natures(services)
    add_auditor(services)
    give_passwords(services)
    clock = Clock()
    clock.at = datetime(2026, 11, 30, 15, tzinfo=UTC)
    monkeypatch.setattr(context, "datetime", clock)
    return open_site(tmp_path, services), house_on_either


def rows_of(app: Flask, account: str, name: str, more: str = "", page: str = "supervision") -> list[list[str]]:
    """The table of a panel; none where there is no such panel."""
    answer = sign_in(app, account).get(f"/{page}/fichier?tableau={name}{more}")
    if answer.status_code == 404:
        return []
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))


def shown(app: Flask, account: str, address: str) -> str:
    page = sign_in(app, account).get(address).text
    return page.partition("<main")[2].partition("</main>")[0].replace("\u202f", " ").replace("\xa0", " ").replace("’", "'")  # fmt: skip


def mondays(weeks: int, count: int, days: int | None = 1, unit: str = "DGE") -> list[Copy]:
    """Letters of each of the last Mondays, from the last one back."""
    return [Copy(TODAY - timedelta(days=7 * n), unit, days) for n in range(1, weeks + 1) for _ in range(count)]


def test_the_next_weeks_are_told_with_what_the_rule_told_before(site: tuple[Flask, House]) -> None:
    app, house = site
    copied(house.services, [*mondays(17, 3), Copy(TODAY - timedelta(days=7), "ETU")])
    count_all(house.services)
    rows = rows_of(app, "dge", "forecast")
    assert len(rows) == 1 + 8 + 2
    assert rows[-3] == ["23/11–29/11", "3", "3 à 3", "4", "1"]
    assert rows[-2:] == [["30/11–6/12", "3", "3 à 4", "", ""], ["7/12–13/12", "3", "3 à 4", "", ""]]
    stood = rows_of(app, "dge", "forecast-open")
    open_now = int(stood[-3][3])
    assert stood[-2][1:3] == [str(open_now), f"{open_now} à {open_now + 1}"]
    days = rows_of(app, "dge", "forecast-days", page="tableau")
    assert [row[1:3] for row in days[1:8]] == [["3", "0"], ["0", "3"], *[["0", "0"]] * 5]
    text = shown(app, "dge", "/supervision/?vue=prevision")
    assert "Sur les 8 dernières semaines, la même règle s'est trompée de 0,1 courriers par semaine en moyenne." in text
    assert "Le nombre réel était dans la fourchette 7 fois sur 8." in text
    units = rows_of(app, "dge", "forecast-units")
    assert units[1][:3] == ["Direction générale de l'énergie", "6", "6 à 6"]
    assert units[2] == ["Service des études", "—", "—", "—", "1", "—", "—", "—"], "one week of letters is no past"


def test_without_eight_weeks_it_says_so(site: tuple[Flask, House]) -> None:
    app, house = site
    count_all(house.services)
    assert "Il faut huit semaines de courrier pour une prévision" in shown(app, "dge", "/tableau/?vue=prevision")
    copied(house.services, mondays(7, 2))
    count_all(house.services)
    assert "Il faut huit semaines de courrier" in shown(app, "dge", "/supervision/?vue=prevision")
    assert rows_of(app, "dge", "forecast")[1:] == []
    copied(house.services, mondays(8, 1))
    count_all(house.services)
    assert "Il n'y a pas encore assez de semaines pour vérifier" in shown(app, "dge", "/tableau/?vue=prevision")
    assert len(rows_of(app, "dge", "forecast")) == 3


def test_a_forecast_is_for_who_may_open_the_letters(site: tuple[Flask, House]) -> None:
    app, house = site
    copied(house.services, [*mondays(17, 9), *mondays(17, 9, unit="ETU")])
    count_all(house.services)
    for account, page in (("auditeur", "supervision"), ("etudes", "tableau")):
        assert rows_of(app, account, "forecast", page=page)[1:] == []
        for name in ("forecast-open", "forecast-days", "forecast-units"):
            assert rows_of(app, account, name, page=page) == []
        text = shown(app, account, f"/{page}/?vue=prevision")
        assert "elle n'est montrée qu'à qui peut ouvrir ces courriers" in text
        assert not re.search(r"\d+ attendus", text)


def answered(unit: str, days: int, count: int, since: date) -> list[Copy]:
    return [Copy(since + timedelta(days=n % 5), unit, days) for n in range(count)]


LATELY, BEFORE = date(2026, 11, 9), date(2026, 9, 7)
"""Mondays: of the last 30 days, and of the 90 before. The dates of whole months are told of October, July to September."""


def test_a_service_that_slows_down_is_named_with_the_reason(site: tuple[Flask, House]) -> None:
    app, house = site
    copied(
        house.services,
        [*answered("DGE", 14, 9, LATELY), *answered("DGE", 2, 12, BEFORE), *answered("ETU", 14, 7, LATELY), *answered("ETU", 2, 40, BEFORE)],
    )  # fmt: skip
    count_all(house.services)
    rows = rows_of(app, "dge", "slower")
    reason = "médiane : 10 j ouvrés ces 30 derniers jours, 2 j les 90 jours d'avant ; 9 courriers"
    assert rows[1:] == [["Direction générale de l'énergie", reason, "10 j", "2 j", "9", "12"]], (
        "ETU: seven letters are too few"
    )
    text = shown(app, "dge", "/supervision/?vue=prevision")
    link = re.search(r'href="(/tableau/courriers\?[^"]+)">9<', text)
    assert link is not None
    assert "Courriers que vous pouvez lire : 9" in shown(app, "dge", link[1].replace("&amp;", "&"))
    assert rows_of(app, "dge", "slower", "&etape=imputation")[1:] == []


def test_who_is_told_of_whole_months_is_told_of_the_last_whole_one(site: tuple[Flask, House]) -> None:
    app, house = site
    october = date(2026, 10, 5)
    copied(house.services, [*answered("DGE", 14, 11, october), *answered("DGE", 2, 12, BEFORE)])
    count_all(house.services)
    rows = rows_of(app, "auditeur", "slower")
    assert [row[2:] for row in rows[1:]] == [["10 j", "2 j", "10", "10"]]
    assert "le mois dernier" in rows[1][1]
    letter(house.services, "DGE")
    count_all(house.services)
    assert rows_of(app, "auditeur", "slower") == rows
