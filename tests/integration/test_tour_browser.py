"""The tour of the first day in a real browser: by keyboard, skipped, at both widths, without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browsing import WIDTHS, axe_faults, sign_in
from tests.site import make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    app, services = make_site(tmp_path)
    with served(app) as url:
        yield url
    services.engine.dispose()


@pytest.mark.in_shares(5)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("account", ["agent", "sg", "dge", "etudes", "admin"])
def test_every_step_shows_a_place_that_can_be_seen(browser: Browser, url: str, account: str, width: int) -> None:
    context = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": width, "height": 740})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    sign_in(page, account)
    panel, following = page.locator("[data-tour-panel]"), page.locator("[data-tour-next]")
    expect(panel).to_be_hidden()
    expect(page.locator("body"), "nothing takes the cursor by itself").to_be_focused()
    page.get_by_role("link", name="Commencer la visite").press("Enter")
    expect(following).to_be_focused()
    count = page.locator("[data-tour-step]").count()
    for at in range(1, count + 1):
        expect(page.locator("[data-tour-count]")).to_have_text(f"{at} / {count}")
        here = page.locator(".tour-here")
        expect(here).to_have_count(1)
        expect(here).to_be_in_viewport()
        place, over = here.bounding_box(), panel.bounding_box()
        assert place is not None
        assert over is not None
        assert place["y"] + place["height"] <= over["y"], "the panel lies over what it speaks of"
        if at == 2:
            assert axe_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if at < count:
            page.keyboard.press("Enter")
    with page.expect_response("**/visite/fin"):
        page.keyboard.press("Enter")
    expect(panel).to_be_hidden()
    expect(page.locator("[data-tour-over]")).to_be_focused()
    page.reload()
    expect(page.get_by_text("Première visite")).to_have_count(0)
    assert complaints == []
    context.close()


def test_escape_skips_it_but_not_out_of_a_field(browser: Browser, url: str) -> None:
    context = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": 1280, "height": 800})
    page = context.new_page()
    sign_in(page, "agent")
    page.get_by_role("link", name="Commencer la visite").click()
    page.focus("#site-search")
    page.keyboard.press("Escape")
    expect(page.locator("[data-tour-panel]")).to_be_visible()
    page.focus("[data-tour-next]")
    with page.expect_response("**/visite/fin") as answer:
        page.keyboard.press("Escape")
    assert answer.value.status == 204
    expect(page.locator("[data-tour-panel]")).to_be_hidden()
    page.goto("/visite/")
    page.get_by_role("link", name="Montrer les étapes sur l’accueil").click()
    expect(page.locator("[data-tour-panel]")).to_be_visible()
    context.close()


def test_without_javascript_the_steps_are_a_page(browser: Browser, url: str) -> None:
    context = browser.new_context(base_url=url, locale="fr-FR", java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "agent")
    page.get_by_role("link", name="Commencer la visite").click()
    expect(page.get_by_role("heading", name="Visite du premier jour")).to_be_visible()
    expect(page.locator(".tour-list li")).to_have_count(6)
    page.get_by_role("button", name="Ne plus proposer la visite").click()
    expect(page.get_by_text("La visite est terminée.")).to_be_visible()
    expect(page.get_by_text("Première visite")).to_have_count(0)
    context.close()
