"""A letter written in Word, in a real browser: download, upload, pages that appear by themselves, submission."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from ged.writing import word
from tests.browsing import WIDTHS, axe_faults, leading_on, sign_in
from tests.factories import NOW
from tests.site import served
from tests.word_kit import edited, needs_office
from tests.word_site_kit import SAID, WordSite

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, WordSite]]:
    needs_office()
    made = WordSite(tmp_path)
    with served(made.app) as url:
        yield url, made
    made.services.engine.dispose()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_letter_goes_to_word_and_comes_back(
    browser: Browser, site: tuple[str, WordSite], tmp_path: Path, width: int
) -> None:
    url, made = site
    mail_id = made.house.answer()
    context = browser.new_context(
        base_url=url, locale="fr-FR", viewport={"width": width, "height": 900}, bypass_csp=True
    )
    page = context.new_page()
    sign_in(page, "dge")
    page.goto(f"/projets/{mail_id}")
    page.locator("#redaction-word summary").click()
    with page.expect_download() as taken:
        page.get_by_role("button", name="Télécharger le document").click()
    mine, stale = tmp_path / "lettre.docx", tmp_path / "ancienne.docx"
    content = Path(taken.value.path()).read_bytes()
    mine.write_bytes(edited(content, {SAID: "Votre demande est rejetée"}))
    stale.write_bytes(edited(content, {SAID: "Votre demande est ajournée"}))

    page.set_input_files("#word", mine)
    with leading_on(page):
        page.get_by_role("button", name="Déposer le document").click()
    expect(page.locator("#word-state")).to_contain_text("Mise en pages en cours")
    word.run_pages(made.services, mail_id, now=NOW)
    expect(page.locator("#word-state")).to_contain_text("Pages prêtes")

    page.set_input_files("#word", stale)
    with leading_on(page):
        page.get_by_role("button", name="Déposer le document").click()
    expect(page.locator("h1")).to_have_text("Deux textes pour un projet")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe_faults(page) == []
    with leading_on(page):
        page.get_by_role("link", name="Garder la version enregistrée").click()
    assert axe_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with leading_on(page):
        page.get_by_role("button", name="Remettre au parapheur").first.click()
    expect(page.locator("main")).to_contain_text("Le projet est au parapheur")
    assert "rejetée" in made.house.show(mail_id, "dge").body
    context.close()
