"""The printed forms: the slip, the appearances of its two signature fields, the delivery book. Only the letterhead uses
the database; everything is typeset without any lock."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ged.codes import CodeKind, make_code
from ged.days import long_day, place_of
from ged.in_words import counted
from ged.letterhead import Letterhead, letterhead
from ged.org.models import Unit
from ged.ports import SignatureField
from ged.slips.drafting import CONFIDENTIAL, PlannedSlip, SlipForm, confidential_among, shortened
from ged.slips.models import Slip, SlipKind, SlipPurpose
from ged.slips.reception_form import ReceptionPart, code_of, parts_of, places
from ged.slips.states import LineState
from ged.typeset import TEMPLATES, qr_svg, typeset, typeset_with_places
from ged.unit import HeldPost, Services

SENDER, RECEIVER = "sender", "receiver"
A4_HEIGHT_PT = 841.89
SHORT = 70
"""Characters of a description in the reception table; the list above it shows the full text."""

TITLES = {
    SlipKind.TRANSMITTAL: "Bordereau de transmission",
    SlipKind.RETURN: "Bordereau de retour",
    SlipKind.DISCREPANCY: "Constat d'écart",
}
PURPOSES = {
    SlipPurpose.HANDOVER: "Pour attribution",
    SlipPurpose.INFORMATION: "Pour information",
    SlipPurpose.FOLLOW_UP: "Pour suite à donner",
    SlipPurpose.ON_LOAN: "En communication",
}


@dataclass(frozen=True)
class SheetLine:
    """A printed line, with the receiver's finding once it is known."""

    no: int
    number: str
    description: str
    count: int
    remark: str
    is_copy: bool
    masked: bool = False
    decision: LineState | None = None
    reception_remark: str = ""

    def data(self) -> dict[str, Any]:
        """As the templates read it."""
        label = f"{self.number} — {self.description}" if self.number else self.description
        return {
            **self.__dict__,
            "short": shortened(label, SHORT),
            "decision": self.decision.value if self.decision is not None else None,
        }


@dataclass(frozen=True)
class Sheet:
    """The content of a slip's pages."""

    slip_id: int
    head: Letterhead
    title: str
    number: str
    on: date
    place: str
    sender: str
    receiver: str
    purpose: str
    lines: tuple[SheetLine, ...]
    return_by: date | None = None
    messenger: str = ""
    cites: str = ""
    remark: str = ""
    codes: tuple[str, ...] = ()
    """The codes of its reception tables (``reception_form``); none on a preview."""

    def data(self) -> dict[str, Any]:
        """As the template reads it."""
        total = sum(line.count for line in self.lines)
        return {
            "head": self.head.data(),
            "title": self.title,
            "number": self.number,
            "made": f"{self.place}, le {long_day(self.on)}",
            "from": self.sender,
            "to": self.receiver,
            "purpose": self.purpose,
            "return_by": _day(self.return_by) if self.return_by else "",
            "messenger": self.messenger,
            "cites": self.cites,
            "remark": self.remark,
            "total": total,
            "stopped": f"Arrêté le présent bordereau à {counted(total, 'pièce', 'pièces', feminine=True)}.",
            "lines": [line.data() for line in self.lines],
        }


@dataclass(frozen=True)
class SignatureMark:
    """A signer's data: for the sender's mark, and for the foot of the reception table."""

    name: str
    title: str
    capacity: str
    at: datetime


@dataclass(frozen=True)
class BookRow:
    """A line of the delivery book; the last three are empty until the discharge is known."""

    number: str
    handed_at: str
    to: str
    count: int
    received_by: str = ""
    received_at: str = ""
    manner: str = ""


def sheet_of(session: Session, services: Services, slip: Slip) -> Sheet:
    """The content of a numbered slip's pages."""
    number, on = slip.number_text, _local(slip.issued_at, services.zone).date()
    if slip.number is not None:
        on = slip.number.registered_on
    code = make_code(CodeKind.SLIP, slip.id, key=services.code_key)
    return Sheet(
        slip_id=slip.id,
        head=letterhead(session, slip.sender_unit_id, country=services.country).coded(code, number),
        title=TITLES[slip.kind],
        number=number,
        on=on,
        place=place_of(services.zone),
        sender=f"{slip.sender_unit.name} ({slip.sender_title})",
        receiver=slip.receiver_unit.name,
        purpose=PURPOSES[slip.purpose],
        lines=_sheet_lines(session, slip),
        return_by=slip.return_by,
        messenger=slip.messenger,
        cites=_cited(session, slip),
        remark=slip.remark,
        codes=tuple(code_of(part, key=services.code_key) for part in parts_of(slip.id, len(slip.lines))),
    )


def _sheet_lines(session: Session, slip: Slip) -> tuple[SheetLine, ...]:
    """The lines to print now: a letter that has become confidential since is no longer described."""
    secret = confidential_among(session, [line.mail_id for line in slip.lines])
    return tuple(
        SheetLine(
            line.position,
            line.number,
            CONFIDENTIAL if line.mail_id in secret else line.description,
            line.count,
            line.remark,
            # A statement of discrepancy brings nothing, so no copy either: the paper that it speaks of may be the original.
            not line.is_original and slip.kind is not SlipKind.DISCREPANCY,
            masked=line.is_confidential or line.mail_id in secret,
        )
        for line in slip.lines
    )


