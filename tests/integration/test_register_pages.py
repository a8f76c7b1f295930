"""Registration, the letter's page and the registers, through the site as people use them."""

import re
from datetime import timedelta
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from ged.audit import AuditEntry
from ged.capture import files, intake
from ged.capture.models import Scan, ScanState
from ged.codes import CodeKind, read_code
from ged.org.models import Post, Unit
from ged.ports import Confidentiality, PageRef
from ged.register import operations
from ged.register.levels import change_level
from ged.register.models import Attachment, Mail, MailNumber, ReadMark, Register
from ged.register.operations import LONGEST_AGO
from ged.unit import Services
from tests.factories import NOW, actor
from tests.pages import png
from tests.site import Clock, make_site, post, sign_in

pytestmark = pytest.mark.in_turns(3)

Site = tuple[Flask, Services]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def ids(services: Services) -> dict[str, int]:
    """Code -> id, of registers, posts and units."""
    with services.reading() as session:
        found = [*session.execute(select(Register.code, Register.id)), *session.execute(select(Post.code, Post.id))]
        return dict(found)


def fill(services: Services, **values: object) -> dict[str, object]:
    """The fields that the clerk sends."""
    known = ids(services)
    return {
        "register_id": known["ARR"],
        "addressed_post_id": known["SG-T"],
        "sender_name": "Préfecture de Yoto",
        "subject": "Demande d'autorisation",
        **values,
    }


def register(site: Site, client: FlaskClient, **values: object) -> TestResponse:
    """Send the form."""
    return post(client, "/enregistrer/", fill(site[1], **values), page="/enregistrer/")


def count(services: Services, what: type) -> int:
    with services.reading() as session:
        return session.scalar(select(func.count()).select_from(what)) or 0


def number_of(answer: TestResponse) -> int:
    found = re.search(r"/enregistrer/(\d+)/enregistre", answer.location)
    assert found, answer.location
    return int(found.group(1))


def test_a_form_sent_twice_shows_the_first_number_again(site: Site) -> None:
    client = sign_in(site[0], "agent")
    found = re.search(r'name="request_token" value="([\w-]{43})"', client.get("/enregistrer/").text)
    assert found
    refused = register(site, client, subject="", request_token=found[1])
    assert f'value="{found[1]}"' in refused.text
    first = register(site, client, request_token=found[1])
    again = register(site, client, request_token=found[1])
    assert (first.status_code, again.location) == (303, first.location)
    assert count(site[1], Mail) == 1
    assert found[1] not in client.get("/enregistrer/").text


@pytest.mark.parametrize("written", ["20/11/2026", "20112026", "2026-11-20"])
def test_a_letter_is_registered_and_the_number_stands_big(site: Site, written: str) -> None:
    client = sign_in(site[0], "agent")
    answer = register(site, client, written_on=written, their_reference="N° 12", enclosure_count="3")
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert '<p class="confirmation__detail">00001/' in page
    assert f"/enregistrer/{number_of(answer)}/etiquette.pdf" in page
    with site[1].reading() as session:
        mail = session.scalars(select(Mail)).one()
    assert (str(mail.written_on), mail.enclosure_count, mail.sender_name) == ("2026-11-20", 3, "Préfecture de Yoto")


def test_a_very_old_date_is_registered_and_pointed_out_once(site: Site, site_clock: Clock) -> None:
    client = sign_in(site[0], "agent")
    limit = site_clock.at.date() - LONGEST_AGO
    day = limit - timedelta(days=2)
    said = f"La lettre est datée du {day:%d/%m/%Y}"
    old = number_of(register(site, client, written_on=day.isoformat()))
    usual = number_of(register(site, client, written_on=limit.isoformat(), subject="Un autre objet"))
    page = client.get(f"/enregistrer/{old}/enregistre").text
    assert said in page
    assert re.search(r'href="/courriers/\d+/rectifier"', page[page.index(said) :])
    assert said in client.get(f"/enregistrer/?apres={old}").text, "above the next form of a pile too"
    assert "La lettre est datée" not in client.get(f"/enregistrer/{usual}/enregistre").text


