"""The PDF/A of a closing. Labels of codes are defined here: ``ged`` prints paper without the site's catalogue."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ged.closing import listing
from ged.closing.listing import Listed
from ged.org.letterhead import letterhead
from ged.register.models import ClosingPeriod, Register
from ged.reports.register_pages import FIELDS
from ged.typeset import typeset
from ged.unit import SYSTEM, Actor, Services

TEMPLATE = Path(__file__).parents[1] / "templates" / "register_closing.typ"
KINDS = {"letter": "Courrier", "envelope": "Pli confidentiel", "slip": "Bordereau", "number": "—"}


def closing_data(session: Session, services: Services, listed: Listed, actor: Actor, now: datetime) -> dict[str, Any]:
    """The template's data, read in the session."""
    register = session.get_one(Register, listed.register_id)
    local = now.astimezone(services.zone)

    def clock(moment: str) -> str:
        return f"{datetime.fromisoformat(moment).astimezone(services.zone):%d/%m/%Y %H:%M}" if moment else ""

    is_day = listed.period is ClosingPeriod.DAY
    rows = listed.data if is_day else {"numbers": [], "voids": [], "rectifications": []}
    return {
        "head": letterhead(session, register.unit_id, country=services.country).data(),
        "title": f"Clôture {'journalière' if is_day else 'annuelle'} n° {listed.sequence}",
        "register": f"{register.name} ({register.code})",
        "span": _span(listed.from_on, listed.until_on),
        "previous": listed.previous or "aucune : première clôture",
        "content": listing.content_hash(listed.data),
        "closed": f"le {local:%d/%m/%Y} à {local:%H:%M}"
        + ("" if actor is SYSTEM else f" par {actor.name}"),
        "numbers": [
            [one["number"], clock(one["at"]), KINDS[one["kind"]] + (" (annulé)" if one["void"] else ""), one["digest"]]
            for one in rows["numbers"]
        ],
        "voids": [[one["number"], clock(one["at"]), one["reason"], _cited(one)] for one in rows["voids"]],
        "rectifications": [
            [one["number"], clock(one["at"]), FIELDS.get(one["field"], one["field"]), one["change"], _cited(one)]
            for one in rows["rectifications"]
        ],
        "days": [] if is_day else [
            [_span(date.fromisoformat(one["from_on"]), date.fromisoformat(one["until_on"])), str(one["numbers"]),
             str(one["voids"]), str(one["rectifications"]), one["digest"]]
            for one in listed.data
        ],
    }  # fmt: skip


def closing_pdf(data: dict[str, Any], *, at: datetime) -> bytes:
    """Typeset the sheet.

    Raises:
        Invalid: ``typeset.failed``.
    """
    return typeset(TEMPLATE, data, at=at)


def _span(from_on: date, until_on: date) -> str:
    if from_on == until_on:
        return f"le {from_on:%d/%m/%Y}"
    return f"du {from_on:%d/%m/%Y} au {until_on:%d/%m/%Y}"


def _cited(row: listing.Row) -> str:
    return f"clôture du {date.fromisoformat(row['closed_on']):%d/%m/%Y}, {row['closing']}" if row["closing"] else ""
