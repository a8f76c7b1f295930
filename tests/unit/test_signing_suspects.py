"""Contents of a signed file beside its pages: actions, layers, forms of programs, second readings, shared fields."""

from io import BytesIO

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name

from signing import suspects as judged
from signing.suspects import duplicates, hidden_signatures, suspects


def order_pdf(edit=lambda pdf: None):
    """A page and a form without fields, and the additions of an edit."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    pdf.Root.AcroForm = Dictionary(Fields=Array([]))
    edit(pdf)
    output = BytesIO()
    pdf.save(output)
    return output.getvalue()


def with_root(**entries):
    """A file whose catalogue has these entries."""

    def edit(pdf):
        for key, value in entries.items():
            pdf.Root[f"/{key}"] = pdf.make_indirect(value) if isinstance(value, pikepdf.Stream) else value

    return order_pdf(edit)


def told(**entries):
    return suspects(with_root(**entries))


# --- actions


def test_a_plain_order_carries_nothing():
    assert suspects(order_pdf()) == ()


@pytest.mark.parametrize("kind", ["JavaScript", "Rendition"])
def test_what_runs_a_script(kind):
    assert told(OpenAction=Dictionary(S=Name(f"/{kind}"))) == ("javascript",)


@pytest.mark.parametrize("key", ["JS", "JavaScript"])
def test_a_script_without_a_kind(key):
    assert told(Names=Dictionary({f"/{key}": "app.alert(1)"})) == ("javascript",)
    assert told(Names=Dictionary({f"/X{key}": "app.alert(1)", "/S": Name.GoTo})) == ()


@pytest.mark.parametrize(
    "kind", ["Launch", "SubmitForm", "ImportData", "SetOCGState", "Hide", "RichMediaExecute", "GoToE"]
)
def test_what_acts_on_the_reader_or_outside(kind):
    assert told(OpenAction=Dictionary(S=Name(f"/{kind}"))) == ("active_content",)


@pytest.mark.parametrize("kind", ["GoTo", "URI", "Named", "javascript", "Launched"])
def test_what_leads_somewhere_only(kind):
    assert told(OpenAction=Dictionary(S=Name(f"/{kind}"))) == ()


def test_a_script_is_no_second_finding():
    assert told(OpenAction=Dictionary(S=Name.Launch, JS="x")) == ("javascript",)
    assert set(told(OpenAction=Dictionary(S=Name.Launch), AA=Dictionary(WP=Dictionary(JS="x")))) == {
        "active_content",
        "javascript",
    }


def test_each_code_is_told_once():
    chain = Dictionary(S=Name.Launch, Next=Array([Dictionary(S=Name.Hide), Dictionary(S=Name.Launch)]))
    assert told(OpenAction=chain) == ("active_content",)


def nested(depth, inner):
    value = inner
    for _ in range(depth):
        value = Array([value])
    return value


@pytest.mark.parametrize(("depth", "found"), [(0, True), (1, True), (62, True), (63, True), (64, False), (80, False)])
def test_how_deep_direct_values_are_looked_at(depth, found):
    # The catalogue has depth 0, its entry depth 1.
    assert told(X=nested(depth, Dictionary(S=Name.Launch))) == (("active_content",) if found else ())


def test_dictionaries_are_looked_at_as_deep_as_lists():
    value = Dictionary(S=Name.Launch)
    for _ in range(63):
        value = Dictionary(A=value)
    assert told(X=value) == ("active_content",)
    assert told(X=Dictionary(A=value)) == ()


def test_a_dictionary_of_a_stream_is_looked_at():
    pdf = pikepdf.new()
    assert told(X=pikepdf.Stream(pdf, b"x", {"/S": Name.Launch})) == ("active_content",)
    assert told(X=pikepdf.Stream(pdf, b"x", {"/A": Dictionary(JS="x")})) == ("javascript",)


def test_what_has_a_number_is_met_on_its_own_alone():
    with pikepdf.open(BytesIO(order_pdf())) as pdf:
        leaf = pdf.make_indirect(Dictionary(S=Name.Launch))
        holder = Dictionary(A=leaf, B=Dictionary(C=1))
        assert list(judged._dictionaries(holder)) == [holder, holder.B]
        assert list(judged._dictionaries(leaf)) == [leaf]
        assert list(judged._dictionaries(5)) == []


# --- forms and layers


def test_a_form_of_a_program():
    assert told(AcroForm=Dictionary(XFA=Array([]))) == ("dynamic_form",)
    assert told(AcroForm=Array([Name.XFA])) == ()
    assert told(AcroForm=Dictionary(Fields=Array([]))) == ()


def layers(ocgs=None, **entries):
    groups = Array([Dictionary(Type=Name.OCG, Name="Montant")]) if ocgs is None else ocgs
    return told(OCProperties=Dictionary(OCGs=groups, **entries))


HIDDEN = ("hidden_layers",)
FILLED = Array([Dictionary(Type=Name.OCG, Name="x")])


def test_layers_that_start_hidden():
    assert layers(D=Dictionary(OFF=FILLED)) == HIDDEN
    assert layers(D=Dictionary(BaseState=Name.OFF)) == HIDDEN
    assert layers(D=Dictionary(BaseState=Name.Unchanged)) == HIDDEN


def test_layers_that_change_with_the_use_or_by_a_choice():
    assert layers(D=Dictionary(AS=FILLED)) == HIDDEN
    assert layers(Configs=FILLED) == HIDDEN
    assert layers(D=Dictionary(), Configs=FILLED) == HIDDEN


def test_layers_that_everybody_sees():
    assert layers() == ()
    assert layers(D=Dictionary(BaseState=Name.ON)) == ()
    assert layers(D=Dictionary(ON=FILLED, OFF=Array([]), AS=Array([]), BaseState=Name.ON), Configs=Array([])) == ()
    assert layers(D=Dictionary(OFF=Dictionary(A=1))) == ()


def test_without_a_group_there_is_no_layer():
    assert layers(ocgs=Array([]), D=Dictionary(OFF=FILLED)) == ()
    assert layers(ocgs=Dictionary(A=1), D=Dictionary(OFF=FILLED)) == ()
    assert told(OCProperties=FILLED) == ()


# --- hybrid files, plain bytes


ENTRIES = b"0000000000 65535 f \n0000000015 00000 n \n0000000100 00000 n \n"


def test_the_objects_that_a_table_places():
    assert judged._in_use(b"xref\n0 3\n" + ENTRIES) == {1, 2}
    assert judged._in_use(b"xref\r7 3\r" + ENTRIES) == {8, 9}
    assert judged._in_use(b"xref\n12 0\n7 3\n" + ENTRIES) == {8, 9}
    assert judged._in_use(b"xref\n0 1\n0000000000 65535 f \n5 1\n0000000015 00001 n \n") == {5}
    assert judged._in_use(b"xref\n5  1 \t\r\n0000000015 00000 n \n") == {5}
    assert judged._in_use(b"xref\n5 1" + b" " * 64 + b"\n0000000015 00000 n \n") == {5}
    assert judged._in_use(b"xref\n5 1" + b" " * 65 + b"\n0000000015 00000 n \n") == {0}
    assert judged._in_use(b"") == set()


def test_the_numbers_of_a_part_have_at_most_ten_digits():
    assert judged._in_use(b"1234567890 1\n0000000015 00000 n \n") == {1234567890}
    assert judged._in_use(b"12345678901 1\n0000000015 00000 n \n") == {0}


STREAM = b"9 0 obj\n<< /Type /XRef /Size %d %s>>\nstream\n"


def test_the_objects_that_a_stream_places():
    assert judged._in_stream(STREAM % (5, b""), 0) == {1, 2, 3, 4}
    assert judged._in_stream(b"%PDF\n" + STREAM % (5, b"/Index [2 2 7 1] "), 5) == {2, 3, 7}
    assert judged._in_stream(b"\n " + STREAM % (20, b"/Index[8 3]"), 0) == {8, 10}
    assert judged._in_stream(STREAM % (20, b"/Index [0 2 30] "), 0) == {1}
    assert judged._in_stream(b"<< /Index [4 2] >>", 0) == {4, 5}
    assert judged._in_stream(b"nothing", 0) == set()


def test_a_stream_is_read_near_its_place_and_counts_to_a_million():
    assert judged._in_stream(b"9 0 obj <<" + b" " * 1008 + b"/Size 3", 0) == set()
    assert judged._in_stream(b"9 0 obj <<" + b" " * 1007 + b"/Size 3", 0) == {1, 2}
    assert judged._in_stream(b"9 0 obj <<" + b" " * 1003 + b"/Index [2 1]", 0) == set()
    assert judged._in_stream(b"9 0 obj <<" + b" " * 1002 + b"/Index [2 1]", 0) == {2}
    assert judged._in_stream(b" " * 57 + b"3 0 obj /Size 5", 0) == {1, 2, 4}
    assert judged._in_stream(b" " * 58 + b"3 0 obj /Size 5", 0) == {1, 2, 3, 4}
    assert max(judged._in_stream(STREAM % (2_000_000, b""), 0)) == 999_999


def section(table, trailer=b"<< /Size 3 >>"):
    return b"xref\n" + table + b"trailer\n" + trailer + b"\nstartxref\n1\n%%EOF\n"


def test_each_table_is_found_with_its_trailer():
    one, two = section(b"0 1\n", b"<< /A 1 >>"), section(b"5 1\n", b"<< /B 2 >>")
    found = list(judged._sections(b"%PDF\n" + one + two))
    assert found == [(b"xref\n0 1\n", b"trailer\n<< /A 1 >>\n"), (b"xref\n5 1\n", b"trailer\n<< /B 2 >>\n")]
    assert list(judged._sections(one)) == found[:1]
    assert list(judged._sections(b"xref\n0 1\n")) == []
    assert list(judged._sections(b"xref\n0 1\ntrailer\n")) == []
    assert list(judged._sections(b"trailer startxref xref\n0 1\n")) == []


def test_a_table_is_a_word_of_its_own():
    assert judged._table_start(b"xref\n", 0) == 0
    assert judged._table_start(b"startxref\n1\nxref ", 0) == 12
    assert judged._table_start(b"xrefs xref\t", 0) == 6
    assert judged._table_start(b"start xref\n", 0) == 6
    assert judged._table_start(b"tart1xref\n", 0) == 5
    assert judged._table_start(b"startxref\n", 0) == -1
    assert judged._table_start(b"xref\nxref\n", 1) == 5
    assert judged._table_start(b"xref", 0) == -1
    assert judged._table_start(b"xrefxref\n", 0) == 4


def hybrid(used, placed, named=b"/XRefStm %d"):
    """A table that uses an object. The trailer names a stream that places one."""
    stream = b"9 0 obj\n<< /Type /XRef /Size 20 /Index [%d 1] >>\nstream\n" % placed
    table = b"%d 1\n0000000015 00000 n \n" % used
    head = b"%PDF-1.5\n"
    return head + stream + section(table, b"<< " + (named % len(head) if b"%d" in named else named) + b" >>")


def test_a_hybrid_says_two_things_where_both_place_an_object():
    assert list(judged._hybrids(hybrid(4, 4))) == ["two_readings"]
    assert list(judged._hybrids(hybrid(4, 5))) == []
    assert list(judged._hybrids(hybrid(4, 4, b"/XRefStm\n%d"))) == ["two_readings"]


def test_a_hybrid_that_cannot_be_followed_says_two_things():
    for named in (b"/XRefStm (x)", b"/XRefStm", b"/XRefStm /A"):
        assert list(judged._hybrids(hybrid(4, 5, named))) == ["two_readings"], named


def test_only_trailers_make_a_hybrid():
    plain = section(b"4 1\n0000000015 00000 n \n")
    assert list(judged._hybrids(b"/XRefStm 0 " + plain)) == []
    assert list(judged._hybrids(plain + hybrid(4, 4))) == ["two_readings"]
    assert list(judged._hybrids(hybrid(4, 4) + hybrid(4, 5) + hybrid(6, 6))) != []


# --- signature fields


def field(pdf, title=None, value=None, kids=(), kind=Name.Sig, direct=False):
    entries = {}
    if title is not None:
        entries["/T"] = title
    if kind is not None:
        entries["/FT"] = kind
    if value is not None:
        entries["/V"] = value
    if kids:
        entries["/Kids"] = Array(list(kids))
    made = Dictionary(entries)
    return made if direct else pdf.make_indirect(made)


def with_fields(make):
    """A file whose form has the fields that ``make`` returns."""

    def edit(pdf):
        pdf.Root.AcroForm = Dictionary(Fields=Array(list(make(pdf))))

    return order_pdf(edit)


def signature(pdf):
    return pdf.make_indirect(Dictionary(Type=Name.Sig))


def test_fields_of_their_own_share_nothing():
    assert duplicates(order_pdf()) == frozenset()
    assert duplicates(with_fields(lambda pdf: [field(pdf, "a", signature(pdf)), field(pdf, "b", signature(pdf))])) == (
        frozenset()
    )
    assert duplicates(with_fields(lambda pdf: [field(pdf, "a"), field(pdf, "b")])) == frozenset()


def test_two_fields_of_one_name_share_it():
    assert duplicates(with_fields(lambda pdf: [field(pdf, "a"), field(pdf, "b"), field(pdf, "a")])) == {"a"}


def test_two_fields_of_one_signature_share_it():
    def make(pdf):
        one = signature(pdf)
        return [field(pdf, "a", one), field(pdf, "b", one), field(pdf, "c", signature(pdf)), field(pdf, "d")]

    assert duplicates(with_fields(make)) == {"a", "b"}


def test_signatures_without_a_number_are_told_apart_by_their_fields():
    def make(pdf):
        return [field(pdf, "a", Dictionary(Type=Name.Sig)), field(pdf, "b", Dictionary(Type=Name.Sig))]

    assert duplicates(with_fields(make)) == frozenset()


def fields_found(make):
    with pikepdf.open(BytesIO(with_fields(make))) as pdf:
        return sorted(name for name, _ in judged._signature_fields(pdf))


def test_names_are_put_together_from_above():
    def make(pdf):
        return [field(pdf, "x", kind=None, kids=[field(pdf, "a"), field(pdf, "b", kids=[field(pdf, "c")])])]

    assert fields_found(make) == ["x.a", "x.b", "x.b.c"]


def test_a_widget_without_a_name_is_no_field_of_its_own():
    assert fields_found(lambda pdf: [field(pdf, "x", kids=[field(pdf), field(pdf)])]) == ["x"]
    assert fields_found(lambda pdf: [field(pdf)]) == [""]
    assert fields_found(lambda pdf: [field(pdf, kind=None, kids=[field(pdf, "a")])]) == ["a"]


def test_fields_of_another_kind_are_left_out():
    assert fields_found(lambda pdf: [field(pdf, "a", kind=Name.Tx), field(pdf, "b", kind=None), field(pdf, "c")]) == [
        "c"
    ]
    assert fields_found(lambda pdf: [Name.Sig, 5, field(pdf, "c")]) == ["c"]


def test_a_field_met_twice_is_a_duplicate_and_ends():
    def make(pdf):
        mine = field(pdf, "a")
        return [mine, mine, mine, mine]

    assert fields_found(make) == ["a", "a"]
    assert duplicates(with_fields(make)) == {"a"}


def test_fields_in_a_circle_end():
    def make(pdf):
        mine = field(pdf, "a")
        mine.Kids = Array([mine])
        return [mine]

    assert fields_found(make) == ["a", "a.a"]


def test_fields_without_a_number_are_looked_at_each():
    assert fields_found(lambda pdf: [field(pdf, "a", direct=True) for _ in range(3)]) == ["a"] * 3


def test_how_deep_fields_are_looked_at():
    def make(pdf):
        mine = field(pdf, "end", direct=True)
        for _ in range(64):
            mine = field(pdf, "x", kind=None, kids=[mine], direct=True)
        return [mine, field(pdf, "y", kind=None, kids=[mine], direct=True)]

    assert fields_found(make) == [".".join(["x"] * 64) + ".end"]


def test_a_form_that_is_none_has_no_fields():
    with pikepdf.open(BytesIO(with_root(AcroForm=Array([])))) as pdf:
        assert list(judged._signature_fields(pdf)) == []
    with pikepdf.open(BytesIO(with_root(AcroForm=Dictionary()))) as pdf:
        assert list(judged._signature_fields(pdf)) == []


def test_the_place_of_a_signature():
    def make(pdf):
        return [field(pdf, "a", signature(pdf)), field(pdf, "b"), field(pdf, "c", 5)]

    with pikepdf.open(BytesIO(with_fields(make))) as pdf:
        found = dict(judged._signature_fields(pdf))
        assert found == {"a": pdf.Root.AcroForm.Fields[0].V.objgen, "b": None, "c": None}


def test_a_file_without_a_form_has_no_fields():
    def bare(pdf):
        del pdf.Root.AcroForm

    assert duplicates(order_pdf(bare)) == frozenset()
    assert suspects(order_pdf(bare)) == ()


def test_a_field_listed_often_hides_no_other():
    def make(pdf):
        often = field(pdf, "often")
        return [field(pdf, "a"), field(pdf, "a"), often, often, often]

    assert duplicates(with_fields(make)) == {"a", "often"}


def test_only_dots_are_no_part_of_a_name():
    assert fields_found(lambda pdf: [field(pdf, "Xa.X"), field(pdf, ".b.")]) == ["Xa.X", "b"]


@pytest.mark.parametrize("look", [suspects, duplicates])
def test_a_file_that_must_be_repaired_is_not_looked_at(look):
    """Each reader repairs a file in another way."""
    with pytest.raises(pikepdf.PdfError):
        look(order_pdf().replace(b"startxref", b"startxfer"))


# --- signatures that no field refers to


def ranged(start=0, gap=40, after=50, tail=4, opening=b"<", closing=b">", word=b"/ByteRange [%d %d %d %d]"):
    """A file of 54 bytes, with other bytes at 40 and 49."""
    head = (word % (start, gap, after, tail)).ljust(40)
    return head + opening + b"0" * 8 + closing + b"tail"


def test_a_signature_in_the_bytes_is_counted_unless_shown():
    assert hidden_signatures(ranged(), []) == 1
    assert hidden_signatures(ranged(), [40]) == 0
    assert hidden_signatures(ranged(), [39, 41]) == 1
    assert hidden_signatures(ranged(word=b"/ByteRange[ %d\n%d %d %d ]"), []) == 1
    assert hidden_signatures(b"", []) == 0


def test_two_that_name_one_place_are_one():
    twice = ranged() + b"/ByteRange [0 40 50 4]"
    assert hidden_signatures(twice, []) == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"start": 1},
        {"gap": 0},
        {"gap": 41},
        {"after": 40},
        {"after": 39},
        {"after": 49},
        {"tail": 5},
        {"opening": b"("},
        {"closing": b")"},
    ],
)
def test_numbers_that_name_no_signature(odd):
    assert hidden_signatures(ranged(**odd), []) == 0


def test_nothing_left_out_is_no_signature():
    assert hidden_signatures(b"/ByteRange [0 40 40 4]".ljust(39) + b"><" + b"x" * 9, []) == 0


@pytest.mark.parametrize("even", [{"tail": 0}, {"tail": 3}])
def test_a_signature_may_leave_out_the_end(even):
    assert hidden_signatures(ranged(**even), []) == 1


def test_a_gap_needs_a_byte_before_it():
    word = b"<0>/ByteRange [0 0 3 %d]"
    assert hidden_signatures(word % 10, []) == 0
    small = b"x<>/ByteRange [0 1 3 4]"
    assert hidden_signatures(small, []) == 1
