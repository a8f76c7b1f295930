"""The annexes that a letter's text announces, for comparison with the attached ones. Pure; a guess for a person."""

import re
from dataclasses import dataclass

_WORDS = {
    "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8, "neuf": 9,
    "dix": 10, "onze": 11, "douze": 12,
}  # fmt: skip
_COUNT = r"(?P<count>\d{1,2}|" + "|".join(_WORDS) + r")"
_PIECES = r"(?:pi[èe]ces?\s+(?:ci-)?jointes?|pi[èe]ces?\s+annex[ée]+s?|annexes|documents?\s+(?:ci-)?joints?)"
_COUNTED = (
    re.compile(rf"\b{_COUNT}\s*(?:\(\d{{1,2}}\)\s*)?{_PIECES}"),
    re.compile(rf"\b(?:p\.\s?j\.?|pj|pi[èe]ces?\s+jointes?|annexes?)\s*:\s*\(?{_COUNT}\b"),
)
_NUMBERED = re.compile(r"\bannexe\s+(?:n°\s*)?(?P<count>\d{1,2})\b")
_MENTIONED = re.compile(
    r"\bci-(?:joint|annex)|\ben\s+annexe|\ben\s+pi[èe]ces?\s+jointes?|\bjointe?s?\s+à\s+la\s+présente"
)


@dataclass(frozen=True)
class Announced:
    """``count`` is None when the text gives no number; ``is_mentioned``: the text mentions an annex."""

    count: int | None
    is_mentioned: bool


def announced(body: str) -> Announced:
    """Find the annexes that a text announces.

    >>> announced("Vous trouverez ci-joint les deux annexes et l'annexe 3.")
    Announced(count=3, is_mentioned=True)
    >>> announced("Veuillez agréer mes salutations.")
    Announced(count=None, is_mentioned=False)
    """
    text = " ".join(body.lower().split())
    found = [one["count"] for pattern in (*_COUNTED, _NUMBERED) for one in pattern.finditer(text)]
    counts = [int(one) if one.isdigit() else _WORDS[one] for one in found]
    return Announced(max(counts, default=None), bool(counts) or _MENTIONED.search(text) is not None)
