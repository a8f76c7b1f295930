"""Reads the fields of a letter from its recognised pages: suggestions with a place and a confidence, never facts.

Pure and fast (a few milliseconds a page); no text makes it raise. Of the readings with a confidence of 80 and more, 96
to 98 of 100 were right on aged and stamped pages. Show the others as doubtful. The rules were written for the letters
of ``tests/letters``; expect somewhat less from letters of other authors (96 of 100 on ten held-out letters, at first).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ged.ports import FieldReading, RecognisedPage
from ocr.field_blocks import (
    OPENING,
    SALUTATION,
    Marks,
    block_below,
    body_row,
    read_addressee,
    read_copies,
    read_sender,
)
from ocr.field_dates import FoundDate, century_of, dates_in
from ocr.field_labels import Label, label_of
from ocr.field_layout import Piece, Sheet, fold, reading, sheet_of, without_stamps
from ocr.field_numbers import MAX_AMOUNTS, NUMBER_WORDS, leading_count, read_amounts
from ocr.field_places import known_town
from ocr.field_references import is_own_number, read_references
from ocr.field_tables import read_tables

_PAGES_FIRST, _PAGES_LAST = 3, 2


def read_fields(pages: Sequence[RecognisedPage]) -> tuple[FieldReading, ...]:
    """The fields of one letter; of a long letter only the first and last pages are read.

    Returns at most one reading each of ``subject``, ``their_reference``, ``our_reference``, ``written_on``, ``place``,
    ``sender``, ``addressee`` and ``enclosures``; one of ``copies`` for each recipient; one of ``amount`` for each sum,
    the surest first.
    """
    chosen = pages if len(pages) <= _PAGES_FIRST + _PAGES_LAST else [*pages[:_PAGES_FIRST], *pages[-_PAGES_LAST:]]
    sheets = [sheet for sheet in (without_stamps(sheet_of(page)) for page in chosen) if sheet.pieces]
    if not sheets:
        return ()
    labels = {sheet.page_no: _labels(sheet) for sheet in sheets}
    first = sheets[0]
    dates = _dates(sheets)
    marks = Marks(
        labels=labels[first.page_no],
        dates=frozenset(place for sheet, place, _ in dates if sheet is first),
        numbers=frozenset(place for place, piece in enumerate(first.pieces) if is_own_number(piece)),
        body=body_row(first, labels[first.page_no]),
    )
    addressee, office, addressee_at = read_addressee(first, marks)
    sender = read_sender(first, marks, addressee_at, sheets[-1].pieces[-12:])
    found: list[FieldReading] = []
    found += _subject(first, marks)
    in_cells, named = read_tables(chosen)
    found += _surest([*read_references(first, marks), *named])
    found += _date_and_place(sheets, dates, labels)
    senders = [one for one in (sender, office, _labelled(first, marks, "from")) if one]
    found += [max(senders, key=lambda one: one.confidence)] if senders else []
    found += addressee
    found += [copy for sheet in sheets for copy in read_copies(sheet, labels[sheet.page_no])]
    found += _enclosures(sheets, labels)
    found += _sums([*read_amounts(sheets), *in_cells])
    return tuple(one for one in found if any(letter.isalnum() for letter in one.value))


def _surest(found: Sequence[FieldReading]) -> list[FieldReading]:
    """The surest reading of each name; among equally sure readings, the first."""
    best: dict[str, FieldReading] = {}
    for one in found:
        if one.name not in best or best[one.name].confidence < one.confidence:
            best[one.name] = one
    return list(best.values())


def _sums(found: Sequence[FieldReading]) -> list[FieldReading]:
    """Each sum once, the surest first."""
    best: dict[str, FieldReading] = {}
    for one in sorted(found, key=lambda one: -one.confidence):
        best.setdefault(one.value.rpartition(" ")[0], one)
    return list(best.values())[:MAX_AMOUNTS]


def _labels(sheet: Sheet) -> dict[int, Label]:
    found = ((place, label_of(piece)) for place, piece in enumerate(sheet.pieces))
    return {place: label for place, label in found if label is not None}


def _labelled(sheet: Sheet, marks: Marks, name: str) -> FieldReading | None:
    """The value behind a label, for fields without a rule of their own."""
    for place, label in marks.labels.items():
        piece = sheet.pieces[place]
        tail = piece.tail(label.end)
        if label.name == name and tail and piece.row < marks.body and sum(c.isalpha() for c in tail.text) > 3:
            return reading("sender", tail.text.strip(" .,;:-"), tail.words, tail, 91.0)
    return None


# --- subject ------------------------------------------------------------------------------------------------------


def _subject(sheet: Sheet, marks: Marks) -> Iterator[FieldReading]:
    for place, label in marks.labels.items():
        piece = sheet.pieces[place]
        if label.name != "subject" or piece.y > 0.8:
            continue
        lines = list(_value_lines(sheet, marks, piece, label))
        value = _quoted(" ".join(line.text for line in lines).strip(" .:;-–—_=>*"))
        if sum(letter.isalpha() for letter in value) < 4:
            continue
        sure = 95.0 * label.sure - (15 if piece.y > 0.62 else 0) - (12 if len(value) < 8 or len(lines) > 4 else 0)
        yield reading("subject", value, [word for line in lines for word in line.words], piece, sure)
        return


def _quoted(text: str) -> str:
    """The text without a quotation mark that has no other half: a stroke at its end is often read as one."""
    if text.count("«") == text.count("»"):
        return text
    return text.strip(" .:;-–—_=>*«»")


def _value_lines(sheet: Sheet, marks: Marks, piece: Piece, label: Label) -> Iterator[Piece]:
    """The text behind a label and the lines below it, up to the next label, salutation or wider gap."""
    labelled = {id(sheet.pieces[place]) for place in marks.labels}
    start = piece.tail(label.end)
    beside = [other for other in sheet.row(piece.row) if other.x >= piece.right and id(other) not in labelled]
    if start is None and beside:
        start = beside.pop(0)
    elif start is None:
        start = next((p for p in sheet.pieces if p.row == piece.row + 1 and id(p) not in labelled), None)
    if start is None:
        return
    yield start
    while beside and beside[0].x - start.right < 0.08:
        start = beside.pop(0)
        yield start
    anchor = replace(piece, row=start.row, words=(*piece.words, *start.words))
    for below in block_below(sheet, anchor, gap=1.5, most=4, left=0.02):
        text = below.folded
        if id(below) in labelled or SALUTATION.match(text) or OPENING.match(text) or is_own_number(below):
            return
        if re.match(r"^\W{0,2}(?:monsieur|madame|messieurs|p\.?\s?j\b|ref\b)", text):
            return
        yield below


# --- date and place -----------------------------------------------------------------------------------------------

_BEFORE_DATE = re.compile(
    r"(?:^|[\s.,;])(?P<made>fait a\s|done at\s|a\s)?(?P<place>[a-z][\w'.]*(?:[ \-](?:sur|la|le|les|de|du|en|[a-z][\w'.]+)){0,3}?)\s?[,.;:]?\s?(?:\(?[a-z]{2,8}\)\s?,?\s?)?"
    r"(?:(?:le\s)?(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)\s?,?\s?)?"
    r"(?P<the>(?:le|lc|1e|ie|the|ce)\s?[:.]?\s?)?$"
)
_OF_A_NUMBER = re.compile(  # "Facture n° FA-88 du": the date behind it is that of the letter
    r"^\W*(?:facture|devis|proforma|lettre|note|invoice)\s(?:n\W{0,2}|numero\s)[\w./-]{0,40}\d[\w./-]{0,40}\s(?:en date )?(?:du|of)$"
)
_NO_DATE = re.compile(
    r"(?P<made>fait a\s)?(?P<place>[a-z][\w'\-]*(?: [a-z][\w'\-]+){0,2})\s?[,.]\s?le\b[\s.,_…:\-]*(?:\d{0,2}[\s._…]*(?:\d{4})?)?$"
)
_RECEIVED = re.compile(
    r"arrive|\brecu|received|enregistr|date d'(?!emission)|date limite|(?:a payer|payable|paiement|reglement) (?:avant|au plus tard|le\b)|due date|\bdue on\b|prelevement|ampliation|depart\b|expedie|valable|delivre|echeance|validite|tirage"
)

Dated = tuple[Sheet, int, FoundDate]


def _dates(sheets: Sequence[Sheet]) -> list[Dated]:
    """The dates on lines of their own at the beginning or the end of a letter, not within sentences."""
    century = century_of([piece.folded for piece in sheets[0].pieces])
    found = []
    for sheet in sheets:
        for place, piece in enumerate(sheet.pieces):
            if len(piece.text) > 90 or _RECEIVED.search(piece.folded):
                continue
            for dated in dates_in(_spelled_on(sheet, piece), century):
                if not piece.folded[dated.end :].strip(" .,;-_)|") or len(piece.words) < 9:
                    found.append((sheet, place, dated))
    return found


def _spelled_on(sheet: Sheet, piece: Piece) -> str:
    """The piece's text, with the line below if a date in words continues there."""
    if re.split(r"[ -]", piece.folded)[-1] in NUMBER_WORDS:
        below = block_below(sheet, piece, gap=1.6, most=1)
        if below and re.split(r"[ -]", below[0].folded)[0] in NUMBER_WORDS:
            return f"{piece.folded} {below[0].folded}"
    return piece.folded


