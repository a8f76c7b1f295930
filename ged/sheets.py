"""A sheet of paper ready to be typeset, as every room that prints one describes it; how its days and its file are written."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ged.slots import WAIT_S
from ged.typeset import TEMPLATES, typeset


@dataclass(frozen=True)
class Sheet:
    """A sheet ready to be typeset: its template, its data, its date, and its file name."""

    template: str
    data: dict[str, Any]
    at: datetime
    filename: str

    def pdf(self, *, wait_s: float = WAIT_S) -> bytes:
        """The PDF/A. Slow (some hundred milliseconds): call it outside of any session.

        Args:
            wait_s: timeout for a slot of heavy work.

        Raises:
            Invalid: ``typeset.failed``.
            EngineFailed: ``work.busy``, ``typeset.crashed``.
        """
        return typeset(TEMPLATES / self.template, self.data, at=self.at, wait_s=wait_s)


def when(at: datetime, zone: ZoneInfo) -> tuple[str, str]:
    """(day, time of day) in the format of prints."""
    local = at.astimezone(zone)
    return f"{local:%d/%m/%Y}", f"{local:%H:%M}"


def slug(text: str) -> str:
    """A number or code as part of a file name."""
    return "".join(c if c.isalnum() else "-" for c in text).strip("-")
