"""Files from people and scanners: images of every kind, PDFs with scans in every coding, pages that mix text and
scan."""

import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

from ged.errors import Invalid
from ged.ports import PageRef, RecognisedPage
from ocr import bilevel
from ocr.coding import group4
from ocr.engine import TesseractEngine
from tests.ocr_pages import LETTER, aged, digital_pdf, draw, error_rate, save, scan_pdf, with_light_lines

pytestmark = pytest.mark.in_turns(3)

TIMEOUT_S = 120.0
HALF = (1240, 1754)


@pytest.fixture(scope="module")
def engine() -> Iterator[TesseractEngine]:
    engine = TesseractEngine()
    yield engine
    engine.close()


def read(engine: TesseractEngine, source: Path) -> tuple[str, tuple[RecognisedPage, ...]]:
    facts = engine.inspect(source, filename="x", timeout_s=TIMEOUT_S)
    out = source.parent / "out"
    out.mkdir()
    refs = [PageRef(source, facts.media_type, index) for index in range(len(facts.pages))]
    return facts.media_type, engine.recognise(refs, languages=["fra"], timeout_s=TIMEOUT_S, out=out).pages


def bits(page: Image.Image) -> Image.Image:
    return bilevel.two_tones(bilevel.ink(page))


def paper(page: Image.Image) -> Image.Image:
    """The page in black and white; paper is 1."""
    return bilevel.two_tones(~bilevel.ink(page))


def image_pdf(path: Path, page: Image.Image, data: bytes, **keys: Any) -> Path:
    """A page that consists of one image, as scanners write it."""
    with pikepdf.new() as pdf:
        keys = {"Type": Name.XObject, "Subtype": Name.Image, "Width": page.width, "Height": page.height, **keys}
        image = Stream(pdf, data, **keys)
        size = (round(page.width * 0.24, 2), round(page.height * 0.24, 2))
        pdf.add_blank_page(page_size=size)
        pdf.pages[0].Resources = Dictionary(XObject=Dictionary(I=image))
        pdf.pages[0].Contents = Stream(pdf, b"q %.2f 0 0 %.2f 0 0 cm /I Do Q" % size)
        pdf.save(path)
    return path


def ccitt(path: Path) -> Path:
    page = draw()
    parms = Dictionary(K=-1, Columns=page.width, Rows=page.height)
    keys = {"ColorSpace": Name.DeviceGray, "BitsPerComponent": 1, "Filter": Name.CCITTFaxDecode, "DecodeParms": parms}
    return image_pdf(path, page, group4(bits(page)), **keys)


def jbig2(path: Path) -> Path:
    """A page's segments with one generic region in MMR coding, which is CCITT group 4 (ITU-T T.88, 7.4.6, 6.2.6)."""
    page = draw()
    region = struct.pack(">IIIIB", page.width, page.height, 0, 0, 0) + b"\x01" + group4(bits(page))
    info = struct.pack(">IIIIBH", page.width, page.height, 0, 0, 0, 0)
    segments = [(0, 48, info), (1, 38, region)]
    data = b"".join(struct.pack(">IBBBI", number, kind, 0, 1, len(body)) + body for number, kind, body in segments)
    return image_pdf(path, page, data, ColorSpace=Name.DeviceGray, BitsPerComponent=1, Filter=Name.JBIG2Decode)


def jpeg2000_in_pdf(path: Path) -> Path:
    page = draw()
    return image_pdf(path, page, coded(page, "JPEG2000"), Filter=Name.JPXDecode)


def coded(page: Image.Image, kind: str, **options: object) -> bytes:
    target = BytesIO()
    page.save(target, format=kind, **options)  # type: ignore[arg-type]
    return target.getvalue()


def strips(path: Path) -> Path:
    """A page cut into strips, as many scanners write it. No image covers half of the page."""
    page, height = draw(), 439
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(595.2, 841.92))
        images, draws = Dictionary(), []
        for n in range(8):
            strip = page.crop((0, n * height, page.width, min((n + 1) * height, page.height)))
            keys = {"Type": Name.XObject, "Subtype": Name.Image, "Width": strip.width, "Height": strip.height}
            keys |= {"ColorSpace": Name.DeviceGray, "BitsPerComponent": 8, "Filter": Name.FlateDecode}
            images[f"/S{n}"] = Stream(pdf, zlib.compress(strip.tobytes()), **keys)
            bottom = 841.92 - 0.24 * (n * height + strip.height)
            draws.append(b"q 595.2 0 0 %.3f 0 %.3f cm /S%d Do Q" % (0.24 * strip.height, bottom, n))
        pdf.pages[0].Resources = Dictionary(XObject=images)
        pdf.pages[0].Contents = Stream(pdf, b"\n".join(draws))
        pdf.save(path)
    return path


FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "png": (lambda path: save(draw(), path.with_suffix(".png")), "image/png"),
    "palette": (lambda path: save(draw().convert("P"), path.with_suffix(".png")), "image/png"),
    "jpeg": (lambda path: save(draw(), path.with_suffix(".jpg"), quality=70), "image/jpeg"),
    "cmyk": (lambda path: save(draw().convert("CMYK"), path.with_suffix(".jpg")), "image/jpeg"),
    "tiff-g4": (lambda path: save(paper(draw()), path.with_suffix(".tif"), compression="group4"), "image/tiff"),
    "tiff-jpeg": (lambda path: save(draw(), path.with_suffix(".tif"), compression="jpeg"), "image/tiff"),
    "jp2": (lambda path: save(draw(), path.with_suffix(".jp2"), quality_layers=[40]), "image/jp2"),
    "j2k": (lambda path: save(draw(), path.with_suffix(".j2k"), no_jp2=True), "image/jp2"),
    "pgm": (lambda path: save(draw(), path.with_suffix(".pgm")), "image/x-portable-anymap"),
    "ccitt in pdf": (ccitt, "application/pdf"),
    "jbig2 in pdf": (jbig2, "application/pdf"),
    "jpeg 2000 in pdf": (jpeg2000_in_pdf, "application/pdf"),
    "strips in pdf": (strips, "application/pdf"),
}


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_scan_is_read(engine: TesseractEngine, tmp_path: Path, kind: str) -> None:
    make, media_type = FILES[kind]
    source = make(tmp_path / "page")
    found, pages = read(engine, source)
    assert found == media_type
    assert [page.flags for page in pages] == [()]
    assert error_rate(pages[0].text, LETTER) < 0.01


def test_every_page_of_a_tiff_is_read(engine: TesseractEngine, tmp_path: Path) -> None:
    words = ["premier", "second", "dernier"]
    first, *others = [draw(f"Feuillet {word}", size=HALF) for word in words]
    source = save(first, tmp_path / "many.tif", save_all=True, append_images=others, compression="tiff_lzw")
    _, pages = read(engine, source)
    assert [page.text.split()[-1] for page in pages] == words


def with_layer(path: Path, words: str, *, size: float = 12) -> Path:
    """A scan to which another program added invisible words."""
    scan_pdf([aged(draw())], path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        page = pdf.pages[0]
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
        page.Resources.Font = Dictionary(F=font)
        lines = b" ".join(b"(%s) Tj T*" % words.encode("cp1252") for _ in range(30))
        page.contents_add(b"BT 3 Tr /F %d Tf 60 780 Td 20 TL %s ET" % (size, lines))
        pdf.save(path)
    return path


def test_bad_words_laid_over_a_scan_are_not_believed(engine: TesseractEngine, tmp_path: Path) -> None:
    source = with_layer(tmp_path / "layer.pdf", "lorern ipsurn do1or")
    _, (page,) = read(engine, source)
    assert page.flags == ()
    assert "lorern" not in page.text
    assert error_rate(page.text, LETTER) < 0.01


@pytest.mark.long("pages of every kind are read again; each kind has its own test")
def test_a_document_is_judged_page_by_page(engine: TesseractEngine, tmp_path: Path) -> None:
    source = digital_pdf(tmp_path / "mixed.pdf")
    scans, layered = scan_pdf([aged(draw())], tmp_path / "scan.pdf"), with_layer(tmp_path / "layer.pdf", "faux texte")
    with pikepdf.open(source, allow_overwriting_input=True) as pdf:
        for other in (scans, layered, digital_pdf(tmp_path / "more.pdf")):
            with pikepdf.open(other) as more:
                pdf.pages.extend(more.pages)
        pdf.save(source)
    _, pages = read(engine, source)
    assert [page.flags for page in pages] == [("born_digital",), (), (), ("born_digital",)]
    assert [page.confidence == 100 for page in pages] == [True, False, False, True]
    assert pages[3].text.startswith("Bordereau de transmission")
    assert all(error_rate(page.text, LETTER) < 0.01 for page in pages[1:3])


def huge(kind: str) -> Callable[[Path], object]:
    def made(path: Path) -> None:
        tiny = coded(Image.new("L", (64, 64)), kind)
        side = struct.pack(">II", 40_000, 40_000)
        at = tiny.index(b"ihdr") + 4
        data = tiny[:at] + side + tiny[at + 8 :]
        siz = data.index(b"\xff\x51") + 6
        path.write_bytes(data[:siz] + side + data[siz + 8 :])

    return made


def bomb_page(path: Path) -> None:
    """A page of 200 inches. Drawn at 300 dpi, it would take ten gigabytes."""
    digital_pdf(path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[0].MediaBox = Array([0, 0, 14_400, 14_400])
        pdf.save(path)


def test_decompression_bombs_are_refused_before_decoding(engine: TesseractEngine, tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    huge("JPEG2000")(path)
    with pytest.raises(Invalid) as refusal:
        engine.inspect(path, filename="b", timeout_s=TIMEOUT_S)
    assert refusal.value.code == "file.image_too_large"


def test_a_page_as_large_as_a_wall_is_drawn_small(engine: TesseractEngine, tmp_path: Path) -> None:
    bomb_page(tmp_path / "wall.pdf")
    _, (page,) = read(engine, tmp_path / "wall.pdf")
    assert page.flags == ("born_digital",)


def test_first_look_at_many_pages_keeps_their_order(engine: TesseractEngine, tmp_path: Path) -> None:
    sizes = [(200 + 3 * n, 300) for n in range(37)]
    with pikepdf.new() as pdf:
        for size in sizes:
            pdf.add_blank_page(page_size=size)
        pdf.save(tmp_path / "many.pdf")
    pages = engine.inspect(tmp_path / "many.pdf", filename="m", timeout_s=TIMEOUT_S).pages
    shapes = [page.width_px / page.height_px for page in pages]
    assert shapes == pytest.approx([width / height for width, height in sizes], abs=0.002)


def test_lines_much_lighter_than_those_beside_them_are_read(engine: TesseractEngine, tmp_path: Path) -> None:
    page, _ = with_light_lines(draw(size=HALF), 0.25)
    source = tmp_path / "light.png"
    page.save(source, dpi=(150, 150))
    _, (found,) = read(engine, source)
    assert set(LETTER.split()) <= set(found.text.split())
