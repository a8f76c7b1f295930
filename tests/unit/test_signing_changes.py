"""Changes since a signature: codes, names of fields and places, for one small update after another.

Nothing is signed here. The field of a later signature only needs a byte range that covers enough.
"""

import re
import zlib
from functools import cache
from io import BytesIO

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string

from signing.changes import Changes, _Twins, changes_since
from tests import shadow_kit as shadow
from tests.pki_kit import Ministry, order_pdf, updated, with_empty_field, with_validation_data
from tests.restated_kit import ATTACKS, OWN_FIELD, SOUND, layered, with_packet

BOX = (300, 200, 500, 260)
ALL = 10**7
ministry = cache(Ministry)
base = cache(lambda: order_pdf(layered))
framed = cache(lambda: with_empty_field(order_pdf()))


@pytest.fixture(autouse=True)
def _keep_packets(monkeypatch):
    """Prevent pyHanko from changing the packet and the file's information."""
    monkeypatch.setattr("pyhanko.pdf_utils.incremental_writer.IncrementalPdfFileWriter._update_meta", lambda _: None)


def number(value):
    return generic.NumberObject(value)


def dictionary(**entries):
    return generic.DictionaryObject({pdf_name(f"/{key}"): value for key, value in entries.items()})


def array(*items):
    return generic.ArrayObject(items)


def name(text):
    return pdf_name(f"/{text}")


def since(pdf, *edits, before=None):
    """The changes that an update makes."""

    def edit(writer):
        for one in edits:
            one(writer)

    return changes_since(updated(pdf, edit), len(pdf))


def codes(pdf, *edits):
    return since(pdf, *edits).codes


def value(writer, end=ALL, **entries):
    places = array(number(0), number(10), number(20), number(end))
    return writer.add_object(dictionary(**({"Type": name("Sig"), "ByteRange": places} | entries)))


def sign(title="third", box=BOX, page=0, look=b"0 g 0 0 200 60 re f", listed=True, fields=True, **more):
    """An edit that adds a signature with a new field."""

    def edit(writer):
        leaf = writer.find_page_for_modification(page)[0]
        entries = {
            "FT": name("Sig"), "T": pdf_string(title), "V": value(writer), "Type": name("Annot"),
            "Subtype": name("Widget"), "F": number(132), "P": leaf,
        } | {key: one(writer) if callable(one) else one for key, one in more.items()}  # fmt: skip
        if box is not None:
            entries["Rect"] = shadow.numbers(*box)
        if look is not None:
            entries["AP"] = dictionary(N=shadow.stream(writer, look, BBox=shadow.numbers(0, 0, 200, 60)))
        place = writer.add_object(dictionary(**entries))
        if listed:
            writer.register_annotation(leaf, place)
        if fields:
            writer.root["/AcroForm"]["/Fields"].append(place)
            writer.mark_update(writer.root.raw_get("/AcroForm"))

    return edit


def fill(end=ALL, **entries):
    """An edit that signs the field that was left for it."""

    def edit(writer):
        own = shadow.foreseen_field(writer)
        own["/V"] = value(writer, end)
        for key, one in entries.items():
            own[f"/{key}"] = one(writer) if callable(one) else one

    return edit


def look(content=b"0 g 0 0 200 60 re f"):
    return lambda writer: dictionary(N=shadow.stream(writer, content, BBox=shadow.numbers(0, 0, 200, 60)))


def in_root(key, made):
    def edit(writer):
        writer.root[f"/{key}"] = made(writer) if callable(made) else made
        writer.update_root()

    return edit


def in_page(key, made, page=0):
    def edit(writer):
        place = writer.find_page_for_modification(page)[0]
        place.get_object()[f"/{key}"] = made(writer) if callable(made) else made
        writer.mark_update(place)

    return edit


def in_form(key, made):
    def edit(writer):
        writer.root["/AcroForm"][f"/{key}"] = made(writer) if callable(made) else made
        writer.mark_update(writer.root.raw_get("/AcroForm"))

    return edit


def in_field(key, made, at=0):
    def edit(writer):
        place = writer.root["/AcroForm"]["/Fields"].raw_get(at)
        place.get_object()[f"/{key}"] = made(writer) if callable(made) else made
        writer.mark_update(place)

    return edit


# --- existing values


@pytest.mark.parametrize("edit", SOUND, ids=lambda one: one.__name__)
def test_equal_values_are_no_change(edit):
    assert since(base(), edit) == Changes(())
    assert since(base(), edit).harmless


EXACT = {
    "swap_the_pages": ("annotations", "page_content"),
    "swap_renumbered_pages": ("annotations", "page_content"),
    "add_a_text_field": ("annotations", "form_values"),
}


@pytest.mark.parametrize(("edit", "code"), ATTACKS, ids=lambda one: getattr(one, "__name__", one))
def test_other_values_are_named_by_where_they_are(edit, code):
    found = since(base(), edit)
    assert found == Changes(EXACT.get(edit.__name__, (code,)))
    assert not found.harmless


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("OpenAction", "actions"), ("AA", "actions"), ("Names", "actions"), ("OCProperties", "layers"),
        ("Metadata", "metadata"), ("Perms", "structure"), ("Lang", "structure"), ("PageLayout", "structure"),
        ("Encrypt", "structure"), ("Collection", "structure"), ("OutputIntents", "structure"), ("Annots", "annotations"),
    ],
)  # fmt: skip
def test_what_comes_to_the_catalogue_is_named(key, code):
    assert codes(base() if key != "OCProperties" else order_pdf(), in_root(key, dictionary(A=number(1)))) == (code,)


