"""What of the second step depends on the moment: a role that comes in an open session, a factor armed between two steps, a clock set back."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ged.entry import second
from ged.org import accounts, passwords, sessions, throttle
from ged.org.models import Holding, OpenSession, Person, Post, PostRole
from ged.org.throttle import Limit, Unwritten
from ged.ports import PersonId
from ged.unit import SYSTEM, Role, Services
from tests.factories import make_services
from tests.second_step_kit import arm, code
from tests.site import PASSWORD, Clock, filled_site, open_site, post, sign_in
from web.site import context, entering

__all__ = ["filled_site"]  # a fixture

OWN = "/mon-compte/verification/"
LIMIT = Limit("second", 5, 300)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(context, "datetime", made)
    return made


@pytest.fixture
def folder(filled_site: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled_site, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_a_role_that_comes_in_an_open_session_asks_for_a_second_step(folder: Path, clock: Clock) -> None:
    services = replace(make_services(folder, create=False), second_factor_roles=frozenset({Role.CLERK}))
    app = open_site(folder, services)
    client = sign_in(app, "sg")
    assert client.get("/recherche/").status_code == 200
    clock.at += timedelta(minutes=20)
    with services.unit_of_work(clock.at) as uow:
        held = select(Post.id).join(Holding).join(Person).where(Person.account == "sg").limit(1)
        uow.session.add(PostRole(post_id=uow.session.scalars(held).one(), role=Role.CLERK))
    assert client.get("/recherche/").location == OWN
    # Nobody typed the password a moment ago: a session that was left open arms nothing.
    assert "current_password" in client.get(f"{OWN}acte?acte=telephone").text
    assert post(client, f"{OWN}telephone", {}).status_code == 422
    assert post(client, f"{OWN}telephone", {"current_password": PASSWORD}).location == f"{OWN}telephone"
    services.engine.dispose()


def test_a_factor_that_is_armed_after_the_password_was_checked_counts(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = make_services(folder, create=False)
    app = open_site(folder, services)

    def late(_person_id: PersonId) -> bool:
        arm(services, "agent", clock.at)
        return False

    monkeypatch.setattr(entering, "is_half", late)
    client = app.test_client()
    post(client, "/connexion", {"account": "agent", "password": PASSWORD})
    assert client.get("/recherche/").status_code != 200
    services.engine.dispose()


@pytest.mark.parametrize("armed", [False, True], ids=["password alone", "with a second step"])
def test_a_password_that_is_changed_after_it_was_checked_opens_nothing(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, armed: bool
) -> None:
    """Whoever knows the earlier one tries it again and again: a new password is there to keep them out."""
    services = make_services(folder, create=False)
    app = open_site(folder, services)
    if armed:
        arm(services, "agent", clock.at)
    is_half = entering.is_half

    def late(person_id: PersonId) -> bool:
        with services.unit_of_work(clock.at) as uow:
            accounts.set_password(uow, person_id, passwords.hash_password("tout autre chose 2027"), actor=SYSTEM)
        return is_half(person_id)

    monkeypatch.setattr(entering, "is_half", late)
    client = app.test_client()
    # Typed with a capital: what stood before the check is found all the same.
    answer = post(client, "/connexion", {"account": " Agent", "password": PASSWORD})
    if armed:
        assert post(client, "/connexion/etape-2", {"code": code(services, "agent", clock.at)}).status_code != 500
    else:
        assert answer.status_code == 422
        assert "inexact" in answer.text
    assert client.get("/recherche/").status_code != 200
    assert open_sessions(services) == 0
    services.engine.dispose()


def test_a_password_that_is_changed_after_the_second_step_opens_nothing(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = make_services(folder, create=False)
    app = open_site(folder, services)
    arm(services, "agent", clock.at)
    complete, given = entering.enter, passwords.hash_password("tout autre chose 2027")

    def late(person_id: PersonId, **asked: Any) -> Any:
        with services.unit_of_work(clock.at) as uow:
            accounts.set_password(uow, person_id, given, actor=SYSTEM)
        return complete(person_id, **asked)

    client = app.test_client()
    post(client, "/connexion", {"account": "agent", "password": PASSWORD})
    monkeypatch.setattr(entering, "enter", late)
    answer = post(client, "/connexion/etape-2", {"code": code(services, "agent", clock.at)})
    assert answer.location.startswith("/connexion")
    assert client.get("/recherche/").status_code != 200
    assert open_sessions(services) == 0
    services.engine.dispose()


@pytest.mark.parametrize("armed", [False, True], ids=["password alone", "with a second step"])
def test_a_password_that_is_changed_while_a_full_disk_refuses_the_session_opens_nothing(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, armed: bool
) -> None:
    services = make_services(folder, create=False)
    app = open_site(folder, services)
    monkeypatch.setattr(second, "_taken", {})
    monkeypatch.setattr(second, "_unwritten", Unwritten())
    if armed:
        arm(services, "admin", clock.at)
    complete, given = accounts.sign_in, passwords.hash_password("tout autre chose 2027")

    def late(*asked: Any, **more: Any) -> Any:
        person_id = complete(*asked, **more)
        with services.reading() as session:
            epoch = sessions.epoch_of(session, person_id)
        with services.unit_of_work(clock.at) as uow:
            accounts.set_password(uow, person_id, given, actor=SYSTEM)
        raise accounts.NotRecorded(person_id, epoch)

    monkeypatch.setattr(accounts, "sign_in", late)
    client = app.test_client()
    answer = post(client, "/connexion", {"account": "admin", "password": PASSWORD})
    if armed:
        assert post(client, "/connexion/etape-2", {"code": code(services, "admin", clock.at)}).location.startswith(
            "/connexion"
        )
    else:
        assert answer.status_code == 507
    assert client.get("/administration/").status_code != 200
    services.engine.dispose()


def test_a_password_that_is_changed_after_it_was_checked_changes_nothing(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever knows the earlier one, and is signed in with it, sets another one while the owner gets a new one."""
    services = make_services(folder, create=False)
    client = sign_in(open_site(folder, services), "agent")
    hash_password, given = passwords.hash_password, passwords.hash_password("tout autre chose 2027")

    def late(password: str) -> str:
        with services.unit_of_work(clock.at) as uow:
            accounts.set_password(uow, accounts.person_of_account(uow.session, "agent").id, given, actor=SYSTEM)
        return hash_password(password)

    monkeypatch.setattr(passwords, "hash_password", late)
    typed = {"current_password": PASSWORD, "password": "celui du voleur 2027", "password_again": "celui du voleur 2027"}
    assert post(client, "/mon-compte/mot-de-passe", typed).status_code == 422
    with services.reading() as session:
        assert accounts.person_of_account(session, "agent").password_hash == given
    assert client.get("/recherche/").status_code != 200
    assert open_sessions(services) == 0
    services.engine.dispose()


