"""Server certificates, good and bad, and names that resolve to this machine, for the tests of outgoing connections."""

import base64
import hashlib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "mail.ministere.example"
"""A name other than loopback. ``lead_here`` makes it resolve to this machine."""
DAY = timedelta(days=1)


@dataclass(frozen=True)
class TestAuthority:
    """A certificate authority for servers, with its certificate in a file."""

    __test__ = False
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    file: Path

    def server(self, folder: Path, name: str, *, ends: timedelta = 30 * DAY) -> ssl.SSLContext:
        """The TLS context of a server with this host name. Its certificate expires ``ends`` from now."""
        path = folder / f"{name}-{abs(int(ends.total_seconds()))}.pem"
        self.certify(path, [name], ends=ends)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def certify(self, path: Path, names: Sequence[str], *, ends: timedelta = 30 * DAY) -> str:
        """Write a server's key and its certificate for these names and addresses. Returns the SHA-256 of the public key (base64)."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(names[0], key, self.certificate.subject, self.key, ends=ends, names=names)
        path.write_bytes(_pem(key) + made.public_bytes(serialization.Encoding.PEM))
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(hashlib.sha256(public).digest()).decode()


def authority(folder: Path, name: str) -> TestAuthority:
    """A new authority, with its certificate as a file in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = _certificate(name, key, subject, key, ends=90 * DAY)
    file = folder / f"{name}.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return TestAuthority(key, made, file)


def lead_here(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    """Make names that do not exist resolve to this machine, as ``/etc/hosts`` would."""
    ask = socket.getaddrinfo

    def here(host: Any, *others: Any, **named: Any) -> Any:
        name = host.decode("ascii") if isinstance(host, bytes) else host  # asyncio passes host names as bytes
        return ask("127.0.0.1" if name in hosts else host, *others, **named)

    monkeypatch.setattr(socket, "getaddrinfo", here)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ends: timedelta,
    names: Sequence[str] = (),
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 60 * DAY)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_named(one) for one in names]), False)
    else:
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only"), False)  # fmt: skip
        builder = builder.add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _named(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
