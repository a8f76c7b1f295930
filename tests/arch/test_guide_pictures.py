"""Each picture of the guide is made by the test that names it, shown in a page, described in words, and small
enough."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.guide_pictures import ALL_BYTES, FOLDER, MOST_BYTES, PICTURES
from web.site import guide

ROOT = Path(__file__).parents[2]
TEXTS = {"fr": ROOT / "docs" / "guide", "en": ROOT / "web" / "translations" / "en" / "guide"}
SHOWN = re.compile(r"!\[([^\]]*)\]\(images/([\w-]+)\.webp\)\{loading=lazy width=(\d+) height=(\d+)\}")


def shown(language: str) -> dict[str, tuple[str, int, int]]:
    """Name of a picture -> its description, width and height, as the pages of the guide state them."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(TEXTS[language].glob("*.md")))
    found = SHOWN.findall(text)
    assert len(found) == text.count("!["), "a picture without loading, width and height"
    return {name: (words, int(width), int(height)) for words, name, width, height in found}


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_each_picture_is_made_kept_and_shown_under_one_name(language: str) -> None:
    made = {one.name for one in PICTURES}
    assert {path.stem for path in FOLDER.iterdir()} == made, "make pictures"
    assert shown(language).keys() == made
    assert len(PICTURES) == len(made)


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_each_is_described_and_its_place_is_kept_while_it_loads(language: str) -> None:
    for name, (words, width, height) in shown(language).items():
        assert len(words) > 30, name
        with Image.open(FOLDER / f"{name}.webp") as image:
            assert (width, height) == image.size, name


def test_they_are_light() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert {name: size for name, size in sizes.items() if size > MOST_BYTES} == {}
    assert sum(sizes.values()) <= ALL_BYTES


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_the_site_shows_each(language: str) -> None:
    html = "".join(guide.page(name, language).html for name in guide.names())
    found = dict(re.findall(r'<img alt="([^"]+)"[^>]* src="images/([\w-]+)\.webp"', html))
    assert set(found.values()) == {one.name for one in PICTURES}
    assert html.count("<img") == html.count('loading="lazy"') == len(PICTURES)
