"""Reads amounts and references in cells of tables; the head of the column or of the row says which they are."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ged.ports import FieldReading, RecognisedPage, Word
from ocr.field_layout import Piece, fold, reading
from ocr.field_numbers import MAX_AMOUNTS, currencies_in, is_currency

_NUMBER = re.compile(r"[-+]?\s?(\d{1,3}(?:[ .']\d{3})+|\d{1,12})([.,]\d{1,2})?(?!\d)")
_MONEY = re.compile(
    r"montant|prix|total|cout|valeur|somme|debit|credit|budget|solde|\bp\.?\s?u\b|\bht\b|\bttc\b|amount|price"
)
_TOTAL = re.compile(r"\btotal\b|net a payer|a payer|montant (?:total|ttc|net|ht|du)|\bttc\b|somme due|amount due")
_OURS = re.compile(
    r"^\W*(?:(?:n[°o]\W{0,2}|numero\s|ref\w*\W{1,2})(?:de\s|du\s|d')?(?:votre\s)?(?:la\s)?)?(?:(?:votre|vos|v/)\W?\s?)?"
    r"(?:bon de commande|commande|(?<=votre )ref\w*|(?<=vos )ref\w*|(?<=v/)ref\w*|b\.?c\.?|marche)\b\W*(?:n[°o])?\W*$"
)
_THEIRS = re.compile(
    r"^\W*(?:(?:n[°o]|numero|ref\w*)\W{0,2}\s?(?:de\s)?(?:la\s|notre\s)?(?:facture|bordereau|devis|lettre|piece|proforma|dossier)"
    r"|(?:facture|devis|proforma|bordereau)\s?n[°o]|(?:notre|nos|n/)\s?ref\w*|invoice (?:no|number))\W*$"
)
_REFERENCE = re.compile(r"^(?=[^ ]*\d)[\w./&\-–—°]{3,40}(?: ?[/\-–—] ?[\w.&]+)*$")
_MOST_TEXT, _MOST_ROWS, _MOST_CELLS, _LONGEST_LABEL = 20_000, 400, 40, 60  # whoever sends more is no business letter
_COLUMN_SURE, _LABELLED_SURE, _TOTAL_SURE, _ONE_CURRENCY_SURE = 82.0, 90.0, 93.0, 78.0


@dataclass(frozen=True)
class _Cell:
    words: tuple[Word, ...]
    piece: Piece

    @property
    def text(self) -> str:
        return self.piece.text

    @property
    def folded(self) -> str:
        return self.piece.folded


_Row = tuple[_Cell | None, ...]


def read_tables(pages: Sequence[RecognisedPage]) -> tuple[list[FieldReading], list[FieldReading]]:
    """Readings of ``amount``, totals first, and of ``their_reference`` and ``our_reference``, only from tables."""
    amounts: list[FieldReading] = []
    references: list[FieldReading] = []
    for page in pages:
        usual = _only_currency(page.text[:_MOST_TEXT]) if page.tables else ""
        for table in page.tables:
            rows = [_cells(page.page_no, row) for row in table[:_MOST_ROWS]]
            amounts += _amounts(rows, usual)
            references += _references(rows)
    return sorted(amounts, key=lambda one: -one.confidence)[:MAX_AMOUNTS], references


def _cells(page_no: int, row: Sequence[tuple[Word, ...]]) -> _Row:
    return tuple(_Cell(words, Piece(page_no, 0, words)) if words else None for words in row[:_MOST_CELLS])


def _only_currency(text: str) -> str:
    """The currency of a page that names exactly one currency."""
    found = {name for line in text.split("\n") for name in currencies_in(fold(line))}
    return found.pop() if len(found) == 1 else ""


def _amounts(rows: Sequence[_Row], usual: str) -> Iterator[FieldReading]:
    """The last number of each total row, and the numbers of columns of money."""
    heads = rows[0]
    for row in rows[1:] if _is_head(heads) else rows:
        label = next((cell.folded for cell in row if cell and _number(cell.text) is None), "")
        is_total = bool(_TOTAL.search(label))
        numbers = [(place, cell) for place, cell in enumerate(row) if cell and _number(cell.text) is not None]
        for place, cell in numbers[-1:] if is_total else numbers:
            head = heads[place] if len(heads) == len(row) else heads[-1] if place == len(row) - 1 else None
            named = head.folded if head and _is_head(heads) else ""
            if not is_total and not _MONEY.search(named):
                continue
            beside = " ".join(other.folded for other in row[place + 1 :] if other)
            own = next((name for said in (cell.folded, named, label, beside) for name in currencies_in(said)), "")
            value = _number(cell.text)
            if not (own or usual) or value is None:
                continue
            sure = (_TOTAL_SURE if is_total else _COLUMN_SURE) if own else _ONE_CURRENCY_SURE
            yield reading("amount", f"{value} {own or usual}", cell.words, cell.piece, sure)


def _is_head(row: _Row) -> bool:
    return sum(cell is not None for cell in row) > 1 and not any(
        cell and _number(cell.text) is not None for cell in row
    )


def _number(text: str) -> str | None:
    """A cell's number in groups of three, with its cents; ``None`` if the cell has other text than a currency."""
    found = _NUMBER.match(text.strip())
    if found is None:
        return None
    rest = fold(text.strip()[found.end() :]).strip(" .-,")
    if rest and not is_currency(rest):
        return None
    cents = found[2][1:].ljust(2, "0") if found[2] else ""
    value = int(re.sub(r"\D", "", found[1]))
    if not value:
        return None
    return f"{value:,}".replace(",", " ") + (f",{cents}" if cents.strip("0") else "")


def _references(rows: Sequence[_Row]) -> Iterator[FieldReading]:
    """The value under a head, if it is the only value of its column, or the value to the right of a label."""
    heads = rows[0]
    for place, head in enumerate(heads):
        below = [row[place] for row in rows[1:] if len(row) == len(heads) and row[place] is not None]
        if head and len(below) == 1 and len(rows) == 2:
            yield from _named(head, below[0])
    for row in rows:
        filled = [cell for cell in row if cell]
        for label, value in pairwise(filled):
            yield from _named(label, value)


def _named(label: _Cell, value: _Cell | None) -> Iterator[FieldReading]:
    if value is None or len(label.text) > _LONGEST_LABEL or not _REFERENCE.match(value.text[: _LONGEST_LABEL + 1]):
        return
    for name, pattern in (("our_reference", _OURS), ("their_reference", _THEIRS)):
        if pattern.match(label.folded):
            yield reading(name, value.text.strip(" .,;:"), value.words, value.piece, _LABELLED_SURE)
            return
