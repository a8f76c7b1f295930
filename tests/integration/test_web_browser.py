"""The shell in a real browser: nothing overflows, all is accessible, keys work, an interrupted form comes back."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import psycopg
import pytest
from flask import render_template
from jinja2 import ChoiceLoader, FileSystemLoader
from playwright.sync_api import expect
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError

from ged.errors import EngineFailed, Invalid
from ged.jobs import JobState
from ged.natures.models import Nature
from ged.org.models import Installation, OpenSession, Person
from ged.register import operations
from ged.register.states import MailState
from ged.reports.exports import FileRow
from ged.space import Space
from ged.unit import Services
from tests import slip_kit
from tests.browsing import AXE, ROOT, WIDTHS, axe_faults, leading_on, sign_in
from tests.factories import NOW, make_natures, make_organisation, make_services
from tests.site import PASSWORD, give_passwords, open_site, served
from tests.slip_kit import letter
from web.site import errors, guard
from web.site.errors import FormRefused
from web.site.pages import render_form
from web.views.account import exports

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Services]]:
    """The site on a loopback port, with the page of all components."""
    folder = tmp_path_factory.mktemp("site")
    services = make_services(folder)
    make_organisation(services)
    give_passwords(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Installation(id=1, name="Ministère de l'Énergie, des Mines et de l'Eau"))
    app = open_site(folder, services, adds_routes=True)
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
        assert axe_faults(page) == [], path
    assert not errors


def test_the_language_is_chosen_in_the_menu_and_stays_after_the_session(
    browser: Browser, site: tuple[str, Services]
) -> None:
    with browser.new_context(base_url=site[0], locale="fr-FR") as context:
        page = context.new_page()
        page.goto("/connexion")
        with leading_on(page):
            page.get_by_role("link", name="English").click()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        sign_in(page, "daf")
        page.locator(".user-menu__summary").click()
        with leading_on(page):
            page.get_by_role("link", name="Language (Français)").click()
        page.get_by_label("Français").check()
        with leading_on(page):
            page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("sont maintenant en français")).to_be_visible()
        page.locator(".user-menu__summary").click()
        with leading_on(page):
            page.get_by_role("button", name="Se déconnecter").click()
        expect(page.locator("html")).to_have_attribute("lang", "fr")


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


@pytest.mark.parametrize("account", ["agent", "sg"])
def test_the_whole_menu_is_seen_on_the_screen_of_a_desk_and_reached_on_a_low_one(page: Page, account: str) -> None:
    sign_in(page, account)
    last = page.locator("#navigation a").last
    for width, height in ((1280, 900), (1366, 768)):
        page.set_viewport_size({"width": width, "height": height})
        assert last.evaluate("(one) => one.getBoundingClientRect().bottom") <= height
        assert last.evaluate("(one) => one.getBoundingClientRect().height") >= 24, "WCAG 2.5.8"
    page.set_viewport_size({"width": 1280, "height": 500})
    last.focus()
    assert last.evaluate("(one) => one.getBoundingClientRect().bottom") <= 500
    page.evaluate("scrollTo(0, 0)")
    assert page.locator("#navigation").evaluate("(one) => one.getBoundingClientRect().bottom") <= 500, (
        "it ends on the screen"
    )


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
    expect(page.get_by_text("ce que vous aviez saisi est gardé")).to_be_visible()
    expect(page.get_by_text("puis recommencez")).to_be_hidden()
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


def _end_sessions(services: Services, account: str) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Person).where(Person.account == account).values(session_epoch=Person.session_epoch + 1)
        )


def _start_a_letter(page: Page) -> None:
    sign_in(page, "agent")
    page.goto("/enregistrer/")
    page.fill("#subject", "Demande de branchement")


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("sends", [False, True])
def test_a_background_request_after_the_session_leads_nowhere(
    page: Page, site: tuple[str, Services], width: int, sends: bool
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    _start_a_letter(page)
    _end_sessions(site[1], "agent")
    with page.expect_response(lambda answer: answer.status == 401):
        page.locator("#sender_name").press_sequentially("CEET")
    notice = page.locator("[data-session-ended]")
    expect(notice).to_be_visible()
    expect(notice).to_be_in_viewport()
    expect(page.locator("#subject")).to_have_value("Demande de branchement")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe_faults(page) == []
    with leading_on(page):
        if sends:
            page.evaluate("document.querySelector('form.register').noValidate = true")
            page.press("#subject", "Control+Enter")
        else:
            notice.get_by_role("link").click()
    if sends:
        expect(page.locator("h1")).to_contain_text("Votre session a pris fin")
        with leading_on(page):
            page.click("main .button--primary")
    page.fill("#account", "agent")
    page.fill("#password", PASSWORD)
    with leading_on(page):
        page.press("#password", "Enter")
    expect(page.locator("[data-restored]")).to_be_visible()
    expect(page.locator("#subject")).to_have_value("Demande de branchement")
    expect(page.locator("#sender_name")).to_have_value("CEET")
    expect(page.locator("[data-session-ended]")).to_be_hidden()


@contextmanager
def _refusing(services: Services, code: str) -> Iterator[None]:
    """Every write is refused: a held lock, no room, no place for heavy work."""
    with pytest.MonkeyPatch.context() as patch:
        if code == "disk.low":
            patch.setattr(Space, "free_bytes", lambda _space: 1)
        elif code == "database.slow":
            ended = OperationalError("INSERT ...", {}, psycopg.errors.QueryCanceled("statement timeout"))
            patch.setattr(operations, "register_incoming", Mock(side_effect=ended))
        elif code == "work.busy":
            busy = EngineFailed("work.busy", "send it again in a moment", retryable=True)
            patch.setattr(operations, "register_incoming", Mock(side_effect=busy))
        else:
            event.listen(services.engine, "checkout", _wait_little)
            holder = sqlite3.connect(str(services.engine.url.database), isolation_level=None)
            holder.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            if code == "database.busy":
                holder.close()
                event.remove(services.engine, "checkout", _wait_little)


def test_what_was_typed_survives_a_failure_whose_page_has_no_menu(
    page: Page, site: tuple[str, Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The menu asks the database, which may be what failed: this page has no part of the layout, and htmx is one."""

    def rendered(name: str, **shown: Any) -> str:
        if name == "errors/error.html":
            raise OperationalError("SELECT ...", {}, sqlite3.OperationalError("database is locked"))
        return render_template(name, **shown)

    monkeypatch.setattr(errors, "render_template", rendered)
    _start_a_letter(page)
    page.fill("#sender_name", "CEET, sans menu")
    page.select_option("#addressed_post_id", index=1)
    with _refusing(site[1], "work.busy"), leading_on(page):
        page.press("#subject", "Control+Enter")
    expect(page.locator("nav")).to_have_count(0)
    with leading_on(page):
        page.click("main a:text-is('Revenir à la page précédente')")
    expect(page.locator("#subject")).to_have_value("Demande de branchement")


