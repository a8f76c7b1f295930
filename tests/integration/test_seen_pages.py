"""PDFium's pictures of two revisions are equal, pixel by pixel, except where later signatures are."""

import pytest
from pikepdf import Array
from pyhanko.sign.fields import SigFieldSpec

from signing.seen import Drawings, TooMuch
from tests import shadow_kit as shadow
from tests.checker_kit import ministry
from tests.pki_kit import order_pdf, signed, updated, with_validation_data

__all__ = ["ministry"]  # a fixture

BOX = (300, 200, 500, 260)


@pytest.fixture(scope="module")
def base(ministry):
    return signed(order_pdf(), ministry.signer)


def _same(pdf, base, spared=None):
    return Drawings(pdf).same_since(len(base), spared or {})


def test_what_was_restated_looks_the_same(base, ministry):
    assert _same(with_validation_data(updated(base, shadow.restate_everything), [ministry.root]), base)


@pytest.mark.parametrize(
    "edit",
    [
        shadow.swap_the_content,
        shadow.replace_the_shown_payee,
        shadow.turn_a_page,
        shadow.remove_a_page,
        shadow.swap_the_font,
    ],
)
def test_other_pages_look_otherwise(base, edit):
    assert not _same(updated(base, edit), base)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_mark_is_seen_outside_its_place_alone(ministry, turned):
    def turn(pdf):
        pdf.pages[0].Rotate = turned
        pdf.pages[0].MediaBox = Array([-100, -50, 700, 900])
        pdf.pages[0].CropBox = Array([20, 30, 560, 800])

    base = signed(order_pdf(turn), ministry.signer)
    again = signed(base, ministry.signer, name="third", place=SigFieldSpec("third", on_page=0, box=BOX))
    assert not _same(again, base)
    assert not _same(again, base, {0: [(300, 200, 400, 260)]})
    assert not _same(again, base, {1: [BOX]})
    assert _same(again, base, {0: [BOX]})


def test_an_object_in_the_signed_bytes_that_a_rebuilt_file_shows_is_seen(ministry):
    """No table lists the object. The later, last table makes PDFium search the file for objects."""
    plain = order_pdf()
    base = signed(shadow.with_table(plain, shadow.hidden_content(plain)), ministry.signer)
    assert _same(shadow.with_table(base), base)
    assert not _same(shadow.with_table(base, entries=shadow.ODD_ENTRY), base)


def test_pages_that_cost_too_much_are_not_judged(base, ministry):
    with pytest.raises(TooMuch):
        Drawings(base, most_s=0).same_since(len(base), {})

    def grow(pdf):
        pdf.pages[1].MediaBox = Array([0, 0, 90_000, 90_000])

    huge = signed(order_pdf(grow), ministry.signer)
    with pytest.raises(TooMuch):
        Drawings(huge).same_since(len(huge), {})
