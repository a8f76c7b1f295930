"""Decodes a page for display. No import that only reading needs: thumbnails must be fast."""

from dataclasses import replace
from pathlib import Path

from ocr.image import Shown, load_page, turn
from ocr.limits import Limits
from ocr.pdfsource import PdfPages
from ocr.sniff import PDF


def show(
    source: Path, media_type: str, index: int, rotation: int, limits: Limits, *, long_side_px: int | None = None
) -> Shown:
    """The page for display, turned by the person's ``rotation``; a PDF is drawn with ``long_side_px`` if given.

    Raises:
        Invalid: ``file.truncated``, ``file.image_too_large``.
    """
    if media_type == PDF:
        with PdfPages(source, limits) as pages:
            return pages.draw(index, rotation=rotation, long_side_px=long_side_px).shown
    shown = load_page(source, media_type, index, limits)
    return replace(shown, image=turn(shown.image, rotation))
