"""Tests of every class of attack on a signed PDF. Each states the expected verdict and its reason.

A test module imports these tests with ``*``. It must define the module-scoped fixtures ``ministry``
(``pki_kit.Ministry``) and ``checker`` (the signature checker under test). Two modules do so.
"""

import re
from datetime import timedelta

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from pikepdf import Array, Dictionary, Name
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.sign.fields import MDPPerm

from tests.pki_kit import (
    NOW,
    YEAR,
    Ministry,
    crl,
    holder,
    order_pdf,
    signed,
    stamped,
    updated,
    with_empty_field,
    with_validation_data,
)
from tests.shadow_kit import (
    annotate,
    hide_a_layer,
    open_with_a_script,
    point_to_other_content,
    remove_a_page,
    replace_the_shown_payee,
    replace_the_value,
    swap_the_content,
    swap_the_font,
    turn_a_page,
    uncover_by_an_empty_overlay,
)

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def order(ministry):
    """A payment order, signed once, as PDF bytes. It has a free field for a second signature."""
    return signed(with_empty_field(order_pdf()), ministry.signer, docmdp=MDPPerm.FILL_FORMS)


@pytest.fixture(scope="module")
def ask(checker):
    """A function (pdf, at) that checks a PDF at a time. It returns (verdict, reason) for each signature."""

    def ask(pdf, at=NOW):
        return [(report.verdict.value, report.reason) for report in checker.check(pdf, at=at)]

    return ask


def _changes(checker, pdf):
    return checker.check(pdf, at=NOW)[0].changes


# --- changes that stay green


def test_an_untouched_signature_is_green(ask, order):
    assert ask(order) == [("green", "ok")]


def test_validation_data_and_time_stamps_of_the_document_are_green(ask, checker, ministry):
    plain = signed(order_pdf(), ministry.signer, stamper=ministry.stamps(NOW))
    stored = with_validation_data(plain, [ministry.root], [crl(ministry.root, {})])
    assert ask(stored) == [("green", "validation_data")]
    assert checker.check(stored, at=NOW)[0].level == "B-LT"
    whole = stamped(stored, ministry.stamps(NOW))
    found = checker.check(whole, at=NOW)
    assert (found[0].verdict.value, found[0].reason, found[0].level) == ("green", "validation_data", "B-LTA")
    assert (found[1].verdict.value, found[1].is_timestamp, found[1].timestamp) == ("green", True, NOW)
    again = stamped(with_validation_data(whole, [ministry.stamper]), ministry.stamps(NOW))
    assert ask(again) == [("green", "validation_data")] * 2 + [("green", "ok")]
    assert found[0].changes == ("validation_data",)


def test_validation_data_may_be_added_to_what_is_certified_against_all_changes(ask, ministry):
    sealed = signed(order_pdf(), ministry.signer, docmdp=MDPPerm.NO_CHANGES)
    assert ask(with_validation_data(sealed, [ministry.root])) == [("green", "validation_data")]


# --- a second signature


def test_signed_again_in_a_field_that_was_there_is_amber(ask, checker, order, ministry):
    twice = signed(order, ministry.signer, name="second")
    assert ask(twice) == [("amber", "signed_again"), ("green", "ok")]
    assert checker.check(twice, at=NOW)[0].covers_bytes == len(order)  # length of the signed revision
    assert ask(with_validation_data(twice, [ministry.root])) == [
        ("amber", "signed_again"),
        ("green", "validation_data"),
    ]


def test_signed_again_where_the_certification_forbids_it_is_red(ask, ministry, monkeypatch):
    sealed = signed(with_empty_field(order_pdf()), ministry.signer, docmdp=MDPPerm.NO_CHANGES)
    monkeypatch.setattr("pyhanko.sign.signers.pdf_signer.PdfSigner._enforce_certification_constraints", lambda *_: None)
    assert ask(signed(sealed, ministry.signer, name="second"))[0] == ("red", "modified_after")