@pytest.mark.parametrize("key", ["DSS", "Extensions", "Version"])
def test_three_entries_of_the_catalogue_are_not_looked_at(key):
    expected = ("validation_data",) if key == "DSS" else ()
    assert codes(base(), in_root(key, dictionary(A=number(1)))) == expected


@pytest.mark.parametrize(
    ("key", "made", "code"),
    [
        ("MediaBox", array(number(0), number(0), number(595), number(843)), "page_content"),
        ("CropBox", array(number(0), number(0), number(595), number(800)), "page_content"),
        ("Rotate", number(90), "page_content"),
        ("Resources", dictionary(), "page_content"),
        ("Annots", number(5), "annotations"),
        ("Annots", array(), "annotations"),
        ("AA", dictionary(), "actions"),
        ("Metadata", dictionary(), "metadata"),
        ("UserUnit", number(2), "pages"),
        ("Group", dictionary(), "pages"),
        ("Contents", array(), "page_content"),
        ("Parent", number(5), "pages"),
        ("Perms", dictionary(), "structure"),
        ("Encrypt", dictionary(), "structure"),
        ("AcroForm", dictionary(), "form_values"),
        ("OCProperties", dictionary(), "layers"),
        ("Names", dictionary(), "actions"),
    ],
)
def test_what_changes_on_a_page_is_named(key, made, code):
    assert codes(base(), in_page(key, made)) == (code,)
    if key != "Annots":  # there were none, and QPDF reads a value that is not a list as none
        assert codes(base(), in_page(key, made, page=1)) == (code,)


def test_what_comes_to_a_field_is_named():
    assert codes(base(), in_field("Kids", array())) == ("pages",)
    assert codes(base(), in_field("AA", dictionary())) == ("actions",)
    assert codes(base(), in_field("MaxLen", number(5))) == ("annotations",)


@pytest.mark.parametrize("key", ["Title", "Author", "Keywords", "CreationDate"])
def test_who_the_file_says_it_is_by_is_metadata(key):
    def edit(writer):
        writer.set_info(writer.add_object(dictionary(**{key: pdf_string("x")})))

    assert codes(base(), edit) == ("metadata",)


def test_what_wrote_the_file_and_when_is_no_change():
    def edit(writer):
        writer.set_info(writer.add_object(dictionary(Producer=pdf_string("x"), ModDate=pdf_string("D:2026"))))

    assert codes(base(), edit) == ()
    titled = order_pdf(lambda pdf: pdf.docinfo.update({"/Title": "A"}))
    assert codes(titled, edit) == ("metadata",)

    def keep(writer):
        writer.set_info(writer.add_object(dictionary(Producer=pdf_string("x"), Title=pdf_string("A"))))

    assert codes(titled, keep) == ()


def test_validation_data_is_told_where_the_store_differs():
    stored = with_validation_data(base(), [ministry().root])
    assert changes_since(stored, len(base())) == Changes(("validation_data",))
    again = with_validation_data(stored, [ministry().stamper])
    assert changes_since(again, len(stored)).codes == ("validation_data",)
    assert codes(stored, in_page("Rotate", number(0))) == ("page_content",)
    assert codes(stored, shadow.restate_everything) == ()


def test_a_file_that_must_be_repaired_is_not_compared():
    broken = base().replace(b"startxref", b"startxfer")
    with pytest.raises(pikepdf.PdfError):
        changes_since(broken, len(base()))
    with pytest.raises(pikepdf.PdfError):
        changes_since(base() + b"\nstartxref\n7\n%%EOF\n", len(base()))


# --- a page under another number


def test_an_old_page_that_is_no_page_any_more_may_keep_what_names_it():
    """A field names its page. Nobody changed the field; the page is another object now."""
    assert codes(base(), shadow.renumber_the_pages) == ()

    def spoil(writer):
        old = writer.root["/AcroForm"]["/Fields"][0].raw_get("/P")
        old.get_object()["/Rotate"] = number(90)
        writer.mark_update(old)

    assert "page_content" in codes(base(), spoil, shadow.renumber_the_pages)
    assert "page_content" in codes(base(), shadow.renumber_the_pages, spoil)


def test_the_notes_of_an_old_page_that_is_none_any_more_are_not_looked_at():
    def forget(writer):
        old = writer.root["/AcroForm"]["/Fields"][0].raw_get("/P")
        old.get_object()["/Annots"] = array()
        writer.mark_update(old)

    assert codes(base(), shadow.renumber_the_pages, forget) == ()

    def elsewhere(writer):
        place = writer.root["/AcroForm"]["/Fields"].raw_get(0)
        leaf = place.get_object()["/P"]
        copy = {key: leaf.raw_get(key) for key in leaf} | {pdf_name("/Annots"): array()}
        place.get_object()["/P"] = writer.add_object(generic.DictionaryObject(copy))
        writer.mark_update(place)

    assert codes(base(), shadow.renumber_the_pages, elsewhere) == ("annotations",)


