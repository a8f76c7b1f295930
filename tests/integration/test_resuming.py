"""After a restore: what signs, sends and registers is refused in words, keeps what was typed, and works once the number is said."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.config import load_settings
from ged.dispatch import signed_outside
from ged.envelopes import operations as envelopes
from ged.errors import InvalidTransition
from ged.register.models import Mail, MailNumber
from ged.register.states import MailState
from ged.resuming import queries
from ged.slips.drafting import LineForm
from ged.typography import plain
from ged.unit import Services
from ged.verify import verify
from tests.backup_kit import Copied
from tests.factories import NOW, actor, make_organisation, make_services
from tests.resuming_kit import hold, hold_id, numbers, register, release
from tests.signbook_kit import House, house
from tests.signed_outside_kit import form as outside
from tests.site import make_site, post, sign_in
from tests.slip_kit import register_id, send
from web.processes import restore as process
from web.wiring.services import build_services

__all__ = ["house"]

pytestmark = pytest.mark.in_turns(3)


# --- the restore itself ------------------------------------------------------------------------------------------


def test_a_restored_installation_gives_no_number_twice(tmp_path: Path) -> None:
    copied = Copied.make(tmp_path)
    copied.letter("Dans la copie")
    copied.copy(now=datetime.now(UTC).replace(microsecond=0))
    on_paper = [number_of(copied.services, copied.letter(f"Après la copie {n}")) for n in (1, 2)]
    assert process.drill(copied.wanted(), tmp_path / "spare", letters=1).faults == ()
    outcome = process.restore(copied.wanted(), tmp_path / "back" / "data", tmp_path / "back" / "settings")
    copied.installation.close()
    assert outcome.report.problems == ()
    assert outcome.settled.waiting == ("ARR", "DEP", "BT", "PLI", "ARR-DGE")
    services = build_services(load_settings(outcome.settings, alone=True), writes_index=True)
    back = replace(copied.installation, services=services)
    with pytest.raises(InvalidTransition, match=r"register\.waits"):
        back.register("Trop tôt")
    with services.reading() as session:
        assert queries.waiting_codes(session) == ["ARR", "ARR-DGE", "BT", "DEP", "PLI"]
    now = datetime.now(UTC)
    assert release(services, "ARR", 3, year=now.year, now=now).lost == 2
    assert number_of(services, back.register("Après la reprise")) not in on_paper
    assert [one[0] for one in numbers(services, "ARR")][1:3] == on_paper, (
        "those of the paper stand in the register, void"
    )
    assert verify(services, now=datetime.now(UTC)).problems == ()
    services.engine.dispose()


def number_of(services: Services, mail_id: int) -> str:
    with services.reading() as session:
        return session.scalars(select(MailNumber.text).where(MailNumber.mail_id == mail_id)).one()


# --- everything that takes a number ------------------------------------------------------------------------------


def test_a_letter_to_sign_waits_unchanged_and_is_signed_afterwards(house: House) -> None:
    mail_id, key = house.ready(), house.key("sg")
    hold(house.services)
    (refused,) = house.sign(mail_id, key=key)
    assert refused.failure is not None
    assert (refused.failure.code, refused.number, house.signer.signed) == ("register.waits", "", 0)
    with house.services.reading() as session:
        assert session.get_one(Mail, mail_id).state is MailState.IN_CIRCUIT
    release(house.services, "DEP", 7)
    (signed,) = house.sign(mail_id, key=key)
    assert (signed.failure, signed.number) == (None, "00008/2026/MIN/SG")


def test_slips_envelopes_and_letters_signed_outside_wait_too(services: Services) -> None:
    mail_id = register(services).mail_id
    hold(services)
    works = {
        "BT": lambda: send(services, LineForm(mail_id=mail_id)).number,
        "PLI": lambda: envelope(services),
        "DEP": lambda: departure(services),
    }
    for work in works.values():
        with pytest.raises(InvalidTransition, match=r"register\.waits"):
            work()
    for code, work in works.items():
        release(services, code, 1)
        assert "2/2026" in work()


def envelope(services: Services) -> str:
    clerk, to = actor(services, "agent"), actor(services, "sg").posts[0].post_id
    form = envelopes.EnvelopeForm(NOW, to, "Cour des comptes", "PERSONNEL", "confidentiel", 1)
    with services.unit_of_work(NOW) as uow:
        return envelopes.register_envelope(uow, register_id(services, "PLI"), form, actor=clerk, now=NOW).number


def departure(services: Services, now: datetime = NOW) -> str:
    with services.unit_of_work(now) as uow:
        return signed_outside.register(
            uow, register_id(services, "DEP"), outside(services), actor=actor(services, "agent"), now=now
        ).number


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


# --- the pages ---------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Flask, Services]]:
    """A site brought back just now: the register of arrivals stands at 1."""
    app, made = make_site(tmp_path)
    now = datetime.now(UTC)
    register(made, now=now)
    hold(made, copied_at=now - timedelta(minutes=1), now=now)
    yield app, made
    made.engine.dispose()


def place(services: Services, code: str) -> str:
    return f"/registres/reprise/{hold_id(services, code, datetime.now(UTC).year)}"


def letter(services: Services, **more: object) -> dict[str, object]:
    return {
        "register_id": register_id(services, "ARR"), "addressed_post_id": actor(services, "sg").posts[0].post_id,
        "sender_name": "Collectif des riverains", "subject": "Bruit du groupe électrogène", "channel": "post", **more,
    }  # fmt: skip


def test_a_refused_registration_keeps_what_was_typed_and_leads_to_the_page(site: tuple[Flask, Services]) -> None:
    app, services = site
    client = sign_in(app, "agent")
    answer = post(client, "/enregistrer/", letter(services))
    assert answer.status_code == 409
    for shown in (
        "Ce registre attend le dernier numéro donné",
        "Collectif des riverains",
        "Bruit du groupe électrogène",
        "/registres/reprise",
    ):
        assert shown in answer.text
    post(client, place(services, "ARR"), {"last_number": "3"})
    assert post(client, "/enregistrer/", letter(services)).status_code == 303
    assert [one[1] for one in numbers(services, "ARR")] == [False, True, True, False]


def test_the_desk_says_it_first_to_who_keeps_the_registers(site: tuple[Flask, Services]) -> None:
    app, services = site
    desk = sign_in(app, "agent").get("/").text
    assert "4 registres attendent le dernier numéro donné avant la panne" in desk
    assert desk.index("attendent le dernier numéro") < desk.index("Ce qui vous attend")
    assert "attendent le dernier numéro" not in sign_in(app, "sg").get("/").text
    assert sign_in(app, "sg").get("/registres/reprise").status_code == 403
    assert sign_in(app, "dge").get(place(services, "ARR")).status_code == 404


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Le dernier numéro donné manque"),
        ({"last_number": "3", "none": "1"}, "Gardez l'un des deux"),
        ({"last_number": "0"}, "La copie contient déjà des numéros jusqu'au 1"),
        ({"last_number": "trois"}, "Ce n'est pas un numéro du registre"),
        ({"last_number": "600"}, "J'ai vérifié : 599 courriers"),
        ({"last_number": "600"}, "De 1 à 600, 599 numéros seraient perdus"),
        ({"last_number": "00600/%s/MIN"}, 'name="sure" value="600"'),
        ({"last_number": "600", "sure": "601"}, "J'ai vérifié : 599 courriers"),
        ({"last_number": "2147483648000"}, "Ce n'est pas un numéro du registre"),
        ({"last_number": "99999"}, "plus de 20000 numéros"),
    ],
)  # fmt: skip
def test_a_wrong_number_is_told_at_its_field(site: tuple[Flask, Services], typed: dict[str, object], said: str) -> None:
    app, services = site
    year = datetime.now(UTC).year
    sent = {name: str(value).replace("%s", str(year)) for name, value in typed.items()}
    answer = post(sign_in(app, "agent"), place(services, "ARR"), sent)
    assert answer.status_code == 422
    assert said in spaces(answer.text)


def spaces(text: str) -> str:
    return plain(html.unescape(text))


def test_each_answer_leads_to_the_next_register_and_a_second_one_is_told(site: tuple[Flask, Services]) -> None:
    app, services = site
    client, first = sign_in(app, "agent"), place(services, "ARR")
    answer = post(client, first, {"last_number": "600", "sure": "600"})
    assert answer.headers["Location"] == place(services, "DEP")
    assert post(client, first, {"last_number": "600", "sure": "600"}).status_code == 303, "sent twice"
    other = post(client, first, {"none": "1"})
    assert other.status_code == 409
    assert "a déjà été remis en service, avec le dernier numéro 600 (Agent)" in spaces(other.text)
    for code in ("DEP", "BT", "PLI"):
        answer = post(client, place(services, code), {"none": "1"})
    assert answer.headers["Location"] == "/registres/reprise"
    page = client.get("/registres/reprise").text
    assert "599 courriers à ressaisir" in page
    assert "et 499 autres" in page


def test_registers_that_numbered_nothing_are_answered_for_in_one_list(site: tuple[Flask, Services]) -> None:
    app, services = site
    agent, now = sign_in(app, "agent"), datetime.now(UTC)
    assert "le dire en une fois" in agent.get("/registres/reprise").text
    ticked = agent.get("/registres/reprise/aucun").text
    boxes = dict(re.findall(r'name="hold" value="(\d+)"( checked)?', ticked))
    own = {str(hold_id(services, code, now.year)): code for code in ("ARR", "DEP", "BT", "PLI")}
    assert boxes.keys() == own.keys(), "those of other offices are not there"
    assert {own[one] for one, is_ticked in boxes.items() if is_ticked} == {"DEP", "BT", "PLI"}, (
        "ARR has a number of the year"
    )
    chosen = {"hold": [one for one, code in own.items() if code in ("BT", "PLI")]}
    shown = agent.get("/registres/reprise/aucun", query_string=chosen).text
    assert "ces 2 registres" in shown
    assert agent.get("/registres/reprise/aucun?hold=x&hold=-1&hold=999999999999999").status_code == 200
    assert post(agent, "/registres/reprise/aucun", {}).status_code == 422
    others = sign_in(app, "dge")
    assert post(others, "/registres/reprise/aucun", chosen).status_code in (403, 404)
    assert post(agent, "/registres/reprise/aucun", chosen).status_code == 303
    with services.reading() as session:
        assert queries.waiting_codes(session) == ["ARR", "ARR-DGE", "DEP"]
    stale = post(agent, "/registres/reprise/aucun", {"hold": [*own, "99999"]})
    assert "de la liste" in plain(html.unescape(stale.text)) or stale.status_code in (404, 422)


def test_a_lost_letter_is_entered_again_from_its_line(site: tuple[Flask, Services]) -> None:
    app, services = site
    client = sign_in(app, "agent")
    post(client, place(services, "ARR"), {"last_number": "2"})
    (lost_id,) = [int(one) for one in re.findall(r"perdu=(\d+)", client.get("/registres/reprise").text)]
    form = client.get(f"/enregistrer/?perdu={lost_id}").text
    assert "Vous ressaisissez le courrier" in form
    assert f'name="perdu" value="{lost_id}"' in form
    assert f'value="{lost_id}"' in post(client, "/enregistrer/", letter(services, perdu=lost_id, subject="")).text
    assert post(client, "/enregistrer/", letter(services, perdu=lost_id)).status_code == 303
    assert "perdu=" not in client.get("/registres/reprise").text
    again = post(client, "/enregistrer/", letter(services, perdu=lost_id, subject="Un autre"))
    assert again.status_code == 409, "a colleague was faster"
    assert "Un autre" in again.text
    with services.reading() as session:
        found = session.scalars(select(MailNumber).where(MailNumber.id.in_([lost_id, lost_id + 1]))).all()
        assert len({one.mail_id for one in found}) == 1
        actions = session.scalars(select(AuditEntry.action)).all()
        assert actions.count("number.retaken") == 1


def test_a_departure_that_was_entered_again_is_joined_by_its_new_number(site: tuple[Flask, Services]) -> None:
    app, services = site
    client, now = sign_in(app, "agent"), datetime.now(UTC)
    for code in ("ARR", "DEP"):
        post(client, place(services, code), {"last_number": "2"} if code == "DEP" else {"none": "1"})
    page = client.get("/registres/reprise").text
    (at, _other) = re.findall(r"/registres/reprise/numero/\d+", page)
    arrival = register(services, now=now).number
    assert "n'a pas été ressaisi" in spaces(post(client, at, {"number": arrival}).text)
    assert post(client, at, {"number": departure(services, now)}).status_code == 303
    assert len(re.findall(r"/registres/reprise/numero/\d+", client.get("/registres/reprise").text)) == 1
    assert post(client, at, {"number": arrival}).status_code == 404
