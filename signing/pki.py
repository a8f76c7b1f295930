"""The ministry's own authority: a root, an issuing authority, and certificates for people.

An accredited authority replaces it by putting its root into the folder ``trusted`` beside ours. Profiles follow
RFC 5280 and, for people, the key usage of ETSI EN 319 412-2 (contentCommitment beside digitalSignature).
"""

import base64
import errno
import os
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from ged.errors import ConfigError, Invalid
from signing.secrets import subkey

PersonKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
"""Kinds of key that a person may hold: ECDSA P-256 or RSA of 3072 bits."""

ROOT_VALIDITY = timedelta(days=20 * 365 + 5)
ISSUING_VALIDITY = timedelta(days=10 * 365 + 2)
PERSON_VALIDITY = timedelta(days=3 * 365)
_CLOCK_SKEW = timedelta(minutes=5)
_NAME_LIMIT = 64  # upper bound of commonName, title and organizationName in RFC 5280, appendix A


class Authority:
    """The issuing authority, opened."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, root: x509.Certificate, country: str
    ) -> None:
        self._key = key
        self._country = country
        self.certificate = certificate
        self.root = root

    @classmethod
    def create(cls, folder: Path, secret: bytes, organisation: str, now: datetime, country: str = "TG") -> Self:
        """Make root and issuing authority in ``folder``; both keys are encrypted with the server's secret.

        Raises:
            Invalid: ``authority.exists``: an authority is never overwritten, its signatures would lose their root.
        """
        if (folder / "root.key").exists() or (folder / "root.pem").exists():
            raise _exists()
        root_key, issuing_key = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
        root_name = _name(f"Autorité racine {organisation}", organisation, country)
        issuing_name = _name(f"Autorité de signature {organisation}", organisation, country)
        root = _authority_certificate(
            root_name, root_key, root_name, root_key, now=now, validity=ROOT_VALIDITY, path_length=1
        )
        issuing = _authority_certificate(
            issuing_name, issuing_key, root_name, root_key, now=now, validity=ISSUING_VALIDITY, path_length=0
        )
        _write_folder(
            folder,
            {
                "root.key": _encrypted(root_key, secret),
                "issuing.key": _encrypted(issuing_key, secret),
                "issuing.pem": _pem(issuing),
                "root.pem": _pem(root),
            },
        )
        return cls(issuing_key, issuing, root, country)

    @classmethod
    def open(cls, folder: Path, secret: bytes) -> Self:
        """Open the issuing authority; the root's key is not touched and may be kept elsewhere.

        Raises:
            ConfigError: ``authority.missing`` or ``authority.secret_wrong``.
        """
        try:
            root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
            issuing = x509.load_pem_x509_certificate((folder / "issuing.pem").read_bytes())
            encrypted = (folder / "issuing.key").read_bytes()
        except FileNotFoundError as error:
            raise ConfigError(
                "authority.missing", "Create the authority first: ged pki init.", setting="authority_dir"
            ) from error
        try:
            key = serialization.load_pem_private_key(encrypted, _password(secret))
        except ValueError as error:
            raise ConfigError(
                "authority.secret_wrong", "Start with the secret that the authority was made with.", setting="secret"
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConfigError("authority.key_unsupported", "Use an elliptic-curve key.", setting="authority_dir")
        countries = issuing.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)
        return cls(key, issuing, root, str(countries[0].value) if countries else "TG")

    def certify(
        self,
        public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
        *,
        name: str,
        title: str,
        organisation: str,
        email: str,
        now: datetime,
    ) -> x509.Certificate:
        """Issue a certificate to a person, valid for three years (never longer than the authority itself)."""
        not_after = min(now + PERSON_VALIDITY, self.certificate.not_valid_after_utc)
        builder = _builder(
            _name(name, organisation, self._country, title), self.certificate.subject, public_key, now, not_after
        )
        builder = _link(builder, public_key, self._key.public_key(), path_length=None)
        if email and email.isascii():  # rfc822Name is an IA5String
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(email)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def trusted_roots(folder: Path) -> tuple[str, ...]:
    """Our own root, then every certificate in the folder ``trusted``, as PEM."""
    own = [folder / "root.pem"] if (folder / "root.pem").exists() else []
    return tuple(path.read_text("ascii") for path in [*own, *sorted((folder / "trusted").glob("*.pem"))])


def _name(common_name: str, organisation: str, country: str, title: str = "") -> x509.Name:
    parts = [
        (NameOID.COUNTRY_NAME, country),
        (NameOID.ORGANIZATION_NAME, organisation),
        (NameOID.TITLE, title),
        (NameOID.COMMON_NAME, common_name),
    ]
    return x509.Name([x509.NameAttribute(oid, _fit(value)) for oid, value in parts if value.strip()])


def _fit(value: str) -> str:
    # RFC 5280, appendix A counts characters; OpenSSL and cryptography count the bytes of UTF-8.
    text = " ".join(value.split())
    if len(text.encode()) <= _NAME_LIMIT:
        return text
    room = _NAME_LIMIT - len("…".encode())
    return text.encode()[:room].decode(errors="ignore").rstrip() + "…"


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    now: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - _CLOCK_SKEW).not_valid_after(not_after)


def _link(
    builder: x509.CertificateBuilder,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    *,
    path_length: int | None,
) -> x509.CertificateBuilder:
    is_authority = path_length is not None
    usage = x509.KeyUsage(
        digital_signature=not is_authority, content_commitment=not is_authority,
        key_cert_sign=is_authority, crl_sign=is_authority,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=path_length), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _authority_certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    now: datetime,
    validity: timedelta,
    path_length: int,
) -> x509.Certificate:
    builder = _builder(subject, issuer, key.public_key(), now, now + validity)
    builder = _link(builder, key.public_key(), issuer_key.public_key(), path_length=path_length)
    return builder.sign(issuer_key, hashes.SHA384())


def _password(secret: bytes) -> bytes:
    return base64.b64encode(subkey(secret, b"ged signing authority v1"))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _encrypted(key: ec.EllipticCurvePrivateKey, secret: bytes) -> bytes:
    encryption = serialization.BestAvailableEncryption(_password(secret))
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """All files at once, or none: of two commands at the same time one wins, and nobody sees half an authority."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        new = Path(scratch) / "authority"
        new.mkdir(mode=0o700)
        for name, content in files.items():
            _write_new(new / name, content, mode=0o600 if name.endswith(".key") else 0o644)
        try:
            new.rename(folder)  # over a missing or empty folder only
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise _exists() from error
            raise


def _write_new(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _exists() -> Invalid:
    return Invalid("authority.exists", "Use the authority that is there, or name an empty folder.")
