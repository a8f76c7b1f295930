"""The contract of ``OcrEngine`` over every plug."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from ged.errors import EngineFailed, Invalid
from ged.ports import OcrEngine, PageRef
from ocr.engine import TesseractEngine
from tests.ocr_pages import LETTER, aged, by_hand, digital_pdf, draw, error_rate, png_of, save, scan_pdf, with_qr

PLUGS: dict[str, Callable[[], TesseractEngine]] = {
    "library": lambda: TesseractEngine(max_pages=4, jobs=2, reader="library"),
    "program": lambda: TesseractEngine(max_pages=4, jobs=2, reader="program"),
}
SMALL = (1240, 1754)
TIMEOUT_S = 120.0


pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]  # pages are really read, by both engines


@pytest.fixture(scope="module", params=PLUGS)
def engine(request: pytest.FixtureRequest) -> Iterator[OcrEngine]:
    plug = PLUGS[request.param]()
    yield plug
    plug.close()


def test_the_reader_says_what_it_is(engine: OcrEngine, request: pytest.FixtureRequest) -> None:
    facts = engine.reads_with()
    assert facts.plug in request.node.callspec.params.values()
    assert int(facts.version.split(".")[0]) >= 4


@pytest.mark.in_shares(2)
def test_inspect_tells_pages_sizes_codes_and_blanks(engine: OcrEngine, tmp_path: Path) -> None:
    pages = [with_qr(aged(draw()), "GED:1:2026-00042"), Image.new("L", (2480, 3508), 240)]
    path = save(pages[0], tmp_path / "scan.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    facts = engine.inspect(path, filename="scan.tif", timeout_s=TIMEOUT_S)
    assert (facts.media_type, facts.signed) == ("image/tiff", False)
    first, second = facts.pages
    assert (first.width_px, first.height_px, first.dpi) == (2480, 3508, 300)
    assert [(code.text, code.format) for code in first.codes] == [("GED:1:2026-00042", "QRCode")]
    assert first.blank_score < 0.1
    assert second.blank_score > 0.9
    assert second.codes == ()


def test_inspect_finds_codes_too_fine_for_a_quick_look(engine: OcrEngine, tmp_path: Path) -> None:
    page = with_qr(draw(), "GED:1:2026-00043", module_px=2)
    facts = engine.inspect(save(page, tmp_path / "fine.png"), filename="fine.png", timeout_s=TIMEOUT_S)
    assert [code.text for code in facts.pages[0].codes] == ["GED:1:2026-00043"]


def test_inspect_reads_pdf(engine: OcrEngine, tmp_path: Path) -> None:
    path = scan_pdf([with_qr(draw(), "GED:1:7"), draw("page 2")], tmp_path / "scan.pdf")
    facts = engine.inspect(path, filename="x", timeout_s=TIMEOUT_S)
    assert facts.media_type == "application/pdf"
    assert [[code.text for code in page.codes] for page in facts.pages] == [["GED:1:7"], []]
    assert facts.pages[0].dpi == pytest.approx(300, abs=2)
    assert not facts.signed


def test_signed_pdf_is_told(engine: OcrEngine, tmp_path: Path) -> None:
    path = digital_pdf(tmp_path / "plain.pdf")
    with pikepdf.open(path) as pdf:
        value = pikepdf.Dictionary(
            Type=pikepdf.Name.Sig, Contents=pikepdf.String(b"\x30\x80"), ByteRange=[0, 10, 20, 30]
        )
        field = pikepdf.Dictionary(FT=pikepdf.Name.Sig, T=pikepdf.String("Signature1"), V=value)
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[pdf.make_indirect(field)], SigFlags=3)
        pdf.save(tmp_path / "signed.pdf")
    before = (tmp_path / "signed.pdf").read_bytes()
    assert engine.inspect(tmp_path / "signed.pdf", filename="s.pdf", timeout_s=TIMEOUT_S).signed
    assert not engine.inspect(path, filename="p.pdf", timeout_s=TIMEOUT_S).signed
    assert (tmp_path / "signed.pdf").read_bytes() == before


@pytest.mark.in_shares(2)
@pytest.mark.slow  # only the tests need this font
def test_a_page_of_handwriting_is_flagged_and_nothing_is_invented(engine: OcrEngine, tmp_path: Path) -> None:
    refs = [PageRef(save(page, tmp_path / f"{n}.png"), "image/png", 0) for n, page in enumerate([by_hand(), draw()])]
    out = tmp_path / "out"
    out.mkdir()
    hand, print_ = engine.recognise(refs, languages=("fra",), timeout_s=TIMEOUT_S, out=out).pages
    assert (hand.flags, hand.text) == (("low_confidence",), "")
    assert error_rate(print_.text, LETTER) < 0.02
    assert print_.flags == ()


def encrypted(path: Path) -> None:
    digital_pdf(path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="o", user="u"))


def cut(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def written(path: Path) -> None:
        make(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])

    return written


def many_pages(path: Path) -> None:
    with pikepdf.new() as pdf:
        for _ in range(5):
            pdf.add_blank_page()
        pdf.save(path)


def huge_image_in_pdf(path: Path) -> None:
    digital_pdf(path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        keys = {"Type": pikepdf.Name.XObject, "Subtype": pikepdf.Name.Image, "ColorSpace": pikepdf.Name.DeviceGray}
        pdf.pages[0].Resources.XObject = pikepdf.Dictionary(
            I=pikepdf.Stream(pdf, b"\0", Width=30_000, Height=30_000, BitsPerComponent=1, **keys)
        )
        pdf.save(path)


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.write_bytes(b""), "file.empty"),
        (lambda path: path.write_text("Monsieur le Ministre,"), "file.type_unknown"),
        (lambda path: path.write_text("P5 trois mots"), "file.type_unknown"),
        (encrypted, "file.encrypted"),
        (lambda path: path.write_bytes(png_of(30_000, 30_000)), "file.image_too_large"),
        (huge_image_in_pdf, "file.image_too_large"),
        (cut(lambda path: draw(size=SMALL).save(path, format="TIFF", compression="tiff_lzw")), "file.truncated"),
        (cut(lambda path: draw(size=SMALL).save(path, format="JPEG")), "file.truncated"),
        (cut(lambda path: draw(size=SMALL).save(path, format="PNG")), "file.truncated"),
        (cut(lambda path: draw(size=SMALL).save(path, format="PPM")), "file.truncated"),
        (cut(lambda path: scan_pdf([draw(size=SMALL)], path)), "file.truncated"),
        (cut(digital_pdf), "file.truncated"),
        (lambda path: path.write_bytes(b"%PDF-1.7\n%%EOF\n"), "file.truncated"),
        (many_pages, "file.too_many_pages"),
    ],
)
def test_bad_files_are_refused_with_a_reason(
    engine: OcrEngine, tmp_path: Path, make: Callable[[Path], object], code: str
) -> None:
    path = tmp_path / "stored"
    make(path)
    with pytest.raises(Invalid) as refusal:
        engine.inspect(path, filename="../é lettre.pdf", timeout_s=TIMEOUT_S)
    assert refusal.value.code == code
    assert refusal.value.params["filename"] == "../é lettre.pdf"
    assert refusal.value.remedy


@pytest.mark.in_shares(2)
def test_recognise_gives_text_words_images_and_pdf(engine: OcrEngine, tmp_path: Path) -> None:
    sources = [save(aged(draw()), tmp_path / "1.png"), save(draw("Annexe numéro deux"), tmp_path / "2.jpg")]
    refs = [PageRef(sources[0], "image/png", 0), PageRef(sources[1], "image/jpeg", 0)]
    out = tmp_path / "out"
    out.mkdir()
    read = engine.recognise(refs, languages=["fra"], timeout_s=TIMEOUT_S, out=out)
    first, second = read.pages
    assert (first.page_no, second.page_no) == (1, 2)
    assert error_rate(first.text, LETTER) < 0.01
    assert second.text.strip() == "Annexe numéro deux"
    assert first.confidence > 80
    assert (first.language, first.flags) == ("fra", ())
    assert [word.text for word in first.words][:4] == ["Lomé,", "le", "12", "mars"]
    assert all(0 <= w.x <= w.x + w.width <= 1 and 0 <= w.y <= w.y + w.height <= 1 for w in first.words)
    assert first.words[0].x == pytest.approx(0.1, abs=0.02)
    assert {path.parent for path in (first.image, read.searchable_pdf, read.thumbnail)} == {out.resolve()}
    assert first.image.stat().st_size <= 60_000
    with Image.open(first.image) as image, Image.open(read.thumbnail) as small:
        assert (image.format, small.format) == ("WEBP", "JPEG")
        assert image.size == (1280, 1810)
        assert max(small.size) == 300
    with pikepdf.open(read.searchable_pdf) as pdf:
        assert len(pdf.pages) == 2
        assert float(pdf.pages[0].MediaBox[2]) == pytest.approx(595, abs=1)


@pytest.mark.in_shares(2)
def test_a_turn_by_a_person_is_honoured(engine: OcrEngine, tmp_path: Path) -> None:
    source = save(draw().rotate(90, expand=True), tmp_path / "side.png")
    out = tmp_path / "out"
    out.mkdir()
    read = engine.recognise(
        [PageRef(source, "image/png", 0, rotation=90)], languages=["fra"], timeout_s=TIMEOUT_S, out=out
    )
    (page,) = read.pages
    assert error_rate(page.text, LETTER) < 0.01
    assert page.flags == ()
    assert page.words[0].y < 0.15
    with Image.open(page.image) as image:
        assert image.height > image.width


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("rotation", [0, 90])
def test_words_of_a_digital_pdf_are_its_own(engine: OcrEngine, tmp_path: Path, rotation: int) -> None:
    source = digital_pdf(tmp_path / "d.pdf", rotate=(360 - rotation) % 360)
    out = tmp_path / "out"
    out.mkdir()
    ref = PageRef(source, "application/pdf", 0, rotation=rotation)
    (page,) = engine.recognise([ref], languages=["fra"], timeout_s=TIMEOUT_S, out=out).pages
    assert page.flags == ("born_digital",)
    assert page.text.split("\n")[0] == "Bordereau de transmission"
    word = page.words[0]
    assert (word.text, word.confidence) == ("Bordereau", 100)
    assert word.x == pytest.approx(72 / 595, abs=0.01)
    assert word.y + word.height == pytest.approx(100 / 842, abs=0.015)


def test_thumbnail(engine: OcrEngine, tmp_path: Path) -> None:
    pdf = scan_pdf([draw(size=SMALL), draw("deux", size=SMALL)], tmp_path / "s.pdf")
    for ref, size in (
        (PageRef(pdf, "application/pdf", 1), (200, 283)),
        (PageRef(pdf, "application/pdf", 0, rotation=270), (200, 141)),
    ):
        engine.thumbnail(ref, width_px=200, out=tmp_path / "t.jpg", timeout_s=TIMEOUT_S)
        with Image.open(tmp_path / "t.jpg") as image:
            assert image.format == "JPEG"
            assert image.size == pytest.approx(size, abs=1)


def test_a_picture_within_a_limit(engine: OcrEngine, tmp_path: Path) -> None:
    page = aged(draw(), noise=20)
    ref = PageRef(save(page, tmp_path / "noisy.png"), "image/png", 0)
    engine.thumbnail(ref, width_px=1400, out=tmp_path / "free.jpg", timeout_s=TIMEOUT_S)
    engine.thumbnail(ref, width_px=1400, out=tmp_path / "bound.webp", timeout_s=TIMEOUT_S, limit_bytes=60_000)
    assert (tmp_path / "free.jpg").stat().st_size > 60_000, "else the limit is not tried"
    assert (tmp_path / "bound.webp").stat().st_size <= 60_000
    with Image.open(tmp_path / "bound.webp") as image:
        assert image.format == "WEBP"
        assert image.width / image.height == pytest.approx(page.width / page.height, abs=0.01)


def test_the_process_of_the_engine_opens_no_picture(
    engine: OcrEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hostile file may control the child that wrote a picture: our own process looks at its frame alone."""
    page = with_qr(draw(size=SMALL), "GED:1:2026-00044")
    pdf, scan = scan_pdf([page, draw("deux", size=SMALL)], tmp_path / "s.pdf"), save(page, tmp_path / "s.png")
    out = tmp_path / "out"
    out.mkdir()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("bytes from outside are opened in children alone")

    with monkeypatch.context() as forbidden:
        for name in (
            "PIL.Image.open",
            "PIL.ImageFile.ImageFile.load",
            "PIL.ImageFile.ImageFile.__init__",
            "pikepdf.open",
            "pypdfium2.PdfDocument.__init__",
        ):
            forbidden.setattr(name, refuse)
        refs = [PageRef(pdf, "application/pdf", 0), PageRef(pdf, "application/pdf", 1), PageRef(scan, "image/png", 0)]
        read = engine.recognise(refs, languages=["fra"], timeout_s=TIMEOUT_S, out=out)
        engine.inspect(pdf, filename="s.pdf", timeout_s=TIMEOUT_S)
        engine.thumbnail(refs[0], width_px=200, out=tmp_path / "t.jpg", timeout_s=TIMEOUT_S)
        corners = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))
        engine.draw_part(refs[0], corners, width_px=200, out=tmp_path / "part.jpg", timeout_s=TIMEOUT_S)
        assert engine.read_codes(refs[2], timeout_s=TIMEOUT_S) == ("GED:1:2026-00044",)
    assert [(len(one.likeness), one.flags) for one in read.pages] == [(64, ()), (0, ()), (0, ())]
    assert read.thumbnail is not None
    with Image.open(read.thumbnail) as image:
        assert (image.format, max(image.size)) == ("JPEG", 300)


