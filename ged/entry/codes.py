"""Codes of six digits (RFC 6238, by pyotp), and recovery codes: computed, without database and clock."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp

STEP_S = 30
DIGITS = 6
TOLERATED = 1
"""Steps on each side of the present one whose code is taken: a telephone may be late or early, and people type slowly."""
LOOKED_AT = 20
"""Steps on each side at which a code is looked for while a telephone is armed, to say that its clock is wrong."""
SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without those that are read for one another on paper: 0 and O, 1 and I."""
LENGTH = 16
"""Sixteen signs of 32: 80 bits."""
GROUP = 4
COUNT = 10
_DIGITS = re.compile(rf"[0-9]{{{DIGITS}}}")
_OTHERS = re.compile(r"[^0-9A-Z]")


@dataclass(frozen=True)
class Drift:
    """How far a telephone's clock is from ours.

    Attributes:
        steps: of 30 s, from ours to the telephone's; negative: the telephone is late.
        seconds: about, without sign; at most half a minute off, as a code says its half minute alone.
    """

    steps: int
    seconds: int

    @property
    def is_taken(self) -> bool:
        """Whether codes of such a telephone are taken."""
        return abs(self.steps) <= TOLERATED


def new_secret() -> str:
    """160 bits in base32, as RFC 4226 recommends."""
    return pyotp.random_base32(32)


def address(secret: str, *, account: str, issuer: str) -> str:
    """The ``otpauth://`` address that a telephone reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def code_at(secret: str, step: int) -> str:
    """The code of a step."""
    return str(pyotp.HOTP(secret, digits=DIGITS).at(step))


def step_of(moment: datetime) -> int:
    """The step of a moment: whole half minutes since 1970."""
    return int(moment.timestamp()) // STEP_S


def typed(code: str) -> str:
    """A code as people type it: applications show it in two groups."""
    return "".join(code.split())


def taken_step(secret: str, code: str, *, last_step: int, now: datetime) -> int | None:
    """The step whose code was typed, if it may still be taken; None otherwise.

    Args:
        last_step: the step of the last code that was taken: it and those before it count no more (RFC 6238, 5.2).
    """
    found = _matching(secret, code, TOLERATED, now)
    return found if found is not None and found > last_step else None


def drift(secret: str, code: str, *, now: datetime) -> Drift | None:
    """How far the clock of the telephone is off that shows this code now; None: it is no code of this secret near this time.

    Only while the secret is on the screen: else it would tell a guesser of a code when that code will be right.
    """
    found = _matching(secret, code, LOOKED_AT, now)
    if found is None:
        return None
    steps = found - step_of(now)
    middle = found * STEP_S + STEP_S // 2 - int(now.timestamp())
    return Drift(steps, abs(middle) if steps else 0)


def _matching(secret: str, code: str, around: int, now: datetime) -> int | None:
    code = typed(code)
    if not _DIGITS.fullmatch(code):
        return None
    here = step_of(now)
    near = sorted(range(here - around, here + around + 1), key=lambda step: abs(step - here))
    # All are compared: the time of an answer tells nothing.
    found = [step for step in near if hmac.compare_digest(code_at(secret, step), code)]
    return found[0] if found else None


def new_recovery_codes() -> tuple[str, ...]:
    """Ten codes, as people read them."""
    made = ("".join(secrets.choice(SIGNS) for _ in range(LENGTH)) for _ in range(COUNT))
    return tuple("-".join(one[start : start + GROUP] for start in range(0, LENGTH, GROUP)) for one in made)


def recovery_hash(person_id: int, code: str) -> str:
    """What is stored of a recovery code. With 80 random bits a plain digest is safe; hyphens, spaces and case do not count."""
    return hashlib.sha256(f"{person_id}:{_OTHERS.sub('', code.upper())}".encode()).hexdigest()
