"""Files such as a multi-function printer writes into a folder: PDF, office documents, pictures."""

from __future__ import annotations

import io
import struct
import zipfile

from PIL import Image

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\nstartxref\n9\n%%EOF\n"


def picture(kind: str, pages: int = 1, **values: object) -> bytes:
    """A picture of noise in the format ``kind``, with several pages where the format allows them."""
    target, frames = io.BytesIO(), [Image.effect_noise((90 + n, 70), 50) for n in range(pages)]
    more = {"save_all": True, "append_images": frames[1:]} if pages > 1 else {}
    frames[0].save(target, kind, **more, **values)  # type: ignore[arg-type]
    return target.getvalue()


def office(ending: str) -> bytes:
    """The beginning of an office file: a zip of parts for new formats, sectors for old ones."""
    if ending == "doc":
        # The sector table is in sector 1, the directory in sector 5.
        tables = struct.pack("<I", 1).ljust(109 * 4, b"\xff")
        head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(30, b"\0") + struct.pack("<H", 9)
        return head.ljust(48, b"\0") + struct.pack("<I", 5).ljust(28, b"\0") + tables + b"x" * 512 * 6
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        parts.writestr("word/document.xml", "<w:p/>" * 400)
        parts.writestr("word/styles.xml", "<w:styles/>" * 40)
    return out.getvalue()