def restated_lock(pdf, more):
    """The file with its encryption dictionary restated, with more entries."""
    number = int(re.findall(rb"/Encrypt (\d+) 0 R", pdf)[-1])
    stated = re.findall(rb"\n%d 0 obj\n(<<.*?>>)\nendobj" % number, pdf, re.DOTALL)[-1]
    made = b"%d 0 obj\n%s%s >>\nendobj\n" % (number, stated.removesuffix(b">>"), more)
    head = b"xref\n0 1\n0000000000 65535 f \n%d 1\n%010d 00000 n \n" % (number, len(pdf))
    trailer = re.findall(rb"trailer (<<.*?>>)\nstartxref", pdf, re.DOTALL)[-1].removesuffix(b">>")
    last = int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])
    tail = b"trailer %s /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (trailer, last, len(pdf) + len(made))
    return pdf + made + head + tail


def test_how_the_file_is_locked_is_part_of_it():
    output = BytesIO()
    with pikepdf.open(BytesIO(order_pdf())) as opened:
        opened.save(output, encryption=pikepdf.Encryption(owner="secret", user=""), static_id=True,
                    object_stream_mode=pikepdf.ObjectStreamMode.disable)  # fmt: skip
    locked = output.getvalue()
    assert changes_since(restated_lock(locked, b""), len(locked)).codes == ()
    assert changes_since(restated_lock(locked, b" /Xyz 1"), len(locked)).codes == ("structure",)


# --- later signatures


def test_a_signature_with_a_field_of_its_own():
    expected = Changes(("new_field",), ("third",), True, {0: (tuple(map(float, BOX)),)})
    assert since(base(), sign()) == expected
    assert expected.harmless
    assert since(base(), sign(box=None, look=None, listed=False)) == Changes(("new_field",), ("third",))
    assert since(base(), sign(box=(0, 0, 0, 0), look=None)) == Changes(("new_field",), ("third",))
    assert since(base(), sign(page=1)).places == {1: (tuple(map(float, BOX)),)}
    other = (300, 300, 400, 320)
    assert since(base(), sign(), sign("fourth", other), sign("fifth", page=1)) == Changes(
        ("new_field",), ("third", "fourth", "fifth"), True,
        {0: (tuple(map(float, BOX)), tuple(map(float, other))), 1: (tuple(map(float, BOX)),)},
    )  # fmt: skip


def test_a_time_stamp_of_the_document():
    def kind(writer):
        return value(writer, Type=name("DocTimeStamp"), SubFilter=name("ETSI.RFC3161"))

    assert since(base(), sign(box=None, look=None, listed=False, V=kind)) == Changes(("validation_data",))
    assert since(base(), sign(box=(0, 0, 0, 0), look=None, V=kind)) == Changes(("validation_data",))
    assert since(base(), sign(V=kind)).codes == ("annotations", "form_values")


@pytest.mark.parametrize("edit", OWN_FIELD, ids=lambda one: one.__name__)
def test_a_field_that_brings_something_along_is_a_change(edit):
    assert not since(base(), sign(), edit).harmless


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ((sign(listed=False),), ("annotations", "new_field")),
        ((sign(fields=False),), ("annotations",)),
        ((sign("payee"),), ("annotations", "form_values")),
        ((sign(), sign()), ("annotations", "form_values", "new_field")),
        ((sign(V=lambda writer: value(writer, 5)),), ("annotations", "form_values")),
        ((sign(), shadow.own_field_on_two_pages), ("annotations", "new_field")),
        ((sign(), shadow.own_field_names_another_page), ("annotations", "new_field")),
        ((sign(box=(40, 690, 240, 720)),), ("covers_content", "new_field")),
        ((sign(box=(240, 610, 260, 700)),), ("covers_content", "new_field")),
        ((sign(), shadow.annotate), ("annotations", "new_field")),
        ((shadow.annotate, sign()), ("annotations", "new_field")),
        ((sign(), in_root("Lang", pdf_string("fr"))), ("new_field", "structure")),
    ],
)
def test_what_a_new_field_may_not(edits, expected):
    found = since(base(), *edits)
    assert found.codes == expected
    assert not found.harmless


def test_a_field_may_name_no_page_or_its_own():
    assert codes(base(), sign(P=number(5))) == ("new_field",)
    nowhere = sign(box=None, look=None, listed=False, page=1)
    assert codes(base(), nowhere) == ("new_field",)


def test_a_field_before_the_others_is_a_change():
    def first(writer):
        fields = writer.root["/AcroForm"]["/Fields"]
        fields.insert(0, fields.pop())
        writer.mark_update(writer.root.raw_get("/AcroForm"))

    assert not since(base(), sign(), first).harmless


def test_a_note_before_the_others_is_a_change():
    def first(writer):
        notes = writer.find_page_for_modification(0)[0].get_object()["/Annots"]
        notes.insert(0, notes.pop())

    assert not since(base(), sign(), first).harmless


