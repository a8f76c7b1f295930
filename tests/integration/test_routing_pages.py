"""À imputer, ma bannette, fiche de transmission and recherche, through the site."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from flask import Flask
from sqlalchemy import event, select

from ged import audit
from ged.codes import CodeKind, read_code
from ged.envelopes import operations as envelopes
from ged.envelopes.operations import EnvelopeForm
from ged.errors import EngineFailed
from ged.org.models import Delegation, DelegationKind, Post
from ged.ports import Confidentiality
from ged.register.levels import change_level
from ged.register.models import Attachment, AttachmentKind, Mail, Priority, ReadMark, Register
from ged.register.states import MailState
from ged.routing import queries
from ged.routing.models import Assignment, Mention
from ged.unit import Services
from tests import paper_kit
from tests.factories import NOW, TODAY, actor
from tests.routing_kit import impute, make_mentions, post_id, register, run_jobs, unit_id
from tests.site import make_site, post, sign_in

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def site(tmp_path: Path) -> tuple[Flask, Services]:
    """The site, with its mentions."""
    app, services = make_site(tmp_path)
    make_mentions(services)
    return app, services


@contextmanager
def counted(services: Services) -> Iterator[list[str]]:
    """The statements that are sent during the block."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append(statement)

    event.listen(services.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(services.engine, "before_cursor_execute", note)


def state(services: Services, mail_id: int) -> MailState:
    """The state of the letter."""
    with services.reading() as session:
        return session.get_one(Mail, mail_id).state


def lead_of(services: Services, mail_id: int) -> int:
    """The letter's first assignment."""
    with services.reading() as session:
        return session.scalars(
            select(Assignment.id).where(Assignment.mail_id == mail_id).order_by(Assignment.id)
        ).all()[0]


def test_the_secretary_empties_the_queue_letter_by_letter(site: tuple[Flask, Services]) -> None:
    app, services = site
    first, urgent = (
        register(services, "Lettre ordinaire"),
        register(services, "Lettre pressée", priority=Priority.VERY_URGENT),
    )
    client = sign_in(app, "secretaire")
    page = client.get("/a-imputer").text
    assert "au nom de" in page
    assert page.index("Lettre pressée") < page.index("Lettre ordinaire")
    decision = {
        "leading_unit_id": unit_id(services, "DGE"),
        "other_unit_ids": [unit_id(services, "DAF")],
        "mentions": ["opinion"],
        "note": "Avis sous huitaine",
        "due_days": "5",
    }
    answer = post(client, f"/a-imputer/{urgent.mail_id}", decision, page=f"/a-imputer/{urgent.mail_id}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/a-imputer/{first.mail_id}")
    assert state(services, urgent.mail_id) is MailState.ASSIGNED
    answer = post(client, f"/a-imputer/{first.mail_id}", decision, page=f"/a-imputer/{first.mail_id}")
    assert answer.headers["Location"] == "/a-imputer"
    assert "Aucun courrier" in client.get("/a-imputer").text
    # The last used units come first.
    again = client.get(f"/a-imputer/{first.mail_id}").text
    assert "Récemment choisies" in again
    assert "Imputer" in again


def test_a_refused_decision_keeps_what_was_typed(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services)
    client = sign_in(app, "sg")
    path = f"/a-imputer/{mail.mail_id}"
    typed: dict[str, object] = {
        "note": "Ne pas perdre ceci",
        "due_on": "2026-12-04",
        "due_days": "250",
        "mentions": ["opinion"],
    }
    answer = post(client, path, typed, page=path)
    assert answer.status_code == 422
    assert "Ne pas perdre ceci" in answer.text
    assert "2026-12-04" in answer.text
    assert answer.text.count('href="#leading_unit_id"') == 1, "one fault is told once"
    assert 'href="#due_days"' in answer.text
    assert state(services, mail.mail_id) is MailState.TO_IMPUTE


def test_a_stale_decision_gets_409(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services)
    client = sign_in(app, "sg")
    path = f"/a-imputer/{mail.mail_id}"
    with services.reading() as session:
        version = session.get_one(Mail, mail.mail_id).version
    impute(services, mail.mail_id)
    answer = post(client, path, {"version": version, "leading_unit_id": unit_id(services, "DAF")}, page=path)
    assert answer.status_code == 409
    assert "Direction générale de l&#39;énergie" in answer.text


def test_the_same_decision_for_several_is_all_or_nothing(site: tuple[Flask, Services]) -> None:
    app, services = site
    one, two = register(services, "Un"), register(services, "Deux")
    client = sign_in(app, "sg")
    page = f"/a-imputer/lot?mail={one.mail_id}&mail={two.mail_id}"
    form = {
        "mail": [one.mail_id, two.mail_id],
        f"version-{one.mail_id}": "1",
        f"version-{two.mail_id}": "99",
        "leading_unit_id": unit_id(services, "DGE"),
    }
    assert post(client, "/a-imputer/lot", form, page=page).status_code == 409
    assert state(services, one.mail_id) is MailState.TO_IMPUTE
    with services.reading() as session:
        version = session.get_one(Mail, one.mail_id).version
    form |= {f"version-{one.mail_id}": str(version), f"version-{two.mail_id}": str(version)}
    assert post(client, "/a-imputer/lot", form).status_code == 303
    assert state(services, one.mail_id) is state(services, two.mail_id) is MailState.ASSIGNED


def test_others_do_not_reach_the_queue(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services)
    client = sign_in(app, "dge")
    assert mail.number not in client.get("/a-imputer").text
    assert 'href="/a-imputer"' not in client.get("/").text
    assert client.get(f"/a-imputer/{mail.mail_id}").status_code == 404
    form = {"leading_unit_id": str(unit_id(services, "DGE"))}
    assert post(client, f"/a-imputer/{mail.mail_id}", form).status_code == 404
    form |= {"mail": str(mail.mail_id)}
    assert post(client, "/a-imputer/lot", form).status_code == 404
    assert state(services, mail.mail_id) is MailState.TO_IMPUTE
    assert client.get(f"/courriers/{mail.mail_id}/fiche-de-transmission.pdf").status_code == 404


def test_what_was_in_an_envelope_is_imputed_by_its_addressee_without_authority(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail_id = opened_envelope(services, "etudes")
    client = sign_in(app, "etudes")
    assert 'href="/a-imputer"' in client.get("/").text
    assert "Note pour le service" in client.get("/a-imputer").text
    assert f"/a-imputer/{mail_id}" in client.get(f"/courriers/{mail_id}").text
    form = {"leading_unit_id": str(unit_id(services, "ETU"))}
    assert post(client, f"/a-imputer/{mail_id}", form, page=f"/a-imputer/{mail_id}").status_code == 303
    assert state(services, mail_id) is MailState.ASSIGNED
    assert 'href="/a-imputer"' not in client.get("/").text


def test_a_secretary_without_authority_does_not_impute_what_was_in_an_envelope(site: tuple[Flask, Services]) -> None:
    app, services = site
    with services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(Post).where(Post.code == "SG-S")).one().secretary_of_id = post_id(services, "DGE-C")
    mail_id = opened_envelope(services, "dge")
    form = {"leading_unit_id": str(unit_id(services, "ETU"))}
    answer = post(sign_in(app, "secretaire"), f"/a-imputer/{mail_id}", form)
    assert (answer.status_code, state(services, mail_id)) == (404, MailState.TO_IMPUTE)


def opened_envelope(services: Services, account: str) -> int:
    """The letter that a person made of a sealed envelope addressed to them."""
    with services.reading() as session:
        register_id = session.scalars(select(Register.id).where(Register.code == "PLI")).one()
    addressee = actor(services, account)
    form = EnvelopeForm(NOW, addressee.posts[0].post_id, "Cour des comptes")
    with services.unit_of_work(NOW) as uow:
        done = envelopes.register_envelope(uow, register_id, form, actor=actor(services, "agent"), now=NOW)
    with services.unit_of_work(NOW) as uow:
        return envelopes.open_envelope(
            uow, done.envelope_id, subject="Note pour le service", level=Confidentiality.ORDINARY, version=None,
            actor=addressee, now=NOW,
        )  # fmt: skip


def test_what_an_inbox_lets_people_do(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services, "Projet de barrage")
    impute(services, mail.mail_id, due_on=TODAY, note="Pour avis")
    lead = lead_of(services, mail.mail_id)
    head, member = sign_in(app, "dge"), sign_in(app, "etudes")
    assert "Projet de barrage" in head.get("/bannette/").text
    page = f"/bannette/{lead}"
    assert post(head, f"{page}/prendre", {}, page=page).status_code == 303
    form: dict[str, object] = {"to": f"u{unit_id(services, 'DAF')}", "purpose": "opinion", "instruction": "Gardez ceci"}
    refused = post(head, f"{page}/confier", form)
    assert refused.status_code == 422
    assert "Gardez ceci" in refused.text
    assert 'href="#to"' in refused.text
    form["to"] = f"u{unit_id(services, 'ETU')}"
    assert post(head, f"{page}/confier", form).status_code == 303
    with services.reading() as session:
        [row], _ = queries.inbox(session, actor(services, "etudes"), today=TODAY)
    below = f"/bannette/{row.assignment_id}"
    assert "Gardez ceci" in member.get(below).text
    assert post(member, f"{below}/rendre", {"reason": ""}, page=below).status_code == 422
    assert post(member, f"{below}/rendre", {"reason": "En mission"}).headers["Location"] == "/bannette/"
    assert member.get(below).status_code == 404
    assert "1 retour" in head.get("/bannette/").text
    assert post(head, f"{page}/terminer", {"outcome": "Avis favorable"}).status_code == 303
    late = post(head, f"{page}/terminer", {"outcome": "Tapé dans un second onglet"})
    assert late.status_code == 409
    assert "Tapé dans un second onglet" in late.text, "its form is gone; what was typed is shown, to be copied"
    assert state(services, mail.mail_id) is MailState.ANSWERED
    assert "Avis favorable" in head.get("/bannette/?voir=termines").text


def test_a_purpose_that_is_also_a_mention_is_said_once(site: tuple[Flask, Services]) -> None:
    app, services = site
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Mention(code="handling", label="Pour attribution", position=9))
    impute(services, register(services).mail_id, "DGE", mentions=("handling", "opinion"))
    row = sign_in(app, "dge").get("/bannette/").text.partition("<tbody>")[2]
    assert row.count("Pour attribution") == 1
    assert "Pour attribution, Étude et avis" in row


