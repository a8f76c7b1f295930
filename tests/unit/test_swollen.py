"""A stream that is made of repeated parts is a whole one."""

import zlib

import pytest

from tests.swollen_kit import MIB, swollen


@pytest.mark.parametrize(("piece", "mebibytes"), [(b"\0", 3), (b"0 0 m 9 9 l S\n  ", 2), (b"\xff\xfe", 1)])
def test_a_swollen_stream_is_what_it_says(piece: bytes, mebibytes: int) -> None:
    packed = swollen(piece, mebibytes)
    assert zlib.decompress(packed) == piece * (mebibytes * MIB // len(piece))
    assert len(packed) < 8_000 * mebibytes
