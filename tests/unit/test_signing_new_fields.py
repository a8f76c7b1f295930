"""The entries that a field added with a later signature may have, one by one."""

from decimal import Decimal

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from signing.new_fields import NewField, fields_of, is_signed_since, new_field, overlap, place_of

END = 1000
PDF = pikepdf.new()
PDF.add_blank_page(page_size=(595, 842))
PAGE = PDF.pages[0].obj
BOX = [300, 200, 500, 260]


def value(*places, **entries):
    """A signature's dictionary. By default it covers one byte more than END."""
    given = Dictionary(Type=Name.Sig, ByteRange=Array(places or (0, 10, 20, END - 19)))
    for key, entry in entries.items():
        if entry is None:
            del given[f"/{key}"]
        else:
            given[f"/{key}"] = entry
    return given


def look(raw=b"0 g", **entries):
    made = PDF.make_stream(raw)
    entries = {"Type": Name.XObject, "Subtype": Name.Form, "BBox": Array([0, 0, 200, 60])} | entries
    for key, entry in entries.items():
        if entry is not None:
            made[f"/{key}"] = entry
    return made


def field(*, without=(), **entries):
    """A field that is also its own widget."""
    given = {
        "FT": Name.Sig, "T": String("third"), "V": value(), "Type": Name.Annot, "Subtype": Name.Widget, "F": 132,
        "P": PAGE, "Rect": Array(BOX), "AP": Dictionary(N=look()),
    } | entries  # fmt: skip
    made = Dictionary({f"/{key}": entry for key, entry in given.items() if key not in without})
    return PDF.make_indirect(made)


def test_a_plain_field_is_told_with_its_place():
    own = field()
    assert new_field(own, END) == NewField(
        own.objgen, "third", "new_field", own.objgen, PAGE.objgen, (300.0, 200.0, 500.0, 260.0)
    )


def test_a_field_without_a_place_or_page_has_none():
    for own in (
        field(without=("P", "Rect", "AP", "F")),
        field(without=("P", "AP"), Rect=Array([0, 0, 0, 0])),
        field(without=("AP",), P=5, Rect=Array([7, 9, 7, 9])),
    ):
        found = new_field(own, END)
        assert found == NewField(own.objgen, "third", "new_field", own.objgen, None, None)


@pytest.mark.parametrize(
    "entry",
    ["TU", "Ff", "Lock", "SV", "DA", "Q", "MK", "H", "M", "NM", "C", "DR"],
)
def test_what_a_field_may_have_beside(entry):
    assert new_field(field(**{entry: Dictionary()}), END) is not None


@pytest.mark.parametrize(
    "entry", ["A", "AA", "OC", "Parent", "AS", "BS", "Border", "Popup", "DV", "Opt", "StructParent", "Contents", "Xyz"]
)
def test_what_it_may_not(entry):
    assert new_field(field(**{entry: Dictionary()}), END) is None
    with_kid = both(kid={entry: Dictionary()}) if entry != "Parent" else both(entries={entry: Dictionary()})
    assert new_field(with_kid, END) is None


@pytest.mark.parametrize(
    "own",
    [
        None, 5, Array([]), Dictionary(FT=Name.Sig), field(FT=Name.Tx), field(without=("FT",)), field(without=("V",)),
        field(without=("T",)), field(T=Name.third), field(T=5), field(without=("Subtype",)), field(Subtype=Name.Link),
        field(V=5), field(V=Array([])), field(Rect=Array([1, 2, 3])), field(Rect=5), field(Rect=Array([1, 2, 3, 4, 5])),
        field(Rect=Array([1, 2, 3, Name.x])), field(Rect=Array([1, 2, 3, Array([4])])), field(AP=5), field(F=Name.x),
        field(F=Decimal("4.5")), field(F=True),
    ],
)  # fmt: skip
def test_what_is_no_such_field(own):
    assert new_field(own, END) is None


