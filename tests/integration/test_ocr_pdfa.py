"""Every kind of page that we write is PDF/A according to veraPDF, small, and as legible as its scan."""

import io
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pikepdf
import pytest
import typst
from PIL import Image, ImageFilter

from ged.ports import PageRef, Recognition
from ocr.engine import TesseractEngine
from tests import ocr_scenes
from tests.judges import verapdf
from tests.ocr_pages import LETTER, aged, digital_pdf, draw, error_rate, save, scan_pdf
from tests.sample_kit import LONG_RUN

pytestmark = pytest.mark.in_turns(3)

ONE_THREAD = {**os.environ, "OMP_THREAD_LIMIT": "1"}
"""Four threads that wait for each other would need twice the processor time."""
OCRMYPDF_BYTES = 8.0  # the goal: an eighth of a JPEG of quality 75, OCRmyPDF's default


def letter_pdf(path: Path) -> Path:
    """A letter set by typst as ours are: PDF/A-2b, with an image."""
    source = path.with_suffix(".typ")
    source.write_text(f'#set page(paper: "a4")\n= Lettre\n{LETTER.replace("@", "")}\n#circle(fill: blue)\n')
    typst.compile(str(source), output=str(path), format="pdf", pdf_standards="a-2b")
    return path


def mixed_pdf(path: Path) -> Path:
    """A born-digital page, a scan in colour, and in the long run a scan between them."""
    digital_pdf(path)
    plain = [aged(draw()).convert("RGB")] if LONG_RUN else []
    scans = scan_pdf([*plain, ocr_scenes.stamped()], path.with_name("scans.pdf"))
    with pikepdf.open(path, allow_overwriting_input=True) as pdf, pikepdf.open(scans) as other:
        pdf.pages.extend(other.pages)
        pdf.save(path)
    return path


