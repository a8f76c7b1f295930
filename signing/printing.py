"""PDFs that we made, joined for the printer."""

from collections.abc import Sequence
from io import BytesIO

import pikepdf

from ged.errors import EngineFailed


def for_printing(pdfs: Sequence[bytes]) -> bytes:
    """The pages of all PDFs in one PDF. Annotations become part of the pages; no signature holds in the result.

    Raises:
        EngineFailed: ``sign.unreadable``.
    """
    with pikepdf.new() as joined:
        try:
            for pdf in pdfs:
                with pikepdf.open(BytesIO(pdf), attempt_recovery=False) as opened:
                    opened.flatten_annotations("print")
                    joined.pages.extend(opened.pages)
            made = BytesIO()
            joined.save(made)
        except pikepdf.PdfError as error:
            raise EngineFailed(
                "sign.unreadable", "Look at the log of the server.", cause=type(error).__name__
            ) from error
    return made.getvalue()
