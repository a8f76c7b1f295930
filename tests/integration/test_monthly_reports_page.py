"""The page of monthly reports: who sees it, making a report, its file; in Chromium at both widths, with axe."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, text

from ged.figures import operations as figures
from ged.monthly.models import MonthlyReport
from ged.ports import Digest
from ged.unit import Role, Services
from tests.browser_site_kit import site
from tests.browsing import WIDTHS, axe_faults, leading_on
from tests.browsing import sign_in as enter
from tests.factories import add_entity
from tests.routing_kit import register, unit_id
from tests.site import give_passwords, make_site, post, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["site"]  # a fixture

PAGE = "/rapports-mensuels/"


def last_month() -> str:
    """The last month that is over, as the form sends it."""
    now = datetime.now(UTC)
    year, month = divmod(now.year * 12 + now.month - 2, 12)
    return f"{year}-{month + 1:02d}"


def test_a_report_is_made_listed_and_fetched(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        add_entity(uow.session, Role.HEAD, parent_id=unit_id(services, "MIN"))
    give_passwords(services)
    register(services)
    client, ministry = sign_in(app, "admin"), unit_id(services, "MIN")
    assert "Aucun rapport" in client.get(PAGE).text
    form = {"entity_id": str(ministry), "month": last_month()}
    assert "Les chiffres du registre sont en cours de calcul." in post(client, PAGE, form, page=PAGE).text
    figures.run(services, now=datetime.now(UTC))
    this_month = {**form, "month": f"{datetime.now(UTC):%Y-%m}"}
    assert post(client, PAGE, this_month, page=PAGE).status_code == 422
    answer = post(client, PAGE, form, page=PAGE)
    assert answer.status_code == 303, answer.text
    with services.reading() as session:
        row = session.scalars(select(MonthlyReport)).one()
    file = f"{PAGE}{row.id}.pdf"
    assert file in client.get(PAGE).text
    given = client.get(file)
    with services.blobs.open(Digest(row.digest)) as stored:
        assert given.data == stored.read()
    assert client.get(f"{PAGE}{row.id + 1}.pdf").status_code == 404
    # Neither another entity's head, nor a head within the entity, nor a clerk.
    for account, seen in (("ceet", 200), ("dge", 200), ("agent", 403)):
        other = sign_in(app, account)
        shown = other.get(PAGE)
        assert (shown.status_code, file in shown.text) == (seen, False), account
        assert other.get(file).status_code in (403, 404), account
        assert ("Rapports mensuels" in other.get("/registres/").text) == (account == "ceet"), account
    asked = post(sign_in(app, "ceet"), PAGE, form, page=PAGE)
    assert asked.status_code == 404, "an entity that he does not head is unknown to him"
    services.engine.dispose()


def test_the_page_speaks_english(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE people SET language = 'en' WHERE account = 'admin'"))
    shown = sign_in(app, "admin").get(PAGE).text
    assert "Monthly reports" in shown
    assert "Make the report" in shown
    services.engine.dispose()


@pytest.mark.browser
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_holds_at_both_widths(browser: Browser, site: tuple[str, Services], width: int) -> None:
    url, services = site
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE units SET name = :name WHERE code = 'MIN'"), {"name": "Ministère " + "m" * 150})
    figures.run(services, now=datetime.now(UTC))
    context = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": width, "height": 800})
    page = context.new_page()
    enter(page, "admin")
    page.goto(PAGE)
    page.get_by_label("Mois").focus()
    with leading_on(page):
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    expect(page.locator(".flash--success")).to_contain_text("Le rapport est établi")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe_faults(page) == []
    context.close()
