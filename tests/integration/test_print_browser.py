"""What a browser prints: a list is a table on A4, not the cards of a telephone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from ged.unit import Services
from tests.browser_site_kit import site
from tests.browsing import sign_in
from tests.routing_kit import register

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["site"]  # a fixture

pytestmark = pytest.mark.browser
A4_PX = 690
"""The width of an A4 sheet within its margins, in CSS pixels."""


def test_a_register_and_a_letter_are_printed_as_tables_without_what_is_pressed(
    browser: Browser, site: tuple[str, Services]
) -> None:
    mail_id = register(site[1]).mail_id
    with browser.new_context(base_url=site[0], locale="fr-FR", viewport={"width": A4_PX, "height": 1000}) as context:
        page = context.new_page()
        sign_in(page, "agent")
        page.goto("/registres/1")
        expect(page.locator(".table tbody tr").first).to_have_css("display", "block")
        page.emulate_media(media="print")
        expect(page.locator(".table tbody tr").first).to_have_css("display", "table-row")
        expect(page.locator(".table th").first).to_be_visible()
        expect(page.locator(".filters").first).to_be_hidden()
        page.goto(f"/courriers/{mail_id}")
        expect(page.get_by_role("link", name="Récépissé")).to_be_hidden()
