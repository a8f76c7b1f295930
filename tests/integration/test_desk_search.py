"""An exact number opens its letter, departures show their addressees, the register is filtered, files are attached."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from ged import jobs, pipeline
from ged.jobs import JobKind
from ged.ports import Confidentiality
from ged.register import books, operations
from ged.register.books import Span, Wanted
from ged.register.models import Attachment, AttachmentKind, Mail
from ged.register.states import MailState
from ged.unit import Services
from tests import pages
from tests.factories import NOW, TODAY, actor
from tests.routing_kit import impute, make_mentions, register
from tests.signed_outside_kit import enter
from tests.site import make_site, post, sign_in
from tests.slip_kit import register_id

pytestmark = pytest.mark.in_turns(3)

Site = tuple[Flask, Services]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app, services = make_site(tmp_path)
    make_mentions(services)
    yield app, services
    services.engine.dispose()


def index(services: Services) -> None:
    with services.reading() as session:
        waiting = jobs.due(session, now=datetime.now(UTC), kinds=(JobKind.INDEX,), limit=50)
    for job_id in waiting:
        pipeline.run_job(services, job_id, worker="test")


# --- search -------------------------------------------------------------------------------------------------------


def test_a_whole_number_opens_its_letter_and_in_quotes_it_is_searched(site: Site) -> None:
    app, services = site
    done = register(services, "Demande de lampadaires")
    index(services)
    client = sign_in(app, "agent")
    for typed in (done.number, "1/2026/min", "N° 00001/2026/MIN"):
        answer = client.get("/recherche/", query_string={"q": typed})
        assert (answer.status_code, answer.location) == (302, f"/courriers/{done.mail_id}"), typed
    assert client.get("/recherche/", query_string={"q": f'"{done.number}"'}).status_code == 200
    assert client.get("/recherche/", query_string={"q": done.number, "du": "01/01/2020"}).status_code == 200
    assert client.get("/recherche/?q=lampadaires").status_code == 200
    assert sign_in(app, "etudes").get("/recherche/", query_string={"q": done.number}).status_code == 200, (
        "not his letter"
    )


def test_a_whole_reference_of_one_letter_opens_it(site: Site) -> None:
    app, services = site
    first, second, third = (register(services, f"Demande {n}").mail_id for n in range(3))
    for mail_id, reference in ((first, "0123/CEET/DG"), (second, "77/PREF/SG"), (third, "77/PREF/SG")):
        with services.unit_of_work(NOW) as uow:
            uow.session.get_one(Mail, mail_id).their_reference = reference
            uow.reindex(mail_id)
    index(services)
    client = sign_in(app, "agent")
    for typed in ("0123/CEET/DG", "123-ceet-dg"):
        answer = client.get("/recherche/", query_string={"q": typed})
        assert (answer.status_code, answer.location) == (302, f"/courriers/{first}"), typed
    for typed in ("123/CEET", "77/PREF/SG", '"0123/CEET/DG"'):
        assert client.get("/recherche/", query_string={"q": typed}).status_code == 200, typed
    assert sign_in(app, "etudes").get("/recherche/?q=0123/CEET/DG").status_code == 200, "not his letter"


def test_a_departure_shows_and_exports_whom_it_went_to(site: Site) -> None:
    app, services = site
    enter(services, subject="Tarifs du trimestre", addressees=("Mairie de Kara",), copies=())
    index(services)
    client = sign_in(app, "agent")
    assert "Mairie de Kara" in client.get("/recherche/?q=tarifs").text
    listed = client.get("/recherche/liste?q=tarifs&format=csv").text
    assert "Correspondant" in listed
    assert "Mairie de Kara" in listed


# --- the register's page ------------------------------------------------------------------------------------------


def subjects(services: Services, wanted: Wanted, who: str = "agent") -> list[str]:
    with services.reading() as session:
        rows, _page = books.page(session, register_id(services, "ARR"), Span(2026), actor(services, who), wanted=wanted)
    return [row.subject for row in rows]


@pytest.mark.locks_backwards  # a change of its own, then an operation
def test_a_register_is_filtered_by_name_and_state_without_telling_of_hidden_letters(site: Site) -> None:
    services = site[1]
    one, two = register(services, "Un", sender="Préfecture du Zio"), register(services, "Deux", sender="Mairie")
    hidden = register(services, "Secret", sender="Préfecture du Zio")
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, hidden.mail_id).level = int(Confidentiality.SECRET)
        operations.void_number(uow, two.number_id, reason="Erreur", actor=actor(services, "agent"), now=NOW)
    impute(services, one.mail_id)
    assert subjects(services, Wanted("zio")) == ["Un"]
    assert subjects(services, Wanted("du ZIO")) == ["Un"]
    assert subjects(services, Wanted(state=MailState.ASSIGNED)) == ["Un"]
    assert subjects(services, Wanted(state=MailState.VOIDED)) == ["Deux"]
    assert subjects(services, Wanted(state=MailState.TO_IMPUTE)) == [], "the hidden letter is not found by its state"
    assert subjects(services, Wanted("zio", MailState.VOIDED)) == []
    assert len(subjects(services, Wanted())) == 3


def shown(client: FlaskClient, services: Services, **filters: str) -> str:
    answer = client.get(f"/registres/{register_id(services, 'ARR')}", query_string=filters)
    assert answer.status_code == 200
    return answer.text[answer.text.index("<main") :]


def test_the_page_filters_by_day_name_and_state_and_has_no_column_too_many(site: Site) -> None:
    app, services = site
    register(services, "Lettre du Zio", sender="Préfecture du Zio")
    client = sign_in(app, "agent")
    page = shown(client, services)
    assert page.count('scope="col"') == 5 or page.count("<th") == 5
    day = f"{TODAY:%d/%m/%Y}"
    assert "Lettre du Zio" in shown(client, services, depuis=day, jusqu=day, nom="zio", etat="to_impute")
    for filters in ({"nom": "Mairie"}, {"etat": "closed"}, {"jusqu": "01/01/2026"}, {"depuis": "31/12/2026"}):
        found = shown(client, services, **filters)
        assert "Aucune inscription ne répond à ces filtres." in found, filters
        assert "Tout le registre" in found
    wrong = shown(client, services, etat="inconnu", depuis="hier")
    assert "Lettre du Zio" in wrong, "a wrong value is no filter"
    assert "Cette date n'existe pas" in wrong
    assert re.search(r'id="depuis"[^>]* value="hier"[^>]* aria-invalid="true"', wrong), "it stays typed, and is told"


# --- files, closing -----------------------------------------------------------------------------------------------


def test_a_file_is_joined_from_the_letters_page(site: Site) -> None:
    app, services = site
    done = register(services, "Demande")
    client = sign_in(app, "agent")
    path = f"/courriers/{done.mail_id}/fichier"
    assert path in client.get(f"/courriers/{done.mail_id}").text
    assert "Ce qu'il est pour le courrier" in client.get(path).text
    assert _proposed(client, path) == "document"  # the letter has none: else it would stay "not scanned yet"

    def send(kind: str, reason: str = "") -> int:
        data = {"file": (io.BytesIO(pages.png(kind + reason)), "plan.png"), "kind": kind, "reason": reason}
        return post(client, path, data, content_type="multipart/form-data").status_code

    assert [send("document"), send("annex"), send("document"), send("document", "Mieux lisible")] == [
        303,
        303,
        422,
        303,
    ]
    assert post(client, path, {"kind": "annex"}).status_code == 422
    with services.reading() as session:
        kinds = session.scalars(select(Attachment.kind).order_by(Attachment.id)).all()
    assert kinds == [AttachmentKind.DOCUMENT, AttachmentKind.ANNEX, AttachmentKind.DOCUMENT]


def test_a_file_that_the_letter_has_is_not_joined_twice_and_one_that_was_replaced_is(site: Site) -> None:
    app, services = site
    done = register(services, "Demande")
    client = sign_in(app, "agent")
    path = f"/courriers/{done.mail_id}/fichier"

    def send(content: str, name: str, kind: str = "annex", reason: str = "") -> str:
        data = {"file": (io.BytesIO(pages.png(content)), name), "kind": kind, "reason": reason}
        answer = post(client, path, data, content_type="multipart/form-data")
        assert answer.status_code in {303, 422}
        return "joint" if answer.status_code == 303 else answer.text

    assert send("Plan", "plan.png") == "joint"
    refused = send("Plan", "copie du plan.png")
    assert "déjà joint à ce courrier, sous le nom « plan.png »" in html.unescape(refused).replace(
        "\u202f", " "
    ).replace("\xa0", " ")
    assert [send("Lettre", "a.png", "document"), send("Lettre nette", "b.png", "document", "Illisible")] == [
        "joint"
    ] * 2
    assert send("Lettre", "a.png", "document", "La première était la bonne") == "joint"
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(Attachment)) == 4
    assert send("Plan", "plan.png", "document", "C'était la lettre") == "joint", "an annex by mistake"
    other = register(services, "Autre demande")
    path = f"/courriers/{other.mail_id}/fichier"
    assert send("Plan", "plan.png") == "joint", "another letter has its own copy"


def _proposed(client: FlaskClient, path: str) -> str:
    found = re.findall(r'<input[^>]*name="kind"[^>]*>', client.get(path).text)
    (checked,) = (one for one in found if " checked" in one)
    return checked.partition('value="')[2].partition('"')[0]


def test_who_works_on_a_letter_joins_annexes_only_and_others_nothing(site: Site) -> None:
    app, services = site
    done = register(services, "Demande")
    impute(services, done.mail_id, "DGE", ("DAF",))
    path = f"/courriers/{done.mail_id}/fichier"
    works, reads = sign_in(app, "dge"), sign_in(app, "daf")
    assert "Ce qu'il est pour le courrier" not in works.get(path).text
    data = {"file": (io.BytesIO(pages.png("Plan")), "plan.png"), "kind": "document"}
    assert post(works, path, data, content_type="multipart/form-data").status_code == 403
    assert path not in reads.get(f"/courriers/{done.mail_id}").text
    assert reads.get(path).status_code == 403
    assert sign_in(app, "etudes").get(path).status_code == 404


def test_who_may_not_close_a_letter_is_not_offered_it(site: Site) -> None:
    """Fault 30 of the trial use: the form was filled in and then refused."""
    app, services = site
    done = register(services, "Demande")
    impute(services, done.mail_id)
    client = sign_in(app, "agent")
    assert f"/courriers/{done.mail_id}/cloture" not in client.get(f"/courriers/{done.mail_id}").text
    assert client.get(f"/courriers/{done.mail_id}/cloture").status_code == 403
    assert f"/courriers/{done.mail_id}/cloture" in sign_in(app, "dge").get(f"/courriers/{done.mail_id}").text