def test_a_damaged_page_is_flagged_and_the_others_go_on(engine: OcrEngine, tmp_path: Path) -> None:
    good, bad = save(draw(), tmp_path / "good.png"), save(draw(), tmp_path / "bad.png")
    bad.write_bytes(bad.read_bytes()[:5000])
    out = tmp_path / "out"
    out.mkdir()
    refs = [PageRef(bad, "image/png", 0), PageRef(good, "image/png", 0)]
    read = engine.recognise(refs, languages=["fra"], timeout_s=TIMEOUT_S, out=out)
    assert [page.flags for page in read.pages] == [("failed",), ()]
    assert read.pages[0].text == ""
    assert read.pages[0].image.stat().st_size > 0
    assert "Lomé" in read.pages[1].text
    with pikepdf.open(read.searchable_pdf) as pdf:
        assert len(pdf.pages) == 2


def test_blank_page_is_flagged(engine: OcrEngine, tmp_path: Path) -> None:
    source = save(Image.new("L", (2480, 3508), 235), tmp_path / "b.png")
    out = tmp_path / "out"
    out.mkdir()
    (page,) = engine.recognise([PageRef(source, "image/png", 0)], languages=["fra"], timeout_s=TIMEOUT_S, out=out).pages
    assert (page.flags, page.text, page.words) == (("blank",), "", ())


