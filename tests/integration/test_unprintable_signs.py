"""Characters that none of our fonts has.

Where a person types one, the field refuses it. Imported texts keep it; paper shows a substitute; no print fails.
"""

import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pypdfium2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from ged import jobs, pipeline
from ged.closing import operations as closing
from ged.dispatch import operations as dispatch
from ged.dispatch import print as dispatch_print
from ged.dispatch.models import DispatchLine
from ged.jobs import Job, JobKind, JobState
from ged.register import books
from ged.register.models import Channel, Mail, MailNumber, Register, RegisterCounter
from ged.reports.models import RequestedFile
from ged.unit import Services
from tests.factories import NOW, TODAY, actor
from tests.routing_kit import register
from tests.signbook_kit import make_house
from tests.site import make_site, post, sign_in
from tests.slip_kit import register_id

pytestmark = pytest.mark.in_turns(3)

SENDER, SUBJECT = "Société 漢字", "Vœux 🎉 de fin d'année"
PRINTED = ("Société\ufffd\ufffd", "Vœux\ufffddefin")
Site = tuple[Flask, Services]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def registered(site: Site) -> tuple[FlaskClient, int, int]:
    """The clerk, the letter and its number, as an archive or an e-mail imports them."""
    app, services = site
    client = sign_in(app, "agent")
    register(services, SUBJECT, sender=SENDER)
    with services.reading() as session:
        mail_id, number_id = session.execute(select(MailNumber.mail_id, MailNumber.id)).one()
        kept = session.get_one(Mail, mail_id)
        assert (kept.sender_name, kept.subject) == (SENDER, SUBJECT)
    return client, mail_id, number_id


def typed(services: Services, **changes: str) -> dict[str, object]:
    post_id = actor(services, "sg").posts[0].post_id
    usual = {"sender_name": "Mairie d’Aného – Cabinet", "subject": "Vœux « de fin d’année »…"}
    return {"register_id": register_id(services, "ARR"), "addressed_post_id": post_id, **usual, **changes}


@pytest.mark.parametrize(
    ("field", "text", "sign"), [("sender_name", SENDER, "漢"), ("subject", SUBJECT, "🎉"), ("addressee", "M. 王", "王")]
)
def test_what_a_person_types_is_refused_at_its_field(site: Site, field: str, text: str, sign: str) -> None:
    app, services = site
    client = sign_in(app, "agent")
    answer = post(client, "/enregistrer/", typed(services, **{field: text}), page="/enregistrer/")
    assert answer.status_code == 422
    assert f"Le caractère « {sign} » ne peut pas être imprimé." in answer.text
    assert f'href="#{field}"' in answer.text
    assert post(client, "/enregistrer/", typed(services)).status_code == 303, "usual marks pass"


def test_a_rectification_keeps_what_is_there_and_refuses_what_is_new(site: Site) -> None:
    client, mail_id, _ = registered(site)
    page = f"/courriers/{mail_id}/rectifier"
    kept = {"sender_name": SENDER, "subject": "Vœux de fin d'année", "reason": "Signe retiré", "version": "1"}
    refused = post(client, page, {**kept, "subject": "Vœux 😀"}, page=page)
    assert refused.status_code == 422
    assert "« 😀 »" in refused.text
    assert post(client, page, kept).status_code == 303


def words(pdf: bytes) -> str:
    """The text of the pages, without spaces and line ends."""
    with pypdfium2.PdfDocument(pdf) as document:
        return "".join("".join(page.get_textpage().get_text_range().split()) for page in document)


def test_register_day_receipt_and_fiche_print(site: Site) -> None:
    client, mail_id, number_id = registered(site)
    book = register_id(site[1], "ARR")
    with site[1].reading() as session:
        day = session.get_one(MailNumber, number_id).registered_on
    for address in (
        f"/registres/{book}/pages.pdf?annee={day.year}",
        f"/registres/{book}/pages.pdf?du={day:%d/%m/%Y}",
        f"/enregistrer/{number_id}/recepisse.pdf",
        f"/courriers/{mail_id}/fiche-de-transmission.pdf",
    ):
        answer = client.get(address)
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf"), address
        told = words(answer.data)
        assert all(one in told for one in PRINTED), (address, told)


def test_the_depositor_typed_for_a_receipt_stops_nothing_either(site: Site) -> None:
    client, _, number_id = registered(site)
    answer = client.get(f"/enregistrer/{number_id}/recepisse.pdf?deposant=王 Kossi")
    assert answer.status_code == 200
    assert "\ufffdKossi" in words(answer.data)


def test_a_long_register_becomes_its_file(site: Site) -> None:
    app, services = site
    registered(site)
    book, last = register_id(services, "ARR"), books.MAX_PRINTED + 1
    with services.unit_of_work(NOW) as uow:
        first = uow.session.scalars(select(MailNumber)).one()
        year, on = first.year, first.registered_on
        rows = [
            {"register_id": book, "year": year, "sequence": n, "text": f"{n:05d}/{year}", "registered_at": NOW, "registered_on": on}
            for n in range(2, last + 1)
        ]  # fmt: skip
        uow.session.execute(insert(MailNumber), rows)
        uow.session.execute(update(RegisterCounter).values(last_sequence=last))
    client = sign_in(app, "sg")
    post(client, f"/registres/{book}/fichier", {"annee": str(year)}, page=f"/registres/{book}")
    with services.reading() as session:
        job_id = jobs.due(session, now=datetime.now(UTC), kinds=[JobKind.EXPORT])[0]
    assert pipeline.run_job(services, job_id, worker="w")
    with services.reading() as session:
        assert session.get_one(Job, job_id).state is JobState.DONE
        file_id = session.scalars(select(RequestedFile.id)).one()
    answer = client.get(f"/mes-fichiers/{file_id}.zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        told = words(packed.read(packed.namelist()[0]))
    answer.close()
    assert all(one in told for one in PRINTED)


def test_a_closing_is_sealed_and_printed(site: Site) -> None:
    services = site[1]
    registered(site)
    book = register_id(services, "ARR")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Register).where(Register.id == book).values(name="Arrivées 漢"))
        on = uow.session.scalars(select(MailNumber.registered_on)).one()
    at = datetime(on.year, on.month, on.day, 12, tzinfo=UTC) + timedelta(days=1)
    row = closing.close_days(services, book, on, actor=actor(services, "agent"), now=at)
    with services.blobs.open(row.digest) as stored:  # type: ignore[arg-type]
        assert "Arrivées\ufffd" in words(stored.read())


@pytest.mark.locks_backwards  # a change of its own, then an operation
def test_the_departures_of_a_day_and_a_discharge_sheet_print(tmp_path: Path) -> None:
    house = make_house(tmp_path)
    mail_id = house.ready()
    assert house.sign(mail_id, key=house.key("sg"))[0].failure is None
    agent = house.who("agent")
    with house.services.unit_of_work(NOW) as uow:
        line_id = uow.session.scalars(select(DispatchLine.id).order_by(DispatchLine.position)).first()
        assert line_id is not None
        uow.session.execute(update(DispatchLine).where(DispatchLine.id == line_id).values(name="CEET 漢"))
        dispatch.leave(
            uow, line_id, dispatch.Departure(Channel.RECORDED_DELIVERY, "RR 12 🎉"), version=None, actor=agent
        )
    book = words(dispatch_print.departure_book(house.services, agent, TODAY, at=NOW))
    assert "RR12\ufffd" in book
    assert "CEET\ufffd" in book
    assert "CEET\ufffd" in words(dispatch_print.discharge_sheet(house.services, line_id, agent, at=NOW))
