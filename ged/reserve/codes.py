"""The codes on the pages of reserve books.

They are no codes of ``ged.codes``: a scanned page of a book proposes nothing of a letter, and releases that do not know
these codes take them for foreign ones.
"""

import hmac

from ged.codes import check_value

PREFIX = "GED1C"


def make_page_code(first_line_id: int, *, key: bytes) -> str:
    """The text to print on the page that begins with this line."""
    body = f"{PREFIX}/{first_line_id}"
    return f"{body}/{check_value(body, key)}"


def read_page_code(text: str, *, key: bytes) -> int | None:
    """The first line of the page whose code was read; None when the code is not that of a page of ours."""
    body, _, check = text.strip().rpartition("/")
    prefix, _, line_id = body.partition("/")
    if prefix != PREFIX or not line_id.isdecimal():
        return None
    return int(line_id) if hmac.compare_digest(check.encode(), check_value(body, key).encode()) else None
