"""Whether two readers read equal values, and whether a file's later tables follow the standard exactly."""

import re
from decimal import Decimal
from functools import cache
from io import BytesIO

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.readers import _same, agree_after
from signing.revisions import BadByteRange, covered_end, is_issued
from signing.tail import _is_placed, _is_table, _objects, is_strict_after
from tests import shadow_kit as shadow
from tests.pki_kit import order_pdf, updated

PDF = pikepdf.new()
plain = cache(order_pdf)
packed = cache(lambda: shadow.as_object_streams(order_pdf()))


def reader(pdf):
    return PdfFileReader(BytesIO(pdf), strict=False)


# --- values in two readers


def stream(raw, **entries):
    return generic.StreamObject({pdf_name(f"/{key}"): one for key, one in entries.items()}, encoded_data=raw)


def other_stream(raw, **entries):
    made = pikepdf.Stream(PDF, raw)
    for key, one in entries.items():
        made[f"/{key}"] = one
    return made


N = generic.NumberObject
PAIRS = [
    (N(5), 5),
    (N(6), 6),
    (generic.FloatObject("5.25"), Decimal("5.25")),
    (generic.FloatObject("0.00001"), Decimal("0.00001")),
    (generic.BooleanObject(True), True),
    (generic.BooleanObject(False), False),
    (generic.NullObject(), None),
    (pdf_name("/a"), Name("/a")),
    (pdf_name("/b"), Name("/b")),
    (generic.ByteStringObject(b"a"), String("a")),
    (generic.ByteStringObject(b"/a"), String("/a")),
    (generic.ByteStringObject(b"\x80b"), String(b"\x80b")),
    (generic.ArrayObject([]), Array([])),
    (generic.ArrayObject([N(1), N(2)]), Array([1, 2])),
    (generic.ArrayObject([N(2), N(1)]), Array([2, 1])),
    (generic.ArrayObject([generic.ArrayObject([N(1)])]), Array([Array([1])])),
    (generic.DictionaryObject(), Dictionary()),
    (generic.DictionaryObject({pdf_name("/A"): N(1)}), Dictionary(A=1)),
    (generic.DictionaryObject({pdf_name("/A"): N(2)}), Dictionary(A=2)),
    (generic.DictionaryObject({pdf_name("/B"): N(1)}), Dictionary(B=1)),
    (generic.DictionaryObject({pdf_name("/A"): N(1), pdf_name("/B"): N(1)}), Dictionary(A=1, B=1)),
    (stream(b"abc"), other_stream(b"abc")),
    (stream(b"abd"), other_stream(b"abd")),
    (stream(b"abc", A=N(1)), other_stream(b"abc", A=1)),
]


@pytest.mark.parametrize("one", range(len(PAIRS)))
def test_a_value_is_the_same_as_itself_alone(one):
    for other, (_, theirs) in enumerate(PAIRS):
        assert _same(PAIRS[one][0], theirs) is (one == other), (PAIRS[one], theirs)


def test_a_text_is_compared_by_its_bytes():
    pdf = updated(plain(), lambda writer: writer.root.__setitem__("/Lang", pdf_string("é")) or writer.update_root())
    text = reader(pdf).root["/Lang"]
    assert isinstance(text, generic.TextStringObject)
    assert _same(text, String("é"))
    assert not _same(text, String("e"))
    assert not _same(text, Name("/é"))


def test_what_is_left_out_and_what_is_nothing_are_one():
    mine = generic.DictionaryObject({pdf_name("/A"): generic.NullObject(), pdf_name("/Length"): N(5)})
    assert _same(mine, Dictionary())
    assert _same(mine, Dictionary(Length=7))
    assert not _same(mine, Dictionary(A=1))
    assert _same(generic.DictionaryObject(), Dictionary(Length=7))


def test_what_holds_the_file_together_is_each_readers_own():
    for kind in ("XRef", "ObjStm"):
        assert _same(stream(b"abc", Type=pdf_name(f"/{kind}")), None) is True
    assert not _same(stream(b"abc", Type=pdf_name("/Metadata")), None)


