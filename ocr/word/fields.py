"""The merge fields of a Word file: simple ones, and those that Word cuts into runs (ISO/IEC 29500-1, 17.16).

A field keeps its instruction when it is filled, so that it can be filled again after the author has written in Word.
"""

import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from lxml import etree

from ged.errors import Invalid
from ocr.word.package import MC, PACKAGE, R, W, WordPackage

MAX_FIELDS = 5_000
EMU_PER_MM = 36_000
PIXELS_FROM = 613
"""Width in pixels of the picture of the first place kept free; each next has one more. No picture of an author is so wide
and one pixel high."""
_NAME = re.compile(r'^\s*MERGEFIELD\s+(?:"([^"]+)"|(\S+))', re.IGNORECASE)
_LABEL = re.compile(r"[^:]{1,30}:")
"""What announces a field: ``V/Réf. :``."""
_CALLS_OUT = frozenset(
    {
        "dde",
        "ddeauto",
        "include",
        "includetext",
        "includepicture",
        "import",
        "link",
        "embed",
        "database",
        "rd",
        "macrobutton",
    }
)
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WP = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_PIC = "http://schemas.openxmlformats.org/drawingml/2006/picture"
_CHAR, _TYPE, _INSTRUCTION = f"{{{W}}}fldChar", f"{{{W}}}fldCharType", f"{{{W}}}instrText"
_PARAGRAPH, _PARAGRAPH_FORMS = f"{{{W}}}p", f"{{{W}}}pPr"
_TEXT = f"{{{W}}}t"
_SIMPLE, _INSTR, _RUN, _FORMS = f"{{{W}}}fldSimple", f"{{{W}}}instr", f"{{{W}}}r", f"{{{W}}}rPr"


@dataclass
class Found:
    """A field. ``simple``: its element; else ``marks`` are its characters and instructions, in order.

    ``shown``: the elements of its result.
    """

    simple: etree._Element | None = None
    instruction: str = ""
    marks: list[etree._Element] = field(default_factory=list)
    shown: list[etree._Element] = field(default_factory=list)
    separator: etree._Element | None = None
    is_result: bool = False

    @property
    def name(self) -> str:
        """The name of a merge field, in small letters; empty for another field."""
        found = _NAME.match(self.instruction)
        return (found[1] or found[2]).casefold() if found else ""

    @property
    def is_fallback(self) -> bool:
        """Whether it stands in the copy that Word writes for older programs."""
        at = self.simple if self.simple is not None else self.marks[0]
        return next(at.iterancestors(f"{{{MC}}}Fallback"), None) is not None


def found_in(root: etree._Element) -> list[Found]:
    """All fields of a part, in the order of their ends; nested ones too.

    Raises:
        Invalid: ``word.field_forbidden``; ``file.too_large``: too many.
    """
    found = [*_simple(root), *_complex(root)]
    if len(found) > MAX_FIELDS:
        raise Invalid("file.too_large", "shorten it", field="file", limit_bytes=0)
    for one in found:
        words = one.instruction.split()
        if words and words[0].casefold() in _CALLS_OUT:
            raise Invalid("word.field_forbidden", "put the text itself", field="file", name=words[0][:30])
    return found


def _simple(root: etree._Element) -> Iterator[Found]:
    for one in root.iter(_SIMPLE):
        yield Found(simple=one, instruction=one.get(_INSTR, ""))


def _complex(root: etree._Element) -> Iterator[Found]:
    open_ones: list[Found] = []
    for run in root.iter(_RUN):
        for one in run:
            if one.tag == _CHAR:
                kind = one.get(_TYPE)
                if kind == "begin":
                    open_ones.append(Found())
                if not open_ones:
                    continue
                open_ones[-1].marks.append(one)
                if kind == "separate":
                    open_ones[-1].is_result, open_ones[-1].separator = True, one
                if kind == "end":
                    yield open_ones.pop()
            elif one.tag == _INSTRUCTION and open_ones and not open_ones[-1].is_result:
                open_ones[-1].instruction += one.text or ""
                open_ones[-1].marks.append(one)
            elif one.tag != _FORMS and open_ones and open_ones[-1].is_result:
                open_ones[-1].shown.append(one)


def restore(package: WordPackage, wanted: Iterable[str]) -> None:
    """Make merge fields again of texts such as ``«numero»``, which programs leave that keep no merge fields.

    Raises:
        Invalid: as ``found_in``.
    """
    lost = set(wanted) - set(names(package))
    if not lost:
        return
    for _, root in package.stories():
        held = {text for one in found_in(root) for text in _texts(one)}
        for name in sorted(lost):
            for text in [one for one in root.iter(_TEXT) if one not in held]:
                before, mark, after = (text.text or "").partition(f"«{name}»")
                run = text.getparent()
                if mark and run is not None and run.tag == _RUN:
                    _bind(run, text, name, before, after)


