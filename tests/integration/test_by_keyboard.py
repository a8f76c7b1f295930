"""The main acts with the keyboard alone, from the first page: no click, and the focused element is always visible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from ged.register.models import Mail
from ged.register.states import MailState
from tests.keyboard_kit import Keys
from tests.letter_kit import make_place
from tests.routing_kit import impute, register
from tests.signbook_kit import PASSPHRASE, House
from tests.site import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.in_turns(3)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, House]]:
    app, house = make_place(tmp_path_factory.mktemp("keys"))
    for account in ("agent", "sg"):
        house.key(account)
    with served(app) as url:
        yield url, house
    house.services.engine.dispose()


@pytest.fixture
def at(browser: Browser, place: tuple[str, House]) -> Iterator[Keys]:
    context = browser.new_context(base_url=place[0], locale="fr-FR", viewport={"width": 1280, "height": 800})
    yield Keys(context.new_page())
    context.close()


def state(house: House, mail_id: int) -> MailState:
    with house.services.reading() as session:
        return session.get_one(Mail, mail_id).state


def test_a_letter_is_registered(at: Keys, place: tuple[str, House]) -> None:
    at.begin("agent", "g", "e")
    expect(at.page.locator("#sender_name")).to_be_focused()
    at.page.keyboard.press("Shift+Tab")
    expect(at.page.locator("#addressed_post_id")).to_be_focused()
    at.page.keyboard.type("Poste SG-T")
    at.page.keyboard.press("Tab")
    at.page.keyboard.type("Mairie de Kpalimé")
    at.type("#subject", "Éclairage public")
    at.press("#subject")
    expect(at.page.locator(".confirmation__detail")).to_be_visible()


def test_a_letter_is_imputed(at: Keys, place: tuple[str, House]) -> None:
    letter = register(place[1].services, "À imputer par le clavier")
    at.begin("sg", "g", "i")
    at.press(f"a[href='/a-imputer/{letter.mail_id}']")
    at.page.keyboard.type("DGE")
    expect(at.page.locator("#leading_unit_id option:checked")).to_contain_text("énergie")
    at.reach("input[name=mentions]")
    at.page.keyboard.press("Space")
    at.press("main form button.button--primary")
    assert state(place[1], letter.mail_id) is MailState.ASSIGNED


def test_originals_are_transmitted(at: Keys, place: tuple[str, House]) -> None:
    letter = register(place[1].services, "À transmettre par le clavier")
    impute(place[1].services, letter.mail_id)
    at.begin("agent", "g", "o")
    expect(at.page.locator("main")).to_contain_text("À transmettre par le clavier")
    at.type("#passphrase", PASSPHRASE)
    at.press("button[value=send]")
    expect(at.page.locator(".made-slips")).to_be_visible()


def test_a_draft_gets_its_visas_and_its_signature_and_leaves(at: Keys, place: tuple[str, House]) -> None:
    house = place[1]
    mail_id = house.answer()
    house.submit(mail_id)
    for account in ("daf", "etudes"):
        at.page.context.clear_cookies()
        at.begin(account, "g", "p")
        at.press(f"main a[href='/parapheur/{mail_id}']")
        at.type("#remark", "Vu.")
        at.press("form[action$='/viser'] button")
    at.page.context.clear_cookies()
    at.begin("sg", "g", "p")
    at.reach("input[name=letter]")
    at.page.keyboard.press("Space")
    at.type("#passphrase", PASSPHRASE)
    at.press("form[action='/parapheur/signer'] button.button--primary")
    assert state(house, mail_id) is MailState.SIGNED
    at.page.context.clear_cookies()
    at.begin("agent", "g", "d")
    at.press("a[href='/departs/tournee/']")
    at.reach("input[name=line]")
    if not at.page.evaluate("document.activeElement.checked"):
        at.page.keyboard.press("Space")
    at.type("#carrier", "Mawuli Dzidzo")
    at.press("#carrier")
    expect(at.page.locator("main")).to_contain_text("Mawuli Dzidzo")
