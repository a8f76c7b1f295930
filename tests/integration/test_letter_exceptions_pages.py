"""The pages of a right by exception: who is offered what, what the reader reads, and what stays shut."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from ged.audit import AuditEntry
from ged.exceptional.models import LetterException
from ged.org.models import OpenSession
from ged.ports import MailId
from ged.register.models import MailNumber
from ged.unit import Services
from tests.exception_kit import SUBJECT, secret
from tests.routing_kit import run_jobs
from tests.site import PASSWORD, make_site, post, sign_in

Site = tuple[Flask, Services, MailId]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app, services = make_site(tmp_path)
    yield app, services, secret(services)
    services.engine.dispose()


def typed(days: int = 2) -> dict[str, str]:
    until = datetime.now(UTC).date() + timedelta(days=days)
    return {"account": "daf", "until_on": until.isoformat(), "reason": "Inspection du receveur"}


def row_of(services: Services) -> int:
    with services.reading() as session:
        return session.scalars(select(LetterException.id).order_by(LetterException.id.desc())).first() or 0


def number_of(services: Services, mail: MailId) -> str:
    with services.reading() as session:
        return session.scalars(select(MailNumber.text).where(MailNumber.mail_id == mail)).one()


def test_two_people_open_a_letter_that_a_third_asked_for(site: Site) -> None:
    app, services, mail = site
    daf, page = sign_in(app, "daf"), f"/courriers/{mail}"
    assert daf.get(page).status_code == 404
    asked = {"number": number_of(services, mail), "reason": "Inspection du receveur"}
    unknown = post(daf, "/courriers/demander-une-lecture", asked | {"number": "99999/2020/X"})
    answer = post(daf, "/courriers/demander-une-lecture", asked)
    assert (answer.status_code, answer.location) == (unknown.status_code, unknown.location)
    sg = sign_in(app, "sg")
    assert "Lecture par exception" in sg.get("/avis/").text
    assert "demande à lire ce courrier" in sg.get(page).text
    assert "Compte de la personne" in sg.get(f"{page}/lecture-par-exception?compte=daf").text
    assert post(sg, f"{page}/lecture-par-exception", typed() | {"reason": ""}).status_code == 422
    assert post(sg, f"{page}/lecture-par-exception", typed()).status_code == 303
    shown = sg.get(page).text
    assert "Retirer la proposition" in shown
    assert "Confirmer</button>" not in shown
    dge, row = sign_in(app, "dge"), row_of(services)
    assert "Inspection du receveur" in dge.get(page).text
    assert daf.get(page).status_code == 404
    assert post(dge, f"{page}/lecture-par-exception/{row}/confirmer", {}).status_code == 303
    read = daf.get(page).text
    assert "Vous lisez ce courrier par exception" in read
    assert SUBJECT in read
    assert "consultation" not in read, "who else reads it is none of the reader's"
    assert "consultation" in sg.get(page).text
    assert "Un courrier secret vous est ouvert par exception" in daf.get("/avis/").text
    assert "en cours" in sg.get(page).text
    with services.reading() as session:
        opened = select(AuditEntry.person_id).where(AuditEntry.action == "mail.opened", AuditEntry.subject_id == mail)
        assert session.scalars(opened.order_by(AuditEntry.sequence.desc())).first() is not None
    assert post(dge, f"{page}/lecture-par-exception/{row}/terminer", {}).status_code == 303
    assert daf.get(page).status_code == 404


def test_the_reader_finds_the_letter_and_changes_nothing(site: Site) -> None:
    app, services, mail = site
    sg, dge, daf = (sign_in(app, who) for who in ("sg", "dge", "daf"))
    page, number = f"/courriers/{mail}", number_of(services, mail)
    run_jobs(services)
    assert page not in daf.get(f"/recherche/?q={number}").text
    post(sg, f"{page}/lecture-par-exception", typed())
    post(dge, f"{page}/lecture-par-exception/{row_of(services)}/confirmer", {})
    run_jobs(services)
    assert page in daf.get(f"/recherche/?q={number}").text
    for address, form in (
        (f"{page}/confidentialite", {"level": "0", "reason": "x"}), (f"{page}/rectifier", {"reason": "x", "version": "1"}),
        (f"{page}/lecture-par-exception", typed()), (f"{page}/notes", {"text": "x"}),
        (f"{page}/lecture-par-exception/{row_of(services)}/terminer", {}),
    ):  # fmt: skip
        assert post(daf, address, form).status_code in (404, 405), address
    assert daf.get(f"{page}/lecture-par-exception").status_code == 404


def test_deciding_asks_for_a_recent_password(site: Site) -> None:
    app, services, mail = site
    sg, dge = sign_in(app, "sg"), sign_in(app, "dge")
    post(sg, f"/courriers/{mail}/lecture-par-exception", typed())
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(OpenSession).values(proved_at=datetime.now(UTC) - timedelta(hours=1)))
    address = f"/courriers/{mail}/lecture-par-exception/{row_of(services)}/confirmer"
    assert post(dge, address, {}).location.startswith("/mon-compte/confirmer")
    post(dge, "/mon-compte/confirmer", {"current_password": PASSWORD})
    assert "#exceptions" in post(dge, address, {}).location
    again = post(dge, address, {})
    assert "n'attend plus" in dge.get(again.location).text


def test_the_form_of_an_act_that_is_opened_by_its_address_is_an_opening_too(site: Site) -> None:
    app, services, mail = site
    sg = sign_in(app, "sg")

    def openings() -> int:
        with services.reading() as session:
            opened = select(AuditEntry.sequence).where(
                AuditEntry.action == "mail.opened", AuditEntry.subject_id == mail
            )
            return len(session.scalars(opened).all())

    for n, act in enumerate(("rectifier", "niveau", "lier"), start=1):
        assert sg.get(f"/courriers/{mail}/{act}").status_code == 200
        assert openings() == n
    sg.get(f"/courriers/{mail}")
    sg.get(f"/courriers/{mail}/niveau")
    assert openings() == 4, "who comes from the letter's page has opened it"
