import time
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from PIL import Image
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION

from ged.errors import Invalid
from ocr.coding import group4
from ocr.image import load_page, page_count, shrink, turn
from ocr.limits import Limits
from ocr.pdf import srgb_profile
from ocr.pictures import SITE_FIRST_BYTES, site_webp
from ocr.sniff import JPEG, PNG, PNM, TIFF
from tests.ocr_pages import aged, draw, png_of

pytestmark = pytest.mark.slow

SMALL = (620, 877)
LIMITS = Limits(max_pages=3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_becomes_plain(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "page.png"
    if mode == "I;16":
        Image.fromarray(np.asarray(draw(size=SMALL)).astype(np.uint16) * 257).save(path)
    else:
        draw(size=SMALL).convert("RGB" if mode == "P" else "L").convert(mode).save(path)
    shown = load_page(path, PNG, 0, LIMITS)
    assert shown.image.mode in {"L", "RGB"}
    gray = np.asarray(shown.image.convert("L"))
    assert gray.max() > 245
    assert 0.005 < (gray < 128).mean() < 0.2


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1.2])
def test_one_odd_fraction_does_not_blacken_its_page(tmp_path: Path, odd: float) -> None:
    page = np.asarray(draw(size=SMALL)).astype(np.float32) / 255
    page[0, 0] = odd
    Image.fromarray(page).save(tmp_path / "page.tif")
    gray = np.asarray(load_page(tmp_path / "page.tif", TIFF, 0, LIMITS).image)
    assert gray.max() > 245
    assert 0.005 < (gray < 128).mean() < 0.2
    assert gray[0, 0] == (0 if odd < 0 else 255), "what is no number is paper"


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_an_image_of_many_bits_whose_file_says_that_zero_is_white_is_black_on_white(
    tmp_path: Path, kind: type[np.generic]
) -> None:
    page = (255 - np.asarray(draw(size=SMALL))).astype(kind) / (255 if kind is np.float32 else 1 / 257)
    Image.fromarray(page.astype(kind)).save(tmp_path / "page.tif", tiffinfo={PHOTOMETRIC_INTERPRETATION: 0})
    gray = np.asarray(load_page(tmp_path / "page.tif", TIFF, 0, LIMITS).image)
    assert gray.max() > 245
    assert 0.005 < (gray < 128).mean() < 0.2


@pytest.mark.parametrize("noise", [255, 900])
def test_a_blank_page_where_zero_is_white_has_no_ink(tmp_path: Path, noise: int) -> None:
    page = np.arange(SMALL[0] * SMALL[1], dtype=np.uint16).reshape(SMALL[::-1]) % noise
    Image.fromarray(page).save(tmp_path / "page.tif", tiffinfo={PHOTOMETRIC_INTERPRETATION: 0})
    assert np.asarray(load_page(tmp_path / "page.tif", TIFF, 0, LIMITS).image).min() > 245


def test_what_is_no_number_is_paper_where_zero_is_white_too(tmp_path: Path) -> None:
    page = np.zeros(SMALL[::-1], dtype=np.float32)
    page[0, 0], page[1, 0] = np.nan, 1
    Image.fromarray(page).save(tmp_path / "page.tif", tiffinfo={PHOTOMETRIC_INTERPRETATION: 0})
    gray = np.asarray(load_page(tmp_path / "page.tif", TIFF, 0, LIMITS).image)
    assert (gray[0, 0], gray[1, 0], gray[2, 0]) == (255, 0, 255)


def test_the_rows_of_an_image_of_sixteen_bits_may_have_one_pixel_each(tmp_path: Path) -> None:
    """A file of some kilobytes with 40 million such rows took nine minutes of a reader's time."""
    Image.fromarray(np.full((1_000_000, 1), 65535, dtype=np.uint16)).save(tmp_path / "thin.png")
    began = time.process_time()
    assert load_page(tmp_path / "thin.png", PNG, 0, LIMITS).image.size == (1, 3508)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("white", [255, 1023, 4095, 16383, 65535])
@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_a_gray_image_of_sixteen_bits_has_its_shades_however_many_bits_the_scanner_used(
    tmp_path: Path, white: int, order: str
) -> None:
    path, shades = tmp_path / "page.tif", np.tile(np.linspace(0, 1, 64), (40, 1))
    Image.fromarray((shades * white).astype(order)).save(path)
    shown = np.asarray(load_page(path, TIFF, 0, LIMITS).image)
    assert np.abs(shown - 255 * shades).max() <= 2


def test_fractions_of_light_are_shades_too(tmp_path: Path) -> None:
    path, shades = tmp_path / "page.tif", np.tile(np.linspace(0, 1, 64, dtype=np.float32), (40, 1))
    Image.fromarray(shades).save(path)
    assert np.abs(np.asarray(load_page(path, TIFF, 0, LIMITS).image) - 255 * shades).max() <= 1


def test_cmyk_jpeg_and_pnm(tmp_path: Path) -> None:
    draw(size=SMALL).convert("CMYK").save(tmp_path / "c.jpg")
    draw(size=SMALL).save(tmp_path / "p.pgm")
    assert load_page(tmp_path / "c.jpg", JPEG, 0, LIMITS).image.mode == "RGB"
    assert load_page(tmp_path / "p.pgm", PNM, 0, LIMITS).image.size == SMALL


def test_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 60), (0, 0, 0, 0)).save(tmp_path / "t.png")
    assert load_page(tmp_path / "t.png", PNG, 0, LIMITS).image.getpixel((5, 5)) == (255, 255, 255)


