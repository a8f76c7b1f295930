"""What ``ocr.child`` does with libraries that take long to import."""

from dataclasses import asdict

from PIL import Image

from ocr.codes import read_all_codes
from ocr.forms import read_form
from ocr.image import grayscale
from ocr.limits import Limits
from ocr.page import PageReader
from ocr.tesseract import Recogniser
from ocr.wire import Message, PageTask, printed_form

ON_PICTURES = frozenset({"page_codes", "form"})
"""Requests of ``look``."""


def look(operation: str, page: Image.Image, request: Message) -> object:
    """The codes of a page, or its form as it was read."""
    if operation == "page_codes":
        return [code.text for code in read_all_codes(grayscale(page))]
    found = read_form(page, printed_form(request["form"]))
    return None if found is None else asdict(found)


def read(task: PageTask, limits: Limits, recogniser: Recogniser) -> None:
    """Read the text of a page."""
    PageReader(limits, recogniser).run(task)
