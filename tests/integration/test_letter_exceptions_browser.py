"""A right by exception in a real browser, by keyboard alone: asked for, proposed, confirmed, read, ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from ged.ports import MailId
from ged.register.models import MailNumber
from ged.unit import Services
from tests.browsing import WIDTHS, axe_faults, sign_in
from tests.exception_kit import SUBJECT, secret
from tests.keyboard_kit import Keys
from tests.site import make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]
Place = tuple[str, Services, MailId]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    app, services = make_site(tmp_path)
    mail = secret(services)
    with served(app) as url:
        yield url, services, mail
    services.engine.dispose()


def faults(page: Page, name: str = "") -> list[str]:
    """What axe finds, and whether the page is too wide. ``GED_TEST_SHOTS``: a folder for pictures."""
    if name and (folder := os.environ.get("GED_TEST_SHOTS")):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*axe_faults(page), *(["too wide"] if wide else [])]


@pytest.mark.parametrize("width", WIDTHS)
def test_asked_for_proposed_confirmed_read_and_ended(browser: Browser, place: Place, width: int) -> None:
    url, services, mail = place
    with services.reading() as session:
        number = session.scalars(select(MailNumber.text).where(MailNumber.mail_id == mail)).one()

    def person(account: str) -> tuple[Page, Keys]:
        page = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": width, "height": 900}).new_page()
        sign_in(page, account)
        return page, Keys(page)

    reader, keys = person("daf")
    reader.goto("/courriers/demander-une-lecture")
    keys.type("#number", number)
    keys.type("#reason", "Inspection du receveur")
    assert faults(reader, f"request-{width}") == []
    keys.press("form[action$='demander-une-lecture'] button")
    expect(reader.get_by_text("La demande est transmise")).to_be_visible()
    first, keys = person("sg")
    first.goto(f"/courriers/{mail}")
    assert faults(first, f"asked-{width}") == []
    keys.skip()
    keys.press("a[href*='lecture-par-exception?compte']")
    until = datetime.now(UTC).date() + timedelta(days=2)
    expect(first.locator("#account")).to_have_value("daf")
    first.fill("#until_on", until.isoformat())
    keys.type("#reason", "Inspection du receveur")
    assert faults(first, f"form-{width}") == []
    keys.press("form[action$='/lecture-par-exception'] button")
    assert faults(first, f"proposed-{width}") == []
    second, keys = person("dge")
    second.goto(f"/courriers/{mail}")
    assert faults(second, f"second-{width}") == []
    keys.skip()
    keys.press("form[action$='/confirmer'] button")
    expect(second.get_by_text("La lecture par exception est ouverte")).to_be_visible()
    assert faults(second, f"running-{width}") == []
    reader.goto(f"/courriers/{mail}")
    expect(reader.get_by_text("Vous lisez ce courrier par exception")).to_be_visible()
    expect(reader.get_by_role("heading", name=SUBJECT)).to_be_visible()
    assert faults(reader, f"read-{width}") == []
    keys.press("form[action$='/terminer'] button")
    answer = reader.goto(f"/courriers/{mail}")
    assert answer is not None
    assert answer.status == 404
