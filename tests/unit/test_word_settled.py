"""The pages of a Word file that would be too much for whoever signs them are refused while their author can still mend them."""

import pytest

from ged.errors import EngineFailed, Invalid
from ocr.word import pages
from tests.hostile_pdf_kit import page_of


def _links(count: int) -> bytes:
    link = b"<< /Type /Annot /Subtype /Link /Rect [0 0 1 1] /F 4 >>"
    named = b" ".join(b"%d 0 R" % (4 + number) for number in range(count))
    return page_of(b"/Annots [%s]" % named, *[link] * count)


def test_pages_of_very_many_links_are_refused(tmp_path):
    made = tmp_path / "pages.pdf"
    made.write_bytes(_links(pages.MOST_OBJECTS))
    with pytest.raises(Invalid, match=r"word\.too_complex"):
        pages.settle(made)


def test_pages_of_many_megabytes_are_refused(tmp_path, monkeypatch):
    made = tmp_path / "pages.pdf"
    made.write_bytes(page_of())
    monkeypatch.setattr(pages, "MAX_BYTES", made.stat().st_size - 1)
    with pytest.raises(Invalid, match=r"word\.too_complex"):
        pages.settle(made)


def test_many_links_are_no_fault(tmp_path):
    made = tmp_path / "pages.pdf"
    made.write_bytes(_links(2_000))
    with pytest.raises(EngineFailed, match=r"word\.not_archive"):
        pages.settle(made)
