"""An installation to be broken for the tests of ``ged doctor``: made once in a process, copied for each test."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest

from ged import pipeline
from ged.archive.copies import MADE
from ged.archive.keeping import seal_head
from ged.config import load_settings
from ged.health.proof import note_verified
from ged.jobs import JobKind
from ged.ports import Lane
from ged.unit import SYSTEM, Services
from ged.workers import beat
from tests.commands import ged
from tests.worker_kit import Installation
from web.wiring.authority import create_authority
from web.wiring.services import build_services

PASSPHRASE = "une phrase assez longue"
_MADE: list[Path] = []


@dataclass
class Patient:
    """A copy of the installation. ``env``: further settings, as variables of the process."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    _services: list[Services] = field(default_factory=list)

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def file(self) -> Path:
        """The settings file."""
        return self.folder / "data-settings" / "ged.env"

    @property
    def services(self) -> Services:
        """Services on its data."""
        if not self._services:
            self._services.append(build_services(load_settings(self.file)))
        return self._services[0]

    def close(self) -> None:
        """Release the database."""
        for one in self._services:
            one.engine.dispose()

    def doctor(self, *only: str) -> dict[str, Any]:
        """Run ``ged doctor --json``. Returns the check of the first name; with ``exit``, and ``all`` by name."""
        self.close()
        asked = [word for name in only for word in ("--only", name)]
        done = ged("doctor", "--json", *asked, cwd=None, **{"GED_ENV_FILE": str(self.file), **self.env})
        told = json.loads(done.stdout)
        rows = {row["name"]: row for row in told["checks"]}
        return {**(rows[only[0]] if only else {}), "exit": done.returncode, "all": rows}


def make_whole(folder: Path) -> Path:
    """An installation in which all is well: a worker that lives, a sealed journal, a backup, a protected authority."""
    place = Installation.make(folder)
    now, services = datetime.now(UTC), place.services
    create_authority(
        place.settings, organisation="Ministère d'essai", now=now, root=folder / "racine", passphrase=PASSPHRASE,
        issuing_passphrase=PASSPHRASE,
    )  # fmt: skip
    place.register()
    writer = build_services(place.settings, writes_index=True)
    pipeline.run_job(writer, place.latest(JobKind.INDEX), worker="atelier:1")
    writer.engine.dispose()
    with services.unit_of_work(now) as uow:
        beat(uow.session, "atelier:1", host="atelier", lanes=tuple(Lane), now=now - timedelta(hours=1))
        uow.record(MADE, "installation", None, actor=SYSTEM)
    seal_head(services, now=now)
    note_verified(place.settings.data_dir, at=now, entries=1, problems=0)
    place.close()
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the installation that is copied; made once in each process."""
    if not _MADE:
        _MADE.append(make_whole(tmp_path_factory.mktemp("doctor")))
    return _MADE[0]


@pytest.fixture
def patient(whole: Path, tmp_path: Path) -> Iterator[Patient]:
    """A copy of the installation."""
    made = copied(whole, tmp_path / "patient")
    yield made
    made.close()


def copied(whole: Path, folder: Path) -> Patient:
    """A copy of the installation in another folder."""
    shutil.copytree(whole, folder)
    made = Patient(folder)
    made.file.write_text(made.file.read_text().replace(str(whole), str(folder)))
    with (
        closing(sqlite3.connect(made.data / "ged.sqlite3")) as own,
        own,
    ):  # its worker lives, however long ago it was made
        own.execute("UPDATE workers SET beat_at = ?", (str(datetime.now(UTC).replace(tzinfo=None)),))
    return made


@contextmanager
def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> Iterator[None]:
    """Let ``ged doctor`` look at a later moment."""

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return moment.astimezone(tz)

    with monkeypatch.context() as patch:
        patch.setattr("web.commands.doctor.datetime", Later)
        yield


@contextmanager
def speaking_tls(context: ssl.SSLContext) -> Iterator[int]:
    """A server on a free port of this machine that speaks TLS, and agrees to each line as a mail server does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, lambda link: context.wrap_socket(link, server_side=True))).start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, opened: Callable[[socket.socket], socket.socket]) -> None:
    while True:
        try:
            link, _address = server.accept()
        except OSError:
            return
        with suppress(OSError), opened(link) as talk, talk.makefile("rwb") as lines:
            lines.write(b"220 here\r\n")
            lines.flush()
            for line in lines:
                lines.write(b"221 bye\r\n" if line.lower().startswith(b"quit") else b"250 ok\r\n")
                lines.flush()
        link.close()


def said(patient: Patient, name: str, state: str, code: str, *words: str) -> dict[str, object]:
    """The finding of a check, with its exit code and words."""
    found = patient.doctor(name)
    assert (found["state"], found["code"]) == (state, code), f"{found['state']} {found['code']}: {found['found']}"
    assert found["exit"] == max({"fault": 2, "warning": 1}.get(row["state"], 0) for row in found["all"].values())
    for word in words:
        assert word in f"{found['found']} {found['to_do']}", found
    return found
