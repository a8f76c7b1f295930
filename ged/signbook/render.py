"""Typesets the pages of an outgoing letter, as shown, signed and printed. No database; runs without any lock."""

import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date

from ged.dispatch.models import Party
from ged.letterhead import country_and_motto
from ged.org.titles import Signatory
from ged.ports import SignatureField
from ged.richtext.document import Document, PageBreak, mapped, plain_block, read
from ged.richtext.pages import sheet_blocks
from ged.richtext.placeholders import fill
from ged.typeset import TEMPLATES, qr_svg, release, typeset, typeset_with_places
from ged.word.letters import WordSheets

FIELD = "signatory"
A4_HEIGHT_PT = 841.89

Box = tuple[int, float, float, float, float]
"""A page and (x1, y1, x2, y2) in points from its lower left corner."""
MARK_BOX: Box = (1, 0.0, 0.0, 462.04, 102.05)
"""A box of the size of mark and code; its place does not matter."""
_CODE_PT = 96.0
PREVIEWS_KEPT = 256
"""Some 60 kB each: as many as one act signs, checked before."""


class PageMode(StrEnum):
    """The purpose of the pages."""

    PREVIEW = "preview"
    SIGN = "sign"
    INK = "ink"


@dataclass(frozen=True)
class Letter:
    """The content of the pages without number, date and signature."""

    organisation: str
    units: tuple[str, ...]
    country: str
    place: str
    sender: str
    """The sender's title: "Le Secrétaire général"."""
    civility: str
    subject: str
    body: str
    addressees: tuple[Party, ...]
    copies: tuple[str, ...] = ()
    annexes: tuple[str, ...] = ()
    reference: str = ""
    our_reference: str = ""
    """Who follows it: the unit's code and the initials of the author."""
    stamps: tuple[str, ...] = ()
    """Confidentiality and urgency."""
    rich: str = ""
    """The text with its forms, stored form; empty for a text from before forms."""
    address: str = ""
    """Printed at the foot. Letters from before addresses have none. A template of Word has its own."""
    word: WordSheets | None = None
    """The pages of a letter that is written in Word; its text is then what the file says."""

    def stored(self) -> dict[str, Any]:
        """The JSON form stored in a draft."""
        kept: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        if not self.rich:
            del kept["rich"]  # letters from before forms have none, and are compared
        if not self.address:
            del kept["address"]
        if self.word is None:
            del kept["word"]
        return kept

    @classmethod
    def restored(cls, kept: dict[str, Any]) -> "Letter":
        """The letter from its JSON form."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in kept.items()}
        values["addressees"] = tuple(Party(**party) for party in kept["addressees"])
        if kept.get("word"):
            values["word"] = WordSheets.restored(kept["word"])
        return cls(**values)


@dataclass(frozen=True)
class Pages:
    """A typeset letter: its bytes, page count, and the two boxes that may differ."""

    pdf: bytes = field(repr=False)
    page_count: int
    number_box: Box
    mark_box: Box

    @property
    def signature_field(self) -> SignatureField:
        """The place of the signature."""
        page, *box = self.mark_box
        return SignatureField(FIELD, page, (box[0], box[1], box[2], box[3]))


def letter_pages(
    letter: Letter,
    *,
    mode: PageMode,
    at: datetime,
    number: str = "",
    on: date | None = None,
    signatory: Signatory | None = None,
    code: str = "",
) -> Pages:
    """Typeset a letter.

    Args:
        mode: SIGN leaves the mark's box empty: the signature's appearance fills it.
        number, on: number and date; empty in the signature book and on a print for a signature in ink.
        signatory: title and name for the mark's box, for PREVIEW and INK.
        code: text of the QR code on a print for a signature in ink.

    Raises:
        Invalid: ``typeset.glyph``, ``typeset.failed``.
    """
    return _set(_data(letter, mode, number, on, signatory, code), at)


def preview_pages(letter: Letter, *, at: datetime) -> Pages:
    """The pages that the signature book shows. The same data and moment are set once in a process, by one release.

    Setting them again proves that the words kept give the bytes shown; what proves it once need not prove it at once
    again, for the page, its check and the signature.

    Raises:
        Invalid: ``typeset.glyph``, ``typeset.failed``.
    """
    data = _data(letter, PageMode.PREVIEW, "", None, Signatory(letter.sender, ""), "")
    return _preview(json.dumps(data, ensure_ascii=False), at, release())


@lru_cache(maxsize=PREVIEWS_KEPT)
def _preview(data: str, at: datetime, _release: tuple[object, ...]) -> Pages:
    return _set(json.loads(data), at)


def _set(data: dict[str, Any], at: datetime) -> Pages:
    pdf, (facts,) = typeset_with_places(TEMPLATES / "letter.typ", data, at=at, label="facts", strict=True)
    return Pages(pdf, int(facts["pages"]), _box(facts["number"]), _box(facts["mark"]))


def mark(signatory: Signatory, box: Box, *, at: datetime, zone: ZoneInfo, verify_at: str = "") -> bytes:
    """The appearance of the signature, exactly of its box's size: text at the right, space for the code at the left.

    Args:
        verify_at: address of the site, if a code will be printed.

    Raises:
        Invalid: ``typeset.glyph``.
    """
    _, x1, y1, x2, y2 = box
    # To the minute, as it is printed: the letters of a batch share one mark (``_mark``).
    minute = at.astimezone(zone).replace(second=0, microsecond=0)
    return _mark(signatory, round(x2 - x1, 2), round(y2 - y1, 2), minute, verify_at)


def code_square(box: Box) -> tuple[float, float, float]:
    """Left, bottom and side of the code's square in a mark, in points; the quiet zone is inside."""
    _, _, y1, _, y2 = box
    return 0.0, round((y2 - y1 - _CODE_PT) / 2, 2), _CODE_PT