def test_an_odd_value_is_never_the_same():
    assert _same(object(), None) is False
    assert _same(N(1), Dictionary()) is False


def _two(edit=None):
    """One file with an object that leads to two others, opened in both readers."""
    pdf = pikepdf.new()
    one, two = (pdf.make_indirect(Dictionary(A=number)) for number in (1, 2))
    pdf.Root.Ways = pdf.make_indirect(Array([one, two]))
    pdf.Root.Same = pdf.make_indirect(Array([pdf.make_indirect(Dictionary(A=1)), two]))
    pdf.Root.Direct = Array([Dictionary(A=1), two])
    output = BytesIO()
    pdf.save(output, static_id=True)
    return reader(output.getvalue()), pikepdf.open(BytesIO(output.getvalue()))


def test_ways_lead_to_one_object_not_to_one_that_looks_alike():
    mine, theirs = _two()
    ways = mine.root["/Ways"]
    assert _same(ways, theirs.Root.Ways)
    assert not _same(ways, theirs.Root.Same), "another number"
    assert _same(ways, theirs.Root.Direct), "QPDF follows what lies in the list itself"
    swapped = Array([theirs.Root.Ways[1], theirs.Root.Ways[0]])
    assert not _same(ways, swapped)
    assert not _same(ways, Array([Dictionary(A=3), theirs.Root.Ways[1]]))


# --- whole files


def test_both_read_the_same_in_a_plain_update():
    for pdf in (plain(), packed()):
        for edit in (shadow.restate_everything, shadow.swap_the_content, shadow.renumber_the_catalogue):
            after = updated(pdf, edit)
            assert agree_after(after, reader(after), len(pdf)) is True
        assert agree_after(pdf, reader(pdf), 0) is True
        assert agree_after(pdf, reader(pdf), len(pdf)) is True


def test_what_one_reads_otherwise_is_told_where_it_was_stated_since():
    first = updated(plain(), shadow.turn_a_page)
    end = len(plain())
    turned = first.replace(b"/Rotate 180", b"/Rotate 270")
    assert turned != first
    assert agree_after(turned, reader(turned), end)
    assert not agree_after(first, reader(turned), end)
    assert agree_after(first, reader(turned), len(first)), "nothing was stated behind the end"
    other = plain().replace(b"page 1", b"page 7")
    assert agree_after(other + first[end:], reader(first), end), "what stood before was not stated again"
    assert not agree_after(other, reader(plain()), 0)


def test_another_catalogue_is_another_file():
    after = updated(plain(), shadow.renumber_the_catalogue)
    assert not agree_after(plain(), reader(after), len(after))
    assert not agree_after(after, reader(plain()), len(after))


def test_a_deleted_object_is_the_same_in_both():
    """A table that frees an object: its number is 0, or it has no place."""
    freed = shadow.with_table(plain(), entries=b"0000000000 65535 f \n")
    assert agree_after(freed, reader(freed), len(plain()))


def hybrid(pdf, number):
    """An update with a stream beside its table. The stream places an object ``number``."""
    size = max(int(one) for one in re.findall(rb"/Size (\d+)", pdf)) + 1
    place = len(pdf)
    entry = b"\x01" + (9).to_bytes(4, "big") + b"\x00"
    head = b"<< /Type /XRef /Size %d /W [1 4 1] /Index [%d 1] /Length %d >>" % (size, number, len(entry))
    hidden = b"%d 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (size - 1, head, entry)
    return (
        pdf
        + hidden
        + b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size %d /Root %s /Prev %d /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n"
        % (
            size,
            re.findall(rb"/Root (\d+ \d+ R)", pdf)[-1],
            int(re.findall(rb"startxref\s+(\d+)", pdf)[-1]),
            place,
            place + len(hidden),
        )
    )


def test_a_hybrid_update_is_never_agreed_on():
    made = hybrid(plain(), 99)
    assert agree_after(made, reader(made), len(plain())) is False
    assert agree_after(made, reader(made), len(made)) is True, "it stood there when it was signed"


