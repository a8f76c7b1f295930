"""Letters written and signed outside of the program: the mail office numbers, files and dispatches them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from ged import access, jobs, pipeline
from ged.audit import AuditEntry
from ged.dispatch import operations as dispatch
from ged.dispatch import queries as dispatch_queries
from ged.dispatch.models import DispatchLine
from ged.dispatch.operations import Departure
from ged.errors import Forbidden, GedError, Invalid, InvalidTransition
from ged.jobs import JobKind
from ged.org.models import Post, PostRole, Unit
from ged.ports import Confidentiality, MailId, PostId, UnitId
from ged.register import operations
from ged.register.models import (
    Attachment,
    AttachmentKind,
    Channel,
    Correspondent,
    Direction,
    Mail,
    MailLink,
    MailNumber,
)
from ged.register.states import MailState
from ged.routing import queries as routing_queries
from ged.slips import numbering
from ged.slips.drafting import LineForm
from ged.slips.states import LineState
from ged.unit import Role, Services
from tests import pages, slip_kit
from tests.factories import NOW, actor
from tests.intake_kit import upload
from tests.office_kit import TEXT, docx
from tests.routing_kit import impute, make_mentions, post_id, unit_id
from tests.routing_kit import register as register_arrival
from tests.signed_outside_kit import enter, make_books
from tests.site import make_site, post, sign_in, token

pytestmark = [pytest.mark.in_turns(3), pytest.mark.usefixtures("site_clock")]

Site = tuple[Flask, Services]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app, services = make_site(tmp_path)
    make_books(services)
    yield app, services
    services.engine.dispose()


def mail(services: Services, mail_id: int) -> Mail:
    with services.reading() as session:
        return session.scalars(select(Mail).where(Mail.id == mail_id)).one()


def lines(services: Services, mail_id: int) -> list[DispatchLine]:
    with services.reading() as session:
        return list(
            session.scalars(select(DispatchLine).where(DispatchLine.mail_id == mail_id).order_by(DispatchLine.position))
        )


def may_see(services: Services, mail_id: int, account: str) -> bool:
    with services.reading() as session:
        return access.may_see(session, mail_id, Confidentiality.ORDINARY, actor(services, account))


def leave(services: Services, line_id: int) -> None:
    with services.unit_of_work(NOW) as uow:
        departure = Departure(Channel.HAND, carrier="Koffi")
        dispatch.leave(uow, line_id, departure, version=None, actor=actor(services, "agent"))


# --- operations ---------------------------------------------------------------------------------------------------


def test_a_departure_gets_its_number_its_lines_and_its_readers(site: Site) -> None:
    services = site[1]
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Correspondent(
                name="Préfecture du Zio", folded_name="prefecture du zio", address="Tsévié", email="zio@example.tg"
            )
        )
    done = enter(services, addressees=("Compagnie d'électricité", "préfecture du ZIO"))
    assert done.number == "00001/2026/MIN/SG"
    row = mail(services, done.mail_id)
    assert (row.direction, row.state, row.sender_name) == (
        Direction.OUTGOING, MailState.SIGNED, "Direction générale de l'énergie",
    )  # fmt: skip
    assert row.addressee == "Compagnie d'électricité; Préfecture du Zio"
    assert [(line.name, line.address, line.is_copy) for line in lines(services, row.id)] == [
        ("Compagnie d'électricité", "", False),
        ("Préfecture du Zio", "Tsévié", False),
        ("Direction des affaires financières", "", True),
    ]
    assert [may_see(services, row.id, who) for who in ("agent", "sg", "dge", "daf", "admin")] == [
        True, True, True, True, False,
    ]  # fmt: skip
    with services.reading() as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "mail.registered")).one()
        waiting = dispatch_queries.to_dispatch(session, actor(services, "agent"))
    assert told.subject_id == row.id
    assert [(one.mail_id, one.waiting) for one in waiting] == [(row.id, 3)]


def test_a_departure_leaves_as_others_do_and_answers_the_letter_it_names(site: Site) -> None:
    services = site[1]
    make_mentions(services)
    asked = register_arrival(services, "Demande de tarifs")
    impute(services, asked.mail_id)
    done = enter(services, copies=(), answers=MailId(asked.mail_id))
    first, second = lines(services, done.mail_id)
    leave(services, first.id)
    assert mail(services, done.mail_id).state is MailState.SIGNED
    assert mail(services, asked.mail_id).state is MailState.ASSIGNED, (
        "until all has left its sender has received nothing"
    )
    leave(services, second.id)
    assert mail(services, done.mail_id).state is MailState.DISPATCHED
    assert mail(services, asked.mail_id).state is MailState.ANSWERED


def test_a_departure_that_answers_is_named_on_the_letter_that_it_answers_to_who_may_see_it(site: Site) -> None:
    app, services = site
    make_mentions(services)
    asked = register_arrival(services, "Demande de tarifs")
    impute(services, asked.mail_id, others=("DAF",))
    address = f"/courriers/{asked.mail_id}"
    done = enter(services, copies=(), answers=MailId(asked.mail_id))
    page = sign_in(app, "dge").get(address).text
    answers = page[page.index('id="reponses"') :]
    assert f'<a href="/courriers/{done.mail_id}">{done.number}</a>' in answers[: answers.index("</ul>")]
    assert "Aucune réponse n'est en préparation." not in page
    assert not may_see(services, done.mail_id, "daf")
    assert done.number not in sign_in(app, "daf").get(address).text


@pytest.mark.parametrize(("book", "number"), [("INT", "INT-001/2026"), ("NS", "NS-001/2026"), ("DEC", "DEC-001/2026")])
def test_internal_letters_notes_and_decisions_have_registers_of_their_own(site: Site, book: str, number: str) -> None:
    services = site[1]
    done = enter(services, book, addressees=("ETU", "Tous les services"), copies=())
    assert done.number == number
    row = mail(services, done.mail_id)
    assert (row.direction, row.state) == (Direction.INTERNAL, MailState.SIGNED)
    assert may_see(services, row.id, "etudes"), "the service is named by its code"
    assert not may_see(services, row.id, "daf")
    for line in lines(services, row.id):
        leave(services, line.id)
    assert mail(services, row.id).state is MailState.DISPATCHED
    with services.reading() as session:
        shown = dispatch_queries.panel(session, MailId(row.id), actor(services, "agent"))
    assert shown is not None
    assert len(shown) == 2


def test_an_internal_letter_can_wait_for_an_authority_as_an_arrival_does(site: Site) -> None:
    services = site[1]
    authority = PostId(post_id(services, "SG-T"))
    done = enter(services, "INT", addressees=(), copies=(), addressed_post_id=authority)
    assert mail(services, done.mail_id).state is MailState.TO_IMPUTE
    assert lines(services, done.mail_id) == []
    with services.reading() as session:
        assert session.scalar(routing_queries.count_to_impute(actor(services, "sg"))) == 1
    make_mentions(services)
    impute(services, done.mail_id)
    assert mail(services, done.mail_id).state is MailState.ASSIGNED


def test_an_internal_letter_goes_to_no_authority_of_another_entity(site: Site) -> None:
    """The form offers authorities of this entity. An id that was changed by hand is refused."""
    services = site[1]
    with services.unit_of_work(NOW) as uow:
        top = uow.session.scalars(select(Unit).where(Unit.code == "MIN")).one()
        unit = Unit(code="SOCIETE", name="Société", is_entity=True, parent_id=top.id)
        uow.session.add(unit)
        uow.session.flush()
        head = Post(code="SOCIETE-DG", title="Directeur général", unit_id=unit.id)
        head.roles = [PostRole(role=Role.AUTHORITY)]
        uow.session.add(head)
        uow.session.flush()
        head_id = PostId(head.id)
    with pytest.raises(Invalid, match=r"mail\.addressed_unknown"):
        enter(services, "INT", addressees=(), copies=(), addressed_post_id=head_id)


def test_a_closed_note_that_had_left_stays_sent_when_it_is_reopened(site: Site) -> None:
    services = site[1]
    done = enter(services, "NS", addressees=("ETU",), copies=())
    leave(services, lines(services, done.mail_id)[0].id)
    chief = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        operations.close(uow, done.mail_id, outcome="Diffusée", filing_class_id=1, version=None, actor=chief, now=NOW)
    with services.unit_of_work(NOW) as uow:
        operations.reopen(uow, done.mail_id, reason="Erreur", actor=chief)
    assert mail(services, done.mail_id).state is MailState.DISPATCHED


@pytest.mark.parametrize(
    ("book", "account", "changes", "code"),
    [
        ("DEP", "dge", {}, "register.not_clerk"),
        ("ARR", "agent", {}, "register.nature"),
        ("DEP", "agent", {"subject": " "}, "mail.subject_missing"),
        ("DEP", "agent", {"addressees": ()}, "mail.addressee_missing"),
        ("DEP", "agent", {"addressees": ("a" * 301,)}, "form.too_long"),
        ("DEP", "agent", {"copies": tuple(f"N {n}" for n in range(61))}, "mail.parties"),
        ("DEP", "agent", {"signatory_post_id": 999}, "mail.signatory_unknown"),
        ("DEP", "agent", {"sender_unit_id": 999}, "unit.unknown"),
        ("DEP", "agent", {"written_on": NOW.date().replace(year=2027)}, "mail.written_in_future"),
        ("DEP", "agent", {"written_on": NOW.date().replace(year=2006)}, "mail.written_long_ago"),
        ("DEP", "agent", {"level": Confidentiality.SECRET}, "mail.level_above_clearance"),
        ("DEP", "agent", {"addressed_post_id": PostId(1)}, "mail.addressed_unknown"),
        ("INT", "agent", {"addressed_post_id": PostId(999)}, "mail.addressed_unknown"),
    ],
)
def test_what_is_wrong_is_refused_and_takes_no_number(
    site: Site, book: str, account: str, changes: dict[str, object], code: str
) -> None:
    services = site[1]
    with pytest.raises(GedError) as refused:
        enter(services, book, account, **changes)
    assert refused.value.code == code
    assert isinstance(refused.value, Invalid | Forbidden)
    with services.reading() as session:
        assert session.scalars(select(MailNumber)).all() == []


def test_a_post_without_power_to_sign_is_no_signatory(site: Site) -> None:
    with pytest.raises(Invalid) as refused:
        enter(site[1], signatory_post_id=PostId(post_id(site[1], "ETU-M")))
    assert refused.value.code == "mail.signatory_unknown"


def test_a_form_sent_twice_is_one_departure(site: Site) -> None:
    services = site[1]
    first = enter(services, request_token="token")
    again = enter(services, request_token="token")
    assert (again.number, again.is_repeated) == (first.number, True)
    assert len(lines(services, first.mail_id)) == 3


# --- numbers of the direction's own register ----------------------------------------------------------------------


def received_slip(services: Services, *mail_ids: int) -> int:
    sent = slip_kit.send(services, *(LineForm(mail_id=MailId(one)) for one in mail_ids), LineForm("Plan"))
    assert sent.slip_id is not None
    return int(sent.slip_id)


def test_the_direction_numbers_all_letters_of_a_received_slip_in_one_act(site: Site) -> None:
    services = site[1]
    one, two = slip_kit.letter(services, "Un"), slip_kit.letter(services, "Deux")
    slip_id = received_slip(services, one, two)
    book = slip_kit.register_id(services, "ARR-DGE")
    head = actor(services, "dge")
    with pytest.raises(InvalidTransition) as early, services.unit_of_work(NOW) as uow:
        numbering.number_received(uow, slip_id, book, actor=head)
    assert early.value.code == "slip.not_received"
    slip_kit.take(services, slip_id, LineState.RECEIVED, LineState.MISSING, LineState.RECEIVED)
    with services.reading() as session:
        assert [(o.register_name, o.waiting) for o in numbering.offered(session, slip_id, head)] == [("ARR-DGE", 1)]
        assert numbering.offered(session, slip_id, actor(services, "agent")) == [], "the sender numbers nothing"
    with services.unit_of_work(NOW) as uow:
        assert [n.text for n in numbering.number_received(uow, slip_id, book, actor=head)] == ["0001/2026/DGE"]
    with services.unit_of_work(NOW) as uow:
        assert numbering.number_received(uow, slip_id, book, actor=head) == [], "a second click changes nothing"
    with services.reading() as session:
        assert numbering.offered(session, slip_id, head) == []
        texts = session.scalars(select(MailNumber.text).where(MailNumber.mail_id == one).order_by(MailNumber.id)).all()
    assert texts == ["00001/2026/MIN", "0001/2026/DGE"]
    with pytest.raises(Forbidden), services.unit_of_work(NOW) as uow:
        numbering.number_received(uow, slip_id, slip_kit.register_id(services, "ARR"), actor=head)


def test_the_slips_page_offers_the_act_and_does_it(site: Site) -> None:
    app, services = site
    slip_id = received_slip(services, slip_kit.letter(services, "Un"))
    slip_kit.take(services, slip_id, LineState.RECEIVED, LineState.RECEIVED)
    client = sign_in(app, "dge")
    page = client.get(f"/bordereaux/{slip_id}").text
    assert "Numéroter le courrier reçu dans « ARR-DGE »" in page
    book = slip_kit.register_id(services, "ARR-DGE")
    answer = post(client, f"/bordereaux/{slip_id}/numeroter", {"register_id": book}, follow_redirects=True)
    assert "Numéros donnés : 0001/2026/DGE." in answer.text
    assert "Numéroter le courrier" not in answer.text
    assert "Numéroter le courrier" not in sign_in(app, "agent").get(f"/bordereaux/{slip_id}").text


def test_the_letters_page_gives_the_number_of_ones_own_register_in_one_click(site: Site) -> None:
    app, services = site
    make_mentions(services)
    letter = register_arrival(services, "Demande")
    impute(services, letter.mail_id)
    client = sign_in(app, "dge")
    assert "Numéroter dans « ARR-DGE »" in client.get(f"/courriers/{letter.mail_id}").text
    book = slip_kit.register_id(services, "ARR-DGE")
    answer = post(client, f"/courriers/{letter.mail_id}/numero", {"register_id": book}, follow_redirects=True)
    assert "0001/2026/DGE" in answer.text


def test_what_a_unit_wrote_itself_gets_no_number_of_arrivals_there(site: Site) -> None:
    app, services = site
    done = enter(services, "NS", addressees=("DGE", "Tous les services"), copies=())
    shown = sign_in(app, "agent").get(f"/courriers/{done.mail_id}").text
    assert "Note de service n° NS-001/2026" in shown
    assert "Numéroter dans" not in shown
    assert "Numéroter dans « ARR-DGE »" in sign_in(app, "dge").get(f"/courriers/{done.mail_id}").text, "received there"
    decision, internal = enter(services, "DEC", copies=()), enter(services, "INT", copies=())
    client = sign_in(app, "agent")
    assert "Décision n° DEC-001/2026" in client.get(f"/courriers/{decision.mail_id}").text
    assert "Courrier interne n° INT-001/2026" in client.get(f"/courriers/{internal.mail_id}").text


# --- the site -----------------------------------------------------------------------------------------------------


def typed(services: Services, **changes: object) -> dict[str, object]:
    values = {
        "register_id": slip_kit.register_id(services, "DEP"), "sender_unit_id": unit_id(services, "DGE"),
        "signatory_post_id": post_id(services, "SG-T"), "written_on": "20/11/2026", "subject": "Tarifs de l'année",
        "addressees": "Compagnie d'électricité\r\n\r\n Préfecture  du Zio ", "copies": "daf", "enclosure_count": "2",
    }  # fmt: skip
    return {**values, **changes}


def test_each_kind_has_its_form_for_who_keeps_its_register(site: Site) -> None:
    app = site[0]
    clerk = sign_in(app, "agent")
    for kind, title in (
        ("depart", "Enregistrer un départ"), ("interne", "Enregistrer un courrier interne"),
        ("note-de-service", "Enregistrer une note de service"), ("decision", "Enregistrer une décision"),
    ):  # fmt: skip
        page = clerk.get(f"/enregistrer/{kind}")
        assert (page.status_code, title in page.text) == (200, True), kind
    assert 'href="/enregistrer/decision"' in clerk.get("/enregistrer/").text
    assert clerk.get("/enregistrer/autre").status_code == 404
    other = sign_in(app, "daf").get("/enregistrer/depart")
    assert "Aucun registre de cette sorte" in other.text
    assert sign_in(app, "etudes").get("/enregistrer/depart").status_code == 403


def test_a_refused_form_says_that_its_file_is_to_be_chosen_again(site: Site) -> None:
    app, services = site
    client = sign_in(app, "agent")
    form = {**typed(services), "subject": "", "file": (io.BytesIO(pages.png("Lettre")), "tarifs.png")}
    again = client.post(
        "/enregistrer/depart", data={"csrf_token": token(client.get("/enregistrer/depart").text), **form},
        content_type="multipart/form-data",
    )  # fmt: skip
    assert again.status_code == 422
    assert "Choisissez de nouveau" in again.text
    assert "tarifs.png" in again.text
    assert "Choisissez de nouveau" not in client.get("/enregistrer/depart").text


def test_a_departure_is_registered_with_its_file_on_one_page(site: Site) -> None:
    app, services = site
    client = sign_in(app, "agent")
    form = {**typed(services), "file": (io.BytesIO(pages.png("Lettre")), "tarifs.png")}
    done = post(client, "/enregistrer/depart", form, follow_redirects=True, content_type="multipart/form-data")
    assert "00001/2026/MIN/SG" in done.text
    assert "Service émetteur" in done.text
    assert "Récépissé de dépôt" not in done.text
    assert "ne montre aucune signature" not in done.text
    assert "/enregistrer/depart" in done.text, "the next one is a departure too"
    with services.reading() as session:
        row = session.scalars(select(Mail)).one()
        paper = session.scalars(select(Attachment)).one()
    assert (row.enclosure_count, row.addressee) == (2, "Compagnie d'électricité; Préfecture du Zio")
    assert (paper.kind, paper.filename, paper.page_count) == (AttachmentKind.DOCUMENT, "tarifs.png", 1)
    page = client.get(f"/courriers/{row.id}").text
    assert "Signataire" in page
    assert "Poste SG-T" in page
    shown = client.get(f"/departs/{row.id}").text
    assert f'href="/courriers/{row.id}"' in shown
    for kind in (JobKind.RECOGNISE, JobKind.INDEX):
        with services.reading() as session:
            waiting = jobs.due(session, now=datetime.now(UTC), kinds=(kind,), limit=50)
        for job_id in waiting:
            pipeline.run_job(services, job_id, worker="test")
    assert row.numbers[0].text in client.get("/recherche/?q=tarifs").text
    with services.reading() as session:
        digest, _name = dispatch.signed_pdf(session, row.id)
    assert digest, "it can leave by e-mail: its scan is the signed letter"


def test_the_result_page_says_who_gets_a_copy_and_how_many_pieces_there_are(site: Site) -> None:
    app, services = site
    client = sign_in(app, "agent")
    answer = post(client, "/enregistrer/depart", typed(services, enclosure_note="Barème"), follow_redirects=True)
    written = answer.text.partition("Ce qui est inscrit au registre")[2].partition("</section>")[0]
    assert "Ampliations" in written
    assert "Direction des affaires financières" in written
    assert "2 - Barème" in written
    none = post(client, "/enregistrer/depart", typed(services, copies="", enclosure_count="0"), follow_redirects=True)
    assert "Ampliations" not in none.text


def test_a_short_number_names_the_letter_that_is_answered_linked_or_related(site: Site) -> None:
    app, services = site
    asked = register_arrival(services, "Demande de tarifs")
    other = register_arrival(services, "Rappel")
    client = sign_in(app, "agent")
    answer = post(client, "/enregistrer/depart", typed(services, answers_number="1"), follow_redirects=True)
    assert "00001/2026/MIN/SG" in answer.text
    post(client, f"/courriers/{other.mail_id}/lier", {"number": "1", "kind": "related"})
    with services.reading() as session:
        found = session.execute(select(MailLink.from_id, MailLink.to_id)).all()
    assert {(asked.mail_id in pair) for pair in found} == {True}
    assert len(found) == 2
    wrong = post(client, "/enregistrer/depart", typed(services, answers_number="77"))
    assert wrong.status_code == 422
    assert "77" in wrong.text


def test_a_waiting_scan_becomes_a_departure(site: Site) -> None:
    app, services = site
    (scan_id,) = upload(services, "lettre.png", pages.png("Lettre signée"))
    client = sign_in(app, "agent")
    assert f"/enregistrer/depart?scan={scan_id}" in client.get("/numerisations/").text
    page = client.get(f"/enregistrer/depart?scan={scan_id}").text
    assert f'name="scan_id" value="{scan_id}"' in page
    answer = post(client, "/enregistrer/depart", typed(services, scan_id=scan_id), follow_redirects=True)
    assert "00001/2026/MIN/SG" in answer.text
    with services.reading() as session:
        assert session.scalars(select(Attachment.kind)).one() is AttachmentKind.DOCUMENT
    again = post(client, "/enregistrer/depart", typed(services, scan_id=scan_id))
    assert again.status_code == 409, "the scan has found its letter"
    with services.reading() as session:
        assert len(session.scalars(select(MailNumber)).all()) == 1, "and no number is spent on it"


def test_a_refused_form_keeps_what_was_typed_and_says_what_is_wrong(site: Site) -> None:
    app, services = site
    client = sign_in(app, "agent")
    wrong = post(
        client, "/enregistrer/depart", typed(services, addressees=" ", written_on="45/11/2026", answers_number="999")
    )
    assert wrong.status_code == 422
    assert "Tarifs de l'année" in wrong.text.replace("&#39;", "'")
    for field in ("written_on", "answers_number"):
        assert f'href="#{field}"' in wrong.text
    bare = post(client, "/enregistrer/depart", typed(services, addressees=" "))
    assert "Aucun destinataire" in bare.text
    foreign = post(client, "/enregistrer/depart", typed(services, register_id=slip_kit.register_id(services, "ARR")))
    assert foreign.status_code == 422
    with services.reading() as session:
        assert session.scalars(select(MailNumber)).all() == []


def test_who_does_not_keep_departures_gets_no_way_back_to_them(site: Site) -> None:
    """Fault 43 of the trial use: an officer's back link led to a refusal."""
    app, services = site
    done = enter(services)
    assert 'href="/departs/"' in sign_in(app, "agent").get(f"/departs/{done.mail_id}").text
    officer = sign_in(app, "daf").get(f"/departs/{done.mail_id}").text
    main = officer[officer.index("<main") :]
    assert 'href="/departs/"' not in main
    assert f'href="/courriers/{done.mail_id}"' in main