def test_an_error_keeps_everything_typed_and_takes_no_number(site: Site) -> None:
    client = sign_in(site[0], "agent")
    answer = register(
        site, client, subject="Objet tapé", written_on="31/02/2026", their_reference="N° 77", priority="urgent",
        related_number="99999/2026/MIN", enclosure_count="2",
    )  # fmt: skip
    assert answer.status_code == 422
    for typed in ("Objet tapé", 'value="31/02/2026"', 'value="N° 77"', 'value="99999/2026/MIN"', 'value="2"'):
        assert typed in answer.text
    assert '<option value="urgent" selected>' in answer.text
    assert "2 corrections" in answer.text
    assert count(site[1], MailNumber) == 0


@pytest.mark.parametrize("field", ["register_id", "addressed_post_id"])
def test_only_what_the_form_offers_is_taken(site: Site, field: str) -> None:
    client = sign_in(site[0], "agent")
    known = ids(site[1])
    forged = known["PLI"] if field == "register_id" else known["ETU-M"]
    assert register(site, client, **{field: forged}).status_code == 422
    assert count(site[1], MailNumber) == 0


def test_the_last_choice_is_remembered(site: Site) -> None:
    client = sign_in(site[0], "agent")
    register(site, client, channel="courier")
    assert '<option value="courier" selected>' in client.get("/enregistrer/").text


def addressed(page: str) -> str:
    """The authority that the form proposes; empty when the clerk has to choose."""
    choice = re.search(r'<select[^>]* name="addressed_post_id"[^>]* required.*?</select>', page, re.DOTALL)
    assert choice
    found = re.search(r'<option value="(\d+)" selected', choice[0])
    return found[1] if found else ""


def test_no_authority_is_proposed_before_the_unit_used_one(site: Site) -> None:
    first, other = sign_in(site[0], "agent"), sign_in(site[0], "agent")
    page = first.get("/enregistrer/").text
    assert addressed(page) == ""
    assert '<option value="">Choisir</option>' in page
    assert register(site, first, addressed_post_id="").status_code == 422
    assert count(site[1], MailNumber) == 0
    register(site, first)
    assert addressed(other.get("/enregistrer/").text) == str(ids(site[1])["SG-T"]), "another session of the same unit"


def test_a_delay_counts_working_days(site: Site) -> None:
    client = sign_in(site[0], "agent")
    register(site, client, received_on="20/11/2026", delay_days="3")
    with site[1].reading() as session:
        assert str(session.scalars(select(Mail.due_on)).one()) == "2026-11-25", "Friday and three days that are worked"


def test_suggestions_and_the_hint_of_a_double(site: Site) -> None:
    client = sign_in(site[0], "agent")
    register(site, client, their_reference="N° 12")
    assert 'data-value="Préfecture de Yoto"' in client.get("/enregistrer/expediteurs?sender_name=prefec").text
    told = client.get("/enregistrer/doublons?sender_name=PREFECTURE DE YOTO&their_reference=n°12").text
    assert "00001/" in told
    hidden = (
        sign_in(site[0], "daf").get("/enregistrer/doublons?sender_name=Préfecture de Yoto&their_reference=N°12").text
    )
    assert "00001/" not in hidden
    assert "Demande" not in hidden
    assert "Un courrier auquel vous n'avez pas accès" in hidden


def waiting_scan(services: Services) -> int:
    with services.reading() as session:
        office = session.scalars(select(Unit.id).where(Unit.code == "BO")).one()
    upload = files.examine(services, "lettre.png", BytesIO(png("Demande")))
    with services.unit_of_work(NOW) as uow:
        return int(intake.accept_upload(uow, upload, unit_id=office, actor=actor(services, "agent"), now=NOW)[0])


def test_a_new_sender_is_told_under_the_sender(site: Site) -> None:
    client = sign_in(site[0], "agent")
    told = client.get("/enregistrer/doublons?sender_name=Mairie de Vogan").text
    note = told.partition('<div id="new-sender" aria-live="polite" hx-swap-oob="true">')[2].partition("</div>")[0]
    assert "Nouveau correspondant : « Mairie de Vogan »" in note
    known = client.get("/enregistrer/doublons?sender_name=").text
    assert "Nouveau correspondant" not in known
    page = client.get("/enregistrer/").text
    assert page.index('id="sender_name"') < page.index('id="new-sender"') < page.index('id="their_reference"')


