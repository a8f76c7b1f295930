"""Pages of a register as they are printed: lines of a span, its proof, volumes of what is long.

Data is read in a session, the PDF is set outside of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ged.days import hour, long_day, place_of
from ged.errors import Invalid
from ged.in_words import counted
from ged.letterhead import letterhead
from ged.ports import Confidentiality
from ged.register.books import MAX_PRINTED, BookRow, EntryKind, EntryRow, Span, YearRow, count_entries, entries
from ged.register.models import RegisterNature
from ged.register.words import CONFIDENTIAL_LETTER
from ged.reports.register_facts import Facts, facts_of
from ged.reserve import queries as reserve
from ged.reserve.queries import Citation
from ged.sheets import Sheet, slug, when
from ged.unit import Actor, Services

FIELDS: Mapping[str, str] = {
    "subject": "objet",
    "sender_name": "expéditeur",
    "their_reference": "référence",
    "addressee": "destinataire",
    "written_on": "date de la lettre",
    "received_on": "date d'arrivée",
    "reserve_received_at": "moment écrit au carnet de secours",
    "due_on": "échéance",
    "channel": "mode d'arrivée",
    "priority": "priorité",
    "nature": "nature",
    "enclosure_count": "pièces jointes",
    "enclosure_note": "détail des pièces",
    "addressed_post_id": "à l'attention de",
    "signatory": "signataire",
    "addressees": "destinataires",
    "copies": "ampliations",
}
"""Fields of the register that a rectification changes."""

SEALED_ENVELOPE = "Pli fermé"
HIDDEN = {
    EntryKind.CONFIDENTIAL: CONFIDENTIAL_LETTER,
    EntryKind.ENVELOPE: SEALED_ENVELOPE,
    EntryKind.SLIP: "Bordereau de transmission",
    EntryKind.NUMBER: "—",
}


@dataclass(frozen=True)
class Column:
    """A column of a printed register; ``width_mm`` 0 takes what the others leave."""

    key: str
    title: str
    width_mm: float = 0


NUMBER, RECORDED = Column("number", "Numéro", 24), Column("recorded", "Enregistré le", 15.5)
OBSERVATIONS = Column("observations", "Observations", 23)
ARRIVALS = (
    NUMBER, Column("received", "Arrivé le", 15.5), RECORDED,
    Column("party", "Expéditeur, référence et date de la lettre", 39), Column("subject", "Objet"),
    Column("addressee", "Destinataire", 25), Column("enclosures", "Pièces", 10),
    Column("imputed", "Service imputé, date", 30), Column("answer", "N° et date de la réponse", 24),
    Column("filed", "Classement", 18), OBSERVATIONS, Column("signed", "Émargement", 19),
)  # fmt: skip
DEPARTURES = (
    NUMBER, RECORDED, Column("written", "Date de la lettre", 15.5), Column("left", "Départ, mode d'envoi", 22),
    Column("issuer", "Service émetteur, signataire", 36), Column("addressee", "Destinataire", 34),
    Column("subject", "Objet"), Column("answers", "En réponse à", 22),
    Column("enclosures", "Pièces, ampliations", 16), Column("discharge", "Décharge", 27), OBSERVATIONS,
)  # fmt: skip
PLAIN = (
    NUMBER, RECORDED, Column("party", "Expéditeur", 50), Column("subject", "Objet"), Column("addressee", "Destinataire", 50),
    Column("enclosures", "Pièces", 12), Column("observations", "Observations", 45),
)  # fmt: skip
COLUMNS = {
    RegisterNature.ARRIVAL: ARRIVALS, RegisterNature.INTERNAL: ARRIVALS, RegisterNature.ARCHIVE: ARRIVALS,
    RegisterNature.DEPARTURE: DEPARTURES, RegisterNature.NOTE: DEPARTURES, RegisterNature.DECISION: DEPARTURES,
    RegisterNature.ENVELOPE: PLAIN, RegisterNature.SLIP: PLAIN,
}  # fmt: skip


@dataclass(frozen=True)
class Volume:
    """A part of a register as a sheet.

    Attributes:
        lines: number of its lines.
        last_sequence: of its last line.
        shown: letters whose content is in it.
        restricted: the letters of ``shown`` above the ordinary level.
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
    """The first ``MAX_PRINTED`` lines of a span; None when it has no lines."""
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
    """The file name for lines of a register."""
    return f"registre-{slug(book.code)}-{slug(span_text(span))}.{ending}"


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
    local = now.astimezone(services.zone)
    columns = COLUMNS[book.nature]
    known = facts_of(session, [mail_id for mail_id, _ in _shown(rows)], actor, services.zone)
    cited = reserve.citations(session, [row.number_id for row in rows])
    lines = [
        _line(row, known.get(row.mail_id or 0, Facts()), cited.get(row.number_id), columns, services.zone)
        for row in rows
    ]
    data = {
        "head": letterhead(session, book.unit_id, country=services.country).data(),
        "register": book.name,
        "span": span_text(span),
        "facts": _facts(book, rows),
        "columns": [asdict(column) for column in columns],
        "rows": lines,
        "proof": _proof(year),
        "stopped": _stopped(rows),
        "made": f"{place_of(services.zone)}, le {long_day(local.date())}",
        "printed": f"Édité le {long_day(local.date())} à {hour(local)} par {actor.name}",
    }
    return Sheet("register_list.typ", data, now, file_name(book, span, "pdf"))


