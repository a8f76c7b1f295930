"""A register kept as a spreadsheet: which column holds what, and its lines as those of an archive. Pure."""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from ged.days import read_day
from ged.errors import Invalid
from ged.takeover.lines import ArchiveLine, is_ditto, read_line

Rows = Sequence[Sequence[str]]
FIELDS = (
    "number", "registered_on", "received_on", "written_on", "sender", "addressee", "subject", "their_reference", "nature",
    "unit", "confidentiality",
)  # fmt: skip
"""The fields of a letter that a column may hold, in the order of the form."""
DAYS = frozenset({"registered_on", "received_on", "written_on"})
_GUESSES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "their_reference",
        re.compile(r"reference|\bref\b|\b(no|num|numero)\b.*(lettre|courrier|correspond|expediteur|piece|document)"),
    ),
    (
        "written_on",
        re.compile(r"\bdate\b.*(lettre|courrier|correspond|document|piece|signature|acte)|\bdate(e|ee)? du courrier"),
    ),
    ("received_on", re.compile(r"\bdate\b.*(arrivee|reception)|\b(recu|arrive) le\b|^arrivee( le)?$")),
    ("registered_on", re.compile(r"\bdate\b.*(enregistr|inscri|entree|depart|envoi)|^(date|jour)s?$|enregistre le")),
    (
        "number",
        re.compile(
            r"\b(no|num|numero)\b.*(ordre|arrivee|depart|enregistr|registre|chrono)|^(no|num|numero|n)s?$|chrono|^ordre$"
        ),
    ),
    ("sender", re.compile(r"expediteur|provenance|origine|emetteur|emanant|correspondant|expedie par")),
    ("addressee", re.compile(r"destinataire|adresse a|attention")),
    ("subject", re.compile(r"objet|analyse|sujet|designation|libelle|intitule|resume")),
    ("nature", re.compile(r"nature|^types?\b")),
    ("unit", re.compile(r"service|imput|direction|attributaire|traitant|affect")),
    ("confidentiality", re.compile(r"confidential|niveau")),
    ("registered_on", re.compile(r"^date\b")),
)
"""A field and the names under which columns hold it, the surest first; names are folded as `plain` does."""
_SIGNS = re.compile(r"[^a-z0-9]+")
_LEADING = re.compile(r"\d{1,9}")
HEAD_ROWS = 15
"""The names of the columns stand in one of the first lines."""
_NUMBER_YEARS = ("registered_on", "received_on", "written_on")


def plain(text: str) -> str:
    """A name of a column for comparison.

    >>> plain("N° d'ordre")
    'no d ordre'
    """
    folded = unicodedata.normalize("NFKD", text.replace("°", "o")).casefold()
    bare = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return " ".join(_SIGNS.sub(" ", bare).split())


def guessed(names: Sequence[str], remembered: Mapping[str, str] | None = None) -> list[str]:
    """The field of each column by its name, an empty text where none fits; each field once.

    Args:
        remembered: what the columns of the register's last file held, by their folded names: it goes before a guess.
    """
    known = remembered or {}
    found = ["" for _ in names]
    used: set[str] = set()
    for column, name in enumerate(names):
        field = known.get(plain(name), "")
        if field in FIELDS and field not in used:
            found[column] = field
            used.add(field)
    for field, pattern in _GUESSES:
        for column, name in enumerate(names):
            if field in used:
                break
            folded = plain(name)
            if folded and not found[column] and folded not in known and pattern.search(folded):
                found[column] = field
                used.add(field)
    return found


def head_row(rows: Rows, remembered: Mapping[str, str] | None = None) -> int:
    """The line with the names of the columns, from 1: that in which most are known; the first with text where none is."""
    counts = [sum(map(bool, guessed(row, remembered))) for row in rows[:HEAD_ROWS]]
    most = max(counts, default=0)
    if most:
        return counts.index(most) + 1
    return next((number for number, row in enumerate(rows, start=1) if any(row)), 1)


def fullest(sheets: Mapping[str, Rows]) -> str:
    """The title of the sheet with the most lines."""
    titles = sorted(sheets, key=lambda title: len(sheets[title]), reverse=True)
    return titles[0] if titles else ""


