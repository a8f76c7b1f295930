"""The words of letters on a disk, and the shards in which they are found. Pure, but for its spare files.

The page in the browser folds words in the same way (``lecture/programme/disque.js``), and a test holds both together.
"""

import base64
import heapq
import pickle
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from ged.register.numbering import number_key

MAX_LETTERS, MIN_LETTERS = 40, 2
NUMBER = "#"
"""Begins the term of a letter's number."""
SHARD_BYTES = 96_000
"""About what a shard weighs before it is packed: one search reads one or two for each word."""
HELD = 1_500_000
"""So many occurrences are held in memory; then they go into a spare file, sorted."""
_STOP = (
    "au aux avec ce ces cette dans de des du elle en est et eux il ils je la le les leur leurs lui ma mais me mes moi mon ne nos notre "
    "nous on ou par pas pour que qui sa se ses si son sont sur ta te tes toi ton tu un une vos votre vous"
)
STOP_WORDS = frozenset(_STOP.split())
_LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ɖ": "d", "ƒ": "f", "ŋ": "n", "ɔ": "o", "ɛ": "e",
     "ɣ": "g", "ʋ": "v", "ɩ": "i", "ʊ": "u"}
)  # fmt: skip
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Lower case without accents.

    >>> fold("Élève d'Ŋɔ, œuvre")
    "eleve d'no, oeuvre"
    """
    plain = unicodedata.normalize("NFKD", text.lower())
    return "".join(one for one in plain if not unicodedata.combining(one)).translate(_LETTERS)


def words_of(text: str) -> set[str]:
    """The words of a text that are found: no stop words, and no single letters."""
    found = {word[:MAX_LETTERS] for word in _WORD.findall(fold(text)) if len(word) >= MIN_LETTERS or word.isdecimal()}
    return found - STOP_WORDS


def terms_of_number(text: str, sequence: int) -> set[str]:
    """The terms of a number: as it is written, and from its place in the register.

    >>> sorted(terms_of_number("2026/00045", 45))
    ['#2026/45', '#45/2026/45']
    """
    key = number_key(text)
    own = str(sequence)
    return {NUMBER + key} | ({f"{NUMBER}{own}/{key}"} if key != own and not key.startswith(f"{own}/") else set())


class Gathering:
    """Gathers which letters hold which words, with little memory: what is too much goes into sorted spare files.

    Args:
        spare: a private folder: its files hold words in clear.
    """

    def __init__(self, spare: Path, held: int = HELD) -> None:
        self._spare, self._most = spare, held
        self._terms: dict[str, list[int]] = {}
        self._held = 0
        self._runs: list[Path] = []

    def add(self, place: int, heading: set[str], text: set[str]) -> None:
        """Add a letter; places come in rising order.

        Args:
            heading: what its register says of it (subject, names, numbers): it is found before what only its pages hold.
        """
        for term in heading:
            self._terms.setdefault(term, []).append(2 * place + 1)
        for term in text - heading:
            self._terms.setdefault(term, []).append(2 * place)
        self._held += len(heading | text)
        if self._held > self._most:
            self._spill()

    def _spill(self) -> None:
        run = self._spare / f"words-{len(self._runs):04d}"
        with run.open("xb") as out:
            for term in sorted(self._terms):
                # With the number of the run: the merge then gives the letters of one term in rising order.
                pickle.dump((term, len(self._runs), self._terms[term]), out, protocol=5)
        self._runs.append(run)
        self._terms, self._held = {}, 0

    def all(self) -> Iterator[tuple[str, list[int]]]:
        """(term, letters) of all terms in their order; letters as ``add`` numbers them, rising."""
        last = ((term, len(self._runs), self._terms[term]) for term in sorted(self._terms))
        term, places = "", list[int]()
        for found, _run, some in heapq.merge(*(_read(run) for run in self._runs), last):
            if found != term:
                if places:
                    yield term, places
                term, places = found, []
            places += some
        if places:
            yield term, places


def _read(run: Path) -> Iterator[tuple[str, int, list[int]]]:
    with run.open("rb") as stored:
        while (one := _next(stored)) is not None:
            yield one


def _next(stored: IO[bytes]) -> tuple[str, int, list[int]] | None:
    try:
        found: tuple[str, int, list[int]] = pickle.load(stored)  # noqa: S301  # the file is our own, in a private folder
    except EOFError:
        return None
    return found


def shards(terms: Iterable[tuple[str, list[int]]], most_bytes: int = SHARD_BYTES) -> Iterator[list[tuple[str, str]]]:
    """Lists of (term, letters as text), each of about this size."""
    shard, size = list[tuple[str, str]](), 0
    for term, places in terms:
        packed = pack(places)
        if shard and size + len(packed) > most_bytes:
            yield shard
            shard, size = [], 0
        shard.append((term, packed))
        size += len(term) + len(packed)
    if shard:
        yield shard


def pack(places: Iterable[int]) -> str:
    """Rising numbers as base64 of their differences, seven bits a byte, the lowest first.

    >>> pack([1, 3, 300])
    'AQKpAg=='
    """
    out, before = bytearray(), 0
    for place in places:
        step, before = place - before, place
        while step > 127:
            out.append(step & 127 | 128)
            step >>= 7
        out.append(step)
    return base64.b64encode(out).decode()
