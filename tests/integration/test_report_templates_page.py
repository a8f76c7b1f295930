"""The page of the monthly report's template: writing, the preview, mistakes with their line, taking back; in Chromium at both widths, with axe and by keyboard."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, text

from ged.figures import operations as figures
from ged.monthly.models import MonthlyReport, ReportTemplate
from ged.unit import Services
from tests.browser_site_kit import site
from tests.browsing import WIDTHS, axe_faults, leading_on
from tests.browsing import sign_in as enter
from tests.figure_site import plain
from tests.monthly_kit import REPORTS, add_minister, last_month
from tests.routing_kit import register, unit_id
from tests.site import give_passwords, make_site, post, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["site"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

PAGE = "/administration/modele-du-rapport/"
OURS = '= Mot du ministre\n\n#nombre("Reçus") courriers.\n\n#tableau-nombres'


def test_first_pages_are_written_previewed_used_and_taken_back(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    add_minister(services)
    give_passwords(services)
    register(services)
    client, ministry = sign_in(app, "admin"), str(unit_id(services, "MIN"))
    assert "Voir le modèle du rapport" in plain(client.get("/administration/").text)
    shown = plain(client.get(PAGE).text)
    assert "Pas encore de modèle" in shown
    assert "Le mois en bref" in shown, "the example"
    form = {"entite": ministry, "after": "0", "source": OURS.replace("\n", "\r\n")}
    looked = post(client, f"{PAGE}apercu.pdf", form, page=PAGE)
    assert (looked.status_code, looked.mimetype) == (200, "application/pdf")
    wrong = post(client, f"{PAGE}apercu.pdf", {**form, "source": "Mot\r\n\r\n#inconnu"})
    assert wrong.status_code == 422
    assert "Ligne 3 : « inconnu » n'est le nom de rien." in plain(wrong.text)
    wrong = post(client, PAGE, {**form, "source": 'Mot\r\n#read("x")'})
    assert wrong.status_code == 422
    assert "Ligne 2 : « read » n'est pas permis dans un modèle." in plain(wrong.text)
    assert "#read(" in wrong.text, "what was typed stays"
    assert post(client, PAGE, form).status_code == 303
    shown = plain(client.get(f"{PAGE}?entite={ministry}").text)
    assert "La version 1 du modèle sert aux prochains rapports." in shown
    assert "sert aux rapports" in shown
    late = post(client, PAGE, {**form, "source": "Autre"})
    assert late.status_code == 409
    assert "vient d'être changé par une autre personne" in plain(late.text)
    assert post(client, PAGE, {**form, "after": "1", "source": "Autre mot"}).status_code == 303
    again = client.get(f"{PAGE}?entite={ministry}&version=1")
    assert "#tableau-nombres" in again.text
    assert "reprises de la version 1" in plain(again.text)
    assert "a changé le modèle du rapport mensuel" in plain(client.get("/administration/journal").text)
    figures.run(services, now=datetime.now(UTC))
    assert post(client, REPORTS, {"entity_id": ministry, "month": last_month()}, page=REPORTS).status_code == 303
    with services.reading() as session:
        report_id = session.scalars(select(MonthlyReport.id)).one()
    assert "Premières pages : version 2 du modèle." in plain(client.get(f"{REPORTS}{report_id}").text)
    assert post(client, f"{PAGE}retirer", {"entite": ministry, "version": "1"}).status_code == 303
    assert "vient d'être changé" in plain(client.get(PAGE).text)
    assert post(client, f"{PAGE}retirer", {"entite": ministry, "version": "2"}).status_code == 303
    shown = plain(client.get(PAGE).text)
    assert "Les prochains rapports se font sans ce modèle." in shown
    assert "sert aux rapports" not in shown
    for typed, status in (
        ("entite=999999", 404),
        ("entite=x", 404),
        (f"entite={ministry}&version=9", 404),
        (f"entite={ministry}&version=x", 404),
    ):
        assert client.get(f"{PAGE}?{typed}").status_code == status, typed
    services.engine.dispose()


def test_nobody_but_an_administrator_comes_here(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    add_minister(services)
    give_passwords(services)
    ministry = str(unit_id(services, "MIN"))
    for account in ("ministre", "sg", "dge", "agent"):
        client = sign_in(app, account)
        assert client.get(PAGE).status_code == 403, account
        for act in ("", "apercu.pdf", "retirer"):
            form = {"entite": ministry, "after": "0", "version": "1", "source": "Mot"}
            assert post(client, f"{PAGE}{act}", form).status_code == 403, (account, act)
    with services.reading() as session:
        assert session.scalars(select(ReportTemplate.id)).all() == []
    services.engine.dispose()


def test_the_page_speaks_english(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE people SET language = 'en' WHERE account = 'admin'"))
    client = sign_in(app, "admin")
    assert "Template of the monthly report" in client.get(PAGE).text
    form = {"entite": str(unit_id(services, "MIN")), "after": "0", "source": "a\n#b"}
    assert "Line 2:" in post(client, PAGE, form, page=PAGE).text
    services.engine.dispose()


@pytest.mark.long("the page by the keyboard; it is written, previewed and used in the test beside it")
@pytest.mark.browser
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_written_by_keyboard_and_holds_at_both_widths(
    browser: Browser, site: tuple[str, Services], width: int
) -> None:
    url, services = site
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE units SET name = :name WHERE code = 'MIN'"), {"name": "Ministère " + "m" * 150})
    context = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": width, "height": 800})
    page = context.new_page()
    enter(page, "admin")
    page.goto(PAGE)
    field = page.get_by_label("Texte", exact=True)

    def holds() -> None:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert axe_faults(page) == []

    def send(typed: str) -> None:
        """Type it, and go to the last button by keyboard."""
        field.fill(typed)
        field.focus()
        for _ in range(3):  # the names, the preview, the button that saves
            page.keyboard.press("Tab")
        with leading_on(page):
            page.keyboard.press("Enter")

    holds()
    page.get_by_text("Noms", exact=True).click()
    holds()
    send("Mot\n\n#inconnu" + "x" * 200)
    expect(page.locator(".error-summary")).to_contain_text("ligne 3")
    expect(field).to_have_attribute("aria-invalid", "true")
    holds()
    send(OURS)
    expect(page.locator(".flash--success")).to_contain_text("La version 1 du modèle")
    holds()
    with page.expect_popup() as opened:
        page.get_by_role("button", name=re.compile("Voir l")).press("Enter")
    opened.value.close()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=re.compile("Retirer")).press("Enter")
    agree = page.locator("dialog[open] button", has_text=re.compile("Continuer|Confirmer|Oui|Retirer"))
    if agree.count():
        agree.first.press("Enter")
    expect(page.locator(".flash--success")).to_contain_text("sans ce modèle")
    holds()
    context.close()