def test_scan_first_number_after(site: Site) -> None:
    client, scan_id = sign_in(site[0], "agent"), waiting_scan(site[1])
    page = client.get(f"/enregistrer/?scan={scan_id}").text
    assert f"/numerisations/{scan_id}/pages/" in page
    assert client.get(f"/enregistrer/numerisation/{scan_id}").text.count("scan_version") == 1
    sent = {"scan_id": scan_id, "scan_version": re.search(r'name="scan_version" value="(\d+)"', page).group(1)}  # type: ignore[union-attr]
    bad = register(site, client, subject="", **sent)
    assert bad.status_code == 422
    assert f"/numerisations/{scan_id}/pages/" in bad.text, "the page stays beside the form"
    assert register(site, client, **sent).status_code == 303
    with site[1].reading() as session:
        assert session.get_one(Scan, scan_id).state is ScanState.JOINED
        assert session.scalars(select(Attachment.mail_id)).one() == session.scalars(select(Mail.id)).one()
    again = register(site, client, subject="Une tout autre demande", **sent)
    assert again.status_code == 409
    assert count(site[1], MailNumber) == 1, "nothing is registered when the scan cannot be joined"


def test_label_and_receipt(site: Site, tmp_path: Path) -> None:
    app, services = site
    client = sign_in(app, "agent")
    number_id = number_of(register(site, client))
    label = client.get(f"/enregistrer/{number_id}/etiquette.pdf")
    assert label.mimetype == "application/pdf"
    (tmp_path / "label.pdf").write_bytes(label.data)
    drawn = tmp_path / "label.jpg"
    services.ocr.thumbnail(PageRef(tmp_path / "label.pdf", "application/pdf", 0), width_px=900, out=drawn, timeout_s=30)
    (code,) = zxingcpp.read_barcodes(Image.open(drawn))
    found = read_code(code.text, key=services.code_key)
    assert found is not None
    assert (found.kind, found.subject_id) == (CodeKind.LABEL, number_id)
    receipt = client.get(f"/enregistrer/{number_id}/recepisse.pdf?deposant=M. Kossi")
    assert receipt.data.startswith(b"%PDF")
    assert sign_in(app, "daf").get(f"/enregistrer/{number_id}/etiquette.pdf").status_code == 404


def registered(services: Services, subject: str = "Objet", level: Confidentiality = Confidentiality.ORDINARY) -> Mail:
    form = operations.IncomingForm(
        subject=subject, sender_name="Préfecture", addressed_post_id=ids(services)["SG-T"], level=level,  # type: ignore[arg-type]
    )  # fmt: skip
    with services.unit_of_work(NOW) as uow:
        done = operations.register_incoming(
            uow,
            ids(services)["ARR"],
            form,
            actor=actor(services, "agent"),
            now=NOW,  # type: ignore[arg-type]
        )
    with services.reading() as session:
        return session.get_one(Mail, done.mail_id)


def actions(services: Services) -> list[str]:
    with services.reading() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence)))


def test_opening_sets_the_seen_mark_and_only_restricted_letters_are_recorded(site: Site) -> None:
    app, services = site
    plain, hidden = registered(services), registered(services, level=Confidentiality.RESTRICTED)
    client = sign_in(app, "sg")
    for mail in (plain, plain, hidden, hidden):
        assert client.get(f"/courriers/{mail.id}").status_code == 200
    assert count(services, ReadMark) == 2
    assert actions(services).count("mail.opened") == 2


def test_who_may_not_see_the_letter_gets_404_and_the_refusal_is_recorded(site: Site) -> None:
    app, services = site
    mail = registered(services, subject="Affaire réservée")
    client = sign_in(app, "daf")
    for path in ("", "/rectifier", "/niveau", "/cloture", "/lier"):
        answer = client.get(f"/courriers/{mail.id}{path}")
        assert answer.status_code == 404
        assert "Affaire" not in answer.text
    assert actions(services).count("access.refused") == 5
    assert count(services, ReadMark) == 0


