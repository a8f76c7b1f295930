"""Signatures raised to B-LTA with real TSA, OCSP and CRL servers, which are stopped and started."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader

from ged.errors import EngineFailed
from ged.ports import RevokedCertificate, Verdict
from signing.pades import PadesSigner
from signing.preserve import PadesPreserver
from signing.status import AuthorityStatus
from tests.factories import SharedChecker
from tests.judges import verapdf
from tests.preserve_kit import other_key, raised, signed
from tests.servers.authorities import Authorities
from tests.signing_kit import (
    NOW,
    RECEIVER,
    SECRET,
    SENDER,
    changed,
    digest,
    keys,
    page_content,
    page_pdf,
    pdfsig,
    request,
    signed_slip,
    unlocked,
)

__all__ = ["keys"]  # a fixture

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    made = Authorities(tmp_path_factory.mktemp("others"), NOW)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def everything_answers(authorities):
    authorities.down.clear()
    authorities.at(NOW)


@pytest.fixture(scope="module")
def opened(keys):
    return unlocked(keys)


@pytest.fixture(scope="module")
def roots(keys, authorities):
    return (*keys.trust_roots_pem(), authorities.root_pem)


@pytest.fixture(scope="module")
def lists(keys):
    return AuthorityStatus(keys._dir, SECRET).crls((), now=NOW)


@pytest.fixture(scope="module")
def checker(roots):
    made = SharedChecker(roots)
    yield made
    made.close()


@pytest.fixture
def preserver(authorities, roots):
    return PadesPreserver([authorities.tsa()], lambda: roots, pause_s=0)


def refused(preserver: PadesPreserver, pdf: bytes, lists, *, now=NOW) -> tuple[str, bool]:
    with pytest.raises(EngineFailed) as caught:
        preserver.next_step(pdf, now=now, crls=lists)
    return caught.value.code, caught.value.retryable


def test_each_level_waits_for_its_server_and_is_reached_when_it_is_back(
    authorities, opened, preserver, lists, checker, tmp_path
):
    authorities.down |= {"tsa", "crls", "ocsp"}
    made = signed(opened, PadesSigner([authorities.tsa()]))
    assert made.level == "B-B"  # never refused
    issued = [digest(made.pdf)]

    def level(pdf: bytes) -> str:
        reports = checker.check(pdf, at=NOW, issued=issued)
        assert {report.verdict for report in reports} == {Verdict.GREEN}
        return reports[0].level

    def step(pdf: bytes) -> bytes:
        after = preserver.next_step(pdf, now=NOW, crls=lists)
        assert after is not None
        assert after.pdf.startswith(pdf)
        issued.append(digest(after.pdf))
        assert level(after.pdf) == after.level
        return after.pdf

    assert refused(preserver, made.pdf, lists) == ("sign.no_timestamp", True)
    assert level(made.pdf) == "B-B"
    authorities.down -= {"tsa"}
    stamped = step(made.pdf)
    assert level(stamped) == "B-T"
    assert refused(preserver, stamped, lists) == ("preserve.no_revocation", True)
    authorities.down -= {"crls", "ocsp"}
    proven = step(stamped)
    assert level(proven) == "B-LT"
    authorities.down |= {"tsa"}
    assert refused(preserver, proven, lists) == ("sign.no_timestamp", True)
    authorities.down.clear()
    lasting = step(proven)
    assert level(lasting) == "B-LTA"
    assert preserver.next_step(lasting, now=NOW, crls=lists) is None
    assert pdfsig(lasting, tmp_path)[0] == "Signature is Valid."
    broken = changed(lasting, page_content(lasting)[10])
    assert checker.check(broken, at=NOW, issued=issued)[0].verdict is Verdict.RED


def test_what_was_stamped_when_signed_goes_on_from_there(authorities, opened, preserver, lists):
    made = signed(opened, PadesSigner([authorities.tsa()]))
    assert made.level == "B-T"
    assert [step.level for step in raised(preserver, made.pdf, lists)] == ["B-LT", "B-LTA"]


def test_the_lowest_signature_is_the_level_of_a_slip_and_all_are_raised(opened, preserver, lists, checker):
    slip = signed_slip(opened)
    steps = raised(preserver, slip.received, lists)
    assert [step.level for step in steps] == ["B-T", "B-LT", "B-LTA"]
    issued = (*slip.issued, *(digest(step.pdf) for step in steps))
    reports = checker.check(steps[-1].pdf, at=NOW, issued=issued)
    assert [(report.level, report.verdict) for report in reports[:2]] == [("B-LTA", Verdict.GREEN)] * 2


def test_a_receiver_signs_over_what_was_raised_and_it_is_raised_again(opened, preserver, lists, checker):
    pades = PadesSigner()
    prepared = pades.prepare(page_pdf(), [SENDER, RECEIVER])
    half = {"sealed": opened.sealed, "cookie_key": opened.cookie_key, "now": NOW}
    sent = pades.sign(prepared, request(SENDER, docmdp_level=2), **half).pdf
    first = raised(preserver, sent, lists)
    received = pades.sign(first[-1].pdf, request(RECEIVER), **half).pdf
    again = raised(preserver, received, lists)
    assert [step.level for step in again] == ["B-T", "B-LT", "B-LTA"]
    stored = [sent, *(step.pdf for step in first), received, *(step.pdf for step in again)]
    reports = checker.check(stored[-1], at=NOW, issued=[digest(one) for one in stored])
    assert {report.verdict for report in reports} == {Verdict.GREEN}
    assert {report.level for report in reports if report.field in ("sender", "receiver")} == {"B-LTA"}


def test_keys_of_an_accredited_authority_are_proven_by_its_own_ocsp(authorities, preserver):
    authorities.asked.clear()
    steps = raised(preserver, signed(other_key(authorities, "signer")).pdf, ())
    assert [step.level for step in steps] == ["B-T", "B-LT", "B-LTA"]
    assert "/other/ocsp/issuing" in authorities.asked


def test_a_revoked_certificate_is_never_proven(authorities, opened, preserver, keys):
    made = signed(other_key(authorities, "gone"))
    step = preserver.next_step(made.pdf, now=NOW)
    assert step is not None
    assert refused(preserver, step.pdf, ()) == ("preserve.revoked", False)
    ours = preserver.next_step(signed(opened).pdf, now=NOW)
    assert ours is not None
    embedded = PdfFileReader(BytesIO(ours.pdf)).embedded_regular_signatures[0]
    serial = f"{x509.load_der_x509_certificate(embedded.signer_cert.dump()).serial_number:x}"
    gone = AuthorityStatus(keys._dir, SECRET).crls(
        [RevokedCertificate(serial, NOW - timedelta(hours=1), "keyCompromise")], now=NOW
    )
    assert refused(preserver, ours.pdf, gone) == ("preserve.revoked", False)


def test_the_last_time_stamp_is_covered_by_another_before_its_certificate_ends(
    authorities, opened, roots, lists, keys, checker
):
    old = PadesPreserver([authorities.tsa("old")], lambda: roots, pause_s=0)
    first = raised(old, signed(opened).pdf, lists)
    renew_at = first[-1].renew_at
    assert renew_at is not None
    assert NOW + timedelta(days=60) < renew_at < datetime(2027, 1, 1, tzinfo=UTC) - timedelta(days=100)
    new = PadesPreserver([authorities.tsa()], lambda: roots, pause_s=0)
    assert new.next_step(first[-1].pdf, now=renew_at - timedelta(days=1), crls=lists) is None
    later = renew_at + timedelta(days=1)
    authorities.at(later)
    lists_then = AuthorityStatus(keys._dir, SECRET).crls((), now=later)
    again = raised(new, first[-1].pdf, lists_then, now=later)
    assert [step.level for step in again] == ["B-LTA", "B-LTA"]
    assert again[-1].renew_at is not None
    assert again[-1].renew_at.year > 2050
    issued = [digest(step.pdf) for step in (*first, *again)]
    reports = checker.check(again[-1].pdf, at=later, issued=issued[-3:])
    assert reports[-1].verdict is Verdict.GREEN


def test_a_time_stamp_of_an_authority_that_nobody_trusts_is_not_kept(authorities, opened, keys, lists):
    ours_only = PadesPreserver([authorities.tsa()], keys.trust_roots_pem, pause_s=0)
    assert refused(ours_only, signed(opened).pdf, lists) == ("preserve.untrusted", True)


def test_a_pdf_a_stays_one_at_every_level(opened, preserver, lists, tmp_path):
    made = signed(opened)
    files = []
    for number, pdf in enumerate([made.pdf, *(step.pdf for step in raised(preserver, made.pdf, lists))]):
        files.append(tmp_path / f"{number}.pdf")
        files[-1].write_bytes(pdf)
    assert [(one.flavour, one.failures) for one in verapdf.check(files)] == [("2b", ())] * 4


def test_what_is_no_signed_pdf_is_left_alone_or_told(preserver):
    assert preserver.next_step(page_pdf(), now=NOW) is None
    assert refused(preserver, b"no file at all", ()) == ("preserve.failed", False)
