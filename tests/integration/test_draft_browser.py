"""The page of a draft in a real browser: what is typed is stored by itself, whatever happens to the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browsing import sign_in
from tests.signbook_site_kit import Site
from tests.site import PASSWORD, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
SAVED = "Saisie enregistrée à"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Site]]:
    made = Site(tmp_path)
    with served(made.app) as url:
        yield url, made
    made.services.engine.dispose()


@pytest.fixture
def page(browser: Browser, site: tuple[str, Site]) -> Iterator[Page]:
    context = browser.new_context(base_url=site[0], locale="fr-FR", viewport={"width": 1280, "height": 900})
    found = context.new_page()
    sign_in(found, "dge")
    yield found
    context.close()


def test_what_is_typed_is_stored_by_itself_and_told(page: Page, site: tuple[str, Site]) -> None:
    mail_id = site[1].house.answer()
    page.goto(f"/projets/{mail_id}")
    told = page.locator("[data-autosave-status]")
    page.fill("#subject", "Objet tapé, jamais enregistré")
    expect(told).to_contain_text(SAVED)
    page.fill("#subject", "Objet tapé, puis la page est quittée")
    page.goto("/parapheur/")  # at once: no question, and nothing is lost
    page.goto(f"/projets/{mail_id}")
    expect(page.locator("#subject")).to_have_value("Objet tapé, puis la page est quittée")
    expect(page.get_by_text("Votre saisie non enregistrée est reprise")).to_be_visible()

    other = page.context.new_page()
    other.goto(f"/projets/{mail_id}")
    other.fill("#subject", "Second onglet")
    expect(other.locator("[data-autosave-status]")).to_contain_text(SAVED)
    page.fill("#subject", "Premier onglet")
    expect(told).to_contain_text("ouvert dans un autre onglet")
    assert site[1].house.show(mail_id, "dge").subject != "Second onglet", "no version was made"
    other.close()


def test_offline_is_told_and_made_up(page: Page, site: tuple[str, Site]) -> None:
    mail_id = site[1].house.answer()
    page.goto(f"/projets/{mail_id}")
    told = page.locator("[data-autosave-status]")
    page.context.set_offline(True)
    page.fill("#subject", "Tapé hors ligne")
    expect(told).to_contain_text("Hors ligne")
    page.context.set_offline(False)
    expect(told).to_contain_text(SAVED)
    page.context.clear_cookies()
    page.fill("#subject", "Tapé après la fin de la session")
    expect(told).to_contain_text("Votre session est terminée")
    page.click("[data-session-ended] a")
    page.fill("#account", "dge")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page.locator("#subject")).to_have_value("Tapé après la fin de la session")