def test_the_lists_cost_the_same_for_many_letters(site: tuple[Flask, Services]) -> None:
    app, services = site
    authority, head = sign_in(app, "sg"), sign_in(app, "dge")
    for n in range(2):
        impute(services, register(services, f"Imputé {n}").mail_id)
        register(services, f"En attente {n}")
    costs = []
    authority.get("/a-imputer")  # reads the installation's name, which is kept
    for _round in range(2):
        with counted(services) as sent:
            assert authority.get("/a-imputer").status_code == 200
            assert head.get("/bannette/").status_code == 200
        costs.append(len(sent))
        for n in range(12):
            impute(services, register(services, f"Encore {n}").mail_id)
            register(services, f"Encore en attente {n}")
    assert costs[0] == costs[1]
    assert costs[1] <= 70, costs


def test_the_panel_of_the_letter_shows_its_path(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services)
    impute(
        services, mail.mail_id, "DGE", ("DAF",), mentions=("opinion",), note="Voir le dossier de 2024", by="secretaire"
    )
    page = sign_in(app, "dge").get(f"/courriers/{mail.mail_id}").text
    assert "Voir le dossier de 2024" in page
    assert "par Secretaire pour le titulaire" in page
    assert "Direction des affaires financières" in page
    assert f"/bannette/{lead_of(services, mail.mail_id)}" in page


