"""Pages of a PDF whose unit is not a 72nd of an inch: their resolution is that of the paper."""

from pathlib import Path

import pikepdf
import pytest

from ocr.limits import Limits
from ocr.pdfsource import PdfPages

pytestmark = pytest.mark.slow

A4_PT = (595.0, 842.0)


def dpi(folder: Path, unit: object, shrunk: float) -> float:
    """The resolution of a drawn page whose sides are A4 in points, divided by ``shrunk``."""
    path = folder / "page.pdf"
    with pikepdf.new() as document:
        document.add_blank_page(page_size=(A4_PT[0] / shrunk, A4_PT[1] / shrunk))
        if unit is not None:
            document.pages[0].obj["/UserUnit"] = unit
        document.save(path)
    with PdfPages(path, Limits()) as pages:
        return pages.draw(0).shown.dpi


def test_a_page_in_large_units_has_the_resolution_of_its_paper(tmp_path: Path) -> None:
    usual = dpi(tmp_path, None, 1)
    assert usual == pytest.approx(300, abs=1)
    assert dpi(tmp_path, 10, 10) == pytest.approx(usual, rel=0.001)
    assert dpi(tmp_path, pikepdf.Object.parse(b"0.5"), 0.5) == pytest.approx(usual, rel=0.001)


@pytest.mark.parametrize("unit", [0, -3, 10**9, pikepdf.Name("/Ten"), pikepdf.String("10"), pikepdf.Array([10])])
def test_a_unit_that_makes_no_sense_is_none(tmp_path: Path, unit: object) -> None:
    assert dpi(tmp_path, unit, 1) == pytest.approx(300, abs=1)