def test_a_unit_of_another_entity_is_no_sender(site: Site) -> None:
    services = site[1]
    with pytest.raises(Invalid):
        enter(services, sender_unit_id=UnitId(0))


def test_a_reader_who_links_two_letters_ends_nobodys_work(site: Site) -> None:
    """The office that dispatches a departure states which letter it answers: that letter's work ends with it."""
    app, services = site
    make_mentions(services)
    asked = register_arrival(services, "Demande")
    impute(services, asked.mail_id, "DGE", others=("DAF",))
    done = enter(services, copies=("DAF",))
    page = f"/courriers/{done.mail_id}/lier"
    sent = {"number": asked.number, "kind": "reply_to"}
    refused = post(sign_in(app, "daf"), page, sent)
    assert refused.status_code == 403
    with services.unit_of_work(NOW) as uow:
        for line in lines(services, done.mail_id):
            departure = Departure(Channel.HAND, carrier="Kossi")
            dispatch.leave(uow, line.id, departure, version=None, actor=actor(services, "agent"))
    assert mail(services, asked.mail_id).state is MailState.ASSIGNED
    assert post(sign_in(app, "daf"), page, sent | {"kind": "related"}).status_code == 303
    assert post(sign_in(app, "agent"), page, sent).status_code == 303, "the office may say it later"


