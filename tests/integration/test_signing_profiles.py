"""Certificates conform to RFC 5280 and ETSI EN 319 412-2 and -3: read back, and checked by OpenSSL in strict mode."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ExtensionOID
from cryptography.x509.oid import NameOID

from ged.errors import ConfigError
from ged.ports import CertifiedPerson
from signing.pki import Authority
from signing.profiles import POLICY, StatusAddress, identifier_of, names_of
from tests.signing_kit import NOW, SECRET

pytestmark = pytest.mark.in_turns(3)

SITE = StatusAddress("https://ged.example.tg")


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    folder = tmp_path_factory.mktemp("pki") / "authority"
    return Authority.create(folder, SECRET, "Ministère de l'Économie", NOW, address=SITE)


@pytest.fixture(scope="module")
def person(authority) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    named = CertifiedPerson("AMAVI Kossi Mawuli", "Secrétaire général", "MEF", "k@mef.tg", "GED-12")
    return authority.certify(key, named, now=NOW)


@pytest.fixture(scope="module")
def seal(authority) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return authority.certify_seal(key, organisation="Ministère de l'Économie", now=NOW)


@pytest.fixture(scope="module")
def responder(authority) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return authority.certify_responder(key, now=NOW, not_after=NOW + timedelta(days=30))


def told(certificate: x509.Certificate) -> dict[x509.ObjectIdentifier, str]:
    parts = [(one.oid, str(one.value)) for one in certificate.subject]
    assert len(dict(parts)) == len(parts), "an attribute stands twice"
    return dict(parts)


def test_a_natural_person_is_named_as_412_2_wants(person) -> None:
    assert told(person) == {
        NameOID.COUNTRY_NAME: "TG",
        NameOID.ORGANIZATION_NAME: "MEF",
        NameOID.TITLE: "Secrétaire général",
        NameOID.SURNAME: "AMAVI",
        NameOID.GIVEN_NAME: "Kossi Mawuli",
        NameOID.SERIAL_NUMBER: "GED-12",
        NameOID.COMMON_NAME: "AMAVI Kossi Mawuli",
    }


def test_two_people_of_one_name_are_told_apart(authority) -> None:
    def made(**given) -> x509.Certificate:
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        return authority.certify(key, CertifiedPerson("AMAVI Kossi", "", "MEF", "", **given), now=NOW)

    assert made().subject != made().subject
    assert made(identifier="GED-1").subject != made(identifier="GED-2").subject


def test_the_seal_is_of_a_legal_person_as_412_3_wants(seal, authority) -> None:
    assert told(seal) == {
        NameOID.COUNTRY_NAME: "TG",
        NameOID.ORGANIZATION_NAME: "Ministère de l'Économie",
        NameOID.ORGANIZATION_IDENTIFIER: "GO:TG-MINISTERE-DE-L-ECONOMIE",
        NameOID.COMMON_NAME: "Cachet Ministère de l'Économie",
    }
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    given = authority.certify_seal(key, organisation="MEF", identifier="VATTG-1000123456", now=NOW)
    assert told(given)[NameOID.ORGANIZATION_IDENTIFIER] == "VATTG-1000123456"
    for wrong in ("1000123456", "VAT-100", "go:tg-mef", "GO:TG-"):
        with pytest.raises(ConfigError, match=r"seal\.identifier"):
            authority.certify_seal(key, organisation="MEF", identifier=wrong, now=NOW)


@pytest.mark.parametrize("name", ["", "Ministère " * 30, "Ègbè ɖe ƒomevi"])
def test_an_identifier_made_of_a_name_fits(name: str) -> None:
    assert len(identifier_of(name or "A", "TG")) <= 64


@pytest.mark.parametrize(
    ("name", "given", "surname"),
    [
        ("AMAVI Kossi", "Kossi", "AMAVI"),
        ("Kossi AMAVI", "Kossi", "AMAVI"),
        ("d'ALMEIDA Afi Akouvi", "Afi Akouvi", "d'ALMEIDA"),
        ("de SOUZA-AMEGAN Yao", "de Yao", "SOUZA-AMEGAN"),
        ("Kossi Amavi", "Kossi", "Amavi"),
        ("AMAVI KOSSI", "KOSSI", "AMAVI"),
        ("Amavi", "", "Amavi"),
    ],
)
def test_names_in_capitals_are_surnames(name: str, given: str, surname: str) -> None:
    assert names_of(name) == (given, surname)


@pytest.mark.parametrize("who", ["person", "seal", "responder", "issuing", "root"])
def test_what_rfc_5280_wants_in_every_certificate(who: str, authority, request) -> None:
    given = {"issuing": authority.certificate, "root": authority.root}
    found = given.get(who) or request.getfixturevalue(who)
    issuer = authority.root if who in given else authority.certificate
    found.verify_directly_issued_by(issuer)
    extensions = found.extensions
    assert found.version is x509.Version.v3
    assert 64 <= found.serial_number.bit_length() <= 159  # 4.1.2.2: positive, at most 20 octets
    assert found.issuer == issuer.subject
    oids = [one.oid for one in extensions]
    assert len(set(oids)) == len(oids)
    critical = {one.oid for one in extensions if one.critical}
    assert {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE} <= critical
    own = extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert own == x509.SubjectKeyIdentifier.from_public_key(found.public_key())
    above = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert above.key_identifier == issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == {"root": (True, 1), "issuing": (True, 0)}.get(
        who, (False, None)
    )
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign is usage.crl_sign is constraints.ca
    assert usage.content_commitment is (who in ("person", "seal"))
    assert found.not_valid_after_utc <= issuer.not_valid_after_utc


@pytest.mark.parametrize("who", ["person", "seal"])
def test_where_revocation_is_told_and_under_which_policy(who: str, request) -> None:
    extensions = request.getfixturevalue(who).extensions
    (point,) = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert [one.value for one in point.full_name or ()] == [f"{SITE.base}/pki/issuing.crl"]
    access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    places = {one.access_method._name: one.access_location.value for one in access}
    assert places == {"OCSP": f"{SITE.base}/pki/ocsp", "caIssuers": f"{SITE.base}/pki/issuing.cer"}
    (policy,) = extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert policy.policy_identifier == POLICY


@pytest.mark.parametrize("who", ["person", "seal"])
def test_openssl_reads_them_strictly(who: str, authority, request, tmp_path: Path) -> None:
    for name, one in (
        ("root", authority.root),
        ("issuing", authority.certificate),
        ("own", request.getfixturevalue(who)),
    ):
        (tmp_path / f"{name}.pem").write_bytes(one.public_bytes(Encoding.PEM))
    at = str(int(NOW.timestamp()))
    done = subprocess.run(
        [
            "openssl", "verify", "-x509_strict", "-policy_check", "-attime", at,
            "-CAfile", "root.pem", "-untrusted", "issuing.pem", "own.pem",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "own.pem: OK", done.stderr
