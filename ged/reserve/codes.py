"""The codes on the pages of reserve books.

They are no codes of ``ged.codes``: a scanned page of a book proposes nothing of a letter, and releases that do not know
these codes take them for foreign ones.
"""

import hmac

from ged.codes import check_value

PREFIX = "GED1C"


def make_page_code(first_line: str, *, key: bytes) -> str:
    """The text to print on the page that begins with the line of this number.

    It names the number and not the row: after a restore, a row's id is given again.
    """
    body = f"{PREFIX}/{first_line}"
    return f"{body}/{check_value(body, key)}"


def read_page_code(text: str, *, key: bytes) -> str | None:
    """The number of the first line of the page whose code was read; None when the code is not that of a page of ours."""
    body, _, check = text.strip().rpartition("/")
    prefix, _, line = body.partition("/")
    if prefix != PREFIX or not line:
        return None
    return line if hmac.compare_digest(check.encode(), check_value(body, key).encode()) else None
