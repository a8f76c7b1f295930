"""PDFium's pictures: whether a place of a page is blank, and whether two revisions look equal."""

import time
from functools import cache
from io import BytesIO

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image

from signing import blank, seen
from signing.blank import is_blank
from signing.seen import Drawings, TooMuch
from tests import shadow_kit as shadow
from tests.pki_kit import order_pdf, updated

BOX = (300.0, 200.0, 500.0, 260.0)


@cache
def page(content=b"", *, size=(200, 100), count=1, media=None, crop=None, rotate=None):
    """A PDF whose first page has this content; sizes and boxes in points."""
    pdf = pikepdf.new()
    for _ in range(count):
        pdf.add_blank_page(page_size=size)
    first = pdf.pages[0]
    first.Contents = pdf.make_stream(content)
    if media:
        first.MediaBox = Array(media)
    if crop:
        first.CropBox = Array(crop)
    if rotate:
        first.Rotate = rotate
    output = BytesIO()
    pdf.save(output, static_id=True)
    return output.getvalue()


SQUARE = b"0 g 50 40 10 10 re f"  # from (50, 40) to (60, 50)


@pytest.mark.parametrize(
    ("box", "blank_there"),
    [
        ((0, 0, 40, 100), True),
        ((52, 42, 58, 48), True),  # all black is one colour
        ((0, 0, 200, 100), False),
        ((48, 38, 52, 42), False),
        ((62, 40, 90, 50), True),
        ((61, 40, 90, 50), True),
        ((60.5, 40, 90, 50), False),  # the next point around it counts
        ((20, 40, 49, 50), True),
        ((20, 40, 49.5, 50), False),
        ((50, 51, 60, 90), True),
        ((50, 50.5, 60, 90), False),
        ((50, 10, 60, 39), True),
        ((50, 10, 60, 39.5), False),
        ((300, 0, 400, 100), True),  # beside the page
        ((0, 300, 10, 400), True),
        ((-50, 0, -10, 100), True),
        ((0, -50, 10, -10), True),
        ((-1000, -1000, 1000, 1000), False),
        ((float("nan"), 0, 10, 10), False),
        ((0, 0, float("inf"), 10), False),
    ],
)
def test_a_place_is_blank_where_it_has_one_colour(box, blank_there):
    assert is_blank(page(SQUARE), 0, 1, box) is blank_there
    assert is_blank(page(SQUARE, count=3), 0, 3, box) is blank_there


def test_a_place_that_begins_at_the_edge_of_the_page():
    """The next point around it counts, and no more."""
    edges = page(b"0 g 190 40 10 10 re f 40 90 10 10 re f")
    assert is_blank(edges, 0, 1, (200.5, 10, 220, 90)) is False
    assert is_blank(edges, 0, 1, (10, 100.5, 90, 120)) is False
    for box in ((201, 10, 220, 90), (202, 10, 220, 90), (10, 101, 90, 120), (10, 102, 90, 120)):
        assert is_blank(edges, 0, 1, box) is True


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_place_is_the_same_on_a_turned_page(turned):
    assert is_blank(page(SQUARE, rotate=turned), 0, 1, (48, 38, 52, 42)) is False
    assert is_blank(page(SQUARE, rotate=turned), 0, 1, (90, 40, 110, 90)) is True


def test_a_place_is_counted_from_the_papers_own_origin():
    how = {"media": (-100, -50, 100, 50), "crop": (-80, -40, 90, 45)}
    square = b"0 g -50 -20 10 10 re f"
    assert is_blank(page(square, **how), 0, 1, (-48, -18, -42, -12)) is True
    assert is_blank(page(square, **how), 0, 1, (-52, -22, -48, -18)) is False
    assert is_blank(page(square, **how), 0, 1, (50, 20, 60, 30)) is True
    assert is_blank(page(b"0 g -90 -20 5 5 re f", **how), 0, 1, (-95, -25, -80, 0)) is True, "it is cut off"


@pytest.mark.parametrize(("tone", "is_one"), [(b"0.97", True), (b"0.965", False), (b"0.96", False)])
def test_paper_need_not_be_pure_white(tone, is_one):
    assert is_blank(page(tone + b" g 50 40 10 10 re f"), 0, 1, (40, 30, 70, 60)) is is_one


