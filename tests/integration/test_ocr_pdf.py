"""The PDF/A that the reading engine writes, judged by independent programs."""

import subprocess
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageDraw

from ged.ports import PageRef, Recognition
from ocr import textlayer
from ocr.engine import TesseractEngine
from ocr.lines import Line, Token
from ocr.pdf import assemble
from ocr.reading import tilted
from ocr.wire import PagePart
from tests.ocr_pages import LETTER, aged, digital_pdf, draw, error_rate, save

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Recognition:
    folder = tmp_path_factory.mktemp("ocr")
    stamped = draw().convert("RGB")
    ImageDraw.Draw(stamped).ellipse((1500, 2400, 2100, 3000), outline=(40, 40, 170), width=14)
    refs = [
        PageRef(save(aged(draw(), noise=4), folder / "gray.png"), "image/png", 0),
        PageRef(save(stamped, folder / "stamped.png"), "image/png", 0),
        PageRef(digital_pdf(folder / "digital.pdf", crop=(50, 400, 545, 792)), "application/pdf", 0),
    ]
    out = folder / "out"
    out.mkdir()
    engine = TesseractEngine()
    result = engine.recognise(refs, languages=["fra"], timeout_s=120, out=out)
    engine.close()
    return result


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.decode()


def test_qpdf_finds_nothing_wrong(read: Recognition) -> None:
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", str(read.searchable_pdf))


def test_poppler_finds_the_text_where_it_stands(read: Recognition) -> None:
    assert error_rate(run("pdftotext", "-l", "1", str(read.searchable_pdf), "-"), LETTER) < 0.01
    boxes = run("pdftotext", "-bbox", "-l", "1", str(read.searchable_pdf), "-")
    line = next(line for line in boxes.split("\n") if ">Lomé,<" in line)
    left, top = (float(part.split('"')[0]) for part in line.split('="')[1:3])
    word = read.pages[0].words[0]
    assert left == pytest.approx(word.x * 595, abs=1.5)
    assert top == pytest.approx(word.y * 842, abs=4)


@pytest.mark.parametrize("degrees", [3.0, -8.0, 13.0, 30.0])
def test_poppler_finds_the_words_of_a_slanted_piece(degrees: float, tmp_path: Path) -> None:
    words = ["Savon", "liquide", "électrification", "ministère", "facturation", "122150"]
    level = [
        Line(
            tuple(
                Token(word, 0.15 + 0.12 * n, 0.2 + 0.03 * row, 0.0095 * len(word), 0.014, 90.0)
                for n, word in enumerate(words)
            )
        )
        for row in range(12)
    ]
    layer, image = tmp_path / "layer", tmp_path / "page.jpg"
    layer.write_bytes(textlayer.content(tilted(level, degrees, (2480, 3508)), width_pt=595, height_pt=842))
    Image.new("L", (60, 84), 255).save(image)
    assemble([PagePart(image, "jpeg", 60, 84, True, 595, 842, layer)], tmp_path / "slanted.pdf")
    run("qpdf", "--check", str(tmp_path / "slanted.pdf"))
    assert sorted(run("pdftotext", str(tmp_path / "slanted.pdf"), "-").split()) == sorted(words * 12)


def test_poppler_draws_what_the_site_shows(read: Recognition, tmp_path: Path) -> None:
    run("pdftoppm", "-r", "50", "-png", str(read.searchable_pdf), str(tmp_path / "p"))
    for number, page in enumerate(read.pages, 1):
        with Image.open(tmp_path / f"p-{number}.png") as drawn, Image.open(page.image) as site:
            left = drawn.convert("L").resize((30, 40), Image.Resampling.BOX)
            right = site.convert("L").resize((30, 40), Image.Resampling.BOX)
            assert all(abs(a - b) < 75 for a, b in zip(left.tobytes(), right.tobytes(), strict=True))


def test_cropped_digital_page_keeps_its_words_in_place(read: Recognition) -> None:
    page = read.pages[2]
    assert page.flags == ("born_digital",)
    word = page.words[0]
    assert word.x == pytest.approx((72 - 50) / 495, abs=0.01)
    assert word.y + word.height == pytest.approx((792 - 742) / 392, abs=0.03)


def test_form_of_image_fits_the_page(read: Recognition) -> None:
    with pikepdf.open(read.searchable_pdf) as pdf:
        images = [page.Resources.XObject for page in pdf.pages]
        assert [sorted(group.keys()) for group in images] == [["/I"], ["/I", "/P0"], ["/I"]]
        assert [str(group.I.Filter) for group in images] == ["/CCITTFaxDecode"] * 3
        assert bool(images[1].I.ImageMask)
        assert (str(images[1].P0.Filter), str(images[1].P0.ColorSpace)) == ("/DCTDecode", "/DeviceRGB")
        assert str(images[0].I.ColorSpace) == "/DeviceGray"
    assert read.searchable_pdf.stat().st_size < 80_000


def test_declares_pdfa_2u_and_keeps_its_rules(read: Recognition) -> None:
    with pikepdf.open(read.searchable_pdf) as pdf:
        metadata = pdf.open_metadata()
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("2", "U")
        (intent,) = pdf.Root.OutputIntents
        assert intent.S == "/GTS_PDFA1"
        assert bytes(intent.DestOutputProfile.read_bytes())[36:40] == b"acsp"
        assert "/ID" in pdf.trailer
        assert not pdf.is_encrypted
        for page in pdf.pages:
            font = page.Resources.Font.T
            assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor
            assert "/ToUnicode" in font
            assert "/Group" not in page


def test_the_same_pages_give_the_same_bytes(tmp_path: Path) -> None:
    source = save(draw("Note de service"), tmp_path / "n.png")
    engine = TesseractEngine()
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        ref = PageRef(source, "image/png", 0)
        result = engine.recognise([ref], languages=["fra"], timeout_s=60, out=tmp_path / name)
        made.append(result.searchable_pdf.read_bytes())
    engine.close()
    assert made[0] == made[1]


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("degrees", [90, 270])
def test_sideways_page_is_turned_and_levelled(tmp_path: Path, degrees: int) -> None:
    source = save(aged(draw()).rotate(degrees, expand=True), tmp_path / "s.png")
    engine = TesseractEngine()
    (page,) = engine.recognise([PageRef(source, "image/png", 0)], languages=["fra"], timeout_s=60, out=tmp_path).pages
    engine.close()
    assert page.flags == (f"rotated_{degrees}",)
    assert error_rate(page.text, LETTER) < 0.01
    assert page.confidence > 95  # it leans by 1.5 degrees: 94.6 when it is levelled to the wrong side
