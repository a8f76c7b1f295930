"""The passphrase of a disk: made by the program, or typed by a person (``strength``). Pure."""

import secrets
import unicodedata

WORDS = 7
CONSONANTS, VOWELS = "bdfgjklmnprstvz", "aiou"
_COARSE = "bibi bita boba caca coco dodo gaga jiji kaka kiki kuku lolo nana papa pipi popo pupu puta puto zizi zozo tata titi toto tutu"
COARSE = frozenset(_COARSE.split())
"""Words that nobody wants to read aloud."""


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
    """A passphrase as it is used: one form of each character, one blank between words. The page writes it so too.

    >>> normal(" cafe\u0301  noir ") == "caf\u00e9 noir"
    True
    """
    return " ".join(unicodedata.normalize("NFKC", text).split())
