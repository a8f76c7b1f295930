"""Updates of a signed PDF that state objects again.

Equal values under other numbers or in another notation are no change, whatever else the update adds. Other values are a
change, in whichever form they are hidden.
"""

import re

import pytest
from pikepdf import Array
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec

from tests import shadow_kit as shadow
from tests.checker_kit import checker, ministry
from tests.pki_kit import NOW, order_pdf, signed, stamped, updated, with_empty_field, with_validation_data
from tests.restated_kit import ATTACKS, OWN_FIELD, SOUND, layered, with_packet

__all__ = ["checker", "ministry"]  # fixtures

pytestmark = pytest.mark.in_turns(3)

BLANK = SigFieldSpec("third", on_page=0, box=(300, 200, 500, 260))


def _name(edit):
    return getattr(edit, "__name__", None)


@pytest.fixture(scope="module")
def first(checker):
    """A function that checks a PDF. It returns ((verdict, reason), changes) of the first signature."""

    def first(pdf):
        report = checker.check(pdf, at=NOW)[0]
        return (report.verdict.value, report.reason), report.changes

    return first


@pytest.fixture(scope="module")
def base(ministry):
    return signed(order_pdf(layered), ministry.signer)


def _again(pdf, ministry, **how):
    return signed(pdf, ministry.signer, name="third", place=BLANK, **how)


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("edit", SOUND, ids=_name)
def test_equal_values_are_no_change(first, base, ministry, edit):
    restated = updated(base, edit)
    assert first(with_validation_data(restated, [ministry.root])) == (
        ("green", "validation_data"),
        ("validation_data",),
    )
    assert first(_again(restated, ministry)) == (("amber", "signed_again"), ("new_field",))
    if edit is not shadow.renumber_the_pages:  # otherwise the new field would name a page that is no longer one
        assert first(_again(base, ministry, edit=edit)) == (("amber", "signed_again"), ("new_field",))


def test_equal_values_in_object_streams_are_no_change(first, ministry):
    packed = signed(shadow.as_object_streams(order_pdf(layered)), ministry.signer)
    for edit in (shadow.write_object_streams, shadow.restate_everything):
        restated = with_validation_data(updated(packed, edit), [ministry.root])
        assert first(restated) == (("green", "validation_data"), ("validation_data",))
        assert first(_again(restated, ministry))[0] == ("amber", "signed_again")


def test_an_output_intent_of_the_screen_is_no_change(first, base, ministry):
    """EU DSS adds one when it draws the mark of a signature."""
    assert first(_again(base, ministry, edit=shadow.colours_of_a_screen))[0] == ("amber", "signed_again")


def test_a_look_for_a_field_that_had_none_is_a_change(first, ministry):
    def bare(pdf):
        del pdf.Root.AcroForm.Fields[0].DA

    pdf = signed(order_pdf(bare), ministry.signer)
    changed = _again(pdf, ministry, edit=shadow.add_defaults_that_no_field_uses)
    assert first(changed) == (("red", "modified_after"), ("form_values", "new_field"))


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(("edit", "change"), ATTACKS, ids=_name)
def test_other_values_are_a_change_whatever_came_with_them(first, base, ministry, edit, change):
    attacked = updated(base, edit)
    for pdf in (
        with_validation_data(attacked, [ministry.root]),
        _again(attacked, ministry),
        _again(base, ministry, edit=edit),
        with_validation_data(_again(attacked, ministry), [ministry.root]),
    ):
        verdict, changes = first(pdf)
        assert verdict == ("red", "modified_after")
        assert change in changes


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("edit", OWN_FIELD, ids=_name)
def test_a_field_that_brings_something_along_is_a_change(first, base, ministry, edit):
    assert first(_again(base, ministry))[0] == ("amber", "signed_again")
    assert first(_again(base, ministry, edit=edit))[0] == ("red", "modified_after")


