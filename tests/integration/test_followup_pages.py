"""The page « Suivi »: counts, filters in the address, reminders, print and files."""

import csv
import re
import zipfile
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path

import pypdfium2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from ged.audit import AuditEntry
from ged.followup.models import Reminder
from ged.ports import Confidentiality, MailId
from ged.register.levels import change_level
from ged.routing.models import Assignment
from ged.unit import Services
from tests.factories import NOW, actor
from tests.routing_kit import impute, make_mentions, register
from tests.site import make_site, post, sign_in

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def site(tmp_path: Path) -> tuple[Flask, Services]:
    app, services = make_site(tmp_path)
    make_mentions(services)
    return app, services


def late(services: Services, subject: str = "Dossier ancien", **form: object) -> int:
    """A letter of DGE that has been late for long."""
    mail_id = register(services, subject, **form).mail_id  # type: ignore[arg-type]
    impute(services, mail_id, mentions=("opinion",))
    with services.reading() as session:
        row_id = session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).one()
    with services.engine.begin() as connection:
        connection.execute(update(Assignment).where(Assignment.id == row_id).values(due_on=date(2020, 1, 6)))
    return int(row_id)


def test_the_head_reads_figures_narrows_them_and_comes_to_the_letter(site: tuple[Flask, Services]) -> None:
    app, services = site
    late(services)
    impute(services, register(services, "Pas de date").mail_id, others=("DAF",))
    client = sign_in(app, "dge")
    page = client.get("/suivi/").text
    assert "2 suites attendues" in page
    assert "dont 1 en retard" in page
    assert re.search(r"en retard de \d[\d ]* jours ouvrés", page)
    assert page.index("Dossier ancien") < page.index("Pas de date")
    for grouping, name in (("personne", "Sans poste désigné"), ("mention", "Étude et avis"), ("echeance", "En retard")):
        assert name in client.get(f"/suivi/?par={grouping}").text
    given = sign_in(app, "sg").get("/suivi/").text
    assert "3 suites attendues" in given, "of two letters: one was given to two units"
    narrowed = client.get("/suivi/?mention=opinion").text
    assert "Pas de date" not in narrowed
    assert "1 suite attendue" in narrowed
    assert "Aucun résultat" in client.get("/suivi/?q=personne%20de%20ce%20nom").text
    for time, typed, told in (
        ("delai", "abc", "Un nombre entier est attendu."),
        ("delai", "900", "La valeur doit être comprise entre 0 et 366."),
        ("", "abc", "Un nombre entier est attendu."),
    ):
        answer = client.get(f"/suivi/?echeance={time}&jours={typed}&service=x&poste=y&par=z&voir=q")
        assert (answer.status_code, told in answer.text) == (200, True)
        assert re.search(r'value="delai"[^>]* selected', answer.text), "typed days choose the time by themselves"
        assert re.search(
            rf'id="jours"[^>]* value="{typed}"[^>]* aria-describedby=" jours-error" aria-invalid="true"', answer.text
        )
    letter = re.search(r'href="(/courriers/\d+)"', page)
    assert letter is not None
    assert client.get(letter.group(1)).status_code == 200


def test_an_authority_first_sees_what_it_gave_and_its_secretary_the_same(site: tuple[Flask, Services]) -> None:
    app, services = site
    impute(services, register(services, "Pour la DAF").mail_id, "DAF")
    for account in ("sg", "secretaire"):
        page = sign_in(app, account).get("/suivi/").text
        assert "Pour la DAF" in page
        assert "Ce que j'ai confié" in page
    assert sign_in(app, "etudes").get("/suivi/").status_code == 403
    assert "/suivi/" not in sign_in(app, "etudes").get("/").text


