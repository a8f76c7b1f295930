"""The first access in a real browser: the code behind the # of a link is typed by the script, and stays in no address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from ged.administration import first_access
from ged.administration.first_access import Made
from ged.org.models import FirstAccess, Person
from ged.unit import Services
from tests.browsing import WIDTHS, axe_faults, leading_on, sign_in
from tests.factories import actor
from tests.site import make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]
GOOD = "les pirogues rentrent avant la pluie"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[str, Services, Made]]:
    """A site on which a first access waits for a second person."""
    app, services = make_site(tmp_path)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        person = Person(account="nouveau", name="N" * 120)
        uow.session.add(person)
        uow.session.flush()
        made = first_access.make(uow, person.id, actor=actor(services, "admin"))
    with served(app) as url:
        yield url, services, made
    services.engine.dispose()


def faults(page: Page) -> list[str]:
    """What axe finds, and whether the page is too wide."""
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*axe_faults(page), *(["too wide"] if wide else [])]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_link_opens_the_form_for_the_password_once_it_is_confirmed(
    browser: Browser, place: tuple[str, Services, Made], width: int
) -> None:
    url, services, made = place
    context = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(f"/premier-acces/#code={made.code}")
    expect(page.get_by_text("Ce code attend une confirmation").first).to_be_visible()
    assert made.code not in page.url
    assert faults(page) == []
    second = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": width, "height": 800}).new_page()
    sign_in(second, "sg")
    second.goto("/avis/")
    with leading_on(second):
        second.get_by_role("link", name="Le compte nouveau").press("Enter")
    assert faults(second) == []
    with leading_on(second):
        second.get_by_role("button", name="Confirmer").press("Enter")
    expect(second.get_by_text("Le premier accès est confirmé")).to_be_visible()
    page.goto("about:blank")
    page.goto(f"/premier-acces/#code={made.code}")
    expect(page.locator("#password")).to_be_visible()
    assert made.code not in page.url
    page.fill("#password", GOOD)
    page.fill("#password_again", GOOD)
    with leading_on(page):
        page.press("#password_again", "Enter")
    expect(page.locator("#account")).to_be_visible()
    with services.reading() as session:
        assert session.scalars(select(FirstAccess.used_at)).one() is not None
    administrator = browser.new_context(
        base_url=url, locale="fr-FR", viewport={"width": width, "height": 800}
    ).new_page()
    sign_in(administrator, "admin")
    administrator.goto("/premiers-acces/")
    expect(administrator.get_by_text("Utilisé")).to_be_visible()
    assert faults(administrator) == []
