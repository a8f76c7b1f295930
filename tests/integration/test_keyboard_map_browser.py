"""The map of the keys on each page: it lists every key that the page binds, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browsing import sign_in
from tests.factories import make_services
from tests.routing_kit import make_mentions, register
from tests.site import make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    app, services = make_site(tmp_path, services=make_services(tmp_path))
    make_mentions(services)
    register(services)
    with served(app) as url:
        yield url
    services.engine.dispose()


PAGES = [
    ("agent", "/"),
    ("agent", "/enregistrer/"),
    ("agent", "/registres/"),
    ("sg", "/a-imputer/1"),
    ("sg", "/suivi/"),
]
FIELD = "Choisir dans la liste qui s’ouvre sous un champ"


def test_the_map_of_each_page_is_complete_and_true(browser: Browser, url: str) -> None:
    for account in ("agent", "sg"):
        context = browser.new_context(base_url=url, locale="fr-FR")
        page = context.new_page()
        sign_in(page, account)
        for _, path in (one for one in PAGES if one[0] == account):
            page.goto(path)
            page.evaluate("document.activeElement.blur()")
            page.keyboard.press("?")
            dialog = page.locator("#shortcuts")
            expect(dialog).to_be_visible()
            expect(dialog.locator("#shortcuts-title")).to_be_in_viewport(ratio=1)
            told = {
                tuple(row.locator("kbd").all_inner_texts()): row.locator("dd").inner_text()
                for row in dialog.locator(".keys > div:visible").all()
            }
            bound = page.eval_on_selector_all("[data-key]", "all => all.map((one) => one.dataset.key)")
            assert {("g", key) for key in bound} == {keys for keys in told if keys[0] == "g"}, path
            own = page.eval_on_selector_all("[data-hot]", "all => all.length")
            assert dialog.locator("[data-page-keys] > div").count() >= (1 if own else 0), path
            assert (FIELD in told.values()) == bool(page.locator("[data-suggest], .unit-filter").count()), path
            assert (("Ctrl", "Entrée") in told) == bool(page.locator("main form").count()), path
            assert ("Alt", "Maj", "Entrée") not in told, path
            page.keyboard.press("Escape")
            expect(dialog).to_be_hidden()
        context.close()


def test_the_keys_of_buttons_are_told_with_their_words(browser: Browser, url: str) -> None:
    context = browser.new_context(base_url=url, locale="fr-FR")
    page = context.new_page()
    sign_in(page, "agent")
    page.goto("/enregistrer/")
    page.select_option("#addressed_post_id", index=1)
    page.fill("#sender_name", "Mairie d'Aného")
    page.fill("#subject", "Réfection de la voirie communale")
    page.press("#subject", "Enter")
    page.wait_for_url("**/enregistre")
    page.keyboard.press("?")
    row = page.locator("[data-page-keys] > div", has_text="Imprimer l’étiquette")
    expect(row.locator("kbd")).to_have_text(["Alt", "i"])
    context.close()