def test_signed_again_in_a_field_of_its_own_is_amber_and_told_so(ask, checker, order, ministry):
    thrice = signed(signed(order, ministry.signer, name="second"), ministry.signer, name="third")
    assert ask(thrice) == [("amber", "signed_again")] * 2 + [("green", "ok")]
    assert [one.changes for one in checker.check(thrice, at=NOW)] == [("new_field", "signed_again"), ("new_field",), ()]


# --- shadow attacks and incremental updates


@pytest.mark.parametrize(
    ("edit", "change"),
    [
        (replace_the_shown_payee, "annotations"),
        (replace_the_value, "annotations"),
        (uncover_by_an_empty_overlay, "page_content"),
        (swap_the_content, "page_content"),
        (point_to_other_content, "page_content"),
        (swap_the_font, "page_content"),
        (annotate, "annotations"),
        (remove_a_page, "pages"),
        (turn_a_page, "page_content"),
        (open_with_a_script, "actions"),
        (hide_a_layer, "layers"),
    ],
)
def test_what_is_changed_after_the_signature_is_red_and_named(ask, checker, order, edit, change):
    attacked = updated(order, edit)
    assert ask(attacked) == [("red", "modified_after")]
    (report,) = checker.check(attacked, at=NOW)
    assert report.changes
    assert change in report.changes or {"form_values"} & set(report.changes)
    assert attacked[: report.covers_bytes] == order  # the signed revision can be offered for download


def test_a_change_hidden_among_validation_data_is_red(ask, order, ministry):
    def both(writer):
        replace_the_shown_payee(writer)
        writer.root["/DSS"] = generic.DictionaryObject()
        writer.update_root()

    assert ask(updated(order, both)) == [("red", "modified_after")]
    assert ask(with_validation_data(updated(order, swap_the_font), [ministry.root])) == [("red", "modified_after")]


def test_a_change_before_a_second_signature_is_red_for_the_first(ask, order, ministry):
    attacked = signed(updated(order, swap_the_content), ministry.signer, name="second")
    assert ask(attacked) == [("red", "modified_after"), ("green", "ok")]


def test_bytes_after_the_end_are_not_green(ask, order):
    assert ask(order + b"\n") == [("amber", "bytes_after")]
    assert ask(order + b"% nothing\n%%EOF\n")[0][0] != "green"


def test_a_form_taken_away_does_not_hide_a_signature(ask, order, ministry):
    def strip(writer):
        del writer.root["/AcroForm"]
        writer.update_root()

    assert ask(updated(order, strip)) == [("red", "signature_hidden")]

    def forget_one(writer):
        writer.root["/AcroForm"]["/Fields"] = generic.ArrayObject([])
        writer.mark_update(writer.root.raw_get("/AcroForm"))

    usurped = signed(updated(order, forget_one), ministry.signer, name="usurper")
    assert ("red", "signature_hidden") in ask(usurped)


# --- signature wrapping, byte ranges


def range_of(pdf):
    """The match of the first /ByteRange in the PDF; its four groups are decimal numbers. None without one."""
    return re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\s*\]", pdf)


def ranged(pdf, *numbers):
    """Replace the four numbers of the first /ByteRange. The length of the file stays."""
    found = range_of(pdf)
    return pdf.replace(found[0], (b"/ByteRange [%d %d %d %d]" % numbers).ljust(len(found[0])))


@pytest.mark.parametrize(
    "trick",
    [
        lambda a, b, c, d: (a, b - 9, c, d),
        lambda a, b, c, d: (a, b, c + 9, d - 9),
        lambda a, b, c, d: (a, b, c, d - 40),
        lambda a, b, c, d: (a, b, c, d + 5),
        lambda a, b, c, d: (1, b - 1, c, d),
        lambda a, b, c, d: (a, b, b, d),
        lambda a, b, c, d: (a, 0, c, d),
        lambda a, b, c, d: (a, b, c, 0),
    ],
    ids=["gap_before", "gap_after", "short", "beyond", "start", "no_gap", "empty_head", "empty_tail"],
)
def test_byte_range_tricks_are_red(ask, order, trick):
    numbers = tuple(int(one) for one in range_of(order).groups())
    found = ask(ranged(order, *trick(*numbers)))
    assert found
    assert all(verdict == "red" for verdict, _ in found)


