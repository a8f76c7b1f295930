"""The shell in a real browser: nothing overflows, nothing is inaccessible, keys work, an interrupted form comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jinja2 import ChoiceLoader, FileSystemLoader
from sqlalchemy import update
from werkzeug.serving import make_server

from ged.errors import Invalid
from ged.org.models import Installation, Person
from ged.registry.states import MailState
from ged.unit import Services
from tests.factories import NOW, make_organisation, make_services
from tests.site import PASSWORD, give_passwords, open_site
from web import guard
from web.errors import FormRefused
from web.pages import render_form

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (1280, 360)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Services]]:
    """The site on a loopback port, with the page of all components."""
    folder = tmp_path_factory.mktemp("site")
    services = make_services(folder)
    make_organisation(services)
    give_passwords(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Installation(id=1, name="Ministère de l'Énergie, des Mines et de l'Eau"))
    app = open_site(folder, services)
    wrong = FormRefused((Invalid("form.required", field="subject"), Invalid("form.not_a_date", field="written_on")))
    pages = {
        "probe.gallery": lambda: render_form("gallery.html", states=list(MailState)),
        "probe.errors": lambda: render_form("gallery.html", error=wrong, form={}, states=list(MailState)),
    }
    patch = pytest.MonkeyPatch()
    for endpoint, view in pages.items():
        patch.setitem(guard.ACCESS, endpoint, guard.SIGNED_IN)  # type: ignore[arg-type]
        app.add_url_rule(f"/essai/{endpoint}", endpoint, view, methods=["GET", "POST"])
    app.jinja_env.loader = ChoiceLoader([app.jinja_env.loader, FileSystemLoader(ROOT / "tests" / "templates")])  # type: ignore[list-item]
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", services
    server.shutdown()
    thread.join()
    server.server_close()
    services.engine.dispose()
    patch.undo()


@pytest.fixture
def page(browser: Browser, site: tuple[str, Services]) -> Iterator[Page]:
    context = browser.new_context(base_url=site[0], locale="fr-FR", viewport={"width": 1280, "height": 800})
    page = context.new_page()
    yield page
    context.close()


def _sign_in(page: Page, account: str = "sg", path: str = "/connexion") -> None:
    page.goto(path)
    page.fill("#account", account)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_selector("#navigation", state="attached")


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_and_are_accessible(page: Page, width: int) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (npm ci)")
    page.set_viewport_size({"width": width, "height": 800})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if "Content Security" in line.text else None)
    paths = [
        "/connexion",
        "/",
        "/essai/probe.gallery",
        "/essai/probe.errors",
        "/nulle-part",
        "/mon-compte/mot-de-passe",
    ]
    for number, path in enumerate(paths):
        if number == 1:
            _sign_in(page)
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run(document)")["violations"]
        assert not found, [(path, v["id"], v["nodes"][0]["html"]) for v in found]
    assert not errors


def test_the_keyboard_alone_gets_around(page: Page) -> None:
    _sign_in(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("?")
    assert page.locator("dialog[open]").is_visible()
    page.keyboard.press("Escape")
    page.goto("/mon-compte/mot-de-passe")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/")


def test_the_menu_opens_on_a_small_screen(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    _sign_in(page)
    button, menu = page.locator("[data-menu-button]"), page.locator("#navigation")
    assert not menu.is_visible()
    button.click()
    assert menu.is_visible()
    assert button.get_attribute("aria-expanded") == "true"


def test_the_summary_takes_the_focus_and_leads_to_the_field(page: Page) -> None:
    _sign_in(page)
    page.goto("/essai/probe.errors")
    assert page.evaluate("document.activeElement.className") == "error-summary"
    page.click(".error-summary a >> nth=0")
    assert page.evaluate("document.activeElement.id") == "subject"


def test_what_was_typed_survives_the_end_of_the_session(page: Page, site: tuple[str, Services]) -> None:
    _sign_in(page, "dge")
    page.goto("/essai/probe.gallery")
    page.fill("#note", "À suivre de près")
    page.check("#mentions-3")
    with site[1].unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Person).where(Person.account == "dge").values(session_epoch=Person.session_epoch + 1)
        )
    page.click("main form.card button:text-is('Enregistrer')")
    assert "Votre session a pris fin" in page.text_content("h1")  # type: ignore[operator]
    page.click("main .button--primary")
    page.fill("#account", "dge")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/essai/probe.gallery")
    assert page.input_value("#note") == "À suivre de près"
    assert page.is_checked("#mentions-3")
    assert page.locator("[data-restored]").is_visible()
    page.reload()
    assert page.input_value("#note") == "", "given back once"
