"""The pages of a destruction on a telephone and on a desk, under axe: proposed, confirmed, done; and a letter that is held."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ged.disposal import holds
from ged.unit import Services
from tests.browsing import axe_faults, sign_in
from tests.destroyed_kit import carry_out, confirm, keyed, letter, over, propose
from tests.factories import NOW, actor, make_services
from tests.site import make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Services]]:
    app, services = make_site(tmp_path, services=keyed(make_services(tmp_path), tmp_path))
    with served(app) as url:
        yield url, services
    services.engine.dispose()


@pytest.fixture(params=[(360, "fr-FR"), (1280, "en-GB")], ids=["telephone", "desk"])
def page(request: pytest.FixtureRequest, browser: Browser, site: tuple[str, Services]) -> Iterator[Page]:
    width, locale = request.param
    context = browser.new_context(base_url=site[0], locale=locale, viewport={"width": width, "height": 740})
    yield context.new_page()
    context.close()


def look(page: Page, address: str, name: str) -> str:
    """Open a page: nothing runs out of it, and axe finds nothing."""
    page.goto(address)
    if folder := os.environ.get("GED_TEST_DAY_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    assert axe_faults(page) == []
    assert not page.evaluate(WIDER), f"{name} is wider than the screen"
    return page.inner_text("main")


@pytest.mark.in_shares(2)
def test_the_pages_of_a_destruction(page: Page, site: tuple[str, Services]) -> None:
    services = site[1]
    gone, held = letter(services, "Affaire périmée"), letter(services, "Affaire au tribunal")
    over(services, [gone, held])
    with services.unit_of_work(NOW) as uow:
        holds.hold(uow, held, reason="Procès devant le tribunal de Lomé", actor=actor(services, "dge"))
    sign_in(page, "dge")
    unit = int(actor(services, "dge").posts[0].unit_id)
    look(page, f"/eliminations/service/{unit}", "form")
    slip = propose(services)
    look(page, f"/eliminations/{slip}", "slip")
    assert "Lomé" in look(page, f"/courriers/{held}", "held")
    confirm(services, slip)
    look(page, f"/courriers/{gone}", "decided")
    carry_out(services)
    told = look(page, f"/courriers/{gone}", "destroyed")
    assert "Détruit le" in told or "Destroyed on" in told
    answer = page.goto("/documents/1")
    assert answer is not None
    assert answer.status == 410
    assert axe_faults(page) == []
