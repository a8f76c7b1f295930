"""A certificate with our authority's name is trusted only when the authority issued it; and what certificates may
do."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from ged.codes import derive_secret
from ged.org import certificates
from ged.org.certificates import note_issued
from ged.org.models import CertificateKind
from ged.ports import CertifiedPerson, RevokedCertificate, Verdict
from ged.unit import SYSTEM
from signing.keys import describe
from signing.pki import Authority
from signing.status import LIST_VALIDITY, AuthorityStatus
from tests.factories import NOW
from tests.pki_kit import Holder, order_pdf, signed
from tests.worker_kit import Installation
from web.wiring.authority import authority_dir, create_authority
from web.wiring.services import build_services
from web.words.verdicts import reason_words

pytestmark = pytest.mark.in_turns(3)

MINISTER = "Koffi Edem Agbényo"


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    made = Installation.make(tmp_path_factory.mktemp("here"))
    create_authority(made.settings, organisation="Ministère d'essai", now=NOW)
    services = build_services(made.settings)
    yield made, services
    services.checker.close()
    services.engine.dispose()
    made.services.engine.dispose()


@pytest.fixture(scope="module")
def authority(here):
    """The authority, opened by a thief who has its folder and the secret."""
    made, _services = here
    return Authority.open(
        authority_dir(made.settings), derive_secret(made.settings.secret.get_secret_value(), "keystore")
    )


def certified(authority) -> Holder:
    key = ec.generate_private_key(ec.SECP256R1())
    made = authority.certify(key.public_key(), CertifiedPerson(MINISTER, "Ministre", "M", ""), now=NOW)
    return Holder(made, key, Holder(authority.certificate, key))


def verdict(services, who: Holder) -> tuple[Verdict, str]:
    (report,) = services.checker.check(signed(order_pdf(), who, at=NOW), at=NOW + timedelta(hours=1))
    assert report.certificate == ""
    return report.verdict, report.reason


def written_down(services, who: Holder) -> None:
    with services.unit_of_work(NOW) as uow:
        note_issued(uow, describe(who.certificate), who.pem, kind=CertificateKind.PERSON)


def test_a_certificate_that_the_house_did_not_issue_is_red_though_its_authority_signed_it(here, authority) -> None:
    _made, services = here
    genuine, forged = certified(authority), certified(authority)
    written_down(services, genuine)
    assert verdict(services, genuine) == (Verdict.GREEN, "ok")
    assert verdict(services, forged) == (Verdict.RED, "not_issued")
    assert "ne l’a pas émis" in str(reason_words("not_issued"))


@pytest.mark.parametrize("shout", [False, True], ids=["as spelt", "in capitals"])
def test_a_serial_number_of_ours_does_not_make_another_certificate_ours(here, authority, shout: bool) -> None:
    _made, services = here
    genuine = certified(authority)
    written_down(services, genuine)
    issuer = authority.certificate.subject
    if shout:  # RFC 5280, 7.1: names are compared without regard to case
        issuer = x509.Name([
            one if one.oid == NameOID.COUNTRY_NAME else x509.NameAttribute(one.oid, str(one.value).upper())
            for one in issuer
        ])  # fmt: skip
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(
        issuer, genuine.certificate.subject, key.public_key(), genuine.certificate.serial_number,
        genuine.certificate.not_valid_before_utc, genuine.certificate.not_valid_after_utc,
        list(genuine.certificate.extensions),
    )  # fmt: skip
    cloned = Holder(builder.sign(authority._key, hashes.SHA384()), key, genuine.issuer)
    assert verdict(services, cloned)[0] is Verdict.RED
    assert verdict(services, cloned) == (Verdict.RED, "not_issued")


def test_a_file_signed_apart_is_judged_alike(here, authority) -> None:
    _made, services = here
    forged = certified(authority)
    builder = (
        pkcs7.PKCS7SignatureBuilder().set_data(b"ordre").add_signer(forged.certificate, forged.key, hashes.SHA256())
    )
    cms = builder.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])
    (report,) = services.checker.check_cms(cms, at=NOW + timedelta(hours=1), content=b"ordre")
    assert (report.verdict, report.reason) == (Verdict.RED, "not_issued")


def test_a_certificate_of_a_person_is_for_documents_only(authority) -> None:
    purposes = certified(authority).certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [one.dotted_string for one in purposes] == ["1.3.6.1.5.5.7.3.36", "1.2.840.113583.1.1.5"]


def test_a_list_is_signed_anew_when_something_changed_or_half_its_life_is_over_not_for_each_who_asks(here) -> None:
    made, _services = here
    status = AuthorityStatus(
        authority_dir(made.settings), derive_secret(made.settings.secret.get_secret_value(), "keystore")
    )
    first = status.crls((), now=NOW)[0]
    assert status.crls((), now=NOW + LIST_VALIDITY / 2 - timedelta(seconds=1))[0] == first
    gone = (RevokedCertificate("abc", NOW, "keyCompromise"),)
    second = status.crls(gone, now=NOW + timedelta(minutes=1))[0]
    assert x509.load_der_x509_crl(second).get_revoked_certificate_by_serial_number(0xABC) is not None
    later = status.crls(gone, now=NOW + timedelta(minutes=1) + LIST_VALIDITY / 2)[0]
    assert later != second
    assert x509.load_der_x509_crl(later).next_update_utc > x509.load_der_x509_crl(second).next_update_utc


def test_what_the_house_revoked_stays_revoked(here, authority) -> None:
    _made, services = here
    genuine = certified(authority)
    written_down(services, genuine)
    with services.unit_of_work(NOW) as uow:
        certificates.revoke(uow, f"{genuine.certificate.serial_number:x}", reason="keyCompromise", actor=SYSTEM)
    assert verdict(services, genuine) == (Verdict.RED, "revoked")
