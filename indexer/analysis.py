"""Turns text into terms: one analysis for indexing, queries and highlighting.

A word has three forms: written (lower case, without elision), folded (without accents) and stemmed. The exact field
holds the first two: Elasticsearch at one position, the embedded engine without positions. The stemmed field holds the
third (a number loses its leading zeros there).
The stem is made from the folded form, so that a missing accent loses no hit. Stop words stay, because phrases need
them.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from indexer.stemming import light_french

MAX_WORD_LENGTH = 40
"""In characters. Longer runs are noise of the OCR: they are cut, so that they cannot fill the dictionary."""

PUNCTUATION = ",;:.!?…()[]{}"
"""The signs that stand around a number of a text, and are no part of it."""

ARTICLES = ("l", "m", "t", "qu", "n", "s", "j", "d", "c", "jusqu", "quoiqu", "lorsqu", "puisqu")

_STOP = (
    "a à au aux avec c ce ces cette d dans de des du elle elles en est et eux il ils je l la le les leur leurs lui m "
    "ma mais me même mes moi mon n ne nos notre nous on ou où par pas pour qu que qui s sa se ses si son sont sur t ta "
    "te tes toi ton tu un une vos votre vous y the of and to for"
)
STOP_WORDS = frozenset(_STOP.split())

_QUESTION = (
    "combien comment peut peuvent puis peux puis-je peut-on faut faut-il faire est-ce qu'est-ce est-il est-elle quand quel "
    "quelle quels quelles quoi pourquoi lequel laquelle lesquels lesquelles suis ai ai-je a-t-il a-t-elle a-t-on doit dois "
    "doivent doit-on veux voudrais souhaite souhaiterais savoir être etre existe-t-il afin donc bonjour svp merci"
)
QUESTION_WORDS = frozenset(_QUESTION.split())
"""How people frame a question. Like stop words, they are left out of a query that has other words."""

_ANY_LETTER = "courrier lettre document letter mail"
"""The words by which people name all that is searched: a letter seldom says of itself that it is one."""

# Letters that Unicode does not decompose: ligatures, and the alphabets of the region (Ewe, Mina, Kabiyè).
LETTERS = {
    "œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i",
    "ɖ": "d", "ƒ": "f", "ŋ": "n", "ɔ": "o", "ɛ": "e",
}  # fmt: skip
REPLACED = {"’": "'", "ɣ": "g", "ʋ": "v", "ɩ": "i", "ʊ": "u"}
"""Replaced before anything else, also in the written form: no filter of Elasticsearch folds these letters."""
_LETTERS = str.maketrans(LETTERS | REPLACED)
_REPLACED = str.maketrans(REPLACED)
_PRESENTATION = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "\u00ad": "", "\x00": " "})
_PRESENTED = re.compile("[" + "".join(map(chr, _PRESENTATION)) + "]")
"""The search takes a ninth of the time of ``translate``, and few texts have one of these characters."""
_MARK = r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_MARKS = re.compile(f"{_MARK}+")
MAX_MARKS = 8
"""No letter of any script bears more marks. To compose them costs the square of their number: minutes for a page of nothing else."""
_SIGNS = re.compile(rf"[^\w\s\x00-\x7f]{{{MAX_MARKS + 1},}}")
"""A run of signs that are no letters: marks of any script, and the lines and dots of a page."""
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ELISION = re.compile(rf"(?:{'|'.join(ARTICLES)})'(?=\w)")


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of one word."""

    written: str
    folded: str
    stem: str


class Token(NamedTuple):
    """A word at its position: its forms and the characters that it covers. A tuple, because a page has thousands."""

    forms: Forms
    start: int
    end: int


def clean(text: str) -> str:
    """Text to store and show: valid, composed Unicode, without typographic ligatures, soft hyphens and NULs."""
    text = text.encode("utf-8", "replace").decode()
    text = unicodedata.normalize("NFC", _SIGNS.sub(_with_few_marks, text))
    return text.translate(_PRESENTATION) if _PRESENTED.search(text) else text


def _with_few_marks(found: "re.Match[str]") -> str:
    kept, marks = [], 0
    for sign in found[0]:
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks <= MAX_MARKS:
            kept.append(sign)
    return "".join(kept)


def fold(text: str) -> str:
    """Lower case without accents: ``Éŋlɔ`` -> ``enlo``."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    return _MARKS.sub("", apart)


@lru_cache(maxsize=131_072)
def forms(word: str) -> Forms:
    """The forms of one word as it stands in a text (any case, perhaps elided)."""
    lower = word.lower().translate(_REPLACED)
    elided = _ELISION.match(lower)
    written = lower[elided.end() if elided else 0 :][:MAX_WORD_LENGTH]
    # Some signs of other scripts have blanks when they are taken apart, and the embedded engine parts words at blanks. Of a
    # sign that is a mark alone nothing is left: it stays as it is, because no word may be empty.
    folded = "".join(fold(written).split()) or written
    if folded.isdigit():
        return Forms(written, folded, folded.lstrip("0") or "0")
    return Forms(written, folded, light_french(folded) or folded)


def places(text: str) -> Iterator["re.Match[str]"]:
    """The matches of the words of a text that went through ``clean``, in order."""
    return _WORD.finditer(text)


def spelled(text: str) -> list[str]:
    """The words of a text that went through ``clean``, in order, as strings."""
    return _WORD.findall(text)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text that went through ``clean``, in order."""
    for match in _WORD.finditer(text):
        yield Token(forms(match.group()), match.start(), match.end())


def words(text: str) -> list[Forms]:
    """The forms of the words of any text."""
    return [forms(match.group()) for match in _WORD.finditer(clean(text))]


def is_stop_word(word: Forms) -> bool:
    """Whether a word is a stop word, written or folded."""
    return word.written in STOP_WORDS or word.folded in STOP_WORDS


_STEMS_OF_ANY_LETTER = frozenset(forms(word).stem for word in _ANY_LETTER.split())


def names_any_letter(word: Forms) -> bool:
    """Whether a word, in any form, names all that is searched: *courriers*, *lettre*. No letter is said to lack it."""
    return word.stem in _STEMS_OF_ANY_LETTER


_READ_AS_DIGIT = re.compile(r"(?=.{8})[^\W\d_]+\d[^\W\d_]+")


def fuzzy_distance(folded: str) -> int:
    """The number of typing mistakes to tolerate: none in short words and numbers, else one, in long words two.

    A long word with one digit inside is one that a scan read so (*transf0rmateur*); of a reference, digits stand together or at an end.
    """
    if len(folded) < 4 or not (folded.isalpha() or _READ_AS_DIGIT.fullmatch(folded)):
        return 0
    return 1 if len(folded) < 9 else 2
