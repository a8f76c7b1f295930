import numpy as np
import pytest
import zxingcpp
from PIL import Image

from ocr.codes import read_codes
from tests.ocr_pages import aged, draw, with_qr

pytestmark = pytest.mark.slow  # whole pages are drawn, aged and looked through: `make check` leaves them out


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("module_px", [3, 8])
@pytest.mark.parametrize("turned", [0, 90, 180])
def test_labels_are_read_however_they_lie(module_px: int, turned: int) -> None:
    page = aged(with_qr(draw(), "GED:1:2026-00042", module_px=module_px), degrees=2).rotate(turned, expand=True)
    assert [code.text for code in read_codes(page)] == ["GED:1:2026-00042"]


def test_barcode_of_somebody_else_and_several_codes() -> None:
    page = with_qr(draw(), "GED:1:1")
    bars = zxingcpp.create_barcode("RR123456785TG", zxingcpp.BarcodeFormat.Code128).to_image(scale=4)
    page.paste(Image.fromarray(np.asarray(bars)), (300, 2600))
    assert {(code.text, code.format) for code in read_codes(page)} == {
        ("GED:1:1", "QRCode"),
        ("RR123456785TG", "Code128"),
    }


def test_text_and_noise_are_no_codes() -> None:
    assert read_codes(aged(draw(), noise=25)) == ()
