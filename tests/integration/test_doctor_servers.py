"""``ged doctor`` on PostgreSQL and Redis: wrong passwords, a read-only copy, too few connections, dropped messages."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from redis import Redis
from sqlalchemy.engine import URL, make_url

from ged import health
from ged.adapters.imap import ImapMailbox
from ged.db import make_engine
from ged.health import base, mail
from ged.health.findings import fault, ok
from ged.health.ground import Ground, SettingsFile
from ged.space import Space
from tests.doctor_kit import Patient, patient, said, whole
from tests.factories import make_tables
from tests.mailbox_kit import mailbox_settings
from tests.servers import free_port
from tests.servers.authorities import Authorities

__all__ = ["patient", "whole"]  # fixtures

pytestmark = [pytest.mark.in_turns(3), pytest.mark.servers]


@pytest.fixture
def database(make_database: Callable[[], str], redis_url: str, patient: Patient) -> URL:
    """An empty database on PostgreSQL, which the installation is told of; the search engine is away."""
    url = make_url(make_database())
    engine = make_engine(url.render_as_string(hide_password=False))
    make_tables(engine)
    engine.dispose()
    told(patient, url)
    patient.env |= {"GED_REDIS_URL": redis_url, "GED_ELASTICSEARCH_URL": f"http://127.0.0.1:{free_port()}"}
    return url


def told(patient: Patient, url: URL) -> None:
    """Tell the installation another address of its database."""
    patient.env["GED_DATABASE_URL"] = url.render_as_string(hide_password=False)


@contextmanager
def connected(url: URL) -> Iterator[psycopg.Connection[tuple[str]]]:
    """A connection of the superuser."""
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        yield connection


@contextmanager
def asking_for_a_password(url: URL) -> Iterator[str]:
    """A role whose password PostgreSQL asks for; the other roles of the run go on without one."""
    role = f"doctor_{secrets.token_hex(4)}"
    with connected(url) as own:
        own.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD 'bon'").format(sql.Identifier(role)))
        rules = Path(str(own.execute("SHOW hba_file").fetchone()[0]))  # type: ignore[index]
        before = rules.read_text()
        rules.write_text(f"host all {role} 127.0.0.1/32 scram-sha-256\n{before}")
        own.execute("SELECT pg_reload_conf()")
        try:
            yield role
        finally:
            rules.write_text(before)
            own.execute("SELECT pg_reload_conf()")
            own.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_a_wrong_password_and_another_name(database: URL, patient: Patient) -> None:
    found = patient.doctor("database")
    assert (found["state"], found["found"].startswith("PostgreSQL")) == ("ok", True)
    with asking_for_a_password(database) as role:
        told(patient, database.set(username=role, password="faux"))
        said(patient, "database", "fault", "password", "refuses this account or this password", "GED_DATABASE_URL")
        told(patient, database.set(username=role, password="bon"))
        assert patient.doctor("database")["state"] == "ok"
    told(patient, database.set(database="no_such_database"))
    said(patient, "database", "fault", "unknown", "does not have this database or this account")


def test_a_user_who_may_only_read_and_one_who_writes_is_told_apart(database: URL, patient: Patient) -> None:
    found = patient.doctor("database.safe")
    assert found["code"] == "unsafe", "our own sessions for queries are read-only, and no reason to warn"
    engine = make_engine(database.render_as_string(hide_password=False))
    try:
        services = replace(patient.services, engine=engine)
        told_codes = health.problems(services, Space(patient.data, 0), now=datetime.now(UTC))
    finally:
        engine.dispose()
    assert "database.read_only" not in told_codes
    with asking_for_a_password(database) as role:
        with connected(database) as own:
            for words in ("ALTER ROLE {} NOSUPERUSER", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}"):
                own.execute(sql.SQL(words).format(sql.Identifier(role)))
        told(patient, database.set(username=role, password="bon"))
        said(patient, "database.safe", "fault", "read_only", "nothing is recorded")
        with connected(database) as own:
            own.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))


def test_a_server_that_does_not_write_to_disk_its_clock_its_connections_and_its_client(
    database: URL, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(patient, "database.safe", "fault", "unsafe", "full_page_writes", "postgresql.conf")
    assert patient.doctor("clock.database")["state"] == "ok"
    assert patient.doctor("database.connections")["state"] in ("ok", "warning")
    monkeypatch.setattr(base, "TOO_FEW_CONNECTIONS", 100_000)
    said(patient, "database.connections", "fault", "few", "max_connections")
    assert patient.doctor("database.client")["state"] in ("ok", "warning")
    monkeypatch.setenv("PATH", str(patient.folder))
    said(patient, "database.client", "warning", "none", "apt install postgresql-client")


def test_a_redis_that_refuses_the_password_or_drops_messages(database: URL, patient: Patient, redis_url: str) -> None:
    assert patient.doctor("redis")["state"] == "ok"
    with Redis.from_url(redis_url) as own:
        own.execute_command("ACL", "SETUSER", "doctor", "on", ">bon", "~*", "+@all")
        before = own.config_get("maxmemory")["maxmemory"]
        try:
            patient.env["GED_REDIS_URL"] = redis_url.replace("redis://", "redis://doctor:faux@")
            said(patient, "redis", "fault", "password", "Redis refuses the password.")
            patient.env["GED_REDIS_URL"] = redis_url
            own.config_set("maxmemory", "4gb")
            own.config_set("maxmemory-policy", "allkeys-lru")
            said(patient, "redis", "warning", "evicts", "allkeys-lru", "noeviction")
        finally:
            own.config_set("maxmemory-policy", "noeviction")
            own.config_set("maxmemory", before)
            own.execute_command("ACL", "DELUSER", "doctor")


def test_a_mailbox_whose_password_is_refused(patient: Patient) -> None:
    settings = mailbox_settings(patient.folder, "DGE")
    services = replace(patient.services, mailboxes=(ImapMailbox(settings),))
    ground = Ground(datetime.now(UTC), SettingsFile(patient.file), services=services)
    assert mail.boxes(ground) == ok(boxes=1, waiting=0)
    (patient.folder / "secret").write_text("un autre mot de passe")
    assert mail.boxes(ground) == fault("login", box="courrier", why="")
    (patient.folder / "secret").unlink()
    assert mail.boxes(ground).code == "token"


def test_a_clock_beside_that_of_a_time_stamp_authority(patient: Patient, tmp_path: Path) -> None:
    authorities = Authorities(tmp_path, datetime.now(UTC))
    try:
        patient.env = {"GED_TSA_URLS": f'["{authorities.tsa()}"]'}
        said(patient, "clock.authority", "ok", "ok", "The time-stamp authority answers")
        authorities.at(datetime.now(UTC) - timedelta(hours=1))
        said(patient, "clock.authority", "fault", "differs", "differ by 60 min", "ged clock confirm")
    finally:
        authorities.close()
