"""Statements of the authority about its certificates: the lists in force, and its responder's answer on a serial
number."""

import os
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from ged.ports import AuthorityStanding, CertifiedPerson, RevokedCertificate
from signing import published, status
from signing.pki import Authority
from signing.status import ANSWER_VALIDITY, LIST_VALIDITY, RESPONDER_VALIDITY, AuthorityStatus
from tests.signing_kit import CHEAP, NOW, SECRET

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
GONE = RevokedCertificate("abc", NOW - DAY, "keyCompromise")
Says = ocsp.OCSPResponseStatus
WORDS = "la phrase du gardien"


@cache
def files(kind):
    """The folder of an authority: one for trials, or one under a passphrase with the files that its keeper left."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "authority"
        if kind == "trials":
            Authority.create(folder, SECRET, "Ministère", NOW)
        else:
            made = Authority.create(folder, SECRET, "Ministère", NOW, passphrase=WORDS, cost=CHEAP)
            published.publish(folder, SECRET, made, [GONE], now=NOW)
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def laid(folder, kind):
    folder.mkdir()
    for name, content in files(kind).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def folder(tmp_path):
    return laid(tmp_path / "trials", "trials")


@pytest.fixture
def kept(tmp_path):
    return laid(tmp_path / "kept", "kept")


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """Counts the uses of the authority's key. A thread that an earlier test left may open another authority meanwhile."""
    times = []
    before = Authority.open.__func__

    def count(cls, folder, *a, **k):
        if tmp_path in folder.parents:
            times.append(folder)
        return before(cls, folder, *a, **k)

    monkeypatch.setattr(Authority, "open", classmethod(count))
    return times


def serials(crl):
    return [one.serial_number for one in x509.load_der_x509_crl(crl)]


def certificate_of(folder, which):
    return x509.load_pem_x509_certificate((folder / f"{which}.pem").read_bytes())


# --- lists


def test_nothing_is_told_where_there_is_no_authority(tmp_path):
    told = AuthorityStatus(tmp_path, SECRET)
    assert told.crls([GONE], now=NOW) == ()
    assert told.newest("issuing", [], now=NOW) is told.newest("root", [], now=NOW) is None
    assert told.certificate("root") is told.certificate("issuing") is None
    assert told.standing() is None


def test_both_lists_are_in_force(folder):
    told = AuthorityStatus(folder, SECRET)
    issuing, root = told.crls([GONE], now=NOW)
    assert serials(issuing) == [0xABC]
    assert serials(root) == []
    assert [x509.load_der_x509_crl(one).issuer for one in (issuing, root)] == [
        certificate_of(folder, one).subject for one in ("issuing", "root")
    ]
    assert told.newest("issuing", [GONE], now=NOW) == issuing
    assert told.newest("root", [GONE], now=NOW) == root
    assert x509.load_der_x509_crl(issuing).next_update_utc == NOW + LIST_VALIDITY


def test_no_other_list_and_no_other_certificate_is_told(folder):
    (folder / "other.pem").write_bytes((folder / "root.pem").read_bytes())
    told = AuthorityStatus(folder, SECRET)
    assert told.newest("other", [], now=NOW) is None
    assert told.certificate("other") is None
    assert told.certificate("../trials/root") is None


def test_the_certificates_are_told_as_der(folder):
    told = AuthorityStatus(folder, SECRET)
    for which in ("root", "issuing"):
        expected = certificate_of(folder, which).public_bytes(serialization.Encoding.DER)
        assert told.certificate(which) == expected


def test_a_list_of_the_root_that_ended_and_cannot_be_made_is_left_out(folder):
    (folder / "root.key").unlink()
    told = AuthorityStatus(folder, SECRET)
    ends = x509.load_der_x509_crl((folder / "root.crl").read_bytes()).next_update_utc
    assert len(told.crls([], now=ends - SECOND)) == 2
    (only,) = told.crls([], now=ends)
    assert x509.load_der_x509_crl(only).issuer == certificate_of(folder, "issuing").subject
    assert told.newest("root", [], now=ends) is None


def test_a_list_is_signed_anew_for_a_reason_only(folder, opened):
    told = AuthorityStatus(folder, SECRET)
    first = told.newest("issuing", [], now=NOW)
    assert told.newest("issuing", (), now=NOW) == first
    assert told.newest("issuing", [], now=NOW + LIST_VALIDITY / 2 - SECOND) == first
    assert len(opened) == 1
    later = told.newest("issuing", [], now=NOW + LIST_VALIDITY / 2)
    assert len(opened) == 2
    assert x509.load_der_x509_crl(later).last_update_utc == NOW + LIST_VALIDITY / 2
    assert told.newest("issuing", [], now=NOW + LIST_VALIDITY / 2 - SECOND) != later  # a clock that was set back
    assert len(opened) == 3
    assert serials(told.newest("issuing", [GONE], now=NOW)) == [0xABC]
    assert serials(told.newest("issuing", [], now=NOW)) == []
    assert len(opened) == 5


