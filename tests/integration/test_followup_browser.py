"""Choice of people and posts in a real browser: suggestions while typing, a message when none fits; keyboard and
axe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from ged.followup import notes
from ged.ports import MailId
from ged.unit import Services
from tests.browser_site_kit import site
from tests.browsing import AXE, WIDTHS, axe_faults, leading_on, sign_in
from tests.factories import NOW, actor
from tests.routing_kit import impute, post_id, register, remind, unit_id

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["site"]  # a fixture

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]
HINT = "Taper pour chercher un service"


@pytest.fixture
def page(browser: Browser, site: tuple[str, Services]) -> Iterator[Page]:
    context = browser.new_context(base_url=site[0], locale="fr-FR", viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


def test_an_authority_types_a_name_and_gives_the_letter_to_the_person(page: Page, site: tuple[str, Services]) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    mail_id = register(site[1]).mail_id
    sign_in(page, "sg")
    page.goto(f"/a-imputer/{mail_id}")
    leading, status = page.get_by_placeholder(HINT).first, page.locator(".unit-filter__status").first
    expect(leading).to_be_focused()
    expect(page.locator("#person"), "the search for who has no script").to_have_count(0)
    page.locator("#leading_unit_id").select_option(index=1)
    leading.press_sequentially("zzzz")
    expect(status).to_have_text("Aucun résultat")
    expect(page.locator("#leading_unit_id"), "an earlier choice is not sent unseen").to_have_value("")
    for typed, unit in (("dge", "DGE"), ("DAF", "DAF"), ("etu", "ETU")):
        leading.fill(typed)
        expect(page.locator("#leading_unit_id"), "its code finds a unit").to_have_value(str(unit_id(site[1], unit)))
    leading.fill("nergie")
    expect(page.locator("#leading_unit_id"), "no letters from the middle of a word").to_have_value("")
    leading.fill("")
    leading.press_sequentially("etudes poste")
    expect(page.locator("#leading_unit_id")).to_have_value(f"p{post_id(site[1], 'ETU-M')}")
    expect(status).to_have_text("")
    page.locator("details.more-units summary").click()
    page.get_by_placeholder(HINT).nth(1).press_sequentially("daf-c")
    page.get_by_label("Daf - Poste DAF-C, Direction des affaires financières (MIN)").check()
    with leading_on(page):
        page.get_by_role("button", name="Imputer", exact=True).click()
    page.goto(f"/courriers/{mail_id}")
    for post in ("Poste ETU-M", "Poste DAF-C"):
        expect(page.locator("#imputation")).to_contain_text(post)
    assert not complaints


@pytest.mark.parametrize("width", WIDTHS)
def test_an_imputation_is_taken_back_by_one_click(page: Page, site: tuple[str, Services], width: int) -> None:
    services = site[1]
    first = register(services, "Très long " + "objet" * 60).mail_id
    register(services, "Suivant")
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, "sg")
    page.goto(f"/a-imputer/{first}")
    page.select_option("#leading_unit_id", str(unit_id(services, "DGE")))
    with leading_on(page):
        page.get_by_role("button", name="Imputer et passer au suivant").click()
    message = page.locator(".flash--success")
    expect(message).to_contain_text("Courrier n° 00001/2026/MIN imputé.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe_faults(page) == []
    # Another tab shows the letter as it is now.
    other = page.context.new_page()
    other.goto(f"/courriers/{first}")
    button = message.get_by_role("button", name="Annuler")
    button.focus()
    with leading_on(page):
        page.keyboard.press("Enter")
    assert page.url.endswith(f"/a-imputer/{first}")
    expect(page.locator(".flash--success")).to_contain_text("attend de nouveau sa décision")
    with leading_on(page):
        page.go_back()
    expect(page.locator(".flash--success")).to_have_count(0)
    with leading_on(other):
        other.get_by_role("button", name=re.compile("Annuler l.imputation")).click()
    expect(other.locator(".flash--warning:not([hidden])")).to_contain_text("Cette imputation est déjà annulée.")
    expect(other.locator("#imputation")).to_contain_text("Attend la décision de")
    other.close()


@pytest.mark.long("a page under axe: tests/integration/test_every_page.py looks at every page")
@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_hold_at_both_widths(page: Page, site: tuple[str, Services], width: int) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (npm ci)")
    services = site[1]
    mail_id = MailId(register(services, "Très long " + "objet" * 60, sender="N" * 190).mail_id)
    impute(services, mail_id, mentions=("opinion",))
    remind(services, mail_id)
    with services.unit_of_work(NOW) as uow:
        to_post = post_id(services, "SG-T")
        notes.write(uow, mail_id, text="x" * 300, to_post_id=to_post, actor=actor(services, "dge"))
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, "sg")
    for path in ("/suivi/", "/suivi/?par=personne", "/questions", f"/courriers/{mail_id}/notes", "/bannette/?q=rien"):
        page.goto(path)
        assert axe_faults(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
