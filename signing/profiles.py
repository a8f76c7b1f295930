"""Profiles of certificates and revocation lists: RFC 5280, ETSI EN 319 412-2 (people) and 412-3 (organisations).

Every certificate below the root names the address of its revocation status, if the authority knows its own address.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from ged.errors import ConfigError
from ged.ports import RevokedCertificate

PersonKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
"""Kinds of key that a person may hold: ECDSA P-256 or P-384, or RSA of 3072 bits."""
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

CLOCK_SKEW = timedelta(minutes=5)
_NAME_LIMIT = 64  # upper bound of commonName, title and organizationName in RFC 5280, appendix A
_IDENTIFIER = re.compile(r"(?:[A-Z]{3}|[A-Z]{2}:)[A-Z]{2}-\S.*")
POLICY = x509.ObjectIdentifier("2.25.95628643698383769368810661088179094967")
"""The policy of our certificates (EN 319 412-2, 4.3.3): our own, none of ETSI's. Derived from a UUID (X.667)."""
_ANY_POLICY = x509.ObjectIdentifier("2.5.29.32.0")
_DOCUMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""id-kp-documentSigning, RFC 9336."""
_ADOBE_DOCUMENTS = x509.ObjectIdentifier("1.2.840.113583.1.1.5")
_REASONS = {one.value: one for one in x509.ReasonFlags}


@dataclass(frozen=True)
class StatusAddress:
    """Where the site publishes revocation status: ``base`` without a slash at its end, empty when nowhere."""

    base: str = ""

    def added(self, builder: x509.CertificateBuilder, *, by: str) -> x509.CertificateBuilder:
        """Add the addresses of CRL and issuer certificate; OCSP only by ``issuing`` (RFC 5280, 4.2.1.13, 4.2.2.1).

        Args:
            by: ``root`` or ``issuing``.
        """
        if not self.base:
            return builder
        access = [_access(AuthorityInformationAccessOID.CA_ISSUERS, f"{self.base}/pki/{by}.cer")]
        if by == "issuing":
            access.insert(0, _access(AuthorityInformationAccessOID.OCSP, f"{self.base}/pki/ocsp"))
        point = x509.DistributionPoint([_uri(f"{self.base}/pki/{by}.crl")], None, None, None)
        return builder.add_extension(x509.CRLDistributionPoints([point]), critical=False).add_extension(
            x509.AuthorityInformationAccess(access), critical=False
        )


def person(name: str, organisation: str, country: str, *, title: str = "", identifier: str) -> x509.Name:
    """A natural person (EN 319 412-2, 4.2.4): country, given name and surname, common name, serial number.

    Args:
        name: as people write it; see ``names_of``.
        identifier: distinguishes people of the same name in the organisation; it has no other meaning.
    """
    given, surname = names_of(name)
    return _name(
        (NameOID.COUNTRY_NAME, country),
        (NameOID.ORGANIZATION_NAME, organisation),
        (NameOID.TITLE, title),
        (NameOID.SURNAME, surname),
        (NameOID.GIVEN_NAME, given),
        (NameOID.SERIAL_NUMBER, identifier),
        (NameOID.COMMON_NAME, name),
    )


def institution(name: str, organisation: str, country: str, *, identifier: str = "") -> x509.Name:
    """A legal person (EN 319 412-3, 4.2.1), or an authority of its.

    Args:
        identifier: of the organisation (organizationIdentifier, EN 319 412-1, 5.1.4).

    Raises:
        ConfigError: ``seal.identifier``: not in this form.
    """
    if identifier and not _IDENTIFIER.fullmatch(identifier):
        raise ConfigError("seal.identifier", "Spell it as VATTG-1000123456 or GO:TG-MEF.", setting="--identifier")
    return _name(
        (NameOID.COUNTRY_NAME, country),
        (NameOID.ORGANIZATION_NAME, organisation),
        (NameOID.ORGANIZATION_IDENTIFIER, identifier),
        (NameOID.COMMON_NAME, name),
    )


def identifier_of(organisation: str, country: str) -> str:
    """The identifier of an organisation without a registered number: its name, in a national scheme (``GO``).

    >>> identifier_of("Ministère de l'Économie", "TG")
    'GO:TG-MINISTERE-DE-L-ECONOMIE'
    """
    plain = unicodedata.normalize("NFKD", organisation).encode("ascii", "ignore").decode().upper()
    return f"GO:{country}-{'-'.join(re.findall(r'[A-Z0-9]+', plain))}"[:_NAME_LIMIT].rstrip("-")


def names_of(name: str) -> tuple[str, str]:
    """Given name and surname. The surname is the words in capitals, else the last word.

    >>> names_of("AMAVI Kossi"), names_of("Afi Akouvi d'ALMEIDA"), names_of("Kossi Amavi"), names_of("AMAVI")
    (('Kossi', 'AMAVI'), ('Afi Akouvi', "d'ALMEIDA"), ('Kossi', 'Amavi'), ('', 'AMAVI'))
    """
    words = name.split()
    capitals = [word for word in words if _is_capital(word)]
    if not capitals or len(capitals) == len(words):
        # All in capitals: "NOM PRÉNOMS", as registers write it.
        capitals = words[:1] if capitals else words[-1:]
    given = [word for word in words if word not in capitals]
    return " ".join(given), " ".join(capitals)


def _is_capital(word: str) -> bool:
    letters = "".join(filter(str.isalpha, re.sub(r"^.*['’]", "", word)))
    return len(letters) > 1 and letters.isupper()


def _name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    """A distinguished name; parts without a value are left out."""
    return x509.Name([x509.NameAttribute(oid, fit(value)) for oid, value in parts if value.strip()])


def fit(value: str) -> str:
    """Shorten a name to its upper bound: RFC 5280 counts characters, OpenSSL and cryptography count bytes of UTF-8."""
    text = " ".join(value.split())
    if len(text.encode()) <= _NAME_LIMIT:
        return text
    room = _NAME_LIMIT - len("…".encode())
    return text.encode()[:room].decode(errors="ignore").rstrip() + "…"


@dataclass(frozen=True)
class Wish:
    """The parts of every certificate: subject, key, issuer, validity."""

    subject: x509.Name
    public_key: PublicKey
    issuer: x509.Name
    issuer_key: PublicKey
    now: datetime
    not_after: datetime

    def builder(self, usage: x509.KeyUsage, *, path_length: int | None = None) -> x509.CertificateBuilder:
        """Names, dates and the extensions that RFC 5280, 4.2.1 requires. ``path_length`` makes it an authority."""
        constraints = x509.BasicConstraints(ca=path_length is not None, path_length=path_length)
        return (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(self.issuer)
            .public_key(self.public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - CLOCK_SKEW)
            .not_valid_after(self.not_after)
            .add_extension(constraints, critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.issuer_key), critical=False)
        )


def authority(wish: Wish, *, path_length: int) -> x509.CertificateBuilder:
    """A root (its own issuer), or an issuing authority, which may issue under any policy.

    No name constraints (RFC 5280, 4.2.1.10): a person's subject bears the name of the installation, which a decree may
    change without a new authority, and verifiers differ in how they compare directory names. Each certificate limits
    its own use (``signer``), and we keep a table of all that we issued (``signing.house``).
    """
    builder = wish.builder(_usage(key_cert_sign=True, crl_sign=True), path_length=path_length)
    return builder if wish.subject == wish.issuer else _under(builder, _ANY_POLICY)


def signer(wish: Wish) -> x509.CertificateBuilder:
    """A person, or an institution for its seal: digitalSignature and contentCommitment (EN 319 412-2, 4.3.2, type C),
    for documents and nothing else (RFC 9336; the older purpose of Adobe beside it, for readers that know no other).
    """
    builder = wish.builder(_usage(digital_signature=True, content_commitment=True))
    return _under(builder.add_extension(x509.ExtendedKeyUsage([_DOCUMENTS, _ADOBE_DOCUMENTS]), critical=False), POLICY)


def responder(wish: Wish) -> x509.CertificateBuilder:
    """An OCSP responder. Its own status need not be checked (RFC 6960, 4.2.2.2.1)."""
    builder = wish.builder(_usage(digital_signature=True))
    return builder.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=True
    ).add_extension(x509.OCSPNoCheck(), critical=False)


def _under(builder: x509.CertificateBuilder, policy: x509.ObjectIdentifier) -> x509.CertificateBuilder:
    return builder.add_extension(x509.CertificatePolicies([x509.PolicyInformation(policy, None)]), critical=False)


def revocation_list(
    issuer: x509.Certificate,
    key: PersonKey,
    revoked: Sequence[RevokedCertificate],
    *,
    now: datetime,
    next_update: datetime,
) -> bytes:
    """A complete CRL (RFC 5280, 5), DER. Its number is the time: a later list has a higher number on any machine."""
    public = key.public_key()
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
    builder = builder.last_update(now).next_update(next_update)
    builder = builder.add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(int(one.serial, 16)).revocation_date(one.revoked_at)
        reason = reason_flag(one.reason)
        if reason is not x509.ReasonFlags.unspecified:  # RFC 5280, 5.3.1: no extension for ``unspecified``
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key, digest_for(key)).public_bytes(serialization.Encoding.DER)


def reason_flag(reason: str) -> x509.ReasonFlags:
    """The flag of a reason in the spelling of RFC 5280 (``keyCompromise``); other texts are ``unspecified``."""
    return _REASONS.get(reason, x509.ReasonFlags.unspecified)


def digest_for(key: PersonKey | PublicKey) -> hashes.SHA256 | hashes.SHA384:
    """The digest that matches the key's strength: SHA-384 for P-384, SHA-256 else."""
    public = key if isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) else key.public_key()
    strong = isinstance(public, ec.EllipticCurvePublicKey) and public.curve.key_size > 256
    return hashes.SHA384() if strong else hashes.SHA256()


def _usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature, content_commitment=content_commitment,
        key_cert_sign=key_cert_sign, crl_sign=crl_sign,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _uri(url: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(url)


def _access(method: x509.ObjectIdentifier, url: str) -> x509.AccessDescription:
    return x509.AccessDescription(method, _uri(url))
