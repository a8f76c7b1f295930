"""What a hostile child leaves as a page's result is looked at, and never decoded."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from ocr.likeness import likeness
from ocr.pictures import site_webp, thumbnail_jpeg
from ocr.wire import PagePart, PageResult, PageTask, check_drawn, load_result


@pytest.fixture
def task(tmp_path: Path) -> PageTask:
    """A page with an honest result."""
    task = PageTask("x.png", "image/png", 0, 0, 1, ("fra",), str(tmp_path), 60.0)
    sheet = Image.effect_noise((500, 700), 40)
    image = task.stem.with_suffix(".jpeg")
    image.write_bytes(b"x")
    task.site_image_path.write_bytes(site_webp(sheet, limit_bytes=60_000))
    task.thumbnail_path.write_bytes(thumbnail_jpeg(sheet))
    part = PagePart(image, "jpeg", 500, 700, True, 500.0, 700.0, None)
    pictures = {"thumbnail": task.thumbnail_path, "likeness": likeness(sheet)}
    PageResult("", (), 0.0, "fra", (), task.site_image_path, part, **pictures).dump(task.result_path)  # type: ignore[arg-type]
    return task


def _jpeg_of(mode: str, size: tuple[int, int]) -> bytes:
    target = io.BytesIO()
    Image.effect_noise(size, 90).convert(mode).save(target, format="JPEG", quality=95)
    return target.getvalue()


def test_an_honest_result_is_taken(task: PageTask) -> None:
    read = load_result(task)
    assert (read.site_image, read.thumbnail, len(read.likeness)) == (task.site_image_path, task.thumbnail_path, 64)


@pytest.mark.parametrize("key", ["site_image", "thumbnail"])
def test_the_files_names_are_ours(task: PageTask, key: str) -> None:
    data = json.loads(task.result_path.read_text())
    task.result_path.write_text(json.dumps(data | {key: "/etc/passwd"}))
    assert getattr(load_result(task), key) in {task.site_image_path, task.thumbnail_path}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"more",
        lambda data: b"GIF89a" + data[6:],
        lambda data: b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        lambda data: _jpeg_of("RGB", (1200, 1200)),
    ],
    ids=["empty", "cut", "longer", "another type", "a script", "far too large"],
)
@pytest.mark.parametrize("picture", ["site_image_path", "thumbnail_path"])
def test_a_picture_that_is_none_by_its_frame_is_no_result(
    task: PageTask, picture: str, spoil: Callable[[bytes], bytes]
) -> None:
    path: Path = getattr(task, picture)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match="no WebP|no JPEG|no picture"):
        load_result(task)


@pytest.mark.parametrize("picture", ["site_image_path", "thumbnail_path"])
def test_a_link_is_no_picture(task: PageTask, picture: str, tmp_path: Path) -> None:
    path: Path = getattr(task, picture)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="no picture"):
        load_result(task)


@pytest.mark.parametrize("sent", ["a" * 63, "A" * 64, "g" * 64, "a" * 64 + "\n", 7, None, ["a" * 64]])
def test_a_likeness_has_64_hexadecimal_digits(task: PageTask, sent: object) -> None:
    data = json.loads(task.result_path.read_text())
    task.result_path.write_text(json.dumps(data | {"likeness": sent}))
    with pytest.raises(ValueError, match="likeness"):
        load_result(task)


@pytest.mark.parametrize("side", ["width_pt", "height_pt"])
@pytest.mark.parametrize("sent", [0, -3, float("inf"), float("nan")])
def test_a_page_has_sides(task: PageTask, side: str, sent: float) -> None:
    data = json.loads(task.result_path.read_text())
    data["part"][side] = sent
    task.result_path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="side"):
        load_result(task)


def test_a_result_of_many_megabytes_is_not_parsed(task: PageTask) -> None:
    with task.result_path.open("r+b") as file:
        file.truncate(65 * 1024 * 1024)
    with pytest.raises(ValueError, match="more than the words"):
        load_result(task)


@pytest.mark.parametrize("webp", [True, False])
def test_a_picture_drawn_on_demand_has_its_type(task: PageTask, webp: bool, tmp_path: Path) -> None:
    right, other = (task.site_image_path, task.thumbnail_path)[:: 1 if webp else -1]
    check_drawn(right, webp=webp)
    (tmp_path / "script").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>")
    for path in (other, tmp_path / "script", tmp_path / "missing"):
        with pytest.raises((ValueError, OSError)):
            check_drawn(path, webp=webp)
