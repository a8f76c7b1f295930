"""Light stemming of French, the same on both engines.

The rules are those of J. Savoy's light stemmer ("Light Stemming Approaches for the French, Portuguese, German and
Hungarian Languages", 2006), as Lucene ships them (``light_french``). The embedded engine must give the same stems as
Elasticsearch, so that one marker highlights for both. The stemmer removes plurals, feminines and the commonest
suffixes. It leaves proper names alone far more often than the Snowball stemmer does.
"""

from functools import lru_cache

_UNACCENT = str.maketrans("àáâôèéêùûîç", "aaaoeeeuuic")

# (suffix, word longer than, letters cut, replacement); the first match ends the search
_ENDINGS: tuple[tuple[str, int, int, str], ...] = (
    ("issement", 9, 7, "r"),
    ("issant", 8, 5, "r"),
    ("ivement", 7, 6, "f"),
    ("ement", 6, 4, ""),
    ("ficatrice", 11, 7, "er"),
    ("ficateur", 10, 6, "er"),
    ("catrice", 9, 7, "quer"),
    ("cateur", 8, 6, "quer"),
    ("atrice", 8, 6, "er"),
    ("ateur", 7, 5, "er"),
)
_ENDINGS_AFTER_TRICE: tuple[tuple[str, int, int, str], ...] = (
    ("ième", 5, 4, ""),
    ("teuse", 7, 3, "r"),
    ("teur", 6, 2, "r"),
    ("euse", 5, 2, ""),
    ("ère", 8, 3, "er"),
    ("ive", 7, 2, "f"),
    ("folle", 4, 3, "u"),
    ("molle", 4, 3, "u"),
    ("nnelle", 9, 5, ""),
    ("nnel", 9, 3, ""),
)
_ENDINGS_AFTER_IQUE: tuple[tuple[str, int, int, str], ...] = (
    ("esse", 8, 3, ""),
    ("inage", 7, 3, ""),
    ("isation", 9, 7, ""),
    ("isateur", 9, 7, ""),
    ("ation", 8, 5, ""),
    ("ition", 8, 5, ""),
)


def _replace(word: str, endings: tuple[tuple[str, int, int, str], ...]) -> str | None:
    for suffix, longer_than, cut, instead in endings:
        if len(word) > longer_than and word.endswith(suffix):
            return word[: len(word) - cut] + instead
    return None


def _without_plural(word: str) -> str:
    if len(word) > 5 and word.endswith("x"):
        if word[-3:-1] == "au" and word[-4] != "e":
            word = word[:-2] + "l" + word[-1]
        word = word[:-1]
    if len(word) > 3 and word.endswith("x"):
        word = word[:-1]
    if len(word) > 3 and word.endswith("s"):
        word = word[:-1]
    return word


def _normal(word: str) -> str:
    """Fold accents, undouble letters and cut the last vowels, in words of more than four letters."""
    if len(word) > 4:
        folded = word.translate(_UNACCENT)
        kept = [folded[0]]
        for char in folded[1:]:
            if char != kept[-1] or not char.isalpha():
                kept.append(char)
        word = "".join(kept)
    if len(word) > 4 and word.endswith("ie"):
        word = word[:-2]
    if len(word) > 4:
        for last in ("r", "e", "e"):
            if word.endswith(last):
                word = word[:-1]
        if word[-1] == word[-2] and word[-1].isalpha():
            word = word[:-1]
    return word


@lru_cache(maxsize=65_536)
def light_french(word: str) -> str:
    """The stem of one lower-case word."""
    word = _without_plural(word)
    done = _replace(word, _ENDINGS)
    if done is not None:
        return _normal(done)
    if len(word) > 6 and word.endswith("trice"):
        word = word[:-5] + "teur"
    done = _replace(word, _ENDINGS_AFTER_TRICE)
    if done is not None:
        return _normal(done)
    if len(word) > 4 and word.endswith("ète"):
        word = word[:-3] + "et"
    if len(word) > 8 and word.endswith("ique"):
        word = word[:-4]
    done = _replace(word, _ENDINGS_AFTER_IQUE)
    if done is not None and word.endswith("isation") and len(done) > 5 and done.endswith("ual"):
        done = done[:-2] + "el"
    return _normal(word if done is None else done)
