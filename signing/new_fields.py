"""The field that a later signature adds: which entries it may have, so that it adds nothing else to the document."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

from signing.equality import decoded

VALIDATION_DATA = "validation_data"
NEW_FIELD = "new_field"

Number = tuple[int, int]
Box = tuple[float, float, float, float]

# No action, no optional content, no parent to inherit from, no appearance state.
_FIELD = frozenset({"/FT", "/T", "/TU", "/V", "/Ff", "/Lock", "/SV", "/Kids", "/DA", "/Q"})
_WIDGET = frozenset({"/Type", "/Subtype", "/F", "/P", "/Rect", "/AP", "/MK", "/H", "/M", "/NM", "/C", "/DR"})
_HARMLESS_FLAGS = 1 | 2 | 4 | 64 | 128 | 512  # ISO 32000-2, 12.5.3: never those that zoom or turn apart from the page


@dataclass(frozen=True)
class NewField:
    """A signature field that was added with its signature.

    Attributes:
        number: of its object.
        kind: ``new_field``, or ``validation_data`` for a time-stamp of the document.
        widget: the object that a page lists.
        page: the page that the widget names; None when it names none.
        box: its place on that page; None when it has none.
    """

    number: Number
    name: str
    kind: str
    widget: Number
    page: Number | None
    box: Box | None


def new_field(item: object, end: int) -> NewField | None:
    """Return the field if it is only the field of a signature that covers more than ``end`` bytes; None else."""
    if not isinstance(item, Dictionary) or not item.is_indirect or item.get("/FT") != Name.Sig:
        return None
    widget, kind, name = _widget(item), _kind(item.get("/V"), end), item.get("/T")
    if widget is None or not kind or not isinstance(name, String) or not {*item.keys()} <= _FIELD | _WIDGET:
        return None
    box = _box(widget.get("/Rect")) if widget.get("/Subtype") == Name.Widget else None
    if box is None or not _plain(widget, box) or (kind == VALIDATION_DATA and not _is_nowhere(box)):
        return None
    page = widget.get("/P")
    named = page.objgen if isinstance(page, Dictionary) else None
    return NewField(item.objgen, str(name), kind, widget.objgen, named, None if _is_nowhere(box) else box)


def is_signed_since(field: Dictionary, end: int) -> bool:
    """Whether a field that was empty now has a person's signature, which covers more than ``end`` bytes."""
    box = _box(field.get("/Rect"))
    is_signed = field.get("/FT") == Name.Sig and _kind(field.get("/V"), end) == NEW_FIELD
    return is_signed and box is not None and _plain(field, box)


def place_of(widget: Dictionary) -> Box | None:
    """Where the widget shows something; None where it does not."""
    box = _box(widget.get("/Rect"))
    return None if box is None or _is_nowhere(box) or "/AP" not in widget else box


def fields_of(pdf: Pdf) -> Iterator[Dictionary]:
    """All fields of the form and their descendants, each once."""
    form = pdf.Root.get("/AcroForm")
    waiting = list(_items(form, "/Fields"))
    seen: set[Number] = set()
    while waiting:
        field = waiting.pop()
        if not isinstance(field, Dictionary) or (field.is_indirect and field.objgen in seen):
            continue
        seen.add(field.objgen)
        yield field
        waiting += _items(field, "/Kids")


def _items(holder: object, key: str) -> list[object]:
    found = holder.get(key) if isinstance(holder, Dictionary) else None
    return list(found) if isinstance(found, Array) else []


def _kind(value: object, end: int) -> str:
    if not isinstance(value, Dictionary):
        return ""
    places = _items(value, "/ByteRange")
    if len(places) != 4 or not all(type(one) is int for one in places) or int(places[2]) + int(places[3]) <= end:  # type: ignore[call-overload]
        return ""
    kind = value.get("/Type", Name.Sig)
    if kind == Name.DocTimeStamp:
        return VALIDATION_DATA if value.get("/SubFilter") == Name("/ETSI.RFC3161") else ""
    return NEW_FIELD if kind == Name.Sig else ""


def _widget(field: Dictionary) -> Dictionary | None:
    """The field itself, or its only kid, if the kid is a plain widget."""
    kids = field.get("/Kids")
    if kids is None:
        return field
    if not isinstance(kids, Array) or len(kids) != 1 or {*field.keys()} & (_WIDGET - {"/DR", "/Type"}):
        return None
    kid = kids[0]
    if not isinstance(kid, Dictionary) or not kid.is_indirect or not {*kid.keys()} <= _WIDGET | {"/Parent"}:
        return None
    above = kid.get("/Parent")
    return kid if isinstance(above, Dictionary) and above.objgen == field.objgen else None


def _plain(widget: Dictionary, box: Box) -> bool:
    flags = widget.get("/F", 0)
    appearances = widget.get("/AP", Dictionary())
    if not isinstance(appearances, Dictionary) or not {*appearances.keys()} <= {"/N", "/R", "/D"}:
        return False
    stays = all(isinstance(one, Stream) and _stays_within(one, box) for one in appearances.values())
    return stays and type(flags) is int and not flags & ~_HARMLESS_FLAGS


def _stays_within(appearance: Stream, box: Box) -> bool:
    """Whether all readers draw the appearance inside the box: it has bounds (ISO 32000-2, 12.5.5), or is empty."""
    if "/OC" in appearance:
        return False
    if _draws_nothing(appearance):
        return True
    bounds, matrix = (
        _numbers(appearance.get("/BBox"), 4),
        _numbers(appearance.get("/Matrix", Array([1, 0, 0, 1, 0, 0])), 6),
    )
    if _is_nowhere(box) or not bounds or not matrix:
        return False
    has_area = bounds[0] != bounds[2] and bounds[1] != bounds[3]
    return has_area and matrix[0] * matrix[3] != matrix[1] * matrix[2]


def _draws_nothing(appearance: Stream) -> bool:
    if not appearance.read_raw_bytes().strip():
        return True
    content = decoded(appearance)
    return content is not None and not content.strip()


def _numbers(value: object, count: int) -> list[float]:
    """Exactly ``count`` finite numbers, or an empty list."""
    items = list(value) if isinstance(value, Array) else []
    found = [float(one) for one in items if isinstance(one, (int, Decimal)) and type(one) is not bool]
    whole = len(items) == len(found) == count and all(map(math.isfinite, found))
    return found if whole else []


def _box(rect: object) -> Box | None:
    """Left, bottom, right, top; all 0 where there is no rectangle; None where it cannot be read."""
    if rect is None:
        return 0.0, 0.0, 0.0, 0.0
    if not isinstance(rect, Array):
        return None
    try:
        x1, y1, x2, y2 = (float(one) for one in rect)
    except (TypeError, ValueError):
        return None
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _is_nowhere(box: Box) -> bool:
    return box[0] == box[2] and box[1] == box[3]


def overlap(box: Box, other: object) -> bool:
    """Whether the box shares a point with a rectangle of the file; True for one that cannot be read."""
    found = _box(other)
    if found is None:
        return True
    return box[0] <= found[2] and found[0] <= box[2] and box[1] <= found[3] and found[1] <= box[3]
