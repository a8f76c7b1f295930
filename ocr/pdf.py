"""Assembles the searchable PDF: PDF/A-2u (ISO 19005-2), with an image and an invisible text layer for each page."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream
from PIL import ImageCms

from ocr import invisible_font
from ocr.textlayer import GLYPH_WIDTH
from ocr.wire import PagePart, PatchPart

_FONT_FLAGS = 4 | 1  # symbolic, fixed pitch


@cache
def srgb_profile() -> bytes:
    """An sRGB profile, with a fixed date so that the same pages give the same bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes.fromhex("07EA00010001000000000000")  # ICC.1 7.2: 1 January 2026
    profile[84:100] = bytes(16)  # profile id: the digest no longer matches; 0 = not computed
    return bytes(profile)


def assemble(parts: Sequence[PagePart], target: Path) -> None:
    """Write the PDF/A; parts are read one at a time."""
    with pikepdf.new() as pdf:
        font = _font(pdf)
        for part in parts:
            _add_page(pdf, part, font)
        _declare_pdfa(pdf)
        pdf.save(
            target,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            compress_streams=True,
            recompress_flate=False,
            deterministic_id=True,
            linearize=True,
        )


def _add_page(pdf: Any, part: PagePart, font: Any) -> None:
    """A page: its image, or patches with the ink over them, then the invisible words."""
    images = {f"P{n}": _patch(pdf, patch) for n, patch in enumerate(part.patches)} | {"I": _image(pdf, part)}
    draw = [_placed(f"P{n}", _box_pt(part, patch)) for n, patch in enumerate(part.patches)]
    draw.append(_placed("I", (0, 0, part.width_pt, part.height_pt)))
    contents = [pdf.make_indirect(Stream(pdf, "\n".join(draw).encode("ascii")))]
    if part.layer is not None:
        contents.append(pdf.make_indirect(Stream(pdf, part.layer.read_bytes(), Filter=Name.FlateDecode)))
    page = Dictionary(
        Type=Name.Page,
        MediaBox=[0, 0, round(part.width_pt, 2), round(part.height_pt, 2)],
        Resources=Dictionary(XObject=Dictionary(**images), Font=Dictionary(T=font)),
        Contents=Array(contents),
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))


def _placed(name: str, box_pt: tuple[float, float, float, float]) -> str:
    left, bottom, width, height = box_pt
    return f"q {width:.2f} 0 0 {height:.2f} {left:.2f} {bottom:.2f} cm /{name} Do Q"


def _box_pt(part: PagePart, patch: PatchPart) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of a patch in points."""
    left, top, right, bottom = patch.box
    x, y = part.width_pt / part.width_px, part.height_pt / part.height_px
    return left * x, part.height_pt - bottom * y, (right - left) * x, (bottom - top) * y


def _image(pdf: Any, part: PagePart) -> Any:
    if part.coding != "g4":
        return _jpeg(pdf, part.image, (part.width_px, part.height_px), gray=part.gray)
    keys: dict[str, Any] = {
        "Type": Name.XObject,
        "Subtype": Name.Image,
        "Width": part.width_px,
        "Height": part.height_px,
        "BitsPerComponent": 1,
        "Filter": Name.CCITTFaxDecode,
        "DecodeParms": Dictionary(K=-1, Columns=part.width_px, Rows=part.height_px),
    }
    # Over patches only the ink is painted, black; without patches the paper is part of the image.
    keys |= {"ImageMask": True} if part.patches else {"ColorSpace": Name.DeviceGray}
    return pdf.make_indirect(Stream(pdf, part.image.read_bytes(), **keys))


def _patch(pdf: Any, patch: PatchPart) -> Any:
    return _jpeg(pdf, patch.image, (patch.width_px, patch.height_px), gray=patch.gray)


def _jpeg(pdf: Any, path: Path, size: tuple[int, int], *, gray: bool) -> Any:
    keys: dict[str, Any] = {
        "Type": Name.XObject,
        "Subtype": Name.Image,
        "Width": size[0],
        "Height": size[1],
        "ColorSpace": Name.DeviceGray if gray else Name.DeviceRGB,
        "BitsPerComponent": 8,
        "Filter": Name.DCTDecode,
    }
    return pdf.make_indirect(Stream(pdf, path.read_bytes(), **keys))


def _font(pdf: Any) -> Any:
    data = invisible_font.font_file()
    descriptor = Dictionary(
        Type=Name.FontDescriptor,
        FontName=Name("/" + invisible_font.FONT_NAME),
        Flags=_FONT_FLAGS,
        FontBBox=[0, -200, GLYPH_WIDTH, 800],
        ItalicAngle=0,
        Ascent=800,
        Descent=-200,
        CapHeight=800,
        StemV=80,
        FontFile2=pdf.make_indirect(Stream(pdf, data, Length1=len(data))),
    )
    cid_font = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType2,
        BaseFont=Name("/" + invisible_font.FONT_NAME),
        CIDSystemInfo=Dictionary(Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("Identity"), Supplement=0),
        FontDescriptor=pdf.make_indirect(descriptor),
        DW=GLYPH_WIDTH,
        CIDToGIDMap=pdf.make_indirect(Stream(pdf, invisible_font.glyph_map())),
    )
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Font,
            Subtype=Name.Type0,
            BaseFont=Name("/" + invisible_font.FONT_NAME),
            Encoding=Name("/Identity-H"),
            DescendantFonts=[pdf.make_indirect(cid_font)],
            ToUnicode=pdf.make_indirect(Stream(pdf, invisible_font.unicode_map())),
        )
    )


def _declare_pdfa(pdf: Any) -> None:
    """Declare PDF/A-2u in XMP, and add the output intent that makes device colours sRGB (6.2.3, 6.6.4)."""
    profile = pdf.make_indirect(Stream(pdf, srgb_profile(), N=3))
    pdf.Root.OutputIntents = [
        Dictionary(
            Type=Name.OutputIntent,
            S=Name.GTS_PDFA1,
            OutputConditionIdentifier=pikepdf.String("sRGB"),
            Info=pikepdf.String("sRGB IEC61966-2.1"),
            DestOutputProfile=profile,
        )
    ]
    # No document information: PDF/A wants it to say the same as XMP (ISO 19005-2, 6.6.3), and the same pages the same
    # bytes.
    with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
        metadata["pdfaid:part"] = "2"
        metadata["pdfaid:conformance"] = "U"