def test_telephone_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # must be turned clockwise by 90 degrees
    draw(size=SMALL).save(tmp_path / "t.jpg", exif=exif, dpi=(300, 300))
    shown = load_page(tmp_path / "t.jpg", JPEG, 0, LIMITS)
    assert shown.image.size == shown.full_size == SMALL[::-1]


def test_a_fax_gets_square_pixels(tmp_path: Path) -> None:
    draw(size=(1728, 1143)).convert("1").save(tmp_path / "fax.tif", dpi=(204, 98), compression="group4")
    shown = load_page(tmp_path / "fax.tif", TIFF, 0, LIMITS)
    assert shown.image.size == shown.full_size == (1728, 2379)
    assert shown.dpi == pytest.approx(204, abs=0.5)


@pytest.mark.parametrize("stated", [(300, 299), (300, 3), (300, 40000)])
def test_unequal_resolutions_that_make_no_sense_are_not_followed(tmp_path: Path, stated: tuple[int, int]) -> None:
    draw(size=SMALL).save(tmp_path / "odd.png", dpi=stated)
    shown = load_page(tmp_path / "odd.png", PNG, 0, LIMITS)
    assert shown.image.size == SMALL
    assert shown.dpi == pytest.approx(300, abs=0.5)


def test_large_page_is_read_smaller_and_told_in_full(tmp_path: Path) -> None:
    draw(size=(4960, 7016)).save(tmp_path / "l.jpg", dpi=(600, 600))
    shown = load_page(tmp_path / "l.jpg", JPEG, 0, LIMITS)
    assert max(shown.image.size) <= 3508
    assert shown.full_size == (4960, 7016)
    assert shown.full_dpi == 600
    assert shown.dpi == pytest.approx(300, abs=1)


def test_resolution_is_guessed_when_nonsense(tmp_path: Path) -> None:
    draw(size=(1240, 1754)).save(tmp_path / "n.png", dpi=(1, 1))
    assert load_page(tmp_path / "n.png", PNG, 0, LIMITS).full_dpi == pytest.approx(150, abs=1)


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (11_000, 11_000)])
def test_bomb_is_refused_by_its_header(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "bomb.png"
    head = png_of(10, 10)
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    body = head[12:16] + size + head[24:29]

    path.write_bytes(head[:12] + body + zlib.crc32(body).to_bytes(4, "big") + head[33:])
    for act in (lambda: page_count(path, PNG, LIMITS), lambda: load_page(path, PNG, 0, LIMITS)):
        with pytest.raises(Invalid) as refusal:
            act()
        assert refusal.value.code == "file.image_too_large"


def test_pages_of_tiff_are_counted_and_limited(tmp_path: Path) -> None:
    path, page = tmp_path / "m.tif", draw(size=SMALL)
    page.save(path, save_all=True, append_images=[page] * 2, compression="tiff_lzw")
    assert page_count(path, TIFF, LIMITS) == 3
    page.save(path, save_all=True, append_images=[page] * 3, compression="tiff_lzw")
    with pytest.raises(Invalid) as refusal:
        page_count(path, TIFF, LIMITS)
    assert refusal.value.code == "file.too_many_pages"


@pytest.mark.parametrize(("suffix", "kind"), [("png", PNG), ("jpg", JPEG), ("tif", TIFF), ("pgm", PNM)])
def test_half_a_file_is_truncated(tmp_path: Path, suffix: str, kind: str) -> None:
    path = tmp_path / f"page.{suffix}"
    aged(draw(size=SMALL)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(Invalid) as refusal:
        load_page(path, kind, 0, LIMITS)
    assert refusal.value.code == "file.truncated"


def test_turn_is_clockwise() -> None:
    image = Image.new("L", (3, 2), 255)
    image.putpixel((0, 0), 0)
    assert turn(image, 90).getpixel((1, 0)) == 0
    assert turn(image, 180).getpixel((2, 1)) == 0
    assert turn(image, 270).getpixel((0, 2)) == 0
    assert turn(image, 0) is image


def test_shrink_never_enlarges() -> None:
    image = Image.new("L", (100, 200))
    assert shrink(image, 400) is image
    assert shrink(image, 50).size == (25, 50)


def test_group4_comes_back_pixel_by_pixel() -> None:
    ink = draw(size=SMALL).point(lambda value: 255 * (value <= 128)).convert("1")
    with pikepdf.new() as pdf:
        parms = pikepdf.Dictionary(K=-1, Columns=SMALL[0], Rows=SMALL[1])
        stream = pikepdf.Stream(
            pdf,
            group4(ink),
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=SMALL[0],
            Height=SMALL[1],
            BitsPerComponent=1,
            ColorSpace=pikepdf.Name.DeviceGray,
            Filter=pikepdf.Name.CCITTFaxDecode,
            DecodeParms=parms,
        )
        back = pikepdf.PdfImage(stream).as_pil_image().convert("1")
    assert np.array_equal(np.asarray(back), ~np.asarray(ink))


def test_site_image_fits_its_limit() -> None:
    data = site_webp(aged(draw(), noise=25), limit_bytes=SITE_FIRST_BYTES)
    assert len(data) <= SITE_FIRST_BYTES
    with Image.open(BytesIO(data)) as image:
        assert 1000 <= max(image.size) <= 1810


def test_profile_is_the_same_each_time() -> None:
    first = srgb_profile()
    srgb_profile.cache_clear()
    assert srgb_profile() == first
    assert first[36:40] == b"acsp"
