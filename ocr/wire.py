"""The messages between the engine and its child processes, as JSON. A hostile file may control a child, so nothing
from a child is ever unpickled, and every value is checked."""

import json
import math
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

from ged.ports import BoxState, FormArea, FormBox, FormReading, PrintedForm, Quad, ReadArea, ReadBox

Message = dict[str, Any]
MAX_WRITTEN = 12
"""The most regions of handwriting of a page."""
_MAX_RESULT_BYTES = 16 * 1024 * 1024
"""A page of 100,000 characters (``ocr.pdfsource``), each a word of its own, has 13 MB."""
_MAX_SITE_BYTES, _MAX_THUMBNAIL_BYTES, _MAX_DRAWN_BYTES = 1024 * 1024, 256 * 1024, 64 * 1024 * 1024
_LIKENESS = re.compile("(?:[0-9a-f]{64})?")


@dataclass(frozen=True)
class PageTask:
    """One page to read. Paths are absolute; ``page_no`` counts from 1; ``deadline_s`` is the page's time.

    ``pictures``: also make an image for the site.
    """

    source: str
    media_type: str
    page_index: int
    rotation: int
    page_no: int
    languages: tuple[str, ...]
    out: str
    deadline_s: float
    pictures: bool = True

    @property
    def stem(self) -> Path:
        """Beginning of the names of all files of this page."""
        return Path(self.out) / f"page-{self.page_no:04d}"

    @property
    def site_image_path(self) -> Path:
        """The page's image for the screen, a WebP."""
        return self.stem.with_suffix(".webp")

    @property
    def thumbnail_path(self) -> Path:
        """The small picture of the page, a JPEG."""
        return self.stem.with_suffix(".thumbnail.jpg")

    @property
    def result_path(self) -> Path:
        """The file of the child's result, written when the image is ready, and again when the text is read."""
        return self.stem.with_suffix(".json")


@dataclass(frozen=True)
class PatchPart:
    """A JPEG under the page's ink: its file, box on the coded image (left, top, right, bottom), size and channels."""

    image: Path
    box: tuple[int, int, int, int]
    width_px: int
    height_px: int
    gray: bool


@dataclass(frozen=True)
class PagePart:
    """The parts of a page of the PDF.

    Attributes:
        image: file with the coded image.
        coding: ``jpeg`` or ``g4`` (CCITT group 4, ink = 1; drawn as a stencil when there are patches).
        width_px, height_px: of the coded image.
        gray: one channel rather than three.
        width_pt, height_pt: of the page.
        layer: file with the deflated text layer, ``None`` when nothing was read.
        patches: coloured and toned places of a ``g4`` page.
    """

    image: Path
    coding: str
    width_px: int
    height_px: int
    gray: bool
    width_pt: float
    height_pt: float
    layer: Path | None
    patches: tuple[PatchPart, ...] = ()


@dataclass(frozen=True)
class PageResult:
    """A child's result for a page.

    Attributes:
        words: text, x, y, width, height, confidence.
        written: regions of handwriting: left, top, right, bottom.
        thumbnail, likeness: as ``ocr.coding.CodedPage``.
    """

    text: str
    words: tuple[tuple[str, float, float, float, float, float], ...]
    confidence: float
    language: str
    flags: tuple[str, ...]
    site_image: Path | None
    part: PagePart
    tables: tuple[tuple[tuple[tuple[int, int], ...], ...], ...] = ()
    written: tuple[tuple[float, float, float, float], ...] = ()
    thumbnail: Path | None = None
    likeness: str = ""

    def dump(self, path: Path) -> None:
        """Write the result atomically."""
        draft = path.with_suffix(".tmp")
        # Field by field: `asdict` would first copy every word of the page, which takes as long as writing them.
        values = _values(self) | {"part": _values(self.part) | {"patches": [_values(p) for p in self.part.patches]}}
        draft.write_text(json.dumps(values, default=str), "utf-8")
        draft.replace(path)


def load_result(task: PageTask) -> PageResult:
    """Read a page's result; file names are computed here, not taken from the child.

    The pictures are looked at from outside: a hostile child may write one that takes over whoever decodes it
    (CVE-2023-4863 was such a WebP).

    Raises:
        ValueError, KeyError, TypeError, OSError: the result is missing or invalid.
    """
    if task.result_path.stat().st_size > _MAX_RESULT_BYTES:
        raise ValueError("more than the words of a page")
    data = cast(Message, json.loads(task.result_path.read_text("utf-8")))
    part = cast(Message, data["part"])
    layer = None if part["layer"] is None else _own(task, part["layer"])
    return PageResult(
        text=str(data["text"]),
        words=tuple((str(w[0]), *(float(value) for value in w[1:6])) for w in data["words"]),  # type: ignore[misc]
        confidence=float(data["confidence"]),
        language=str(data["language"]),
        flags=tuple(str(flag) for flag in data["flags"]),
        site_image=None if data["site_image"] is None else _webp(task.site_image_path, _MAX_SITE_BYTES),
        part=PagePart(
            image=_own(task, part["image"]),
            coding=str(part["coding"]),
            width_px=int(part["width_px"]),
            height_px=int(part["height_px"]),
            gray=bool(part["gray"]),
            width_pt=_points(part["width_pt"]),
            height_pt=_points(part["height_pt"]),
            layer=layer,
            patches=tuple(_patch(task, patch) for patch in part["patches"]),
        ),
        tables=_tables(data["tables"], len(data["words"])),
        written=_written(data["written"]),
        thumbnail=None if data["thumbnail"] is None else _jpeg(task.thumbnail_path, _MAX_THUMBNAIL_BYTES),
        likeness=_likeness(data["likeness"]),
    )


