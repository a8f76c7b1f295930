"""Parses a line of an archive's file into a letter to import. Pure. One JSON object on each line (fields:
``ged import --help``)."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ged.days import read_day
from ged.errors import Invalid
from ged.ports import Confidentiality
from ged.register.models import Direction
from ged.typography import visible

ALIASES: Mapping[str, str] = {
    "own_id": "id", "title": "subject", "objet": "subject", "expediteur": "sender", "destinataire": "addressee",
    "reference": "their_reference", "ref": "their_reference", "date": "registered_on", "numero": "number",
    "unite": "unit", "texte": "text", "fichier": "file", "level": "confidentiality",
}  # fmt: skip
FIELDS = frozenset({
    "id", "number", "registered_on", "received_on", "written_on", "subject", "sender", "addressee", "their_reference",
    "nature", "unit", "confidentiality", "direction", "text", "file",
})  # fmt: skip
LEVELS: Mapping[str, Confidentiality] = {
    "": Confidentiality.ORDINARY, "0": Confidentiality.ORDINARY, "ordinary": Confidentiality.ORDINARY,
    "ordinaire": Confidentiality.ORDINARY, "1": Confidentiality.RESTRICTED, "restricted": Confidentiality.RESTRICTED,
    "confidentiel": Confidentiality.RESTRICTED, "2": Confidentiality.SECRET, "secret": Confidentiality.SECRET,
}  # fmt: skip
LENGTHS = {
    "id": 200, "number": 64, "subject": 2000, "sender": 200, "addressee": 300, "their_reference": 100, "nature": 32,
    "unit": 32, "file": 1000, "text": 10_000_000,
}  # fmt: skip
TYPED = ("number", "sender", "addressee", "subject", "their_reference", "nature")
"""The fields of a letter that hold a person's own words."""
_DITTO = re.compile(r"[-–—\s]*(?:idem|id\.|ibid\.|ibidem|dito|//|''|[\"″〃“”„«»]{1,2})[-–—.\s]*", re.IGNORECASE)
_SORTED = json.JSONEncoder(sort_keys=True)
"""Made once: ``json.dumps`` makes one for each line."""
SUBJECT_FROM_TEXT = 160
MAX_LINE_BYTES = 25_000_000
FIRST_DAY = date(1800, 1, 1)
"""No register is older: such a day is a typing error, and the first years of the calendar fit into no time zone."""


@dataclass(frozen=True)
class ArchiveLine:
    """A letter from a line, checked as far as possible without the database."""

    line_no: int
    own_id: str
    content_hash: str
    number: str
    registered_on: date | None
    received_on: date | None
    written_on: date | None
    subject: str
    sender: str
    addressee: str
    their_reference: str
    nature: str
    unit: str
    level: Confidentiality
    direction: Direction | None
    pages: tuple[str, ...]
    file: str
    ignored: tuple[str, ...] = ()
    """Unknown keys."""


def read_line(line_no: int, raw: bytes, *, today: date) -> ArchiveLine:
    """Read one line.

    Raises:
        Invalid: ``import.line_long``, ``import.not_json``, ``import.own_id``, ``import.field_kind``,
            ``import.field_long``, ``import.date``, ``import.date_future``, ``import.level``, ``import.direction``,
            ``import.empty``.
    """
    fields, ignored = _fields(_object(raw))
    texts = dict.fromkeys(FIELDS, "") | {name: _text(name, value) for name, value in fields.items()}
    own_id = " ".join(texts["id"].split())
    if not own_id:
        raise Invalid("import.own_id", "give the letter its own id in the field id", field="id")
    pages = tuple(page for page in texts["text"].split("\f")) if texts["text"].strip() else ()
    subject = _one_line(texts["subject"]) or _one_line(_first_words(pages))
    if not subject and not texts["file"]:
        raise Invalid("import.empty", "give a subject, a text or a file", field="text")
    return ArchiveLine(
        line_no=line_no,
        own_id=own_id,
        content_hash=hashlib.sha256(_SORTED.encode(fields).encode()).hexdigest(),
        number=_one_line(texts["number"]),
        registered_on=_day("registered_on", texts, today),
        received_on=_day("received_on", texts, today),
        written_on=_day("written_on", texts, today),
        subject=subject or texts["file"].rpartition("/")[2],
        sender=_one_line(texts["sender"]),
        addressee=_one_line(texts["addressee"]),
        their_reference=_one_line(texts["their_reference"]),
        nature=_one_line(texts["nature"]),
        unit=_one_line(texts["unit"]),
        level=_level(texts["confidentiality"]),
        direction=_direction(texts["direction"]),
        pages=pages,
        file=texts["file"].strip(),
        ignored=ignored,
    )


