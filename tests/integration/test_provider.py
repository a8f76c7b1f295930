"""Signing in through an identity provider, as a browser does; proving again; shared desks."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from ged.directory import provider
from ged.directory.models import ProviderSession
from ged.entry import second
from ged.org import accounts, sessions
from ged.org.models import OpenSession, Person
from ged.org.throttle import Unwritten
from ged.unit import SYSTEM, Role, Services
from tests.directory_kit import ScriptedDirectory, ScriptedProvider
from tests.factories import make_services
from tests.second_step_kit import arm, code, id_of, journal
from tests.site import PASSWORD, make_site, post, token_of

pytestmark = pytest.mark.in_turns(3)

Site = tuple[Flask, Services, ScriptedProvider]
BACK = "/connexion/fournisseur/retour"


@pytest.fixture
def script() -> ScriptedProvider:
    return ScriptedProvider()


@pytest.fixture
def site(tmp_path: Path, script: ScriptedProvider) -> Iterator[Site]:
    provider = script.provider(second_step=("2",))
    app, services = make_site(tmp_path, services=replace(make_services(tmp_path), provider=provider))
    yield app, services, script
    services.engine.dispose()


def leave(client: FlaskClient, target: str = "", path: str = "/connexion/fournisseur") -> str:
    """The address to which the page sends the browser."""
    page = post(client, path, {"next": target})
    assert page.status_code == 200, page.text
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.get_data(as_text=True))
    assert found
    return unescape(found[1])


def come(client: FlaskClient, script: ScriptedProvider, way: str, **more: str) -> TestResponse:
    given, state = script.come_back(way)
    return client.get(BACK, query_string={"code": given, "state": state, **more})


def signed_in(app: Flask, script: ScriptedProvider, target: str = "") -> FlaskClient:
    client = app.test_client()
    answer = come(client, script, leave(client, target))
    assert answer.status_code == 303, answer.text
    return client


def who(client: FlaskClient) -> str:
    page = client.get("/mon-compte/sessions")
    found = re.search(r'user-menu__name">([^<]+)', page.text)
    return found[1] if found else ""


def rows(services: Services, what: Any) -> list[Any]:
    with services.reading() as session:
        return list(session.scalars(select(what)))


# --- in, and out ---


def test_the_way_in_links_the_account_and_leads_where_the_person_wanted(site: Site) -> None:
    app, services, script = site
    client = app.test_client()
    answer = come(client, script, leave(client, "/avis/"))
    assert (answer.status_code, answer.location) == (303, "/avis/")
    assert who(client) == "Dge"
    assert [action for action, _ in journal(services, "")][-2:] == ["directory.bound", "session.opened"]
    assert [one.token_hash for one in rows(services, ProviderSession)] == [
        one.token_hash for one in rows(services, OpenSession)
    ]


@pytest.mark.parametrize(
    "target", ["https://ailleurs.example/", "//ailleurs.example", "/\\ailleurs.example", "javascript:alert(1)"]
)
def test_no_way_leads_to_another_site(site: Site, target: str) -> None:
    app, _, script = site
    client = app.test_client()
    assert come(client, script, leave(client, target)).location == "/"


def test_sub_is_the_person_and_a_name_is_not(site: Site) -> None:
    app, services, script = site
    signed_in(app, script)
    script.account = "daf"  # renamed there: the same person here
    assert who(signed_in(app, script)) == "Dge"
    script.sub, script.account = "sub-2", "dge"  # another person got the name
    client = app.test_client()
    answer = come(client, script, leave(client))
    assert answer.status_code == 422
    assert "Aucun compte d'ici n'est le vôtre" in answer.text
    assert journal(services, "directory.mismatch")[0][1]["subject"] == "sub-2"
    assert who(client) == ""


@pytest.mark.parametrize("account", ["personne", "", "sg "])
def test_who_has_no_account_here_gets_in_nowhere(site: Site, account: str) -> None:
    app, services, script = site
    if account == "sg ":
        with services.unit_of_work(datetime.now(UTC)) as uow:
            uow.session.execute(update(Person).where(Person.account == "sg").values(is_active=False))
    script.account = account
    client = app.test_client()
    assert come(client, script, leave(client)).status_code == 422
    assert rows(services, OpenSession) == []


def test_a_linked_account_has_no_password_here(site: Site) -> None:
    app, _, script = site
    client = signed_in(app, script)
    assert post(app.test_client(), "/connexion", {"account": "dge", "password": PASSWORD}).status_code == 422
    assert client.get("/mon-compte/mot-de-passe").status_code == 403
    assert "Changer mon mot de passe" not in client.get("/").text


def test_signing_out_ends_the_session_at_the_provider_too(site: Site) -> None:
    app, services, script = site
    client = signed_in(app, script)
    token = rows(services, ProviderSession)[0].id_token
    way = leave(client, path="/deconnexion")
    assert "end_session_endpoint" in way
    assert f"id_token_hint={token}" in way
    assert rows(services, OpenSession) == []


def test_the_provider_s_message_ends_the_session_that_it_names(site: Site) -> None:
    app, services, script = site
    client = signed_in(app, script)
    events = {"http://schemas.openid.net/event/backchannel-logout": {}}
    stranger = app.test_client()
    assert stranger.post("/connexion/fournisseur/fin", data={"logout_token": "a.b.c"}).status_code == 400
    token = script.token(events=events, sub=None, sid="une autre")
    assert stranger.post("/connexion/fournisseur/fin", data={"logout_token": token}).status_code == 200
    assert who(client) == "Dge"
    assert (
        stranger.post("/connexion/fournisseur/fin", data={"logout_token": script.token(events=events)}).status_code
        == 200
    )
    assert who(client) == ""
    assert journal(services, "directory.left")


# --- what a thief tries ---


def test_a_way_is_taken_once(site: Site) -> None:
    app, _, script = site
    client = app.test_client()
    way = leave(client)
    given, state = script.come_back(way)
    assert client.get(BACK, query_string={"code": given, "state": state}).status_code == 303
    thief = app.test_client()
    with client.session_transaction() as theirs, thief.session_transaction() as own:
        own.update({name: value for name, value in theirs.items() if name != "sid"})
    answer = thief.get(BACK, query_string={"code": given, "state": state})
    assert answer.status_code == 422
    assert who(thief) == ""


def test_an_answer_that_another_browser_brings_is_nobody_s(site: Site) -> None:
    app, _services, script = site
    thief, victim = app.test_client(), app.test_client()
    given, state = script.come_back(leave(thief))
    leave(victim)  # the victim has a way of their own
    assert victim.get(BACK, query_string={"code": given, "state": state}).status_code == 422
    assert thief.get(BACK, query_string={"code": given, "state": state}).status_code == 303  # and spoils nothing


def test_two_tabs_each_have_their_own_way(site: Site) -> None:
    app, _, script = site
    client = app.test_client()
    first, second = leave(client, "/avis/"), leave(client, "/mon-compte/sessions")
    code_1, state_1 = script.come_back(first)
    code_2, _ = script.come_back(second)
    crossed = client.get(BACK, query_string={"code": code_2, "state": state_1})  # the nonce of another tab
    assert crossed.status_code == 422
    assert come(client, script, second).location == "/mon-compte/sessions"
    late = client.get(BACK, query_string={"code": code_1, "state": state_1})
    assert late.location == "/"  # signed in meanwhile: nothing is amiss
    assert who(client) == "Dge"


def test_the_session_s_text_is_new_and_nothing_of_before_is_left(site: Site) -> None:
    app, _, script = site
    client = app.test_client()
    with client.session_transaction() as planted:
        planted["sid"], planted["provider_browser"] = "planté", "planté"
    client.get("/connexion")  # a session that never was empties the cookie, with all that was planted there
    assert come(client, script, leave(client)).status_code == 303
    with client.session_transaction() as kept:
        assert kept["sid"] != "planté"
        assert not {"provider", "provider_browser", "step"} & kept.keys()


def test_an_answer_of_another_issuer_is_refused(site: Site) -> None:
    app, _, script = site
    client = app.test_client()
    assert come(client, script, leave(client), iss="https://ailleurs.example").status_code == 422


def test_a_text_of_the_address_is_not_shown(site: Site) -> None:
    client = site[0].test_client()
    page = client.get(BACK, query_string={"error": "access_denied", "error_description": "Appelez le 22 00 00 00"})
    assert page.status_code == 422
    assert "22 00" not in page.text


# --- the second step ---


def test_the_second_step_here_follows_the_provider(site: Site) -> None:
    app, services, script = site
    arm(services, "dge", datetime.now(UTC))
    client = app.test_client()
    answer = come(client, script, leave(client, "/avis/"))
    assert answer.location == "/connexion/etape-2?next=/avis/"
    assert who(client) == ""
    typed = {"code": code(services, "dge", datetime.now(UTC)), "next": "/avis/"}
    assert post(client, "/connexion/etape-2", typed).location == "/avis/"
    assert who(client) == "Dge"
    assert rows(services, ProviderSession)[0].token_hash == rows(services, OpenSession)[0].token_hash


@pytest.mark.parametrize("armed", [False, True], ids=["the provider alone", "with a second step"])
def test_a_password_that_is_set_after_the_provider_named_the_person_opens_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, armed: bool
) -> None:
    app, services, script = site
    at, finish = datetime.now(UTC), provider.finish
    if armed:
        arm(services, "dge", at)

    def late(*given: Any, **more: Any) -> provider.Came:
        came = finish(*given, **more)
        with services.unit_of_work(at) as uow:
            accounts.set_password(uow, came.person_id, "x", actor=SYSTEM)
        return came

    monkeypatch.setattr(provider, "finish", late)
    client = app.test_client()
    answer = come(client, script, leave(client))
    if armed:
        assert post(client, answer.location, {"code": code(services, "dge", at)}).location.startswith("/connexion")
    else:
        assert answer.status_code == 422
    assert who(client) == ""


@pytest.mark.parametrize("where", ["session", "step", "finish"])
def test_a_full_disk_asks_for_the_telephone_behind_the_provider_too(
    site: Site, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """An administrator gets in to read the fault, by no less than on another day."""
    app, services, script = site
    script.account, at = "admin", datetime.now(UTC)
    if where != "session":
        arm(services, "admin", at - timedelta(minutes=2))
    monkeypatch.setattr(second, "_taken", {})
    monkeypatch.setattr(second, "_unwritten", Unwritten())
    of = {"session": (sessions, "open_session"), "step": (second, "begin"), "finish": (provider, "_keep")}
    monkeypatch.setattr(*of[where], full)
    client = app.test_client()
    answer = come(client, script, leave(client))
    if where != "session":
        assert answer.location.startswith("/connexion/etape-2")
        assert client.get("/administration/").status_code == 303, "the provider alone opens nothing"
        post(client, "/connexion/etape-2", {"code": code(services, "admin", at)})
    assert "Disque plein" in client.get("/administration/").text


def full(*_: object, **__: object) -> None:
    raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))


def test_what_waits_of_one_person_never_goes_to_another(site: Site) -> None:
    app, services, script = site
    arm(services, "dge", datetime.now(UTC))
    client = app.test_client()
    come(client, script, leave(client))
    post(client, "/connexion", {"account": "etudes", "password": PASSWORD})
    assert who(client) == "Etudes"
    assert rows(services, ProviderSession)[0].token_hash != rows(services, OpenSession)[0].token_hash


def test_the_provider_s_own_second_step_is_enough(tmp_path: Path, script: ScriptedProvider) -> None:
    must = replace(
        make_services(tmp_path),
        provider=script.provider(second_step=("2",)),
        second_factor_roles=frozenset({Role.HEAD}),
    )
    app, services = make_site(tmp_path, services=must)
    client = signed_in(app, script)
    assert client.get("/avis/").location == "/mon-compte/verification/"  # not done there: it is armed here
    script.claims = {"acr": "2"}
    assert signed_in(app, script).get("/avis/").status_code == 200
    arm(services, "dge", datetime.now(UTC))
    assert signed_in(app, script).get("/avis/").status_code == 200
    services.engine.dispose()


# --- proving again ---


def _made_old(services: Services) -> None:
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(OpenSession).values(proved_at=datetime(2020, 1, 1, tzinfo=UTC)))


def test_a_sensitive_act_asks_for_the_provider_again(site: Site) -> None:
    app, services, script = site
    client = signed_in(app, script)
    _made_old(services)
    asked = post(client, "/mon-compte/sessions/autres", {})
    assert asked.location.startswith("/mon-compte/confirmer")
    assert "Me connecter de nouveau" in client.get(asked.location).text
    way = leave(client, "/mon-compte/sessions", "/connexion/fournisseur/confirmer")
    assert "prompt=login" in way
    assert "max_age=0" in way
    assert come(client, script, way).location == "/mon-compte/sessions"
    assert post(client, "/mon-compte/sessions/autres", {}).location == "/mon-compte/sessions"


@pytest.mark.parametrize(("changed", "why"), [({"sub": "sub-2"}, "autre personne"), ({"auth_time": 1}, "pas valable")])
def test_another_or_an_old_proof_proves_nothing(site: Site, changed: dict[str, Any], why: str) -> None:
    app, services, script = site
    client = signed_in(app, script)
    _made_old(services)
    script.claims = changed
    come(client, script, leave(client, "/avis/", "/connexion/fournisseur/confirmer"))
    assert why in client.get("/").text
    assert post(client, "/mon-compte/sessions/autres", {}).location.startswith("/mon-compte/confirmer")
    assert who(client) == "Dge"


# --- away ---


def test_a_provider_that_is_away_leaves_the_way_of_a_break_glass_account(site: Site) -> None:
    app, services, script = site
    client = app.test_client()
    way = leave(client)
    script.is_away = True
    for answer in (come(client, script, way), post(client, "/connexion/fournisseur", {})):
        if answer.status_code != 200:  # what the provider publishes is kept for an hour: the way there may begin
            assert answer.status_code == 503
            assert "compte de secours" in answer.text
            assert 'name="password"' in answer.text
    assert journal(services, "directory.away")
    assert post(client, "/connexion", {"account": "etudes", "password": PASSWORD}).status_code == 303


# --- shared desks ---


def test_the_next_person_comes_back_to_the_same_page_without_its_words(site: Site) -> None:
    app, services, script = site
    client = signed_in(app, script)
    first = rows(services, OpenSession)[0].token_hash
    way = leave(client, "/recherche/?q=lettre+du+chef", "/changer-de-personne")
    assert "end_session_endpoint" in way
    page = client.get("/connexion")
    assert 'name="next" value="/recherche/"' in page.text
    assert "chef" not in page.text
    again = leave(client, "/recherche/")
    assert "prompt=login" in again  # though the provider may still know the first person
    script.sub, script.account = "sub-2", "etudes"
    assert come(client, script, again).location == "/recherche/"
    assert who(client) == "Etudes"
    assert [one.token_hash for one in rows(services, OpenSession)] != [first]


@pytest.mark.parametrize("way", ["/deconnexion", "/changer-de-personne"])
def test_who_signed_out_in_another_window_is_led_to_the_sign_in(tmp_path: Path, way: str) -> None:
    app, _services = make_site(tmp_path)
    client = app.test_client()
    post(client, "/connexion", {"account": "admin", "password": PASSWORD})
    sent = token_of(client)
    for _window in range(2):
        answer = client.post(way, data={"csrf_token": sent, "next": "http://[::1"})
        assert (answer.status_code, answer.location) == (303, "/connexion")


def test_a_page_that_is_not_the_next_person_s_is_not_told(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    client = app.test_client()
    post(client, "/connexion", {"account": "admin", "password": PASSWORD})
    assert post(client, "/changer-de-personne", {"next": "/administration/taches"}).location == "/connexion"
    post(client, "/connexion", {"account": "etudes", "password": PASSWORD, "next": "/administration/taches"})
    answer = client.get("/administration/taches")
    assert (answer.status_code, answer.location) == (303, "/")
    # It is another response than the one that was refused.
    assert answer.headers["Cache-Control"] == "no-store, private"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "n'est pas à vous" in client.get("/").text
    assert client.get("/administration/taches").status_code == 403  # who asks for it is told
    services.engine.dispose()


def test_the_sign_in_page_of_a_directory_says_whose_password_it_wants(tmp_path: Path) -> None:
    app, services = make_site(
        tmp_path, services=replace(make_services(tmp_path), directory=ScriptedDirectory(is_away=True))
    )
    assert "poste de travail" in app.test_client().get("/connexion").text
    answer = post(app.test_client(), "/connexion", {"account": "dge", "password": "faux"})
    assert answer.status_code == 422
    assert "ne répond pas" in answer.text
    assert "compte de secours" in answer.text
    assert id_of(services, "dge")
    services.engine.dispose()


def test_the_administrator_names_break_glass_accounts_and_undoes_links(site: Site) -> None:
    app, services, script = site
    signed_in(app, script)
    arm(services, "sg", datetime.now(UTC))
    client = app.test_client()
    post(client, "/connexion", {"account": "admin", "password": PASSWORD})
    page = client.get("/administration/annuaire/").text
    assert "sub-1" in page
    assert script.provider().issuer in page
    assert post(client, "/administration/annuaire/secours", {"account": "etudes", "reason": "x"}).status_code == 422
    assert post(client, "/administration/annuaire/secours", {"account": "sg", "reason": "coffre"}).status_code == 303
    assert "coffre" in client.get("/administration/annuaire/").text
    assert post(client, "/administration/annuaire/secours/1/retirer", {}).status_code == 303
    assert post(client, "/administration/annuaire/liens/1/defaire", {}).status_code == 303
    assert [one.person_id for one in rows(services, OpenSession)] == [id_of(services, "admin")]
