"""Documents of a copier, from the watched folder to the clerk's waiting scans, over the real site and reading
engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from ged.capture import bridges
from ged.capture import queries as scan_queries
from ged.capture.models import ScanBatch
from ged.codes import CodeKind, make_code
from ged.recognition import jobs as recognition
from scanner_bridge.api import Api
from scanner_bridge.config import Config, Folder
from scanner_bridge.watch import Watcher
from tests import pages, signing_kit
from tests.factories import NOW, actor
from tests.intake_kit import quiet, register
from tests.site import make_site

pytestmark = pytest.mark.in_turns(3)


class Office:
    """The site on a port, and a watcher with a share for the mail office and another one for another unit."""

    def __init__(self, root: Path) -> None:
        app, self.services = make_site(root)
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{self._server.server_port}"
        self.share, self.other = root / "courrier", root / "dge"
        folders = []
        tokens = []
        for folder, account in ((self.share, "agent"), (self.other, "admin")):
            folder.mkdir()
            tokens.append(self._pair(url, account))
            folders.append(Folder(str(folder), f"Copieur {folder.name}", tokens[-1] if account == "admin" else "", 0.0))
        config = Config(url, tokens[0], "1", folders=tuple(folders))
        self.watcher = Watcher(root / "home", config)

    def _pair(self, url: str, account: str) -> str:
        clerk = actor(self.services, account)
        unit = actor(self.services, "dge" if account == "admin" else account).posts[0].unit_id
        now = datetime.now(UTC)
        with self.services.unit_of_work(now) as uow:
            code = bridges.make_pairing_code(uow, unit, actor=clerk, now=now)
        with closing(Api(url)) as api:
            return api.pair(code, account)[0]

    def deliver(self) -> None:
        """Let the watcher send the files in its folders, and the worker process them."""
        self.watcher.look()
        self.watcher.send()
        with self.services.reading() as session:
            batches = list(session.scalars(select(ScanBatch.id)))
        for batch_id in batches:
            recognition.run_intake(self.services, batch_id, heartbeat=quiet, now=NOW)

    def waiting(self) -> list[scan_queries.ScanRow]:
        with self.services.reading() as session:
            return scan_queries.waiting(session, actor(self.services, "agent"))

    def close(self) -> None:
        self.watcher.stop()
        self.watcher.run()
        self._server.shutdown()
        self._server.server_close()
        self.services.engine.dispose()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    place = Office(tmp_path)
    yield place
    place.close()


def test_a_pdf_and_a_tiff_become_waiting_scans_with_their_names_and_bytes(office: Office) -> None:
    contents = {"Lettre du maire.pdf": pages.pdf("un", "deux", "trois"), "photo.tif": pages.tiff("un", "deux")}
    for name, data in contents.items():
        (office.share / name).write_bytes(data)
        time.sleep(0.01)
    office.deliver()
    assert sorted(path.name for path in (office.share / "traités").iterdir()) == sorted(contents)
    with office.services.reading() as session:
        batches = {batch.filename: batch for batch in session.scalars(select(ScanBatch))}
        for name, data in contents.items():
            assert batches[name].digest == pages.sha256(data)
            assert batches[name].device == "Copieur courrier"
            assert len(batches[name].pages) == (3 if name.endswith("pdf") else 2)
    assert sorted(row.filename for row in office.waiting()) == sorted(contents)


def test_a_signed_pdf_stays_whole_and_a_labelled_one_joins_its_letter(office: Office, tmp_path: Path) -> None:
    letter = register(office.services)
    code = make_code(CodeKind.LABEL, letter.number_id, key=office.services.code_key)
    (office.share / "signe.pdf").write_bytes(
        signing_kit.signed_slip(signing_kit.unlocked(signing_kit.vault(tmp_path / "pki"))).received
    )
    (office.share / "etiquette.png").write_bytes(pages.png("lettre", code=code))
    office.deliver()
    with office.services.reading() as session:
        batch = session.scalars(select(ScanBatch).where(ScanBatch.filename == "signe.pdf")).one()
        assert batch.is_signed
    assert [row.filename for row in office.waiting()] == ["signe.pdf"]  # the other one is attached to its letter


def test_a_folder_with_a_pairing_of_its_own_goes_to_its_unit(office: Office) -> None:
    (office.other / "note.pdf").write_bytes(pages.pdf("note"))
    office.deliver()
    assert office.waiting() == []
    with office.services.reading() as session:
        unit = session.scalars(select(ScanBatch.unit_id)).one()
    assert unit == actor(office.services, "dge").posts[0].unit_id


def test_what_cannot_be_looked_at_waits_with_its_problem(office: Office) -> None:
    (office.share / "abime.pdf").write_bytes(b"%PDF-1.7\nnothing of use\n%%EOF\n")
    office.deliver()
    with office.services.reading() as session:
        batch = session.scalars(select(ScanBatch)).one()
        assert [page.problem != "" for page in batch.pages] == [True]
    assert [row.filename for row in office.waiting()] == ["abime.pdf"]
