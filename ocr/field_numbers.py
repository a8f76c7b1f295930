"""Reads numbers in French and English words, and amounts of money."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ged.ports import FieldReading, Word
from ocr.field_layout import Piece, Sheet, reading

_UNITS = {
    "zero": 0, "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8,
    "neuf": 9, "dix": 10, "onze": 11, "douze": 12, "treize": 13, "quatorze": 14, "quinze": 15, "seize": 16,
    "vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60, "septante": 70,
    "huitante": 80, "octante": 80, "nonante": 90, "premier": 1,
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
}  # fmt: skip
_SCALES = {"mille": 1000, "mil": 1000, "million": 10**6, "millions": 10**6, "milliard": 10**9, "milliards": 10**9}
NUMBER_WORDS = frozenset(_UNITS) | frozenset(_SCALES) | {"cent", "cents", "et"}
_WORDS = re.compile(r"[a-z]+")


def value_of(words: Sequence[str]) -> int | None:
    """The number that folded words spell; ``None`` when they are not a number.

    >>> value_of("mil neuf cent quatre vingt dix sept".split())
    1997
    """
    total = group = 0
    before = ""
    for word in words:
        if word == "et":
            continue
        if word in {"vingt", "vingts"} and before == "quatre":
            group += 76
        elif word in _UNITS:
            group += _UNITS[word]
        elif word in {"cent", "cents"}:
            group = max(group, 1) * 100
        elif word in _SCALES:
            total, group = total + max(group, 1) * _SCALES[word], 0
        else:
            return None
        before = word
    return total + group if before else None


def leading_count(folded: str) -> int | None:
    """The number with which a text begins, in digits or words: ``03``, ``(3)``, ``trois (03)``, ``Deux rapports``."""
    digits = re.match(r"[\s(\[]*0*(\d{1,3})(?![\d/.,]*\d)", folded)
    if digits:
        return int(digits[1])
    words = []
    for word in _WORDS.findall(folded[:60]):
        if word not in NUMBER_WORDS or word == "et":
            break
        words.append(word)
    return value_of(words) if words else None


# --- money --------------------------------------------------------------------------------------------------------

_CURRENCIES = (
    (r"francs?\s?c\.?\s?f\.?\s?a\b|f\.?\s?c\.?\s?f\.?\s?a\b|xof\b", "FCFA", 92.0),
    (r"francs?\b", "francs", 88.0),
    (r"frs?\b", "francs", 84.0),
    (r"euros?\b|€|eur\b", "EUR", 90.0),
    (r"dollars?\b|usd\b|us\s?\$|\$", "USD", 88.0),
    (r"livres?\s+sterlings?\b|£", "GBP", 84.0),
    (r"f\b", "francs", 70.0),
)
_CURRENCY = "|".join(f"(?P<c{number}>{pattern})" for number, (pattern, _, _) in enumerate(_CURRENCIES))
_AMOUNT = re.compile(
    r"(?<![\w/.,])(?P<digits>\d{1,3}(?:[ .,']\d{3}){1,5}|\d{1,12})(?P<part>[.,]\d{1,2})?(?![\d])"
    r"\s?(?:\)\s?|,?-+\s?)?(?P<scale>millions?|milliards?|mille)?\s?(?:de\s|d')?\s?(?:" + _CURRENCY + ")"
)
_SIGN_FIRST = re.compile(  # "$4.11", "EUR 34,73"; in "10 € 20 €" the sign belongs to the number before it
    r"(?<![\w$€£])(?:(?<!\d )|(?=\S\d))(?P<currency>us\s?\$|[$€£]|(?:eur|usd|fcfa|xof)\b)\s?"
    r"(?P<digits>\d{1,3}(?:[ .,']\d{3}){1,5}|\d{1,12})(?P<part>[.,]\d{1,2})?(?!\d|\s?(?:[$€£]|eur|usd|fcfa|xof)(?!\s?\d))"
)
_NAMED = re.compile(r"(?<![a-z])(?:" + _CURRENCY + ")")
_BARE_F = _CURRENCIES[-1][0]
_SPELLED = re.compile(
    r"((?:\b(?:"
    + "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
    + r")\b[ \-]*){1,14})(?:de\s)?(francs?(?:\s?c\.?f\.?a)?\b)"
)
_TOTAL = re.compile(r"total|net a payer|montant|somme|s'eleve|arrete[e]? a|ttc|coute?\b|prix|amount")
_TOTAL_LABEL = re.compile(
    r"\W*(?:(?:grand |sous-)?total|net a payer|(?:montant|somme) (?:total|du|a payer)|amount due|balance due)\b"
    r"(?P<due>(?=.*\b(?:ttc|a payer|general|due)\b)|(?<=a payer))?"
)
_LABELLED, _WITH_TAX, _SUREST = 3.0, 1.0, 96.0  # added to the confidence of a labelled sum; what it never passes
MAX_AMOUNTS = 8


def read_amounts(sheets: Sequence[Sheet]) -> list[FieldReading]:
    """Amounts of money, each once, those labelled as a total or a sum first."""
    found: dict[str, FieldReading] = {}
    for sheet in sheets:
        for piece in _overlapping(sheet):
            label = _TOTAL_LABEL.match(_label_left_of(sheet, piece))
            amounts = (*_in_digits(piece), *_after_currency(piece), *_in_words(piece))
            for amount in (_labelled(one, label) for one in amounts) if label else amounts:
                figure = amount.value.rpartition(" ")[0]
                if figure not in found or found[figure].confidence < amount.confidence:
                    found[figure] = amount
    return sorted(found.values(), key=lambda amount: -amount.confidence)[:MAX_AMOUNTS]


def _overlapping(sheet: Sheet) -> Iterator[Piece]:
    """Each line with the first words of the next line in its column: sums may continue on the next line."""
    for place, piece in enumerate(sheet.pieces):
        words = piece.words
        for below in sheet.pieces[place + 1 : place + 4]:
            if below.row > piece.row and below.x < piece.right and below.right > piece.x:
                if below.y - piece.y < 2.2 * sheet.pitch:
                    words += below.words[:3]
                break
        yield replace(piece, words=words)


def _labelled(amount: FieldReading, label: re.Match[str]) -> FieldReading:
    """The amount, surer by its label: most where that says that it is to be paid, or with tax."""
    sure = amount.confidence + _LABELLED + (_WITH_TAX if label["due"] is not None else 0)
    return replace(amount, confidence=min(sure, _SUREST))


def _label_left_of(sheet: Sheet, piece: Piece) -> str:
    """The words to the left of a piece on its line; none where the piece begins with no number: it has its label itself."""
    if not re.match(r"\W{0,3}\d", piece.folded):
        return ""
    left = [other for other in sheet.row(piece.row) if other.right <= piece.x]
    return left[-1].folded if left else ""


def _in_digits(piece: Piece) -> Iterator[FieldReading]:
    for match in _AMOUNT.finditer(piece.folded):
        currency, sure = _currency(match)
        if piece.text[match.end() : match.end() + 1].isdigit() and not piece.text[match.end() - 1].isalpha():
            continue  # "August 2014 $4.11": the sign belongs to the number behind it
        if currency == "francs" and sure < 80 and piece.text[match.end() - 1] != "F":
            continue
        digits = int(re.sub(r"\D", "", match["digits"]))
        part = float("0" + match["part"].replace(",", ".")) if match["part"] else 0.0
        scale = _SCALES.get(match["scale"] or "", 1)
        value = round((digits + part) * scale) if scale > 1 else digits
        cents = f",{match['part'][1:]:0<2}" if scale == 1 and part else ""
        before = piece.folded[max(0, match.start() - 60) : match.start()]
        if (
            not value
            or (value < 10 and currency == "francs")
            or re.search(r"capital\W{0,3}(?:social)?(?:\s?de)?\W*$", before)
        ):
            continue
        if re.search(r"\d[.,' ]$", piece.folded[: match.start()]):
            sure -= 30  # the number continues to the left: the match is only a part
        elif _TOTAL.search(before):
            sure += 3
        yield reading(
            "amount", f"{value:,}".replace(",", " ") + f"{cents} {currency}", _span(piece, match), piece, sure
        )


def _after_currency(piece: Piece) -> Iterator[FieldReading]:
    """Amounts whose currency stands before the number."""
    for match in _SIGN_FIRST.finditer(piece.folded):
        value = int(re.sub(r"\D", "", match["digits"]))
        part = match["part"] or ""
        cents = f",{part[1:]:0<2}" if part.strip(".,0") else ""
        named = currencies_in(match["currency"])
        if (value or cents) and named:
            text = f"{value:,}".replace(",", " ") + f"{cents} {named[0]}"
            before = piece.folded[max(0, match.start() - 60) : match.start()]
            yield reading("amount", text, _span(piece, match), piece, 91.0 if _TOTAL.search(before) else 88.0)


def _in_words(piece: Piece) -> Iterator[FieldReading]:
    for match in _SPELLED.finditer(piece.folded):
        words = _WORDS.findall(match[1])
        value = value_of(words)
        if value and value >= 100 and len(words) > 1 and match.start() > 0:
            currency = "FCFA" if "a" in match[2][6:] else "francs"
            yield reading("amount", f"{value:,}".replace(",", " ") + f" {currency}", _span(piece, match), piece, 78.0)


def currencies_in(folded: str) -> list[str]:
    """The currencies that a folded text names, in order; a single ``F`` does not count, as it may be anything."""
    return [_currency(one)[0] for one in _NAMED.finditer(folded) if re.fullmatch(_BARE_F, one[0]) is None]


def is_currency(folded: str) -> bool:
    """Whether a folded text is only the name of a currency; here ``F`` counts as a currency."""
    return _NAMED.fullmatch(folded) is not None


def _currency(match: re.Match[str]) -> tuple[str, float]:
    number = next(number for number in range(len(_CURRENCIES)) if match[f"c{number}"])
    return _CURRENCIES[number][1:]


def _span(piece: Piece, match: re.Match[str]) -> tuple[Word, ...]:
    return piece.words_of(match.start(), match.end())