def open_sessions(services: Services) -> int:
    """How many sessions are open now."""
    with services.reading() as session:
        opened = select(func.count()).select_from(OpenSession).join(Person, Person.id == OpenSession.person_id)
        return session.scalar(opened.where(OpenSession.epoch == Person.session_epoch)) or 0


def test_attempts_counted_while_the_clock_was_ahead_keep_nobody_out(folder: Path, clock: Clock) -> None:
    services = make_services(folder, create=False)
    now, ahead, subject = clock.at, clock.at + timedelta(days=400), LIMIT.subject(1)
    with services.unit_of_work(ahead) as uow:
        for _ in range(9):
            throttle.take(uow.session, LIMIT, subject, now=ahead)
            throttle.add(uow.session, LIMIT, "pair:1", now=ahead)
    with services.unit_of_work(now) as uow:
        assert throttle.wait_s(uow.session, LIMIT, subject, now=now) == 0
        assert [throttle.take(uow.session, LIMIT, subject, now=now) for _ in range(6)] == [True] * 5 + [False]
        throttle.add(uow.session, LIMIT, "pair:1", now=now)
        assert throttle.wait_s(uow.session, LIMIT, "pair:1", now=now) == 0
        # A few seconds give nothing back to who guesses.
        back = now - timedelta(seconds=5)
        assert not throttle.take(uow.session, LIMIT, subject, now=back)
    services.engine.dispose()
