"""A waiting scan is arranged in a real browser with the keyboard alone. Its pages fit and are accessible."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from ged.capture.models import Bridge, Scan, ScanBatch, ScanState
from ged.unit import Services
from tests import pages
from tests.browsing import WIDTHS, leading_on, sign_in
from tests.factories import NOW, make_services
from tests.intake_kit import make_sheet, pair, upload
from tests.scan_site_kit import DEVICES
from tests.site import make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Services]]:
    """The site on a loopback port, with a scanner, a separator sheet and a waiting scan of four pages."""
    services = make_services(tmp_path)
    app, _ = make_site(tmp_path, services=services)
    pair(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(Bridge)).one().devices = DEVICES
    make_sheet(services)
    upload(services, "pile.tif", pages.tiff("A", "B", "", "D"))
    with served(app) as url:
        yield url, services
    services.engine.dispose()


@pytest.fixture
def page(browser: Browser, site: tuple[str, Services]) -> Iterator[Page]:
    context = browser.new_context(base_url=site[0], locale="fr-FR", viewport={"width": 1280, "height": 800})
    page = context.new_page()
    sign_in(page, "agent")
    yield page
    context.close()


def state(services: Services, scan_id: int = 1) -> list[tuple[int, int, bool]]:
    """For each page: its number in the file, its rotation, whether it is taken out."""
    with services.reading() as session:
        leaves = session.get_one(Scan, scan_id).leaves
        return [(leaf.page.page_index, leaf.rotation, leaf.removed) for leaf in leaves]


def press(page: Page, key: str) -> None:
    """Press a key that leads to another page."""
    with leading_on(page):
        page.keyboard.press(key)


def order(services: Services) -> list[int]:
    return [index for index, _turned, _removed in state(services)]


def test_a_refused_file_leaves_the_form_of_the_scanner_as_it_was_set(page: Page) -> None:
    page.goto("/numerisations/")
    page.get_by_label("Plusieurs passages").check()
    page.get_by_label("Couleur").select_option("color")
    page.get_by_label("Fichiers").set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no"})
    with leading_on(page):
        page.get_by_role("button", name="Déposer").click()
    expect(page.locator(".error-summary")).to_contain_text("notes.txt")
    expect(page.get_by_label("Plusieurs passages")).to_be_checked()
    expect(page.get_by_label("Couleur")).to_have_value("color")


def test_a_scan_is_arranged_by_the_keyboard_alone(page: Page, site: tuple[str, Services]) -> None:
    services = site[1]
    questions: list[str] = []
    page.on("dialog", lambda dialog: (questions.append(dialog.message), dialog.accept()))
    page.goto("/numerisations/1")
    press(page, "ArrowRight")
    press(page, "d")
    press(page, "r")
    assert state(services)[1] == (1, 270, False)
    press(page, "q")
    press(page, "+")
    assert order(services) == [0, 2, 1, 3]
    press(page, "-")
    assert order(services) == [0, 1, 2, 3]
    press(page, "x")
    assert state(services)[1] == (1, 180, True)
    press(page, "x")
    assert state(services)[1] == (1, 180, False), "put back where it was"
    press(page, "v")
    assert order(services) == [3, 2, 1, 0]
    press(page, "v")
    press(page, "e")
    assert order(services) == [0, 3, 1, 2]
    assert "rectos" in questions[0]
    # The selected page stays selected: cut before it, then join the two parts again.
    press(page, "c")
    assert [order(services), [index for index, *_ in state(services, 2)]] == [[0, 3], [1, 2]]
    page.focus("#into_id")
    page.keyboard.press("Tab")
    press(page, "Enter")
    assert order(services) == [0, 3, 1, 2]
    with services.reading() as session:
        assert session.get_one(Scan, 2).state is ScanState.MERGED


def test_the_list_is_renewed_and_nothing_that_was_chosen_or_typed_is_lost(
    page: Page, site: tuple[str, Services], tmp_path: Path
) -> None:
    page.goto("/numerisations/")
    chosen = tmp_path / "choisi.png"
    chosen.write_bytes(pages.png("Lettre"))
    page.set_input_files("#file", chosen)
    page.locator("summary", has_text="Garder ces réglages comme profil").click()
    page.fill("#profile_name", "Guichet d'Aného")
    page.check("#more")
    page.focus("#open-scan-1")
    upload(site[1], "arrivee.tif", pages.tiff("E"))
    expect(page.locator("#scans-list")).to_contain_text("arrivee.tif")
    expect(page.locator("#open-scan-1")).to_be_focused()
    assert page.evaluate("document.getElementById('file').files[0].name") == "choisi.png"
    expect(page.locator("#profile_name")).to_have_value("Guichet d'Aného")
    expect(page.locator("#more")).to_be_checked()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_long_file_name_is_wrapped_on_its_card(page: Page, site: tuple[str, Services], width: int) -> None:
    name = "Scan_0001_" + "90228905" * 10 + ".tif"
    upload(site[1], name, pages.tiff("E"))
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/numerisations/")
    card = page.locator(".thumb", has_text=name)
    expect(card).to_be_visible()
    cut = """card => [...card.querySelectorAll(".thumb__foot, .thumb__foot *")]
      .filter((one) => one.getBoundingClientRect().right > card.getBoundingClientRect().right + 0.5 || one.scrollWidth > one.clientWidth + 1
        && getComputedStyle(one).display !== "inline").map((one) => one.textContent.trim())"""
    assert card.evaluate(cut) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_large_page_becomes_sharper_once_it_is_there(page: Page) -> None:
    page.goto("/numerisations/1")
    picture = page.locator(".two-pane__page img")
    expect(picture).to_have_attribute("src", re.compile("net=1"))
    picture.evaluate("picture => picture.decode()")
    expect(picture).not_to_have_attribute("data-sharper", re.compile("."))


def test_a_sharper_page_that_the_server_had_no_time_to_draw_is_asked_for_again(page: Page) -> None:
    refused: list[str] = []

    def once(route: Route) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        route.fulfill(status=429)

    page.route(re.compile("net=1"), once)
    page.goto("/numerisations/1")
    expect(page.locator(".two-pane__page img")).to_have_attribute("src", re.compile("net=1"))
    assert refused


def test_on_a_slow_link_a_page_becomes_sharper_at_a_click_alone(page: Page) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'connection', { value: { downlink: 0.25 } })")
    page.goto("/numerisations/1", wait_until="networkidle")
    picture = page.locator(".two-pane__page img")
    expect(picture).not_to_have_attribute("src", re.compile("net=1"))
    picture.click()
    expect(picture).to_have_attribute("src", re.compile("net=1"))


def test_a_rank_is_typed_and_a_page_scanned_again_by_the_keyboard(page: Page, site: tuple[str, Services]) -> None:
    services = site[1]
    page.goto("/numerisations/1")
    page.focus(".position-input >> nth=3")
    page.keyboard.press("Control+a")
    page.keyboard.type("0")
    press(page, "Enter")
    assert order(services) == [3, 0, 1, 2]
    press(page, "ArrowRight")
    page.focus("#place")
    page.keyboard.type("À la place")
    page.focus("#dpi")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    press(page, "Enter")
    with services.reading() as session:
        batch = session.scalars(select(ScanBatch).where(ScanBatch.into_scan_id == 1)).one()
        chosen = session.get_one(Scan, 1).leaves[1].id
        assert (batch.into_leaf_id, batch.replaces_leaf) == (chosen, True)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_badge_stands_out_of_its_card(page: Page, width: int) -> None:
    """Axe, the width and the rest of these pages: ``test_every_page``."""
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/numerisations/1")
    badges = page.locator(".thumb .badge").all()
    assert badges
    for badge in badges:
        assert badge.evaluate("one => one.getBoundingClientRect().right <= one.closest('.thumb').getBoundingClientRect().right")  # fmt: skip
