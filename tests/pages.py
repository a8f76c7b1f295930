"""Small page images for the tests of intake, with text and, on request, one of our QR codes."""

import hashlib
import io

import numpy as np
import zxingcpp
from PIL import Image, ImageDraw, ImageFont

SIZE = (827, 1169)
DPI = 100


def draw(text: str = "", *, code: str | None = None) -> Image.Image:
    """A page at 100 dpi. Without text and code it is blank."""
    page = Image.new("L", SIZE, 255)
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=22)
    for n in range(18 if text else 0):
        pen.text((80, 260 + 40 * n), f"{text} ligne {n} du document", fill=0, font=font)
    if code is not None:
        barcode = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.QRCode)
        page.paste(Image.fromarray(np.array(barcode.to_image(scale=5, add_quiet_zones=True))), (560, 40))
    return page


def png(text: str = "", *, code: str | None = None) -> bytes:
    """The page as PNG bytes."""
    out = io.BytesIO()
    draw(text, code=code).save(out, "PNG", dpi=(DPI, DPI))
    return out.getvalue()


def tiff(*texts: str) -> bytes:
    """Several pages as one TIFF."""
    out = io.BytesIO()
    first, *others = [draw(text) for text in texts]
    first.save(out, "TIFF", save_all=True, append_images=others, compression="tiff_lzw", dpi=(DPI, DPI))
    return out.getvalue()


def pdf(*texts: str) -> bytes:
    """Several pages as one PDF of images."""
    out = io.BytesIO()
    first, *others = [draw(text) for text in texts]
    first.save(out, "PDF", save_all=True, append_images=others, resolution=DPI)
    return out.getvalue()


def sha256(data: bytes) -> str:
    """The SHA-256 of bytes, as hexadecimal text."""
    return hashlib.sha256(data).hexdigest()