def test_a_file_that_must_be_repaired_is_not_agreed_on():
    whole = reader(plain())
    with pytest.raises(pikepdf.PdfError):
        agree_after(plain().replace(b"startxref", b"startxfer"), whole, len(plain()))


# --- tables

ENTRY, FREE = b"0000000017 00000 n \n", b"0000000000 65535 f \n"


@pytest.mark.parametrize(
    "table",
    [
        b"xref\n0 1\n" + FREE + b"trailer",
        b"xref\r\n0 1\r\n0000000000 65535 f\r\ntrailer",
        b"xref\r0 1\r0000000000 65535 f \rtrailer",
        b"\n \nxref  \n0 1  \n" + FREE + b"\n trailer",
        b" " * 64 + b"xref        \n0 1\n" + FREE + b" " * 64 + b"trailer",
        b"xref\n0 2\n" + FREE + ENTRY + b"7 1\n" + ENTRY + b"trailer",
        b"xref\n0 0\ntrailer",
        b"xref\ntrailer",
    ],
)
def test_tables_to_the_letter(table):
    assert _is_table(table, 0)
    assert _is_table(b"%%EOF\n" + table, 6)
    assert not _is_table(b"%%EOF\n" + table, 0)


@pytest.mark.parametrize(
    "table",
    [
        b"xref\n0 1\n0000000000 65535 f\ntrailer",
        b"xref\n0 1\n0000000000 65535 f\n\ntrailer",
        b"xref\n0 1\n0000000000 65535 x \ntrailer",
        b"xref\n0 1\n000000000 065535 f \ntrailer",
        b"xref\n0 2\n" + FREE + b"trailer",
        b"xref\n0 2\n" + FREE + b"trailer" + b" " * 40,
        b"xref\n0 1\n" + FREE + FREE + b"trailer",
        b"xref\n0 2\n" + FREE,
        b"xref\n0 9999\n" + FREE + b"trailer",
        b"xref\n0  1\n" + FREE + b"trailer",
        b"xref\n-1 1\n" + FREE + b"trailer",
        b"xref\n00000000000 1\n" + FREE + b"trailer",
        b"xref\n0 1 x\n" + FREE + b"trailer",
        b"xref0 1\n" + FREE + b"trailer",
        b"xref         \n0 1\n" + FREE + b"trailer",
        b" " * 65 + b"xref\n0 1\n" + FREE + b"trailer",
        b"xref\n0 1\n" + FREE + b" " * 65 + b"trailer",
        b"xref\n0 1\n" + FREE + b"trailing",
        b"xref\n0 1\n" + FREE,
        b"startxref\n0 1\n" + FREE + b"trailer",
        b"",
    ],
)
def test_tables_that_make_a_reader_look_for_objects(table):
    assert not _is_table(table, 0)


# --- objects


@pytest.mark.parametrize(
    ("written", "places"),
    [
        (b"7 0 obj<<>>endobj", [4]),
        (b"7 0obj", [3]),
        (b"7\n0\0obj", [4]),
        (b"endobj 7 0 obj", [11]),
        (b"endobj", []),
        (b"x obj", []),
        (b"obj", []),
        (b"0 obj", [2]),  # the number may stand before the part that is read
        (b"  5   obj", [6]),
        (b"7 0 obj 8 0 obj", [4, 12]),
        (b"7 0 objobj", [4]),
        (b"7 0 ob", []),
        (b"7" + b" " * 80 + b"0 obj", [83]),
        (b"x" + b" " * 80 + b"obj", []),
        (b"1 " + b"0" * 63 + b" obj", [66]),
    ],
)
def test_objects_are_found_as_a_reader_finds_them(written, places):
    assert list(_objects(written, 0)) == places
    assert list(_objects(b"9 0 obj" + written, 7)) == [7 + place for place in places]