def test_a_list_is_signed_anew_when_the_authority_is_another(folder, opened):
    told = AuthorityStatus(folder, SECRET)
    told.newest("issuing", [], now=NOW)
    at = (folder / "issuing.pem").stat().st_mtime_ns
    os.utime(folder / "issuing.pem", ns=(at + 1_000_000_000,) * 2)
    told.newest("issuing", [], now=NOW)
    assert len(opened) == 2


def test_under_a_passphrase_the_list_is_the_keepers(kept):
    told = AuthorityStatus(kept, SECRET)
    left = (kept / "issuing.crl").read_bytes()
    assert told.newest("issuing", [], now=NOW) == left
    ends = published.list_until(left)
    assert told.crls([], now=ends - SECOND)[0] == left
    assert left not in told.crls([], now=ends)
    assert left not in told.crls([], now=ends + SECOND)
    assert len(told.crls([], now=ends)) == 1
    assert told.newest("issuing", [], now=ends) == left
    (kept / "issuing.crl").unlink()
    assert told.newest("issuing", [], now=NOW) is None
    assert len(told.crls([], now=NOW)) == 1


def test_a_list_for_trials_is_in_force_at_its_moment(folder, monkeypatch):
    """A request with a later clock gets a list made at that time."""
    told = AuthorityStatus(folder, SECRET)
    monkeypatch.setattr(AuthorityStatus, "_list", lambda self, revoked, now: (folder / "root.crl").read_bytes())
    ends = published.list_until((folder / "root.crl").read_bytes())
    assert told.crls([], now=ends + DAY)[0] == (folder / "root.crl").read_bytes()


def test_how_the_authority_is_kept(folder, kept):
    assert AuthorityStatus(folder, SECRET).standing() == AuthorityStanding(is_protected=False, list_until=None)
    (kept / "root.key").unlink()
    until = published.list_until((kept / "issuing.crl").read_bytes())
    assert AuthorityStatus(kept, SECRET).standing() == AuthorityStanding(is_protected=True, list_until=until)


# --- answers


@cache
def person(kind="trials"):
    """A certificate of the authority."""
    with tempfile.TemporaryDirectory() as name:
        folder = laid(Path(name) / kind, kind)
        made = Authority.open(folder, SECRET, passphrase=lambda: WORDS)
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        return made.certify(key, CertifiedPerson("AMAVI Kossi", "SG", "M", ""), now=NOW)


def asked(folder, certificate=None, *, issuer="issuing", digest=None, nonce=None):
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        certificate or person(), certificate_of(folder, issuer), digest or hashes.SHA256()
    )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(serialization.Encoding.DER)


def answered(told, request, known=lambda serial: None, now=NOW):
    return ocsp.load_der_ocsp_response(told.answer(request, known=known, now=now))


def test_how_long_what_is_told_holds():
    """After these times a checker of a letter asks again."""
    assert (LIST_VALIDITY, ANSWER_VALIDITY, RESPONDER_VALIDITY) == (7 * DAY, DAY / 2, 30 * DAY)


@pytest.mark.parametrize("known", [True, None])
def test_a_good_certificate(folder, known):
    told = answered(AuthorityStatus(folder, SECRET), asked(folder), lambda serial: known)
    assert told.response_status is Says.SUCCESSFUL
    assert told.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert told.serial_number == person().serial_number
    assert isinstance(told.hash_algorithm, hashes.SHA256)
    assert (told.this_update_utc, told.next_update_utc) == (NOW, NOW + ANSWER_VALIDITY)
    assert told.revocation_time_utc is None
    assert told.revocation_reason is None
    (responder,) = told.certificates
    responder.verify_directly_issued_by(certificate_of(folder, "issuing"))
    responder.public_key().verify(told.signature, told.tbs_response_bytes, ec.ECDSA(hashes.SHA256()))
    assert told.responder_key_hash is not None
    assert told.responder_name is None
    with pytest.raises(x509.ExtensionNotFound):
        told.extensions.get_extension_for_class(x509.OCSPNonce)


def test_a_revoked_certificate(folder):
    since = NOW - DAY
    gone = RevokedCertificate(f"{person().serial_number:x}", since, "superseded")
    told = answered(AuthorityStatus(folder, SECRET), asked(folder), lambda serial: gone)
    assert told.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert told.revocation_time_utc == since
    assert told.revocation_reason is x509.ReasonFlags.superseded


def test_the_serial_number_is_asked_about_in_hexadecimal(folder):
    numbers = []
    answered(AuthorityStatus(folder, SECRET), asked(folder), numbers.append)
    assert numbers == [f"{person().serial_number:x}"]


def test_what_the_house_never_issued_is_not_told(folder):
    assert answered(AuthorityStatus(folder, SECRET), asked(folder), lambda _: False).response_status is (
        Says.UNAUTHORIZED
    )