def test_a_field_that_was_there_is_not_new():
    """It is removed from the form and returns as the last field."""
    there = updated(base(), sign())
    assert changes_since(there, len(base())).harmless

    def swap(writer):
        fields = writer.root["/AcroForm"]["/Fields"]
        fields.append(fields.raw_get(1))
        writer.mark_update(writer.root.raw_get("/AcroForm"))

    assert since(there, swap).codes == ("form_values",)


# --- the field that was left for a signature


def test_a_field_that_stood_empty_is_signed():
    place = {0: ((300.0, 100.0, 500.0, 160.0),)}
    assert since(framed(), fill(AP=look())) == Changes(("signed_again",), ("second",), False, place)
    assert since(framed(), fill()).signed == ("second",)
    assert since(framed(), fill()).codes == ("signed_again",)
    assert since(framed(), fill(AP=look(), M=pdf_string("D:2026"), F=number(4))).harmless


def test_two_fields_that_stood_empty_are_signed_at_once():
    two = with_empty_field(framed(), "fourth", box=(300, 300, 500, 360))

    def both(writer):
        fields = writer.root["/AcroForm"]["/Fields"]
        for at in (1, 2):
            writer.mark_update(fields.raw_get(at))
            fields[at]["/V"] = value(writer)
            fields[at]["/AP"] = look()(writer)

    found = since(two, both)
    assert found.codes == ("signed_again",)
    assert sorted(found.signed) == ["fourth", "second"]
    assert sorted(found.places[0]) == [(300.0, 100.0, 500.0, 160.0), (300.0, 300.0, 500.0, 360.0)]


@pytest.mark.parametrize(
    "edit",
    [
        fill(end=5),
        fill(AP=look(), F=number(4 | 8)),
        fill(AP=look(), T=pdf_string("other")),
        fill(AP=look(), Rect=shadow.numbers(300, 100, 500, 161)),
        fill(AP=look(), A=dictionary()),
        fill(AP=look(), FT=name("Tx")),
        fill(AP=look(), DA=pdf_string("x")),
        fill(AP=lambda writer: dictionary(N=shadow.stream(writer, b"0 g"))),
    ],
)
def test_a_filled_field_changes_in_nothing_else(edit):
    assert not since(framed(), edit).harmless


def test_a_signed_field_is_not_signed_anew():
    once = updated(framed(), fill(AP=look()))
    assert not since(once, fill(end=ALL + 1, AP=look())).harmless
    assert codes(framed(), in_field("V", pdf_string("x"), at=1)) == ("annotations",)
    assert codes(framed(), in_field("V", value, at=0)) == ("annotations",)


def test_a_field_over_the_text_covers_it_when_it_shows_something():
    wide = with_empty_field(order_pdf(), box=(0, 0, 595, 842))
    assert codes(wide, fill(AP=look())) == ("covers_content", "signed_again")

    def unseen(writer):
        del shadow.foreseen_field(writer)["/AP"]

    nothing = updated(wide, unseen)
    assert codes(nothing, fill()) == ("signed_again",)
    assert codes(nothing, fill(AP=look())) == ("covers_content", "signed_again")


def test_a_fields_full_name_is_that_of_its_family():
    def family(pdf):
        above = pdf.make_indirect(Dictionary(T=String("direction"), Kids=Array([])))
        between = pdf.make_indirect(Dictionary(Parent=above, Kids=Array([])))
        leaf = pdf.make_indirect(
            Dictionary(FT=Name.Sig, T=String("second"), Parent=between, Type=Name.Annot, Subtype=Name.Widget,
                       Rect=Array([300, 100, 500, 160]), F=4)
        )  # fmt: skip
        between.Kids.append(leaf)
        above.Kids.append(between)
        pdf.Root.AcroForm.Fields.append(above)
        pdf.pages[0].Annots.append(leaf)

    def edit(writer):
        own = writer.root["/AcroForm"]["/Fields"][1]["/Kids"][0]["/Kids"]
        writer.mark_update(own.raw_get(0))
        own[0]["/V"] = value(writer)

    assert since(order_pdf(family), edit).signed == ("direction.second",)


# --- marks that cover something


def test_what_a_mark_lies_on_counts_on_its_own_page():
    """The second page has only its text there."""
    assert codes(base(), sign(box=(60, 605, 90, 615), page=1)) == ("new_field",)
    assert codes(base(), sign(box=(60, 605, 90, 615))) == ("covers_content", "new_field")


def test_a_mark_that_covers_is_told_whatever_else_came():
    def store(writer):
        writer.root["/DSS"] = dictionary(Certs=array())
        writer.update_root()

    found = since(framed(), fill(AP=look()), sign(box=(40, 690, 240, 720)), store)
    assert found.codes == ("covers_content", "new_field", "signed_again", "validation_data")
    assert not found.harmless


@pytest.mark.parametrize("box", [(502, 100, 520, 160), (300, 162, 500, 170)])
def test_a_mark_beside_an_empty_field_covers_nothing(box):
    assert codes(framed(), sign(box=box)) == ("new_field",)
    assert codes(framed(), sign(box=(499, 100, 520, 160))) == ("covers_content", "new_field")


