"""Migrations from the command line and at start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

import ged.migrations
from ged.config import Settings
from ged.db import make_engine


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
    engine = make_engine(settings.url)
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), revision)
    engine.dispose()


def make_revision(settings: Settings, message: str) -> None:
    """Write a new revision from the difference between tables and database (``ged revision``)."""
    engine = make_engine(settings.url)
    with engine.begin() as connection:
        command.revision(alembic_config(connection), message=message, autogenerate=True)
    engine.dispose()
