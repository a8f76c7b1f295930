"""Letters written in Word: one engine for all tests of a process, and Word files as people send them."""

from __future__ import annotations

import dataclasses
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest

from ged.ports import MailId
from ged.signbook.drafts import Saved
from ged.writing import word
from ged.writing.word import Received
from ocr.word.engine import LibreOfficeWord
from tests.factories import NOW
from tests.signbook_kit import House, make_house

ENGINE = LibreOfficeWord()
DOCUMENT = "word/document.xml"


def needs_office() -> None:
    """Skip the test where LibreOffice is missing or cannot run in the sandbox."""
    if not shutil.which("soffice") or not ENGINE.version():
        pytest.skip("LibreOffice is not installed, or cannot be shut in here")


def with_word(house: House) -> House:
    """The ministry with the engine for Word letters."""
    needs_office()
    return House(dataclasses.replace(house.services, word=ENGINE), house.signer)


@pytest.fixture
def word_house(tmp_path: Path) -> Iterator[House]:
    house = with_word(make_house(tmp_path))
    yield house
    house.services.engine.dispose()


def taken(house: House, mail_id: int, template: str = "lettre", account: str = "dge") -> bytes:
    """The Word file of a draft, with its fields filled in, as the author downloads it."""
    return word.filled(house.services, mail_id, template, actor=house.who(account), now=NOW).content


def received(house: House, mail_id: int, content: bytes, name: str = "lettre.docx", account: str = "dge") -> Received:
    """Receive a Word file from the author and check it. The draft is not changed yet."""
    return word.receive(house.services, mail_id, name, BytesIO(content), actor=house.who(account))


def given(house: House, mail_id: int, content: bytes, account: str = "dge", **values: object) -> Saved:
    """Save a Word file as the next version of the draft."""
    came = received(house, mail_id, content, account=account)
    version = house.version(mail_id)
    return word.keep(  # type: ignore[arg-type]
        house.services, mail_id, came, version=version, actor=house.who(account), now=NOW, **values
    )


def in_word(house: House, text: str = "Votre demande est acceptée.") -> MailId:
    """A draft with its circuit, written in Word; its pages are made."""
    mail_id = house.answer()
    given(house, mail_id, edited(taken(house, mail_id), {"Votre demande est acceptée": text.rstrip(".")}))
    word.run_pages(house.services, mail_id, now=NOW)
    return mail_id


def text_of(pdf: bytes) -> str:
    """The text that is printed on the pages."""
    opened = pypdfium2.PdfDocument(pdf)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in opened)
    finally:
        opened.close()


def parts_of(content: bytes) -> dict[str, bytes]:
    """The parts of a Word file: name -> bytes."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Mapping[str, bytes]) -> bytes:
    """A Word file of these parts."""
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return written.getvalue()


def edited(content: bytes, changes: Mapping[str, str], part: str = DOCUMENT) -> bytes:
    """The Word file with pieces of XML of one part replaced: old text -> new text. So a person edits it in Word."""
    parts = parts_of(content)
    text = parts[part].decode()
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    return packed({**parts, part: text.encode()})
