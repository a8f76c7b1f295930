"""The disk gets full while a file is opened in a child: that is no fault of the file, which is neither refused nor given up."""

import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import cms
from PIL import Image
from sqlalchemy import select

from ged.capture.models import ScanPage
from ged.errors import DiskFull, Invalid
from ged.ports import PageRef, SourceFacts
from ged.recognition import jobs as recognition
from ocr import office
from ocr.engine import TesseractEngine
from ocr.limits import Limits
from ocr.sniff import RTF
from tests.factories import NOW, make_organisation, make_services
from tests.full_disk_kit import fill, small_disk
from tests.intake_kit import pair, quiet, send
from tests.pages import png
from tests.scripted_ocr import ScriptedEngine


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as made:
        yield made


@pytest.fixture
def engine() -> Iterator[TesseractEngine]:
    made = TesseractEngine(jobs=1)
    yield made
    made.close()


def program(folder: Path, script: str) -> str:
    """A program instead of LibreOffice. Returns its path."""
    made = folder / "office"
    made.write_text(f"#!/bin/sh\n{script}\n")
    made.chmod(0o700)
    return str(made)


@pytest.mark.parametrize("script", ["exit 0", 'echo broken > "${0%/*}/document.pdf"'], ids=["nothing", "half a file"])
def test_a_conversion_that_made_nothing_of_a_file_names_the_full_disk(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """LibreOffice does not say why it made nothing. A good letter was refused as incomplete or damaged."""
    monkeypatch.setattr(office, "PROGRAM", program(tmp_path, script))
    letter = tmp_path / "letter.rtf"
    letter.write_text("{\\rtf1 Demande}")
    with pytest.raises(Invalid, match=r"file\.truncated"):
        office.convert(letter, RTF, tmp_path / "out.pdf", Limits(), timeout_s=20)
    with pytest.raises(DiskFull, match=r"disk\.full"):
        office.convert(letter, RTF, disk / "out.pdf", Limits(), timeout_s=20)
    assert list(disk.iterdir()) == []


def signed(content: bytes) -> bytes:
    """A file in a signed envelope, with no signature: it is not looked at here."""
    inside = {"content_type": "data", "content": content}
    data = {"version": "v1", "digest_algorithms": [], "encap_content_info": inside, "signer_infos": []}
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(data)}).dump())


@pytest.mark.slow
def test_a_file_for_which_the_child_has_no_room_is_looked_at_once_there_is_some(
    disk: Path, tmp_path: Path, engine: TesseractEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    monkeypatch.setattr(engine._office, "folder", lambda: tmp_path)  # of what a child made there is room
    source, ballast, page = tmp_path / "lettre.p7m", disk / "ballast", io.BytesIO()
    Image.frombytes("L", (2_000, 1_500), os.urandom(3_000_000)).save(page, "PNG")
    source.write_bytes(signed(page.getvalue()))
    fill(ballast)
    os.truncate(ballast, ballast.stat().st_size - 4_000_000)  # room for the file, and none for what is in it
    with pytest.raises(DiskFull, match=r"disk\.full"):
        engine.inspect(source, filename="lettre.p7m", timeout_s=30)
    os.truncate(ballast, 1_000_000)
    assert len(engine.inspect(source, filename="lettre.p7m", timeout_s=30).pages) == 1


def test_a_page_that_could_not_be_read_on_a_full_disk_is_read_again(
    tmp_path: Path, engine: TesseractEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was kept as a page that nobody can read, and the letter was not found by its words."""

    def ask(request: dict[str, object], **_: object) -> object:
        if request["do"] == "languages":
            return ["fra"]
        raise DiskFull("disk.full", retryable=True)

    monkeypatch.setattr(engine._sandbox, "ask", ask)
    source = tmp_path / "page.png"
    source.write_bytes(png("Demande"))
    with pytest.raises(DiskFull):
        engine.recognise([PageRef(source, "image/png", 0)], languages=["fra"], timeout_s=30, out=tmp_path)


def test_a_scanned_page_that_could_not_be_looked_at_is_not_called_damaged(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    services = replace(make_services(tmp_path), ocr=engine)
    make_organisation(services)
    batch_id = send(services, pair(services), "b1", png("Demande"))

    def full(*_: object, **__: object) -> SourceFacts:
        raise DiskFull("disk.full", retryable=True)

    engine.inspect = full  # type: ignore[method-assign]
    with pytest.raises(DiskFull):
        recognition.run_intake(services, batch_id, heartbeat=quiet, now=NOW)
    del engine.inspect
    recognition.run_intake(services, batch_id, heartbeat=quiet, now=NOW)
    with services.reading() as session:
        assert session.execute(select(ScanPage.media_type, ScanPage.problem)).all() == [("image/png", "")]
    services.engine.dispose()