def sheet(app: Flask, account: str, mail_id: int, extra: str = "") -> tuple[str, list[str]]:
    """The text of the routing sheet, and the contents of its codes."""
    answer = sign_in(app, account).get(f"/courriers/{mail_id}/fiche-de-transmission.pdf{extra}")
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    document = pypdfium2.PdfDocument(BytesIO(answer.data))
    try:
        text = "\n".join(page.get_textpage().get_text_bounded() for page in document)
        image = document[0].render(scale=3).to_pil()
        return text, [code.text for code in zxingcpp.read_barcodes(image)]
    finally:
        document.close()


def test_the_fiche_shows_the_decision_and_its_code_leads_back(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services, "Projet de barrage")
    blank, codes = sheet(app, "agent", mail.mail_id)
    assert "Projet de barrage" in blank
    assert "Décidé le" not in blank
    code = read_code(codes[0], key=services.code_key)
    assert code is not None
    assert (code.kind, code.subject_id) == (CodeKind.IMPUTATION, mail.mail_id)
    impute(services, mail.mail_id, note="Faire vite", mentions=("opinion",))
    text, _codes = sheet(app, "agent", mail.mail_id)
    assert "Faire vite" in text
    assert "Décidé le 24 novembre 2026" in text
    assert "Faire vite" not in sheet(app, "agent", mail.mail_id, "?vierge=1")[0]