def test_language_that_is_not_installed(engine: OcrEngine, tmp_path: Path) -> None:
    source = save(draw(), tmp_path / "a.png")
    with pytest.raises(EngineFailed) as failure:
        engine.recognise([PageRef(source, "image/png", 0)], languages=["tlh"], timeout_s=TIMEOUT_S, out=tmp_path)
    assert failure.value.code == "ocr.unavailable"
    assert failure.value.params["languages"] == ["tlh"]


@pytest.mark.in_shares(2)
def test_of_two_languages_both_are_read(engine: OcrEngine, tmp_path: Path) -> None:
    source = save(draw("The weather of yesterday\nÀ l'été prochain"), tmp_path / "a.png")
    out = tmp_path / "out"
    out.mkdir()
    refs = [PageRef(source, "image/png", 0)]
    (page,) = engine.recognise(refs, languages=["fra", "eng"], timeout_s=TIMEOUT_S, out=out).pages
    assert "weather" in page.text
    assert "été" in page.text


def test_time_is_limited(engine: OcrEngine, tmp_path: Path) -> None:
    source = save(draw(), tmp_path / "a.png")
    with pytest.raises(EngineFailed) as failure:
        engine.inspect(source, filename="a.png", timeout_s=0.001)
    assert (failure.value.code, failure.value.retryable) == ("ocr.timeout", True)
    with pytest.raises(EngineFailed) as failure:
        engine.recognise([PageRef(source, "image/png", 0)], languages=["fra"], timeout_s=0.1, out=tmp_path)
    assert failure.value.code == "ocr.timeout"
    assert engine.inspect(source, filename="a.png", timeout_s=TIMEOUT_S).pages
