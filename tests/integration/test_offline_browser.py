"""The network fails while a person works: the page says so, nothing is lost, and each form is sent once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from ged.routing.models import Assignment
from ged.unit import Services
from tests.browser_site_kit import SUBJECT, count_registered, fill_registration, page, site
from tests.browsing import axe_faults, leading_on, sign_in
from tests.routing_kit import register

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["page", "site"]  # fixtures

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]


def test_a_registration_waits_for_the_network_and_leaves_by_itself(page: Page, site: tuple[str, Services]) -> None:
    fill_registration(page)
    told = page.locator("[data-offline]")
    expect(told).to_be_hidden()
    page.context.set_offline(True)
    expect(told).to_contain_text("Le réseau est coupé : rien n’est perdu.")
    page.press("#subject", "Enter")
    expect(told).to_contain_text("Votre envoi part de lui-même au retour du réseau.")
    expect(page.locator("#subject")).to_have_value(SUBJECT)
    assert axe_faults(page) == []
    assert count_registered(site[1]) == 0
    with leading_on(page):
        page.context.set_offline(False)
    page.wait_for_url("**/enregistre")
    assert count_registered(site[1]) == 1


def test_what_waits_registers_no_letter_that_was_registered_meanwhile(page: Page, site: tuple[str, Services]) -> None:
    fill_registration(page)
    # The server is away for this tab alone: its clerk loses patience, and registers the letter in another one.
    page.route("**/sante/site", lambda route: route.abort())
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    for _ in range(3):
        page.press("#subject", "Enter")
    expect(page.locator("[data-offline]")).to_contain_text("Votre envoi part de lui-même")
    other = page.context.new_page()
    other.goto("/enregistrer/")
    other.select_option("#addressed_post_id", index=1)
    other.fill("#sender_name", "Collectif des riverains")
    other.fill("#subject", SUBJECT)
    with leading_on(other):
        other.press("#subject", "Enter")
    assert count_registered(site[1]) == 1
    with leading_on(page):
        page.unroute("**/sante/site")
    expect(page.locator(".error-summary")).to_be_visible()
    expect(page.locator("#subject")).to_have_value(SUBJECT)
    assert count_registered(site[1]) == 1, "the form that waited asks before it takes a number"


def test_a_person_takes_back_what_waits(page: Page, site: tuple[str, Services]) -> None:
    fill_registration(page)
    page.context.set_offline(True)
    page.press("#subject", "Enter")
    page.get_by_role("button", name="Ne pas l’envoyer").click()
    page.context.set_offline(False)
    expect(page.locator("[data-offline]")).to_be_hidden()
    expect(page.locator("#subject")).to_have_value(SUBJECT)
    assert count_registered(site[1]) == 0


def test_an_imputation_waits_too(page: Page, site: tuple[str, Services]) -> None:
    mail_id = register(site[1]).mail_id
    sign_in(page, "sg")
    page.goto(f"/a-imputer/{mail_id}")
    page.select_option("#leading_unit_id", index=1)
    page.context.set_offline(True)
    page.get_by_role("button", name="Imputer").first.click()
    expect(page.locator("[data-offline]")).to_contain_text("Votre envoi part de lui-même")
    with leading_on(page):
        page.context.set_offline(False)
    with site[1].reading() as session:
        assert session.scalar(select(func.count(Assignment.id)).where(Assignment.mail_id == mail_id)) == 1


def test_what_cannot_be_taken_back_is_never_sent_by_itself(page: Page) -> None:
    sign_in(page, "agent")
    page.goto("/mon-compte/mot-de-passe")
    for name in ("current_password", "password", "password_again"):
        page.fill(f"[name={name}]", "une phrase de plusieurs mots")
    page.context.set_offline(True)
    page.press("[name=password_again]", "Enter")
    expect(page.locator("[data-offline]")).to_contain_text("Rien n’est parti.")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.context.set_offline(False)
    expect(page.locator("[data-offline]")).to_be_hidden()
    assert "POST" not in sent


def test_an_answer_that_never_came_gives_the_text_back_and_makes_one_letter(
    page: Page, site: tuple[str, Services]
) -> None:
    fill_registration(page)
    lost: list[bool] = []

    def lose(route) -> None:  # type: ignore[no-untyped-def]  # of the driver
        if route.request.method == "POST" and not lost:
            lost.append(True)
            route.fetch(max_redirects=0)  # the server accepts it, and its response is lost on the way
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/enregistrer/", lose)
    page.press("#subject", "Enter")
    page.wait_for_url("chrome-error://**")
    assert count_registered(site[1]) == 1
    page.go_back()
    expect(page.locator("#navigation")).to_be_attached()
    page.goto("/enregistrer/")
    expect(page.locator("#subject")).to_have_value(SUBJECT)
    expect(page.get_by_text("Votre saisie interrompue a été rétablie")).to_be_visible()
    with leading_on(page):
        page.press("#subject", "Enter")
    page.wait_for_url("**/enregistre")
    assert count_registered(site[1]) == 1, "sent twice, registered once"
