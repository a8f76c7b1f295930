"""Proposals in a real browser: taken only by a key or a click, shown on the page, harmless when they arrive late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browsing import sign_in
from tests.factories import make_services
from tests.scripted_ocr import ScriptedEngine, pdf_of
from tests.site import make_site, served
from tests.suggestions_kit import FIELDS, LETTERS, Site, know

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Site]]:
    engine = ScriptedEngine(texts=(LETTERS[0].pages_text[0],), fields=FIELDS)
    services = replace(make_services(tmp_path), ocr=engine)
    app, _ = make_site(tmp_path, services=services)
    with served(app) as url:
        yield url, Site(app, services, engine)
    services.engine.dispose()


@pytest.fixture
def page(browser: Browser, site: tuple[str, Site]) -> Iterator[Page]:
    context = browser.new_context(base_url=site[0], locale="fr-FR", viewport={"width": 1280, "height": 800})
    page = context.new_page()
    sign_in(page, "agent")
    yield page
    context.close()


def test_late_proposals_leave_what_is_typed_and_the_cursor(page: Page, site: tuple[str, Site]) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    know(site[1].services, "Compagnie Énergie Électrique du Togo (CEET)")
    scan_id = site[1].upload(pdf_of("un", "deux"))
    page.goto(f"/enregistrer/numerisation/{scan_id}")
    page.fill("#subject", "Tapé par l'agent")
    site[1].work()
    page.wait_for_selector('[data-for="their_reference"]', timeout=15_000)
    expect(page.locator("#subject")).to_have_value("Tapé par l'agent")
    expect(page.locator("#subject")).to_be_focused()
    assert page.input_value("#their_reference") == "", "nothing applies itself"
    expect(page.locator("[hx-trigger='every 2s']")).to_have_count(0)
    # The keyboard: Alt+Enter in the field takes its proposal and sends nothing.
    page.keyboard.press("Alt+Enter")
    expect(page.locator("#subject")).to_have_value(FIELDS[0].value)
    expect(page.locator('[data-for="subject"]'), "what stands in the field is not proposed again").to_be_hidden()
    page.focus("#written_on")
    page.keyboard.press("Alt+Enter")
    expect(page.locator("#written_on")).to_have_value("08/01/2026")
    page.focus("#sender_name")
    page.keyboard.press("Tab")
    expect(page.locator("#their_reference"), "a proposal is no stop on the way to the next field").to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Alt+Enter")
    expect(page.locator("#sender_name")).to_have_value("Compagnie Énergie Électrique du Togo (CEET)")
    assert page.url.endswith(f"/enregistrer/numerisation/{scan_id}")
    assert not [text for text in complaints if "Content Security Policy" in text]


def test_one_chord_takes_all_that_is_sure_and_nothing_typed_is_lost(page: Page, site: tuple[str, Site]) -> None:
    know(site[1].services, "Compagnie Énergie Électrique du Togo (CEET)")
    scan_id = site[1].upload(pdf_of("un", "deux"))
    site[1].work()
    page.goto(f"/enregistrer/numerisation/{scan_id}")
    page.fill("#subject", "Tapé par l'agent")
    page.focus("#sender_name")
    page.keyboard.press("Alt+Shift+Enter")
    expect(page.locator("#sender_name")).to_have_value("Compagnie Énergie Électrique du Togo (CEET)")
    expect(page.locator("#written_on")).to_have_value("08/01/2026")
    expect(page.locator("#subject"), "what a person typed stays").to_have_value("Tapé par l'agent")
    expect(page.locator("#nature"), "a closed part is not filled unseen").to_have_value("")
    expect(page.locator("#addressed_post_id"), "the cursor goes where something is missing").to_be_focused()
    assert page.url.endswith(f"/enregistrer/numerisation/{scan_id}"), "nothing is sent"


def test_one_chord_leaves_what_is_unsure(page: Page, site: tuple[str, Site]) -> None:
    site[1].engine.fields = tuple(replace(one, confidence=70.0) for one in FIELDS)
    scan_id = site[1].upload(pdf_of("un", "deux"))
    site[1].work()
    page.goto(f"/enregistrer/numerisation/{scan_id}")
    page.get_by_role("button", name="Accepter les plus sûres").click()
    expect(page.locator("#subject")).to_have_value("")
    expect(page.locator('[data-for="subject"]')).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
def test_the_place_where_it_was_read_is_shown(page: Page, site: tuple[str, Site], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    scan_id = site[1].upload(pdf_of("un", "deux"))
    site[1].work()
    page.goto(f"/enregistrer/numerisation/{scan_id}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # The picture is replaced by a sharper one meanwhile: `decode()` would fail if it came in between.
    page.wait_for_function(
        "() => { const one = document.querySelector('.sheet img'); return one.complete && one.naturalWidth; }"
    )
    page.focus('[data-for="subject"]')
    frame = page.locator(".read-here")
    frame.wait_for()
    # Both positions are read at one moment: the page may scroll between two queries.
    left, top = page.evaluate(
        """() => {
            const [sheet, here] = [".sheet", ".read-here"].map(one => document.querySelector(one).getBoundingClientRect());
            return [(here.x - sheet.x) / sheet.width, (here.y - sheet.y) / sheet.height];
        }"""
    )
    assert (left, top) == (pytest.approx(0.1, abs=0.02), pytest.approx(0.2, abs=0.02))
    page.focus("#register_id")
    expect(frame).to_have_count(0)


def test_a_late_answer_does_not_take_the_marked_correspondent_away(page: Page, site: tuple[str, Site]) -> None:
    know(site[1].services, "Compagnie Énergie Électrique du Togo (CEET)", "Compagnie des Mines")
    page.goto("/enregistrer/")
    page.locator("#sender_name").press_sequentially("Compagnie")
    options = page.locator("#sender-list [role=option]")
    expect(options).to_have_count(2)
    page.keyboard.press("ArrowDown")
    marked = page.locator("#sender-list [aria-selected=true]")
    chosen = marked.get_attribute("data-value")
    ask = "field => htmx.ajax('GET', field.getAttribute('hx-get') + '?sender_name=Compagnie', {target: '#sender-list'})"
    page.locator("#sender_name").evaluate(ask)
    expect(marked, "still marked").to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#sender_name")).to_have_value(chosen or "")
    assert page.url.endswith("/enregistrer/"), "the form is not sent"