def _texts(found: Found) -> list[etree._Element]:
    return found.shown if found.simple is None else list(found.simple.iter(_TEXT))


def _bind(run: etree._Element, text: etree._Element, name: str, before: str, after: str) -> None:
    """Cut a run around a text that becomes a field."""
    behind = deepcopy(run)
    at = list(run).index(text)
    for child in list(run)[at + 1 :]:
        run.remove(child)
    for child in list(behind)[:at]:
        if child.tag != _FORMS:
            behind.remove(child)
    following = next(child for child in behind if child.tag == _TEXT)
    text.text, following.text = before, after
    for one in (text, following):
        one.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    simple = etree.Element(_SIMPLE, {_INSTR: f" MERGEFIELD {name} "})
    shown = etree.SubElement(simple, _RUN)
    forms = run.find(_FORMS)
    if forms is not None:
        shown.append(deepcopy(forms))
    shown.extend(_pieces(f"«{name}»"))
    run.addnext(simple)
    simple.addnext(behind)


def names(package: WordPackage) -> list[str]:
    """The names of the merge fields of all parts, in order, as often as they stand.

    Raises:
        Invalid: as ``found_in``.
    """
    return [one.name for _, root in package.stories() for one in found_in(root) if one.name and not one.is_fallback]


def fill(package: WordPackage, values: Mapping[str, str]) -> None:
    """Show the values in the fields, which stay fields. A line break in a value is one in the text.

    Raises:
        Invalid: as ``found_in``.
    """
    for _, root in package.stories():
        for one in found_in(root):
            if one.name in values:
                _show(one, values[one.name])


def pour(package: WordPackage, texts: Mapping[str, str]) -> None:
    """Put texts of several paragraphs (between empty lines) in the stead of fields, which end with it.

    Raises:
        Invalid: as ``found_in``.
    """
    for _, root in package.stories():
        for one in found_in(root):
            if one.name in texts:
                _show(one, "")
                first = one.simple if one.simple is not None else one.marks[0]
                home = next(first.iterancestors(_PARAGRAPH), None)
                forms = _forms_of(one)
                _unbind(one)
                if home is not None:
                    _pour_into(home, forms, texts[one.name])


def _leave_out_empty(root: etree._Element, places: Iterable[str]) -> None:
    """Take out what only announces a field without text: ``V/Réf. :``, or such a line above the field's own."""
    lines: dict[etree._Element, list[Found]] = {}
    for one in found_in(root):
        first = one.simple if one.simple is not None else one.marks[0]
        home = next(first.iterancestors(_PARAGRAPH), None)
        if home is not None:
            lines.setdefault(home, []).append(one)
    for home, fields in lines.items():
        if any(not one.name or one.name in places for one in fields):
            continue
        said, above = _said(home), home.getprevious()
        if _LABEL.fullmatch(said):
            _remove_line(home)
        elif not said and above is not None and above not in lines and _LABEL.fullmatch(_said(above)):
            _remove_line(above)
            _remove_line(home)


def _said(line: etree._Element) -> str:
    return "".join(one.text or "" for one in line.iter(_TEXT)).strip() if line.tag == _PARAGRAPH else ""


def _remove_line(line: etree._Element) -> None:
    parent, following = line.getparent(), line.getnext()
    if parent is not None and following is not None and line.find(f"{_PARAGRAPH_FORMS}/{{{W}}}sectPr") is None:
        parent.remove(line)  # a cell of a table ends with a paragraph, and is none without one


def _forms_of(found: Found) -> etree._Element | None:
    run = found.simple.find(_RUN) if found.simple is not None else found.marks[0].getparent()
    return run.find(_FORMS) if run is not None else None


def _pour_into(home: etree._Element, forms: etree._Element | None, text: str) -> None:
    for run in home.findall(_RUN):
        if all(child.tag == _FORMS or not (child.text or len(child)) for child in run):
            home.remove(run)
    for block in filter(None, (part.strip("\n") for part in text.replace("\r\n", "\n").split("\n\n"))):
        copied = etree.Element(_PARAGRAPH)
        for child in home:
            if child.tag == _PARAGRAPH_FORMS:
                copied.append(deepcopy(child))
        run = etree.SubElement(copied, _RUN)
        if forms is not None:
            run.append(deepcopy(forms))
        run.extend(_pieces(block))
        home.addprevious(copied)
    parent = home.getparent()
    if parent is not None and home.find(_RUN) is None and home.getprevious() is not None:
        parent.remove(home)


