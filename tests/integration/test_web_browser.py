"""The shell in a real browser: nothing overflows, nothing is inaccessible, keys work, an interrupted form comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jinja2 import ChoiceLoader, FileSystemLoader
from playwright.sync_api import expect
from sqlalchemy import update

from ged.errors import Invalid
from ged.org.models import Installation, OpenSession, Person
from ged.register.states import MailState
from ged.unit import Services
from tests.browsing import leading_on, sign_in
from tests.factories import NOW, make_organisation, make_services
from tests.site import PASSWORD, give_passwords, open_site, served
from tests.slip_kit import letter
from web.site import guard
from web.site.errors import FormRefused
from web.site.pages import render_form

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
    with served(app) as url:
        yield url, services
    services.engine.dispose()
    patch.undo()


@pytest.fixture
def page(browser: Browser, site: tuple[str, Services]) -> Iterator[Page]:
    context = browser.new_context(base_url=site[0], locale="fr-FR", viewport={"width": 1280, "height": 800})
    page = context.new_page()
    yield page
    context.close()


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
            sign_in(page, "sg")
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        assert not found, [(path, v["id"], v["nodes"][0]["html"]) for v in found]
    assert not errors


def test_the_keyboard_alone_gets_around(page: Page) -> None:
    sign_in(page, "sg")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_be_visible()
    page.keyboard.press("Escape")
    page.goto("/mon-compte/mot-de-passe")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/")


def test_the_menu_opens_on_a_small_screen(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    sign_in(page, "sg")
    button, menu = page.locator("[data-menu-button]"), page.locator("#navigation")
    expect(menu).to_be_hidden()
    button.click()
    expect(menu).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")


def test_the_summary_takes_the_focus_and_leads_to_the_field(page: Page) -> None:
    sign_in(page, "sg")
    page.goto("/essai/probe.errors")
    expect(page.locator(".error-summary")).to_be_focused()
    page.click(".error-summary a >> nth=0")
    expect(page.locator("#subject")).to_be_focused()


def test_a_list_is_named_by_its_legend_in_the_summary(page: Page) -> None:
    sign_in(page, "admin")
    page.goto("/administration/calendrier")
    for box in page.locator("input[name=weekdays]").all():
        box.uncheck()
    with leading_on(page):
        page.locator("form:has(input[name=weekdays]) button").click()
    expect(page.locator(".error-summary a")).to_contain_text("Jours travaillés")
    expect(page.locator(".error-summary a")).not_to_contain_text("lundi")


def test_a_file_is_asked_for_again_on_the_same_page(page: Page, site: tuple[str, Services]) -> None:
    mail_id = letter(site[1])
    sign_in(page, "agent")
    page.goto(f"/courriers/{mail_id}")
    button = page.locator("form[action$='/preuve'] button")
    page.locator("details:has(form[action$='/preuve'])").evaluate_all("all => all.forEach(one => one.open = true)")
    for _ in range(2):
        with page.expect_download() as saved:
            button.click()
        assert saved.value.suggested_filename.endswith(".zip")
        expect(button).not_to_have_attribute("aria-disabled", "true")
    expect(page).to_have_url(re.compile(rf"/courriers/{mail_id}$"))


def test_what_was_typed_survives_the_end_of_the_session(page: Page, site: tuple[str, Services]) -> None:
    sign_in(page, "dge")
    page.goto("/essai/probe.gallery")
    page.fill("#note", "À suivre de près")
    page.check("#mentions-3")
    with site[1].unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Person).where(Person.account == "dge").values(session_epoch=Person.session_epoch + 1)
        )
    page.click("main form.card button:text-is('Enregistrer')")
    expect(page.locator("h1")).to_contain_text("Votre session a pris fin")
    with leading_on(page):
        page.click("main .button--primary")
    page.fill("#account", "dge")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/essai/probe.gallery")
    expect(page.locator("#note")).to_have_value("À suivre de près")
    expect(page.locator("#mentions-3")).to_be_checked()
    expect(page.locator("[data-restored]")).to_be_visible()
    page.reload()
    expect(page.locator("#note"), "given back once").to_have_value("")


def test_what_was_typed_survives_the_question_for_the_password(page: Page, site: tuple[str, Services]) -> None:
    sign_in(page, "dge")
    with site[1].unit_of_work(NOW) as uow:
        uow.session.execute(update(OpenSession).values(proved_at=NOW - timedelta(days=400)))
    page.goto("/delegations/")
    page.fill("input[name=act]", "Note de service n° 12")
    page.fill("input[name=from_on]", "01/12/2026")
    page.select_option("select[name=person_id]", index=1)
    page.locator("input[name=kind]").first.check()
    page.click("button:text-is('Enregistrer la délégation')")
    expect(page.locator("input[name=current_password]")).to_be_visible()
    page.fill("input[name=current_password]", "une faute")
    page.click("button:text-is('Confirmer')")
    page.fill("input[name=current_password]", PASSWORD)
    page.click("button:text-is('Confirmer')")
    expect(page.locator("[data-restored]")).to_be_visible()
    assert page.input_value("input[name=act]") == "Note de service n° 12"
    assert page.input_value("input[name=from_on]") == "01/12/2026"