def test_a_stale_rectification_shows_the_other_persons_change_beside_what_was_typed(site: Site) -> None:
    app, services = site
    mail = registered(services, subject="Premier objet")
    first, second = sign_in(app, "agent"), sign_in(app, "sg")
    path = f"/courriers/{mail.id}/rectifier"
    page = first.get(path).text
    opened = re.search(r'name="opened" value="([\d.]+)"', page)
    assert opened is not None
    typed = {"version": mail.version, "opened": opened.group(1), "their_reference": "", "reason": "faute"}
    done = post(second, path, {**typed, "subject": "Objet du secrétaire général"}, page=path)
    assert done.status_code == 303
    answer = post(first, path, {**typed, "subject": "Objet de l'agent"})
    assert answer.status_code == 409
    assert "Objet du secrétaire général" in answer.text
    assert "Objet de l&#39;agent" in answer.text
    assert "Sg" in answer.text
    assert f'name="version" value="{mail.version + 1}"' in answer.text
    again = post(first, path, {**typed, "version": mail.version + 1, "subject": "Objet de l'agent"})
    assert again.status_code == 303
    page = first.get(f"/courriers/{mail.id}").text
    assert page.index("Objet de l&#39;agent") >= 0
    assert "Premier objet" in page, "the old value stays readable"


def test_level_close_reopen_void_and_link_through_their_pages(site: Site) -> None:
    app, services = site
    mail, _other = registered(services), registered(services, subject="Autre courrier")
    client = sign_in(app, "agent")
    base = f"/courriers/{mail.id}"

    def send(path: str, data: dict[str, object]) -> int:
        return post(client, f"{base}{path}", data, page=f"{base}{path}").status_code

    assert send("/lier", {"number": "00002/2026/min", "kind": "related"}) == 303
    assert send("/lier", {"number": "77777/2026/MIN", "kind": "related"}) == 422
    assert "Autre courrier" in client.get(base).text
    assert send("/cloture", {"outcome": "", "filing_class_id": 1, "version": 1}) == 422
    assert send("/cloture", {"outcome": "Classé", "filing_class_id": 1, "version": 1}) == 303
    assert send("/cloture", {"outcome": "Encore", "filing_class_id": 1, "version": 1}) == 409
    assert send("/rouvrir", {"reason": "Nouvelle pièce"}) == 303
    with services.reading() as session:
        number = session.scalars(select(MailNumber.id).where(MailNumber.mail_id == mail.id)).one()
    assert send(f"/numeros/{number}/annuler", {"reason": ""}) == 422
    assert send(f"/numeros/{number}/annuler", {"reason": "Doublon"}) == 303
    page = client.get(base).text
    assert "Doublon" in page
    assert "a annulé un numéro" in page
    same = post(client, f"{base}/niveau", {"level": "0", "reason": "Sensible"}, page=f"{base}/niveau")
    assert same.status_code == 422
    assert "Ce courrier a déjà ce niveau, rien n'est changé." in same.text
    assert 'value="Sensible"' in same.text
    assert "a changé le niveau" not in client.get(base).text
    assert send("/niveau", {"level": "2", "reason": "Sensible"}) == 303
    assert client.get(base).status_code == 404, "raised above the clerk's clearance"


def test_registers_show_prove_and_print(site: Site) -> None:
    app, services = site
    registered(services, subject="Visible")
    hidden = registered(services, subject="Caché", level=Confidentiality.RESTRICTED)
    with services.unit_of_work(NOW) as uow:
        change_level(uow, hidden.id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))  # type: ignore[arg-type]
    register_id = ids(services)["ARR"]
    client = sign_in(app, "agent")
    assert "sans lacune ni doublon : n° 1 à 2" in client.get("/registres/").text
    page = client.get(f"/registres/{register_id}").text
    assert "Visible" in page
    assert "Courrier confidentiel" in page
    assert "Caché" not in page
    assert client.get(f"/registres/{register_id}?numero=1").text.count("entry") < page.count("entry")
    printed = client.get(f"/registres/{register_id}/pages.pdf?du=24/11/2026&au=24/11/2026")
    assert printed.data.startswith(b"%PDF")
    assert "mail.printed" not in actions(services), "the printer saw no content of the secret letter"
    assert client.get(f"/registres/{register_id}/pages.pdf?du=demain").status_code == 422
    sign_in(app, "sg").get(f"/registres/{register_id}/pages.pdf?annee=2026")
    assert actions(services).count("mail.printed") == 1
    assert sign_in(app, "daf").get(f"/registres/{register_id}").status_code == 404
    assert "access.refused" in actions(services)


