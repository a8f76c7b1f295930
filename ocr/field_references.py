"""Reads two references: the sender's number of the letter, and our number of the letter that it answers."""

import re
from collections.abc import Iterator
from dataclasses import replace

from ged.ports import FieldReading
from ocr.field_blocks import Marks
from ocr.field_layout import Piece, Sheet, reading

_KIND = r"(?:lettre|note|bordereau|circulaire|telegramme|transmission|courrier|correspondance|facture|envoi|decision|soit-transmis|rapport|message|devis|proforma|invoice)"
_SIGN = r"(?:n\s?[°o*'\"“”?e®]{1,2}|numero|number|nr|no)\s?[:.\-]?\s?#?\s?"
_NUMBER = re.compile(r"(?=[\w.&/\-–—_ ]{0,40}?\d)[\w.&]+(?:\s?[/\-–—_]{1,2}\s?[\w.&]+)*")
_TYPED_CODE = re.compile(r"(?:\s[A-Z]{1,3}\.?){1,5}(?:[/.][A-Z]{1,4})*\s*[.\-]?$")
_OWN = re.compile(r"^\W{0,2}(?:" + _KIND + r"(?: [a-z]{2,12}){0,2}\s+)?" + _SIGN + r"(?=[\w./\-]{0,16}?\d)")
_BARE = re.compile(r"^\d{2,6}\s?/\s?[A-Z][\w.&]*(?:\s?[/\-]\s?[\w.&]+)+$")
_CITED = re.compile(
    r"\b(?:votre|vos|v\s?/|v\.|your)\s?(?:[a-z'’]+\s){0,2}?(?:"
    + _KIND
    + r"|l\b|lr\b|demande|depeche|reference|ref|letter|memo|fax|t\.?o\b)"
    r"[^;:!?]{0,45}?(?:\b" + _SIGN + r"|ref\.?\s|reference\s|(?=\d{2,6}\s?/))"
)
_BY_LETTER = re.compile(r"\bpar (?:" + _KIND + r")\s(?:[a-z]+\s){0,2}?" + _SIGN)
_ANSWER = re.compile(r"\breponse a (?:la |votre |vos )?(?:" + _KIND + r")\s(?:[a-z]+\s){0,2}?" + _SIGN)
_RULE = re.compile(
    r"\b(?:loi|decret|arrete|ordonnance|constitution|article|reglement|directive|code|contrat|marche|convention|instruction)\b"
)
_STRANGER = re.compile(r"\b(?:compte|b\.?\s?p|tel|rccm|nif|police|fax|contrat|carte|passeport|lot|dossier|abonne)\b")
_HEAD = 0.55


def is_own_number(piece: Piece) -> bool:
    """Whether a piece begins with ``N°`` and a number, as the sender's own number does."""
    return bool(piece.y < _HEAD and _OWN.match(piece.folded) and not _STRANGER.search(piece.folded[:30]))


def read_references(sheet: Sheet, marks: Marks) -> list[FieldReading]:
    """At most one reading of each of ``their_reference`` and ``our_reference``."""
    theirs: list[FieldReading] = []
    ours: list[FieldReading] = []
    referred: list[tuple[Piece, int]] = []
    for place, given in enumerate(sheet.pieces):
        label = marks.labels.get(place)
        name = label.name if label else ""
        piece, start = _with_value(sheet, given, label.end if label else 0)
        if name == "theirs":
            theirs += _numbered(piece, start, "their_reference", 93.0)
        elif name == "ours":
            ours += _numbered(piece, start, "our_reference", 93.0)
        elif name == "reference":
            referred.append((piece, start))
        elif not name and piece.row < marks.body and is_own_number(piece):
            theirs += _numbered(piece, _end(_OWN, piece), "their_reference", 93.0)
        elif not name and piece.row < marks.body and piece.y < _HEAD and _BARE.match(piece.text):
            theirs += _numbered(piece, 0, "their_reference", 78.0)
    for piece, start in referred:
        _refer(piece, start, theirs, ours)
    ours += _cited(sheet)
    return [max(found, key=lambda one: one.confidence) for found in (theirs, ours) if found]


