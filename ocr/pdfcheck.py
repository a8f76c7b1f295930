"""Examines a PDF before any of it is drawn: pages, password, signature, oversized images.

Runs only inside ``ocr.child``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf

from ged.errors import GedError, Invalid
from ocr.limits import Limits, truncated

_TAIL_BYTES = 4096


_PDFIUM_PASSWORD = 4
"""``FPDF_ERR_PASSWORD``."""


@dataclass(frozen=True)
class PdfFacts:
    """Number of pages, and whether a signature forbids any change of the bytes."""

    page_count: int
    signed: bool


@contextmanager
def damage_is_refused() -> Iterator[None]:
    """Turn the exceptions of qpdf and PDFium on bad bytes into ``Invalid``."""
    try:
        yield
    except GedError:
        raise
    except pikepdf.PasswordError as error:
        raise Invalid("file.encrypted", "Send the file without a password.") from error
    except Exception as error:  # qpdf and PDFium raise many types on bad bytes
        if getattr(error, "err_code", None) == _PDFIUM_PASSWORD:  # qpdf opens some files that PDFium does not
            raise Invalid("file.encrypted", "Send the file without a password.") from error
        raise truncated() from error


def examine(path: Path, limits: Limits) -> PdfFacts:
    """Check a PDF before any of it is drawn.

    Raises:
        Invalid: ``file.encrypted``, ``file.truncated``, ``file.too_many_pages``, ``file.image_too_large``.
    """
    with damage_is_refused(), _opened(path) as pdf:
        count = len(pdf.pages)
        if count == 0:
            raise truncated()
        limits.check_pages(count)
        signed = False
        for thing in pdf.objects:
            if isinstance(thing, pikepdf.Stream):
                _check_image(thing, limits)
            elif isinstance(thing, pikepdf.Dictionary):
                signed = signed or _is_signature(thing)
        return PdfFacts(count, signed)
    raise truncated()


def _opened(path: Path) -> Any:
    """Open a PDF; a PDF that lacks its end *and* needs repair to be read is refused, not guessed."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TAIL_BYTES))
        has_end = b"%%EOF" in file.read()
    return pikepdf.open(path, attempt_recovery=has_end, suppress_warnings=True)


def _check_image(stream: Any, limits: Limits) -> None:
    if stream.get("/Subtype") == "/Image":
        limits.check_pixels(int(stream.get("/Width", 0)), int(stream.get("/Height", 0)))


def _is_signature(thing: Any) -> bool:
    if "/ByteRange" in thing and "/Contents" in thing:
        return True
    value = thing.get("/V")
    return thing.get("/FT") == "/Sig" and isinstance(value, pikepdf.Dictionary) and "/Contents" in value