def test_a_packet_may_tell_who_wrote_and_no_more(first, base):
    told = updated(base, lambda writer: writer.update_root())
    assert first(told) == (("amber", "bytes_after"), ())
    other = base + told[len(base) :].replace(b"pdf:Producer", b"pdf:Keywords")
    assert first(other) == (("red", "modified_after"), ("metadata",))


# --- what the first signer allowed


def test_what_is_certified_shows_no_new_field(first, ministry):
    """DocMDP level 2 permits a signature, but not a mark for which no field was prepared."""
    certified = signed(order_pdf(), ministry.signer, docmdp=MDPPerm.FILL_FORMS)
    assert first(signed(certified, ministry.signer, name="third"))[0] == ("amber", "signed_again")
    assert first(_again(certified, ministry))[0] == ("red", "modified_after")


def test_what_is_certified_against_all_changes_is_not_signed_again(first, ministry, monkeypatch):
    certified = signed(order_pdf(), ministry.signer, docmdp=MDPPerm.NO_CHANGES)
    monkeypatch.setattr("pyhanko.sign.signers.pdf_signer.PdfSigner._enforce_certification_constraints", lambda *_: None)
    assert first(signed(certified, ministry.signer, name="third"))[0] == ("red", "modified_after")


@pytest.mark.parametrize("box", [None, (300, 200, 500, 260)])
def test_a_locked_field_is_not_signed(first, ministry, box):
    locks = FieldMDPSpec(FieldMDPAction.INCLUDE, fields=["third"])
    mine = SigFieldSpec("signature", field_mdp_spec=locks)
    locked = signed(order_pdf(), ministry.signer, place=mine)
    other = SigFieldSpec("fourth", on_page=0, box=box)
    assert first(signed(locked, ministry.signer, name="fourth", place=other))[0] == ("amber", "signed_again")
    theirs = SigFieldSpec("third", on_page=0, box=box)
    assert first(signed(locked, ministry.signer, name="third", place=theirs))[0] == ("red", "modified_after")


def test_a_foreseen_field_keeps_its_size(first, ministry):
    """It is signed in the existing rectangle, but with flags that keep its size fixed on the screen."""
    framed = signed(with_empty_field(order_pdf()), ministry.signer)
    assert first(signed(framed, ministry.signer, name="second"))[0] == ("amber", "signed_again")

    def grow(writer):
        place = writer.root["/AcroForm"]["/Fields"].raw_get(1)
        assert place.get_object()["/T"] == "second"
        place.get_object()["/F"] = generic.NumberObject(4 | 8 | 16)
        writer.mark_update(place)

    assert first(signed(framed, ministry.signer, name="second", edit=grow))[0] == ("red", "modified_after")


def _fill(bounds):
    def fill(writer):
        shadow.with_look(shadow.foreseen_field(writer), shadow.look(writer, bounds))

    return fill


def test_a_foreseen_field_shows_its_look_in_its_place(first, ministry):
    framed = signed(with_empty_field(order_pdf()), ministry.signer)
    inside = signed(framed, ministry.signer, name="second", edit=_fill((0, 0, 595, 842)))
    assert first(inside)[0] == ("amber", "signed_again")
    assert first(signed(framed, ministry.signer, name="second", edit=_fill(None)))[0] == ("red", "modified_after")


def test_a_foreseen_field_over_the_text_shows_nothing(first, ministry):
    framed = signed(with_empty_field(order_pdf(), box=(0, 0, 595, 842)), ministry.signer)
    assert first(signed(framed, ministry.signer, name="second"))[0] == ("red", "modified_after")
    covered = first(signed(framed, ministry.signer, name="second", edit=_fill((0, 0, 595, 842))))
    assert covered == (("red", "modified_after"), ("covers_content", "signed_again"))


def test_a_time_stamp_of_the_document_shows_nothing(first, base, ministry):
    shown = stamped(updated(base, shadow.shown_stamp_field), ministry.stamps(NOW), field="stamp")
    assert first(stamped(base, ministry.stamps(NOW)))[0] == ("green", "validation_data")
    assert first(shown)[0] == ("red", "modified_after")


# --- only a metadata packet is exempt, in that role