def test_a_field_of_its_own_lies_in_an_object_of_its_own():
    own = field()
    direct = Dictionary({key: own[key] for key in own.keys()})  # noqa: SIM118  no mapping
    assert new_field(direct, END) is None


# --- its signature


@pytest.mark.parametrize(
    ("given", "is_one"),
    [
        (value(), True),
        (value(Type=None), True),
        (value(0, 10, 20, END - 20), False),
        (value(0, 10, END, 1), True),
        (value(0, 10, END, 0), False),
        (value(0, 10, 20), False),
        (value(0, 10, 20, END, 7), False),
        (value(0, 10, 20, Decimal("5000.5")), False),
        (value(0, 10, True, END), False),
        (value(ByteRange=5), False),
        (value(ByteRange=None), False),
        (value(Type=Name.Xyz), False),
        (value(Type=Name.DocTimeStamp), False),
        (value(SubFilter=Name("/ETSI.RFC3161")), True),
    ],
)
def test_only_a_signature_over_more_than_the_earlier_revision_brings_a_field(given, is_one):
    found = new_field(field(V=given), END)
    assert (found is not None) is is_one
    assert is_signed_since(field(V=given), END) is is_one


def test_a_time_stamp_of_the_document_lies_nowhere():
    stamp = value(Type=Name.DocTimeStamp, SubFilter=Name("/ETSI.RFC3161"))
    hidden = field(V=stamp, Rect=Array([0, 0, 0, 0]), without=("AP",))
    found = new_field(hidden, END)
    assert (found.kind, found.box) == ("validation_data", None)
    assert new_field(field(V=stamp), END) is None
    assert new_field(field(V=stamp, Rect=Array([5, 0, 5, 9]), without=("AP",)), END) is None
    assert not is_signed_since(hidden, END), "a person's field is not filled by a time-stamp"
    other = value(Type=Name.DocTimeStamp, SubFilter=Name("/ETSI.CAdES.detached"))
    assert new_field(field(V=other, Rect=Array([0, 0, 0, 0]), without=("AP",)), END) is None


# --- its widget


def both(*, kid=None, entries=None, kids=None, parent=True, indirect=True):
    """A field and its separate widget."""
    above = PDF.make_indirect(
        Dictionary({"/FT": Name.Sig, "/T": String("third"), "/V": value()} | _keys(entries or {}))
    )
    below = Dictionary(
        {"/Type": Name.Annot, "/Subtype": Name.Widget, "/F": 4, "/P": PAGE, "/Rect": Array(BOX)} | _keys(kid or {})
    )
    if parent is True:
        below["/Parent"] = above
    elif parent is not None:
        below["/Parent"] = parent
    below = PDF.make_indirect(below) if indirect else below
    above["/Kids"] = Array([below]) if kids is None else kids(below)
    return above


def _keys(entries):
    return {f"/{key}": entry for key, entry in entries.items()}


def test_a_field_and_its_only_widget():
    own = both()
    found = new_field(own, END)
    assert found.number == own.objgen
    assert found.widget == own.Kids[0].objgen != own.objgen
    assert (found.page, found.box) == (PAGE.objgen, tuple(map(float, BOX)))
    assert new_field(both(entries={"DR": Dictionary(), "Type": Name.Annot}), END) is not None


@pytest.mark.parametrize(
    "own",
    [
        both(kids=lambda below: Array([below, below])),
        both(kids=lambda _: Array([])),
        both(kids=lambda below: below),
        both(kids=lambda _: Array([5])),
        both(parent=None),
        both(parent=5),
        both(parent=field()),
        both(indirect=False),
        both(kid={"FT": Name.Sig}),
        both(kid={"T": String("x")}),
        both(kid={"Kids": Array([])}),
        both(kid={"Subtype": Name.Link}),
    ],
)
def test_no_other_family(own):
    assert new_field(own, END) is None