def _date_and_place(
    sheets: Sequence[Sheet], dates: Sequence[Dated], labels: dict[int, dict[int, Label]]
) -> Iterator[FieldReading]:
    weighed = sorted(
        (
            (_date_weight(sheet, sheet.pieces[place], dated, labels[sheet.page_no].get(place)), number)
            for number, (sheet, place, dated) in enumerate(dates)
        ),
        key=lambda pair: (-pair[0], pair[1]),
    )
    best = weighed[0] if weighed and weighed[0][0] >= 30 else None
    if best is None:
        yield from _place_without_date(sheets[0])
        return
    sheet, place, dated = dates[best[1]]
    piece = sheet.pieces[place]
    rivals = {dates[number][2].on for weight, number in weighed if weight >= best[0] - 4}
    sure = best[0] - (12 if len(rivals) > 1 else 0)
    yield reading("written_on", dated.on.isoformat(), piece.words_of(dated.start, dated.end), piece, sure * dated.sure)
    yield from _place_of(sheet, piece, dated)


def _date_weight(sheet: Sheet, piece: Piece, dated: FoundDate, label: Label | None) -> float:
    before, after = piece.folded[: dated.start].strip(), piece.folded[dated.end :].strip(" .,;-_)|")
    placed = _BEFORE_DATE.search(piece.folded[: dated.start])
    neighbour = _left_of(sheet, piece)
    the = bool(placed and placed["the"]) or bool(re.fullmatch(r"(?:le|lc|the)\W*", before))
    head = sheet.page_no == 1 and piece.y < 0.5
    if label is not None and label.name == "date":
        weight = 90.0
    elif _OF_A_NUMBER.search(before):
        weight = 88.0
    elif placed and (the or "," in before[-3:]) and placed["place"] not in {"le", "du", "date"}:
        weight = 96.0
    elif the and not placed:
        weight = 92.0 if neighbour and re.search(r",\s?(?:le)?\W*$", neighbour.folded) else 84.0
    elif not before and not after:
        weight = 84.0 if head and any(c.isalpha() for c in piece.folded) else 68.0
    elif placed and known_town(placed["place"]):
        weight = 86.0
    else:
        weight = 20.0
    if _in_stamp(sheet, piece):
        weight -= 40
    if after:
        weight -= 25
    if not head:
        weight -= 6 if placed and placed["made"] else 14
    return weight