def _showing_its_packet(pdf):
    """Written by hand: QPDF would write the packet twice."""
    place = re.search(rb"/Metadata (\d+ 0 R)", pdf)[1]
    return re.sub(rb"/Contents \d+ 0 R", lambda found: (b"/Contents " + place).ljust(len(found[0])), pdf, count=1)


@pytest.fixture
def keep_packets(monkeypatch):
    """Prevent pyHanko from changing the packet."""
    monkeypatch.setattr("pyhanko.pdf_utils.incremental_writer.IncrementalPdfFileWriter._update_meta", lambda _: None)


@pytest.mark.usefixtures("keep_packets")
def test_a_packet_that_tells_another_time_is_no_change(first, ministry):
    pdf = signed(order_pdf(with_packet(shadow.packet(b"", b"2026-01-01"))), ministry.signer)
    later = shadow.restated_packet(pdf, shadow.packet(b"", b"2026-02-02"))
    assert first(with_validation_data(later, [ministry.root])) == (("green", "validation_data"), ("validation_data",))


@pytest.mark.usefixtures("keep_packets")
@pytest.mark.parametrize("aside", [b"<!-- %s -->", b"<?note %s?>"])
def test_a_packet_that_says_something_aside_is_a_change(first, ministry, aside):
    pdf = signed(order_pdf(with_packet(shadow.packet(aside % b"1 000"))), ministry.signer)
    other = shadow.restated_packet(pdf, shadow.packet(aside % b"9 999 000"))
    assert first(with_validation_data(other, [ministry.root])) == (
        ("red", "modified_after"),
        ("metadata", "validation_data"),
    )


@pytest.mark.usefixtures("keep_packets")
def test_a_packet_that_a_page_shows_is_content(first, ministry):
    """The page draws the packet with its time. A reader of pages skips operators that it does not know."""
    pdf = signed(_showing_its_packet(order_pdf(with_packet(shadow.packet(b"", b"(1)")))), ministry.signer)
    other = shadow.restated_packet(pdf, shadow.packet(b"", b"(2)"))
    verdict, changes = first(with_validation_data(other, [ministry.root]))
    assert (verdict, "page_content" in changes) == (("red", "modified_after"), True)


# --- objects that no cross-reference table lists


@pytest.mark.parametrize("entry", [shadow.ODD_ENTRY, b"0000000000 65535 f \n"], ids=["odd", "plain"])
def test_an_object_that_no_table_places_is_a_change(first, base, ministry, entry):
    stored = with_validation_data(base, [ministry.root])
    hidden = shadow.with_table(stored, shadow.hidden_content(base), entry)
    assert first(stored)[0] == ("green", "validation_data")
    for pdf in (hidden, stamped(hidden, ministry.stamps(NOW)), _again(hidden, ministry)):
        assert first(pdf)[0] == ("red", "modified_after")


def test_an_odd_table_is_a_change(first, base, ministry):
    stored = with_validation_data(base, [ministry.root])
    assert first(shadow.with_table(stored))[0] == ("green", "validation_data")
    assert first(shadow.with_table(stored, entries=shadow.ODD_ENTRY))[0] == ("red", "modified_after")


# --- the place of a mark

BOXES = [
    ((40, 690, 240, 720), "covers_content"),  # the text
    ((180, 699, 300, 711), "covers_content"),  # its last figure
    ((40, 590, 60, 630), "covers_content"),  # the corner of a field
    ((252, 600, 450, 620), "new_field"),  # beside it
    ((300, 200, 500, 260), "new_field"),
    ((-9000, -9000, 9000, 9000), "covers_content"),
    ((300, 200, 300, 800), "new_field"),  # a line
]


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("turned", [0, 90, 180])
@pytest.mark.parametrize(("box", "change"), BOXES)
def test_a_mark_over_what_was_signed_is_told(first, ministry, turned, box, change):
    """Also when the page is rotated, and when its crop box is smaller."""

    def turn(pdf):
        pdf.pages[0].Rotate = turned
        pdf.pages[0].MediaBox = Array([-100, -50, 700, 900])
        pdf.pages[0].CropBox = Array([20, 30, 560, 800])

    place = SigFieldSpec("third", on_page=0, box=box)
    changes = first(signed(signed(order_pdf(turn), ministry.signer), ministry.signer, name="third", place=place))[1]
    assert change in changes
    assert ("covers_content" in changes) == (change == "covers_content")


