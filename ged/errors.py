"""The errors that cross every border of the project.

An error carries a stable English ``code`` (for logs, tests and the table of French messages in ``web.site.errors``)
and the ``params`` that the message needs. It never carries document text, key material or a passphrase.
"""

from collections.abc import Mapping


class GedError(Exception):
    """Base of all expected failures.

    Attributes:
        code: dotted, stable, English: ``register.closed``.
        params: values that the translated message names; safe to log.
        remedy: one English sentence that says what to do; the site shows its French twin from the catalogue.
        retryable: whether the same call may succeed later without anybody changing anything.
    """

    retryable = False

    def __init__(self, code: str, remedy: str = "", **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.remedy = remedy
        self.params: Mapping[str, object] = params

    def __str__(self) -> str:
        details = " ".join(f"{key}={value!r}" for key, value in self.params.items())
        return f"{self.code} {details}".strip() + (f" ({self.remedy})" if self.remedy else "")


class NotFound(GedError):
    """The thing does not exist, or the actor may not know that it does."""


class Forbidden(GedError):
    """The actor may not do this; the refusal is recorded in the journal."""


class InvalidTransition(GedError):
    """The state of the thing does not allow this act (a slip received twice, a closed letter answered)."""


class StaleVersion(GedError):
    """Somebody else changed the thing since the form was opened."""


class GivenUp(StaleVersion):
    """The database gave the act up twice for other people's acts at the same rows; nothing of it stays."""


class Overtaken(Exception):
    """The database gave a transaction up for another's (a deadlock, a serialisation failure): nothing of it stays.

    No ``GedError``: it is not for people, but for the caller that can do its work once more (``ged.unit.once_more``).
    """


class LeaseLost(GedError):
    """A worker no longer holds its job: another one has it, or a person settled it. Nothing of it may be written."""


class NumberTaken(GedError):
    """A register number exists already (only possible when a register is opened at a number)."""


class Invalid(GedError):
    """What was given cannot be accepted; ``params['field']`` names the form field where there is one."""


class Malformed(Invalid):
    """What a program sent has not the form that was agreed; no person can correct a field of it."""


class EngineFailed(GedError):
    """An engine or an outside program failed (OCR, signing, index, mail)."""

    def __init__(self, code: str, remedy: str = "", *, retryable: bool = False, **params: object) -> None:
        super().__init__(code, remedy, **params)
        self.retryable = retryable


class DatabaseAway(EngineFailed):
    """The database does not answer, or not now; nothing was changed, and the same may be sent again."""


class DiskFull(EngineFailed):
    """There is no room for what would be stored; nothing of it is kept."""


class ConfigError(GedError):
    """A setting is missing or makes no sense; ``params['setting']`` names it."""