def _wait_little(connection: sqlite3.Connection, *_rest: object) -> None:
    connection.execute("PRAGMA busy_timeout=50")


@pytest.mark.in_shares(2)
@pytest.mark.parametrize(
    ("code", "status"), [("database.busy", 503), ("database.slow", 503), ("disk.low", 507), ("work.busy", 503)]
)
def test_what_was_typed_survives_a_refusal_that_passes(
    page: Page, site: tuple[str, Services], code: str, status: int
) -> None:
    _start_a_letter(page)
    sender = f"CEET, {code}"  # letters of one sender with one subject would count as one letter that comes twice
    page.fill("#sender_name", sender)
    page.select_option("#addressed_post_id", index=1)
    post = page.input_value("#addressed_post_id")
    with _refusing(site[1], code):
        with page.expect_response(lambda answer: answer.request.method == "POST") as refused, leading_on(page):
            page.press("#subject", "Control+Enter")
        assert refused.value.status == status
        expect(page.locator(".failure__status")).to_contain_text(str(status))
    with leading_on(page):
        page.click("main a:text-is('Revenir à la page précédente')")
    expect(page.locator("[data-restored]")).to_be_visible()
    expect(page.locator("#subject")).to_have_value("Demande de branchement")
    expect(page.locator("#sender_name")).to_have_value(sender)
    expect(page.locator("#addressed_post_id")).to_have_value(post)
    with page.expect_response(lambda answer: answer.request.method == "POST") as taken, leading_on(page):
        page.press("#subject", "Control+Enter")
    assert taken.value.status == 303
    page.goto("/enregistrer/")
    expect(page.locator("#subject"), "given back once").to_have_value("")


