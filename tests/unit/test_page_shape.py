"""The shape of a page's picture, from the head of its file."""

import io

import pytest
from PIL import Image

from ged.errors import NotFound
from ged.ports import Digest
from ged.recognition.page_shape import A4_RATIO, ratio_of, webp_size


def picture(size: tuple[int, int], **how: object) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, "white").save(target, "WEBP", **how)
    return target.getvalue()


@pytest.mark.parametrize(
    "how", [{"quality": 40}, {"lossless": True}, {"quality": 40, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}]
)
@pytest.mark.parametrize("size", [(1400, 1979), (1979, 1400), (1, 16383)])
def test_each_kind_of_webp_says_its_size(size: tuple[int, int], how: dict[str, object]) -> None:
    assert webp_size(picture(size, **how)[:30]) == size


def test_the_kinds_are_all_there() -> None:
    kinds = [picture((9, 9), **how)[12:16] for how in ({}, {"lossless": True}, {"exif": b"Exif\0\0x"})]
    assert kinds == [b"VP8 ", b"VP8L", b"VP8X"]


@pytest.mark.parametrize(
    "head", [b"", picture((9, 9))[:29], b"\xff\xd8\xff" + b"\0" * 40, b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 20]
)
def test_what_is_no_webp_says_nothing(head: bytes) -> None:
    assert webp_size(head) is None


class _Store:
    def __init__(self, content: bytes | None) -> None:
        self._content = content

    def open(self, digest: Digest) -> io.BytesIO:
        if self._content is None:
            raise NotFound("blob.missing", "", digest=digest)
        return io.BytesIO(self._content)


@pytest.mark.parametrize(
    ("content", "ratio"), [(picture((1400, 990)), 0.7071), (b"\xff\xd8\xff", A4_RATIO), (None, A4_RATIO)]
)
def test_the_ratio_of_a_file_and_of_one_that_is_not_there(content: bytes | None, ratio: float) -> None:
    assert ratio_of(_Store(content), Digest("d")) == ratio  # type: ignore[arg-type]
