"""Completion of the registration form in a real browser, by the keyboard: one key takes, nothing is taken by accident."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from ged.register.models import Mail
from ged.unit import Services
from tests.browsing import axe_faults, sign_in
from tests.factories import NOW
from tests.routing_kit import register
from tests.signed_outside_kit import enter
from tests.site import make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]
MINISTRY, SUBJECT = "Ministère de l'Économie et des Finances", "Transmission du projet de décret"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[str, Services]]:
    app, services = make_site(tmp_path)
    mail = register(services, SUBJECT, sender=MINISTRY)
    register(services, "Délestages", sender="CEET Lomé")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mail.mail_id).values(their_reference="1201/MEF/DGB"))
    with served(app) as address:
        yield address, services
    services.engine.dispose()


@pytest.mark.parametrize("width", [360, 1280])
def test_a_refused_letter_begins_at_its_first_field_in_error_and_keeps_what_was_typed(
    browser: Browser, place: tuple[str, Services], width: int
) -> None:
    context = browser.new_context(base_url=place[0], locale="fr-FR", viewport={"width": width, "height": 740})
    page = context.new_page()
    sign_in(page, "agent")
    page.goto("/enregistrer/")
    typed = {
        "sender_name": "Préfet de l'Ogou", "their_reference": "12/P/OG", "written_on": "31/02/2026",
        "subject": "Demande\nde crédits", "enclosure_count": "douze", "received_on": "40/12/2026",
    }  # fmt: skip
    page.select_option("#addressed_post_id", index=1)
    addressed = page.locator("#addressed_post_id").input_value()
    for name, value in typed.items():
        page.fill(f"#{name}", value)
    page.locator("form.register button[type=submit]").click()
    expect(page.locator("#written_on")).to_be_focused()
    links = page.locator(".error-summary a").evaluate_all("(all) => all.map((one) => one.hash)")
    assert links == ["#written_on", "#enclosure_count", "#received_on"]
    for name, value in typed.items():
        expect(page.locator(f"#{name}")).to_have_value(value)
    expect(page.locator("#addressed_post_id")).to_have_value(addressed)
    context.close()


def test_one_key_takes_and_the_question_takes_one_key(browser: Browser, place: tuple[str, Services]) -> None:
    context = browser.new_context(base_url=place[0], locale="fr-FR", viewport={"width": 360, "height": 740})
    page = context.new_page()
    sign_in(page, "agent")
    # What the network says of a name comes too late to help or to harm.
    page.route("**/enregistrer/expediteurs*", lambda route: route.abort())
    with page.expect_response("**/enregistrer/connus"):
        page.goto("/enregistrer/")
    sender, subject, reference = (page.locator(f"#{one}") for one in ("sender_name", "subject", "their_reference"))
    sender.focus()
    page.keyboard.type("ceet")
    expect(page.locator("#sender-list [role=option]")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(sender).to_have_value("ceet")  # another sender: Tab takes nothing
    sender.fill("")
    page.keyboard.press("Shift+Tab")
    sender.focus()
    page.keyboard.type("mef")
    expect(page.locator("#sender-list")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(sender).to_have_value("mef")  # who corrects takes nothing
    page.keyboard.press("Control+a")
    page.keyboard.type("finances eco")
    page.keyboard.press("ArrowRight")
    expect(sender).to_have_value(MINISTRY)
    page.keyboard.press("Escape")
    expect(sender).to_have_value("finances eco")
    page.keyboard.type("n")
    assert axe_faults(page) == []
    page.keyboard.press("ArrowRight")
    expect(sender).to_have_value(MINISTRY)
    reference.focus()
    page.keyboard.type("1201")
    page.keyboard.press("ArrowRight")
    expect(reference).to_have_value("1201/MEF/DGB")
    subject.focus()
    expect(page.locator("#subject-list [role=option]")).to_have_count(1)
    page.keyboard.press("Control+ArrowRight")
    expect(subject).to_have_value("Transmission")
    page.keyboard.press("Control+ArrowRight")
    expect(subject).to_have_value("Transmission du projet")
    page.keyboard.press("ArrowRight")
    expect(subject).to_have_value(SUBJECT)
    expect(page.locator("#looked_at")).not_to_be_checked()
    page.keyboard.press("Alt+a")
    expect(page.locator("#looked_at")).to_be_checked()
    expect(subject).to_be_focused()
    assert axe_faults(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.select_option("#addressed_post_id", index=1)
    subject.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/enregistre")
    context.close()


def test_what_was_taken_is_undone_at_once_only_and_a_correction_takes_nothing(
    browser: Browser, place: tuple[str, Services]
) -> None:
    address, services = place
    register(services, "Voirie", sender="Mairie d'Aného Lac 1")
    register(services, "Séance", sender="Mairie d'Aného")
    register(services, "Subvention", sender="ŒUVRES DES SŒURS")
    context = browser.new_context(base_url=address, locale="fr-FR")
    page = context.new_page()
    sign_in(page, "agent")
    with page.expect_response("**/enregistrer/connus"):
        page.goto("/enregistrer/")
    sender, names = page.locator("#sender_name"), page.locator("#sender-list")

    def typed(text: str) -> None:
        sender.fill("")
        sender.focus()
        page.keyboard.type(text)
        expect(names).to_be_visible()

    typed("oeuvres soeurs")
    page.keyboard.press("ArrowRight")
    expect(sender).to_have_value("ŒUVRES DES SŒURS")
    page.keyboard.press("Control+z")
    expect(sender).to_have_value("oeuvres soeurs")
    typed("Ministère")
    page.keyboard.press("Control+ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(sender).to_have_value(MINISTRY)
    page.keyboard.press("Control+z")
    expect(sender).to_have_value("Ministère de l'Économie")
    page.keyboard.press("Control+z")
    expect(sender).to_have_value("Ministère")
    # The directory says of a name that was taken at once that another one begins so.
    # The key comes before the directory is asked, which waits for a pause: both in one task, however slow the machine is.
    sender.focus()
    with page.expect_response("**/enregistrer/expediteurs?sender_name=Mairie*"):
        sender.evaluate(
            """(field) => {
                field.value = "mairie";
                field.dispatchEvent(new Event("input", { bubbles: true }));
                field.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, cancelable: true }));
            }"""
        )
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(names).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(sender).to_have_value("Mairie d'Aného")
    # Who comes back to the field and presses Escape asks for no earlier text.
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Escape")
    expect(sender).to_have_value("Mairie d'Aného")
    sender.fill("")
    sender.focus()
    page.keyboard.type("ministre de l")
    for _ in range(7):
        page.keyboard.press("ArrowLeft")
    page.keyboard.type("e")
    expect(sender).to_have_value("ministere de l")
    expect(names).to_be_visible()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    expect(sender).to_have_value("ministere de l")
    page.keyboard.type("'")
    names.locator("[role=option]").click(button="right")
    expect(sender).to_have_value("ministere de l'")
    context.close()


def test_an_answer_that_comes_after_the_hand_closed_the_list_opens_it_no_more(
    browser: Browser, place: tuple[str, Services]
) -> None:
    context = browser.new_context(base_url=place[0], locale="fr-FR")
    page = context.new_page()
    sign_in(page, "agent")
    held: list[Route] = []
    page.route("**/enregistrer/expediteurs*", lambda route: held.append(route))  # noqa: PLW0108  # Playwright marks what it is given

    def answered() -> None:
        with page.expect_response("**/enregistrer/expediteurs*"):
            held.pop().continue_()
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    with page.expect_response("**/enregistrer/connus"):
        page.goto("/enregistrer/")
    sender, names = page.locator("#sender_name"), page.locator("#sender-list")
    sender.focus()
    with page.expect_request("**/enregistrer/expediteurs?sender_name=ministre*"):
        page.keyboard.type("ministre de l")
    for _ in range(7):
        page.keyboard.press("ArrowLeft")
    with page.expect_request("**/enregistrer/expediteurs?sender_name=ministere*"):
        page.keyboard.type("e")
    expect(names).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(names).to_be_hidden()
    answered()
    expect(names).to_be_hidden()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(sender).to_have_value("ministere de l")
    # Who types on is offered names again, and who closes them by Escape is not.
    with page.expect_request("**/enregistrer/expediteurs*"):
        page.keyboard.type("'")
    expect(names).to_be_visible()
    page.keyboard.press("Escape")
    answered()
    expect(names).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(sender).to_have_value("ministere de l'")
    context.close()


def test_in_a_text_of_several_rows_the_arrows_move_the_caret(browser: Browser, place: tuple[str, Services]) -> None:
    address, services = place
    long = "Demande de renouvellement du permis d'exploitation à grande échelle de la carrière du Zio"
    register(services, long + " nord", sender="Société minière du Mono")
    context = browser.new_context(base_url=address, locale="fr-FR", viewport={"width": 360, "height": 740})
    page = context.new_page()
    sign_in(page, "agent")
    with page.expect_response("**/enregistrer/connus"):
        page.goto("/enregistrer/")
    subject, offered = page.locator("#subject"), page.locator("#subject-list")
    subject.focus()
    page.keyboard.type(long)
    expect(offered).to_be_visible()
    page.keyboard.press("ArrowUp")
    caret = subject.evaluate("(field) => field.selectionStart")
    assert 0 < caret < len(long), "one row up"
    expect(offered).to_be_hidden()
    page.keyboard.press("ArrowDown")
    assert subject.evaluate("(field) => field.selectionStart") > caret, "one row down"
    page.keyboard.press("Enter")
    expect(subject).to_have_value(long)  # nothing was marked: Enter sends, and the form asks for its sender
    subject.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(" ")
    expect(offered).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(offered.locator("[aria-selected=true]")).to_have_count(1)
    page.keyboard.press("ArrowUp")
    expect(offered.locator("[aria-selected=true]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(subject).to_have_value(long + " nord")
    context.close()


def test_who_types_before_the_scripts_have_come_stays_in_the_field(
    browser: Browser, place: tuple[str, Services]
) -> None:
    context = browser.new_context(base_url=place[0], locale="fr-FR")
    page = context.new_page()
    sign_in(page, "agent")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/js/ged.js*", hold)
    page.goto("/enregistrer/", wait_until="commit")
    subject = page.locator("#subject")
    subject.focus()
    page.keyboard.type("Demande ")
    held[0].continue_()
    page.wait_for_function("() => document.documentElement.classList.contains('js')")
    page.keyboard.type("d'audience")
    expect(subject).to_have_value("Demande d'audience")
    expect(page.locator("#sender_name")).to_have_value("")
    context.close()


def test_each_addressee_of_a_departure_is_completed_on_its_line(browser: Browser, place: tuple[str, Services]) -> None:
    context = browser.new_context(base_url=place[0], locale="fr-FR", viewport={"width": 360, "height": 740})
    page = context.new_page()
    sign_in(page, "agent")
    with page.expect_response("**/enregistrer/connus?sens=outgoing"):
        page.goto("/enregistrer/depart")
    names, offered = page.locator("#addressees"), page.locator("#addressees-list")
    names.focus()
    page.keyboard.type("Cabinet Nouveau\nceet")
    expect(offered).to_be_visible()
    assert axe_faults(page) == []
    page.keyboard.press("ArrowRight")
    expect(names).to_have_value("Cabinet Nouveau\nCEET Lomé")
    page.keyboard.press("Control+z")
    expect(names).to_have_value("Cabinet Nouveau\nceet")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.type("Ministère")
    page.keyboard.press("Control+ArrowRight")
    expect(names).to_have_value("Cabinet Nouveau\nCEET Lomé\nMinistère de l'Économie")
    # Who corrects an upper line is offered nothing for the last one.
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    page.keyboard.type("M. ")
    expect(offered).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(names).to_have_value("M. Cabinet Nouveau\nCEET Lomé\nMinistère de l'Économie")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_the_subject_of_a_departure_is_completed_by_those_that_left(
    browser: Browser, place: tuple[str, Services]
) -> None:
    address, services = place
    enter(services, subject="Convocation à la réunion du comité de pilotage")
    context = browser.new_context(base_url=address, locale="fr-FR", viewport={"width": 360, "height": 740})
    page = context.new_page()
    sign_in(page, "agent")
    with page.expect_response("**/enregistrer/connus?sens=outgoing"):
        page.goto("/enregistrer/depart")
    subject, offered = page.locator("#subject"), page.locator("#subject-list")
    subject.focus()
    expect(offered).to_be_hidden()  # nothing is typed: nothing is offered
    page.keyboard.type("comite")
    expect(offered).to_be_visible()
    assert axe_faults(page) == []
    page.keyboard.press("ArrowRight")
    expect(subject).to_have_value("Convocation à la réunion du comité de pilotage")
    page.keyboard.press("Control+z")
    expect(subject).to_have_value("comite")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    context.close()