def _tables(data: Any, words: int) -> tuple[tuple[tuple[tuple[int, int], ...], ...], ...]:
    """Cells as places in the page's words: one after the other, so that no word is in two of them."""
    found = tuple(tuple(tuple((int(start), int(end)) for start, end in row) for row in table) for table in data)
    places = [place for table in found for row in table for cell in row for place in cell]
    if places != sorted(places) or (places and not 0 <= places[0] <= places[-1] <= words):
        raise ValueError("cells that overlap")
    return found


def _written(data: Any) -> tuple[tuple[float, float, float, float], ...]:
    """Regions inside the page, no more than the reader finds."""
    found = tuple((float(left), float(top), float(right), float(bottom)) for left, top, right, bottom in data)
    if len(found) > MAX_WRITTEN or not all(0 <= a < c <= 1 and 0 <= b < d <= 1 for a, b, c, d in found):
        raise ValueError("regions outside of the page")
    return found


def _patch(task: PageTask, data: Message) -> PatchPart:
    left, top, right, bottom = (int(side) for side in data["box"])
    size = int(data["width_px"]), int(data["height_px"])
    return PatchPart(_own(task, data["image"]), (left, top, right, bottom), *size, bool(data["gray"]))


def check_drawn(path: Path, *, webp: bool) -> None:
    """Look at a picture that a child drew on demand, without decoding it.

    Raises:
        ValueError, OSError: it is missing, no picture of this type, or of many megabytes.
    """
    if webp:
        _webp(path, _MAX_DRAWN_BYTES)
    else:
        _jpeg(path, _MAX_DRAWN_BYTES)


def _webp(path: Path, max_bytes: int) -> Path:
    """A WebP to its last byte (RFC 9649, 2.4), by its frame alone."""
    size_bytes, first, _ = _ends(path, max_bytes)
    if first[:4] != b"RIFF" or first[8:] != b"WEBP" or int.from_bytes(first[4:8], "little") + 8 != size_bytes:
        raise ValueError("no WebP")
    return path


def _jpeg(path: Path, max_bytes: int) -> Path:
    """A JPEG, by its first and last marker alone (ITU-T T.81, B.2.1)."""
    _, first, last = _ends(path, max_bytes)
    if first[:3] != b"\xff\xd8\xff" or last != b"\xff\xd9":
        raise ValueError("no JPEG")
    return path


def _ends(path: Path, max_bytes: int) -> tuple[int, bytes, bytes]:
    """The size of a picture, its first twelve bytes and its last two."""
    size_bytes = path.stat(follow_symlinks=False).st_size
    if path.is_symlink() or not 12 <= size_bytes <= max_bytes:
        raise ValueError(f"{path.name} is no picture of a page")
    with path.open("rb") as file:
        first = file.read(12)
        file.seek(-2, 2)
        return size_bytes, first, file.read(2)


def _likeness(data: object) -> str:
    if not isinstance(data, str) or not _LIKENESS.fullmatch(data):
        raise ValueError("no likeness")
    return data


def _points(data: Any) -> float:
    """A side of a page, which others divide by: no zero and no infinity."""
    value = float(data)
    if not 0 < value < math.inf:
        raise ValueError("no side of a page")
    return value


def _own(task: PageTask, name: object) -> Path:
    path = Path(task.out) / Path(str(name)).name
    if not path.is_file() or path.is_symlink():
        raise ValueError(f"{path.name} was not written")
    return path


def printed_form(data: Message) -> PrintedForm:
    """The form of a request (the child's side)."""
    return PrintedForm(
        code=str(data["code"]),
        code_at=tuple(data["code_at"]),
        marks=tuple((float(x), float(y)) for x, y in data["marks"]),
        mark_size=float(data["mark_size"]),
        boxes=tuple(FormBox(**box) for box in data["boxes"]),
        areas=tuple(FormArea(**area) for area in data["areas"]),
    )


def form_reading(data: Any, form: PrintedForm) -> FormReading:
    """The reading that a child sent; it names the boxes and areas of the form, in their order.

    Raises:
        ValueError, KeyError, TypeError: it is invalid.
    """
    boxes = tuple(
        ReadBox(box.key, BoxState(one["state"]), float(one["ink"]), _quad(one["place"]))
        for box, one in zip(form.boxes, data["boxes"], strict=True)
    )
    areas = tuple(
        ReadArea(area.key, bool(one["has_ink"]), _quad(one["place"]))
        for area, one in zip(form.areas, data["areas"], strict=True)
    )
    return FormReading(boxes, areas)


def _quad(data: Any) -> Quad:
    one, two, three, four = ((float(x), float(y)) for x, y in data)
    return one, two, three, four


def as_message(operation: str, task: object) -> Message:
    """A request message: the operation's name and the fields of its task."""
    return {"do": operation, **_values(task)}


def _values(record: object) -> Message:
    return {item.name: getattr(record, item.name) for item in fields(cast(Any, record))}