def planned_sheet(
    session: Session, services: Services, form: SlipForm, planned: PlannedSlip, *, post: HeldPost, on: date
) -> Sheet:
    """The content of a slip without a number: for the preview, and to find texts that cannot be printed."""
    return Sheet(
        slip_id=0,
        head=letterhead(session, post.unit_id, country=services.country),
        title=TITLES[SlipKind.TRANSMITTAL],
        number="…",
        on=on,
        place=place_of(services.zone),
        sender=f"{post.unit_name} ({post.title})",
        receiver=session.get_one(Unit, planned.receiver_unit_id).name,
        purpose=PURPOSES[form.purpose],
        lines=tuple(
            SheetLine(n, line.number, line.description, line.count, line.remark, not line.is_original)
            for n, line in enumerate(planned.lines, start=1)
        ),
        return_by=form.return_by,
        messenger=form.messenger,
        remark=form.remark,
    )


def slip_pdf(sheet: Sheet, *, at: datetime) -> tuple[bytes, tuple[SignatureField, ...]]:
    """The pages, and the places of the two signature fields on them.

    Raises:
        Invalid: ``typeset.failed``.
    """
    parts = parts_of(sheet.slip_id, len(sheet.lines))
    codes = sheet.codes or ("",) * len(parts)
    forms = [_form(part, code) for part, code in zip(parts, codes, strict=True)]
    pdf, edges = typeset_with_places(TEMPLATES / "slip.typ", {**sheet.data(), "forms": forms}, at=at, label="edge")
    tops, bottoms = edges[::2], edges[1::2]
    return pdf, tuple(_field(top, bottom) for top, bottom in zip(tops, bottoms, strict=True))


def _form(part: ReceptionPart, code: str) -> dict[str, Any]:
    """A reception table as the template reads it; without a code it has no picture of it."""
    placed = places(part, code=code)
    printed = placed.form
    return {
        "first": part.first,
        "last": part.positions[-1],
        "total": part.total,
        "is_last": part.is_last,
        "qr": qr_svg(code, quiet=False) if code else "",
        "qr_at": list(printed.code_at),
        "width": placed.width,
        "height": placed.height,
        "columns": list(placed.columns),
        "head": list(placed.head),
        "pitch": placed.pitch,
        "foot": placed.foot,
        "cells": {name: list(cell) for name, cell in placed.cells.items()},
        "marks": [list(mark) for mark in printed.marks],
        "mark_size": printed.mark_size,
        "boxes": [[box.x, box.y, box.size] for box in printed.boxes],
    }


def sender_mark(mark: SignatureMark, field: SignatureField, zone: ZoneInfo) -> bytes:
    """The appearance of the sender's field, of exactly its size."""
    width, height = _size(field)
    data = {
        "width": width,
        "height": height,
        "name": mark.name,
        "title": mark.title,
        "capacity": mark.capacity,
        "at": moment(mark.at, zone),
    }
    return typeset(TEMPLATES / "slip_mark.typ", data, at=mark.at)


def reception_table(lines: Sequence[SheetLine], mark: SignatureMark, field: SignatureField, zone: ZoneInfo) -> bytes:
    """The appearance of the receiver's field, of exactly its size: the filled table."""
    width, height = _size(field)
    receipt = {
        "name": mark.name,
        "post": mark.title,
        "capacity": mark.capacity,
        "at": moment(mark.at, zone),
        "manner": "Signé électroniquement",
    }
    data = {"width": width, "height": height, "lines": [line.data() for line in lines], "receipt": receipt}
    return typeset(TEMPLATES / "slip_reception.typ", data, at=mark.at)


def delivery_book(head: Letterhead, day: date, messenger: str, rows: Sequence[BookRow], *, at: datetime) -> bytes:
    """The day's book of a messenger."""
    data = {"head": head.data(), "day": _day(day), "messenger": messenger, "rows": [row.__dict__ for row in rows]}
    return typeset(TEMPLATES / "slip_delivery_book.typ", data, at=at)


def decided(lines: Sequence[SheetLine], decisions: dict[int, tuple[LineState, str]]) -> tuple[SheetLine, ...]:
    """The lines with the receiver's findings."""
    return tuple(
        replace(line, decision=decisions[line.no][0], reception_remark=decisions[line.no][1]) for line in lines
    )


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """Hour and minutes of local time."""
    return f"{_local(moment, zone):%H:%M}"


def _cited(session: Session, slip: Slip) -> str:
    if slip.cites_id is None:
        return ""
    cited = session.get_one(Slip, slip.cites_id)
    return f"{TITLES[cited.kind]} n° {cited.number_text}, empreinte SHA-256 {slip.cited_digest}"


def _field(top: dict[str, Any], bottom: dict[str, Any]) -> SignatureField:
    x, y = float(top["x"]), float(top["y"])
    # Typst counts from the upper edge, PDF from the lower one (ISO 32000-2, 8.3.2.3).
    box = (x, A4_HEIGHT_PT - float(bottom["y"]), x + float(top["width"]), A4_HEIGHT_PT - y)
    # Rounded once, here: the appearance is typeset from the rounded box, and has exactly the size of the field.
    x1, y1, x2, y2 = (round(side, 2) for side in box)
    return SignatureField(str(top["name"]), int(top["page"]), (x1, y1, x2, y2))


def _size(field: SignatureField) -> tuple[float, float]:
    x1, y1, x2, y2 = field.box
    return round(x2 - x1, 2), round(y2 - y1, 2)


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone)


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def moment(when: datetime, zone: ZoneInfo) -> str:
    """Day, hour and minutes of local time."""
    return f"{_local(when, zone):%d/%m/%Y à %H:%M}"