@pytest.mark.long(
    "LibreOffice is started again; a Word document from the form is read in tests/integration/test_capture_pages.py"
)
@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_a_departure_in_word_is_shown_read_and_found_and_leaves_as_pdf(site: Site, tmp_path: Path) -> None:
    app, services = site
    client = sign_in(app, "agent")
    source = docx(tmp_path / "lettre.docx", paragraphs=2)
    form = {**typed(services), "file": (io.BytesIO(source.read_bytes()), "tarifs.docx")}
    done = post(client, "/enregistrer/depart", form, follow_redirects=True, content_type="multipart/form-data")
    assert "00001/2026/MIN/SG" in done.text
    with services.reading() as session:
        row = session.scalars(select(Mail)).one()
        paper = session.scalars(select(Attachment)).one()
    assert (paper.kind, paper.filename) == (AttachmentKind.DOCUMENT, "tarifs.docx")
    assert "ne montre aucune signature" in done.text
    for kind in (JobKind.RECOGNISE, JobKind.INDEX):
        with services.reading() as session:
            waiting = jobs.due(session, now=datetime.now(UTC), kinds=(kind,), limit=50)
        for job_id in waiting:
            pipeline.run_job(services, job_id, worker="test")
    page = client.get(f"/documents/{paper.id}").text
    assert f"{TEXT} 1" in page, "it is read"
    with client.get(f"/documents/{paper.id}/page/1.jpg") as shown:
        assert shown.status_code == 200, "its page is shown"
    with client.get(f"/documents/{paper.id}/original") as original:
        assert original.data == source.read_bytes()
    assert row.numbers[0].text in client.get("/recherche/?q=Savanes").text
    with services.reading() as session:
        digest, name = dispatch.signed_pdf(session, row.id)
    assert name == "courrier.pdf"
    with services.blobs.open(digest) as stored:
        assert stored.read(5) == b"%PDF-", "no Word file leaves the house"