def test_a_pasted_text_is_never_cut(page: Page, site: tuple[str, Services]) -> None:
    sign_in(page, "agent")
    page.goto("/enregistrer/")
    subject = page.locator("#subject")
    most = int(subject.get_attribute("maxlength") or 0)
    assert most > 0
    page.evaluate(
        "(text) => { const area = document.createElement('textarea'); area.value = text; document.body.append(area); area.select(); document.execCommand('copy'); area.remove(); }",
        "é" * (most + 7),
    )
    subject.focus()
    page.keyboard.press("Control+V")
    assert len(subject.input_value()) == most + 7, "all of it is there"
    told = re.sub(r"\s", " ", subject.evaluate("(field) => field.validationMessage"))
    assert told == f"Texte trop long de 7 signes : {most} au plus. Rien n’a été coupé, raccourcissez-le."
    address = page.url
    page.keyboard.press("Enter")
    assert page.url == address
    assert len(subject.input_value()) == most + 7, "the form was not sent"
    subject.focus()
    page.keyboard.press("Control+End")
    for _ in range(7):
        page.keyboard.press("Backspace")
    assert subject.evaluate("(field) => [field.validationMessage, field.maxLength]") == ["", most]
    page.keyboard.type("x")
    assert len(subject.input_value()) == most, "the limit holds again for what is typed"


def test_a_dictated_text_is_never_cut_and_a_script_may_shorten_it(page: Page, site: tuple[str, Services]) -> None:
    sign_in(page, "agent")
    page.goto("/enregistrer/")
    sender, note = page.locator("#sender_name"), page.locator("#enclosure_note")
    most = int(sender.get_attribute("maxlength") or 0)
    sender.focus()
    page.keyboard.insert_text("é" * (most + 7))
    assert len(sender.input_value()) == most + 7, (
        "what comes in one piece, as from a dictation or a keyboard of a telephone"
    )
    assert "Rien n’a été coupé" in sender.evaluate("(field) => field.validationMessage")
    # As js/register.js does when a name that is offered is taken.
    sender.evaluate("(field) => { field.value = 'CEET'; field.dispatchEvent(new Event('change', { bubbles: true })); }")
    assert sender.evaluate("(field) => [field.validationMessage, field.maxLength]") == ["", most]
    more = page.locator("details.register__more")
    more.evaluate("(fold) => { fold.open = true; }")
    note.focus()
    page.keyboard.insert_text("n" * 307)
    more.evaluate("(fold) => { fold.open = false; }")
    page.fill("#subject", "Demande")
    page.select_option("#addressed_post_id", index=1)
    page.press("#subject", "Control+Enter")
    expect(note, "the field that is refused is shown").to_be_visible()
    assert note.evaluate("(field) => document.activeElement === field")
    note.evaluate("(field) => field.form.reset()")
    page.wait_for_function("() => document.querySelector('#enclosure_note').validationMessage === ''")


def test_a_day_in_words_is_pasted_into_the_field_of_a_day(page: Page, site: tuple[str, Services]) -> None:
    """The server reads it."""
    sign_in(page, "agent")
    page.goto("/enregistrer/")
    day = page.locator("#received_on")
    day.fill("")
    day.focus()
    page.keyboard.insert_text("lundi 30 novembre 2026\t")
    assert day.evaluate("(field) => [field.value, field.validationMessage]") == ["lundi 30 novembre 2026\t", ""]


def test_two_forms_that_were_lost_are_given_back_each_on_its_page(page: Page, site: tuple[str, Services]) -> None:
    _start_a_letter(page)
    _end_sessions(site[1], "agent")
    with page.expect_response(lambda answer: answer.status == 401):
        page.locator("#sender_name").press_sequentially("CEET")
    page.on("dialog", lambda dialog: dialog.accept())
    with leading_on(page):
        page.goto("/")  # leave without the button of the notice
    page.fill("#account", "agent")
    page.fill("#password", PASSWORD)
    with leading_on(page):
        page.press("#password", "Enter")
    page.goto("/essai/probe.gallery")
    page.fill("#note", "Autre chose")
    with leading_on(page):
        page.click("main form.card button:text-is('Enregistrer')")  # is stored
    page.goto("/enregistrer/")
    expect(page.locator("#subject")).to_have_value("Demande de branchement")


