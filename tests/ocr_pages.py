"""Pages that tests draw for the reading engine. Their text is known."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pikepdf
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf"
A4_300 = (2480, 3508)
LETTER = """Lomé, le 12 mars 2026

Objet : demande de véhicules administratifs

Monsieur le Directeur,

J'ai l'honneur de vous demander de bien vouloir mettre à la
disposition de la Direction des affaires financières deux véhicules
pour la mission d'inspection prévue dans la région des Savanes.
Cette mission, décidée par le ministre, concerne cinq entités sous
tutelle et doit rendre son rapport avant la fin du trimestre.

Veuillez agréer, Monsieur le Directeur, l'expression de ma
considération distinguée."""


def draw(text: str = LETTER, *, size: tuple[int, int] = A4_300, font_px: int = 52) -> Image.Image:
    """A clean letter at 300 dpi: a gray image (mode L) of ``size`` pixels."""
    image = Image.new("L", size, 255)
    pen, font = ImageDraw.Draw(image), ImageFont.truetype(FONT, font_px * size[0] // A4_300[0])
    for number, line in enumerate(text.split("\n")):
        pen.text((size[0] // 10, size[1] // 10 + number * font_px * 3 // 2 * size[0] // A4_300[0]), line, 20, font)
    return image


def by_hand(text: str = LETTER) -> Image.Image:
    """A page in handwriting (font Kristi) with slightly uneven lines, at 300 dpi."""
    page = Image.new("L", A4_300, 250)
    font = ImageFont.truetype("/usr/share/fonts/truetype/kristi/Kristi.ttf", 110)
    for number, line in enumerate(text.split("\n")):
        place = (250 + 9 * (number % 3), 250 + 140 * number + 7 * (number % 2))
        ImageDraw.Draw(page).text(place, line, font=font, fill=60)
    return page.rotate(0.4, Image.Resampling.BICUBIC, fillcolor=250)


def aged(image: Image.Image, *, degrees: float = 1.5, noise: float = 10.0) -> Image.Image:
    """The page as a scanner delivers it: skewed by ``degrees`` to the right, gray, with ``noise`` in gray levels
    (0..255)."""
    turned = image.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=255)
    grain = np.random.default_rng(7).normal(0, noise, (image.height, image.width))
    return Image.fromarray(np.clip(np.asarray(turned) * 0.88 + grain, 0, 255).astype(np.uint8))


def with_light_lines(page: Image.Image, left: float) -> tuple[Image.Image, NDArray[np.bool_]]:
    """The page with each second line of its text lightened to a share of its ink, and the rows of these lines."""
    plane = np.asarray(page).astype(np.float32)
    held = np.concatenate(([False], (plane < 128).any(axis=1), [False]))
    starts, ends = (np.nonzero(np.diff(held.astype(np.int8)) == step)[0] for step in (1, -1))
    light = np.zeros(len(plane), dtype=np.bool_)
    for start, end in list(zip(starts, ends, strict=True))[::2]:
        light[start:end] = True
    plane[light] = 255 - (255 - plane[light]) * left
    return Image.fromarray(plane.astype(np.uint8)), light


def with_qr(image: Image.Image, text: str, *, module_px: int = 8) -> Image.Image:
    """The page with a QR code of ``text`` in its upper right corner."""
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    label = Image.fromarray(np.asarray(barcode.to_image(scale=module_px)))
    copy = image.copy()
    copy.paste(label, (image.width - label.width - 150, 120))
    return copy


def save(image: Image.Image, path: Path, **options: object) -> Path:
    """Write a page at 300 dpi, in the format that the path's suffix names. Returns the path."""
    if path.suffix == ".png":
        # To pack the grain of a scan tightly costs a second a page.
        options = {"compress_level": 1, **options}
    image.save(path, dpi=(300, 300), **options)  # type: ignore[arg-type]
    return path


def scan_pdf(pages: list[Image.Image], path: Path) -> Path:
    """Write a PDF of scanned pages (JPEG). Returns the path."""
    first, *others = pages
    first.save(path, format="PDF", resolution=300, save_all=True, append_images=others)
    return path


def digital_pdf(path: Path, *, rotate: int = 0, crop: tuple[int, int, int, int] | None = None) -> Path:
    """Write a PDF with real text, one page in Helvetica. The word 'Bordereau' begins 72 pt from the left, 742 pt from
    below.

    Args:
        rotate: rotation of the page, in degrees.
        crop: the visible part, in points: left, bottom, right, top.
    """
    lines = ["Bordereau de transmission", "Deux rapports d'inspection pour information", "Le chef de service"]
    content = "BT /F 20 Tf 72 742 Td 30 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(595, 842))
        page = pdf.pages[0]
        page.Resources = pikepdf.Dictionary(
            Font=pikepdf.Dictionary(
                F=pikepdf.Dictionary(
                    Type=pikepdf.Name.Font,
                    Subtype=pikepdf.Name.Type1,
                    BaseFont=pikepdf.Name.Helvetica,
                    Encoding=pikepdf.Name.WinAnsiEncoding,
                )
            )
        )
        page.Contents = pdf.make_stream(content.encode("cp1252"))
        if rotate:
            page.Rotate = rotate
        if crop:
            page.CropBox = list(crop)
        pdf.save(path)
    return path


def png_of(width: int, height: int) -> bytes:
    """A white PNG with one bit for each pixel. It is written row by row: Pillow would hold a byte for each pixel."""
    packer = zlib.compressobj(1)
    row = b"\0" + b"\xff" * ((width + 7) // 8)
    rows = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def error_rate(read: str, truth: str) -> float:
    """Character error rate: the edit distance divided by the length of the truth. Blanks of any kind count as one
    space."""
    left, right = " ".join(read.split()), " ".join(truth.split())
    row = list(range(len(right) + 1))
    for number, letter in enumerate(left, 1):
        before, row[0] = row[0], number
        for column, other in enumerate(right, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (letter != other))
    return row[-1] / max(len(right), 1)