@pytest.mark.parametrize("value", [b"[0 -5 10 20]", b"[0 10 20]", b"(none)", b"null", b"[0 1 2 3 4 5]", b"[/a /b 1 2]"])
def test_byte_ranges_of_another_shape_are_red(ask, order, value):
    found = range_of(order)
    assert ask(order.replace(found[0], (b"/ByteRange " + value).ljust(len(found[0]))))[0][0] == "red"


def test_a_wrapped_signature_is_red(ask, order):
    """Signature wrapping (SWA): the second signed part is moved to the end. Readers show the unsigned bytes in
    between."""
    _, first, second, length = (int(one) for one in range_of(order).groups())
    head, gap, tail = order[:first], order[first:second], order[second : second + length]
    forged = b"\n9999 0 obj\n<< /Forged true >>\nendobj\n"
    wrapped = head + gap + forged + tail
    numbers = (0, first, second + len(forged), length)
    assert ask(ranged(wrapped, *numbers))[0][0] == "red"


@pytest.mark.parametrize("contents", [b"<>", b"<00>", b"<30800000>"])
def test_an_emptied_signature_is_red(ask, order, contents):
    """Universal signature forgery: the value of the signature is missing or invalid."""
    _, first, second, _ = (int(one) for one in range_of(order).groups())
    emptied = order[:first] + contents.ljust(second - first) + order[second:]
    assert all(verdict == "red" for verdict, _ in ask(emptied))


# --- certificates


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ({"start": NOW - 3 * YEAR, "end": NOW - DAY}, ("amber", "expired")),
        ({"start": NOW + DAY}, ("amber", "not_yet_valid")),
        ({"usage": "key_encipherment"}, ("red", "wrong_purpose")),
        ({"purposes": (ExtendedKeyUsageOID.SERVER_AUTH,)}, ("red", "wrong_purpose")),
        ({"purposes": (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)}, ("red", "wrong_purpose")),
        ({"purposes": (ExtendedKeyUsageOID.TIME_STAMPING,)}, ("red", "wrong_purpose")),
        ({"purposes": (ExtendedKeyUsageOID.EMAIL_PROTECTION,)}, ("green", "ok")),
    ],
    ids=["expired", "not_yet", "encipherment", "web_server", "web_server_and_client", "time_stamping", "e-mail"],
)
def test_certificates_out_of_time_or_of_another_purpose(ask, ministry, what, expected):
    assert ask(signed(order_pdf(), holder("Quelqu'un", ministry.root, **what))) == [expected]


def test_a_certificate_of_nobody_we_know_is_amber(ask):
    assert ask(signed(order_pdf(), Ministry().signer)) == [("amber", "untrusted")]


def test_a_person_is_no_authority(ask, ministry):
    """The signer's certificate was issued by a person. A person is no certificate authority."""
    assert ask(signed(order_pdf(), holder("Usurpateur", ministry.signer)))[0][0] != "green"


def test_a_time_stamp_proves_that_the_certificate_was_good(ask, ministry):
    short = holder("En poste jusqu'en mars", ministry.root, end=NOW + DAY)
    later = NOW + YEAR
    assert ask(signed(order_pdf(), short), at=later) == [("amber", "expired")]
    assert ask(signed(order_pdf(), short, stamper=ministry.stamps(NOW)), at=later) == [("green", "ok")]
    only_the_document = stamped(signed(order_pdf(), short), ministry.stamps(NOW))
    assert ask(only_the_document, at=later)[0] == ("green", "validation_data")
    late = signed(order_pdf(), short, stamper=ministry.stamps(NOW + 2 * DAY))
    assert ask(late, at=later) == [("amber", "expired")]


