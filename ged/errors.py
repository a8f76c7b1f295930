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
        remedy: one English sentence that says what to do; the site shows its French translation from the catalogue.
        retryable: whether the same call may succeed later without any change by a person.
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


class Gone(NotFound):
    """The thing was there, and was destroyed by a decision that the error names."""


class Forbidden(GedError):
    """The actor may not do this; the refusal is recorded in the journal."""


class InvalidTransition(GedError):
    """The state of the thing does not allow this act (a slip received twice, a closed letter answered)."""


class StaleVersion(GedError):
    """Somebody else changed the thing since the form was opened."""


class GivenUp(StaleVersion):
    """The database aborted the act twice in favour of concurrent acts on the same rows. Nothing of it was committed."""


class Overtaken(Exception):
    """The database aborted a transaction in favour of another (deadlock, serialisation failure). Nothing was committed.

    Not a ``GedError``: it is not shown to people, but handled by a caller that retries (``ged.unit.once_more``).
    """


class RowGone(Overtaken):
    """PostgreSQL refused a row that names another one, which is not there: as a rule another transaction deleted it after it was
    read (a unit whose making is undone). Work that is done again reads anew, and says so in words; where it meets this once more,
    it is a fault of the program, and the database's own error is raised."""


class LeaseLost(GedError):
    """A worker no longer holds its job: another worker has it, or a person settled it. It must write nothing more."""


class NumberTaken(GedError):
    """A register number exists already (only possible when a register is opened at a given number)."""


class Invalid(GedError):
    """The input cannot be accepted; ``params['field']`` names the form field, if there is one."""


class Malformed(Invalid):
    """A program sent input in a wrong format; no person can correct a form field."""


class EngineFailed(GedError):
    """An engine or an outside program failed (OCR, signing, index, mail)."""

    def __init__(self, code: str, remedy: str = "", *, retryable: bool = False, **params: object) -> None:
        super().__init__(code, remedy, **params)
        self.retryable = retryable


class DatabaseAway(EngineFailed):
    """The database is unreachable or too busy. Nothing was changed; the request may be sent again."""


class DiskFull(EngineFailed):
    """The disk has no space for the data; none of it was kept."""


class ConfigError(GedError):
    """A setting is missing or invalid; ``params['setting']`` names it."""