def test_what_another_authority_issued_is_not_told(folder, kept):
    told = AuthorityStatus(folder, SECRET)
    for request in (asked(folder, issuer="root"), asked(kept)):
        assert answered(told, request).response_status is Says.UNAUTHORIZED


@pytest.mark.parametrize("other", ["name", "key"])
def test_the_issuer_is_known_by_name_and_key(folder, other):
    """Our key under another name, and another key under our name, are not our authority."""
    ours = ocsp.load_der_ocsp_request(asked(folder))
    name, key = (bytes(32) if other == one else told for one, told in (
        ("name", ours.issuer_name_hash), ("key", ours.issuer_key_hash),
    ))  # fmt: skip
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(name, key, ours.serial_number, hashes.SHA256())
    request = builder.build().public_bytes(serialization.Encoding.DER)
    assert answered(AuthorityStatus(folder, SECRET), request).response_status is Says.UNAUTHORIZED


@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384()])
def test_the_issuer_may_be_named_by_any_digest(folder, digest):
    told = answered(AuthorityStatus(folder, SECRET), asked(folder, digest=digest))
    assert told.response_status is Says.SUCCESSFUL
    assert told.hash_algorithm.name == digest.name
    ours = ocsp.load_der_ocsp_request(asked(folder, digest=digest))
    assert (told.issuer_key_hash, told.issuer_name_hash) == (ours.issuer_key_hash, ours.issuer_name_hash)


def test_bytes_that_are_no_request(folder):
    told = AuthorityStatus(folder, SECRET)
    for odd in (b"", b"x", asked(folder)[:-1]):
        assert answered(told, odd).response_status is Says.MALFORMED_REQUEST


def test_without_an_authority_nothing_is_told(tmp_path, folder):
    assert answered(AuthorityStatus(tmp_path / "none", SECRET), asked(folder)).response_status is Says.UNAUTHORIZED


@pytest.mark.parametrize(("length", "told_back"), [(1, True), (31, True), (32, True), (33, False), (100, False)])
def test_a_short_nonce_is_told_back(folder, length, told_back):
    found = answered(AuthorityStatus(folder, SECRET), asked(folder, nonce=b"n" * length))
    assert found.response_status is Says.SUCCESSFUL
    held = [one for one in found.extensions if isinstance(one.value, x509.OCSPNonce)]
    assert [(one.value.nonce, one.critical) for one in held] == ([(b"n" * length, False)] if told_back else [])


# --- the certificate that signs answers


def test_the_responder_is_certified_once_a_month(folder, opened):
    told = AuthorityStatus(folder, SECRET)
    (first,) = answered(told, asked(folder)).certificates
    assert first.not_valid_before_utc <= NOW
    assert first.not_valid_after_utc == NOW + RESPONDER_VALIDITY
    (same,) = answered(told, asked(folder), now=NOW + RESPONDER_VALIDITY - 3 * DAY).certificates
    assert same == first
    assert len(opened) == 1
    (other,) = answered(told, asked(folder), now=NOW + RESPONDER_VALIDITY - 3 * DAY + SECOND).certificates
    assert other != first
    assert other.not_valid_after_utc == NOW + 2 * RESPONDER_VALIDITY - 3 * DAY + SECOND
    (again,) = answered(told, asked(folder), now=NOW + RESPONDER_VALIDITY).certificates
    assert again == other
    assert len(opened) == 2


def test_a_forked_process_has_a_responder_of_its_own(folder, opened, monkeypatch):
    """One private key in two processes is one too many: each process makes its own."""
    told = AuthorityStatus(folder, SECRET)
    answered(told, asked(folder))
    monkeypatch.setattr(status.os, "getpid", lambda: 4711)
    answered(told, asked(folder))
    answered(told, asked(folder))
    assert len(opened) == 2


def test_an_answer_never_outlives_its_responder(kept):
    told = AuthorityStatus(kept, SECRET)
    ends = NOW + published.LIST_VALIDITY
    request = asked(kept, person("kept"))
    for now in (ends - timedelta(hours=1), ends - SECOND):
        assert answered(told, request, now=now).next_update_utc == ends
    assert answered(told, request, now=ends - DAY).next_update_utc == ends - DAY + ANSWER_VALIDITY
    for now in (ends, ends + SECOND):
        assert answered(told, request, now=now).response_status is Says.TRY_LATER


def test_under_a_passphrase_the_keepers_responder_answers(kept, opened):
    told = AuthorityStatus(kept, SECRET)
    found = answered(told, asked(kept, person("kept")))
    assert found.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert found.certificates == [published.open_responder(kept, SECRET).certificate]
    assert opened == []
    (kept / "responder.pem").unlink()
    assert answered(told, asked(kept, person("kept"))).response_status is Says.TRY_LATER