# --- fields without their own signature


def _new_field(writer, value):
    entries = {"/FT": pdf_name("/Sig"), "/Type": pdf_name("/Annot"), "/Subtype": pdf_name("/Widget")}
    field = generic.DictionaryObject({pdf_name(key): entry for key, entry in entries.items()})
    field[pdf_name("/T")] = generic.pdf_string("third")
    if value is not None:
        field[pdf_name("/V")] = value
    writer.root["/AcroForm"]["/Fields"].append(writer.add_object(field))
    writer.mark_update(writer.root.raw_get("/AcroForm"))


def test_an_empty_or_a_borrowed_field_is_no_second_signature(first, base, ministry):
    assert first(updated(base, lambda writer: _new_field(writer, None)))[0] == ("red", "modified_after")

    def borrow(writer):
        mine = writer.root["/AcroForm"]["/Fields"][1]
        _new_field(writer, mine.raw_get("/V"))

    assert first(updated(base, borrow))[0][0] == "red"


# --- files that two readers read differently, and costly files


def _last_xref(pdf):
    return int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])


def test_a_hybrid_update_is_a_change(first, base, ministry):
    """New readers take another page from the stream beside the last update's table."""
    again = with_validation_data(base, [ministry.root])
    number = int(re.search(rb"\n(\d+) 0 obj[^\n]*\n(?:(?!endobj).)*?Ordre de paiement, page 1", again, re.DOTALL)[1])
    size = max(int(one) for one in re.findall(rb"/Size (\d+)", again)) + 1
    place = len(again)
    content = b"%d 0 obj\n<< /Length 0 >>\nstream\n\nendstream\nendobj\n" % number
    entry = b"\x01" + place.to_bytes(4, "big") + b"\x00"
    head = b"<< /Type /XRef /Size %d /W [1 4 1] /Index [%d 1] /Length %d >>" % (size, number, len(entry))
    hidden = b"%d 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (size - 1, head, entry)
    trailer = b"xref\n0 0\ntrailer\n<< /Size %d /Root %s /Prev %d /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        re.findall(rb"/Root (\d+ \d+ R)", again)[-1],
        _last_xref(again),
        place + len(content),
        place + len(content) + len(hidden),
    )
    assert first(again)[0] == ("green", "validation_data")
    assert first(again + content + hidden + trailer)[0][0] == "red"
    harmless = hidden.replace(b"[%d 1]" % number, b"[%d 1]" % (size - 1))
    assert first(again + content + harmless + trailer)[0][0] == "red"


def test_a_loop_of_cross_references_is_red(first, base, ministry):
    again = with_validation_data(base, [ministry.root])
    previous, last = b"/Prev %d" % _last_xref(base), b"/Prev %d" % _last_xref(again)
    looped = again[: len(base)] + again[len(base) :].replace(previous, last.ljust(len(previous)))
    assert first(looped)[0][0] == "red"


def test_a_maze_ends_soon(base, ministry, checker):
    """Two rings of objects of prime lengths: without a limit, each object of one would be compared with each of the
    other."""

    def ring(length):
        def add(writer):
            places = [writer.allocate_placeholder() for _ in range(length)]
            for at, place in enumerate(places):
                after = places[(at + 1) % length]
                writer.add_object(
                    generic.DictionaryObject({pdf_name("/Next"): after}), obj_stream=None, idnum=place.idnum
                )
            writer.root["/PieceInfo"] = places[0]
            writer.update_root()

        return add

    maze = signed(updated(order_pdf(), ring(1009)), ministry.signer)
    assert checker.check(updated(maze, ring(1013)), at=NOW)[0].reason == "modified_after"
