"""PDFs that we made, joined for the printer."""

from collections.abc import Sequence
from contextlib import ExitStack
from io import BytesIO

import pikepdf

from ged.errors import EngineFailed


def for_printing(pdfs: Sequence[bytes]) -> bytes:
    """The pages of all PDFs in one PDF. Annotations become part of the pages; no signature holds in the result.

    Raises:
        EngineFailed: ``sign.unreadable``.
    """
    with ExitStack() as opened:
        joined = opened.enter_context(pikepdf.new())
        try:
            for pdf in pdfs:
                # A source stays open until its pages are written.
                source = opened.enter_context(pikepdf.open(BytesIO(pdf), attempt_recovery=False))
                source.flatten_annotations("print")
                joined.pages.extend(source.pages)
            made = BytesIO()
            joined.save(made)
        except pikepdf.PdfError as error:
            raise EngineFailed(
                "sign.unreadable", "Look at the log of the server.", cause=type(error).__name__
            ) from error
    return made.getvalue()