@lru_cache(maxsize=32)
def _mark(signatory: Signatory, width: float, height: float, minute: datetime, verify_at: str) -> bytes:
    """Typeset the mark; cached: all letters of a batch in the same minute have the same mark."""
    data = {
        "width": width,
        "height": height,
        "title": signatory.title,
        "name": signatory.name,
        "capacity": list(signatory.capacity),
        "act": signatory.act,
        "at": f"le {minute:%d/%m/%Y} à {minute:%H:%M}",
        "verify": f"{verify_at.partition('://')[2]}/verifier" if verify_at else "",
    }
    return typeset(TEMPLATES / "letter_mark.typ", data, at=minute, strict=True)


def french_day(on: date) -> str:
    """A day in the format of letters.

    >>> french_day(date(2026, 3, 1))
    '1er mars 2026'
    """
    text = format_date(on, "long", locale="fr")
    return text.replace("1 ", "1er ", 1) if on.day == 1 else text


def paragraphs(body: str, civility: str) -> list[list[str]]:
    """Paragraphs (between empty lines) as lines, with the form of address filled in."""
    filled = fill(body, {"civilite": civility})
    blocks = (part.strip("\n") for part in filled.replace("\r\n", "\n").split("\n\n"))
    return [[line.strip() for line in part.split("\n") if line.strip()] for part in blocks if part.strip()]


def _data(
    letter: Letter, mode: PageMode, number: str, on: date | None, signatory: Signatory | None, code: str
) -> dict[str, Any]:
    country, motto = country_and_motto(letter.country)
    who = signatory or Signatory("", "")
    title = fill(letter.subject, {"civilite": letter.civility})
    return {
        "title": title,
        "head": {
            "organisation": letter.organisation,
            "units": letter.units,
            "country": country,
            "motto": motto,
            "address": letter.address,
        },
        "number": number,
        "date": french_day(on) if on is not None else "",
        "place": letter.place,
        "from": letter.sender,
        "addressees": [
            {"name": p.name, "lines": [line.strip() for line in p.address.splitlines() if line.strip()]}
            for p in letter.addressees
        ],
        "subject": title,
        "reference": letter.reference,
        "our_reference": letter.our_reference,
        "stamps": letter.stamps,
        "annexes": annexes_line(letter.annexes),
        **_text(letter),
        "copies": letter.copies,
        "signature": {
            "mode": mode.value,
            "title": who.title,
            "name": who.name,
            "capacity": "\n".join(who.capacity),
        },
        "qr": qr_svg(code) if code else "",
    }


def _text(letter: Letter) -> dict[str, Any]:
    if letter.rich:
        return {"blocks": sheet_blocks(shown_document(letter.rich, letter.civility))}
    return {"paragraphs": paragraphs(letter.body, letter.civility)}


def shown_document(rich: str, civility: str) -> Document:
    """The text with its forms, with the form of address filled in: characters, which are never parsed."""
    return mapped(read(rich), lambda text: fill(text, {"civilite": civility}))


def printed_texts(letter: Letter, *, number: str, on: str) -> list[str]:
    """The texts on a letter's pages, in reading order; with the given number and date."""
    if letter.word is not None:
        return [number, on, letter.body]
    country, motto = country_and_motto(letter.country)
    return [
        letter.organisation, country, *letter.units, motto, number, letter.place, on, letter.sender,
        *(f"{one.name}\n{one.address}" for one in letter.addressees),
        fill(letter.subject, {"civilite": letter.civility}), letter.our_reference, letter.reference,
        *_told_text(letter),
        *letter.stamps, *letter.copies, annexes_line(letter.annexes),
    ]  # fmt: skip


def _told_text(letter: Letter) -> list[str]:
    if letter.rich:
        blocks = shown_document(letter.rich, letter.civility).blocks
        return [plain_block(block).replace(" | ", " ") for block in blocks if not isinstance(block, PageBreak)]
    return ["\n".join(lines) for lines in paragraphs(letter.body, letter.civility)]


def annexes_line(names: tuple[str, ...]) -> str:
    """What stands after "P.J."; empty without annexes."""
    if not names:
        return ""
    return f"{len(names)} ({' ; '.join(names)})"


def _box(found: dict[str, Any]) -> Box:
    # Typst counts from the upper edge, PDF from the lower one (ISO 32000-2, 8.3.2.3).
    x, top = float(found["x"]), A4_HEIGHT_PT - float(found["y"])
    sides = (x, top - float(found["height"]), x + float(found["width"]), top)
    x1, y1, x2, y2 = (round(side, 2) for side in sides)
    return int(found["page"]), x1, y1, x2, y2
