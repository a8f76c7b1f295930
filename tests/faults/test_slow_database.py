"""A table that somebody keeps locked by hand: the site's statements end, and its pages say so; nothing else is ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, make_url, select, text

from ged.db import make_engine
from ged.org.models import Post
from ged.register import operations
from ged.register.models import Mail, Register
from ged.unit import Services
from tests.factories import make_services
from tests.site import make_settings, make_site, post, sign_in
from web.processes import server
from web.processes.server import Site

pytestmark = pytest.mark.servers
SAID = "La base de données ne répond pas assez vite"
PATIENCE_S = 1


@pytest.fixture
def url(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture
def site(url: str, tmp_path: Path) -> Iterator[tuple[Flask, Services]]:
    """A site that waits a second for each statement."""
    made = make_services(tmp_path, url=url)
    services = replace(made, engine=make_engine(url, patience_s=PATIENCE_S))
    app, _ = make_site(tmp_path, services=services)
    yield app, services
    services.engine.dispose()
    made.engine.dispose()


@contextmanager
def locked(url: str, table: str, mode: str = "ACCESS EXCLUSIVE") -> Iterator[None]:
    """An administrator has locked the table, and thinks about it."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute(f"LOCK TABLE {table} IN {mode} MODE")
        yield
        connection.rollback()


@pytest.mark.parametrize("address", ["/matin/", "/registres/", "/recherche/?q=voirie", "/tableau/"])
def test_a_page_ends_and_says_that_the_database_is_slow(site: tuple[Flask, Services], url: str, address: str) -> None:
    client = sign_in(site[0], "dge")
    began = time.monotonic()
    with locked(url, "figure_state" if address == "/tableau/" else "mails"):
        page = client.get(address)
    assert page.status_code == 503
    assert SAID in page.text
    assert "Rien n'est perdu" in page.text
    assert int(page.headers["Retry-After"]) > 0
    assert time.monotonic() - began < 10 * PATIENCE_S, "one statement was waited for, and not one after another"
    assert client.get(address).status_code == 200


def test_a_letter_is_tried_once_and_registered_when_the_table_is_free(
    site: tuple[Flask, Services], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, services = site
    client = sign_in(app, "agent")
    tried: list[object] = []
    register = operations.register_incoming

    def counted(*given: object, **named: object) -> object:
        tried.append(given)
        return register(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(operations, "register_incoming", counted)
    with services.reading() as session:
        letter = {
            "register_id": session.scalars(select(Register.id).where(Register.code == "ARR")).first(),
            "addressed_post_id": session.scalars(select(Post.id).where(Post.code == "SG-T")).first(),
            "sender_name": "CEET", "subject": "Un branchement",
        }  # fmt: skip
    with locked(url, "register_counters", "EXCLUSIVE"):  # it can be read
        refused = post(client, "/enregistrer/", letter, page="/enregistrer/")
    assert refused.status_code == 503
    assert SAID in refused.text
    assert "data-form-lost" in refused.text, "the page before gives back what was typed"
    assert len(tried) == 1, "a statement that was ended is no transaction that gave way"
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(Mail)) == 0
    assert post(client, "/enregistrer/", letter, page="/enregistrer/").status_code == 303
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(Mail)) == 1


def test_work_that_serves_nobody_is_never_ended(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Jobs, commands, migrations and copies build their engines without a limit; the site asks for its own."""
    limits = []
    for engine in (make_engine(url), make_engine(url, patience_s=7)):
        with engine.connect() as connection:
            limits.append(connection.scalar(text("SHOW statement_timeout")))
            connection.rollback()
            limits.append(connection.scalar(text("SHOW statement_timeout")))
        engine.dispose()
    assert limits == ["0", "0", "7s", "7s"]
    asked: list[object] = []
    monkeypatch.setattr(server, "build_services", lambda _settings, **named: asked.append(named))
    monkeypatch.setattr(server, "create_app", lambda _services, _settings: None)
    site = Site.__new__(Site)
    site._settings = make_settings(tmp_path, database_patience_s=33)
    site.load()
    assert asked == [{"patience_s": 33}]
