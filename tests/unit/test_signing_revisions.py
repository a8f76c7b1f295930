"""Which bytes a signature covers, and whether a file equals the stored one."""

import hashlib

import pytest

from signing.revisions import BadByteRange, covered_end, is_issued

HEAD = b"%PDF-1.7\n<< /Type /Sig /Contents "
TAIL = b" >>\nstartxref\n9\n%%EOF\n"
FILE = HEAD + b"<00ff>" + TAIL
GOOD = [0, len(HEAD), len(HEAD) + 6, len(TAIL)]


def test_the_whole_revision_is_covered():
    assert covered_end(FILE, GOOD, b"\x00\xff") == len(FILE)
    assert covered_end(FILE + b"more", GOOD, b"\x00\xff") == len(FILE)


@pytest.mark.parametrize(
    ("byte_range", "reason"),
    [
        ([1, *GOOD[1:]], "shape"),
        (GOOD[:3], "shape"),
        ([*GOOD, 0, 1], "shape"),
        ([0, GOOD[1], GOOD[2], -1], "shape"),
        ([0, GOOD[1], GOOD[2], 1.5], "shape"),
        ([0, GOOD[1], GOOD[2], GOOD[3] + 1], "bounds"),
        ([0, GOOD[2], GOOD[1], GOOD[3]], "bounds"),
        ([0, GOOD[1] - 1, GOOD[2], GOOD[3]], "gap"),
        ([0, GOOD[1], GOOD[2] + 1, GOOD[3] - 1], "gap"),
        ([0, GOOD[1], GOOD[2], GOOD[3] - 3], "inside_a_revision"),
        ([0, GOOD[1], GOOD[2], 0], "inside_a_revision"),
    ],
)
def test_any_other_range_is_refused(byte_range, reason):
    with pytest.raises(BadByteRange, match=f"^{reason}$"):
        covered_end(FILE, byte_range, b"\x00\xff")


def test_the_gap_is_the_signature_and_nothing_else():
    with pytest.raises(BadByteRange, match=r"^gap$"):
        covered_end(FILE, GOOD, b"\x00\xfe")
    elsewhere = FILE.replace(b"/Contents", b"/Elsewher")
    with pytest.raises(BadByteRange, match=r"^gap_elsewhere$"):
        covered_end(elsewhere, GOOD, b"\x00\xff")


def _digests(*revisions: bytes) -> list[str]:
    return [hashlib.sha256(revision).hexdigest() for revision in revisions]


def test_issued_means_every_revision_in_the_order_stored():
    first, second, third = b"one", b"one two", b"one two three"
    stored = _digests(first, second, third)
    assert is_issued(third, 3, [3, 7, 13], stored)
    assert is_issued(second, 3, [3, 7], stored)
    assert not is_issued(third, 3, [3, 7, 13], [stored[0], stored[2]])
    assert not is_issued(third, 3, [3, 7, 13], [stored[1], stored[0], stored[2]])
    assert not is_issued(third + b"!", 3, [3, 7, 13], stored)
    assert not is_issued(third, 3, [3, 7, 13], [])


def test_a_changed_first_revision_is_not_issued_even_if_the_whole_is():
    assert not is_issued(b"one two", 3, [3, 7], _digests(b"One", b"one two"))
