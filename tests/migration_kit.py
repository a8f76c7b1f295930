"""Databases at a given revision, on PostgreSQL and SQLite: upgrade, downgrade, tables, triggers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, make_url, text

from ged.config import Settings
from ged.db import make_engine
from tests.servers import first_of_run, postgres
from tests.site import make_settings
from web.processes.migrate import alembic_config, migrate_database, migrating

_from_config = ScriptDirectory.from_config


@cache
def _revisions_in(location: str) -> ScriptDirectory:
    """The revisions of a folder. To load a hundred modules for each step took two thirds of a walk over all revisions."""
    config = Config()
    config.set_main_option("script_location", location)
    return _from_config(config)


def _loaded_once(config: Config) -> ScriptDirectory:
    """As ``ScriptDirectory.from_config``. A test that adds revisions names a folder of them: there they are read each time."""
    if config.get_main_option("version_locations"):
        return _from_config(config)
    return _revisions_in(str(config.get_main_option("script_location")))


ScriptDirectory.from_config = staticmethod(_loaded_once)  # type: ignore[method-assign]

RELEASES = ("0042",)
"""The last revision of each release that was delivered. Revisions after the first of these have a phase."""

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)]


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; the test runs once with each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ged.sqlite3'}"
    make: Callable[[], str] = request.getfixturevalue("make_database")
    return make()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = make_engine(url)
    yield made
    made.dispose()


def upgrade(url: str, folder: Path) -> None:
    """Migrate to the newest revision, as ``ged migrate`` does."""
    migrate_database(make_settings(folder, database_url=url))


def make_at_head(url: str, folder: Path) -> None:
    """Bring an empty database that nobody uses to the newest revision, without a row.

    Only the first one of each kind in a run is migrated: each further one is a copy of it, in a tenth of the time.
    """
    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        path = Path(made.database or "")
        assert not path.exists(), f"{path} is in use"
        path.write_bytes(first_of_run("head.sqlite3", _migrate_file).read_bytes())
        return
    server, name = made.set(database="postgres").render_as_string(hide_password=False), str(made.database)
    head = postgres.kept_database(server, "head", lambda empty: upgrade(empty, folder))
    postgres.drop_database(server, name)
    postgres.create_database(server, name, copy_of=head)


def migrated(settings: Settings) -> None:
    """``migrate_database`` for an installation without a database yet: the database is a copy (``make_at_head``)."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    make_at_head(settings.url, settings.data_dir)
    migrate_database(settings)


def _migrate_file(kept: Path) -> None:
    with TemporaryDirectory(prefix="ged-head-") as folder:
        path = Path(folder, "ged.sqlite3")
        upgrade(f"sqlite:///{path}", Path(folder))
        assert not path.with_name(f"{path.name}-wal").exists(), "a connection is open: the file lacks what it wrote"
        kept.write_bytes(path.read_bytes())


def downgrade(engine: Engine, revision: str) -> None:
    """Migrate down to a revision, over a connection of its own."""
    own = make_engine(engine.url.render_as_string(hide_password=False))
    with migrating(own) as connection:
        command.downgrade(alembic_config(connection), revision)
    own.dispose()


def tables(engine: Engine) -> set[str]:
    """The names of all tables but Alembic's."""
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def triggers(engine: Engine) -> set[str]:
    """The SQL of all triggers."""
    query = (
        "SELECT sql FROM sqlite_master WHERE type = 'trigger'"
        if engine.dialect.name == "sqlite"
        else "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    )
    with engine.connect() as connection:
        return set(connection.scalars(text(query)))
