"""A site for tests: the real application over services of ``tests.factories``, with accounts that can sign in."""

import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import is_dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from io import BytesIO
from pathlib import Path
from types import CodeType
from typing import Any, cast

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from jinja2 import FileSystemBytecodeCache, Undefined, UndefinedError
from jinja2.bccache import Bucket
from jinja2.utils import missing
from sqlalchemy import update
from werkzeug.routing import Rule
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from ged.config import Settings
from ged.org.models import Person
from ged.typography import plain
from ged.unit import Services
from tests.factories import DATABASE, NOW, SECRET, database_file, make_organisation, make_services
from tests.registered_once import registered_once
from tests.servers import run_dir
from web.processes.app import create_app

_COMPILED: dict[object, tuple[object, ...]] = {}
_compile = Rule.compile


def _compile_once(rule: Rule) -> None:
    """Compile a URL rule once for all applications of a process: this is a quarter of the time of a small page test."""
    assert rule.map is not None
    key = (
        rule.rule, rule.subdomain, rule.host, rule.merge_slashes, rule.map.host_matching,
        tuple(rule.map.converters.values()), tuple(sorted((rule.defaults or {}).items())),
    )  # fmt: skip
    if key not in _COMPILED:
        _compile(rule)
        builders = (rule._build.__func__, rule._build_unknown.__func__)  # type: ignore[attr-defined]
        _COMPILED[key] = (rule._parts, rule._trace, rule._converters, frozenset(rule.arguments), *builders)
        return
    parts, trace, converters, arguments, build, build_unknown = cast(tuple[Any, ...], _COMPILED[key])
    rule._parts, rule._trace, rule._converters = parts, trace, converters
    rule.arguments |= arguments
    rule._build, rule._build_unknown = build.__get__(rule), build_unknown.__get__(rule)


Rule.compile = _compile_once  # type: ignore[method-assign]

PASSWORD = "le mot de passe des essais"


def make_settings(folder: Path, **values: object) -> Settings:
    """Settings of a test site. The environment is not read."""
    if values:
        return Settings.model_validate({"data_dir": folder, "secret": SECRET, **values})
    return _usual_settings().model_copy(update={"data_dir": folder})


@cache
def _usual_settings() -> Settings:
    return Settings.model_validate({"data_dir": Path(), "secret": SECRET})


def make_site(folder: Path, *, services: Services | None = None, **settings: object) -> tuple[Flask, Services]:
    """An application and its services, with the organisation of ``make_organisation``. Each account has
    ``PASSWORD``."""
    if services is None and not (folder / DATABASE).exists():
        (folder / DATABASE).write_bytes(_database_of_a_site())
        services = make_services(folder, create=False)
    else:
        services = services or make_services(folder)
        make_organisation(services)
        give_passwords(services)
    return open_site(folder, services, **settings), services


@cache
def _database_of_a_site() -> bytes:
    """The file of a database with an organisation whose accounts have passwords. It is made once for each process."""

    def fill(services: Services) -> None:
        make_organisation(services)
        give_passwords(services)

    return database_file(fill)


def open_site(folder: Path, services: Services, *, adds_routes: bool = False, **settings: object) -> Flask:
    """An application over services whose database already has rows. A test that adds routes of its own says so."""
    return build_app(services, make_settings(folder, **settings), adds_routes=adds_routes)