def check_columns(columns: Sequence[str]) -> None:
    """Check a choice of columns.

    Raises:
        Invalid: ``takeover.no_subject``, ``takeover.no_day_column``, ``takeover.field_twice``.
    """
    for field, count in Counter(columns).items():
        if field and count > 1:
            column = [one for one, name in enumerate(columns) if name == field][-1]
            raise Invalid("takeover.field_twice", "let one column hold it", field=f"column_{column}")
    if "subject" not in columns:
        raise Invalid("takeover.no_subject", "say which column holds the subject", field="column_0")
    if DAYS.isdisjoint(columns):
        raise Invalid("takeover.no_day_column", "say which column holds a day", field="column_0")


def lines(rows: Rows, head: int, columns: Sequence[str], units: Mapping[str, str], *, today: date) -> Iterator[bytes]:
    """Each line of the sheet as a line of an archive (``ged.takeover.lines``); empty: no letter stands in it.

    A letter is known again by its number and year, one without a number by what is written in its line: so a file that
    was mended is handed in again without doubling what was taken in. Where columns hold numbers and days, a line that
    has neither, such as a total below the letters, gets no id: it is refused. « Idem » is read as the cell above.

    Args:
        units: folded codes and names -> code.
    """
    same: Counter[str] = Counter()
    has_both = "number" in columns and not DAYS.isdisjoint(columns)
    for number, row in enumerate(_repeated(rows, head, columns), start=1):
        fields = _fields_of(row, columns, units, today) if number > head else {}
        if not fields:
            yield b""
            continue
        is_lost = has_both and not fields.get("number") and DAYS.isdisjoint(fields)
        fields["id"] = "" if is_lost else own_id(fields, same)
        yield json.dumps(fields, ensure_ascii=False).encode()


def _repeated(rows: Rows, head: int, columns: Sequence[str]) -> Iterator[Sequence[str]]:
    """The rows; below the names of the columns, each cell that says « idem » has the text that it repeats."""
    above: dict[int, str] = {}
    for number, row in enumerate(rows, start=1):
        if number <= head:
            yield row
            continue
        cells = list(row)
        for column, (field, cell) in enumerate(zip(columns, row, strict=False)):
            if not is_ditto(cell):
                above[column] = cell if cell.strip() else above.get(column, "")
            elif field and field != "number":
                cells[column] = above.get(column) or cell
        yield cells


def count_repeated(rows: Rows, head: int, columns: Sequence[str]) -> int:
    """How many cells are read as the cell above them."""
    pairs = zip(rows, _repeated(rows, head, columns), strict=True)
    return sum(cell != read for row, read_row in pairs for cell, read in zip(row, read_row, strict=True))


def _fields_of(row: Sequence[str], columns: Sequence[str], units: Mapping[str, str], today: date) -> dict[str, str]:
    fields: dict[str, str] = {}
    for field, cell in zip(columns, row, strict=False):
        text = " ".join(cell.split())
        if not field or not text:
            continue
        if field in DAYS:
            day = read_day(text, today=today)
            text = day.isoformat() if day is not None else text
        elif field == "unit":
            text = units.get(plain(text), text)
        fields[field] = text
    return fields


def own_id(fields: Mapping[str, str], same: Counter[str]) -> str:
    """By which a line's letter is known in its register.

    Args:
        same: how often each line without a number stood above; it is counted here.
    """
    if fields.get("number"):
        year = next((fields[field][:4] for field in _NUMBER_YEARS if fields.get(field)), "")
        return f"{fields['number']} ({year})" if year else fields["number"]
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]
    same[digest] += 1
    return f"{digest}-{same[digest]}"


def column_of(error_field: str, columns: Sequence[str]) -> int:
    """The column, from 1, of the field that an error names; 0: the whole line."""
    field = {"id": "number", "text": "subject"}.get(error_field, error_field)
    if error_field == "day":
        field = next((one for one in columns if one in DAYS), "")
    return columns.index(field) + 1 if field and field in columns else 0


def first_lines(
    rows: Rows, head: int, columns: Sequence[str], units: Mapping[str, str], *, today: date, count: int
) -> list[tuple[int, ArchiveLine | Invalid]]:
    """The first letters as they would be read, each with its line; or why one cannot be read."""
    found: list[tuple[int, ArchiveLine | Invalid]] = []
    for number, raw in enumerate(lines(rows, head, columns, units, today=today), start=1):
        if len(found) == count:
            break
        if not raw:
            continue
        try:
            found.append((number, read_line(number, raw, today=today)))
        except Invalid as error:
            found.append((number, error))
    return found


def greatest_number(numbers: Sequence[str]) -> int | None:
    """The greatest of the numbers of a paper book, by the figures with which each begins; None: none has any."""
    found = [int(match[0]) for text in numbers if (match := _LEADING.match(text.strip()))]
    return max(found, default=None)
