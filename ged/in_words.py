"""Whole numbers in French words, as deeds write them. Pure.

The library num2words has them too: it is under the LGPL without a version and needs docopt, which has no wheel, and
the program's lock takes neither (``docs/dev/dependencies.md``).
"""

_SMALL = (
    "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "treize",
    "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf",
)  # fmt: skip
_TENS = ("", "", "vingt", "trente", "quarante", "cinquante", "soixante", "soixante", "quatre-vingt", "quatre-vingt")
LARGEST = 999_999_999


def in_words(number: int, *, feminine: bool = False) -> str:
    """A number from 0 to ``LARGEST`` in words.

    >>> in_words(100), in_words(81, feminine=True), in_words(271), in_words(200_080)
    ('cent', 'quatre-vingt-une', 'deux cent soixante et onze', 'deux cent mille quatre-vingts')

    Args:
        feminine: the counted noun is feminine: only *un* changes.

    Raises:
        ValueError: the number is out of range.
    """
    if not 0 <= number <= LARGEST:
        raise ValueError(number)
    millions, rest = divmod(number, 1_000_000)
    thousands, units = divmod(rest, 1000)
    parts = []
    if millions:
        parts.append(f"{_below_1000(millions, ends=True)} million{'s' if millions > 1 else ''}")
    if thousands:
        # « Mille » takes no one before it, and neither vingt nor cent takes an s before « mille ».
        parts.append("mille" if thousands == 1 else f"{_below_1000(thousands, ends=False)} mille")
    if units or not parts:
        parts.append(_below_1000(units, ends=True))
    said = " ".join(parts)
    return f"{said}e" if feminine and units % 100 not in (11, 71, 91) and units % 10 == 1 else said


def counted(number: int, one: str, many: str, *, feminine: bool = False) -> str:
    """A number in words and figures, with the counted noun; zero is singular.

    >>> counted(100, "numéro", "numéros"), counted(1, "pièce", "pièces", feminine=True)
    ('cent (100) numéros', 'une (1) pièce')
    """
    figures = f"{number:,}".replace(",", " ")
    return f"{in_words(number, feminine=feminine)} ({figures}) {one if number < 2 else many}"


def _below_1000(number: int, *, ends: bool) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_100(rest, ends=ends)
    plural = "s" if hundreds > 1 and not rest and ends else ""
    hundred = "cent" if hundreds == 1 else f"{_SMALL[hundreds]} cent{plural}"
    return f"{hundred} {_below_100(rest, ends=ends)}" if rest else hundred


def _below_100(number: int, *, ends: bool) -> str:
    if number < 20:
        return _SMALL[number]
    ten, unit = divmod(number, 10)
    if ten in (7, 9):  # soixante-dix, quatre-vingt-dix
        unit += 10
    if not unit:
        return _TENS[ten] + ("s" if ten == 8 and ends else "")
    if unit in (1, 11) and ten < 8:
        return f"{_TENS[ten]} et {_SMALL[unit]}"
    return f"{_TENS[ten]}-{_SMALL[unit]}"