@pytest.mark.parametrize("entry", ["Subtype", "F", "P", "Rect", "AP", "MK", "H", "M", "NM", "C"])
def test_a_field_with_a_widget_is_none_itself(entry):
    given = {"Subtype": Name.Widget, "Rect": Array(BOX), "P": PAGE, "F": 4}.get(entry, Dictionary())
    assert new_field(both(entries={entry: given}), END) is None


# --- flags and appearances


@pytest.mark.parametrize("bit", range(1, 12))
def test_flags_that_zoom_turn_or_hide_on_the_screen_alone_are_refused(bit):
    flag = 1 << (bit - 1)
    harmless = bit in (1, 2, 3, 7, 8, 10)
    assert (new_field(field(F=flag), END) is not None) is harmless
    assert (new_field(field(F=4 | flag), END) is not None) is harmless
    assert is_signed_since(field(F=flag), END) is harmless


def test_flags_are_none_where_they_are_not_told():
    assert new_field(field(without=("F",)), END) is not None


@pytest.mark.parametrize(
    ("given", "is_plain"),
    [
        (look(), True),
        (look(Matrix=Array([1, 0, 0, 1, 5, 5])), True),
        (look(Matrix=Array([0, 1, -1, 0, 0, 0])), True),
        (look(Matrix=Array([2, 1, 1, 2, 0, 0])), True),
        (look(Matrix=Array([2, 4, 1, 2, 0, 0])), False),
        (look(Matrix=Array([0, 0, 0, 1, 0, 0])), False),
        (look(Matrix=Array([1, 0, 0, 0, 0, 0])), False),
        (look(Matrix=Array([1, 0, 0, 1, 0])), False),
        (look(Matrix=Array([1, 0, 0, 1, 0, 0, 0])), False),
        (look(Matrix=Array([1, 0, 0, True, 0, 0])), False),
        (look(Matrix=Name.x), False),
        (look(BBox=None), False),
        (look(BBox=Array([0, 0, 5])), False),
        (look(BBox=Array([5, 0, 5, 9])), False),
        (look(BBox=Array([0, 5, 9, 5])), False),
        (look(BBox=Array([9, 9, 0, 0])), True),
        (look(BBox=Array([0, 0, 9, Name.x])), False),
        (look(BBox=Array([Decimal("0.5"), 0, 9, 9])), True),
        (look(OC=Dictionary()), False),
        (look(b"", BBox=None), True),
        (look(b" \n", BBox=None), True),
        (look(b"", OC=Dictionary()), False),
        (look(b" ", BBox=Array([5, 5, 5, 5])), True),
        (Dictionary(Yes=look()), False),
        (Array([]), False),
    ],
)
def test_a_look_is_confined_to_its_place(given, is_plain):
    for key in ("N", "R", "D"):
        looks = Dictionary({"/N": look(), f"/{key}": given})
        assert (new_field(field(AP=looks), END) is not None) is is_plain
        assert is_signed_since(field(AP=looks), END) is is_plain
    assert new_field(field(AP=Dictionary(X=look())), END) is None


def test_all_that_is_allowed_may_be_there_at_once():
    every = {key: Dictionary() for key in ("MK", "H", "M", "NM", "C", "DR")}
    whole = both(kid=every | {"AP": Dictionary(N=look(), R=look(), D=look())})
    assert new_field(whole, END) is not None


def test_a_packed_look_that_draws_nothing_needs_no_place():
    packed = pikepdf.Stream(PDF, b"")
    packed.write(b"  ")
    packed = PDF.make_indirect(packed)
    import zlib

    packed.write(zlib.compress(b" \n "), filter=Name.FlateDecode)
    nowhere = Array([0, 0, 0, 0])
    assert new_field(field(AP=Dictionary(N=packed), Rect=nowhere), END) is not None
    drawn = PDF.make_stream(b"")
    drawn.write(zlib.compress(b"0 g"), filter=Name.FlateDecode)
    assert new_field(field(AP=Dictionary(N=drawn), Rect=nowhere), END) is None
    odd = PDF.make_stream(b"")
    odd.write(b"00>", filter=Name.ASCIIHexDecode)
    assert new_field(field(AP=Dictionary(N=odd), Rect=nowhere), END) is None


