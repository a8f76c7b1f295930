"""The check of the database at the start of a program.

Most starts find the database at this program's own revision. That is known without Alembic and without the revisions,
whose loading took a quarter of a second of each start.
"""

import logging
from pathlib import Path

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import OperationalError

from ged.config import Settings
from ged.db import PROGRAM, make_engine, unsafe_settings
from ged.errors import ConfigError

logger = logging.getLogger(__name__)


def require_migrated(settings: Settings) -> None:
    """Stop a program that cannot run on the database's schema, or whose database may lose confirmed changes.

    It runs on its own schema; on its own without its contractions, which wait for the end of the release before; and
    on that of a newer program that tolerates this one (``ged.schema``). So one program after the other is replaced.

    Raises:
        ConfigError: ``database.not_migrated`` (none yet, or older), ``database.newer`` (than this program),
            ``database.unreachable``, ``database.unsafe``.
    """
    engine = make_engine(settings.url)
    try:
        if not is_at_own_revision(engine):
            from web.processes import migrate  # noqa: PLC0415  # Alembic and all revisions: only where they are compared

            migrate.require_runnable(engine)
        unsafe = unsafe_settings(engine)
    except OperationalError as error:
        raise ConfigError(
            "database.unreachable",
            f"start the database or correct GED_DATABASE_URL ({type(error.orig).__name__})",
            setting="GED_DATABASE_URL",
        ) from None
    finally:
        engine.dispose()
    _refuse_unsafe(settings, unsafe)


def is_at_own_revision(engine: Engine) -> bool:
    """Whether the tables are exactly those of this program, contractions included. Makes no file."""
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
        return False  # connecting would make the file
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return list(connection.scalars(text("SELECT version_num FROM alembic_version"))) == [PROGRAM]


def _refuse_unsafe(settings: Settings, unsafe: list[str]) -> None:
    if unsafe and not settings.unsafe_database:
        raise ConfigError(
            "database.unsafe",
            f"turn on {' and '.join(unsafe)} in postgresql.conf and restart PostgreSQL: as it is, letters that were "
            "answered as registered are lost when the machine fails",
            setting="GED_DATABASE_URL",
            off=", ".join(unsafe),
        )
    if settings.unsafe_database:
        logger.warning("database.unsafe off=%s GED_UNSAFE_DATABASE=for-tests: only for tests", ",".join(unsafe) or "-")