def is_ditto(text: str) -> bool:
    """Whether a cell says that it repeats the cell above it.

    >>> [is_ditto(text) for text in ("Idem", '"', "- // -", "id.", "«", "ID", "Idem pour mars", "-")]
    [True, True, True, True, True, False, False, False]
    """
    return _DITTO.fullmatch(text) is not None


def check_typed(line: ArchiveLine, lacking: frozenset[str]) -> None:
    """Check a line of a register that a clerk keeps as a spreadsheet: the clerk can still complete its cells.

    Args:
        lacking: characters that no font of ours has (``ged.typeset.unprintable``).

    Raises:
        Invalid: ``takeover.no_day``, ``takeover.ditto``, ``typeset.glyph``.
    """
    if (line.registered_on or line.received_on or line.written_on) is None:
        raise Invalid("takeover.no_day", "write the day", field="day")
    for field in TYPED:
        text = str(getattr(line, field))
        if is_ditto(text):
            raise Invalid("takeover.ditto", "write the value itself", field=field, value=text)
        found = next((sign for sign in text if sign in lacking), "")
        if found:
            shown = found if found.isprintable() else f"U+{ord(found):04X}"
            raise Invalid("typeset.glyph", "remove the character that no font has", field=field, character=shown)


def _object(raw: bytes) -> Mapping[str, object]:
    if len(raw) > MAX_LINE_BYTES:
        raise Invalid("import.line_long", "shorten the text, or give it as a file", maximum=MAX_LINE_BYTES)
    try:
        fields = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Invalid("import.not_json", "write one JSON object in UTF-8 on each line") from None
    if not isinstance(fields, dict):
        raise Invalid("import.not_json", "write one JSON object in UTF-8 on each line")
    return fields


def _fields(given: Mapping[str, object]) -> tuple[dict[str, object], tuple[str, ...]]:
    """(known fields by canonical name, unknown keys). A canonical name takes precedence over an alias."""
    known: dict[str, object] = {}
    for name, value in given.items():
        if name in ALIASES and ALIASES[name] not in given:
            known[ALIASES[name]] = value
    known |= {name: value for name, value in given.items() if name in FIELDS}
    return known, tuple(sorted(name for name in given if name not in FIELDS and name not in ALIASES))


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Invalid("import.field_kind", "give a text or a number", field=name)
    text = str(value)
    if not text.isascii() or "\x00" in text:  # databases reject NUL and lone surrogates
        text = text.replace("\x00", " ").encode("utf-8", "replace").decode()
    if len(text) > LENGTHS.get(name, 40):
        raise Invalid("import.field_long", "shorten it", field=name, maximum=LENGTHS.get(name, 40))
    return text


def _one_line(text: str) -> str:
    """A text on one line, without signs that nobody sees."""
    if not text:
        return ""
    return " ".join(visible(text).split())


def _first_words(pages: tuple[str, ...]) -> str:
    """The first line of a text, cut at a blank."""
    lines = (" ".join(line.split()) for page in pages for line in page.splitlines())
    first = next((line for line in lines if line), "")
    if len(first) <= SUBJECT_FROM_TEXT:
        return first
    return first[:SUBJECT_FROM_TEXT].rpartition(" ")[0] or first[:SUBJECT_FROM_TEXT]


def _day(name: str, texts: Mapping[str, str], today: date) -> date | None:
    text = texts[name].strip()
    if not text:
        return None
    day = read_day(text, today=today)
    if day is None:
        raise Invalid("import.date", "write the day as 2015-03-09", field=name, value=text)
    if FIRST_DAY <= day <= today:
        return day
    # A spreadsheet gives 2091-03-04 for a cell in which its reader sees 04/03/2091.
    seen = f"{day:%d/%m}/{day.year:04d}"
    if day < FIRST_DAY:
        raise Invalid("import.date", "write the day as 2015-03-09", field=name, value=seen)
    raise Invalid("import.date_future", "correct the day", field=name, value=seen)


def _level(text: str) -> Confidentiality:
    try:
        return LEVELS[text.strip().casefold()]
    except KeyError:
        raise Invalid(
            "import.level", "write ordinary, restricted or secret", field="confidentiality", value=text
        ) from None


def _direction(text: str) -> Direction | None:
    try:
        return Direction(text.strip().casefold()) if text.strip() else None
    except ValueError:
        raise Invalid(
            "import.direction", "write incoming, outgoing or internal", field="direction", value=text
        ) from None
