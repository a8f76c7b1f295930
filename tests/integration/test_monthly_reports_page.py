"""The page of monthly reports: who sees it, making a report, its file; in Chromium at both widths, with axe."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, text, update

from ged.audit import AuditPayload
from ged.figures import operations as figures
from ged.monthly import proofs
from ged.monthly.models import MonthlyProof, MonthlyReport
from ged.org.models import Person
from ged.ports import Digest
from ged.register.models import Mail
from ged.unit import Role, Services
from tests.browser_site_kit import site
from tests.browsing import WIDTHS, axe_faults, leading_on
from tests.browsing import sign_in as enter
from tests.factories import add_entity
from tests.figure_site import plain
from tests.monthly_kit import REPORTS as PAGE
from tests.monthly_kit import add_minister, last_month
from tests.routing_kit import register, unit_id
from tests.site import give_passwords, make_site, post, sign_in
from web.wiring.attached import report_file

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from werkzeug.test import TestResponse

__all__ = ["site"]  # a fixture

pytestmark = pytest.mark.in_turns(3)


def test_a_report_is_made_listed_and_fetched(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        add_entity(uow.session, Role.HEAD, parent_id=unit_id(services, "MIN"))
    add_minister(services)
    give_passwords(services)
    register(services)
    client, ministry = sign_in(app, "admin"), unit_id(services, "MIN")
    assert "Aucun rapport que vous puissiez lire" in client.get(PAGE).text
    form = {"entity_id": str(ministry), "month": last_month()}
    assert "Les chiffres du registre sont en cours de calcul." in post(client, PAGE, form, page=PAGE).text
    figures.run(services, now=datetime.now(UTC))
    this_month = {**form, "month": f"{datetime.now(UTC):%Y-%m}"}
    assert post(client, PAGE, this_month).status_code == 422
    answer = post(client, PAGE, form)
    assert answer.status_code == 303, answer.text
    with services.reading() as session:
        row = session.scalars(select(MonthlyReport)).one()
    file = f"{PAGE}{row.id}.pdf"
    shown = client.get(PAGE).text
    assert (f"{PAGE}{row.id}" in shown, file in shown) == (True, False), (
        "an administrator makes it, and does not read it"
    )
    assert client.get(file).status_code == 403
    assert file not in client.get(f"{PAGE}{row.id}").text
    assert post(client, f"{PAGE}{row.id}/preuves", {}).status_code == 303
    reader = sign_in(app, "ministre")
    assert file in reader.get(PAGE).text
    assert file in reader.get(f"{PAGE}{row.id}").text
    given = reader.get(file)
    with services.blobs.open(Digest(row.digest)) as stored:
        assert given.data == stored.read()
    assert reader.get(f"{PAGE}{row.id + 1}.pdf").status_code == 404
    # Neither another entity's head, nor a head within the entity, nor a clerk.
    for account, seen in (("ceet", 200), ("dge", 200), ("agent", 403)):
        other = sign_in(app, account)
        shown = other.get(PAGE)
        assert (shown.status_code, file in shown.text) == (seen, False), account
        assert other.get(file).status_code in (403, 404), account
        assert ("Rapports mensuels" in other.get("/registres/").text) == (account == "ceet"), account
    asked = post(sign_in(app, "ceet"), PAGE, form)
    assert asked.status_code == 404, "an entity that he does not head is unknown to him"
    services.engine.dispose()


def test_a_report_is_proven_from_its_page_and_a_file_from_the_outside(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    services = replace(services, open_report=report_file)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        add_entity(uow.session, Role.HEAD, parent_id=unit_id(services, "MIN"))
    give_passwords(services)
    register(services)
    figures.run(services, now=datetime.now(UTC))
    client, ministry = sign_in(app, "admin"), unit_id(services, "MIN")
    post(client, PAGE, {"entity_id": str(ministry), "month": last_month()}, page=PAGE)
    with services.reading() as session:
        row = session.scalars(select(MonthlyReport)).one()
    page = f"{PAGE}{row.id}"
    assert "Vérification" in client.get(page).text
    assert post(client, f"{page}/preuves", {}, page=page).status_code == 303
    waiting = client.get(f"{page}/preuves").text
    assert "Une vérification est en cours." in waiting
    assert 'hx-trigger="every 3s"' in waiting
    with services.reading() as session:
        proof_id = session.scalars(select(MonthlyProof.id)).one()
    proofs.run(services, proof_id, heartbeat=lambda _told: None, now=datetime.now(UTC))
    shown = client.get(page).text
    assert "Le rapport est prouvé" in shown
    assert "Tous les nombres sont ceux du rapport." in shown
    assert "par Admin" in shown
    assert "Le rapport n'a pas encore de cachet." in shown
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE people SET language = 'en' WHERE account = 'admin'"))
    english = client.get(page).text
    assert "The report is proven" in english
    assert "The report has no seal yet." in english
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE people SET language = '' WHERE account = 'admin'"))
    with services.blobs.open(Digest(row.digest)) as stored:
        pdf = stored.read()
    check = f"{PAGE}verifier"

    def bring(content: bytes) -> TestResponse:
        return post(client, check, {"file": (BytesIO(content), "rapport.pdf")}, page=check)

    known = bring(pdf)
    assert (known.status_code, known.headers["Location"]) == (303, f"{page}#preuves")
    other = bring(b"%PDF-1.7\n" + b"\0" * 999)
    assert other.status_code == 200
    assert "aucun des rapports que vous pouvez lire" in other.text
    assert bring(b"PK\3\4").status_code == 422
    assert post(client, check, {}, page=check).status_code == 422
    for account, seen in (("ceet", 404), ("dge", 404), ("agent", 403)):
        asker = sign_in(app, account)
        assert asker.get(page).status_code == seen, account
        assert asker.get(f"{page}/preuves").status_code == seen, account
        assert post(asker, f"{page}/preuves", {}).status_code == seen, account
    services.engine.dispose()


def test_reports_of_each_month_are_switched_on_and_off(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    give_passwords(services)
    client, ministry = sign_in(app, "admin"), unit_id(services, "MIN")
    shown = client.get(PAGE).text
    assert ("à la demande" in shown, "de lui-même</span>" in shown) == (True, False)
    assert post(client, f"{PAGE}chaque-mois", {"entity_id": str(ministry), "on": "1"}, page=PAGE).status_code == 303
    shown = client.get(PAGE).text
    assert "Prochain rapport" in shown
    assert "demandé par Admin" in shown
    assert post(client, f"{PAGE}chaque-mois", {"entity_id": str(ministry)}).status_code == 303
    assert "Prochain rapport" not in client.get(PAGE).text
    assert post(sign_in(app, "agent"), f"{PAGE}chaque-mois", {"entity_id": str(ministry), "on": "1"}).status_code == 403
    services.engine.dispose()


def test_the_page_speaks_english(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE people SET language = 'en' WHERE account = 'admin'"))
    shown = sign_in(app, "admin").get(PAGE).text
    assert "Monthly reports" in shown
    assert "Make the report" in shown
    services.engine.dispose()


@pytest.mark.long("a page under axe: tests/integration/test_every_page.py looks at every page")
@pytest.mark.browser
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_holds_at_both_widths(browser: Browser, site: tuple[str, Services], width: int) -> None:
    url, services = site
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE units SET name = :name WHERE code = 'MIN'"), {"name": "Ministère " + "m" * 150})
    figures.run(services, now=datetime.now(UTC))
    context = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": width, "height": 800})
    page = context.new_page()
    enter(page, "admin")
    page.goto(PAGE)
    page.get_by_label("Mois", exact=True).focus()
    with leading_on(page):
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    expect(page.locator(".flash--success")).to_contain_text("Le rapport est établi")
    expect(page.locator("tbody tr", has_text="sans cachet électronique")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe_faults(page) == []
    page.goto(f"{PAGE}1")
    with leading_on(page):
        page.get_by_role("button", name="Vérifier").click()
    expect(page.locator("#proofs progress")).to_be_visible()
    assert axe_faults(page) == []
    services = replace(services, open_report=report_file)
    proofs.run(services, 1, heartbeat=lambda _told: None, now=datetime.now(UTC))
    expect(page.locator("#proofs")).to_contain_text("Le rapport est prouvé", timeout=10_000)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe_faults(page) == []
    page.goto(f"{PAGE}verifier")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe_faults(page) == []
    context.close()


def test_a_second_report_with_the_same_numbers_asks_for_a_reason(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    register(services)
    figures.run(services, now=datetime.now(UTC))
    client, ministry = sign_in(app, "admin"), unit_id(services, "MIN")
    form = {"entity_id": str(ministry), "month": last_month()}
    assert 'name="reason"' not in client.get(PAGE).text
    assert post(client, PAGE, form, page=PAGE).status_code == 303
    with services.reading() as session:
        first = session.scalars(select(MonthlyReport)).one()
    again = post(client, PAGE, form)
    assert again.status_code == 409
    text = plain(again.text)
    assert "Ce mois a déjà un rapport avec les mêmes nombres" in text
    link = re.search(rf'<a href="{PAGE}{first.id}">([^<]+)</a>', text)
    assert link is not None
    with services.reading() as session:
        assert session.scalars(select(Person.name).where(Person.account == "admin")).one() in link[1], "who made it"
    assert 'name="reason"' in text
    assert post(client, PAGE, {**form, "reason": " "}).status_code == 409
    assert post(client, PAGE, {**form, "reason": "x" * 301}).status_code == 422
    done = post(client, PAGE, {**form, "reason": "Nom du ministère corrigé"})
    assert done.status_code == 303
    assert "Ce mois en avait un, établi le" in plain(client.get(PAGE).text)
    with services.reading() as session:
        last = session.scalars(select(MonthlyReport.id).order_by(MonthlyReport.id.desc())).first()
        said = session.scalars(select(AuditPayload.payload).order_by(AuditPayload.sequence)).all()
    assert "Motif d'un autre rapport sur ce mois : Nom du ministère corrigé" in plain(client.get(f"{PAGE}{last}").text)
    assert "Nom du ministère corrigé" in [one.get("reason") for one in said]
    services.engine.dispose()


def test_when_the_numbers_have_changed_another_report_is_made_without_a_reason(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    figures.run(services, now=datetime.now(UTC))
    client, ministry = sign_in(app, "admin"), unit_id(services, "MIN")
    form = {"entity_id": str(ministry), "month": last_month()}
    assert post(client, PAGE, form, page=PAGE).status_code == 303
    day = datetime.strptime(form["month"], "%Y-%m").replace(tzinfo=UTC).date()
    mail_id = int(register(services).mail_id)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mail_id).values(received_on=day))
    figures.rebuild(services, now=datetime.now(UTC))
    assert post(client, PAGE, form).status_code == 303
    assert post(client, PAGE, form).status_code == 409, "and now they are the same again"
    services.engine.dispose()
