"""The boxes of a blank fiche de transmission: where each stands, and the code by which a printed sheet says it. Pure.

A sheet describes itself: its second code names the version of the layout and what each row offers. So a sheet that an
earlier release printed, or that was printed before a reorganisation, is read as it was printed. ``VERSION`` rises with
every change of a place; the places of earlier versions stay in ``_PLACED``.

Lengths are millimetres from the upper left corner of the frame, to the right and downwards.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ged.codes import FORM_PREFIX, check_value, in_base_36
from ged.ports import BoxState, FormArea, FormBox, PrintedForm

VERSION = 1
DAYS = (1, 2, 3, 5, 10, 15)
"""Working days that the sheet offers as a delay."""
OTHER = 0
"""The row for a unit that is written by hand."""
SHEET = "sheet"
"""The area of the boxes and the visa below them, as a picture."""


@dataclass(frozen=True)
class Offered:
    """A unit or a mention of a sheet. ``tag`` is of its code: an id that was given again names something else."""

    id: int
    tag: str


@dataclass(frozen=True)
class SheetForm:
    """What one sheet offers, in the order of its rows."""

    mail_id: int
    units: tuple[Offered, ...]
    mentions: tuple[Offered, ...]
    days: tuple[int, ...] = DAYS
    version: int = VERSION


def offered(one_id: int, code: str) -> Offered:
    """A row of the sheet for a unit or a mention with this code."""
    return Offered(one_id, base64.b32encode(hashlib.sha256(code.encode()).digest()).decode()[:2])


# --- the code ------------------------------------------------------------------------------------------------------


def code_of(form: SheetForm, *, key: bytes) -> str:
    """The text of the sheet's second code, with signs that need few modules of a QR code."""
    body = "/".join(
        (
            FORM_PREFIX,
            in_base_36(form.version),
            in_base_36(form.mail_id),
            ".".join(in_base_36(one.id) + one.tag for one in form.units),
            ".".join(in_base_36(one.id) + one.tag for one in form.mentions),
            ".".join(map(in_base_36, form.days)),
        )
    )
    return f"{body}/{check_value(body, key)}"


def form_of(text: str, *, key: bytes) -> SheetForm | None:
    """What a code says; None when it is not ours, or of a version that this program does not know."""
    body, _, check = text.strip().rpartition("/")
    parts = body.split("/")
    is_ours = hmac.compare_digest(check.encode(), check_value(body, key).encode())
    if len(parts) != 6 or parts[0] != FORM_PREFIX or not is_ours:
        return None
    version, mail_id, units, mentions, days = parts[1:]
    form = SheetForm(
        int(mail_id, 36), _rows(units), _rows(mentions), tuple(int(one, 36) for one in _split(days)), int(version, 36)
    )
    return form if form.version in _PLACED else None


def _rows(text: str) -> tuple[Offered, ...]:
    return tuple(Offered(int(one[:-2], 36), one[-2:]) for one in _split(text))


def _split(text: str) -> list[str]:
    return text.split(".") if text else []


# --- the places ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """Where everything of a sheet stands.

    Attributes:
        form: boxes, marks and areas, for the engine that reads them.
        width, height: of the frame.
        frames: left, top, width, height of the titled frames: units, mentions, deadline, instructions.
        pitch: from one row to the next.
        aside: from a box to its label; a long stroke through the box ends in it.
    """

    form: PrintedForm
    width: float
    height: float
    frames: Mapping[str, tuple[float, float, float, float]]
    pitch: float
    aside: float


def places(form: SheetForm, *, code: str) -> Places:
    """The places of a sheet with this code.

    Raises:
        KeyError: a version that this program does not know.
    """
    return _PLACED[form.version](form, code)


def _place_1(form: SheetForm, code: str) -> Places:
    """Version 1: units at the left, mentions and delays at the right, instructions under both."""
    width, box, pitch, aside, title, gap = 170.0, 3.8, 5.3, 3.4, 6.0, 2.0
    left_width, right_x, code_size = 113.0, 115.0, 26.0
    first = title + 5.2
    lead_x, copy_x = aside, aside + box + aside
    boxes, y = [], first
    for row in (*(one.id for one in form.units), OTHER):
        boxes += [FormBox(f"lead:{row}", lead_x, y, box), FormBox(f"copy:{row}", copy_x, y, box)]
        y += pitch
    other_y, left_height = y - pitch, y + 1.0
    y = title + 1.6
    for one in form.mentions:
        boxes.append(FormBox(f"mention:{one.id}", right_x + aside, y, box))
        y += pitch
    mentions_height = y + 0.6
    delay_y = mentions_height + gap
    y = delay_y + title + 1.6
    across, cell = 3, 17.6
    for n, days in enumerate(form.days):
        down, right = divmod(n, across)
        boxes.append(FormBox(f"days:{days}", right_x + aside + right * cell, y + down * pitch, box))
    date_y = y + -(-len(form.days) // across) * pitch
    right_height = date_y + 8.0
    top = max(left_height, right_height)
    beside = top - right_height >= code_size + 5.0  # room for the code under the delays
    wanted = 112.0 - (len(form.units) + 1) * pitch
    note_height = title + max(16.0 if beside else code_size + 4.0, min(48.0, wanted))
    note_y = top + gap
    height = note_y + note_height
    code_x = right_x + (width - right_x - code_size) / 2 if beside else width - code_size - 2.5
    code_y = right_height + 3.5 if beside else note_y + title + 2.0
    note_width = width if beside else code_x - 2.5
    side, out = 3.4, 3.3
    marks = tuple((x, y) for y in (side / 2, height / 2, height - side / 2) for x in (-out, width + out))
    areas = (
        FormArea("note", 1.0, note_y + title + 0.6, note_width - 2.0, note_height - title - 1.2),
        FormArea("other", copy_x + box + aside, other_y - 0.9, left_width - copy_x - box - aside - 40.0, pitch - 0.4),
        FormArea("date", right_x + 9.0, date_y + 0.6, width - right_x - 11.0, 5.6),
        FormArea(SHEET, -12.0, -8.0, width + 24.0, height + 52.0),
    )
    return Places(
        PrintedForm(code, (code_x, code_y, code_size), marks, side, tuple(boxes), areas),
        width,
        height,
        {
            "units": (0.0, 0.0, left_width, left_height),
            "mentions": (right_x, 0.0, width - right_x, mentions_height),
            "delay": (right_x, delay_y, width - right_x, right_height - delay_y),
            "note": (0.0, note_y, note_width, note_height),
        },
        pitch,
        aside,
    )


_PLACED: Mapping[int, Callable[[SheetForm, str], Places]] = {1: _place_1}


# --- what a reading says -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """What the boxes of a sheet say; ids in the order of the rows."""

    leads: tuple[int, ...] = ()
    copies: tuple[int, ...] = ()
    mentions: tuple[int, ...] = ()
    days: tuple[int, ...] = ()


def said(states: Mapping[str, BoxState]) -> Said:
    """What the filled boxes say, by their keys. A unit that leads gets no copy.

    >>> said({"lead:4": BoxState.FILLED, "copy:4": BoxState.FILLED, "days:5": BoxState.DOUBTFUL})
    Said(leads=(4,), copies=(), mentions=(), days=())
    """
    found: dict[str, list[int]] = {"lead": [], "copy": [], "mention": [], "days": []}
    for key, state in states.items():
        kind, _, number = key.partition(":")
        if state is BoxState.FILLED:
            found[kind].append(int(number))
    copies = tuple(one for one in found["copy"] if one not in found["lead"])
    return Said(tuple(found["lead"]), copies, tuple(found["mention"]), tuple(found["days"]))