def _end(pattern: re.Pattern[str], piece: Piece) -> int:
    match = pattern.match(piece.folded)
    return match.end() if match else 0


def _with_value(sheet: Sheet, piece: Piece, start: int) -> tuple[Piece, int]:
    """The piece with the value: the piece itself, or the next piece of its line if it is only a label."""
    if start and not piece.text[start:].strip(" .:-_"):
        right = next((other for other in sheet.row(piece.row) if other.x >= piece.right), None)
        if right is not None:
            return right, 0
    return piece, start


def _numbered(piece: Piece, start: int, name: str, sure: float) -> Iterator[FieldReading]:
    """The number at a position, after an optional sign."""
    sign = re.match(r"\s*(?:" + _KIND + r"\s)?(?:" + _SIGN + r")?[\s#]*", piece.folded[start:])
    begin = start + (sign.end() if sign else 0)
    number = _NUMBER.match(piece.text, begin)
    if number is None:
        return
    end = number.end()
    code = _TYPED_CODE.match(piece.text[end:])
    if code:
        end += code.end()
    value = re.sub(r"\s*([/\-–—_])\s*", r"\1", piece.text[begin:end]).strip(" .,;:-–—_/")
    digits = sum(letter.isdigit() for letter in value)
    if not digits or len(value) > 60:
        return
    if re.match(r"\d{1,2}\s?[a-z]{3,9}\s?\d{2,4}", piece.folded[begin:]):  # a date, not a number
        return
    sure -= 12 * (len(value) < 3) + 10 * (value.isdigit() and len(value) > 6)
    yield reading(name, value, piece.words_of(begin, end), piece, sure)


def _refer(piece: Piece, start: int, theirs: list[FieldReading], ours: list[FieldReading]) -> None:
    """For a mere ``Réf. :``: decide from the following text whose number it is."""
    rest = piece.folded[start:]
    if _CITED.search(rest):
        return  # found there by itself
    if _RULE.search(rest):
        return
    kind = re.search(_KIND + r"(?: [a-z]+){0,2}\s" + _SIGN, rest)
    if kind:
        ours += _numbered(piece, start + kind.end(), "our_reference", 76.0)
    elif theirs:
        ours += _numbered(piece, start, "our_reference", 66.0)
    else:
        theirs += _numbered(piece, start, "their_reference", 82.0)


def _cited(sheet: Sheet) -> Iterator[FieldReading]:
    """``votre lettre n° …`` anywhere, also across the end of a line."""
    for piece in _flowing(sheet):
        for pattern, sure in ((_CITED, 92.0), (_ANSWER, 80.0)):
            for match in pattern.finditer(piece.folded):
                if not _RULE.search(match[0]):
                    yield from _numbered(piece, match.end(), "our_reference", sure)
        for match in _BY_LETTER.finditer(piece.folded):
            if re.search(
                r"\bvous (?:avez|m'avez|nous|m')|you (?:have|requested)", piece.folded[match.end() : match.end() + 130]
            ):
                yield from _numbered(piece, match.end(), "our_reference", 86.0)


def _flowing(sheet: Sheet) -> Iterator[Piece]:
    """Each line with the two following lines of its column, as one long piece."""
    by_row: dict[int, Piece] = {}
    for piece in sheet.pieces:
        widest = by_row.get(piece.row)
        if widest is None or piece.right - piece.x > widest.right - widest.x:
            by_row[piece.row] = piece
    for piece in sheet.pieces:
        words = piece.words
        if re.search(r"\b(?:votre|vos|v/|v\.|your|par|reponse)\b|v\s?/", piece.folded):
            for row in (piece.row + 1, piece.row + 2):
                below = by_row.get(row)
                if below and below.y - piece.y < 2.6 * sheet.pitch and below.x < piece.right:
                    words += below.words
            yield replace(piece, words=words)
