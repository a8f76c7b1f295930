"""Migrations from the command line and at start."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

import ged.migrations
from ged.config import Settings
from ged.db import make_engine
from ged.errors import ConfigError

OLDER = "Base de données non à jour : appelez « ged migrate »."
NEWER = "Base de données plus récente que ce programme : installez la version du programme qui l'a migrée."


def alembic_config(connection: Connection) -> Config:
    """Alembic over one connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(ged.migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


def migrate_database(settings: Settings, *, revision: str = "head") -> None:
    """Bring the database to a revision."""
    if settings.embedded:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _transaction(settings) as connection:
        command.upgrade(alembic_config(connection), revision)


def require_migrated(settings: Settings) -> None:
    """Stop a program whose tables are not those of the database.

    Raises:
        ConfigError: ``database.not_migrated`` (none yet, or older), ``database.newer`` (than this program),
            ``database.unreachable``.
    """
    engine = make_engine(settings.url)
    if settings.embedded and not Path(str(engine.url.database)).exists():
        raise ConfigError("database.not_migrated", OLDER, setting="GED_DATABASE_URL")  # and nothing is begun here
    try:
        with engine.connect() as connection:
            scripts = ScriptDirectory.from_config(alembic_config(connection))
            found = MigrationContext.configure(connection).get_current_heads()
    except OperationalError as error:
        raise ConfigError(
            "database.unreachable",
            f"start the database or correct GED_DATABASE_URL ({type(error.orig).__name__})",
            setting="GED_DATABASE_URL",
        ) from None
    finally:
        engine.dispose()
    if set(found) == set(scripts.get_heads()):
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if set(found) <= known:
        raise ConfigError("database.not_migrated", OLDER, setting="GED_DATABASE_URL")
    raise ConfigError("database.newer", NEWER, setting="GED_DATABASE_URL")


def make_revision(settings: Settings, message: str) -> None:
    """Write a new revision from the difference between tables and database (``ged revision``)."""
    with _transaction(settings) as connection:
        command.revision(alembic_config(connection), message=message, autogenerate=True)


@contextmanager
def _transaction(settings: Settings) -> Iterator[Connection]:
    engine = make_engine(settings.url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()  # also of a migration that failed: it would hold its session open
