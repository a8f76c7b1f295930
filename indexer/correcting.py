"""Corrects mistyped words, which no letter of the reader contains, with words of the index.

A correction is added to the typed word and never replaces it. The engine offers the words, and counts the letters that
contain them, with the principals of the search.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from rapidfuzz.distance import OSA, Levenshtein

from indexer import analysis
from indexer.tree import AnyOf, Node, ParsedQuery, Words

MIN_LETTERS = 4
MAX_WORDS = 12
KNOWN = frozenset({
    "janvier", "fevrier", "mars", "avril", "juin", "juillet", "aout", "septembre", "octobre", "novembre",
    "decembre", "january", "february", "march", "april", "june", "july", "august", "september", "october",
    "november", "december", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche", "monday",
    "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "reponse", "courrier", "lettre", "note",
    "demande", "facture", "rapport", "rappel", "relance", "avis", "accuse", "reception", "invitation",
    "convocation", "decision", "arrete", "decret", "circulaire", "prefet", "maire", "ministre", "directeur",
    "president", "secretaire", "reply", "letter", "request", "invoice", "report", "reminder", "notice",
    "prefect", "mayor", "minister", "director",
})  # fmt: skip
"""Words of every registry's searches, folded. They are typed correctly, also where no letter contains them: « repose » was never meant
by « réponse »."""
_EDIT = 3.0
_OTHER_END = 1.0
_KEYBOARD = ("azertyuiop", "qsdfghjklm", "wxcvbn")
_HISSED = re.compile(r"(?<=[^st])[tcs](?=i(?:on|el|al|en|eu|aire))")
"""Letters of one sound before these ends: *subvension*, *substanciel*."""
_SOUNDING_ALIKE = ("ae", "bp", "ck", "cq", "cs", "dt", "ei", "gj", "iy", "kq", "mn", "sz", "vw")


@dataclass(frozen=True)
class Offer:
    """A word of the index near to a typed word, with the number of letters that contain it and may be seen.

    Attributes:
        written: the word with its accents, where they are known.
    """

    folded: str
    letters: int
    written: str = ""


class Spellings:
    """How letters spell the words of the index, which have no accents: a correction is shown with its accents."""

    def __init__(self) -> None:
        self._counted: dict[str, Counter[str]] = {}

    def note(self, folded: str, word: str) -> None:
        """Count a word as a letter has it. A word in capitals often has no accents: it counts only where nothing else is known."""
        self._counted.setdefault(folded, Counter())[word.lower()] += 0 if word.isupper() else 1

    def of(self, folded: str) -> str:
        """The word as most letters write it."""
        counted = self._counted.get(folded, Counter())
        return max(counted, key=lambda word: (counted[word], word), default=folded)


def doubtful(parsed: ParsedQuery) -> tuple[str, ...]:
    """The folded words of a query that may be mistyped: plain words, of letters only."""
    found = [word.forms[0].folded for node in parsed.wanted for word in _plain(node)]
    words = [one for one in found if len(one) >= MIN_LETTERS and one.isalpha() and one not in KNOWN]
    return tuple(dict.fromkeys(words))[:MAX_WORDS]


def best(typed: str, offers: Iterable[Offer]) -> str | None:
    """The word probably meant, with its accents: near, frequent, with the same end. None when none of them was meant.

    A word in which a letter stands for one far from it on the keyboard, and of another sound, is another word: *moto* is no
    *mono*. Words that an installation's letters lack were given one of these as often as not.
    """
    stem = analysis.forms(typed).stem
    weighed: list[tuple[float, str, str]] = []
    for offer in offers:
        distance = OSA.distance(typed, offer.folded)
        if not offer.letters or distance > analysis.fuzzy_distance(typed) or offer.folded == typed:
            continue
        if not _is_slip(typed, offer.folded, distance):
            continue
        weight = math.log(offer.letters + 1) - _EDIT * distance - (offer.folded[-1] != typed[-1]) * _OTHER_END
        weighed.append((weight, offer.folded, offer.written))
    if not weighed:
        return None
    _weight, meant, written = max(weighed)
    return None if analysis.forms(meant).stem == stem else written or meant  # the stem already finds it


def _is_slip(typed: str, meant: str, distance: int) -> bool:
    """Whether each replaced letter is one that a hand or an ear confuses. ``distance`` is that with swapped neighbours."""
    edits = Levenshtein.editops(typed, meant)
    replaced = [(typed[one.src_pos], meant[one.dest_pos]) for one in edits if one.tag == "replace"]
    strange = sum(frozenset(pair) not in _confused() for pair in replaced)
    if len(typed) == len(meant) and distance == len(replaced) and _HISSED.sub("s", typed) == _HISSED.sub("s", meant):
        return True
    swapped = len(edits) - distance  # two neighbours that changed places are two edits here
    return strange <= 2 * swapped


@cache
def _confused() -> frozenset[frozenset[str]]:
    """Pairs of letters: neighbours on the French keyboard, in a row and below each other; and those of one sound."""
    pairs = [*_SOUNDING_ALIKE]
    for row in _KEYBOARD:
        pairs += map("".join, pairwise(row))
    for row, below in pairwise(_KEYBOARD):
        pairs += map("".join, zip(row, below, strict=False))
    return frozenset(map(frozenset, pairs))


def corrected(parsed: ParsedQuery, meant: Mapping[str, str]) -> ParsedQuery:
    """The query with the corrections beside the typed words."""
    if not meant:
        return parsed
    run = tuple(analysis.forms(meant[form.folded]) if form.folded in meant else form for form in parsed.run)
    return replace(
        parsed,
        words=tuple(_with(node, meant) for node in parsed.words),
        required=tuple(_with(node, meant) for node in parsed.required),
        run=run,
    )


MAX_TYPED = 1_000
"""In characters. A longer text was pasted, and is not offered again in another spelling."""


def did_you_mean(text: str, meant: Mapping[str, str]) -> str | None:
    """The typed text with the corrections in it; None when there are none, or the text was pasted."""
    if not meant or len(text) > MAX_TYPED:
        return None

    def put(match: "re.Match[str]") -> str:
        word = match.group()
        found = meant.get(analysis.forms(word).folded)
        return word if found is None else word[: len(word) - len(word.split("'")[-1])] + found

    changed = re.sub(r"[^\W\d_]+(?:['’][^\W\d_]+)*", put, analysis.clean(text))
    return changed if changed != analysis.clean(text) else None


def _plain(node: Node) -> Iterable[Words]:
    if isinstance(node, AnyOf):
        for inner in node.nodes:
            yield from _plain(inner)
    elif isinstance(node, Words) and len(node.forms) == 1 and not node.quoted:
        yield node


def _with(node: Node, meant: Mapping[str, str]) -> Node:
    if isinstance(node, AnyOf):
        return replace(node, nodes=tuple(_with(inner, meant) for inner in node.nodes))
    if isinstance(node, Words) and len(node.forms) == 1 and not node.quoted and node.forms[0].folded in meant:
        return replace(node, also=(*node.also, (analysis.forms(meant[node.forms[0].folded]),)))
    return node
