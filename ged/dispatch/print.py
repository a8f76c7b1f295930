"""Prints for departures: the day's book, and the discharge sheet that comes back stamped."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from ged.codes import CodeKind, make_code
from ged.days import full_day, long_day, place_of
from ged.dispatch import queries as dispatch_queries
from ged.errors import NotFound
from ged.letterhead import Letterhead, letterhead
from ged.ports import Confidentiality
from ged.register.words import CHANNELS, CONFIDENTIAL_LETTER
from ged.typeset import TEMPLATES, typeset
from ged.unit import Actor, Role, Services

MAX_SUBJECT = 160
"""Characters of a subject in the book's cell."""


def departure_book(services: Services, actor: Actor, day: date, *, at: datetime) -> bytes:
    """The departure book: all departures of a day from the actor's registers.

    Raises:
        Invalid: ``typeset.failed``.
    """
    with services.reading() as session:
        rows = dispatch_queries.left_on(session, actor, day, zone=services.zone)
        head = _head(session, services, actor)
    made = f"{place_of(services.zone)}, le {long_day(at.astimezone(services.zone).date())}"
    data: dict[str, Any] = {"head": head.data(), "day": full_day(day), "made": made, "rows": []}
    for row in rows:
        local = row.left_at.astimezone(services.zone) if row.left_at is not None else None
        data["rows"].append(
            {
                "at": f"{local:%H:%M}" if local else "",
                "number": row.number,
                "name": row.name + (" (ampliation)" if row.is_copy else ""),
                "subject": _subject(row),
                "channel": CHANNELS[row.channel],
                "proof": row.proof,
                "discharge": _discharge(row, services),
            }
        )
    return typeset(TEMPLATES / "departure_book.typ", data, at=at)


def round_sheet(services: Services, line_ids: Sequence[int], actor: Actor, *, at: datetime) -> bytes:
    """The page of the delivery book that goes with a messenger: a line for each copy, with room for its discharge.

    Raises:
        NotFound: ``dispatch.unknown``: none of these lines has left, or may be seen.
        Invalid: ``typeset.failed``.
    """
    with services.reading() as session:
        rows = dispatch_queries.lines_of_round(session, line_ids, actor)
        if not rows:
            raise NotFound("dispatch.unknown", "reload the list")
        head = _head(session, services, actor)
    days = [row.left_at.astimezone(services.zone).date() for row in rows if row.left_at is not None]
    data = {
        "head": head.data(),
        "day": full_day(max(days)) if days else "",
        "messenger": ", ".join(dict.fromkeys(row.carrier for row in rows if row.carrier)),
        "rows": [
            {
                "number": row.number,
                "name": row.name + (" (ampliation)" if row.is_copy else ""),
                "address": " - ".join(line.strip() for line in row.address.splitlines() if line.strip()),
                "subject": _subject(row),
                "discharge": _discharge(row, services),
            }
            for row in rows
        ],
    }
    return typeset(TEMPLATES / "round_sheet.typ", data, at=at)


def _subject(row: dispatch_queries.LineRow) -> str:
    """The printed subject. Many people handle the prints, so a confidential letter's subject is masked."""
    if row.level > Confidentiality.ORDINARY:
        return CONFIDENTIAL_LETTER
    return row.subject if len(row.subject) <= MAX_SUBJECT else f"{row.subject[: MAX_SUBJECT - 1]}…"


def _discharge(row: dispatch_queries.LineRow, services: Services) -> str:
    if row.discharged_at is None:
        return ""
    local = row.discharged_at.astimezone(services.zone)
    number = f", n° {row.discharge_number}" if row.discharge_number else ""
    return f"{row.discharge_name}, le {local:%d/%m/%Y à %H:%M}{number}"


def discharge_sheet(services: Services, line_id: int, actor: Actor, *, at: datetime) -> bytes:
    """The sheet that goes with one copy and comes back stamped; its code identifies the line of the scan.

    Raises:
        NotFound: ``dispatch.unknown``.
        Invalid: ``typeset.failed``.
    """
    with services.reading() as session:
        data = discharge_data(session, services, line_id, actor)
    return typeset(TEMPLATES / "discharge.typ", data, at=at)


def discharge_data(session: Session, services: Services, line_id: int, actor: Actor) -> dict[str, Any]:
    """The data of the discharge sheet for its template.

    Raises:
        NotFound: ``dispatch.unknown``.
    """
    row = dispatch_queries.line(session, line_id, actor)
    page = dispatch_queries.page(session, row.mail_id, actor)
    head = _head(session, services, actor)
    code = make_code(CodeKind.DISCHARGE, line_id, key=services.code_key)
    return {
        "head": head.coded(code, row.number).data(),
        "number": row.number,
        "written_on": long_day(page.written_on) if page.written_on else "",
        "name": row.name,
        "address": [line for line in row.address.splitlines() if line.strip()],
        "subject": row.subject if row.level == Confidentiality.ORDINARY else CONFIDENTIAL_LETTER,
        "is_copy": row.is_copy,
        "channel": CHANNELS[row.channel],
    }


def _head(session: Session, services: Services, actor: Actor) -> Letterhead:
    """Of the mail office where the actor is a clerk; of the actor's first post where there is none."""
    offices = [post.unit_id for post in actor.posts if Role.CLERK in post.roles]
    unit_id = next(iter([*offices, *(post.unit_id for post in actor.posts)]))
    return letterhead(session, unit_id, country=services.country)
