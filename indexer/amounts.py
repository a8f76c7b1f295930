"""Amounts: 61773, 61 773, 61.773 and 61 773,00 are one number. Pure.

The words of a letter are its runs of digits, so an amount in groups is a run of words. A query is given its other writings, as it is
given synonyms, and the letters keep theirs. The words of 1 250 also begin 1 250 000: whole amounts are indexed apart, by their ``key``.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final

from indexer import analysis

Run = tuple[analysis.Forms, ...]
"""As ``tree.Run``: the tree knows the fields, and the fields know the amounts of a letter."""


def _groups(mark: str) -> str:
    """A pattern of a number whose digits stand in threes, five times at most: a page may be full of digits, and a longer number is none.

    Args:
        mark: names the sign between them; no name stands twice in one pattern.
    """
    return rf"\d{{1,3}}(?P<{mark}>[\x20.,])\d{{3}}(?:(?P={mark})\d{{3}}){{0,4}}"


GROUPED: Final = rf"{_groups('mark')}(?:[.,]\d{{1,2}})?(?![\w/-])(?![.,]\d)"
"""An amount in groups, as a part of a pattern of several lines. No-break and thin spaces are blanks by then."""
_SUM: Final = rf"(?:{_groups('parting')}|\d{{4,15}})(?:[.,]\d{{1,2}})?"
_CURRENCY: Final = r"\x20?(?i:F\x20?CFA|FCFA|CFA|XOF|FRANCS?(?:\x20CFA)?|FRS?|F)"
MONEY: Final = rf"{_SUM}{_CURRENCY}(?!\w)(?!(?<=\d{{8}}\x20F)\.\x20?[^\W\d_])"
"""An amount with its currency, as a part of such a pattern. Eight digits before the initial of a name are a telephone: 22308140 F. KOFFI."""
_WITH_CURRENCY: Final = re.compile(rf"\A[(\[{{]*(?P<amount>{_SUM}){_CURRENCY}[)\]}},;:.!?]*\Z")
_UNIT: Final = "(?:(?i:[kmg]va|[kmg]v|[kmg]wh?|kw[cp]|hz|mm2?|mm²|cm|km2?|km²|m[23²³]|kg|ha)|(?i:k)\\x20(?i:va|v|wh?)|[MG]\\x20(?:VA|V|Wh?))"
"""Units, also with a blank inside: 630 k VA. A small m or g with a blank behind it may be any letter."""
_MEASURED: Final = rf"(?:{_groups('sundering')}|\d{{1,6}})(?:[.,]\d{{1,3}})?"
MEASURE: Final = rf"{_MEASURED}\x20?{_UNIT}(?![\w/-])"
"""A number with its unit, as a part of such a pattern: 630 kVA, 1 250 kg. The number alone would be that of a letter."""
_WITH_UNIT: Final = re.compile(rf"\A[(\[{{]*(?P<number>{_MEASURED})\x20?(?P<unit>{_UNIT})[)\]}},;:.!?]*\Z")
_GLUED: Final = "F"
"""Printed lists write it without a blank, and a word of a letter ends at a blank: 61773F is one word, 61 773F are two."""
_PLAIN: Final = re.compile(r"(?P<whole>[1-9]\d{3,14})(?:[.,](?P<cents>\d{1,2}))?")
_IN_GROUPS: Final = re.compile(
    r"(?P<whole>[1-9]\d{0,2}(?P<mark>[ .,])\d{3}(?:(?P=mark)\d{3}){0,4})(?:[.,](?P<cents>\d{1,2}))?"
)
_YEARS: Final = range(1900, 2100)
_HELD: Final = re.compile(rf"(?<![\w/-])(?<!\d[.,])(?P<amount>{_SUM})(?:{_CURRENCY})?(?![\w/-])(?![.,]\d)")
_BLANKS: Final = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009", " "))
MAX_HELD: Final = 2_000
"""The most amounts of one letter that are indexed whole: a long table has as many."""


def writings(text: str) -> tuple[Run, ...]:
    """The writings of an amount, the one without groups first; none where the text is no amount, or may be a year."""
    whole, cents = _read(text)
    if not whole:
        return ()
    first = len(whole) % 3 or 3
    groups = [whole[:first], *(whole[at : at + 3] for at in range(first, len(whole), 3))]
    return tuple(tuple(analysis.words(" ".join([*one, cents]))) for one in ([whole], groups))


def _read(text: str) -> tuple[str, str]:
    """The digits of an amount, and those of its cents; empty texts where there is none."""
    bare = text.strip(analysis.PUNCTUATION)
    found = _PLAIN.fullmatch(bare) or _IN_GROUPS.fullmatch(bare)
    whole = "" if found is None else re.sub(r"\D", "", found["whole"])
    if found is None or len(whole) < 4 or int(whole) in _YEARS:
        return "", ""
    return whole, found["cents"] if (found["cents"] or "").strip("0") else ""


def key(text: str) -> str:
    """What all writings of one amount share, and no other amount has; empty where the text is no amount.

    >>> key("61 773,00"), key("61.773,5"), key("du 3 mars")
    ('61773', '61773,5', '')
    """
    whole, cents = _read(text)
    return ",".join(filter(None, (whole, cents.rstrip("0"))))


def held(texts: Iterable[str]) -> tuple[str, ...]:
    """The keys of the amounts that stand in these texts, the first ``MAX_HELD`` of them."""
    found = (key(one["amount"]) for text in texts for one in _HELD.finditer(text.translate(_BLANKS)))
    return tuple(sorted(islice(dict.fromkeys(filter(None, found)), MAX_HELD)))


def without_currency(text: str) -> str:
    """An amount without its currency, which would be a word of its own; any other text as it is.

    >>> without_currency("61 773 F CFA"), without_currency("annexe F")
    ('61 773', 'annexe F')
    """
    found = _WITH_CURRENCY.match(text)
    return found["amount"] if found is not None else text


def measures(text: str) -> tuple[Run, ...]:
    """The writings of a number with its unit: as two words, and as one; the number with and without groups, the unit with and without
    its blank. None of any other text.

    >>> [" ".join(form.folded for form in run) for run in measures("1 250 kg")]
    ['1250 kg', '1250kg', '1 250 kg', '1 250kg']
    """
    found = _WITH_UNIT.match(text)
    if found is None:
        return ()
    typed, unit = found["number"], found["unit"]
    grouped = _IN_GROUPS.fullmatch(typed)
    # A letter of Togo has a decimal comma: « 12,500 km » are twelve and a half. Only several commas part thousands.
    number = _joined(grouped) if grouped and (grouped["mark"] != "," or typed.count(",") > 1) else typed
    glued_unit = unit.replace(" ", "")
    numbers = dict.fromkeys((number, _grouped(number)))
    written = [form for one in numbers for form in (f"{one} {glued_unit}", f"{one}{glued_unit}")]
    if glued_unit != unit:
        written.append(f"{typed} {unit}")
    return tuple(tuple(analysis.words(one)) for one in written)


def _grouped(number: str) -> str:
    """A number of at least four digits in groups of three; any other number as it is."""
    whole, comma, decimals = number.partition(",")
    in_groups = f"{int(whole):,}".replace(",", " ") if whole.isdigit() and whole[0] != "0" else whole
    return f"{in_groups}{comma}{decimals}"


def _joined(found: "re.Match[str]") -> str:
    """A number in groups without the signs between them."""
    cents = found["cents"]
    whole = re.sub(r"\D", "", found["whole"])
    return f"{whole},{cents}" if (cents or "").strip("0") else whole


def glued(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """The writings of an amount whose currency stands at its end without a blank."""
    return tuple(tuple(analysis.words(" ".join(form.written for form in run) + _GLUED)) for run in runs)


def has_zeros(run: Run) -> bool:
    """Whether a run is an amount in groups of which one begins with 0.

    Stems have no such zeros, so those of 5 000 also find 5.0. The groups of such an amount are compared as they are written.
    """
    return len(run) > 1 and all(form.folded.isdigit() for form in run) and any(form.folded[0] == "0" for form in run)
