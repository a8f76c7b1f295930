"""Signatures judged years later: facts that a time-stamp proved stay proved, whatever became of certificates and lists.

The certificates name their lists and responders, as those of real authorities do. The file contains data on revocation
that are long out of date when it is judged.
"""

import json
from datetime import timedelta
from io import BytesIO

import pytest
from asn1crypto import ocsp as asn1_ocsp
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from ged.ports import RevokedCertificate
from signing.pades import PadesSigner
from signing.preserve import PadesPreserver
from signing.revocation import Known, is_revoked
from signing.status import AuthorityStatus
from tests.factories import SharedChecker
from tests.pki_kit import Ministry, crl, holder, order_pdf, updated, with_validation_data
from tests.pki_kit import signed as signed_by
from tests.preserve_kit import other_key, raised, signed
from tests.servers.authorities import Authorities
from tests.signing_kit import NOW, SECRET, keys, unlocked
from web.commands.signatures import signatures

__all__ = ["keys"]  # a fixture

pytestmark = pytest.mark.in_turns(2)

DAY = timedelta(days=1)
YEARS = [NOW + n * 365 * DAY for n in (1, 4, 12)]
"""Times: the lists are out of date; the person's certificate has expired; the issuing authority's has expired."""


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    made = Authorities(tmp_path_factory.mktemp("others"), NOW)
    yield made
    made.close()


@pytest.fixture(scope="module")
def roots(keys, authorities):
    return (*keys.trust_roots_pem(), authorities.root_pem)


@pytest.fixture(scope="module")
def own(keys):
    return unlocked(keys)


@pytest.fixture(scope="module")
def levels(authorities, keys, own, roots):
    """One letter at each level: with a time-stamp of the signature, and with one of the document made later."""
    lists = AuthorityStatus(keys._dir, SECRET).crls((), now=NOW)
    preserver = PadesPreserver([authorities.tsa()], lambda: roots, pause_s=0)
    stamping = PadesSigner([authorities.tsa()])

    def made(key, signer):
        first = signed(key, signer)
        steps = raised(preserver, first.pdf, lists)
        return {first.level: first.pdf} | {step.level: step.pdf for step in steps}

    return {
        "own": made(own, stamping),
        "other": made(other_key(authorities, "signer"), stamping),
        "healed": made(own, PadesSigner()),
    }


@pytest.fixture(scope="module")
def checker(roots):
    checker = SharedChecker(roots)
    yield checker
    checker.close()


def _found(checker, pdf, at):
    report = checker.check(pdf, at=at)[0]
    return report.verdict.value, report.reason, report.level


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("who", ["own", "other", "healed"])
@pytest.mark.parametrize("level", ["B-T", "B-LT", "B-LTA"])
def test_what_a_time_stamp_proves_stays_green_after_the_certificate_has_ended(checker, levels, who, level):
    pdf = levels[who][level]
    reason = "ok" if level == "B-T" and who != "healed" else "validation_data"
    for at in [NOW, *YEARS]:
        assert _found(checker, pdf, at) == ("green", reason, level), at
    report = checker.check(pdf, at=YEARS[-1])[0]
    assert (report.timestamp, report.timestamp_trusted) == (NOW, True)


def test_without_a_proof_of_the_time_it_is_amber(checker, levels, authorities, keys):
    assert _found(checker, levels["healed"]["B-B"], YEARS[1]) == ("amber", "expired", "B-B")
    without_its_authority = SharedChecker(keys.trust_roots_pem())
    pdf = levels["own"]["B-LTA"]
    assert _found(without_its_authority, pdf, YEARS[1])[:2] == ("amber", "expired")
    without_its_authority.close()


def test_a_revocation_counts_from_its_own_time(keys, roots, levels):
    lists: list[bytes] = []
    checker = SharedChecker(roots, crls=lambda: lists)
    for who in ("own", "healed"):
        embedded = PdfFileReader(BytesIO(levels[who]["B-LTA"])).embedded_regular_signatures[0]
        serial = f"{embedded.signer_cert.serial_number:x}"
        for since, expected in ((NOW + DAY, "green"), (NOW - DAY, "red")):
            gone = RevokedCertificate(serial, since, "keyCompromise")
            lists[:] = AuthorityStatus(keys._dir, SECRET).crls([gone], now=NOW + 2 * DAY)
            for level in ("B-T", "B-LTA"):
                found = [_found(checker, levels[who][level], at) for at in (NOW + 3 * DAY, YEARS[1])]
                assert [one[0] for one in found] == [expected] * 2, (who, level)
                assert expected == "green" or {one[1] for one in found} == {"revoked"}
    checker.close()