def test_nothing_before_the_end_is_looked_at():
    assert list(_objects(b"7 0 obj 8 0 obj", 8)) == [12]
    assert list(_objects(b"7 0 obj", 2)) == [4], "half of a heading is one"
    assert list(_objects(b"7 0 obj", 4)) == []
    assert list(_objects(b"7 0 obj", 5)) == []


@pytest.mark.parametrize(
    ("written", "places", "is_placed"),
    [
        (b"7 0 obj", {(7, 0): {0}}, True),
        (b"7 0 obj", {(7, 0): {1}}, False),
        (b"7 0 obj", {(7, 1): {0}}, False),
        (b"7 0 obj", {(8, 0): {0}}, False),
        (b"7 0 obj", {}, False),
        (b"7 3 obj", {(7, 3): {99, 0}}, True),
        (b"\n\r \t\f\x007 0 obj", {(7, 0): {0}}, True),
        (b"%\n7 0 obj", {(7, 0): {0}}, False),
        (b"%\n7 0 obj", {(7, 0): {2}}, True),
        (b"X7 0 obj", {(7, 0): {0}}, False),
        (b" " * 60 + b"7 0 obj", {(7, 0): {0}}, True),
        (b" " * 64 + b"7 0 obj", {(7, 0): {0}}, True),
        (b" " * 65 + b"7 0 obj", {(7, 0): {0}}, False),
        (b"17 0 obj", {(7, 0): {1}}, False),
        (b"17 0 obj", {(17, 0): {0}}, True),
        (b"x obj", {(7, 0): {0}}, False),
        (b"7" + b" " * 70 + b"0 obj", {(7, 0): {0}}, False),
    ],
)
def test_an_object_is_placed_where_a_table_says(written, places, is_placed):
    for before in (b"", b"x" * 100):
        moved = {key: {start + len(before) for start in starts} for key, starts in places.items()}
        at = len(before) + written.index(b"obj")
        if before or not written.startswith(b" "):
            assert _is_placed(before + written, at, moved) is is_placed


# --- whole ends of files


def test_updates_as_programs_write_them_are_strict():
    for pdf in (plain(), packed()):
        assert is_strict_after(pdf, reader(pdf), 0)
        after = updated(pdf, shadow.restate_everything)
        assert is_strict_after(after, reader(after), len(pdf))
        twice = updated(after, shadow.turn_a_page)
        assert is_strict_after(twice, reader(twice), len(pdf))
    bare = shadow.with_table(plain())
    assert is_strict_after(bare, reader(bare), len(plain()))


@pytest.mark.parametrize(
    "made",
    [
        lambda pdf: shadow.with_table(pdf, entries=shadow.ODD_ENTRY),
        lambda pdf: shadow.with_table(pdf, shadow.hidden_content(pdf)),
        lambda pdf: shadow.with_table(pdf, b"9 0 obj\nnull\nendobj\n"),
        lambda pdf: shadow.with_table(shadow.with_table(pdf, entries=shadow.ODD_ENTRY)),
    ],
)
def test_other_updates_are_not(made):
    for pdf in (plain(),):
        after = made(pdf)
        assert not is_strict_after(after, reader(after), len(pdf))
        assert is_strict_after(after, reader(after), len(after))


def test_a_stream_of_places_need_not_place_itself():
    pdf = packed()
    size = max(int(one) for one in re.findall(rb"/Size (\d+)", pdf)) + 1
    head = b"<< /Type /XRef /Size %d /W [1 4 1] /Index [0 1] /Length 6 /Prev %d /Root %s >>" % (
        size,
        int(re.findall(rb"startxref\s+(\d+)", pdf)[-1]),
        re.findall(rb"/Root (\d+ \d+ R)", pdf)[-1],
    )
    entry = b"\0\0\0\0\0\xff"
    own = b"%d 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (size - 1, head, entry)
    after = pdf + own + b"startxref\n%d\n%%%%EOF\n" % len(pdf)
    assert is_strict_after(after, reader(after), len(pdf))
    twice = pdf + own + own + b"startxref\n%d\n%%%%EOF\n" % len(pdf)
    assert not is_strict_after(twice, reader(twice), len(pdf))