@pytest.mark.parametrize("typed", ["2", "n° 2", "N°2", "№ 2", "00002/2026/MIN", "2-2026 min", "2/2026", "  00002 "])
def test_a_number_is_found_in_its_register_however_it_is_typed(site: Site, typed: str) -> None:
    app, services = site
    for subject in ("Premier", "Deuxième", "Troisième"):
        registered(services, subject=subject)
    with services.reading() as session:
        assert session.scalar(select(MailNumber.text).where(MailNumber.sequence == 2)) == "00002/2026/MIN"
    client, place = sign_in(app, "agent"), f"/registres/{ids(services)['ARR']}"
    page = client.get(place, query_string={"numero": typed, "annee": "2026"})
    assert page.status_code == 200
    assert ("Premier" in page.text, "Deuxième" in page.text, "Troisième" in page.text) == (False, True, False)
    of_no_year = client.get(place, query_string={"numero": typed, "annee": "2019"}).text
    assert "Deuxième" in of_no_year
    assert "Ce filtre n'est pas parmi vos choix" in of_no_year, "a year that the register does not have is told"


@pytest.mark.parametrize("typed", ["abc", "--5", "-2", "+2", "2/2026/AUTRE", "2.5.1", "9" * 40, "°"])
def test_what_is_no_number_shows_no_line_and_stays_typed(site: Site, typed: str) -> None:
    app, services = site
    for subject in ("Premier", "Deuxième"):
        registered(services, subject=subject)
    page = sign_in(app, "agent").get(f"/registres/{ids(services)['ARR']}", query_string={"numero": typed}).text
    assert "Deuxième" not in page
    said = " ".join(unescape(page).replace("’", "'").split())
    assert f"« {typed} » n'est pas un numéro de ce registre." in said
    assert f'value="{typed}"' in page
    assert "Tout le registre" in page


@pytest.mark.parametrize(
    ("span", "field"),
    [("du=01/12/2026&au=01/11/2026", "au"), ("premier=9&dernier=2&annee=2026", "dernier")],
)
def test_a_span_that_ends_before_it_begins_is_not_printed(site: Site, span: str, field: str) -> None:
    app, services = site
    registered(services)
    place = f"/registres/{ids(services)['ARR']}"
    client = sign_in(app, "agent")
    page = client.get(f"{place}/pages.pdf?{span}")
    assert (page.status_code, page.mimetype) == (422, "text/html")
    assert "est avant le premier." in page.text
    assert f'href="#{field}"' in page.text
    if field == "au":
        assert 'value="01/12/2026"' in page.text
        assert 'value="01/11/2026"' in page.text
        asked = post(client, f"{place}/fichier", {"du": "01/12/2026", "au": "01/11/2026"}, page=place)
        assert asked.status_code == 422
        assert 'value="01/11/2026"' in asked.text
    assert client.get(f"{place}/pages.pdf?du=24/11/2026&au=24/11/2026").mimetype == "application/pdf"


def test_a_paper_book_is_continued_through_the_page(site: Site) -> None:
    app, services = site
    path = f"/registres/{ids(services)['ARR']}/ouverture"
    client = sign_in(app, "agent")
    assert post(client, path, {"last_number": "812", "reason": ""}, page=path).status_code == 422
    assert post(client, path, {"last_number": "812", "reason": "Tome 3"}).status_code == 303
    assert register(site, client).status_code == 303
    with services.reading() as session:
        assert session.scalars(select(MailNumber.sequence)).one() == 813
    assert post(client, path, {"last_number": "900", "reason": "Tome 4"}).status_code == 409


def test_a_correspondent_is_corrected_and_a_stale_form_refused(site: Site) -> None:
    app, services = site
    registered(services)
    client = sign_in(app, "agent")
    assert "Préfecture" in client.get("/correspondants/?q=prefecture").text
    path = "/correspondants/1"
    data = {"name": "Préfecture de Yoto", "address": "BP 12, Tabligbo", "version": 1, "is_active": "1"}
    assert post(client, path, data, page=path).status_code == 303
    stale = post(client, path, {**data, "address": "Ailleurs"})
    assert stale.status_code == 409
    assert "BP 12, Tabligbo" in stale.text
    assert "Ailleurs" in stale.text
    assert sign_in(app, "etudes").get(path).status_code == 403