@pytest.mark.parametrize("colour", [b"0.9 1 1", b"1 0.9 1", b"1 1 0.9"])
def test_each_colour_counts(colour):
    assert is_blank(page(colour + b" rg 50 40 10 10 re f"), 0, 1, (40, 30, 70, 60)) is False


def test_a_thin_line_on_a_large_page_is_seen():
    wide = page(b"0 g 1500 10 1 2900 re f", size=(3000, 3000))
    assert is_blank(wide, 0, 1, (0, 0, 3000, 3000)) is False
    assert is_blank(wide, 0, 1, (0, 0, 1000, 3000)) is True


def test_a_file_that_pdfium_reads_otherwise_or_not_is_not_blank():
    assert is_blank(page(), 0, 1, BOX) is True
    assert is_blank(page(), 0, 2, BOX) is False
    assert is_blank(page(count=2), 0, 1, BOX) is False
    assert is_blank(page(count=2), 1, 2, (10, 10, 20, 20)) is True
    assert is_blank(b"no file", 0, 1, BOX) is False


def note(raw=b"0 g 0 0 20 20 re f"):
    """An edit that adds a stamp to the second page."""

    def edit(pdf):
        look = pdf.make_stream(raw)
        look.BBox = Array([0, 0, 20, 20])
        stamp = Dictionary(Subtype=Name.Stamp, Rect=Array([300, 300, 320, 320]), F=4, AP=Dictionary(N=look))
        pdf.pages[1].Annots = Array([stamp])

    return edit


def test_a_note_on_the_page_is_drawn():
    noted = order_pdf(note())
    assert is_blank(noted, 1, 2, (290, 290, 330, 330)) is False
    assert is_blank(noted, 0, 2, (290, 290, 330, 330)) is True


def test_drawings_are_of_a_size_that_can_be_borne(monkeypatch):
    sizes = []
    tone = blank._has_one_tone
    monkeypatch.setattr(blank, "_has_one_tone", lambda drawn: bool(sizes.append(drawn.size)) or tone(drawn))
    is_blank(page(size=(5000, 5000)), 0, 1, (0, 0, 5000, 5000))
    is_blank(page(), 0, 1, (10, 10, 48, 28))
    (large, small) = sizes
    assert 1_900_000 <= large[0] * large[1] <= 2_010_000
    assert small == (120, 60)


# --- two revisions


def same(pdf, before, spared=None, **how):
    return Drawings(pdf, **how).same_since(len(before), spared or {})


def test_equal_values_look_the_same_and_others_do_not():
    base = order_pdf()
    assert same(base, base)
    assert same(updated(base, shadow.restate_everything), base)
    for edit in (shadow.swap_the_content, shadow.replace_the_shown_payee, shadow.turn_a_page, shadow.remove_a_page):
        assert not same(updated(base, edit), base), edit


def test_another_look_of_a_note_or_a_field_is_seen():
    base = order_pdf(note())

    def other(writer):
        shadow.page(writer, 1)["/Annots"][0]["/AP"] = shadow.dictionary_of_look(writer, b"0 g 0 0 5 5 re f")
        writer.mark_update(writer.find_page_for_modification(1)[0])

    assert not same(updated(base, other), base)
    assert not same(updated(order_pdf(), shadow.replace_the_shown_payee), order_pdf())


def test_a_page_more_looks_otherwise():
    assert not same(updated(order_pdf(), shadow.show_a_page_twice), order_pdf())


def test_what_cannot_be_drawn_is_not_the_same():
    assert Drawings(order_pdf()).same_since(5, {}) is False
    assert Drawings(b"nothing").same_since(3, {}) is False


@pytest.mark.parametrize(
    ("key", "box"), [("MediaBox", (0, 0, 595, 841)), ("CropBox", (0, 0, 594, 842)), ("CropBox", (1, 1, 595, 842))]
)
def test_the_frame_of_a_page_is_part_of_its_look(key, box):
    def edit(writer):
        shadow.changed_page(writer)[f"/{key}"] = shadow.numbers(*box)

    assert not same(updated(order_pdf(), edit), order_pdf())


