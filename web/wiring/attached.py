"""The data and the certificate that a PDF of ours bears."""

from io import BytesIO

import pikepdf

from ged.monthly.sheet import ATTACHED
from ged.ports import SealedFile
from signing.sealing import certificate_of


def report_file(pdf: bytes) -> SealedFile:
    """What a monthly report bears.

    Only for a file whose bytes are proven: it is opened in this process.
    """
    with pikepdf.open(BytesIO(pdf)) as opened:
        data = bytes(opened.attachments[ATTACHED].get_file().read_bytes()) if ATTACHED in opened.attachments else None
    return SealedFile(data, certificate_of(pdf))