def test_of_a_secret_letter_the_fiche_tells_the_number_only(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services, "Mutation du directeur", sender="Présidence")
    with services.unit_of_work(NOW) as uow:
        change_level(uow, mail.mail_id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    impute(services, mail.mail_id, note="Le directeur part")
    text, _codes = sheet(app, "sg", mail.mail_id)
    assert mail.number in text
    assert not [word for word in ("Mutation", "Présidence", "part") if word in text.replace("figurent", "")]
    with services.reading() as session:
        printed = session.scalars(select(audit.AuditEntry.subject_id).where(audit.AuditEntry.action == "mail.printed"))
        assert list(printed) == [mail.mail_id]


def test_opening_a_restricted_letter_in_the_inbox_is_in_the_journal(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services, "Mutation du directeur")
    impute(services, mail.mail_id)
    browser, address = sign_in(app, "dge"), f"/bannette/{lead_of(services, mail.mail_id)}"
    opened = select(audit.AuditEntry.person_id).where(audit.AuditEntry.action == "mail.opened")
    assert browser.get(address).status_code == 200
    with services.reading() as session:
        assert list(session.scalars(opened)) == []
        assert session.scalars(select(ReadMark.mail_id)).all() == [mail.mail_id]
    with services.unit_of_work(NOW) as uow:
        change_level(uow, mail.mail_id, Confidentiality.RESTRICTED, reason="Enquête", actor=actor(services, "sg"))
    assert browser.get(address).status_code == 200
    with services.reading() as session:
        assert list(session.scalars(opened)) == [actor(services, "dge").person_id]


def test_the_annotated_fiche_joins_the_letter_as_proof(site: tuple[Flask, Services]) -> None:
    _app, services = site
    mail = register(services)
    attachment_id = paper_kit.confirm(services, paper_kit.bring(services, CodeKind.IMPUTATION, mail.mail_id), by="sg")
    with services.reading() as session:
        joined = session.get_one(Attachment, attachment_id)
        assert (joined.mail_id, joined.kind) == (mail.mail_id, AttachmentKind.PROOF)
        returned = select(audit.AuditEntry).where(audit.AuditEntry.action == "mail.sheet_returned")
        (entry,) = session.scalars(returned)
        assert (entry.subject_id, entry.person_id) == (mail.mail_id, actor(services, "sg").person_id)


def test_search_finds_shows_and_explains(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services, "Marché de transformateurs <b>urgent</b> " + "très long " * 150)
    run_jobs(services)
    client = sign_in(app, "sg")
    assert "Que cherchez-vous" in client.get("/recherche/").text
    page = client.get("/recherche/?q=transformateurs").text
    assert "1 courrier" in page
    assert "<b>urgent" not in page
    assert "<mark>" in page or mail.number in page
    assert 'hx-get="/recherche/filtres?q=transformateurs"' in page
    facets = client.get("/recherche/filtres?q=transformateurs").text
    assert "À imputer" in facets
    assert "À imputer" in client.get("/recherche/?q=transformateurs&filtres=1").text
    assert "n'a pas pu être comprise" in client.get('/recherche/?q="marché').text
    assert "Aucun courrier trouvé" in client.get("/recherche/?q=introuvable&state=closed").text
    assert "n'a pas pu être lue" in client.get("/recherche/?q=marché&du=32/13/2026").text
    assert client.get("/recherche/?q=marché&tri=zzz&offset=-5&year=abc&state=zzz").status_code == 200
    stranger = sign_in(app, "daf").get("/recherche/?q=transformateurs").text
    assert "0 courrier" in stranger
    assert mail.number not in stranger


def test_search_without_its_index_says_so(site: tuple[Flask, Services], monkeypatch: pytest.MonkeyPatch) -> None:
    app, services = site
    mail = register(services, "Marché de transformateurs")
    client = sign_in(app, "sg")

    def refuse(*_query: object, **_principals: object) -> None:
        raise EngineFailed("index.unavailable", retryable=True)

    monkeypatch.setattr(services.index, "search", refuse)
    monkeypatch.setattr(services.index, "facets", refuse)
    page = client.get("/recherche/?q=marché").text
    assert "momentanément indisponible" in page
    assert mail.number in page
    assert "ne peuvent pas être comptés" in client.get("/recherche/filtres?q=marché").text


def test_a_person_is_found_and_gets_the_letter_without_a_script(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services)
    client, path = sign_in(app, "sg"), f"/a-imputer/{mail.mail_id}"
    nothing = post(client, path, {"find": "1", "person": "personne de ce nom", "note": "À garder"}, page=path)
    assert nothing.status_code == 200
    assert 'role="status">Aucun résultat' in nothing.text
    found = post(client, path, {"find": "1", "person": "etudes", "note": "À garder"})
    wanted = f"p{post_id(services, 'ETU-M')}"
    assert f'<option value="{wanted}">Etudes - Poste ETU-M, Service des études (MIN)</option>' in found.text
    assert "À garder" in found.text
    refused = post(client, path, {"leading_unit_id": wanted, "due_on": "2020-01-01"})
    assert refused.status_code == 422
    assert f'<option value="{wanted}" selected>' in refused.text, "what was chosen is still there"
    copied = f"p{post_id(services, 'DAF-C')}"
    sent = post(client, path, {"leading_unit_id": wanted, "other_unit_ids": [copied], "mentions": ["opinion"]})
    assert sent.status_code == 303
    assert "Poste ETU-M" in sign_in(app, "etudes").get("/bannette/").text
    assert "Demande d&#39;audience" in sign_in(app, "daf").get("/bannette/").text
    theirs = sign_in(app, "dge")
    assert "Demande d&#39;audience" not in theirs.get("/bannette/").text
    assert "Demande d&#39;audience" in theirs.get("/bannette/?voir=mes-services").text
    assert "Mes services" not in sign_in(app, "etudes").get("/bannette/").text
    sheet = theirs.get(f"/courriers/{mail.mail_id}/fiche-de-transmission.pdf")
    pdf = pypdfium2.PdfDocument(sheet.data)
    assert "Poste ETU-M" in pdf[0].get_textpage().get_text_bounded()
    pdf.close()


def test_people_are_looked_up_while_one_types(site: tuple[Flask, Services]) -> None:
    app, services = site
    client = sign_in(app, "sg")
    assert client.get("/a-imputer/destinataires?q=etudes").json == [
        [f"p{post_id(services, 'ETU-M')}", "Etudes - Poste ETU-M, Service des études (MIN)"]
    ]
    assert client.get("/a-imputer/destinataires?q=e").json == []
    assert client.get("/a-imputer/destinataires").json == []


def test_a_head_gives_a_letter_to_an_officer_of_a_service_below(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail = register(services)
    impute(services, mail.mail_id)
    client, path = sign_in(app, "dge"), f"/bannette/{lead_of(services, mail.mail_id)}"
    page = client.get(path).text
    officer, stranger = (f"p{post_id(services, code)}" for code in ("ETU-M", "DAF-C"))
    assert "Postes des services placés dessous" in page
    assert f'<option value="{officer}">Poste ETU-M (Etudes), Service des études</option>' in page
    assert post(client, f"{path}/confier", {"to": stranger, "purpose": "action"}, page=path).status_code == 422
    assert post(client, f"{path}/confier", {"to": officer, "purpose": "action"}).status_code == 303
    assert "Demande d&#39;audience" in sign_in(app, "etudes").get("/bannette/").text


def test_a_filter_of_the_inbox_stands_in_the_address_and_stays_for_the_session(site: tuple[Flask, Services]) -> None:
    app, services = site
    impute(services, register(services, "Prix 100 %", sender="Préfecture de l'Ogou").mail_id, mentions=("opinion",))
    impute(services, register(services, "Plainte", sender="Mairie", priority=Priority.URGENT).mail_id)
    client = sign_in(app, "dge")

    def shown(address: str) -> set[str]:
        page = client.get(address, follow_redirects=True).text
        return {subject for subject in ("Prix 100 %", "Plainte") if f'subject">{subject}' in page}

    assert shown("/bannette/") == {"Prix 100 %", "Plainte"}
    assert shown("/bannette/?q=PREFECTURE&filtre=1") == {"Prix 100 %"}
    again = client.get("/bannette/?voir=en-retard")
    assert (again.status_code, "q=PREFECTURE" in again.headers["Location"]) == (303, True)
    assert "Aucun résultat" in client.get("/bannette/?voir=en-retard", follow_redirects=True).text
    assert shown("/bannette/") == {"Prix 100 %"}
    assert shown("/bannette/?urgence=1") == {"Plainte"}
    assert shown("/bannette/?mention=opinion") == {"Prix 100 %"}
    assert shown("/bannette/?q=%25") == {"Prix 100 %"}
    assert shown("/bannette/?q=00002/2026") == {"Plainte"}
    assert shown("/bannette/?filtre=1") == {"Prix 100 %", "Plainte"}
    assert client.get("/bannette/").status_code == 200, "everything was chosen: nothing is kept"
    assert "Pour qui" not in client.get("/bannette/").text
    # The filter belongs to the person, in this session only.
    client.get("/bannette/?q=mairie")
    assert sign_in(app, "dge").get("/bannette/").status_code == 200


def test_the_queue_of_an_authority_is_filtered_as_an_inbox_is_and_the_next_letter_follows_the_filter(
    site: tuple[Flask, Services],
) -> None:
    app, services = site
    first = register(services, "Prix 100 %", sender="Préfecture de l'Ogou")
    register(services, "Plainte", sender="Mairie", priority=Priority.URGENT)
    third = register(services, "Autre prix", sender="Préfecture du Zio")
    client = sign_in(app, "sg")

    def shown(address: str) -> list[str]:
        page = client.get(address, follow_redirects=True).text
        return [subject for subject in ("Prix 100 %", "Plainte", "Autre prix") if f'subject">{subject}' in page]

    assert shown("/a-imputer") == ["Prix 100 %", "Plainte", "Autre prix"]
    assert shown("/a-imputer?urgence=1&filtre=1") == ["Plainte"]
    assert shown("/a-imputer?q=00003/2026") == ["Autre prix"]
    assert shown("/a-imputer?q=prefecture&filtre=1") == ["Prix 100 %", "Autre prix"]
    assert shown("/a-imputer") == ["Prix 100 %", "Autre prix"], "the filter stays"
    decision = {"leading_unit_id": unit_id(services, "DGE")}
    page = f"/a-imputer/{first.mail_id}"
    assert post(client, page, decision, page=page).headers["Location"] == f"/a-imputer/{third.mail_id}"
    page = f"/a-imputer/{third.mail_id}"
    assert post(client, page, decision).headers["Location"] == "/a-imputer", "not to what is filtered out"
    assert "Aucun résultat" in client.get("/a-imputer", follow_redirects=True).text
    assert shown("/a-imputer?filtre=1") == ["Plainte"]
    assert client.get("/a-imputer").status_code == 200, "everything was chosen: nothing is kept"
    assert "Pour qui" not in client.get("/a-imputer").text
    secretary = sign_in(app, "secretaire")
    assert "Plainte" in secretary.get("/a-imputer?pour=autrui&filtre=1").text
    assert "Aucun résultat" in secretary.get("/a-imputer?pour=moi&filtre=1").text


def test_a_replacement_separates_its_own_letters_from_those_of_the_absent(site: tuple[Flask, Services]) -> None:
    app, services = site
    impute(services, register(services, "Du secrétariat").mail_id, "SG")
    impute(services, register(services, "De la DAF").mail_id, "DAF")
    daf, dge = (actor(services, name) for name in ("daf", "dge"))
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Delegation(
                kind=DelegationKind.INTERIM, post_id=dge.posts[0].post_id, person_id=daf.person_id, act="Note 12",
                from_on=TODAY - timedelta(days=9), until_on=TODAY + timedelta(days=9000), granted_at=NOW,
            )
        )  # fmt: skip
    impute(services, register(services, "De la DGE").mail_id)
    client = sign_in(app, "daf")
    both, mine, theirs = (client.get(f"/bannette/?filtre=1&pour={one}").text for one in ("", "moi", "autrui"))
    assert ("De la DAF" in both, "De la DGE" in both) == (True, True)
    assert ("De la DAF" in mine, "De la DGE" in mine) == (True, False)
    assert ("De la DAF" in theirs, "De la DGE" in theirs) == (False, True)
    assert "Pour qui" in both
    assert "par intérim (P.I.) (Note 12)" in both, "the menu of the name says in which capacity they act"


def test_an_interim_is_named_as_one_where_it_is_given_where_it_decides_and_where_it_ends(
    site: tuple[Flask, Services],
) -> None:
    app, services = site
    mail_id = register(services, "Pendant l'absence").mail_id
    authority, day = actor(services, "sg"), TODAY.strftime("%d/%m/%Y")
    client = sign_in(app, "sg")
    given = {
        "post_id": str(authority.posts[0].post_id), "person_id": str(actor(services, "daf").person_id), "kind": "interim",
        "act": "Note 13", "from_on": day, "until_on": (TODAY + timedelta(days=200)).strftime("%d/%m/%Y"), "may_sign": "1",
    }  # fmt: skip
    assert post(client, "/delegations/", given, page="/delegations/").status_code == 303
    assert "L'intérim est enregistré." in client.get("/delegations/").text
    queue = sign_in(app, "daf").get(f"/a-imputer/{mail_id}").text
    assert "par intérim (P.I.) (Note 13)</p>" in queue, "the page of a decision says it too"
    offered = sign_in(app, "daf").get("/bordereaux/nouveau").text
    assert re.search(r"Poste SG-T \([^<]+\), par intérim \(P\.I\.\)</option>", offered), "and so does a slip"
    impute(services, mail_id, by="daf")
    shown = sign_in(app, "daf").get(f"/courriers/{mail_id}").text
    assert "(Daf, par intérim (P.I.))" in shown
    assert "pour le titulaire" not in shown
    assert "Mettre fin à cet intérim dès maintenant ?" in client.get("/delegations/").text
    assert post(client, "/delegations/1/retirer", {}).status_code == 303
    ended = client.get("/delegations/").text
    assert "L'intérim a pris fin." in ended
    assert "retirée" not in ended
    refused = sign_in(app, "daf").get(f"/a-imputer/{mail_id}")
    assert refused.status_code == 404
    assert "Votre intérim (Poste SG-T) a pris fin le" in refused.text
    assert "a pris fin le" not in sign_in(app, "etudes").get(f"/a-imputer/{mail_id}").text