def test_a_note_that_cannot_be_read_is_covered():
    odd = order_pdf(lambda pdf: pdf.pages[0].Annots.append(5))
    assert codes(odd, sign()) == ("covers_content", "new_field")
    bad = order_pdf(lambda pdf: pdf.pages[0].Annots.append(Dictionary(Rect=Array([1, 2]))))
    assert codes(bad, sign()) == ("covers_content", "new_field")


# --- the form


def bare(pdf):
    del pdf.Root.AcroForm
    del pdf.pages[0].Annots


def new_form(**entries):
    def edit(writer):
        form = {"Fields": array()} | {key: one(writer) if callable(one) else one for key, one in entries.items()}
        writer.root["/AcroForm"] = writer.add_object(dictionary(**form))
        writer.update_root()

    return edit


def test_a_form_may_come_with_the_first_field():
    plain = order_pdf(bare)
    assert codes(plain, new_form(SigFlags=number(3)), sign()) == ("new_field",)
    assert codes(plain, new_form(SigFlags=number(3), DA=pdf_string("/F 0 Tf"), DR=dictionary())) == ()
    assert codes(plain, new_form(NeedAppearances=generic.BooleanObject(True)), sign()) == ("form_values", "new_field")
    assert codes(plain, new_form(XFA=array())) == ("form_values",)
    assert codes(plain, in_root("AcroForm", number(5))) == ("form_values",)
    assert codes(plain, in_root("AcroForm", array())) == ("form_values",)
    assert codes(plain, in_root("Lang", pdf_string("fr"))) == ("structure",)


def test_a_form_may_not_go():
    def drop(writer):
        del writer.root["/AcroForm"]
        writer.update_root()

    assert codes(base(), drop) == ("form_values",)

    def no_form(pdf):
        bare(pdf)
        pdf.Root.AcroForm = Array([])

    odd = order_pdf(no_form)
    assert codes(odd, new_form()) == ("form_values",)


@pytest.mark.parametrize(
    ("key", "made", "expected"),
    [
        ("SigFlags", number(3), ()),
        ("NeedAppearances", generic.BooleanObject(True), ("form_values",)),
        ("XFA", array(), ("form_values",)),
        ("CO", array(), ("form_values",)),
        ("Fields", array(), ("form_values",)),
        ("Fields", number(5), ("form_values",)),
        ("DR", number(5), ("form_values",)),
        ("DR", dictionary(), ("form_values",)),
        ("DA", pdf_string("/Helv 0 Tf"), ()),
    ],
)
def test_what_changes_in_the_form(key, made, expected):
    assert codes(base(), in_form(key, made)) == expected


def test_a_look_for_all_is_a_change_where_a_field_lacks_its_own():
    def without(pdf):
        del pdf.Root.AcroForm.Fields[0].DA

    assert codes(order_pdf(without), in_form("DA", pdf_string("/F1 0 Tf"))) == ("form_values",)
    told = order_pdf(lambda pdf: pdf.Root.AcroForm.__setitem__("/DA", String("/F1 0 Tf")))
    assert codes(told, in_form("DA", pdf_string("/F1 0 Tf"))) == ()
    assert codes(told, in_form("DA", pdf_string("/F1 9 Tf"))) == ("form_values",)

    def drop(writer):
        del writer.root["/AcroForm"]["/DA"]
        writer.mark_update(writer.root.raw_get("/AcroForm"))

    assert codes(told, drop) == ("form_values",)


def under(**above):
    """A text field without an appearance, below a parent field."""

    def edit(pdf):
        child = pdf.Root.AcroForm.Fields[0]
        del child.DA
        child.Parent = pdf.make_indirect(Dictionary(Kids=Array([child]), **above))
        pdf.Root.AcroForm.Fields[0] = child.Parent

    return order_pdf(edit)


def test_a_look_is_inherited():
    assert codes(under(DA=String("/F1 9 Tf")), in_form("DA", pdf_string("/F1 0 Tf"))) == ()
    assert codes(under(), in_form("DA", pdf_string("/F1 0 Tf"))) == ("form_values",)
    assert codes(framed(), in_form("DA", pdf_string("/F1 0 Tf"))) == (), "a signature shows no text"


def resource(kind, title, made=None):
    def edit(writer):
        store = writer.root["/AcroForm"]["/DR"]
        if f"/{kind}" not in store:
            store[f"/{kind}"] = dictionary()
        store[f"/{kind}"][f"/{title}"] = made(writer) if made else dictionary()
        writer.mark_update(writer.root.raw_get("/AcroForm"))

    return edit


def test_resources_that_no_earlier_field_can_use_may_come():
    plain = order_pdf()
    assert codes(plain, resource("Font", "Helv")) == ()
    assert codes(plain, resource("XObject", "FRM")) == ()
    assert codes(plain, resource("Font", "F1")) == ("form_values",), "it is there, and another"
    assert codes(base(), resource("Font", "F9")) == ("form_values",), "a field names it"
    assert codes(base(), resource("XObject", "F9")) == ("form_values",)
    assert codes(base(), resource("Font", "F8")) == ()
    hashed = order_pdf(lambda pdf: pdf.Root.AcroForm.Fields[0].__setitem__("/DA", String("/F#31 12 Tf")))
    assert codes(hashed, resource("Font", "Helv")) == ("form_values",)


