"""Passkeys against a device in software that also lies: what is signed, by whom, for which site, how often."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from ged.entry import factors, passkeys
from ged.entry.models import Passkey, RecoveryCode, StepKind
from ged.errors import GedError, Invalid, NotFound
from ged.org import accounts, sessions
from ged.org.models import Person
from ged.unit import SYSTEM, Role, Services
from tests.factories import NOW, actor, make_organisation, make_services
from tests.passkey_kit import Device
from tests.second_step_kit import ELSEWHERE, arm, armed, half, id_of, journal
from tests.site import PASSWORD, make_site, post, sign_in
from tests.together_kit import together

pytestmark = pytest.mark.in_turns(3)

URL = "http://localhost:8000"
OWN = "/mon-compte/verification/"
REFUSED = "second_step.passkey_refused"


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = replace(make_services(tmp_path, url=either_database), public_url=URL)
    make_organisation(made)
    yield made
    made.engine.dispose()


def add(
    services: Services, account: str, device: Device, *, name: str = "clé", verified: bool = True
) -> passkeys.Added:
    who = actor(services, account)
    with services.unit_of_work(NOW) as uow:
        token, options = passkeys.begin(uow, actor=who, instead_of="")
    with services.unit_of_work(NOW) as uow:
        return passkeys.add(uow, token, name, device.make(options, verified=verified), actor=who)


def enter(services: Services, token: str, answer: str, kind: StepKind = StepKind.ALONE) -> int:
    return passkeys.sign_in(services, token, answer, kind=kind, caller=ELSEWHERE, now=NOW).person_id


def alone(services: Services, device: Device, **lies: object) -> int:
    token, options = passkeys.ask_alone(services, instead_of="", address="10.0.0.1", now=NOW)
    return enter(services, token, device.sign(options, **lies))  # type: ignore[arg-type]


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(GedError) as refused:
        act()
    return refused.value.code


def test_a_passkey_opens_alone_and_after_the_password(services: Services) -> None:
    device = Device(URL)
    added = add(services, "agent", device)
    assert (len(added.recovery_codes), added.raised_epoch) == (10, 1)
    assert alone(services, device) == id_of(services, "agent")
    step = half(services, "agent", NOW)
    options = passkeys.ask(services, step, now=NOW)
    asked = json.loads(options)
    assert (asked["rpId"], asked["userVerification"], len(asked["allowCredentials"])) == ("localhost", "required", 1)
    assert enter(services, step, device.sign(options), StepKind.SECOND) == id_of(services, "agent")
    with services.reading() as session:
        row = session.scalars(select(Passkey)).one()
    assert (row.sign_count, row.used_at, row.rp_id) == (2, NOW, "localhost")


def test_what_a_stranger_is_asked_names_nobody(services: Services) -> None:
    add(services, "agent", Device(URL))
    _token, options = passkeys.ask_alone(services, instead_of="", address="10.0.0.1", now=NOW)
    assert json.loads(options)["allowCredentials"] == []


def test_a_lie_is_refused_in_the_same_words_as_an_unknown_key(services: Services) -> None:
    device = Device(URL)
    add(services, "agent", device)
    assert code_of(lambda: alone(services, device, verified=False)) == REFUSED
    assert code_of(lambda: alone(services, device, handle=b"somebody else")) == REFUSED
    assert code_of(lambda: alone(services, Device(URL))) == REFUSED, "unknown"
    forged = Device(URL)
    forged.id, forged.handle = device.id, device.handle
    assert code_of(lambda: alone(services, forged)) == REFUSED, "another private key"
    for origin, rp_id in (("https://evil.example", "localhost"), (URL, "evil.example"), (f"{URL}0", "localhost")):
        device.origin, device.rp_id = origin, rp_id
        assert code_of(lambda: alone(services, device)) == REFUSED, (origin, rp_id)
    device.origin, device.rp_id = URL, "localhost"
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "agent").values(is_active=False))
    assert code_of(lambda: alone(services, device)) == REFUSED, "a closed account"


@pytest.mark.parametrize("answer", ["", "null", "[]", "{}", '{"id": 3}', '{"id": "AA", "response": 7}', "x" * 30_000])
def test_an_answer_that_is_none_is_refused(services: Services, answer: str) -> None:
    token, _options = passkeys.ask_alone(services, instead_of="", address="10.0.0.1", now=NOW)
    assert code_of(lambda: enter(services, token, answer)) == REFUSED


def test_an_answer_counts_once_for_its_own_challenge(services: Services) -> None:
    device = Device(URL)
    add(services, "agent", device)
    token, options = passkeys.ask_alone(services, instead_of="", address="10.0.0.1", now=NOW)
    answer = device.sign(options)
    enter(services, token, answer)
    assert code_of(lambda: enter(services, token, answer)) == "second_step.over"
    later, _ = passkeys.ask_alone(services, instead_of="", address="10.0.0.1", now=NOW)
    assert code_of(lambda: enter(services, later, answer)) == REFUSED, "of another challenge"
    with pytest.raises(Invalid, match=r"second_step\.over"):
        passkeys.sign_in(
            services, later, answer, kind=StepKind.ALONE, caller=ELSEWHERE, now=NOW + timedelta(minutes=11)
        )  # fmt: skip


def test_a_device_that_does_not_count_is_as_good_and_is_not_replayed(services: Services) -> None:
    device = Device(URL)
    add(services, "agent", device)
    for _ in range(2):
        assert alone(services, device, counts=False) == id_of(services, "agent")
    token, options = passkeys.ask_alone(services, instead_of="", address="10.0.0.1", now=NOW)
    answer = device.sign(options, counts=False)
    results = together(*[lambda: enter(services, token, answer)] * 3)
    assert [one.code for one in results if isinstance(one, GedError)] == ["second_step.over"] * 2


def test_a_count_that_goes_back_is_a_copy_and_stands_in_the_journal(services: Services) -> None:
    device = Device(URL)
    add(services, "agent", device)
    alone(services, device)
    alone(services, device)
    device.count = 1
    assert code_of(lambda: alone(services, device)) == "second_step.passkey_copied"
    action, told = journal(services)[-1]
    assert (action, told["count"], told["known"]) == ("second_step.refused", 2, 2)
    with services.reading() as session:
        assert session.scalars(select(Passkey.sign_count)).one() == 2


def test_anothers_passkey_is_no_second_step(services: Services) -> None:
    own, foreign = Device(URL), Device(URL)
    add(services, "agent", own)
    add(services, "dge", foreign)
    step = half(services, "agent", NOW)
    options = passkeys.ask(services, step, now=NOW)
    assert code_of(lambda: enter(services, step, foreign.sign(options), StepKind.SECOND)) == REFUSED
    assert code_of(lambda: enter(services, step, foreign.sign(options), StepKind.ALONE)) == "second_step.over"
    assert enter(services, step, own.sign(passkeys.ask(services, step, now=NOW)), StepKind.SECOND)


def test_a_passkey_without_verification_of_its_user_is_not_added(services: Services) -> None:
    assert code_of(lambda: add(services, "agent", Device(URL), verified=False)) == REFUSED
    assert not armed(services, "agent")
    assert code_of(lambda: add(services, "agent", Device("https://evil.example"))) == REFUSED


def test_a_passkey_is_added_once_by_whom_it_was_asked_for(services: Services) -> None:
    device = Device(URL)
    add(services, "agent", device)
    assert code_of(lambda: add(services, "dge", device)) == "second_step.passkey_known"
    with services.unit_of_work(NOW) as uow:
        token, options = passkeys.begin(uow, actor=actor(services, "agent"), instead_of="")
    assert [one["id"] for one in json.loads(options)["excludeCredentials"]], "the device says that it is there"
    answer = Device(URL).make(options)

    def steal() -> None:
        with services.unit_of_work(NOW) as uow:
            passkeys.add(uow, token, "volée", answer, actor=actor(services, "dge"))

    assert code_of(steal) == "second_step.over"

    def keep() -> None:
        with services.unit_of_work(NOW) as uow:
            passkeys.add(uow, token, "la mienne", answer, actor=actor(services, "agent"))

    results = together(keep, keep)
    assert [one.code for one in results if isinstance(one, GedError)] == ["second_step.over"]


def test_several_passkeys_have_one_handle_and_the_recovery_codes_stay(services: Services) -> None:
    first, second = Device(URL), Device(URL)
    made = add(services, "agent", first).recovery_codes
    added = add(services, "agent", second, name="clé de réserve")
    assert (added.recovery_codes, added.raised_epoch, first.handle == second.handle) == ((), None, True)
    with services.reading() as session:
        assert len(session.scalars(select(RecoveryCode)).all()) == len(made)
        found = factors.factors_of(session, id_of(services, "agent"))
    assert [key.name for key in found.passkeys] == ["clé", "clé de réserve"]
    assert alone(services, second)


def test_removed_passkeys_open_nothing_and_the_last_takes_the_codes_along(services: Services) -> None:
    first, second = Device(URL), Device(URL)
    add(services, "agent", first)
    add(services, "agent", second)
    strict = replace(services, second_factor_roles=frozenset({Role.CLERK}))
    with services.reading() as session:
        ids = session.scalars(select(Passkey.id).order_by(Passkey.id)).all()

    def remove(passkey_id: int, who: str, by: Services = services) -> None:
        with by.unit_of_work(NOW) as uow:
            factors.remove_passkey(uow, passkey_id, actor=actor(services, who))

    with pytest.raises(NotFound):
        remove(ids[0], "dge")
    remove(ids[0], "agent", strict)
    assert code_of(lambda: remove(ids[1], "agent", strict)) == "second_step.needed"
    assert code_of(lambda: alone(services, first)) == REFUSED
    remove(ids[1], "agent")
    with services.reading() as session:
        assert session.scalars(select(RecoveryCode)).all() == []
    assert not armed(services, "agent")


def test_two_who_remove_the_last_two_leave_one(services: Services) -> None:
    strict = replace(services, second_factor_roles=frozenset({Role.CLERK}))
    arm(services, "agent", NOW)
    add(services, "agent", Device(URL))
    with services.reading() as session:
        key = session.scalars(select(Passkey.id)).one()
    who = actor(services, "agent")

    def telephone() -> None:
        with strict.unit_of_work(NOW) as uow:
            factors.remove_totp(uow, actor=who)

    def passkey() -> None:
        with strict.unit_of_work(NOW) as uow:
            factors.remove_passkey(uow, key, actor=who)

    results = together(telephone, passkey)
    assert [one.code for one in results if isinstance(one, GedError)] == ["second_step.needed"]
    assert armed(services, "agent")


def test_challenges_for_strangers_are_slowed_by_address(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "ASKED", passkeys.Limit("passkey", 3, 60))

    def ask(address: str) -> Callable[[], object]:
        return lambda: passkeys.ask_alone(services, instead_of="", address=address, now=NOW)

    for _ in range(3):
        ask("10.0.0.1")()
    assert code_of(ask("10.0.0.1")) == "session.throttled"
    ask("10.0.0.2")()


def test_an_address_of_numbers_offers_no_passkeys(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    client = sign_in(app, "agent")
    assert "Les clés d'accès demandent un nom de site" in client.get("/mon-compte/verification/").text
    assert "clé d'accès" not in app.test_client().get("/connexion").text
    answer = post(app.test_client(), "/connexion/cle/demande", {})
    assert (answer.status_code, "ne permet pas de clé" in str(answer.get_json())) == (422, True)
    services.engine.dispose()


@pytest.fixture
def named(tmp_path: Path) -> Iterator[tuple[Flask, Services]]:
    app, made = make_site(tmp_path)
    services = replace(made, public_url=URL)
    app.extensions["ged_services"] = services
    yield app, services
    services.engine.dispose()


def test_the_pages_tell_a_script_in_words_and_ask_for_a_token(named: tuple[Flask, Services]) -> None:
    app, services = named
    device = Device(URL)
    add(services, "agent", device)
    client = app.test_client()
    assert client.post("/connexion/cle/demande").status_code != 200, "no token of the form"
    asked = post(client, "/connexion/cle/demande", {})
    assert (asked.status_code, asked.get_json()["rpId"]) == (200, "localhost")
    wrong = post(client, "/connexion/cle", {"answer": "{}", "next": "/recherche/"})
    assert (wrong.status_code, "n'a pas été acceptée" in wrong.text) == (422, True)
    answer = device.sign(asked.get_data(as_text=True))
    assert post(client, "/connexion/cle", {"answer": answer, "next": "/recherche/"}).location == "/recherche/"
    assert client.get("/recherche/").status_code == 200
    other = app.test_client()
    assert "Le délai est passé" in post(other, "/connexion/cle", {"answer": answer}).text
    over = post(other, "/connexion/etape-2/cle/demande", {})
    assert (over.status_code, "Recommencez" in over.get_json()["message"]) == (422, True)


def test_a_password_that_is_set_after_the_passkey_was_taken_opens_nothing(
    named: tuple[Flask, Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset is there to keep somebody out who holds a device."""
    app, services = named
    device, took = Device(URL), passkeys.sign_in
    add(services, "agent", device)

    def late(*given: Any, **more: Any) -> passkeys.Opened:
        opened = took(*given, **more)
        with services.unit_of_work(NOW) as uow:
            accounts.set_password(uow, opened.person_id, "x", actor=SYSTEM)
        return opened

    monkeypatch.setattr(passkeys, "sign_in", late)
    client = app.test_client()
    answer = device.sign(post(client, "/connexion/cle/demande", {}).get_data(as_text=True))
    assert post(client, "/connexion/cle", {"answer": answer}).status_code == 422
    assert client.get("/recherche/").status_code != 200
    with services.reading() as session:
        assert sessions.listing(session, actor(services, "agent"), now=datetime.now(UTC)) == []


