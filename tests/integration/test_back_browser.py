"""« Back » and « Reload » after a refused form: no question of the browser, no text lost, no letter registered twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error, expect
from sqlalchemy import select

from ged.routing.models import Assignment
from ged.unit import Services
from tests.browser_site_kit import SUBJECT, count_registered, fill_registration, page, site
from tests.browsing import leading_on, sign_in
from tests.routing_kit import impute, register

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

__all__ = ["page", "site"]  # fixtures

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]
RESTORED = "Votre saisie interrompue a été rétablie"


def refused_registration(page: Page) -> None:
    fill_registration(page)
    page.fill("#written_on", "31/02/2026")
    with leading_on(page):
        page.press("#subject", "Enter")
    expect(page.locator(".error-summary")).to_be_visible()


def test_back_from_a_refused_form_gives_the_text_back(page: Page, site: tuple[str, Services]) -> None:
    refused_registration(page)
    page.go_back()
    expect(page.get_by_text(RESTORED)).to_be_visible()
    expect(page.locator("#subject")).to_have_value(SUBJECT)
    expect(page.locator("#written_on")).to_have_value("31/02/2026")
    page.fill("#written_on", "20/11/2026")
    with leading_on(page):
        page.press("#subject", "Enter")
    page.wait_for_url("**/enregistre")
    assert count_registered(site[1]) == 1


def test_back_to_a_refused_form_that_was_corrected_shows_an_empty_one(page: Page, site: tuple[str, Services]) -> None:
    refused_registration(page)
    page.fill("#written_on", "20/11/2026")
    with leading_on(page):
        page.press("#subject", "Enter")
    page.wait_for_url("**/enregistre")
    page.go_back()
    expect(page.locator("#subject")).to_have_value("")
    expect(page.get_by_text(RESTORED)).to_be_hidden()
    assert count_registered(site[1]) == 1


def test_a_refused_form_is_loaded_again_with_its_text_and_left_behind_by_a_link(page: Page) -> None:
    refused_registration(page)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator("#subject")).to_have_value(SUBJECT)
    expect(page.locator(".error-summary")).to_have_count(0)
    with leading_on(page):
        page.press("#subject", "Enter")
    expect(page.locator(".error-summary")).to_be_visible()
    page.goto("/registres/")
    page.goto("/enregistrer/")
    expect(page.locator("#subject")).to_have_value("")


def test_what_was_typed_when_the_browser_was_ended_is_given_back_after_signing_in(
    page: Page, site: tuple[str, Services]
) -> None:
    # A page that is ended at once hears nothing of it.
    page.add_init_script(
        "window.addEventListener('pagehide', (event) => { if (sessionStorage.ended) event.stopImmediatePropagation(); }, true)"
    )
    page.on("dialog", lambda dialog: dialog.accept())
    kept = "() => sessionStorage.getItem('ged.typing') !== null"
    fill_registration(page)
    page.wait_for_function(kept)
    page.goto("/registres/")
    page.goto("/enregistrer/")
    expect(page.locator("#subject")).to_have_value("")  # left by a link: nobody asks for it again
    page.select_option("#addressed_post_id", index=1)
    page.fill("#sender_name", "Collectif des riverains")
    page.fill("#subject", SUBJECT)
    page.wait_for_function(kept)
    page.evaluate("() => { sessionStorage.ended = '1'; }")
    page.context.clear_cookies()
    page.reload()
    page.evaluate("() => { delete sessionStorage.ended; }")
    sign_in(page, "agent")
    page.goto("/enregistrer/")
    expect(page.get_by_text(RESTORED)).to_be_visible()
    expect(page.locator("#subject")).to_have_value(SUBJECT)
    with leading_on(page):
        page.press("#subject", "Enter")
    page.wait_for_url("**/enregistre")
    assert count_registered(site[1]) == 1
    page.goto("/enregistrer/")
    expect(page.locator("#subject")).to_have_value("")


def test_a_form_with_an_address_of_its_own_is_come_back_to_on_its_page(page: Page, site: tuple[str, Services]) -> None:
    mail_id = register(site[1]).mail_id
    impute(site[1], mail_id)
    with site[1].reading() as session:
        assignment = session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).first()
    sign_in(page, "dge")
    page.goto(f"/bannette/{assignment}")
    page.select_option("#to", index=1)
    page.fill("#instruction", "Voir avec la direction financière")
    page.fill("#assign_due_on", "31/02/2026")
    with leading_on(page):
        page.get_by_role("button", name="Confier", exact=True).click()
    expect(page.locator(".error-summary")).to_be_visible()
    assert page.url.endswith(f"/bannette/{assignment}")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/bannette/")
    page.go_back()
    expect(page.locator("#instruction")).to_have_value("Voir avec la direction financière")
    page.fill("#assign_due_on", "")
    with leading_on(page):
        page.get_by_role("button", name="Confier", exact=True).click()
    expect(page.locator(".flash--success")).to_be_visible()


def test_what_was_typed_on_a_page_that_is_gone_is_shown_with_the_refusal(
    page: Page, site: tuple[str, Services]
) -> None:
    mail_id = register(site[1]).mail_id
    impute(site[1], mail_id)
    with site[1].reading() as session:
        assignment = session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).first()
    sign_in(page, "dge")
    page.goto(f"/bannette/{assignment}")
    page.fill("#outcome", "Un long avis,\nsur deux lignes")
    impute(site[1], mail_id, "DAF")
    with leading_on(page):
        page.get_by_role("button", name="Terminer", exact=True).click()
    expect(page.get_by_role("heading", name="Introuvable")).to_be_visible()
    expect(page.get_by_text("Ce que vous aviez saisi n’a pas été pris")).to_be_visible()
    assert page.locator("[data-form-rest] li").all_inner_texts() == ["Un long avis,\nsur deux lignes"]


@pytest.mark.parametrize("typed", ["", "À suivre de près"])
def test_after_an_answer_that_was_lost_only_what_was_typed_is_told_as_given_back(
    page: Page, site: tuple[str, Services], typed: str
) -> None:
    def lost(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.abort("internetdisconnected")

    mail_id = register(site[1]).mail_id
    impute(site[1], mail_id)
    with site[1].reading() as session:
        assignment = session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).first()
    sign_in(page, "dge")
    page.goto(f"/bannette/{assignment}")
    page.route(f"**/bannette/{assignment}/**", lost)
    page.fill("#instruction", typed)
    with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"), page.expect_navigation():
        page.locator("#to").evaluate("field => { field.form.noValidate = true; field.form.requestSubmit(); }")
    page.wait_for_function("location.protocol === 'chrome-error:'")
    page.go_back()
    expect(page.locator("#instruction")).to_have_value(typed)
    expect(page.get_by_text(RESTORED)).to_be_visible(visible=bool(typed))


def test_what_was_typed_does_not_outlive_the_session_at_a_shared_desk(page: Page) -> None:
    """The browser keeps the text of a refused form that was left; whoever signs out takes it along. On a site without HTTPS browsers do
    not heed the header that clears what is kept."""

    def without_header(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        route.fulfill(status=answer.status, headers={"Location": answer.headers["location"]})

    refused_registration(page)
    page.goto("/registres/")
    kept = "Object.values(sessionStorage).join()"
    assert SUBJECT in page.evaluate(kept)
    page.route("**/deconnexion", without_header)
    page.locator("[data-sign-out]").last.evaluate("button => button.form.requestSubmit(button)")
    page.wait_for_url("**/connexion**")
    assert SUBJECT not in page.evaluate(kept)