def test_a_delay_typed_by_hand_is_kept_after_a_refusal(page: Page, site: tuple[str, Services]) -> None:
    make_natures(site[1])
    with site[1].unit_of_work(NOW) as uow:
        uow.session.execute(update(Nature).where(Nature.code == "plainte").values(delay_days=10))
    _start_a_letter(page)
    page.fill("#subject", "")
    page.locator("details:has(#delay_days) > summary").click()
    page.fill("#delay_days", "7")
    page.evaluate("document.querySelector('form.register').noValidate = true")
    with leading_on(page):
        page.press("#delay_days", "Enter")
    expect(page.locator(".error-summary")).to_be_visible()
    page.select_option("#nature", "plainte")
    expect(page.locator("#delay_days")).to_have_value("7")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_file_without_room_is_refused_before_it_is_sent(
    page: Page, site: tuple[str, Services], width: int, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    letter = tmp_path / "lettre.pdf"
    letter.write_bytes(b"%PDF-1.7" + bytes(1_000_000))
    sign_in(page, "agent")
    page.goto("/numerisations/")
    expect(page.get_by_text("aucun fichier n’est pris")).to_have_count(0)
    page.set_input_files("#file", letter)
    posts.clear()
    with _refusing(site[1], "disk.low"):
        with page.expect_response(lambda answer: answer.status == 507):
            page.click("button:text-is('Déposer')")
        expect(page.locator("[data-no-room]")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert posts == []
        assert page.evaluate("document.querySelector('#file').files.length") == 1, "it stays chosen"
        for account, path, told in (
            ("agent", "/numerisations/", "aucun fichier n’est pris"),
            ("admin", "/administration/", "disque du serveur"),
        ):
            _look_at_the_warning(page, site[0], account, path, told)
    with leading_on(page):
        page.click("button:text-is('Déposer')")
    assert [url.removeprefix(site[0]) for url in posts] == ["/numerisations/fichiers"]


def _look_at_the_warning(page: Page, url: str, account: str, path: str, told: str) -> None:
    """The page of another person shows that files are refused."""
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(base_url=url, locale="fr-FR", viewport=page.viewport_size)
    other = context.new_page()
    sign_in(other, account)
    other.goto(path)
    expect(other.locator(".callout--danger", has_text=told)).to_be_visible()
    assert axe_faults(other) == []
    context.close()


def _file(number: int, state: JobState, size: int | None) -> FileRow:
    return FileRow(
        id=number,
        title="Registre MIN, année 2026",
        total=9000,
        asked_at=NOW,
        expires_at=NOW,
        state=state,
        ahead=0,
        done=0,
        error_code="",
        size_bytes=size,
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_the_buttons_of_files_stand_apart_and_stay_clear_while_the_list_is_asked_for(
    page: Page, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    rows = [_file(1, JobState.DONE, 1000), _file(2, JobState.QUEUED, None)]
    monkeypatch.setattr(exports, "_file_rows", lambda: rows)
    sign_in(page, "agent")
    page.goto("/mes-fichiers/")
    fetch, cancel = page.locator("#fetch-1").bounding_box(), page.locator("#cancel-1").bounding_box()
    assert fetch is not None
    assert cancel is not None
    beside, below = cancel["x"] - fetch["x"] - fetch["width"], cancel["y"] - fetch["y"] - fetch["height"]
    assert max(beside, below) >= 8, (beside, below)
    held: list[Route] = []
    page.route("**/mes-fichiers/liste", lambda route: held.append(route))  # noqa: PLW0108  # Playwright marks what it calls
    expect(page.locator("#files.htmx-request")).to_be_attached()
    expect(page.locator("#fetch-1")).to_have_css("opacity", "1")
    held[0].continue_()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_long_subject_makes_no_tower_of_the_register(page: Page, site: tuple[str, Services], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    subject = ("Demande de branchement du village " * 60)[:1999].strip() + "Z"
    letter = slip_kit.letter(site[1], subject)
    sign_in(page, "agent")
    page.goto(f"/registres/{slip_kit.register_id(site[1], 'ARR')}")
    link = page.locator(f"a[href='/courriers/{letter}']", has_text="Demande")
    box = link.bounding_box()
    assert box is not None
    assert box["height"] < 130
    expect(link).to_have_text(subject)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with leading_on(page):
        link.click()
    expect(page.locator("h1")).to_contain_text(subject)
