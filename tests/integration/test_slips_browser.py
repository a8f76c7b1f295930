"""Papers in the browser: no question about ticked ones comes while none is ticked; long words push nothing out of sight."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from ged.slips.drafting import LineForm
from ged.slips.states import LineState
from ged.unit import Services
from tests.browser_site_kit import page, site
from tests.browsing import leading_on, sign_in
from tests.slip_kit import letter, send, take

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["page", "site"]  # fixtures

pytestmark = pytest.mark.browser


def test_keeping_papers_asks_after_the_check_and_an_error_leads_to_the_first_box(
    page: Page, site: tuple[str, Services]
) -> None:
    for subject in ("Demande une", "Demande deux"):
        letter(site[1], subject)
    sign_in(page, "agent")
    page.goto("/a-transmettre/")
    questions: list[str] = []
    page.on("dialog", lambda dialog: (questions.append(dialog.message), dialog.accept()))
    keep = page.get_by_role("button", name="Garder les originaux cochés ici")
    page.get_by_role("button", name="Tout décocher").click()
    with leading_on(page):
        keep.click()
    assert questions == []
    told = page.locator(".error-summary a")
    expect(told).to_have_text(re.compile("^Aucun original n.est coché"))  # it speaks of all units, and names none
    told.click()
    expect(page.get_by_role("checkbox").first).to_be_focused()
    page.keyboard.press("Space")
    with leading_on(page):
        keep.click()
    assert len(questions) == 1
    expect(page.locator(".flash--success")).to_contain_text("1 original reste ici.")


def test_long_words_leave_what_was_found_and_its_form_in_sight(page: Page, site: tuple[str, Services]) -> None:
    sent = send(site[1], LineForm(mail_id=letter(site[1], "X" * 250)), LineForm("y" * 250), messenger="z" * 100)
    take(site[1], sent.slip_id, LineState.DAMAGED, LineState.MISSING, remark="m" * 200)
    page.set_viewport_size({"width": 1280, "height": 900})
    sign_in(page, "agent")
    for path in ("/bordereaux/", f"/bordereaux/{sent.slip_id}"):
        page.goto(path)
        hidden = page.locator(".table-scroll").evaluate_all(
            "(all) => all.map((one) => one.scrollWidth - one.clientWidth)"
        )
        assert max(hidden) <= 1, (path, hidden)


def test_an_undecided_line_is_told_without_the_name_of_its_first_choice(page: Page, site: tuple[str, Services]) -> None:
    sent = send(site[1], LineForm(mail_id=letter(site[1])))
    sign_in(page, "agent")
    page.goto(f"/bordereaux/{sent.slip_id}/papier")
    page.fill("#name", "Akossiwa N'Danou")
    with leading_on(page):
        page.get_by_role("button", name="Enregistrer la réception").click()
    told = page.locator(".error-summary a").first
    expect(told).to_have_text(re.compile("^La ligne 1 n.est pas pointée"))
    told.click()
    expect(page.locator("#line-1")).to_be_focused()