def freeze(package: WordPackage, places: Mapping[str, tuple[float, float]]) -> None:
    """Make text of the merge fields for the last pages, and keep a place free for each field of ``places``.

    Args:
        places: name to width and height in millimetres: a picture without ink of that size stands there.

    Raises:
        Invalid: as ``found_in``.
    """
    numbered = {name: n for n, name in enumerate(places)}
    for part, root in package.stories():
        _leave_out_empty(root, places)
        for one in found_in(root):
            if not one.name:
                continue
            if one.name in places:
                _show(one, "")
                if not one.is_fallback:
                    _put_picture(package, part, one, numbered[one.name], places[one.name])
            _unbind(one)
    for n in numbered.values():
        package.add(_picture(n), _white(PIXELS_FROM + n), extension="png", type_of="image/png")


def _picture(n: int) -> str:
    return f"word/media/ged-{n}.png"


def _show(found: Found, text: str) -> None:
    if found.simple is not None:
        runs = found.simple.findall(_RUN)
        run = runs[0] if runs else etree.SubElement(found.simple, _RUN)
        for other in list(found.simple):
            if other is not run:
                found.simple.remove(other)
        for child in [child for child in run if child.tag != _FORMS]:
            run.remove(child)
        run.extend(_pieces(text))
        return
    if found.separator is None:
        last = found.marks[-2] if len(found.marks) > 1 else found.marks[0]
        found.separator = etree.Element(_CHAR, {_TYPE: "separate"})
        last.addnext(found.separator)
        found.marks.insert(-1, found.separator)
    at = found.shown[0].getprevious() if found.shown else found.separator
    home = found.shown[0].getparent() if found.shown else None
    for one in found.shown:
        parent = one.getparent()
        if parent is not None:
            parent.remove(one)
    pieces = _pieces(text)
    if at is None and home is not None:
        for n, piece in enumerate(pieces):
            home.insert(n, piece)
    elif at is not None:
        for piece in reversed(pieces):
            at.addnext(piece)
    found.shown = pieces


def _pieces(text: str) -> list[etree._Element]:
    pieces: list[etree._Element] = []
    for n, line in enumerate(_NOT_XML.sub("", text).replace("\r\n", "\n").split("\n")):
        if n:
            pieces.append(etree.Element(f"{{{W}}}br"))
        one = etree.Element(f"{{{W}}}t")
        one.text = line
        one.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        pieces.append(one)
    return pieces


def _unbind(found: Found) -> None:
    """Take the field away and leave what it shows."""
    if found.simple is not None:
        parent = found.simple.getparent()
        if parent is not None:
            for child in list(found.simple):
                found.simple.addprevious(child)
            parent.remove(found.simple)
        return
    for mark in found.marks:
        parent = mark.getparent()
        if parent is not None:
            parent.remove(mark)


def _put_picture(package: WordPackage, part: str, found: Found, n: int, size_mm: tuple[float, float]) -> None:
    relations = package.relations(part)
    key = f"rIdGed{n}"
    if all(one.get("Id") != key for one in relations):
        etree.SubElement(
            relations, f"{{{PACKAGE}/relationships}}Relationship", Id=key, Type=f"{R}/image", Target=f"/{_picture(n)}"
        )
    drawing = _drawing(key, 90_000 + n, size_mm)
    shown = found.shown[0] if found.shown else None
    if found.simple is not None:
        run = found.simple.find(_RUN)
        if run is not None:
            run.append(drawing)
    elif shown is not None:
        shown.addnext(drawing)


def _drawing(key: str, number: int, size_mm: tuple[float, float]) -> etree._Element:
    width, height = (str(round(side * EMU_PER_MM)) for side in size_mm)
    text = (
        f'<w:drawing xmlns:w="{W}" xmlns:wp="{_WP}" xmlns:a="{_A}" xmlns:pic="{_PIC}" xmlns:r="{R}">'
        f'<wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent cx="{width}" cy="{height}"/>'
        f'<wp:docPr id="{number}" name="ged"/><a:graphic><a:graphicData uri="{_PIC}"><pic:pic><pic:nvPicPr>'
        f'<pic:cNvPr id="{number}" name="ged"/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:embed="{key}"/>'
        f'<a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm><a:off x="0" y="0"/>'
        f'<a:ext cx="{width}" cy="{height}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr>'
        "</pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing>"
    )
    return etree.fromstring(text)


def _white(width_px: int) -> bytes:
    """A white PNG of one line."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width_px, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, content)
        for kind, content in ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" + b"\xff" * width_px)), (b"IEND", b""))
    )