def _facts(book: BookRow, rows: Sequence[EntryRow]) -> list[tuple[str, str]]:
    numbers = f"{rows[0].text} à {rows[-1].text}" if rows else "—"
    voided = sum(row.voided_at is not None for row in rows)
    return [("Code", book.code), ("Numéros", numbers), ("Inscriptions", str(len(rows))), ("Dont annulées", str(voided))]


def _proof(year: YearRow | None) -> str:
    if year is None or year.last < year.first:
        return "Aucun numéro n'a encore été donné."
    span = f"du n° {year.first} au n° {year.last}"
    if year.missing:
        return f"ATTENTION : {year.missing} {'anomalie' if year.missing < 2 else 'anomalies'} {span}."
    opened = f" (suite du registre papier arrêté au n° {year.opening})" if year.opening else ""
    return f"Numérotation vérifiée {span}{opened} : sans lacune ni doublon."


def _stopped(rows: Sequence[EntryRow]) -> str:
    if not rows:
        return ""
    voided = sum(row.voided_at is not None for row in rows)
    return stopped_at("Le présent extrait", len(rows), rows[0].sequence, rows[-1].sequence, voided)


def stopped_at(what: str, count: int, first: int, last: int, voided: int) -> str:
    """The sentence that closes a register: how many numbers it has, in words and figures."""
    less = f", dont {counted(voided, 'annulé', 'annulés')}" if voided else ""
    return f"{what} est arrêté à {counted(count, 'numéro', 'numéros')}, du n° {first} au n° {last}{less}."


def _line(
    row: EntryRow, facts: Facts, cited: Citation | None, columns: Sequence[Column], zone: ZoneInfo
) -> dict[str, Any]:
    plain = row.kind is EntryKind.LETTER
    dated = f"{row.their_reference} du\u00a0{row.written_on:%d/%m/%Y}" if row.written_on else row.their_reference
    enclosures = str(row.enclosure_count) if row.enclosure_count else ""
    if columns is DEPARTURES and facts.copies:
        enclosures = f"{enclosures or 0} p., {facts.copies} ampl."
    cells = {
        "number": row.text,
        "recorded": " ".join(when(row.registered_at, zone)),
        "received": f"{row.received_on:%d/%m/%Y}" if row.received_on is not None else "",
        "written": f"{row.written_on:%d/%m/%Y}" if row.written_on is not None else "",
        "party": "\n".join(filter(None, (row.sender, dated.strip()))) if plain else "",
        "subject": row.subject if plain else HIDDEN[row.kind],
        "addressee": row.addressee,
        "enclosures": enclosures,
        "observations": "\n".join(filter(None, (_cited(cited, zone), _rectified(row)))),
        **{key: value for key, value in asdict(facts).items() if key != "copies"},
    }
    return {
        "cells": [cells.get(column.key, "") for column in columns],
        "plain": plain,
        "voided": row.voided_at is not None,
        "voided_on": when(row.voided_at, zone)[0] if row.voided_at is not None else "",
        "reason": row.void_reason,
    }


def _cited(cited: Citation | None, zone: ZoneInfo) -> str:
    """The line of a reserve book that a number cites."""
    return f"Carnet {cited.line}, reçu le {' à '.join(when(cited.received_at, zone))}" if cited is not None else ""


def _rectified(row: EntryRow) -> str:
    return ", ".join(["Rectifié : " * (not n) + FIELDS.get(f, f) for n, f in enumerate(row.rectified)])


def span_text(span: Span) -> str:
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
