"""Letters whose files were destroyed by a slip of disposal, which two people confirmed (``ged.disposal``).

From the row on nobody opens a file of such a letter, and nothing is joined to it. A job then removes the files with their keys
(``ged.disposal.destroying``). The register keeps the letter's number, its entry, and this row.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Exists, ForeignKey, Integer, Select, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, aliased, mapped_column

from ged.db import Base, Id, UtcDateTime
from ged.errors import Gone, InvalidTransition

LATE_AFTER = timedelta(days=3)
"""A destruction that was decided so long ago and is not done waits for something: a file that was stored anew waits a day."""


class DestroyedLetter(Base):
    """A letter whose files are destroyed, or will be within the day."""

    __tablename__ = "destroyed_letters"

    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True, autoincrement=False)
    slip_no: Mapped[int] = mapped_column(Id)
    """The number of the slip of disposal, as it is printed. No key: after a restore the slip may be lost, and the fact stays."""
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the last file was gone, with its key; None: the job has still to do it."""
    files: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """How many stored files were removed. A file that a living letter has too stays."""


@dataclass(frozen=True)
class Destroyed:
    """The destruction of a letter's files. ``done_at`` None: it is decided, and the job has still to do it."""

    slip_no: int
    decided_at: datetime
    done_at: datetime | None
    files: int

    def is_late(self, now: datetime) -> bool:
        """Whether the files are still there long after the decision."""
        return self.done_at is None and self.decided_at < now - LATE_AFTER


LISTED = (DestroyedLetter.slip_no, DestroyedLetter.decided_at, DestroyedLetter.done_at, DestroyedLetter.files)
"""The columns that a list of letters reads by an outer join, for ``listed``."""


def listed(
    slip_no: int | None, decided_at: datetime | None, done_at: datetime | None, files: int | None
) -> Destroyed | None:
    """The destruction of a row's letter, from the columns of ``LISTED``; None: its files are there."""
    return None if slip_no is None or decided_at is None else Destroyed(slip_no, decided_at, done_at, files or 0)


def ids() -> Select[int]:
    """The letters whose files are destroyed, for a condition."""
    return select(DestroyedLetter.mail_id)


def holds(mail_id: ColumnElement[int] | InstrumentedAttribute[int]) -> Exists:
    """Whether the letter that a row names was destroyed, for a condition.

    Negated it is joined, whatever their number. A ``NOT IN (ids())`` is read whole for each row, once they are too many for a hash.
    """
    gone = aliased(DestroyedLetter)
    return exists().where(gone.mail_id == mail_id)


def of_letter(session: Session, mail_id: int) -> Destroyed | None:
    """The destruction of a letter's files; None: they are there."""
    row = session.get(DestroyedLetter, mail_id)
    return Destroyed(row.slip_no, row.decided_at, row.done_at, row.files) if row is not None else None


def of_letters(session: Session, mail_ids: Collection[int]) -> dict[int, Destroyed]:
    """The destructions among these letters, by letter."""
    rows = session.scalars(select(DestroyedLetter).where(DestroyedLetter.mail_id.in_(mail_ids)))
    return {row.mail_id: Destroyed(row.slip_no, row.decided_at, row.done_at, row.files) for row in rows}


def require_readable(session: Session, mail_id: int) -> None:
    """Check that a letter's files may be opened.

    Raises:
        Gone: ``mail.destroyed``.
    """
    found = of_letter(session, mail_id)
    if found is not None:
        raise Gone("mail.destroyed", "its entry in the register stays", on=found.decided_at, slip=found.slip_no)


def require_there(session: Session, mail_id: int) -> None:
    """Check that a letter may be worked on: nothing is joined to a letter that was destroyed, and none is reopened.

    Raises:
        InvalidTransition: ``mail.destroyed``.
    """
    found = of_letter(session, mail_id)
    if found is not None:
        raise InvalidTransition(
            "mail.destroyed", "its entry in the register stays", on=found.decided_at, slip=found.slip_no
        )