def test_one_act_reminds_and_the_service_sees_it(site: tuple[Flask, Services]) -> None:
    app, services = site
    row_id = late(services)
    client = sign_in(app, "sg")
    answer = post(client, f"/suivi/{row_id}/rappeler", {"next": "/suivi/?par=mention"}, page="/suivi/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/suivi/?par=mention")
    page = client.get("/suivi/").text
    assert "Rappel noté et montré (Direction générale de l&#39;énergie)" in page
    assert "rappelé aujourd'hui" in page
    post(client, f"/suivi/{row_id}/rappeler", {})
    assert "déjà été rappelé aujourd'hui" in client.get("/suivi/").text
    with services.reading() as session:
        assert len(session.scalars(select(Reminder)).all()) == 1
        assert (
            len(session.scalars(select(AuditEntry.sequence).where(AuditEntry.action == "assignment.reminded")).all())
            == 1
        )
        mail_id = session.get_one(Assignment, row_id).mail_id
    theirs = sign_in(app, "dge")
    assert "Rappel du" in theirs.get("/bannette/").text
    assert "Poste SG-T" in theirs.get(f"/bannette/{row_id}").text
    letter = theirs.get(f"/courriers/{mail_id}").text
    assert "Poste SG-T" in letter
    assert "a rappelé que le courrier attend une suite" in letter
    # A stranger finds no letter. The person who has the letter reminds nobody.
    assert post(sign_in(app, "daf"), f"/suivi/{row_id}/rappeler", {}).status_code == 404
    assert post(theirs, f"/suivi/{row_id}/rappeler", {}).status_code == 403


def test_the_list_goes_on_paper_and_into_a_spreadsheet(site: tuple[Flask, Services]) -> None:
    app, services = site
    late(services, "=formule", sender="Préfecture")
    impute(services, register(services, "Enquête", level=Confidentiality.RESTRICTED).mail_id, "DGE")
    client = sign_in(app, "dge")
    rows = list(csv.reader(StringIO(client.get("/suivi/liste?format=csv").data.decode("utf-8-sig")), delimiter=";"))
    assert rows[0][:4] == ["Numéro", "Arrivé le", "Expéditeur", "Objet"]
    assert [row[3] for row in rows[1:]] == ["'=formule", "Enquête"]
    assert "en retard de" in rows[1][12]
    assert (
        len(list(csv.reader(StringIO(client.get("/suivi/liste?q=prefecture&echeance=retard").text), delimiter=";")))
        == 2
    )
    with zipfile.ZipFile(BytesIO(client.get("/suivi/liste?format=ods").data)) as packed:
        assert "Enquête" in packed.read("content.xml").decode()
    printed = client.get("/suivi/suivi.pdf?par=mention")
    assert printed.mimetype == "application/pdf"
    pdf = pypdfium2.PdfDocument(printed.data)
    text = "".join(one.get_textpage().get_text_bounded() for one in pdf)
    pdf.close()
    assert "Étude et avis" in text
    assert "en retard de" in text
    with services.reading() as session:
        told = set(session.scalars(select(AuditEntry.action)))
    assert {"mail.exported", "mail.printed"} <= told


def printed_text(client: FlaskClient, path: str) -> str:
    pdf = pypdfium2.PdfDocument(client.get(path).data)
    text = "".join(one.get_textpage().get_text_bounded() for one in pdf)
    pdf.close()
    return text


def test_no_list_print_or_file_tells_subject_or_sender_of_a_secret_letter(site: tuple[Flask, Services]) -> None:
    app, services = site
    done = register(services, "Enquête sur un agent", sender="Parquet général")
    impute(services, done.mail_id)
    with services.unit_of_work(NOW) as uow:
        change_level(uow, MailId(done.mail_id), Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    client = sign_in(app, "sg")
    table = client.get("/suivi/liste?format=csv").data.decode("utf-8-sig")
    with zipfile.ZipFile(BytesIO(client.get("/suivi/liste?format=ods").data)) as packed:
        sheet = packed.read("content.xml").decode()
    for text in (client.get("/suivi/").text, table, sheet, printed_text(client, "/suivi/suivi.pdf")):
        assert done.number in text
        assert "Courrier confidentiel" in text
        assert "Enquête sur" not in text
        assert "Parquet" not in text


def test_pages_of_the_list_follow_each_other(site: tuple[Flask, Services]) -> None:
    app, services = site
    for n in range(52):
        impute(services, register(services, f"Courrier {n:02d}").mail_id)
    client = sign_in(app, "dge")
    first = client.get("/suivi/?par=mention").text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = client.get(following.group(1).replace("&amp;", "&")).text
    seen = [set(re.findall(r"Courrier \d\d", page)) for page in (first, second)]
    assert [len(one) for one in seen] == [50, 2]
    assert not seen[0] & seen[1]
