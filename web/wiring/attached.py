"""The data that a PDF of ours carries."""

from io import BytesIO

import pikepdf

from ged.monthly.sheet import ATTACHED


def report_data(pdf: bytes) -> bytes | None:
    """The data of a monthly report; None when the file carries none.

    Only for a file whose bytes are proven: it is opened in this process.
    """
    with pikepdf.open(BytesIO(pdf)) as opened:
        if ATTACHED not in opened.attachments:
            return None
        return bytes(opened.attachments[ATTACHED].get_file().read_bytes())
