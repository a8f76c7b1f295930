"""Splits a batch into letters and pages of reserve books, by our codes that were read on its pages. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ged.capture.models import BLANK_FROM, ScanPage
from ged.codes import PREFIX, CodeKind, OurCode, read_code
from ged.reserve.codes import read_page_code

_SEPARATOR = f"{PREFIX}/{CodeKind.SEPARATOR}/"


@dataclass
class Group:
    """Pages that belong together.

    Attributes:
        code: code of its first page: a label or a printed sheet, no separator.
        book_line: of a page of a reserve book: the number of the page's first line. It stands alone, with its blank back.
        separator_id: the last separator sheet before its first page.
        sheets: separator sheets, kept with the pages that follow them (at the end of a batch: with the pages before).
            They are never read as part of the letter.
    """

    code: OurCode | None = None
    book_line: str = ""
    separator_id: int | None = None
    pages: list[ScanPage] = field(default_factory=list)
    sheets: set[int] = field(default_factory=set)
    """Indexes into ``pages``."""

    @property
    def is_open(self) -> bool:
        """Whether the group has only separator sheets so far: the next page begins the letter."""
        return len(self.sheets) == len(self.pages)


def group_pages(pages: Sequence[ScanPage], key: bytes) -> list[Group]:
    """Groups of pages in their order.

    A page with our code begins a group; the same code on following pages does not. A page of a reserve book always begins
    a group, and only a blank page follows it there. A separator sheet always begins a
    group, because all copies of a sheet bear the same code. Several sheets in a row count as one; the last counts.
    """
    groups: list[Group] = []
    for page in pages:
        code = leading_code(page.codes, key)
        if line := book_line(page.codes, key):
            if not groups or not groups[-1].is_open:
                groups.append(Group())
            groups[-1].book_line = line
            groups[-1].pages.append(page)
        elif code is not None and code.kind is CodeKind.SEPARATOR:
            _lay_sheet(groups, page, code)
        else:
            _lay_page(groups, page, code)
    if len(groups) > 1 and groups[-1].is_open:
        _append_trailing(groups[-2], groups.pop())
    return groups


def _lay_sheet(groups: list[Group], page: ScanPage, code: OurCode) -> None:
    if not groups or not groups[-1].is_open:
        groups.append(Group())
    group = groups[-1]
    group.separator_id = code.subject_id
    group.sheets.add(len(group.pages))
    group.pages.append(page)


def _lay_page(groups: list[Group], page: ScanPage, code: OurCode | None) -> None:
    begins = code is not None and not groups[-1].is_open and code != groups[-1].code if groups else True
    if begins or (groups[-1].book_line and page.blank_score < BLANK_FROM):
        groups.append(Group())
    if groups[-1].is_open:
        groups[-1].code = code
    groups[-1].pages.append(page)


def _append_trailing(last: Group, sheets: Group) -> None:
    """Add sheets that no page follows to the letter before; they have no effect."""
    last.sheets |= {len(last.pages) + n for n in sheets.sheets}
    last.pages += sheets.pages


def leading_code(texts: Iterable[str], key: bytes) -> OurCode | None:
    """The code that identifies a page.

    A printed sheet may also show a letter's label: the sheet's own code takes precedence.
    """
    found = [code for code in (read_code(text, key=key) for text in texts) if code is not None]
    return min(found, key=lambda code: (code.kind is CodeKind.LABEL, code.subject_id), default=None)


def book_line(texts: Iterable[str], key: bytes) -> str:
    """The number of the first line of the page of a reserve book that bears these codes; empty on every other page."""
    pages = (read_page_code(text, key=key) for text in texts)
    return next((page.first_line for page in pages if page is not None), "")


def is_separator(kept: Iterable[str]) -> bool:
    """Whether a page is a separator sheet, by its stored codes: they were already checked to be ours."""
    return any(text.startswith(_SEPARATOR) for text in kept)
