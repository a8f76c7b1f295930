"""Whether a passphrase that a person chose protects a disk.

A module of its own: the word lists of zxcvbn take a quarter of a second to load, and only ``ged disk make`` needs them here.
"""

from zxcvbn import zxcvbn

from ged.disk.passphrase import normal
from ged.org.passwords import HOUSE_WORDS

MIN_CHARACTERS, MAX_JUDGED = 20, 128
LEAST_GUESSES_LOG10 = 16.0
"""Nobody counts the tries of who holds a disk. At a million rounds a try, 10¹⁶ of them keep ten thousand machines busy for years."""


def is_strong(text: str) -> bool:
    """Whether a typed passphrase is long, and hard to guess, enough for a disk that a thief may try at leisure."""
    plain = normal(text)
    if len(plain) < MIN_CHARACTERS:
        return False
    # What is typed again and again counts once, whatever blanks stand between.
    forms = (plain, plain.replace(" ", ""))
    found = [zxcvbn(form[:MAX_JUDGED], user_inputs=HOUSE_WORDS, max_length=MAX_JUDGED) for form in forms]
    return min(float(one["guesses_log10"]) for one in found) >= LEAST_GUESSES_LOG10
