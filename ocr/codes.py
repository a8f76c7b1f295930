"""QR codes and barcodes on a page."""

import numpy as np
import zxingcpp
from PIL import Image

from ged.ports import PageCode
from ocr.image import shrink

MAX_TEXT = 2000
_QUICK_LONG_SIDE_PX = 1754


def read_codes(gray: Image.Image) -> tuple[PageCode, ...]:
    """Read all codes of a page, first on a small image, then at full size when nothing was found."""
    small = shrink(gray, _QUICK_LONG_SIDE_PX)
    found = _read(small)
    if not found and small is not gray:
        found = _read(gray)
    return found


def _read(gray: Image.Image) -> tuple[PageCode, ...]:
    kinds = zxingcpp.BarcodeFormat
    formats = (kinds.QRCode, kinds.DataMatrix, kinds.Aztec, kinds.PDF417, kinds.Code128, kinds.Code39, kinds.EAN13)
    results = zxingcpp.read_barcodes(np.asarray(gray), formats=zxingcpp.BarcodeFormats(formats))
    return tuple(PageCode(result.text[:MAX_TEXT], _name(result.format)) for result in results if result.text)


def _name(kind: object) -> str:
    return str(getattr(kind, "name", kind))
