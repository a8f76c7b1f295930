"""The codes on the pages of reserve books.

They are no codes of ``ged.codes``: a scanned page of a book proposes nothing of a letter, and releases that do not know
these codes take them for foreign ones.

A code names the number of the page's first line and not a row: after a restore, a row's id is given again.
"""

import hmac
from dataclasses import dataclass

from ged.codes import check_value, in_base_36

PLAIN_PREFIX = "GED1C"
"""Of pages of earlier releases: they have no boxes, and no places that follow from the code."""
PREFIX = "GEDC1"
WITHOUT_BOXES = 0


@dataclass(frozen=True)
class PageCode:
    """What the code of a page says.

    Attributes:
        first_line: number of its first line, as it is printed.
        count: lines of the page; 0 where the code does not say it.
        layout: version of the places (``page_form``); ``WITHOUT_BOXES`` on pages of earlier releases.
    """

    first_line: str
    count: int = 0
    layout: int = WITHOUT_BOXES


def make_page_code(page: PageCode, *, key: bytes) -> str:
    """The text to print on a page."""
    if page.layout == WITHOUT_BOXES:
        body = f"{PLAIN_PREFIX}/{page.first_line}"
    else:
        body = f"{PREFIX}/{in_base_36(page.layout)}/{in_base_36(page.count)}/{page.first_line}"
    return f"{body}/{check_value(body, key)}"


def read_page_code(text: str, *, key: bytes) -> PageCode | None:
    """What a code that was read says; None when it is not that of a page of ours."""
    body, _, check = text.strip().rpartition("/")
    prefix, _, rest = body.partition("/")
    if prefix not in {PLAIN_PREFIX, PREFIX} or not rest:
        return None
    if not hmac.compare_digest(check.encode(), check_value(body, key).encode()):
        return None
    if prefix == PLAIN_PREFIX:
        return PageCode(rest)
    layout, count, first_line = rest.split("/", 2)
    return PageCode(first_line, int(count, 36), int(layout, 36))