SOURCES: dict[str, tuple[Callable[[Path], Path], str, int]] = {
    "g4": (lambda path: save(aged(draw(), noise=5), path.with_suffix(".png")), "image/png", 1),
    "mixed": (lambda path: save(ocr_scenes.stamped(), path.with_suffix(".png")), "image/png", 1),
    "photo": (lambda path: save(ocr_scenes.stamped(photo=True), path.with_suffix(".png")), "image/png", 1),
    "jpeg": (lambda path: save(ocr_scenes.photograph_page(), path.with_suffix(".png")), "image/png", 1),
    "blank": (lambda path: save(Image.new("L", (2480, 3508), 240), path.with_suffix(".png")), "image/png", 1),
    "digital": (lambda path: digital_pdf(path.with_suffix(".pdf")), "application/pdf", 1),
    "typst": (lambda path: letter_pdf(path.with_suffix(".pdf")), "application/pdf", 1),
    "document": (lambda path: mixed_pdf(path.with_suffix(".pdf")), "application/pdf", 3 if LONG_RUN else 2),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[TesseractEngine]:
    engine = TesseractEngine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def made(engine: TesseractEngine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recognition]:
    folder = tmp_path_factory.mktemp("pdfa")
    results = {}
    for name, (make, media_type, count) in SOURCES.items():
        if name == "typst" and not LONG_RUN:
            continue  # for veraPDF alone
        source = make(folder / name)
        out = folder / f"{name}-out"
        out.mkdir()
        refs = [PageRef(source, media_type, index) for index in range(count)]
        results[name] = engine.recognise(refs, languages=["fra"], timeout_s=120, out=out)
    return results


def codings(result: Recognition) -> list[tuple[str, int]]:
    """For each page: the coding of its main image, and the number of patches below it."""
    with pikepdf.open(result.searchable_pdf) as pdf:
        groups = [page.Resources.XObject for page in pdf.pages]
        return [(str(group.I.Filter), len(group.keys()) - 1) for group in groups]


@pytest.mark.long("veraPDF over every kind of page; the form of the files is looked at by the other tests of PDF/A")
def test_verapdf_finds_every_kind_compliant(made: dict[str, Recognition]) -> None:
    verdicts = verapdf.check([result.searchable_pdf for result in made.values()])
    for name, verdict in zip(made, verdicts, strict=True):
        assert (verdict.flavour, verdict.failures) == ("2u", ()), name
        assert verdict.compliant
        assert verdict.assertions > 100


@pytest.mark.long("veraPDF over every kind of page; the form of the files is looked at by the other tests of PDF/A")
def test_verapdf_does_not_nod_everything_through(made: dict[str, Recognition], tmp_path: Path) -> None:
    broken, plain = tmp_path / "broken.pdf", digital_pdf(tmp_path / "plain.pdf")
    with pikepdf.open(made["g4"].searchable_pdf) as pdf:
        pdf.pages[0].Resources.XObject.I.Interpolate = True
        del pdf.Root.OutputIntents
        pdf.save(broken)
    (tmp_path / "none.pdf").write_bytes(b"%PDF-1.7\n")
    first, second, third = verapdf.check([broken, plain, tmp_path / "none.pdf"])
    assert not first.compliant
    assert any("6.2.8" in failure for failure in first.failures)
    assert (second.flavour, second.compliant) == ("", False)
    assert not third.compliant


def test_each_page_has_the_form_that_suits_it(made: dict[str, Recognition]) -> None:
    g4, jpeg = "/CCITTFaxDecode", "/DCTDecode"
    assert codings(made["g4"]) == [(g4, 0)]
    assert codings(made["mixed"]) == [(g4, 2)]
    assert codings(made["photo"]) == [(g4, 3)]
    assert codings(made["jpeg"]) == [(jpeg, 0)]
    assert codings(made["blank"]) == [(g4, 0)]
    assert codings(made["document"]) == [(g4, 0)] * (2 if LONG_RUN else 1) + [(g4, 2)]


def test_pages_are_small(made: dict[str, Recognition]) -> None:
    overhead = made["blank"].searchable_pdf.stat().st_size
    assert overhead < 8_000
    for name, page in (("g4", aged(draw(), noise=5)), ("mixed", ocr_scenes.stamped())):
        coded = io.BytesIO()
        page.save(coded, format="JPEG", quality=75)
        ours = made[name].searchable_pdf.stat().st_size
        assert ours * OCRMYPDF_BYTES <= len(coded.getvalue()), name


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("name", ["g4", "mixed"])
def test_page_read_again_has_the_same_text(made: dict[str, Recognition], tmp_path: Path, name: str) -> None:
    drawn = tmp_path / "again"
    pdf = str(made[name].searchable_pdf)
    subprocess.run(["pdftoppm", "-r", "300", "-gray", "-singlefile", pdf, str(drawn)], check=True, timeout=60)
    read = subprocess.run(
        ["tesseract", f"{drawn}.pgm", "-", "-l", "fra", "--dpi", "300"],
        check=True, capture_output=True, timeout=120, env=ONE_THREAD,
    )  # fmt: skip
    text = read.stdout.decode()
    assert error_rate(text[: text.index("distinguée") + 11], LETTER) <= 0.002


def drawn(result: Recognition, folder: Path, dpi: int) -> Image.Image:
    target = folder / f"drawn-{dpi}"
    command = ["pdftoppm", "-r", str(dpi), "-singlefile", str(result.searchable_pdf), str(target)]
    subprocess.run(command, check=True, timeout=60)
    with Image.open(f"{target}.ppm") as image:
        return image.convert("RGB")


def test_colours_stand_where_they_stood_on_white_paper(made: dict[str, Recognition], tmp_path: Path) -> None:
    size = (620, 877)
    shown = drawn(made["mixed"], tmp_path, 300)
    page = np.asarray(shown.resize(size, Image.Resampling.BOX)).astype(int)
    scan = np.asarray(ocr_scenes.stamped().resize(size, Image.Resampling.BOX)).astype(int)
    was_blue = scan[..., 2] - scan[..., 0] > 40
    assert was_blue.sum() > 2000
    assert (page[..., 2] - page[..., 0] > 40)[was_blue].mean() > 0.9
    assert page[20:60, 20:300].min() == 255, "paper is white"
    left, top, *_ = (side // 4 for side in ocr_scenes.STAMP_BOX)
    inside = page[top + 25 : top + 45, left + 65 : left + 85]
    assert inside.min() > 235, "paper is white inside a stamp too"


@pytest.mark.long("large pages are drawn and cleaned; tests/unit/test_ocr_clean.py measures smaller ones")
def test_a_faint_stamp_and_faint_letters_do_not_vanish(engine: TesseractEngine, tmp_path: Path) -> None:
    pale = draw().point([255 - (255 - value) * 3 // 10 for value in range(256)]).filter(ImageFilter.GaussianBlur(1))
    source = save(aged(pale, noise=3), tmp_path / "pale.png")
    out = tmp_path / "pale"
    out.mkdir()
    result = engine.recognise([PageRef(source, "image/png", 0)], languages=["fra"], timeout_s=60, out=out)
    again = tmp_path / "again.png"
    drawn(result, tmp_path, 300).save(again)
    command = ["tesseract", str(again), "-", "-l", "fra"]
    read = subprocess.run(command, check=True, capture_output=True, timeout=120, env=ONE_THREAD)
    assert error_rate(read.stdout.decode(), LETTER) < 0.01
    source = save(ocr_scenes.stamped(faint=True), tmp_path / "faint.png")
    out = tmp_path / "faint"
    out.mkdir()
    result = engine.recognise([PageRef(source, "image/png", 0)], languages=["fra"], timeout_s=60, out=out)
    pixels = np.asarray(drawn(result, tmp_path, 75)).astype(int)
    left, top, _, bottom = (side // 4 for side in ocr_scenes.STAMP_BOX)
    ring = pixels[(top + bottom) // 2 - 3 : (top + bottom) // 2 + 3, left - 2 : left + 5]
    assert (ring[..., 2] - ring[..., 0]).max() > 15


@pytest.mark.long("large pages are drawn and cleaned; tests/unit/test_ocr_clean.py measures smaller ones")
def test_show_through_and_grain_leave_the_paper_white(engine: TesseractEngine, tmp_path: Path) -> None:
    front = draw()
    back = front.transpose(Image.Transpose.FLIP_LEFT_RIGHT).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    weak = back.filter(ImageFilter.GaussianBlur(4)).point([255 - (255 - value) * 17 // 100 for value in range(256)])
    both = Image.fromarray(np.minimum(np.asarray(front), np.asarray(weak)))
    source = save(aged(both, noise=8, degrees=0.5), tmp_path / "thin.png")
    out = tmp_path / "thin"
    out.mkdir()
    result = engine.recognise([PageRef(source, "image/png", 0)], languages=["fra"], timeout_s=60, out=out)
    lower = np.asarray(drawn(result, tmp_path, 100))[800:1150, 90:700]
    assert (lower < 128).mean() < 0.0005


def test_first_page_for_the_site_is_light_and_legible(made: dict[str, Recognition], tmp_path: Path) -> None:
    for name in ("g4", "mixed", "photo") if LONG_RUN else ("mixed",):
        image = made[name].pages[0].image
        assert image.stat().st_size <= 60_000, name
        with Image.open(image) as page:
            assert page.format == "WEBP"
            assert page.width == 1280
            page.save(tmp_path / "site.png")
        read = subprocess.run(
            ["tesseract", str(tmp_path / "site.png"), "-", "-l", "fra", "--dpi", "155"],
            check=True, capture_output=True, timeout=120, env=ONE_THREAD,
        )  # fmt: skip
        text = read.stdout.decode()
        assert error_rate(text[: text.index("distinguée") + 11], LETTER) < 0.01, name
