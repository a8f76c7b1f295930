"""What the registers know of senders completes the form: only ordinary letters that the clerk may see. The question of a
letter that was registered before is asked while it is typed, and its answer holds for the letters that were shown."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from ged.ports import Confidentiality
from ged.register.models import Correspondent, Mail, MailNumber, SealedEnvelope
from ged.suggestions import known
from ged.unit import Services
from tests.factories import NOW
from tests.routing_kit import register
from tests.signed_outside_kit import enter, make_books
from tests.site import make_site, post, sign_in

Site = tuple[Flask, Services]
TOWN = "Mairie d'Atakpamé"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def told(site: Site, account: str = "agent") -> list[tuple[str, list[str], list[str]]]:
    answer = sign_in(site[0], account).get("/enregistrer/connus")
    assert answer.status_code == 200
    return [(name, subjects, references) for name, subjects, references in answer.json]


def test_the_most_frequent_and_most_recent_senders_come_first(site: Site) -> None:
    for sender, subject in (
        ("CEET", "Délestages"), (TOWN, "Séance du conseil"), (TOWN, "Voirie"), (TOWN, "SEANCE du conseil"), ("BOAD", "Mission"),
    ):  # fmt: skip
        register(site[1], subject, sender=sender)
    assert told(site) == [
        (TOWN, ["SEANCE du conseil", "Voirie"], []), ("BOAD", ["Mission"], []), ("CEET", ["Délestages"], []),
    ]  # fmt: skip


def test_letters_that_are_confidential_or_void_or_came_closed_tell_nothing(site: Site) -> None:
    services = site[1]
    register(services, "Secret d'une enquête", sender="Procureur", level=Confidentiality.RESTRICTED)
    voided = register(services, "Erreur", sender="Annulé")
    closed = register(services, "Pli", sender="Fermé")
    merged = register(services, "Doublon", sender="Doublon SA")
    register(services, "Visible", sender=TOWN)
    assert len(told(site)) == 4, "all but the confidential one"
    with services.unit_of_work(NOW) as uow:
        addressed = uow.session.get_one(Mail, closed.mail_id).addressed_post_id
        uow.session.add(SealedEnvelope(arrived_at=NOW, addressed_post_id=addressed, mail_id=closed.mail_id, version=1))
        uow.session.execute(update(Mail).where(Mail.id == voided.mail_id).values(state="voided"))
        sender_id = uow.session.scalars(select(Mail.sender_id).where(Mail.id == merged.mail_id)).one()
        uow.session.execute(update(Correspondent).where(Correspondent.id == sender_id).values(is_active=False))
    assert told(site) == [(TOWN, ["Visible"], [])]


def test_a_digraph_and_its_two_letters_are_one_sender(site: Site) -> None:
    register(site[1], "Quête", sender="Œuvres des Sœurs")
    register(site[1], "Subvention", sender="OEUVRES DES SOEURS")
    assert told(site) == [("Œuvres des Sœurs", ["Subvention", "Quête"], [])]
    with site[1].reading() as db:
        assert db.scalars(select(Correspondent.folded_name)).all() == ["oeuvres des soeurs"]


def test_another_desk_and_who_keeps_no_register_learn_nothing(site: Site) -> None:
    register(site[1], "Visible", sender=TOWN)
    assert told(site, "daf") == []
    assert sign_in(site[0], "sg").get("/enregistrer/connus").status_code == 403


def test_a_long_subject_is_its_letters_own(site: Site) -> None:
    for n in range(known.SUBJECTS + 2):
        register(site[1], f"Rapport n° {n}", sender=TOWN)
    register(site[1], "x" * (known.LONGEST + 1), sender=TOWN)
    ((_name, subjects, _references),) = told(site)
    assert subjects == [f"Rapport n° {n}" for n in range(known.SUBJECTS + 1, 1, -1)]


# --- the question ---------------------------------------------------------------------------------------------------


def fields(site: Site, client: FlaskClient, **values: str) -> dict[str, object]:
    page = client.get("/enregistrer/").text
    first = {
        name: re.search(rf'name="{name}".*?<option value="(\d+)"', page, re.S)
        for name in ("register_id", "addressed_post_id")
    }
    chosen = {name: found[1] for name, found in first.items() if found}
    return {**chosen, "sender_name": TOWN, "subject": "Séance du conseil", "their_reference": "17/MA", **values}


def send(site: Site, client: FlaskClient, **values: str) -> TestResponse:
    return post(client, "/enregistrer/", fields(site, client, **values), page="/enregistrer/")


def asked(client: FlaskClient, **values: str) -> str | None:
    """The mark of the letters of which the form asks while it is typed; None: it asks nothing."""
    found = re.search(
        r'name="looked_at" value="([^"]+)"', client.get("/enregistrer/doublons", query_string=values).text
    )
    return found[1] if found else None


def test_the_answer_given_while_typing_is_taken_and_holds_for_what_was_shown(site: Site) -> None:
    client = sign_in(site[0], "agent")
    assert send(site, client).status_code == 303
    same = {"sender_name": TOWN.upper(), "their_reference": "17 / ma"}
    mark = asked(client, **same)
    assert mark is not None
    assert "Alt</kbd>" in client.get("/enregistrer/doublons", query_string=same).text.replace(" A<", "<")
    assert send(site, client).status_code == 422, "nobody looked at it"
    assert send(site, client, looked_at="999").status_code == 422, "the answer was given of another letter"
    assert send(site, client, looked_at=mark).status_code == 303
    assert send(site, client, looked_at=mark).status_code == 422, "there are two now"


def test_near_subjects_are_asked_while_typing_and_other_letters_are_not(site: Site) -> None:
    client = sign_in(site[0], "agent")
    send(site, client, their_reference="")
    assert asked(client, sender_name=TOWN, subject="Seance du conseil") is not None
    assert asked(client, sender_name=TOWN, subject="Réfection de la voirie", their_reference="18/MA") is None
    assert asked(client, sender_name="CEET", subject="Séance du conseil", their_reference="17/MA") is None


def test_a_refused_form_asks_once_and_keeps_the_answer_for_its_letters(site: Site) -> None:
    client = sign_in(site[0], "agent")
    send(site, client)
    page = send(site, client).text
    assert page.count('id="looked_at"') == 1
    assert re.search(r'id="looked_at"[^>]*data-sends', page)
    mark = asked(client, sender_name=TOWN, their_reference="17/MA")
    ticked = client.get(
        "/enregistrer/doublons", query_string={"sender_name": TOWN, "their_reference": "17/MA", "looked_at": mark}
    ).text
    assert re.search(r'id="looked_at"[^>]* checked', ticked)
    other = client.get(
        "/enregistrer/doublons", query_string={"sender_name": TOWN, "their_reference": "17/MA", "looked_at": "999"}
    ).text
    assert not re.search(r'id="looked_at"[^>]* checked', other)


def test_a_form_of_departures_is_told_the_subjects_that_left(site: Site) -> None:
    """Of the desk's own registers of that direction, the newest first; what is confidential or void tells nothing."""
    services = site[1]
    make_books(services)
    register(services, "Délestages", sender="CEET")
    for subject in ("Convocation du comité", "Tarifs", "CONVOCATION du comité"):
        enter(services, subject=subject)
    enter(services, subject="Enquête", level=Confidentiality.RESTRICTED)
    enter(services, "INT", subject="Congés")
    with services.unit_of_work(NOW) as uow:
        gone = enter(services, subject="Erreur").mail_id
        uow.session.execute(update(MailNumber).where(MailNumber.mail_id == gone).values(voided_at=NOW))

    def told_of(direction: str, account: str = "agent") -> list[list[object]]:
        answer = sign_in(site[0], account).get(f"/enregistrer/connus?sens={direction}").json
        assert answer is not None
        return [row for row in answer if not row[0]]

    assert told_of("outgoing") == [["", ["CONVOCATION du comité", "Tarifs"], []]]
    assert told_of("internal") == [["", ["Congés"], []]]
    assert told_of("incoming") == told_of("x") == []
    assert told_of("outgoing", "daf") == [], "another desk"
