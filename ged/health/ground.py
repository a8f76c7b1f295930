"""What the checks look at: settings, services and the database, each of which may be away."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ged.config import Settings
from ged.errors import GedError
from ged.unit import Services


class Missing(Exception):
    """What a check needs is away. Another check tells that; this one says only that it looked at nothing.

    Attributes:
        code: ``needs.settings``, ``needs.folder``, ``needs.services``, ``needs.database``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class SettingsFile:
    """The settings file, as it was before anything of it was read.

    Attributes:
        mode, folder_mode: permission bits; 0 without a file.
        owner: user id.
        is_credential: systemd hands it to the service: its rights are systemd's.
        lies_inside: it is in the data folder.
    """

    path: Path
    is_there: bool = False
    mode: int = 0
    folder_mode: int = 0
    owner: int = 0
    is_credential: bool = False
    lies_inside: bool = False


@dataclass
class Ground:
    """What checks get. ``settings`` and ``services`` are None where they could not be made; the refusal says why."""

    now: datetime
    file: SettingsFile
    settings: Settings | None = None
    settings_refusal: GedError | None = None
    services: Services | None = None
    services_refusal: GedError | None = None
    _asking: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _answer: list[str] = field(default_factory=list, repr=False)

    @property
    def options(self) -> Settings:
        """The settings.

        Raises:
            Missing: they could not be read.
        """
        if self.settings is None:
            raise Missing("needs.settings")
        return self.settings

    @property
    def serving(self) -> Services:
        """The services.

        Raises:
            Missing: they could not be made.
        """
        if self.settings is None and self.services is None:
            raise Missing("needs.settings")
        if self.services is None and self.settings is not None and not self.settings.data_dir.is_dir():
            raise Missing("needs.folder")
        if self.services is None:
            raise Missing("needs.services")
        return self.services

    @property
    def data(self) -> Path:
        """The data folder, which is there.

        Raises:
            Missing: the settings could not be read, or the folder is not there.
        """
        folder = self.options.data_dir
        if not folder.is_dir():
            raise Missing("needs.folder")
        return folder

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries.

        Raises:
            Missing: the database does not answer. It is asked once: the checks after that do not wait again.
        """
        services = self.serving
        if self.trouble():
            raise Missing("needs.database")
        with services.reading() as session:
            yield session

    def trouble(self) -> str:
        """Why the database does not answer: a code of the check ``database``, or an empty text."""
        engine = self.serving.engine
        with self._asking:
            if not self._answer:
                self._answer.append(_trouble(engine))
            return self._answer[0]


def _trouble(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        why = _file_trouble(Path(str(engine.url.database)))
        if why:
            return why
    try:
        with engine.connect() as connection:
            # SQLite reads its file at the first table: ``SELECT 1`` succeeds on a file that is no database.
            connection.execute(text("SELECT 1 FROM alembic_version" if _is_file(engine) else "SELECT 1"))
    except SQLAlchemyError as error:
        return _named(str(getattr(error, "orig", error)))
    return ""


def _is_file(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def _file_trouble(path: Path) -> str:
    """Why the file cannot be read, found out without opening it.

    A process that closes any handle of a file loses all its POSIX locks on it, those of SQLite too. The next process that
    ends would then take itself for the last one, and delete the log (WAL) under this one.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return "no_file"
    except OSError:
        return "denied"
    return "" if os.access(path, os.R_OK, effective_ids=True) else "denied"


_SAID = (
    ("no such table", ""),  # it answers; the check of the schema says the rest
    ("password", "password"),
    ("authentication failed", "password"),
    ("does not exist", "unknown"),
    ("certificate", "certificate"),
    ("too many clients", "full"),
    ("remaining connection slots", "full"),
    ("malformed", "malformed"),
    ("not a database", "malformed"),
    ("unable to open", "denied"),
    ("readonly", "denied"),
)
"""Parts of what servers say -> code. PostgreSQL refuses a connection without an SQLSTATE that the client keeps."""


def _named(said: str) -> str:
    return next((code for part, code in _SAID if part in said), "away")
