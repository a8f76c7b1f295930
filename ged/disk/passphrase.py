"""The passphrase of a disk: made by the program, or typed by a person. Pure."""

import secrets
import unicodedata

from ged.org.passwords import HOUSE_WORDS

WORDS = 7
CONSONANTS, VOWELS = "bdfgjklmnprstvz", "aiou"
_COARSE = "bibi bita boba caca coco dodo gaga jiji kaka kiki kuku lolo nana papa pipi popo pupu puta puto zizi zozo tata titi toto tutu"
COARSE = frozenset(_COARSE.split())
"""Words that nobody wants to read aloud."""
MIN_CHARACTERS, MAX_JUDGED = 20, 128
LEAST_GUESSES_LOG10 = 16.0
"""Nobody counts the tries of who holds a disk. At a million rounds a try, 10¹⁶ of them keep ten thousand machines busy for years."""


def made() -> str:
    """A new passphrase: seven words of four letters that anybody can read aloud and type without accents, 82 bits.

    >>> len(made().split())
    7
    """
    return " ".join(_word() for _ in range(WORDS))


def _word() -> str:
    while True:
        word = "".join(secrets.choice(letters) for letters in (CONSONANTS, VOWELS, CONSONANTS, VOWELS))
        if word not in COARSE:
            return word


def normal(text: str) -> str:
    """A passphrase as it is used: one form of each character, one blank between words. The page does the same.

    >>> normal(" cafe\u0301  noir ") == "caf\u00e9 noir"
    True
    """
    return " ".join(unicodedata.normalize("NFKC", text).split())


def is_strong(text: str) -> bool:
    """Whether a typed passphrase is long, and hard to guess, enough for a disk that a thief may try at leisure."""
    plain = normal(text)
    if len(plain) < MIN_CHARACTERS:
        return False
    from zxcvbn import zxcvbn  # noqa: PLC0415  # as in ged.org.passwords: its word lists take a quarter of a second to load

    # What is typed again and again counts once, whatever blanks stand between.
    forms = (plain, plain.replace(" ", ""))
    found = [zxcvbn(form[:MAX_JUDGED], user_inputs=HOUSE_WORDS, max_length=MAX_JUDGED) for form in forms]
    return min(float(one["guesses_log10"]) for one in found) >= LEAST_GUESSES_LOG10
