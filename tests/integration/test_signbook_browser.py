"""A book signed in a real browser: ten letters at a time, each with its result, what failed signed again later."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from ged.errors import EngineFailed
from ged.org.keys import issue_key
from ged.unit import SYSTEM
from tests.factories import NOW
from tests.integration.test_signbook_site import Site
from tests.signbook_kit import PASSPHRASE
from tests.site import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
LETTERS = 12


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Site]]:
    made = Site(tmp_path)
    server = make_server("127.0.0.1", 0, made.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", made
    server.shutdown()
    thread.join()
    server.server_close()
    made.services.engine.dispose()


def test_a_book_is_signed_ten_by_ten_with_what_became_of_each(browser: Browser, site: tuple[str, Site]) -> None:
    url, made = site
    for _ in range(LETTERS):
        made.house.ready()
    with made.services.unit_of_work(NOW) as uow:
        issue_key(uow, made.house.who("sg").person_id, passphrase=PASSPHRASE, actor=SYSTEM)
    context = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto("/connexion")
    page.fill("#account", "sg")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_selector("#navigation", state="attached")
    page.goto("/parapheur/")
    sizes: list[int] = []
    page.on(
        "request",
        lambda asked: (
            sizes.append((asked.post_data or "").count('name="letter"')) if asked.url.endswith("/suite") else None
        ),
    )
    made.house.signer.failures.append(EngineFailed("sign.failed"))
    page.click("[data-tick-all]")
    page.fill("#passphrase", PASSPHRASE)
    page.click("text=Signer les courriers cochés")
    page.wait_for_selector("[data-chunk-end]:visible")
    assert sizes == [10, 2]
    assert page.locator("[data-result=signed]").count() == LETTERS - 1
    assert page.locator("[data-chunk-failed]").inner_text() == "1"
    assert made.house.signer.signed == LETTERS - 1
    page.click("text=Revenir au parapheur")
    assert page.locator("input[name=letter]").count() == 1
    page.check("input[name=letter]")
    page.click("text=Signer les courriers cochés")
    page.wait_for_selector("text=1 courrier signé")
    assert made.house.signer.signed == LETTERS
    context.close()