def drawn(box, page_number=0):
    """An edit that draws a black mark over a place."""

    def edit(writer):
        leaf = shadow.page(writer, page_number)
        writer.mark_update(writer.find_page_for_modification(page_number)[0])
        old = leaf["/Contents"].data
        left, bottom, right, top = box
        mark = b"\nq 0 g %f %f %f %f re f Q" % (left, bottom, right - left, top - bottom)
        leaf["/Contents"] = shadow.stream(writer, old + mark)

    return edit


def test_a_mark_is_spared_in_its_place_and_on_its_page_alone():
    base = order_pdf()
    pdf = updated(base, drawn(BOX))
    assert not same(pdf, base)
    assert same(pdf, base, {0: [BOX]})
    assert same(pdf, base, {0: [(1, 1, 2, 2), BOX]})
    assert not same(pdf, base, {1: [BOX]})
    assert not same(pdf, base, {0: [(300, 200, 490, 260)]})
    assert not same(pdf, base, {0: [(310, 200, 500, 260)]})
    assert not same(pdf, base, {0: [(300, 200, 500, 250)]})
    assert not same(pdf, base, {0: [(300, 210, 500, 260)]})
    assert same(pdf, base, {0: [(-1e12, -1e12, 1e12, 1e12)]})
    second = updated(base, drawn(BOX, 1))
    assert same(second, base, {1: [BOX]})
    assert not same(second, base, {0: [BOX]})
    both = updated(pdf, drawn((100, 100, 120, 120)))
    assert not same(both, base, {0: [BOX]})
    assert same(both, base, {0: [BOX, (100, 100, 120, 120)]})


def test_two_questions_about_one_file_are_asked_of_one_object():
    base = order_pdf()
    first = updated(base, drawn(BOX))
    second = updated(first, drawn((100, 100, 120, 120)))
    drawings = Drawings(second)
    assert drawings.same_since(len(second), {})
    assert not drawings.same_since(len(first), {})
    assert drawings.same_since(len(first), {0: [(100, 100, 120, 120)]})
    assert not drawings.same_since(len(base), {0: [BOX]})
    assert drawings.same_since(len(base), {0: [BOX, (100, 100, 120, 120)]})


@pytest.mark.parametrize(
    ("box", "pixels"),
    [
        ((10, 20, 30, 40), (8, 58, 33, 83)),
        ((0, 0, 200, 100), (-2, -2, 203, 103)),
        ((10.5, 20.5, 30.5, 40.5), (8, 57, 33, 82)),
    ],
)
def test_the_pixels_of_a_place_have_two_more_on_each_side(box, pixels):
    with pypdfium2.PdfDocument(page()) as opened:
        first = opened[0]
        assert seen._pixels(first, box, Image.new("L", (200, 100))) == pixels
        double = seen._pixels(first, (10, 20, 30, 40), Image.new("L", (400, 200)))
        assert double == (18, 118, 63, 163)
        first.close()


def test_the_pixels_of_a_place_are_counted_from_the_papers_own_origin():
    with pypdfium2.PdfDocument(page(media=(-100, -50, 100, 50))) as opened:
        first = opened[0]
        assert seen._pixels(first, (-90, -30, -70, -10), Image.new("L", (200, 100))) == (8, 58, 33, 83)
        far = seen._pixels(first, (-1e9, -1e9, 1e9, 1e9), Image.new("L", (200, 100)))
        assert far == (-2_000_002, -2_000_002, 2_000_003, 2_000_003)
        first.close()


def test_what_takes_too_long_or_is_too_large_is_not_judged(monkeypatch):
    base = order_pdf()
    with pytest.raises(TooMuch):
        same(base, base, most_s=0)
    huge = page(SQUARE, size=(5700, 5700))
    with pytest.raises(TooMuch):
        same(huge, huge)
    large = page(SQUARE, size=(8000, 4000))
    assert same(large, large)
    clock = iter(range(100))
    monkeypatch.setattr(time, "process_time", lambda: float(next(clock)))
    assert same(base, base, most_s=4), "four drawings of a second each"
    with pytest.raises(TooMuch):
        same(base, base, most_s=3)
    assert same(base, base), "twelve seconds unless told otherwise"
    longer = updated(base, drawn(BOX))
    with pytest.raises(TooMuch):
        drawings = Drawings(longer)
        for _ in range(3):
            drawings.same_since(len(base), {0: [BOX]})
