"""Pages of a register as they are printed: lines of a span, its proof, volumes of what is long.

Data is read in a session, the PDF is set outside of it. Labels of codes in French stand here as well as in
``web.words.labels``: paper is written by ``ged``, which knows no catalogue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ged.errors import Invalid
from ged.org.letterhead import letterhead
from ged.ports import Confidentiality
from ged.register.books import MAX_PRINTED, BookRow, EntryKind, EntryRow, Span, YearRow, count_entries, entries
from ged.register.models import RegisterNature
from ged.register.prints import Sheet, slug, when
from ged.unit import Actor, Services

HIDDEN = {
    EntryKind.CONFIDENTIAL: "Courrier confidentiel",
    EntryKind.ENVELOPE: "Pli confidentiel",
    EntryKind.SLIP: "Bordereau de transmission",
    EntryKind.NUMBER: "—",
}
FIELDS = {
    "subject": "objet",
    "sender_name": "expéditeur",
    "their_reference": "référence",
    "addressee": "destinataire",
    "written_on": "date de la lettre",
    "received_on": "date d'arrivée",
}


@dataclass(frozen=True)
class Volume:
    """A part of a register as a sheet.

    Attributes:
        lines: how many it has.
        last_sequence: of its last line.
        shown: letters whose content stands in it.
        restricted: those of them above the ordinary level.
    """

    sheet: Sheet
    lines: int
    last_sequence: int
    shown: tuple[int, ...]
    restricted: tuple[int, ...]


def register_pages(
    session: Session,
    services: Services,
    book: BookRow,
    span: Span,
    actor: Actor,
    *,
    year: YearRow | None,
    now: datetime,
) -> tuple[Sheet, list[int]]:
    """Pages of a register for a span of days or numbers, and the restricted letters whose content they show.

    Raises:
        Invalid: ``register.print_too_many``.
    """
    total = count_entries(session, book.id, span)
    if total > MAX_PRINTED:
        raise Invalid("register.print_too_many", "print a shorter range", total=total, limit=MAX_PRINTED)
    rows = entries(session, book.id, span, actor, newest_first=False, limit=MAX_PRINTED)
    sheet = _sheet(session, services, book, span, rows, actor, year=year, now=now)
    return sheet, [mail_id for mail_id, level in _shown(rows) if level > Confidentiality.ORDINARY]


def volume(
    session: Session,
    services: Services,
    book: BookRow,
    span: Span,
    actor: Actor,
    *,
    year: YearRow | None,
    now: datetime,
) -> Volume | None:
    """The first ``MAX_PRINTED`` lines of a span; None when it has none."""
    rows = entries(session, book.id, span, actor, newest_first=False, limit=MAX_PRINTED)
    if not rows:
        return None
    part = Span(span.year, from_sequence=rows[0].sequence, until_sequence=rows[-1].sequence)
    sheet = _sheet(session, services, book, part, rows, actor, year=year, now=now)
    shown = _shown(rows)
    restricted = tuple(mail_id for mail_id, level in shown if level > Confidentiality.ORDINARY)
    return Volume(sheet, len(rows), rows[-1].sequence, tuple(mail_id for mail_id, _ in shown), restricted)


def _shown(rows: Sequence[EntryRow]) -> list[tuple[int, Confidentiality]]:
    return [(row.mail_id, row.level) for row in rows if row.mail_id is not None]


def file_name(book: BookRow, span: Span, ending: str) -> str:
    """The name under which lines of a register are saved."""
    return f"registre-{slug(book.code)}-{slug(told(span))}.{ending}"


def _sheet(
    session: Session,
    services: Services,
    book: BookRow,
    span: Span,
    rows: Sequence[EntryRow],
    actor: Actor,
    *,
    year: YearRow | None,
    now: datetime,
) -> Sheet:
    day, clock = when(now, services.zone)
    data = {
        "head": letterhead(session, book.unit_id, country=services.country).data(),
        "register": book.name,
        "span": told(span),
        "party": "Destinataire" if book.nature is RegisterNature.DEPARTURE else "Expéditeur",
        "facts": _facts(book, rows),
        "rows": [_line(row, services.zone) for row in rows],
        "proof": _proof(year),
        "printed_at": f"{day} à {clock}",
        "printed_by": actor.name,
    }
    return Sheet("register_list.typ", data, now, file_name(book, span, "pdf"))


def _facts(book: BookRow, rows: Sequence[EntryRow]) -> list[tuple[str, str]]:
    numbers = f"{rows[0].text} à {rows[-1].text}" if rows else "—"
    voided = sum(row.voided_at is not None for row in rows)
    return [("Code", book.code), ("Numéros", numbers), ("Lignes", str(len(rows))), ("Dont annulées", str(voided))]


def _proof(year: YearRow | None) -> str:
    if year is None or year.last < year.first:
        return "Aucun numéro n'a encore été donné."
    told = f"du n° {year.first} au n° {year.last}"
    if year.missing:
        return f"ATTENTION : {year.missing} anomalie(s) {told}."
    opened = f" (suite du registre papier arrêté au n° {year.opening})" if year.opening else ""
    return f"Vérifiée {told} : aucun trou, aucun double{opened}."


def _line(row: EntryRow, zone: ZoneInfo) -> dict[str, Any]:
    plain = row.kind is EntryKind.LETTER
    dated = f"{row.their_reference} du\u00a0{row.written_on:%d/%m/%Y}" if row.written_on else row.their_reference
    return {
        "number": row.text,
        "when": " ".join(when(row.registered_at, zone)),
        "party": row.sender if plain else "",
        "subject": row.subject if plain else HIDDEN[row.kind],
        "plain": plain,
        "reference": dated.strip(),
        "addressee": row.addressee,
        "enclosures": str(row.enclosure_count) if row.enclosure_count else "",
        "voided": row.voided_at is not None,
        "voided_on": when(row.voided_at, zone)[0] if row.voided_at is not None else "",
        "reason": row.void_reason,
        "rectified": ", ".join(FIELDS.get(field, field) for field in row.rectified),
    }


def told(span: Span) -> str:
    """A span in French words."""
    if span.from_on is not None and span.from_on == span.until_on:
        return f"journée du {span.from_on:%d/%m/%Y}"
    if span.from_on is not None or span.until_on is not None:
        return " ".join(filter(None, (_day("du", span.from_on), _day("au", span.until_on))))
    if span.from_sequence is not None or span.until_sequence is not None:
        first = f"du n° {span.from_sequence}" if span.from_sequence is not None else ""
        last = f"au n° {span.until_sequence}" if span.until_sequence is not None else ""
        return " ".join(filter(None, (first, last, f"de {span.year}" if span.year else "")))
    return f"année {span.year}" if span.year else "tout le registre"


def _day(word: str, day: date | None) -> str:
    return f"{word} {day:%d/%m/%Y}" if day is not None else ""