def test_a_field_nowhere_draws_nothing():
    nowhere = Array([7, 9, 7, 9])
    assert new_field(field(Rect=nowhere), END) is None
    assert new_field(field(Rect=nowhere, AP=Dictionary(N=look(b""))), END) is not None
    assert new_field(field(Rect=Array([7, 9, 8, 9])), END) is not None
    assert new_field(field(Rect=Array([7, 8, 7, 9])), END) is not None
    assert is_signed_since(field(Rect=nowhere), END) is False
    assert is_signed_since(field(Rect=Array([1, 2])), END) is False
    assert is_signed_since(field(FT=Name.Tx), END) is False


# --- places


@pytest.mark.parametrize(
    ("rect", "box"),
    [
        ([500, 260, 300, 200], (300.0, 200.0, 500.0, 260.0)),
        ([300, 260, 500, 200], (300.0, 200.0, 500.0, 260.0)),
        ([Decimal("0.5"), -1, 2, 3], (0.5, -1.0, 2.0, 3.0)),
        ([5, 5, 5, 9], (5.0, 5.0, 5.0, 9.0)),
        ([5, 5, 9, 5], (5.0, 5.0, 9.0, 5.0)),
        ([5, 6, 5, 6], None),
        ([1, 2, 3], None),
    ],
)
def test_where_a_widget_shows_something(rect, box):
    assert place_of(Dictionary(Rect=Array(rect), AP=Dictionary())) == box
    assert place_of(Dictionary(Rect=Array(rect))) is None
    assert place_of(Dictionary(AP=Dictionary())) is None


@pytest.mark.parametrize(
    ("other", "shares"),
    [
        ([15, 15, 16, 16], True),
        ([0, 0, 100, 100], True),
        ([20, 20, 30, 30], True),  # a corner
        ([0, 0, 10, 10], True),
        ([21, 10, 30, 20], False),
        ([0, 10, 9, 20], False),
        ([10, 21, 20, 30], False),
        ([10, 0, 20, 9], False),
        ([9, 20, 0, 10], False),
    ],
)
def test_boxes_that_share_a_point_overlap(other, shares):
    assert overlap((10.0, 10.0, 20.0, 20.0), Array(other)) is shares


def test_what_cannot_be_read_overlaps_all_and_what_is_not_there_lies_at_the_origin():
    assert overlap((10.0, 10.0, 20.0, 20.0), Array([1, 2])) is True
    assert overlap((10.0, 10.0, 20.0, 20.0), 5) is True
    assert overlap((10.0, 10.0, 20.0, 20.0), None) is False
    assert overlap((0.0, 0.0, 20.0, 20.0), None) is True


# --- all fields of a form


def test_all_fields_are_found_once():
    pdf = pikepdf.new()

    def make(name, *kids):
        return pdf.make_indirect(Dictionary(T=String(name), Kids=Array(kids)) if kids else Dictionary(T=String(name)))

    leaf, twice = make("leaf"), make("twice")
    tree = make("tree", make("branch", leaf, twice), twice, Dictionary(T=String("direct")))
    tree.Kids[0].Kids.append(tree)
    pdf.Root.AcroForm = Dictionary(Fields=Array([tree, 5, twice, Dictionary(T=String("direct too"))]))
    assert sorted(str(one.T) for one in fields_of(pdf)) == ["branch", "direct", "direct too", "leaf", "tree", "twice"]


@pytest.mark.parametrize("form", [None, 5, Dictionary(), Dictionary(Fields=5), Dictionary(Fields=Array([]))])
def test_a_form_without_fields(form):
    pdf = pikepdf.new()
    if form is not None:
        pdf.Root.AcroForm = form
    assert list(fields_of(pdf)) == []