def _left_of(sheet: Sheet, piece: Piece) -> Piece | None:
    row = [other for other in sheet.row(piece.row) if other.right <= piece.x + 0.01]
    return row[-1] if row else None


def _in_stamp(sheet: Sheet, piece: Piece) -> bool:
    """Whether words of an arrival stamp are right above or below."""
    return any(
        abs(other.y - piece.y) < 3 * sheet.pitch
        and other.x < piece.right
        and other.right > piece.x
        and _RECEIVED.search(other.folded)
        for other in sheet.pieces
        if other is not piece
    )


def _place_of(sheet: Sheet, piece: Piece, dated: FoundDate) -> Iterator[FieldReading]:
    head = piece.folded[: dated.start]
    source = piece
    if re.fullmatch(r"\W*(?:le|lc)?\W*", head):
        left = _left_of(sheet, piece)
        if left is None or not re.search(r"[,.]\s?(?:le)?\W*$|^\w+$", left.folded):
            return
        source, head = left, left.folded
    match = _BEFORE_DATE.search(head)
    if match is None or not (match["the"] or "," in head[match.end("place") :] or known_town(match["place"])):
        return
    yield from _place_reading(source, match.start("place"), match.end("place"))


def _place_without_date(sheet: Sheet) -> Iterator[FieldReading]:
    """The place in ``Lomé, le``, before a date that is handwritten or missing."""
    for piece in sheet.pieces:
        match = _NO_DATE.search(piece.folded) if piece.y < 0.5 else None
        if match and len(piece.text) < 60 and (piece.x > 0.35 or known_town(match["place"])):
            yield from _place_reading(piece, match.start("place"), match.end("place"))
            return