def test_an_object_that_another_revision_places_is_placed():
    first = updated(plain(), shadow.turn_a_page)
    second = updated(first, shadow.turn_a_page)
    assert is_strict_after(second, reader(second), len(plain()))
    # The number of the page appears again after the end of the first update, where no table refers to it.
    number = re.search(rb"(\d+) 0 obj\n<<[^>]*?/Contents", first[len(plain()) :], re.DOTALL)[1]
    again = shadow.with_table(first, b"%s 0 obj\nnull\nendobj\n" % number)
    assert not is_strict_after(again, reader(again), len(plain()))


# --- the edges of the bytes that a signature covers

HEAD = b"%PDF-1.7\n<< /Type /Sig /Contents "
TAIL = b" >>\nstartxref\n9\n%%EOF\n"


def covered(head=HEAD, gap=b"<00ff>", tail=TAIL, contents=b"\x00\xff", numbers=None):
    places = numbers or [0, len(head), len(head) + len(gap), len(tail)]
    return covered_end(head + gap + tail, places, contents)


def test_what_stands_around_the_gap_and_before_the_end():
    whole = len(HEAD) + 6 + len(TAIL)
    assert covered() == whole
    assert covered(head=HEAD + b"\0\t\n\f\r ") == whole + 6
    assert covered(tail=TAIL + b"\0\t\n\f\r ") == whole + 6
    assert covered(head=HEAD.rstrip() + b" " * 23) == len(HEAD) - 1 + 23 + 6 + len(TAIL)
    assert covered(tail=TAIL.rstrip() + b" " * 27) == whole + 26
    assert covered(gap=b"<>", contents=b"") == whole - 4
    assert covered(gap=b"<00 FF>") == whole + 1
    assert covered(head=b"/Contents") == 9 + 6 + len(TAIL)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"numbers": [0, True, 3, 4]}, "gap"),
        ({"numbers": [0, 0, 0, 0]}, "bounds"),
        ({"numbers": [0, 1, 1, 0]}, "bounds"),
        ({"numbers": [0, 5, 4, 9]}, "bounds"),
        ({"numbers": [0, "1", 3, 4]}, "shape"),
        ({"numbers": [-1, 1, 3, 4]}, "shape"),
        ({"gap": b"<00fg>"}, "gap"),
        ({"gap": b"<00f>"}, "gap"),
        ({"gap": b"(00ff>"}, "gap"),
        ({"gap": b"<00ff)"}, "gap"),
        ({"gap": b"<00\xff\xff>"}, "gap"),
        ({"contents": b""}, "gap"),
        ({"head": HEAD + b"x"}, "gap_elsewhere"),
        ({"head": HEAD.rstrip() + b"X"}, "gap_elsewhere"),
        ({"head": HEAD.rstrip() + b" " * 24}, "gap_elsewhere"),
        ({"tail": TAIL + b"x"}, "inside_a_revision"),
        ({"tail": TAIL.rstrip() + b" " * 28}, "inside_a_revision"),
        ({"tail": b"%%eof"}, "inside_a_revision"),
        ({"tail": b""}, "inside_a_revision"),
    ],
)
def test_every_other_range_is_refused_with_its_reason(how, reason):
    with pytest.raises(BadByteRange, match=f"^{reason}$"):
        covered(**how)


def test_a_revision_stored_twice_is_issued_in_its_order():
    import hashlib

    one, two = (hashlib.sha256(text).hexdigest() for text in (b"one", b"one two"))
    assert is_issued(b"one two", 3, [3], [one, two])
    assert is_issued(b"one two", 3, [], [one, two])
    assert is_issued(b"one two", 3, [1, 2, 3, 7], [one, two])
    assert is_issued(b"one", 3, [3], [two, one])
    assert not is_issued(b"one two", 3, [3], [two, one])
    assert not is_issued(b"one two", 3, [3, 5], [one, two])
    assert not is_issued(b"one two", 3, [3], [two])
    assert not is_issued(b"one", 3, [3], [])
