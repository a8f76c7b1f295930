"""The contracts of KeyVault, Signer and SignatureChecker, over each kind of key."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509

from ged.errors import ConfigError, EngineFailed, Invalid
from ged.ports import CertifiedPerson, KeyVault, SignatureChecker, Signer, Verdict
from signing.keys import LocalVault
from signing.pades import PadesSigner
from signing.pki import Authority
from signing.secrets import passphrase_password
from signing.validation import PdfChecker
from tests.signing_kit import (
    CHEAP,
    NOW,
    PASSPHRASE,
    RECEIVER,
    SECRET,
    SENDER,
    changed,
    page_content,
    page_pdf,
    request,
    signed_slip,
    unlocked,
    vault,
)

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]

PERSON = CertifiedPerson("AMAVI Kossi", "Secrétaire général", "MEF", "k@mef.tg")


@pytest.fixture(scope="module", params=[(None, "p256"), (None, "p384"), (3072, "")], ids=["p256", "p384", "rsa3072"])
def keys(request, tmp_path_factory) -> KeyVault:
    rsa_bits, curve = request.param
    return vault(tmp_path_factory.mktemp("authority"), rsa_bits=rsa_bits, curve=curve)


@pytest.fixture(scope="module")
def stored(keys):
    return keys.issue(PERSON, passphrase=PASSPHRASE, now=NOW)


@pytest.fixture(scope="module")
def opened(keys, stored):
    return keys.unlock(stored, PASSPHRASE, now=NOW)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return PadesSigner()


@pytest.fixture(scope="module")
def checker(keys):
    checker = PdfChecker(keys.trust_roots_pem())
    yield checker
    checker.close()


@pytest.fixture(scope="module")
def slip(opened, signer):
    return signed_slip(opened, signer)


def _verdicts(checker: SignatureChecker, pdf: bytes, issued=(), at=NOW) -> list[tuple[str, str, str]]:
    return [(report.field, report.verdict.value, report.reason) for report in checker.check(pdf, at=at, issued=issued)]


# --- KeyVault


def test_a_short_passphrase_is_refused(keys):
    with pytest.raises(Invalid) as caught:
        keys.issue(PERSON, passphrase="onze lettre", now=NOW)
    assert caught.value.code == "key.passphrase_short"


def test_the_certificate_names_person_title_and_authority(keys, stored):
    facts = keys.certificate(stored)
    assert "CN=AMAVI Kossi" in facts.subject
    assert "O=MEF" in facts.subject
    assert "Secrétaire général" in facts.subject
    assert "Autorité de signature" in facts.issuer
    assert facts.not_before <= NOW < facts.not_after <= NOW + timedelta(days=3 * 365)
    usage = x509.load_pem_x509_certificate(stored.certificate_pem.encode()).extensions.get_extension_for_class(
        x509.KeyUsage
    )
    assert usage.critical
    assert usage.value.digital_signature
    assert usage.value.content_commitment
    assert not usage.value.key_cert_sign


def test_a_long_title_does_not_stop_a_certificate(keys):
    person = replace(PERSON, title="Directrice " * 20, email="é@mef.tg")
    stored = keys.issue(person, passphrase=PASSPHRASE, now=NOW)
    assert "Directrice" in keys.certificate(stored).subject


def test_a_wrong_passphrase_opens_nothing(keys, stored):
    with pytest.raises(Invalid) as caught:
        keys.unlock(stored, PASSPHRASE + "!", now=NOW)
    assert caught.value.code == "key.passphrase_wrong"
    assert PASSPHRASE not in str(caught.value)


def test_another_server_secret_opens_nothing(stored, tmp_path):
    with pytest.raises(Invalid) as caught:
        LocalVault(tmp_path, b"another secret", cost=CHEAP).unlock(stored, PASSPHRASE, now=NOW)
    assert caught.value.code == "key.passphrase_wrong"


def test_a_key_of_another_authority_is_taken_over_and_signs(keys, signer, tmp_path):
    other = vault(tmp_path / "other", curve="p384")
    given = other.issue(PERSON, passphrase=PASSPHRASE, now=NOW)
    password = passphrase_password(PASSPHRASE, given.salt, SECRET).decode()
    with pytest.raises(Invalid, match=r"key\.file_unreadable"):
        keys.adopt(given.keystore, "another", passphrase=PASSPHRASE, now=NOW)
    with pytest.raises(Invalid, match=r"key\.expired"):
        keys.adopt(given.keystore, password, passphrase=PASSPHRASE, now=NOW + timedelta(days=1200))
    stored = keys.adopt(given.keystore, password, passphrase=PASSPHRASE + " à moi", now=NOW)
    assert stored.certificate_pem == given.certificate_pem
    opened = keys.unlock(stored, PASSPHRASE + " à moi", now=NOW)
    signed = signer.sign(page_pdf(), request(SENDER), sealed=opened.sealed, cookie_key=opened.cookie_key, now=NOW)
    checker = PdfChecker(other.trust_roots_pem())
    assert _verdicts(checker, signed.pdf) == [("sender", "green", "ok")]
    checker.close()


def test_an_expired_certificate_opens_nothing(keys, stored):
    with pytest.raises(Invalid) as caught:
        keys.unlock(stored, PASSPHRASE, now=NOW + timedelta(days=1200))
    assert caught.value.code == "key.expired"


def test_an_unlocked_key_ends_with_its_certificate(tmp_path):
    keys = vault(tmp_path)
    key = keys.issue(CertifiedPerson("AMAVI Kossi", "", "MEF", ""), passphrase=PASSPHRASE, now=NOW)
    ends_at = keys.certificate(key).not_after
    opened = keys.unlock(key, PASSPHRASE, now=ends_at - timedelta(minutes=2))
    assert opened.expires_at == ends_at
    with pytest.raises(Invalid, match="key.locked"):
        PadesSigner().sign(page_pdf(), request(SENDER), sealed=opened.sealed, cookie_key=opened.cookie_key, now=ends_at)
    with pytest.raises(Invalid, match="key.expired"):
        keys.unlock(key, PASSPHRASE, now=ends_at)


def test_an_unlocked_key_ends_after_five_minutes(opened):
    assert opened.expires_at == NOW + timedelta(minutes=5)


def test_an_altered_salt_is_told_apart(keys, stored):
    with pytest.raises(EngineFailed) as caught:
        keys.unlock(replace(stored, salt=b""), PASSPHRASE, now=NOW)
    assert caught.value.code == "key.damaged"


def test_no_secret_shows_in_a_repr(stored, opened, slip):
    shown = repr(stored) + repr(opened) + repr(request(SENDER))
    assert opened.cookie_key not in shown
    for secret in (stored.keystore, stored.salt, opened.sealed):
        assert repr(secret)[2:-1] not in shown
    assert "%PDF" not in shown


# --- the authority


def test_an_authority_is_never_overwritten_and_opens_with_its_secret_only(tmp_path):
    Authority.create(tmp_path, SECRET, "MEF", NOW)
    with pytest.raises(Invalid):
        Authority.create(tmp_path, SECRET, "MEF", NOW)
    assert Authority.open(tmp_path, SECRET).certificate.subject.rfc4514_string().startswith("CN=Autorité")
    with pytest.raises(ConfigError) as caught:
        Authority.open(tmp_path, b"another")
    assert caught.value.code == "authority.secret_wrong"
    with pytest.raises(ConfigError) as caught:
        Authority.open(tmp_path / "none", SECRET)
    assert caught.value.code == "authority.missing"
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("*.key")} == {0}


def test_of_two_authorities_made_at_once_one_stands_whole(tmp_path):
    def create(_: int) -> str:
        try:
            return Authority.create(tmp_path / "ca", SECRET, "MEF", NOW).root.subject.rfc4514_string()
        except Invalid as refusal:
            return refusal.code

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(create, range(4)))
    assert outcomes.count("authority.exists") == 3
    opened = Authority.open(tmp_path / "ca", SECRET)
    opened.certificate.verify_directly_issued_by(opened.root)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca"]


def test_a_certificate_in_the_folder_trusted_is_trusted(tmp_path):
    own = vault(tmp_path / "own")
    other = vault(tmp_path / "other")
    (tmp_path / "own" / "trusted").mkdir()
    (tmp_path / "own" / "trusted" / "other.pem").write_text(other.trust_roots_pem()[0])
    assert own.trust_roots_pem()[1:] == other.trust_roots_pem()


# --- Signer


def test_given_bytes_are_a_prefix_of_signed_bytes(slip):
    assert slip.sent.startswith(slip.prepared)
    assert slip.received.startswith(slip.sent)


def test_a_file_without_line_end_is_prepared_on_a_line_of_its_own(signer):
    page = page_pdf()
    assert page.endswith(b"%%EOF")
    assert signer.prepare(page, [SENDER]).startswith(page + b"\n")


def test_a_field_that_does_not_exist_is_made(signer, opened, checker):
    signed = signer.sign(page_pdf(), request(SENDER), sealed=opened.sealed, cookie_key=opened.cookie_key, now=NOW)
    assert signed.level == "B-B"
    assert _verdicts(checker, signed.pdf) == [("sender", "green", "ok")]


@pytest.mark.parametrize("late", [timedelta(minutes=5), timedelta(hours=1)])
def test_after_the_five_minutes_nothing_is_signed(signer, opened, slip, late):
    with pytest.raises(Invalid) as caught:
        signer.sign(slip.sent, request(RECEIVER), sealed=opened.sealed, cookie_key=opened.cookie_key, now=NOW + late)
    assert caught.value.code == "key.locked"


def test_a_filled_field_is_not_signed_again(signer, opened, slip):
    with pytest.raises(EngineFailed) as caught:
        signer.sign(slip.sent, request(SENDER), sealed=opened.sealed, cookie_key=opened.cookie_key, now=NOW)
    assert caught.value.code == "sign.failed"


@pytest.mark.parametrize("junk", [b"", b"hello", b"%PDF-1.7\n"])
def test_what_is_no_pdf_is_refused(signer, opened, junk):
    with pytest.raises(EngineFailed):
        signer.prepare(junk, [SENDER])
    with pytest.raises(EngineFailed):
        signer.sign(junk, request(SENDER), sealed=opened.sealed, cookie_key=opened.cookie_key, now=NOW)


# --- SignatureChecker


def test_a_file_without_signature_gives_no_report(checker, slip):
    assert checker.check(page_pdf(), at=NOW) == ()
    assert checker.check(slip.prepared, at=NOW) == ()


def test_one_signature_over_the_whole_file_is_green(checker, slip):
    (report,) = checker.check(slip.sent, at=NOW)
    assert (report.field, report.verdict, report.reason, report.level) == ("sender", Verdict.GREEN, "ok", "B-B")
    assert (report.signer, report.signed_at, report.covers_bytes) == ("AMAVI Kossi", NOW, len(slip.sent))


def test_countersigned_is_green_only_in_a_file_that_we_issued(checker, slip):
    assert _verdicts(checker, slip.received, slip.issued) == [
        ("sender", "green", "countersigned"),
        ("receiver", "green", "ok"),
    ]
    outside = [("sender", "amber", "signed_again"), ("receiver", "green", "ok")]
    assert _verdicts(checker, slip.received) == outside
    assert _verdicts(checker, slip.received, slip.issued[:2]) == outside
    assert _verdicts(checker, slip.received, slip.issued[::-1]) == outside


def test_one_changed_byte_of_page_content_is_red(checker, slip):
    content = page_content(slip.received)
    for place in (content[0], content[len(content) // 2], content[-1]):
        found = _verdicts(checker, changed(slip.received, place), slip.issued)
        assert found == [("sender", "red", "broken"), ("receiver", "red", "broken")]


def test_an_unknown_authority_is_amber(slip):
    checker = PdfChecker(())
    assert _verdicts(checker, slip.sent) == [("sender", "amber", "untrusted")]
    checker.close()


def test_an_expired_certificate_is_amber(checker, slip):
    assert _verdicts(checker, slip.sent, at=NOW + timedelta(days=1200)) == [("sender", "amber", "expired")]


def test_roots_that_are_no_certificates_are_refused():
    with pytest.raises(ConfigError):
        PdfChecker(("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",))


def test_a_signer_of_another_authority_is_amber(checker, tmp_path):
    stranger = unlocked(vault(tmp_path))
    assert _verdicts(checker, signed_slip(stranger).sent) == [("sender", "amber", "untrusted")]
