"""The PDF/A of a closing. Labels of codes are defined here: ``ged`` prints paper without the site's catalogue."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ged.closing import listing
from ged.closing.listing import Listed
from ged.days import hour, long_day, place_of
from ged.in_words import counted
from ged.letterhead import letterhead
from ged.register.models import ClosingPeriod, MailNumber, Register
from ged.reports.register_pages import FIELDS, SEALED_ENVELOPE, stopped_at
from ged.typeset import TEMPLATES, typeset
from ged.unit import SYSTEM, Actor, Services

TEMPLATE = TEMPLATES / "register_closing.typ"
NOTHING_GIVEN = "Aucun numéro n'a été donné à ces dates."
KINDS = {"letter": "Courrier", "envelope": SEALED_ENVELOPE, "slip": "Bordereau", "number": "—"}


def closing_data(session: Session, services: Services, listed: Listed, actor: Actor, now: datetime) -> dict[str, Any]:
    """The template's data, read in the session."""
    register = session.get_one(Register, listed.register_id)
    local = now.astimezone(services.zone)

    def clock(moment: str) -> str:
        return f"{datetime.fromisoformat(moment).astimezone(services.zone):%d/%m/%Y %H:%M}" if moment else ""

    is_day = listed.period is ClosingPeriod.DAY
    count, first, last, voided = _given(session, listed)
    rows = listed.data if is_day else {"numbers": [], "voids": [], "rectifications": []}
    year = {"days": [], "reserve": []} if is_day else _of_year(listed.data)
    return {
        "head": letterhead(session, register.unit_id, country=services.country).data(),
        "title": f"Clôture {'journalière' if is_day else 'annuelle'} n° {listed.sequence}",
        "register": f"{register.name} ({register.code})",
        "span": _span(listed.from_on, listed.until_on),
        "previous": listed.previous or "aucune : première clôture",
        "stopped": stopped_at("Le présent registre", count, first, last, voided) if count else NOTHING_GIVEN,
        "made": f"{place_of(services.zone)}, le {long_day(local.date())}",
        "content": listing.content_hash(listed.data),
        "closed": f"le {long_day(local.date())} à {hour(local)}"
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
        "days": [
            [_span(date.fromisoformat(one["from_on"]), date.fromisoformat(one["until_on"])), str(one["numbers"]),
             str(one["voids"]), str(one["rectifications"]), one["digest"]]
            for one in year["days"]
        ],
        "cited": [[one["number"], one["line"], clock(one["received_at"])] for one in rows.get("reserve", [])],
        "books": [
            [one["book"], _lines(one["used"], one["used_lines"]), _lines(one["voided"], one["voided_lines"]),
             _lines(one["free"], one["free_lines"])]
            for one in year["reserve"]
        ],
        "books_told": _books_in_words(year["reserve"]),
    }  # fmt: skip


def _of_year(data: Any) -> dict[str, Any]:
    """The data of a year: without reserve books it is the list of the days alone."""
    return data if isinstance(data, dict) else {"days": data, "reserve": []}


def _lines(count: int, which: str) -> str:
    return f"{count} ({which})" if count else "—"


def _books_in_words(books: list[listing.Row]) -> str:
    """What becomes of the lines of the reserve books, in words."""
    if not books:
        return ""
    lines, used, voided, free = (sum(one[name] for one in books) for name in ("lines", "used", "voided", "free"))
    left = (
        f"{counted(free, 'encore ouverte', 'encore ouvertes', feminine=True)} à la fin de l'année"
        if free
        else "aucune encore ouverte"
    )
    return (
        f"{counted(len(books), 'carnet de secours', 'carnets de secours')}, {counted(lines, 'ligne', 'lignes', feminine=True)} : "
        f"{counted(used, 'inscrite', 'inscrites', feminine=True)}, {counted(voided, 'annulée', 'annulées', feminine=True)}, {left}."
    )


def _given(session: Session, listed: Listed) -> tuple[int, int, int, int]:
    """How many numbers the days have, the first and the last of them, how many are void."""
    row = session.execute(
        select(
            func.count(), func.min(MailNumber.sequence), func.max(MailNumber.sequence), func.count(MailNumber.voided_at)
        ).where(
            MailNumber.register_id == listed.register_id,
            MailNumber.registered_on.between(listed.from_on, listed.until_on),
        )
    ).one()
    return row[0], row[1] or 0, row[2] or 0, row[3]


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
