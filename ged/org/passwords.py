"""Passwords: which are refused, and the argon2id hash of accepted ones.

Length and guessability decide, not rules of composition (NIST SP 800-63B, 5.1.1.2; OWASP ASVS 5.0, V6.2). zxcvbn
estimates how many guesses a password withstands. It has lists of common passwords, names, dates and keyboard patterns,
and also gets the words of the person and of the organisation. It works without a network.
"""

import re
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from ged.errors import Invalid

MIN_CHARACTERS = 10
MAX_CHARACTERS = 128
"""Nobody types more, and hashing megabytes would waste time."""
MAX_VERIFIED = 4096
"""A longer password, set before this limit existed, still opens its account."""
LEAST_OWN = 5
"""Letters and digits that must remain without the words of the person and of the organisation, and without years."""
LEAST_GUESSES_LOG10 = 9.0
"""A thousand million guesses: more than three predictable words, and years of work for a thief of the slow hashes."""
HOUSE_WORDS = (
    "ged", "courrier", "courriers", "document", "documents", "ministere", "ministre", "direction", "service", "bureau",
    "secretaire", "secretariat", "general", "cabinet", "togo", "lome", "motdepasse", "passe", "bonjour", "bienvenue",
    "azerty", "azertyuiop", "admin", "administrateur", "demonstration",
)  # fmt: skip

_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_hasher = PasswordHasher()


def refuse_guessable(password: str, *words: str) -> None:
    """Refuse a guessable password.

    Args:
        words: of the person and the organisation (account, name, ministry): an attacker tries these first.

    Raises:
        Invalid: ``password.too_short``, ``password.too_long``, ``password.common``.
    """
    _check_length(password)
    from zxcvbn import zxcvbn  # noqa: PLC0415  # its word lists take a quarter of a second to load: only when a password is changed

    context = [*HOUSE_WORDS, *(part for word in words for part in _parts(word))]
    # An attacker tries names with and without accents, and words joined and apart: the easiest form counts.
    plain = _without_accents(password)
    forms = {password, plain, "".join(c for c in plain if c.isalnum())} - {""}
    found = [zxcvbn(form, user_inputs=context, max_length=MAX_CHARACTERS) for form in sorted(forms)]
    if _own(plain, context) < LEAST_OWN or min(float(one["guesses_log10"]) for one in found) < LEAST_GUESSES_LOG10:
        raise Invalid("password.common", "choose a sentence of several words that nobody would guess", field="password")


def _own(plain: str, context: list[str]) -> int:
    """The number of letters and digits of a password that belong neither to these words nor to a year."""
    left = plain.casefold()
    for word in sorted((word for word in context if len(word) > 2 and word.isalnum()), key=len, reverse=True):
        left = left.replace(word, " ")
    left = _YEAR.sub(" ", left)
    return sum(c.isalnum() for c in left)


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _parts(word: str) -> list[str]:
    whole = _without_accents(word.strip().casefold())
    return [whole, *(part for part in re.split(r"[^\w]+", whole) if len(part) > 2)]


def _check_length(password: str) -> None:
    if len(password) < MIN_CHARACTERS:
        raise Invalid("password.too_short", "choose a longer one", field="password", minimum=MIN_CHARACTERS)
    if len(password) > MAX_CHARACTERS:
        raise Invalid("password.too_long", "choose a shorter one", field="password", maximum=MAX_CHARACTERS)


def hash_password(password: str) -> str:
    """The argon2id hash to store.

    Raises:
        Invalid: ``password.too_short``, ``password.too_long``.
    """
    _check_length(password)
    return _hasher.hash(password)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("a password that nobody has")


def matches(password_hash: str, password: str) -> bool:
    """Whether the password is right. An account without a password takes the same time."""
    try:
        right = _hasher.verify(password_hash or _nobodys_hash(), password[:MAX_VERIFIED])
    except (VerifyMismatchError, InvalidHashError):
        return False
    return right and bool(password_hash) and len(password) <= MAX_VERIFIED