def _place_reading(piece: Piece, start: int, end: int) -> Iterator[FieldReading]:
    text = piece.text[start:end].strip(" .,;")
    words = text.split(" ")
    for first in range(len(words)):  # a number or a title may stand before the place: "45/CAB Lomé"
        known = known_town(fold(" ".join(words[first:])))
        if known:
            yield reading("place", known, piece.words_of(start, end), piece, 95.0)
            return
    if not text or not text[0].isupper() or len(text) < 3 or fold(text) in _NOT_PLACES:
        return
    value = text.title() if text.isupper() else text
    yield reading("place", value, piece.words_of(start, end), piece, 82.0)


_NOT_PLACES = {"date", "the", "dated", "fait", "tel", "arrivee", "depart"}


# --- enclosures ---------------------------------------------------------------------------------------------------

_NONE = re.compile(r"\W{0,3}(?:neant|sans|aucune?|none|nil|0+\b)")


def _enclosures(sheets: Sequence[Sheet], labels: dict[int, dict[int, Label]]) -> Iterator[FieldReading]:
    found = [
        counted
        for sheet in sheets
        for place, label in labels[sheet.page_no].items()
        if label.name == "enclosures"
        for counted in _counted(sheet, labels[sheet.page_no], sheet.pieces[place], label)
    ]
    if found:
        yield max(found, key=lambda one: one.confidence)


def _counted(sheet: Sheet, labels: dict[int, Label], piece: Piece, label: Label) -> Iterator[FieldReading]:
    marks = Marks(labels, frozenset(), frozenset(), body_row(sheet, labels))
    lines = list(_value_lines(sheet, marks, piece, label))
    if not lines or not label.sure:
        return
    text = lines[0].folded.strip(" .:;-=")
    words = [word for line in lines for word in line.words]
    stated = 0 if _NONE.match(text) else leading_count(text)
    if stated is not None:
        alone = stated != 1 or len(text.split()) < 3 or text[0].isdigit() or text[0] == "("
        if alone or len(lines) == 1:
            sure = (93.0 if alone else 78.0) * label.sure - (40 if stated > 60 else 0)
            yield reading("enclosures", str(stated), lines[0].words, lines[0], sure)
            return
    count, sure = _listed_count(lines)
    if count:
        yield reading("enclosures", str(count), words, lines[0], sure * label.sure)


_WORD = 3
"""Letters of the shortest item of a list."""


def _listed_count(lines: Sequence[Piece]) -> tuple[int, float]:
    """The number of items in a list, by its dashes or by its semicolons; else 1. A letter or two are a misread number."""
    dashed = sum(bool(re.match(r"^\s*(?:[-–—•*·]|\d[.)])\s?\w", line.text)) for line in lines)
    if len(lines) > 1 and dashed >= len(lines) - 1:  # the label may have taken the first dash
        return len(lines), 84.0
    text = " ".join(line.text for line in lines)
    parts = [part for part in text.split(";") if any(c.isalpha() for c in part)]
    if len(parts) > 1:
        return len(parts), 86.0
    if sum(c.isalpha() for c in text) < _WORD:
        return 0, 0.0
    return (1, 58.0) if "," in text or " et " in text else (1, 82.0)