def test_a_resource_that_the_form_alone_has_may_be_stated_again():
    def own(pdf):
        pdf.Root.AcroForm.DR.Font.F5 = pdf.make_indirect(Dictionary(Type=Name.Font, BaseFont=Name.Courier))

    assert codes(order_pdf(own), shadow.restate_everything) == ()
    assert codes(order_pdf(own), resource("Font", "F5", lambda _: dictionary(Type=name("Font")))) == ("form_values",)


def test_the_forms_own_look_names_resources_too():
    told = order_pdf(lambda pdf: pdf.Root.AcroForm.__setitem__("/DA", String("/F9 0 Tf")))
    assert codes(told, resource("Font", "F9")) == ("form_values",)
    assert codes(told, resource("Font", "XX")) == ()


def test_a_field_that_borrows_may_use_anything():
    def borrow(pdf, **entries):
        look = pdf.Root.AcroForm.Fields[0].AP.N
        del look["/Resources"]

    def empty(pdf):
        borrow(pdf)
        pdf.Root.AcroForm.Fields[0].AP.N.write(b" \n")

    def states(pdf):
        borrow(pdf)
        field = pdf.Root.AcroForm.Fields[0]
        field.AP = Dictionary(N=Dictionary(Yes=field.AP.N))

    assert codes(order_pdf(borrow), resource("Font", "Helv")) == ("form_values",)
    assert codes(order_pdf(states), resource("Font", "Helv")) == ("form_values",)
    assert codes(order_pdf(empty), resource("Font", "Helv")) == ()


def test_resources_may_not_go_or_change():
    def drop(writer):
        del writer.root["/AcroForm"]["/DR"]["/Font"]["/F1"]
        writer.mark_update(writer.root.raw_get("/AcroForm"))

    def drop_kind(writer):
        del writer.root["/AcroForm"]["/DR"]["/Font"]
        writer.mark_update(writer.root.raw_get("/AcroForm"))

    def drop_all(writer):
        del writer.root["/AcroForm"]["/DR"]
        writer.mark_update(writer.root.raw_get("/AcroForm"))

    for edit in (drop, drop_kind, drop_all):
        assert codes(order_pdf(), edit) == ("form_values",)

    def other(writer):
        writer.root["/AcroForm"]["/DR"]["/Font"] = number(5)
        writer.mark_update(writer.root.raw_get("/AcroForm"))

    assert codes(order_pdf(), other) == ("form_values",)


# --- the catalogue's packet and colours


def test_a_packet_or_an_intent_that_says_nothing_may_come():
    def add(content, **entries):
        return in_root("Metadata", lambda writer: shadow.stream(writer, content, **entries))

    kind = {"Type": name("Metadata"), "Subtype": name("XML")}
    assert codes(base(), add(shadow.packet(b"", b"2026"), **kind)) == ()
    assert codes(base(), add(shadow.packet(b"<!-- x -->", b"2026"), **kind)) == ("metadata",)
    assert codes(base(), add(shadow.packet(b"", b"2026"), Xyz=number(1), **kind)) == ("metadata",)
    packed = zlib.compress(shadow.packet(b"", b"2026"))
    coded = {"Filter": name("FlateDecode"), "DecodeParms": dictionary(Predictor=number(1))}

    def add_packed(writer):
        given = {pdf_name(f"/{key}"): one for key, one in (kind | coded).items()}
        writer.root["/Metadata"] = writer.add_object(generic.StreamObject(given, encoded_data=packed))
        writer.update_root()

    assert codes(base(), add_packed) == ()
    assert codes(base(), shadow.colours_of_a_screen) == ()
    assert codes(base(), shadow.colours_of_another_paper) == ("structure",)


def test_a_packet_may_tell_another_time_and_no_more():
    pdf = order_pdf(with_packet(shadow.packet(b"", b"2026-01-01")))
    end = len(pdf)
    assert changes_since(shadow.restated_packet(pdf, shadow.packet(b"", b"2026-02-02")), end).codes == ()
    assert changes_since(shadow.restated_packet(pdf, shadow.packet(b"<!-- -->")), end).codes == ("metadata",)
    later = shadow.restated_packet(pdf, shadow.packet(b"", b"2026-02-02"))
    other = later[:end] + later[end:].replace(b"/Subtype /XML", b"/Subtype /XXL")
    assert changes_since(other, end).codes == ("metadata",)


# --- lists and stores


def test_each_item_that_lies_in_a_list_is_compared():
    def notes(pdf):
        pdf.pages[1].Annots = Array([Dictionary(Subtype=Name.Text, Contents=String(text)) for text in "ab"])

    def other(at):
        def edit(writer):
            leaf = writer.find_page_for_modification(1)[0]
            leaf.get_object()["/Annots"][at]["/Contents"] = pdf_string("x")
            writer.mark_update(leaf)

        return edit

    assert codes(order_pdf(notes), shadow.restate_everything) == ()
    for at in (0, 1):
        assert codes(order_pdf(notes), other(at)) == ("page_content",)


