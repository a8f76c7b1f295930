"""The database's disk is full. An administrator can sign in to read the fault, and nobody else. No check is weaker."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select, text

from ged.audit import AuditEntry
from ged.entry import second
from ged.org import accounts
from ged.org.throttle import Unwritten
from ged.unit import Services
from tests.factories import make_services
from tests.full_disk_kit import bound, fill, small_disk, unbound
from tests.second_step_kit import arm, code
from tests.site import PASSWORD, make_site, post, sign_in

pytestmark = pytest.mark.in_turns(2)

Fill = Callable[[], None]
Place = tuple[Flask, Services, Fill, Fill]
FULL = "Disque plein : rien ne peut"


@pytest.fixture(params=["disk", "sqlite", "postgresql"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A site, and functions that fill its disk and free it: a real file system, a page limit in SQLite, PostgreSQL's
    error."""
    if request.param == "disk":
        with small_disk(tmp_path / "disk") as disk:
            # Its write-ahead log is there before the disk is full.
            app, services = make_site(disk, services=make_services(disk))
            ballast = disk / "ballast"
            yield app, services, lambda: fill(ballast), ballast.unlink
            services.engine.dispose()
    elif request.param == "sqlite":
        app, services = make_site(tmp_path)
        yield app, services, lambda: event.listen(services.engine, "begin", bound), lambda: unbound(services)
        services.engine.dispose()
    else:
        url = request.getfixturevalue("make_database")()
        app, services = make_site(tmp_path, services=make_services(tmp_path, url=url))
        yield app, services, lambda: refuse(services), lambda: take(services)
        services.engine.dispose()


def refuse(services: Services) -> None:
    with services.engine.begin() as connection:
        connection.execute(text(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END$$"
        ))  # fmt: skip
        for table in ("audit_entries", "sessions", "throttle_buckets"):
            connection.execute(
                text(f"CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_room()")
            )


def take(services: Services) -> None:
    with services.engine.begin() as connection:
        connection.execute(text("DROP FUNCTION no_room() CASCADE"))


def administrator(app: Flask) -> FlaskClient:
    """A client in which the administrator is signed in. The last free pages of the database are used up."""
    for _ in range(400):
        client = sign_in(app, "admin")
        if FULL in client.get("/").text:
            return client
    raise AssertionError("the disk never was full")


@pytest.mark.in_shares(3)
def test_an_administrator_with_a_second_step_gets_in_by_the_telephone_and_not_by_the_password(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second, "_taken", {})
    monkeypatch.setattr(second, "_unwritten", Unwritten())
    app, services, full, free = place
    at = datetime.now(UTC)
    arm(services, "admin", at - timedelta(minutes=2))
    full()
    # The last room goes to others.
    assert any(try_in(app.test_client(), "agent", PASSWORD) == 507 for _ in range(400))
    client = app.test_client()
    answer = post(client, "/connexion", {"account": "admin", "password": PASSWORD})
    assert answer.location == "/connexion/etape-2"
    assert client.get("/administration/").status_code == 303
    assert post(client, "/connexion/etape-2", {"code": "12"}).status_code == 422
    assert post(client, "/connexion/etape-2", {"code": code(services, "admin", datetime.now(UTC))}).status_code == 303
    assert FULL in client.get("/administration/").text
    assert post(client, "/mon-compte/sessions/autres", {}, page="/administration/").status_code == 507
    free()
    post(client, "/connexion", {"account": "admin", "password": PASSWORD})
    again = code(services, "admin", datetime.now(UTC), 1)
    assert post(client, "/connexion/etape-2", {"code": again}).status_code == 303
    assert FULL not in client.get("/administration/").text


def try_in(client: FlaskClient, account: str, password: str) -> int:
    return post(client, "/connexion", {"account": account, "password": password}).status_code


@pytest.mark.in_shares(3)
def test_an_administrator_gets_in_to_read_and_with_room_again_signs_in_again(place: Place) -> None:
    app, services, full, free = place
    full()
    client = administrator(app)
    shown = client.get("/administration/")
    assert shown.status_code == 200
    assert FULL in shown.text
    refused = post(client, "/mon-compte/sessions/autres", {}, page="/administration/")
    assert refused.status_code == 507
    assert "disk.full" in refused.text
    before = opened(services)
    free()
    assert post(client, "/mon-compte/sessions/autres", {}, page="/administration/").status_code == 507
    assert opened(services) == before, "a cookie that nothing can end becomes no session"
    assert post(client, "/deconnexion", {}, page="/administration/").status_code == 303
    client = sign_in(app, "admin")
    assert FULL not in client.get("/administration/").text
    assert opened(services) == before + 1
    assert post(client, "/mon-compte/sessions/autres", {}, page="/administration/").status_code == 303


def opened(services: Services) -> int:
    with services.reading() as session:
        return len(session.scalars(select(AuditEntry.sequence).where(AuditEntry.action == "session.opened")).all())


@pytest.mark.in_shares(3)
def test_nobody_else_gets_in_and_guesses_are_counted_all_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _, full, _ = place
    monkeypatch.setattr(accounts, "_unwritten", Unwritten())
    full()
    administrator(app)
    assert try_in(app.test_client(), "agent", PASSWORD) == 507
    other = app.test_client()
    answers = [try_in(other, "admin", "un mot de passe faux") for _ in range(6)]
    assert answers == [422] * 5 + [429]
    assert try_in(other, "admin", PASSWORD) == 429  # delayed, whichever password is tried
    assert other.get("/administration/").status_code == 303


@pytest.mark.parametrize("change", [{"until": 0}, {"epoch": -1}])
def test_a_session_without_a_row_ends_with_its_minutes_and_with_a_new_password(
    tmp_path: Path, change: dict[str, int]
) -> None:
    app, services = make_site(tmp_path)
    event.listen(services.engine, "begin", bound)
    client = administrator(app)
    with client.session_transaction() as kept:
        kept["unrecorded"] = {**kept["unrecorded"], **change}
    assert client.get("/administration/").status_code == 303
    services.engine.dispose()


def test_signing_out_needs_no_room(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    event.listen(services.engine, "begin", bound)
    client = administrator(app)
    assert post(client, "/deconnexion", {}, page="/administration/").status_code == 303
    assert client.get("/administration/").status_code == 303
    services.engine.dispose()
