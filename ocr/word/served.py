"""What ``ocr.child`` does with Word files."""

import base64
from pathlib import Path
from typing import Any

from ged.ports import PLACE_NAMES
from ocr import office
from ocr.limits import Limits
from ocr.sniff import DOCX
from ocr.wire import Message
from ocr.word import fields, pages, told
from ocr.word.package import WordPackage

OPERATIONS = frozenset({"word_look", "word_fill", "word_pages", "word_stamp"})


def do(operation: str, request: Message, limits: Limits) -> dict[str, Any] | None:
    """One request of ``ocr.word.engine``; all paths are in the child's room."""
    source = Path(request["source"])
    if operation == "word_look":
        return _inspected(source)
    out = Path(request["out"])
    if operation == "word_stamp":
        pages.stamp(source, out, base64.b64decode(request["sheets"]), request["page_numbers"])
        return None
    package = _read(source)
    if operation == "word_pages":
        package.choose()  # the same as when it was looked at
    fields.fill(package, request["values"])
    if operation == "word_fill":
        fields.pour(package, request["poured"])
        told.set_properties(package, request["properties"])
        package.write(out)
        return None
    names = list(request["places"])
    fields.freeze(package, request["places"])
    frozen = out.with_name("frozen.docx")
    package.write(frozen)
    office.convert(frozen, DOCX, out, limits, timeout_s=request["timeout_s"], is_archive=True)
    _, sizes = pages.settle(out)
    return {"sizes": sizes, "places": pages.places(out, names)}


def _read(source: Path) -> WordPackage:
    package = WordPackage.read(source)
    fields.restore(package, PLACE_NAMES)
    return package


def _inspected(source: Path) -> dict[str, Any]:
    package = _read(source)
    package.choose()
    unsettled = told.unsettled(package)
    return {
        "fields": fields.names(package),
        "text": told.text_of(package),
        "changes": unsettled.changes,
        "comments": unsettled.comments,
        "properties": told.properties(package),
        "left_out": package.left_out,
    }