def test_a_list_of_the_store_that_grows_is_validation_data():
    def store(pdf):
        pdf.Root.DSS = pdf.make_indirect(Dictionary(Certs=pdf.make_indirect(Array([]))))

    def grow(writer):
        place = writer.root["/DSS"].raw_get("/Certs")
        place.get_object().append(number(1))
        writer.mark_update(place)

    assert codes(order_pdf(store), shadow.restate_everything) == ()
    assert codes(order_pdf(store), grow) == ("validation_data",)


def test_a_file_of_many_objects_is_no_maze():
    def many(pdf):
        pdf.Root.PieceInfo = Array([pdf.make_indirect(Dictionary(A=Array([at]))) for at in range(600)])

    assert codes(order_pdf(many), shadow.restate_everything) == ()


# --- streams


def test_a_stream_is_compared_with_what_tells_its_meaning():
    pdf = order_pdf()

    def entry(key, made):
        def edit(writer):
            place = shadow.page(writer).raw_get("/Contents")
            place.get_object()[f"/{key}"] = made
            writer.mark_update(place)

        return edit

    assert codes(pdf, entry("Xyz", number(1))) == ("page_content",)
    assert codes(pdf, shadow.compress_the_content) == ()
    assert codes(pdf, shadow.compress_the_content, entry("Xyz", number(1))) == ("page_content",)

    def no_stream(writer):
        shadow.changed_page(writer)["/Contents"] = dictionary()

    assert codes(pdf, no_stream) == ("page_content",)


# --- layers


def test_a_layer_stays_one_and_the_same():
    twins = _Twins(frozenset({(1, 0), (2, 0), (3, 0)}), frozenset({(5, 0), (6, 0), (7, 0)}))
    assert twins.meet((9, 0), (9, 0))
    assert twins.meet((9, 0), (8, 0))
    assert twins.meet((1, 0), (5, 0))
    assert twins.meet((1, 0), (5, 0))
    assert not twins.meet((1, 0), (6, 0))
    assert not twins.meet((2, 0), (5, 0))
    assert not twins.meet((3, 0), (9, 0))
    assert not twins.meet((9, 0), (7, 0))


def test_layers_that_lie_deep_are_told_apart():
    def deep(pdf):
        twins = [pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("x"))) for _ in range(2)]
        order = Array([Array([Dictionary(List=Array(twins))])])
        pdf.Root.OCProperties = pdf.make_indirect(Dictionary(D=Dictionary(Order=order)))
        pdf.pages[0].Resources.Properties = Dictionary(L1=twins[0], L2=twins[1])

    assert codes(order_pdf(deep), shadow.exchange_twin_layers) == ("layers",)
    assert codes(order_pdf(deep), shadow.copy_a_layer) == ("layers",)
    assert codes(order_pdf(deep), shadow.restate_everything) == ()


# --- pages


def test_pages_in_a_deep_tree_are_found_in_order():
    def deepen(pdf):
        kids = list(pdf.Root.Pages.Kids)
        above = pdf.make_indirect(Dictionary(Type=Name.Pages, Kids=Array([kids[1]]), Count=1, Parent=pdf.Root.Pages))
        kids[1].Parent = above
        pdf.Root.Pages.Kids = Array([kids[0], above])

    deep = order_pdf(deepen)
    assert codes(deep, shadow.restate_everything) == ()
    assert since(deep, sign(page=1)).places == {1: (tuple(map(float, BOX)),)}

    def swap(writer):
        kids = writer.root["/Pages"]["/Kids"]
        writer.root["/Pages"]["/Kids"] = array(kids.raw_get(1), kids.raw_get(0))
        writer.mark_update(writer.root.raw_get("/Pages"))

    assert not since(deep, swap).harmless


def test_a_tree_of_pages_that_goes_in_circles_ends():
    def circle(writer):
        tree = writer.root["/Pages"]
        tree["/Kids"].append(writer.root.raw_get("/Pages"))
        writer.mark_update(writer.root.raw_get("/Pages"))

    with pytest.raises(pikepdf.PdfError, match="Loop"):
        codes(base(), circle)


def test_many_differences_are_one_verdict():
    def many(writer):
        form = writer.root["/AcroForm"]
        for at in range(100):
            form[f"/X{at}"] = number(at)
        writer.mark_update(writer.root.raw_get("/AcroForm"))
        in_page("Rotate", number(90))(writer)

    assert "form_values" in codes(base(), many)


# --- faults of a comparison that stops early or takes two values for one


def test_a_maze_of_pairs_is_a_change():
    """One object stands for thousands: each pair would have to be compared."""

    def one_for_all(pdf):
        leaf = pdf.make_indirect(Dictionary())
        pdf.Root.PieceInfo = Dictionary(A=Array([leaf] * 3_000))

    def many(writer):
        writer.root["/PieceInfo"]["/A"] = array(*(writer.add_object(dictionary()) for _ in range(3_000)))
        writer.update_root()

    assert codes(order_pdf(one_for_all), many) == ("structure",)