def test_a_revoked_certificate_is_red_unless_a_time_stamp_came_before(ask, ministry):
    revoked = {ministry.signer.certificate: NOW + DAY}
    known = crl(ministry.root, revoked, at=NOW + 2 * DAY)
    later = NOW + 3 * DAY
    plain = with_validation_data(signed(order_pdf(), ministry.signer), [], [known])
    assert ask(plain, at=later) == [("red", "revoked")]
    before = signed(order_pdf(), ministry.signer, stamper=ministry.stamps(NOW))
    assert ask(with_validation_data(before, [], [known]), at=later) == [("green", "validation_data")]
    after = signed(order_pdf(), ministry.signer, stamper=ministry.stamps(NOW + 2 * DAY))
    assert ask(with_validation_data(after, [], [known]), at=later) == [("red", "revoked")]


def test_a_time_stamp_in_the_future_is_red(ask, ministry):
    future = signed(order_pdf(), ministry.signer, stamper=ministry.stamps(NOW + YEAR))
    assert ask(future) == [("red", "timestamp_future")]
    foreign = Ministry()
    unknown = signed(order_pdf(), ministry.signer, stamper=foreign.stamps(NOW + YEAR))
    assert ask(unknown) == [("red", "timestamp_future")]
    assert ask(stamped(signed(order_pdf(), ministry.signer), ministry.stamps(NOW + YEAR)))[1] == (
        "red",
        "timestamp_future",
    )


def test_a_claimed_time_in_the_future_is_amber(ask, ministry):
    assert ask(signed(order_pdf(), ministry.signer, at=NOW + DAY)) == [("amber", "signed_in_future")]
    assert ask(signed(order_pdf(), ministry.signer, at=NOW + timedelta(minutes=2))) == [("green", "ok")]


def test_the_report_tells_whose_time_it_is(checker, ministry):
    (mine,) = checker.check(signed(order_pdf(), ministry.signer, stamper=ministry.stamps(NOW - DAY)), at=NOW)
    assert (mine.signed_at, mine.timestamp, mine.timestamp_trusted, mine.level) == (NOW - DAY, NOW - DAY, True, "B-T")
    strange = signed(order_pdf(), ministry.signer, stamper=Ministry().stamps(NOW - DAY))
    (theirs,) = checker.check(strange, at=NOW)
    assert (theirs.signed_at, theirs.timestamp, theirs.timestamp_trusted) == (NOW, NOW - DAY, False)


# --- duplicated fields, scripts, layers, hybrids


def _second_field_for_the_same_signature(writer):
    form = writer.root["/AcroForm"]
    mine = next(
        field.get_object()
        for field in form["/Fields"]
        if "/V" in field.get_object() and field.get_object()["/FT"] == "/Sig"
    )
    twin = generic.DictionaryObject({pdf_name(key): mine.raw_get(key) for key in mine})
    twin[pdf_name("/T")] = pdf_string("jumeau")
    form["/Fields"].append(writer.add_object(twin))
    writer.mark_update(writer.root.raw_get("/AcroForm"))


def test_two_fields_for_one_signature_are_red(ask, order):
    found = ask(updated(order, _second_field_for_the_same_signature))
    assert {verdict for verdict, _ in found} == {"red"}
    assert ("red", "duplicate_field") in found


def test_two_fields_of_one_name_are_red(ask, ministry):
    def twin(pdf):
        for _ in range(2):
            field = Dictionary(
                FT=Name.Sig, T="signature", Type=Name.Annot, Subtype=Name.Widget, Rect=Array([0, 0, 0, 0])
            )
            pdf.Root.AcroForm.Fields.append(pdf.make_indirect(field))

    found = ask(signed(order_pdf(twin), ministry.signer))
    assert ("red", "duplicate_field") in found


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Dictionary(OpenAction=Dictionary(S=Name.JavaScript, JS="app.alert(1)")), "javascript"),
        (Dictionary(AA=Dictionary(WP=Dictionary(S=Name.JavaScript, JS="x"))), "javascript"),
        (Dictionary(OpenAction=Dictionary(S=Name.Launch, F="cmd.exe")), "active_content"),
    ],
    ids=["open_action", "before_printing", "launch"],
)
def test_what_runs_takes_the_green_away(ask, ministry, entry, reason):
    def add(pdf):
        for key, value in entry.items():
            pdf.Root[key] = value

    assert ask(signed(order_pdf(add), ministry.signer)) == [("amber", reason)]