@pytest.fixture(scope="module")
def filled_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a closed site, made once for a module. Each test copies it and opens the copy."""
    folder = tmp_path_factory.mktemp("filled")
    _app, services = make_site(folder)
    services.engine.dispose()
    return folder


class NoSuchField(Undefined):
    """Raises an error in tests when a template uses a field that a row does not have. In production the field is
    empty."""

    def __init__(self, hint: str | None = None, obj: Any = missing, name: str | None = None, *rest: Any) -> None:
        super().__init__(hint, obj, name, *rest)
        if is_dataclass(obj) and not isinstance(obj, type):
            raise UndefinedError(f"{type(obj).__name__} has no field {name!r}")


class ReadPage(TestResponse):
    """A response. ``text`` has plain typography, in which tests look for words; ``raw`` and ``data`` are as sent."""

    @property
    def text(self) -> str:
        """The page with plain spaces and straight apostrophes."""
        return plain(self.raw)

    @property
    def raw(self) -> str:
        """The page as sent."""
        return self.get_data(as_text=True)


class Reader(FlaskClient):
    """A client whose responses are ``ReadPage``."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.response_wrapper = type("ReadResponse", (ReadPage, self.response_wrapper), {})

    def run_wsgi_app(self, environ: Any, buffered: bool = False) -> Any:
        """Ask the application, and close what was sent: a large form is a file, which Werkzeug's client leaves open."""
        try:
            return super().run_wsgi_app(environ, buffered)
        finally:
            sent = environ["wsgi.input"]
            if not isinstance(sent, BytesIO):
                sent.close()


def build_app(services: Services, settings: Settings, *, adds_routes: bool = False) -> Flask:
    """Make the application. Templates are compiled once for all tests of a run, not once for each application; views are
    registered once for all applications of a process, but for one that ``adds_routes``."""
    with nullcontext() if adds_routes else registered_once():
        app = create_app(services, settings)
    app.testing = False  # show pages for errors, as in production
    app.jinja_env.undefined = NoSuchField
    app.test_client_class = Reader
    app.jinja_env.bytecode_cache = _templates()
    return app


class _OfProcess(FileSystemBytecodeCache):
    """Compiled templates: in files for all processes of a run, and in memory once this process has read them."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self._read: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        key = bucket.key, bucket.checksum
        if key in self._read:
            bucket.code = self._read[key]
            return
        super().load_bytecode(bucket)
        if bucket.code is not None:
            self._read[key] = bucket.code


@cache
def _templates() -> _OfProcess:
    compiled = run_dir() / "templates"
    compiled.mkdir(exist_ok=True)
    return _OfProcess(str(compiled))


def give_passwords(services: Services, password: str = PASSWORD) -> None:
    """Give every account this password."""
    password_hash = _cheap_hash(password)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).values(password_hash=password_hash))


@cache
def _cheap_hash(password: str) -> str:
    # Tests make hundreds of sites and sign in to them; the tests of accounts check the real cost of a hash.
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(password)


class Clock:
    """A clock for a site, which a test can move. It replaces ``datetime`` in ``web.site.context``."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at or datetime.now(UTC)

    def now(self, _zone: tzinfo) -> datetime:
        """The time of all requests until the test moves the clock."""
        return self.at


def token(page: str) -> str:
    """The CSRF token of a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, "no form in the page"
    return found.group(1)


def token_of(client: FlaskClient) -> str:
    """The CSRF token that every form of this client's session holds. No page is asked for: that was half of all
    requests of the tests."""
    with client.session_transaction() as session:
        own = session.setdefault("csrf_token", secrets.token_hex(20))
    return str(URLSafeTimedSerializer(client.application.secret_key, salt="wtf-csrf-token").dumps(own))


def post(
    client: FlaskClient, path: str, data: dict[str, object], *, page: str | None = None, **rest: object
) -> TestResponse:
    """Send a form, with the token of ``page`` or else with that of the session."""
    given = token(client.get(page, follow_redirects=True).text) if page else token_of(client)
    return client.post(path, data={"csrf_token": given, **data}, **rest)


def sign_in(app: Flask, account: str, password: str = PASSWORD) -> FlaskClient:
    """A client in which the account is signed in."""
    client = app.test_client()
    answer = post(client, "/connexion", {"account": account, "password": password})
    assert answer.status_code == 303, answer.text
    return client


@contextmanager
def served(app: Flask, *, port: int = 0) -> Iterator[str]:
    """Serve the application in threads, on this loopback port or a free one; yields its URL. At the end open requests are
    finished."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