def test_whoever_must_have_a_second_step_may_take_a_passkey_and_keeps_the_last(named: tuple[Flask, Services]) -> None:
    app, services = named
    app.extensions["ged_services"] = replace(services, second_factor_roles=frozenset({Role.CLERK}))
    client = sign_in(app, "agent")
    assert client.get("/recherche/").location == OWN
    device = Device(URL)
    answer = post(client, f"{OWN}cle/ajouter", {"name": "Clé", "answer": device.make(_offered(client, ""))})
    assert "Vos codes de secours" in answer.text
    assert client.get("/recherche/").status_code == 200
    (key,) = _keys(services)
    removed = post(client, f"{OWN}cle/{key}/retirer", {"current_password": PASSWORD})
    assert (removed.status_code, "Ajoutez d'abord un autre" in removed.text) == (422, True)
    second = Device(URL)
    post(client, f"{OWN}cle/ajouter", {"name": "Réserve", "answer": second.make(_offered(client, PASSWORD))})
    assert post(client, f"{OWN}cle/{key}/retirer", {"current_password": "faux"}).status_code == 422
    assert len(_keys(services)) == 2
    assert post(client, f"{OWN}cle/{key}/retirer", {"current_password": PASSWORD}).location == OWN
    assert post(client, f"{OWN}cle/{key}/retirer", {"current_password": PASSWORD}).status_code == 404
    assert "Réserve" in client.get(OWN).text
    assert len(_keys(services)) == 1


def _offered(client: FlaskClient, password: str) -> str:
    """What the page gives the browser to make a passkey."""
    page = post(client, f"{OWN}cle", {"name": "Clé", "current_password": password})
    found = re.search(r'data-passkey-options="([^"]+)"', page.get_data(as_text=True))
    assert found is not None, page.get_data(as_text=True)
    return unescape(found[1])


def _keys(services: Services) -> list[int]:
    with services.reading() as session:
        return list(session.scalars(select(Passkey.id).order_by(Passkey.id)))
