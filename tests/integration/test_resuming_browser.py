"""The desk after a restore in a real browser: from the first page to the next number, by the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browsing import leading_on, sign_in
from tests.resuming_kit import hold, register, release
from tests.site import make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    app, services = make_site(tmp_path)
    now = datetime.now(UTC)
    register(services, now=now)
    hold(services, copied_at=now - timedelta(minutes=1), now=now)
    for code in ("BT", "PLI"):
        release(services, code, None, year=now.year, now=now)
    with served(app) as address:
        yield address
    services.engine.dispose()


def test_a_clerk_answers_for_each_register_and_registers_by_the_keyboard(browser: Browser, url: str) -> None:
    context = browser.new_context(base_url=url, locale="fr-FR")
    page = context.new_page()
    sign_in(page, "agent")
    page.get_by_role("link", name="Donner le dernier numéro lu sur le papier").focus()
    with leading_on(page):
        page.keyboard.press("Enter")
    page.get_by_role("link", name="Donner le dernier numéro ARR").focus()
    with leading_on(page):
        page.keyboard.press("Enter")
    expect(page.locator("#last_number")).to_be_focused()
    page.keyboard.type("600")
    with leading_on(page):
        page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_contain_text("599 numéros seraient perdus")
    page.keyboard.press("Tab")  # to the link of the summary, which leads to the field
    page.keyboard.press("Enter")
    expect(page.locator("#last_number")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    with leading_on(page):
        page.keyboard.press("Enter")
    expect(page.locator(".flash--success")).to_contain_text("2 numéros sont annulés comme perdus")
    expect(page.locator("#last_number")).to_be_focused()  # of the next register
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    with leading_on(page):
        page.keyboard.press("Enter")
    expect(page.locator(".flash--success")).to_contain_text("Aucun n’est perdu")
    expect(page.get_by_role("link", name="Ressaisir 00002")).to_be_visible()
    page.get_by_role("link", name="Ressaisir 00002").focus()
    with leading_on(page):
        page.keyboard.press("Enter")
    page.select_option("#addressed_post_id", index=1)
    page.fill("#sender_name", "Préfecture de Yoto")
    page.locator("#subject").focus()
    page.keyboard.type("Forage à Tsévié")
    with leading_on(page):
        page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("00004/")
    context.close()
