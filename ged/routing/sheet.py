"""The fiche de transmission, identified by a code: the authority's decision on paper, or blank for one by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access
from ged.codes import CodeKind, make_code
from ged.days import long_day
from ged.errors import NotFound
from ged.letterhead import letterhead
from ged.org.models import Person, Post, Unit
from ged.org.stock import kept_rows
from ged.org.tree import entities, ministry_of_units, upwards
from ged.org.words import CAPACITIES, LEVELS
from ged.ports import Confidentiality, MailId
from ged.register.models import Mail
from ged.register.queries import number_of
from ged.register.words import URGENCY
from ged.routing.choices import mention_choices
from ged.routing.models import Assignment, Imputation, Mention
from ged.routing.sheet_form import OTHER, SheetForm, code_of, offered, places
from ged.routing.undoing import latest
from ged.typeset import TEMPLATES, qr_svg, typeset
from ged.unit import Actor, Services

TEMPLATE = TEMPLATES / "imputation_sheet.typ"
SHORT = 600
"""Characters of a subject on the sheet, so that it stays one page."""
MAX_UNITS = 24
"""Units on the sheet; more would not leave room for a note."""
MAX_TICKED, MAX_BOXES = 17, 13
"""Units and mentions with boxes on a blank sheet of one page. Each further line of subject and sender takes the room of one."""
LINE, HALF_LINE = 100, 36
"""Characters of a line of the subject, and of the sender in half the width."""
SHORT_BLANK, SHORT_SENDER = 250, 72
"""Characters of a subject and of a sender on a blank sheet."""


@dataclass(frozen=True)
class SheetUnit:
    """A line of the table of units. ``mark``: ``lead``, ``copy`` or an empty text."""

    name: str
    mark: str = ""
    id: int = 0
    code: str = ""


@dataclass(frozen=True)
class ImputationSheet:
    """The content of the sheet; of a SECRET letter only the number."""

    mail_id: int
    level: Confidentiality
    head: dict[str, Any]
    number: str
    sender: str
    subject: str
    their_reference: str
    written_on: date | None
    received_on: date | None
    urgency: str
    addressed_to: str
    enclosures: str
    units: tuple[SheetUnit, ...]
    mentions: tuple[tuple[str, bool], ...]
    note: str
    due_on: date | None
    decided_at: datetime | None
    decided_by: str
    capacity: str
    printed_on: date
    form: dict[str, Any] | None = None
    """Boxes to tick, which are read when the sheet comes back (``sheet_form``); None on the sheet of a decision."""


def imputation_sheet(
    session: Session, services: Services, mail_id: MailId | int, actor: Actor, *, now: datetime, blank: bool = False
) -> ImputationSheet:
    """The sheet of the latest decision on a letter; a blank sheet before a decision, or with ``blank``.

    Raises:
        NotFound: ``mail.unknown`` (also when the actor may not see the letter).
    """
    mail = session.get(Mail, mail_id)
    if mail is None:
        raise NotFound("mail.unknown", "check the number", id=int(mail_id))
    level = Confidentiality(mail.level)
    access.require(session, mail.id, level, actor)
    addressed = session.get(Post, mail.addressed_post_id) if mail.addressed_post_id is not None else None
    decision = None if blank else latest(session, mail.id)
    number = number_of(session, mail.id)
    ticked = frozenset(decision.mentions) if decision is not None else frozenset()
    is_shown = level is not Confidentiality.SECRET
    unit_id = addressed.unit_id if addressed is not None else mail.unit_id
    mentions = mention_choices(session, [entities(session)[mail.unit_id]])
    code = make_code(CodeKind.IMPUTATION, mail.id, key=services.code_key)
    subject = _shortened(mail.subject, SHORT if decision is not None else SHORT_BLANK) if is_shown else ""
    sender = (
        (mail.sender_name if decision is not None else _shortened(mail.sender_name, SHORT_SENDER)) if is_shown else ""
    )
    lines = further_lines(sender, subject)
    room = MAX_UNITS if decision is not None else MAX_TICKED - lines
    units = _units(session, decision, unit_id, room=room)
    return ImputationSheet(
        mail_id=mail.id,
        level=level,
        head=letterhead(session, unit_id, country=services.country).coded(code, number).data(),
        number=number,
        sender=sender,
        subject=subject,
        their_reference=mail.their_reference if is_shown else "",
        written_on=mail.written_on if is_shown else None,
        received_on=mail.received_on,
        urgency=URGENCY[mail.priority],
        addressed_to=addressed.title if addressed is not None else "",
        enclosures=str(mail.enclosure_count) if mail.enclosure_count else "aucune",
        units=units,
        mentions=tuple((label, code in ticked) for code, label in mentions),
        note=decision.note if decision is not None and is_shown else "",
        due_on=mail.due_on if decision is not None else None,
        decided_at=decision.decided_at.astimezone(services.zone) if decision is not None else None,
        decided_by=_decider(session, decision),
        capacity=CAPACITIES.get(decision.acted_as, "") if decision is not None else "",
        printed_on=now.astimezone(services.zone).date(),
        form=_form(session, mail, units, services.code_key, most=MAX_BOXES - lines) if decision is None else None,
    )


def further_lines(sender: str, subject: str) -> int:
    """How many lines sender and subject take on a blank sheet besides one each."""
    return len(subject) // LINE + len(sender) // HALF_LINE


def _form(session: Session, mail: Mail, units: tuple[SheetUnit, ...], key: bytes, *, most: int) -> dict[str, Any]:
    """The boxes of a blank sheet as its template reads them."""
    kept = kept_rows(session, Mention, [entities(session)[mail.unit_id]])
    shown: list[Mention] = list(kept.values())[:most]
    form = SheetForm(
        mail.id,
        tuple(offered(one.id, one.code) for one in units),
        tuple(offered(one.id, one.code) for one in shown),
    )
    names = {f"mention:{one.id}": one.label for one in shown} | {f"copy:{one.id}": one.name for one in units}
    return form_data(form, names, key=key)


def form_data(form: SheetForm, names: Mapping[str, str], *, key: bytes) -> dict[str, Any]:
    """The boxes of a sheet as its template reads them. ``names``: labels of mentions and units, by the keys of boxes."""
    placed = places(form, code=code_of(form, key=key))
    labels = {**names, f"copy:{OTHER}": "", **{f"days:{days}": f"{days} j" for days in form.days}}
    printed = placed.form
    return {
        "qr": qr_svg(printed.code, quiet=False),
        "qr_at": list(printed.code_at),
        "width": placed.width,
        "height": placed.height,
        "pitch": placed.pitch,
        "aside": placed.aside,
        "frames": {name: list(frame) for name, frame in placed.frames.items()},
        "marks": [list(mark) for mark in printed.marks],
        "mark_size": printed.mark_size,
        "boxes": [
            {
                "kind": box.key.partition(":")[0],
                "name": labels.get(box.key, ""),
                "x": box.x,
                "y": box.y,
                "size": box.size,
            }
            for box in printed.boxes
        ],
    }


def sheet_pdf(sheet: ImputationSheet, *, at: datetime) -> bytes:
    """The sheet as PDF/A.

    Raises:
        Invalid: ``typeset.failed``.
    """
    return typeset(TEMPLATE, {**sheet_data(sheet), "form": sheet.form}, at=at)


def sheet_data(sheet: ImputationSheet) -> dict[str, Any]:
    """The texts of the sheet for its template, without the form."""
    return {
        "head": sheet.head,
        "number": sheet.number,
        "level": LEVELS[sheet.level],
        "is_secret": sheet.level is Confidentiality.SECRET,
        "sender": sheet.sender,
        "subject": sheet.subject,
        "their_reference": sheet.their_reference,
        "written_on": _long(sheet.written_on),
        "received_on": _long(sheet.received_on),
        "urgency": sheet.urgency,
        "addressed_to": sheet.addressed_to,
        "enclosures": sheet.enclosures,
        "units": [{"name": unit.name, "mark": unit.mark} for unit in sheet.units],
        "mentions": [{"label": label, "ticked": ticked} for label, ticked in sheet.mentions],
        "note": sheet.note,
        "due_on": _long(sheet.due_on),
        "decided_at": _long(sheet.decided_at.date()) if sheet.decided_at is not None else "",
        "decided_by": sheet.decided_by,
        "capacity": sheet.capacity,
        "printed_on": _long(sheet.printed_on),
    }


def _decider(session: Session, decision: Imputation | None) -> str:
    return session.get_one(Person, decision.person_id).name if decision is not None else ""


def _units(session: Session, decision: Imputation | None, unit_id: int, *, room: int) -> tuple[SheetUnit, ...]:
    """The chosen units first, then further units that the authority may choose, while there is room."""
    marks: dict[int, str] = {}
    posts: dict[int, list[str]] = {}
    if decision is not None:
        chosen = select(Assignment).where(Assignment.imputation_id == decision.id, Assignment.parent_id.is_(None))
        for row in session.scalars(chosen.order_by(Assignment.is_leading.desc(), Assignment.id)).unique():
            marks.setdefault(row.unit_id, "lead" if row.is_leading else "copy")
            if row.post_id is not None:
                posts.setdefault(row.unit_id, []).append(session.get_one(Post, row.post_id).title)
    all_units = {u.id: u for u in session.scalars(select(Unit))}
    others = [one for one in _nearest(session, unit_id) if one not in marks]
    room = max(room - len(marks), 0)

    def line(one: int, mark: str = "") -> SheetUnit:
        unit = all_units[one]
        return SheetUnit(", ".join([unit.name, *posts.get(one, [])]), mark, one, unit.code)

    return (*(line(one, mark) for one, mark in marks.items()), *(line(one) for one in others[:room]))


def _nearest(session: Session, unit_id: int) -> list[int]:
    """Open units in the order in which an authority is likely to choose them: the highest in the tree first.

    Of another entity only the entity itself: its own mail office and authority distribute the letter.
    """
    units = {u.id: u for u in session.scalars(select(Unit).order_by(Unit.id))}

    def height(unit: Unit) -> int:
        count, seen = 0, {unit.id}
        while unit.parent_id in units and unit.parent_id not in seen:
            unit, count = units[unit.parent_id], count + 1
            seen.add(unit.id)
        return count

    def entity(unit: Unit) -> int:
        return next((one.id for one in upwards(session, unit.id) if one.is_entity), 0)

    above = {u.id for u in upwards(session, unit_id)}
    ours = entity(units[unit_id])
    near = ministry_of_units(session, [unit_id])
    wanted = [
        u
        for u in units.values()
        if u.id in near and u.closed_at is None and u.id not in above and (u.is_entity or entity(u) == ours)
    ]
    return [u.id for u in sorted(wanted, key=height)]


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _long(day: date | None) -> str:
    return long_day(day) if day is not None else ""