def test_a_time_stamp_authority_that_was_revoked_proves_nothing():
    ministry = Ministry()
    short = holder("En poste jusqu'en mars", ministry.root, end=NOW + DAY)
    pdf = signed_by(order_pdf(), short, stamper=ministry.stamps(NOW))
    gone = crl(ministry.root, {ministry.stamper.certificate: NOW + DAY}, at=NOW + 2 * DAY)
    checker = SharedChecker([ministry.root.pem], crls=lambda: [gone])
    assert _found(checker, pdf, NOW + 30 * DAY)[:2] == ("amber", "expired")
    assert checker.check(pdf, at=NOW + 30 * DAY)[0].timestamp_trusted is False
    checker.close()


# --- answers of responders, of any age


def _answer(issuer, certificate, *, since, by, at=NOW):
    builder = ocsp.OCSPResponseBuilder().add_response(
        certificate.certificate, issuer.certificate, hashes.SHA1(), ocsp.OCSPCertStatus.REVOKED,
        at, at + DAY, since, x509.ReasonFlags.key_compromise,
    )  # fmt: skip
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate).certificates([by.certificate])
    made = builder.sign(by.key, hashes.SHA256())
    return asn1_ocsp.OCSPResponse.load(made.public_bytes(serialization.Encoding.DER))


@pytest.mark.parametrize(
    ("responder", "since", "revoked"),
    [
        ({"purposes": (ExtendedKeyUsageOID.OCSP_SIGNING,), "end": NOW + 2 * DAY}, NOW - DAY, True),
        ({"purposes": (ExtendedKeyUsageOID.OCSP_SIGNING,)}, NOW + 400 * DAY, False),
        ({"purposes": (ExtendedKeyUsageOID.CLIENT_AUTH,)}, NOW - DAY, False),
        ({"purposes": (ExtendedKeyUsageOID.OCSP_SIGNING,), "end": NOW - DAY}, NOW - DAY, False),
        (None, NOW - DAY, False),
    ],
    ids=["long_ago", "later", "other_purpose", "ended_before_it_answered", "of_nobody"],
)
def test_an_old_answer_counts_when_whoever_gave_it_might(responder, since, revoked):
    ministry = Ministry()
    signs = {"usage": "digital_signature", "start": NOW - 300 * DAY}
    purposes = (ExtendedKeyUsageOID.OCSP_SIGNING,)
    by = (
        holder("Répondeur", ministry.root, **signs, **responder)
        if responder is not None
        else holder("Répondeur", Ministry().root, **signs, purposes=purposes)
    )
    answer = _answer(ministry.root, ministry.signer, since=since, by=by)
    known = Known((ministry.root.asn1,), (), (answer,))
    assert is_revoked(ministry.signer.asn1, NOW + 365 * DAY, known) is revoked


# --- what other programs write beside validation data


def _retitled(packet: bytes) -> bytes:
    assert b"application/pdf" in packet
    return packet.replace(b"application/pdf", b"application/xml")


def test_metadata_written_anew_is_harmless_and_changed_metadata_is_not(checker, levels, monkeypatch):
    pdf = levels["own"]["B-T"]
    # pyHanko's writer dates the packet and writes all of it again.
    others = with_validation_data(pdf, [])
    assert len(others) - len(pdf) > 2000
    assert _found(checker, others, NOW)[:2] == ("green", "validation_data")

    def change(writer: IncrementalPdfFileWriter) -> None:
        place = writer.root.raw_get("/Metadata")
        stream = place.get_object()
        stream._data, stream._encoded_data = _retitled(stream.data), None
        writer.mark_update(place)

    monkeypatch.setattr(IncrementalPdfFileWriter, "_update_meta", lambda self: None)
    assert _found(checker, updated(pdf, change), NOW)[:2] == ("red", "modified_after")


def test_what_we_append_says_nothing_new_of_the_document(levels):
    for files in levels.values():
        last = files["B-LTA"]
        assert last.count(b"/Type /Metadata") + last.count(b"/Type/Metadata") == 1


def test_the_command_judges_at_the_time_that_is_asked_for(tmp_path, levels, roots, monkeypatch):
    (tmp_path / "roots.pem").write_text("\n".join(roots))
    for level in ("B-B", "B-LTA"):
        (tmp_path / f"{level}.pdf").write_bytes(levels["healed"][level])
    monkeypatch.chdir(tmp_path)
    question = ["B-B.pdf", "B-LTA.pdf", "--trust", "roots.pem", "--at", YEARS[1].isoformat(), "--json"]
    done = CliRunner().invoke(signatures, question)
    assert done.exit_code == 0
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["verdict"] for one in told] == ["amber", "green"]
    assert told[1]["signatures"][0]["timestamp"] == NOW.isoformat()
