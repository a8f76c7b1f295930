"""The examination of one file in the test's own process: every attack again, and the contents of a report.

``test_validation_attacks`` tries the attacks on the child process, as the product does. Here they are tried on the
code.
"""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from types import SimpleNamespace

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import pem as asn1_pem
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pikepdf import Dictionary, Name
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter

from signing import examine as examined
from signing.changes import Changes
from signing.examine import Question, _is_locked, examine, unreadable
from signing.house import trace_of
from signing.quiet import quiet_pyhanko
from signing.seen import TooMuch
from signing.trust import KEY_USAGE, Trust
from tests.attacks_kit import *  # noqa: F403 - the attacks themselves, and the file that they attack
from tests.attacks_kit import range_of, ranged, swap_the_content
from tests.pki_kit import (
    NOW,
    YEAR,
    Holder,
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
from tests.signing_kit import digest

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
ours = cache(Ministry)
others = cache(Ministry)  # another ministry: each cache has its own


@cache
def ending():
    """Our authority, with a time-stamp authority whose certificate expires soon."""
    made = Ministry(ours().root)
    short = holder(
        "Horodateur", made.root, usage="digital_signature", end=NOW + 10 * DAY, rsa_bits=2048,
        purposes=(ExtendedKeyUsageOID.TIME_STAMPING,),
    )  # fmt: skip
    object.__setattr__(made, "stamper", short)
    return made


class Examiner:
    """Replaces ``PdfChecker``, without a child process."""

    def __init__(self, roots, crls=()):
        quiet_pyhanko()
        self._trust = Trust(
            tuple(asn1_x509.Certificate.load(asn1_pem.unarmor(one.encode())[2]) for one in roots),
            crls=tuple(map(asn1_crl.CertificateList.load, crls)),
        )

    def check(self, pdf, *, at=NOW, issued=()):
        return examine(pdf, Question(at, self._trust, tuple(issued)))


@pytest.fixture(scope="module")
def ministry():
    return ours()


@pytest.fixture(scope="module")
def checker(ministry):
    return Examiner([ministry.root.pem])


@cache
def plain():
    return signed(order_pdf(), ours().signer)


@cache
def twice():
    return signed(with_empty_field(plain()), ours().signer, name="second")


def told(checker, pdf, **how):
    return [(one.verdict.value, one.reason) for one in checker.check(pdf, **how)]


# --- the contents of a report


def test_nothing_is_issued_unless_told():
    assert Question(NOW, Trust(())).issued == ()


def test_all_that_a_report_tells(checker):
    (report,) = checker.check(plain(), at=NOW + DAY)
    certificate = ours().signer.asn1
    assert (report.field, report.signer, report.issuer) == ("signature", "AMAVI Kossi", "Racine")
    assert (report.signed_at, report.timestamp, report.timestamp_trusted) == (NOW, None, False)
    assert (report.level, report.covers_bytes, report.changes) == ("B-B", len(plain()), ())
    assert (report.is_timestamp, report.certificate, report.proven_at) == (False, trace_of(certificate), None)


def test_a_time_stamp_of_its_own_is_told(checker):
    pdf = signed(order_pdf(), ours().signer, stamper=ours().stamps(NOW - DAY))
    (report,) = checker.check(pdf)
    assert (report.proven_at, report.timestamp, report.signed_at) == (NOW - DAY,) * 3
    assert report.level == "B-T"
    assert checker.check(pdf, at=NOW - DAY)[0].proven_at is None


def test_a_time_stamp_of_the_document_proves_when_what_lies_before_it_was_there(checker):
    pdf = stamped(plain(), ours().stamps(NOW + DAY))
    report, stamp = checker.check(pdf, at=NOW + 2 * DAY)
    assert (report.timestamp, report.timestamp_trusted, report.signed_at) == (NOW + DAY, True, NOW)
    assert report.proven_at == NOW + DAY
    assert (stamp.is_timestamp, stamp.signer, stamp.issuer, stamp.certificate) == (True, "Horodateur", "Racine", "")
    assert (stamp.signed_at, stamp.timestamp, stamp.timestamp_trusted) == (NOW + DAY, NOW + DAY, True)
    assert stamp.proven_at is None, "nothing proves its own time"


def test_the_earliest_of_several_times_counts(checker):
    pdf = stamped(stamped(plain(), ours().stamps(NOW + DAY)), ours().stamps(NOW + 2 * DAY))
    report = checker.check(pdf, at=NOW + 3 * DAY)[0]
    assert (report.timestamp, report.proven_at) == (NOW + DAY, NOW + DAY)
    other = stamped(stamped(plain(), ours().stamps(NOW + 2 * DAY)), ours().stamps(NOW + DAY))
    assert checker.check(other, at=NOW + 3 * DAY)[0].timestamp == NOW + DAY


def test_a_time_stamp_proves_nothing_of_what_came_after_it(checker):
    first = stamped(order_pdf(), ours().stamps(NOW - DAY))
    short = holder("En poste", ours().root, end=NOW + DAY)
    stamp, report = checker.check(signed(first, short), at=NOW + 2 * DAY)
    assert stamp.is_timestamp
    assert (report.verdict.value, report.reason, report.timestamp) == ("amber", "expired", None)


def test_a_time_stamp_of_nobody_we_know_proves_nothing(checker):
    pdf = stamped(plain(), others().stamps(NOW + DAY))
    report, stamp = checker.check(pdf, at=NOW + 2 * DAY)
    assert (report.timestamp, report.timestamp_trusted, report.proven_at) == (None, False, None)
    assert (stamp.verdict.value, stamp.reason, stamp.timestamp_trusted) == ("amber", "untrusted", False)
    assert stamp.signed_at is None


def test_a_revoked_authority_of_time_stamps_proves_nothing():
    gone = crl(ours().root, {ours().stamper.certificate: NOW}, at=NOW + DAY)
    checker = Examiner([ours().root.pem], [gone])
    report, stamp = checker.check(stamped(plain(), ours().stamps(NOW + DAY)), at=NOW + 2 * DAY)
    assert (report.timestamp, report.proven_at) == (None, None)
    assert (stamp.verdict.value, stamp.reason, stamp.timestamp_trusted) == ("red", "revoked", False)


def test_a_later_time_stamp_carries_an_earlier_whose_authority_ended(checker):
    """RFC 3161 stamps are renewed: the last one is judged now, each earlier one at the time of the next."""
    pdf = stamped(stamped(plain(), ending().stamps(NOW + DAY)), ours().stamps(NOW + 5 * DAY))
    found = checker.check(pdf, at=NOW + 20 * DAY)
    assert found[0].timestamp == NOW + DAY
    assert [one.verdict.value for one in found] == ["green"] * 3
    alone = checker.check(stamped(plain(), ending().stamps(NOW + DAY)), at=NOW + 20 * DAY)
    assert alone[0].timestamp is None


def test_reports_come_in_the_order_of_the_signed_bytes(checker):
    first = signed(with_empty_field(order_pdf(), "a"), ours().signer, name="z")
    assert [one.field for one in checker.check(signed(first, ours().signer, name="a"))] == ["z", "a"]


def test_a_name_and_an_issuer_without_a_common_name(checker, monkeypatch):
    monkeypatch.setattr(examined, "name_of", lambda certificate: f"<{certificate.serial_number}>")
    assert checker.check(plain())[0].signer == f"<{ours().signer.certificate.serial_number}>"


def test_an_authority_without_a_common_name_is_told_by_none():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Racine")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, NOW - YEAR, NOW + YEAR)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    root = Holder(builder.sign(key, hashes.SHA256()), key)
    (report,) = Examiner([root.pem]).check(signed(order_pdf(), holder("AMAVI Kossi", root)))
    assert (report.verdict.value, report.issuer) == ("green", "")


# --- unreadable files


def test_the_report_of_what_cannot_be_examined():
    report = unreadable()
    assert (report.field, report.verdict.value, report.reason) == ("", "red", "unreadable")
    assert (report.signer, report.signed_at, report.level, report.covers_bytes) == ("", None, "", 0)
    assert unreadable("a", "b").field == "a"


def test_a_file_that_is_none(checker):
    assert told(checker, b"") == told(checker, b"no pdf") == [("red", "unreadable")]


def test_a_file_without_signatures(checker):
    assert checker.check(order_pdf()) == ()
    assert told(checker, order_pdf() + b"/ByteRange [1 2") == [("red", "signature_hidden")]
    assert told(checker, order_pdf() + b"/ByteRange[\n1\n2") == [("red", "signature_hidden")]
    assert checker.check(order_pdf() + b"/ByteRange (1 2)") == ()


def test_one_signature_that_cannot_be_read_leaves_the_others(checker, monkeypatch):
    real = examined.EmbeddedPdfSignature

    def broken(reader, field, name):
        if name == "second":
            raise AssertionError
        return real(reader, field, name)

    monkeypatch.setattr(examined, "EmbeddedPdfSignature", broken)
    found = checker.check(twice())
    assert [(one.field, one.verdict.value, one.reason) for one in found][1:] == [("second", "red", "unreadable")]
    assert found[0].field == "signature"
    assert len(found) == 2


def test_a_bad_range_is_told_with_its_field(checker):
    found = range_of(plain())
    numbers = tuple(map(int, found.groups()))
    (report,) = checker.check(ranged(plain(), 0, numbers[1], numbers[2], numbers[3] - 40))
    assert (report.field, report.reason, report.covers_bytes) == ("signature", "byte_range", 0)


@pytest.mark.parametrize("name", ["name_of", "judge", "level_of", "facts_of", "trace_of"])
def test_whatever_is_raised_is_a_red_report(checker, monkeypatch, name):
    def fails(*_args, **_more):
        raise RecursionError

    monkeypatch.setattr(examined, name, fails)
    (report,) = checker.check(plain())
    assert (report.field, report.verdict.value, report.reason) == ("signature", "red", "unreadable")


def test_a_time_stamp_that_cannot_be_judged_proves_nothing(checker, monkeypatch):
    real = examined.async_validate_pdf_timestamp

    async def fails(*_args, **_more):
        raise KeyError("x")

    monkeypatch.setattr(examined, "async_validate_pdf_timestamp", fails)
    pdf = stamped(plain(), ours().stamps(NOW))
    assert told(checker, pdf) == [("green", "validation_data"), ("red", "unreadable")]
    assert checker.check(pdf)[0].timestamp is None
    monkeypatch.setattr(examined, "async_validate_pdf_timestamp", real)
    assert checker.check(pdf)[0].timestamp == NOW


@pytest.mark.parametrize("kind", ["/ETSI.CAdES.detached", "/adbe.pkcs7.detached"])
def test_the_kinds_of_signatures_that_are_judged(checker, kind):
    subfilter = SigSeedSubFilter.PADES if "CAdES" in kind else SigSeedSubFilter.ADOBE_PKCS7_DETACHED
    assert told(checker, signed(order_pdf(), ours().signer, subfilter=subfilter)) == [("green", "ok")]


def test_another_kind_of_signature_is_red_with_its_bytes(checker):
    odd = plain().replace(b"/SubFilter /ETSI.CAdES.detached", b"/SubFilter /adbe.x509.rsa_sha1 ")
    (report,) = checker.check(odd)
    assert (report.field, report.verdict.value, report.reason) == ("signature", "red", "unsupported")
    assert report.covers_bytes == len(odd)
    none = plain().replace(b"/SubFilter /ETSI.CAdES.detached", b"/Subfilter /ETSI.CAdES.detached")
    assert told(checker, none) == [("red", "unsupported")]


# --- the surroundings of a signature


def test_revisions_that_were_issued_are_a_countersigned_file(checker):
    stored = [digest(plain()), digest(twice())]
    assert told(checker, twice(), issued=stored) == [("green", "countersigned"), ("green", "ok")]
    assert checker.check(twice(), issued=stored)[0].changes == ()
    assert told(checker, twice(), issued=stored[:1])[0] != ("green", "countersigned")
    assert told(checker, twice())[0] == ("amber", "signed_again")


def test_what_an_issued_file_carries_was_known_when_it_was_issued(checker):
    def act(pdf):
        pdf.Root.OpenAction = Dictionary(S=Name.Launch, F="x")

    pdf = signed(order_pdf(act), ours().signer)
    assert told(checker, pdf) == [("amber", "active_content")]
    assert told(checker, pdf, issued=[digest(pdf)]) == [("green", "ok")]
    assert told(checker, stamped(pdf, ours().stamps(NOW)))[1] == ("green", "ok")


def test_two_signatures_of_one_end_are_duplicates(checker, monkeypatch):
    real = examined.covered_end
    monkeypatch.setattr(examined, "covered_end", lambda pdf, *rest: real(pdf, *rest) and len(pdf))
    assert told(checker, twice()) == [("red", "duplicate_field")] * 2


def test_what_the_comparison_cannot_read_is_a_change(checker, monkeypatch):
    def fails(*_args):
        raise ValueError

    monkeypatch.setattr(examined, "changes_since", fails)
    first, second = checker.check(twice())
    assert (first.verdict.value, first.reason, first.changes) == ("red", "modified_after", ("structure",))
    assert second.verdict.value == "green"


@pytest.mark.parametrize("name", ["agree_after", "is_strict_after"])
def test_readers_that_differ_are_a_change(checker, monkeypatch, name):
    monkeypatch.setattr(examined, name, lambda *_: False)
    first = checker.check(twice())[0]
    assert first.verdict.value == "red"
    assert len(first.changes) > 1
    assert first.changes[-1] == "structure"
    monkeypatch.setattr(examined, name, lambda *_: True)
    assert checker.check(twice())[0].verdict.value == "amber"


def test_pages_that_look_otherwise_are_a_change(checker, monkeypatch):
    asked = []
    monkeypatch.setattr(examined.Drawings, "same_since", lambda self, end, places: asked.append((end, places)))
    first = checker.check(twice())[0]
    assert first.verdict.value == "red"
    assert first.changes[-1] == "page_content"
    assert first.changes[:-1]
    assert asked[0][0] == len(plain())


def test_pages_that_take_too_long_are_told(checker, monkeypatch):
    def slow(*_args):
        raise TooMuch

    monkeypatch.setattr(examined.Drawings, "same_since", slow)
    assert told(checker, twice())[0] == ("red", "timeout")
    assert checker.check(twice())[0].field == "signature"


def test_pages_and_readers_are_asked_where_nothing_else_changed(checker, monkeypatch):
    def never(*_args):
        raise AssertionError("asked")

    for name in ("agree_after", "is_strict_after"):
        monkeypatch.setattr(examined, name, never)
    changed = updated(plain(), swap_the_content)
    (report,) = checker.check(changed)
    assert report.changes == ("page_content",)


def test_a_file_that_qpdf_cannot_read_has_two_readings(checker, monkeypatch):
    def fails(_pdf):
        raise ValueError

    monkeypatch.setattr(examined, "suspects", fails)
    assert told(checker, plain()) == [("amber", "two_readings")]
    monkeypatch.setattr(examined, "suspects", lambda _: ())
    monkeypatch.setattr(examined, "duplicates", fails)
    assert told(checker, plain()) == [("green", "ok")]


def test_duplicates_are_red_by_their_name(checker, monkeypatch):
    monkeypatch.setattr(examined, "duplicates", lambda _: frozenset({"second"}))
    assert told(checker, twice())[1] == ("red", "duplicate_field")
    assert told(checker, twice())[0] != ("red", "duplicate_field")


def test_a_hidden_signature_is_told_once_and_not_beside_what_cannot_be_read(checker, monkeypatch):
    asked = []
    monkeypatch.setattr(examined, "hidden_signatures", lambda pdf, gaps: asked.append(gaps) or 2)
    assert told(checker, plain()) == [("green", "ok"), ("red", "signature_hidden")]
    assert asked == [[plain().index(b"/Contents <") + len(b"/Contents ")]]
    monkeypatch.setattr(examined, "covered_end", lambda *_: 1 / 0)
    assert told(checker, plain()) == [("red", "unreadable")]


# --- certification, locks


def test_a_certification_against_all_changes_lets_validation_data_in(checker):
    sealed = signed(order_pdf(), ours().signer, docmdp=MDPPerm.NO_CHANGES)
    assert told(checker, sealed) == [("green", "ok")]
    assert told(checker, with_validation_data(sealed, [ours().root])) == [("green", "validation_data")]


def embedded(level=None, locks=None):
    return SimpleNamespace(docmdp_level=level, fieldmdp=locks)


ONLY_A = FieldMDPSpec(FieldMDPAction.INCLUDE, ["a"])


@pytest.mark.parametrize(
    ("found", "changes", "locked"),
    [
        (embedded(), Changes(("signed_again",), ("a",), is_seen=True), False),
        (embedded(locks=ONLY_A), Changes((), ("b",)), False),
        (embedded(locks=ONLY_A), Changes((), ("b", "a")), True),
        (embedded(locks=ONLY_A), Changes(()), False),
        (embedded(level=MDPPerm.FILL_FORMS), Changes((), ("b",)), False),
        (embedded(level=MDPPerm.FILL_FORMS), Changes((), ("b",), is_seen=True), True),
        (embedded(level=MDPPerm.FILL_FORMS, locks=ONLY_A), Changes((), ("b",), is_seen=True), True),
        (embedded(locks=ONLY_A), Changes((), ("b",), is_seen=True), False),
    ],
)
def test_what_a_signature_locks(found, changes, locked):
    assert _is_locked(found, changes) is locked


def test_a_new_field_that_shows_something_breaks_a_certification(checker):
    sealed = signed(order_pdf(), ours().signer, docmdp=MDPPerm.FILL_FORMS)
    place = SigFieldSpec("third", box=(300, 100, 500, 160))
    (first, _second) = checker.check(signed(sealed, ours().signer, name="third", place=place))
    assert (first.verdict.value, first.reason) == ("red", "modified_after")
    assert first.changes[-1] == "form_values"
    free = signed(plain(), ours().signer, name="third", place=place)
    assert told(checker, free)[0] == ("amber", "signed_again")


# --- the signed object


def well_formed(version="v1", listed=("sha256",), used="sha256"):
    def value(told):
        return SimpleNamespace(native=told)

    data = {"version": value(version), "digest_algorithms": value([{"algorithm": one} for one in listed])}
    return examined._is_well_formed(
        SimpleNamespace(signed_data=data, signer_info={"digest_algorithm": value({"algorithm": used})})
    )


@pytest.mark.parametrize("version", ["v1", "v3", "v4", "v5"])
def test_known_versions(version):
    assert well_formed(version) is True


@pytest.mark.parametrize("version", ["v0", "v2", "V1", 7])
def test_unknown_versions(version):
    assert well_formed(version) is False


def test_the_digest_is_the_one_that_is_listed():
    assert well_formed(listed=("sha512",)) is False
    assert well_formed(listed=()) is False
    assert well_formed(listed=("sha256", "sha512")) is False
    assert well_formed(listed=("sha512",), used="sha512") is True


def test_a_malformed_object_is_broken(checker, monkeypatch):
    monkeypatch.setattr(examined, "_is_well_formed", lambda _: False)
    assert told(checker, plain()) == [("red", "broken")]


# --- certificates and lists in the file


def test_certificates_in_the_file_lead_to_a_root(checker):
    middle = holder("Autorité", ours().root, authority=True)
    signer = holder("AMAVI Kossi", middle)
    alone = signed(order_pdf(), replace(signer, issuer=None))
    assert told(checker, alone) == [("amber", "untrusted")]
    assert told(checker, with_validation_data(alone, [middle])) == [("green", "validation_data")]


def test_a_list_in_the_file_counts_beside_those_that_are_held():
    held = crl(ours().root, {}, at=NOW)
    carried = crl(ours().root, {ours().signer.certificate: NOW - DAY}, at=NOW)
    pdf = with_validation_data(plain(), [], [carried])
    assert told(Examiner([ours().root.pem], [held]), pdf) == [("red", "revoked")]
    assert told(Examiner([ours().root.pem], [carried]), plain()) == [("red", "revoked")]


class Looked(Exception):
    """Enough was examined: stop."""


def test_all_that_the_file_carries_is_known_when_it_is_judged(checker, monkeypatch):
    met = []

    async def look(_validate, trust, at, proven):
        met.append((trust, at, proven))
        raise Looked

    lists = SimpleNamespace(crls=["crl of the store"], ocsps=["answer of the store"])
    store = SimpleNamespace(certificate_registry=["certificate of the store"], revinfo_manager=lists)
    how = []
    monkeypatch.setattr(examined, "facts_of", look)
    monkeypatch.setattr(examined, "revocation_in", lambda data: (["crl"], ["answer"]))
    monkeypatch.setattr(
        examined.DocumentSecurityStore,
        "read_dss",
        lambda reader: SimpleNamespace(as_validation_context=lambda given: how.append(given) or store),
    )
    checker.check(plain(), at=NOW + DAY)
    ((trust, at, proven),) = met
    embedded, of_the_store = trust.certificates
    assert [one.dump() for one in (*trust.roots, embedded)] == [ours().root.asn1.dump()] * 2
    assert of_the_store == "certificate of the store"
    assert trust.crls == ("crl", "crl of the store")
    assert trust.ocsps == ("answer", "answer of the store")
    assert (at, proven, how) == (NOW + DAY, None, [{"trust_roots": []}])


def test_how_pyhanko_is_asked(checker, monkeypatch):
    met = []

    def looks(kind):
        async def look(embedded, *contexts, **how):
            met.append((kind, embedded.field_name, contexts, how))
            raise Looked

        return look

    async def validated(validate, *_rest):
        await validate("of the signer", "of the stamp")

    monkeypatch.setattr(examined, "facts_of", validated)
    monkeypatch.setattr(examined, "async_validate_pdf_signature", looks("signature"))
    monkeypatch.setattr(examined, "async_validate_pdf_timestamp", looks("stamp"))
    checker.check(plain())
    how = {"key_usage_settings": KEY_USAGE, "skip_diff": True}
    assert met == [("signature", "signature", ("of the signer", "of the stamp"), how)]
    met.clear()
    checker.check(stamped(order_pdf(), ours().stamps(NOW), field="stamp"))
    assert met == [("stamp", "stamp", ("of the signer",), {"skip_diff": True})] * 2


def test_a_store_that_cannot_be_read_is_none(checker):
    def odd(writer):
        writer.root[pdf_name("/DSS")] = pdf_name("/Odd")
        writer.update_root()

    assert told(checker, updated(plain(), odd)) in (
        [("amber", "bytes_after")],
        [("red", "modified_after")],
        [("green", "validation_data")],
    )


def test_a_signature_of_later_is_not_yet_valid(checker):
    assert told(checker, plain(), at=NOW - 2 * YEAR)[0][0] == "amber"