def test_many_signatures_hide_no_change_behind_them():
    def fields(pdf):
        pdf.Root.PieceInfo = Dictionary(A=1)
        for at in range(45):
            place = Dictionary(FT=Name.Sig, T=String(f"s{at}"), Type=Name.Annot, Subtype=Name.Widget,
                               Rect=Array([0, 0, 0, 0]), F=4)  # fmt: skip
            pdf.Root.AcroForm.Fields.append(pdf.make_indirect(place))
            pdf.pages[0].Annots.append(pdf.Root.AcroForm.Fields[-1])

    def sign_all(writer):
        listed = writer.root["/AcroForm"]["/Fields"]
        for at in range(1, 46):
            writer.mark_update(listed.raw_get(at))
            listed[at]["/V"] = value(writer)

    pdf = order_pdf(fields)
    assert codes(pdf, sign_all) == ("signed_again",)
    assert codes(pdf, sign_all, in_root("PieceInfo", dictionary(A=number(2)))) == ("signed_again", "structure")


def test_all_that_may_come_is_harmless_together():
    def store(writer):
        writer.root["/DSS"] = dictionary(Certs=array())
        writer.update_root()

    found = since(framed(), fill(AP=look()), sign(), store)
    assert found.codes == ("new_field", "signed_again", "validation_data")
    assert found.harmless


def test_what_leads_back_to_the_catalogue_meets_it_as_one():
    def back(pdf):
        pdf.Root.PieceInfo = Dictionary(A=pdf.Root)

    assert codes(order_pdf(back), in_root("DSS", dictionary(Certs=array()))) == ("validation_data",)


def test_an_old_page_is_named_by_the_way_to_it():
    def spoil(writer):
        old = writer.root["/AcroForm"]["/Fields"][0].raw_get("/P")
        old.get_object()["/UserUnit"] = number(2)
        writer.mark_update(old)

    assert codes(base(), shadow.renumber_the_pages, spoil) == ("annotations",)


def test_a_filled_field_shows_on_the_page_that_lists_it():
    def note(pdf):
        pdf.pages[1].Annots = Array([pdf.make_indirect(Dictionary(Subtype=Name.Text, Rect=Array([0, 0, 9, 9])))])

    found = since(with_empty_field(order_pdf(note)), fill(AP=look()))
    assert found.places == {0: ((300.0, 100.0, 500.0, 160.0),)}


def test_a_note_that_is_none_is_a_change():
    def add(writer):
        shadow.changed_page(writer)["/Annots"].append(number(5))
        writer.mark_update(shadow.page(writer).raw_get("/Annots"))

    assert codes(base(), add) == ("annotations",)


def test_what_stays_in_the_form_is_no_change():
    def own(pdf):
        pdf.Root.AcroForm.NeedAppearances = False
        pdf.Root.AcroForm.CO = Array([pdf.Root.AcroForm.Fields[0]])

    assert codes(order_pdf(own), in_form("SigFlags", number(3))) == ()
    assert codes(order_pdf(own), in_form("CO", array())) == ("form_values",)


def test_a_field_on_no_page_is_part_of_the_form():
    def unseen(pdf):
        pdf.Root.AcroForm.Fields.append(pdf.make_indirect(Dictionary(FT=Name.Tx, T=String("x"), MaxLen=4)))

    assert codes(order_pdf(unseen), in_field("MaxLen", number(5), at=1)) == ("form_values",)


def test_resources_that_come_where_none_were_are_looked_at():
    """The field names a font that no resource defined. A later one would draw its text with other letters."""

    def without(pdf):
        del pdf.Root.AcroForm["/DR"]

    def fonts(title):
        return lambda writer: dictionary(Font=dictionary(**{title: dictionary(Type=name("Font"))}))

    assert codes(order_pdf(without), in_form("DR", fonts("F1"))) == ("form_values",)
    assert codes(order_pdf(without), in_form("DR", fonts("F7"))) == ()


def test_each_resource_that_lies_in_the_form_is_compared():
    def own(pdf):
        for title in ("F4", "F5", "F6"):
            pdf.Root.AcroForm.DR.Font[f"/{title}"] = Dictionary(Type=Name.Font, BaseFont=Name.Courier)

    pdf = order_pdf(own)
    for title in ("F4", "F5", "F6"):
        other = resource("Font", title, lambda _: dictionary(Type=name("Font"), BaseFont=name("Helvetica")))
        assert codes(pdf, other) == ("form_values",), title


def test_a_new_field_that_names_no_page_stands_on_one():
    def twice(writer):
        notes = writer.find_page_for_modification(0)[0].get_object()["/Annots"]
        leaf = writer.find_page_for_modification(1)[0]
        writer.register_annotation(leaf, notes.raw_get(len(notes) - 1))

    assert codes(base(), sign(P=number(5)), twice) == ("annotations", "new_field")


def test_a_look_too_far_above_a_field_is_not_its_own():
    def deep(pdf):
        child = pdf.Root.AcroForm.Fields[0]
        del child.DA
        for _ in range(70):
            above = pdf.make_indirect(Dictionary(Kids=Array([child])))
            child.Parent = above
            child = above
        child.DA = String("/F1 9 Tf")
        pdf.Root.AcroForm.Fields[0] = child

    assert codes(order_pdf(deep), in_form("DA", pdf_string("/F1 0 Tf"))) == ("form_values",)