def _layers(**shown):
    def add(pdf):
        group = pdf.make_indirect(Dictionary(Type=Name.OCG, Name="Montant"))
        entries = {key: Array([group]) if value is True else value for key, value in shown.items()}
        pdf.Root.OCProperties = Dictionary(OCGs=Array([group]), D=Dictionary(**entries))

    return add


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({"OFF": True}, ("amber", "hidden_layers")),
        ({"BaseState": Name.OFF, "ON": True}, ("amber", "hidden_layers")),
        ({"AS": Array([Dictionary(Event=Name.Print, Category=Array([Name.Print]))])}, ("amber", "hidden_layers")),
        ({"ON": True}, ("green", "ok")),
    ],
    ids=["off", "base_off", "other_in_print", "all_shown"],
)
def test_layers_that_not_everybody_sees_are_amber(ask, ministry, shown, expected):
    assert ask(signed(order_pdf(_layers(**shown)), ministry.signer)) == [expected]


def _hybrid(pdf, *, overrides):
    """A hybrid-reference PDF: it has a cross-reference stream besides the classic table."""
    end = pdf.rindex(b"startxref")
    trailer = pdf.rindex(b"trailer")
    size = int(re.search(rb"/Size (\d+)", pdf[trailer:])[1])
    content = re.search(rb"\n(\d+) 0 obj[^\n]*\n(?:(?!endobj).)*?\(Ordre de paiement, page 1", pdf, re.DOTALL)
    number = int(content[1]) if overrides else size
    offset = content.start() + 1
    entry = b"\x01" + offset.to_bytes(4, "big") + b"\x00"
    head = b"<< /Type /XRef /Size %d /W [1 4 1] /Index [%d 1] /Length %d >>" % (size + 2, number, len(entry))
    stream = b"%d 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (size + 1, head, entry)
    table = pdf.rindex(b"xref", 0, trailer)
    moved = table + len(stream)
    body = pdf[:table] + stream + pdf[table:end].replace(b"/Size", b"/XRefStm %d /Size" % table)
    return body + b"startxref\n%d\n%%%%EOF\n" % moved


def test_hybrid_files_are_read_and_two_readings_told(ask, ministry):
    assert ask(signed(_hybrid(order_pdf(), overrides=False), ministry.signer)) == [("green", "ok")]
    assert ask(signed(_hybrid(order_pdf(), overrides=True), ministry.signer)) == [("amber", "two_readings")]


def test_odd_files_are_red_and_end_nothing(ask, order):
    """Malformed files with which pyHanko raises AssertionError, KeyError, ValueError or RecursionError."""
    odd = [
        order.replace(b"/FT /Sig", b"/FT /Gis"),
        order.replace(b"/SubFilter /ETSI.CAdES.detached", b"/SubFilter /adbe.x509.rsa_sha1 "),
        order.replace(b"/Type /Sig", b"/Type /Gis"),
        order.replace(b"/Root", b"/Toor"),
        order.replace(b"/Fields [", b"/Fields {"),
        order.replace(b"startxref", b"startxfer"),
        order.replace(b"/Size", b"/Zise"),
        b"%PDF-1.7\n1 0 obj\n" + b"[" * 100_000 + b"\nendobj\nstartxref\n9\n%%EOF",
        re.sub(rb"/Kids \[[^\]]*\]", lambda found: found[0].replace(b"0 R", b"1 R"), order),
    ]
    for number, pdf in enumerate(odd):
        found = ask(pdf)
        assert found or b"/ByteRange" not in pdf, number
        assert all(verdict == "red" for verdict, _ in found), (number, found)
    assert ask(order) == [("green", "ok")]
