"""QR codes and barcodes on a page."""

import numpy as np
import zxingcpp
from PIL import Image

from ged.ports import PageCode
from ocr.image import shrink

MAX_TEXT = 2000
_QUICK_LONG_SIDE_PX = 1754


def read_codes(gray: Image.Image) -> tuple[PageCode, ...]:
    """Read all codes of a page: every kind on a small image. Only when nothing was found, look at full size for the
    kinds that labels have (to look for Data Matrix there costs more than reading the page's text).
    """
    kinds = zxingcpp.BarcodeFormat
    labels = (kinds.QRCode, kinds.Code128, kinds.Code39, kinds.EAN13)
    small = shrink(gray, _QUICK_LONG_SIDE_PX)
    found = _read(small, (*labels, kinds.DataMatrix))
    if not found and small is not gray:
        found = _read(gray, labels)
    return found


def read_all_codes(gray: Image.Image) -> tuple[PageCode, ...]:
    """Read the QR codes of a page at full size: a page may bear a small code beside one that the first look found."""
    return _read(gray, (zxingcpp.BarcodeFormat.QRCode,))


def _read(gray: Image.Image, kinds: tuple[zxingcpp.BarcodeFormat, ...]) -> tuple[PageCode, ...]:
    results = zxingcpp.read_barcodes(
        np.asarray(gray), formats=zxingcpp.BarcodeFormats(kinds), try_downscale=False, try_invert=False
    )
    return tuple(PageCode(result.text[:MAX_TEXT], _name(result.format)) for result in results if result.text)


def _name(kind: object) -> str:
    return str(getattr(kind, "name", kind))
