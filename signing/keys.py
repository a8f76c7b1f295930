"""Signing keys of people, opened for five minutes. A key is a PKCS#12 file encrypted with a passphrase and the server's
secret, or stays in the person's own token (PKCS#11).

An opened key is kept encrypted: AES-256-GCM with a random key that only the browser's cookie holds. The end of the
five minutes is part of the encrypted bytes, so that the server that stores them cannot prolong it.
"""

import base64
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import pkcs12

from ged.errors import EngineFailed, Invalid
from ged.ports import Certificate, CertifiedPerson, StoredKey, TokenPlace, UnlockedKey
from signing.authority_key import is_protected
from signing.pki import Authority, PersonKey, certificates_in, trusted_roots
from signing.profiles import PublicKey, StatusAddress
from signing.rawkeys import MemoryKey, RawKey
from signing.secrets import Argon2Cost, new_salt, passphrase_password
from signing.token_keys import Tokens, keystore_of, read_keystore
from signing.tokens import TokenKey

PASSPHRASE_MIN_CHARS = 12
UNLOCK_DURATION = timedelta(minutes=5)
_SEAL_CONTEXT = b"ged unlocked key v1"
_NONCE_BYTES = 12


class LocalVault:
    """Implements the port ``KeyVault`` with PKCS#12 and the ministry's own authority.

    Args:
        authority_dir: where ``Authority.create`` put the authority.
        server_secret: a secret stored outside the database.
        rsa_bits: make RSA keys of this size instead of ECDSA (3072, for readers that support no elliptic curves).
        curve: ``p256`` or ``p384``.
        cost: of argon2id for keys issued from now on.
        address: address of the revocation status, written into certificates issued from now on.
        trusted_dir: roots of accredited authorities, besides those in the folder ``trusted`` beside our own.
        token_module: PKCS#11 library of people's tokens.
        authority: the authority, opened. Without it, the authority is opened for each certificate, which works only if
            no passphrase protects its key.
    """

    def __init__(
        self,
        authority_dir: Path,
        server_secret: bytes,
        *,
        rsa_bits: int | None = None,
        curve: str = "p256",
        cost: Argon2Cost | None = None,
        address: StatusAddress | None = None,
        trusted_dir: Path | None = None,
        token_module: Path | None = None,
        authority: Authority | None = None,
    ) -> None:
        self._dir = authority_dir
        self._secret = server_secret
        self._rsa_bits = rsa_bits
        self._curve = curve
        self._cost = cost or Argon2Cost()
        self._address = address
        self._trusted_dir = trusted_dir
        self._tokens = Tokens(token_module)
        self._opened = authority

    def _authority(self) -> Authority:
        """Open the authority. It is not cached: once a passphrase protects its key, no process of the site keeps it."""
        return self._opened or Authority.open(self._dir, self._secret, address=self._address)

    @property
    def can_certify(self) -> bool:
        """Whether this process can issue certificates (see the port)."""
        return self._opened is not None or not is_protected(self._dir)

    def issue(self, person: CertifiedPerson, *, passphrase: str, now: datetime) -> StoredKey:
        """Make a key pair and a certificate of the ministry's own authority (see the port)."""
        _require_long(passphrase)
        authority, key = self._authority(), self._new_key()
        certificate = authority.certify(key.public_key(), person, now=now)
        return self._stored(key, [certificate, authority.certificate], passphrase)

    def adopt(self, content: bytes, password: str, *, passphrase: str, now: datetime) -> StoredKey:
        """Take over a PKCS#12 key from another authority (see the port)."""
        _require_long(passphrase)
        try:
            bundle = pkcs12.load_pkcs12(content, password.encode())
        except ValueError:
            raise Invalid("key.file_unreadable", "Check the file and its password.", field="password") from None
        if bundle.cert is None or not isinstance(bundle.key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise Invalid("key.file_unreadable", "Give a PKCS#12 file with an RSA or elliptic-curve key.")
        chain = [bundle.cert.certificate, *(link.certificate for link in bundle.additional_certs)]
        if chain[0].not_valid_after_utc <= now:
            raise Invalid("key.expired", "Ask for a new certificate.")
        return self._stored(bundle.key, chain, passphrase)

    def attach(self, place: TokenPlace, pin: str, *, chain_pem: str, now: datetime) -> StoredKey:
        """Register a key in a token that another authority certified (see the port)."""
        try:
            chain = x509.load_pem_x509_certificates(chain_pem.encode())
        except ValueError:
            raise Invalid("key.file_unreadable", "Give certificates in PEM form.", field="chain") from None
        if chain[0].not_valid_after_utc <= now:
            raise Invalid("key.expired", "Ask for a new certificate.")
        self._tokens.require(place, pin, chain)
        return _in_token(place, chain)

    def place(self, key: StoredKey) -> TokenPlace:
        """Where a key in a token lies (see the port)."""
        return read_keystore(key.keystore)[0]

    def certify_token(self, place: TokenPlace, pin: str, person: CertifiedPerson, *, now: datetime) -> StoredKey:
        """Certify a key in a token by the ministry's own authority (see the port)."""
        public_key, authority = self._tokens.public_key(place, pin), self._authority()
        certificate = authority.certify(public_key, person, now=now)
        chain = [certificate, authority.certificate]
        self._tokens.require(place, pin, chain)
        return _in_token(place, chain)

    def recertify(self, key: StoredKey, person: CertifiedPerson, *, now: datetime) -> StoredKey:
        """The key with a new certificate of our own authority (see the port)."""
        public_key = x509.load_pem_x509_certificate(key.certificate_pem.encode("ascii")).public_key()
        if not isinstance(public_key, PublicKey):
            raise EngineFailed("key.damaged", "Issue a new key.")
        authority = self._authority()
        certificate = authority.certify(public_key, person, now=now)
        if key.is_in_token:
            return _in_token(self.place(key), [certificate, authority.certificate])
        return StoredKey(key.keystore, key.salt, certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"))

    def _stored(self, key: PersonKey, chain: Sequence[x509.Certificate], passphrase: str) -> StoredKey:
        salt = new_salt(self._cost)
        password = passphrase_password(passphrase, salt, self._secret)
        # The password already has 256 bits of entropy: more PKCS#12 iterations would only cost time.
        encryption = (
            serialization.PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(2048)
            .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
            .hmac_hash(hashes.SHA256())
            .build(password)
        )
        keystore = pkcs12.serialize_key_and_certificates(None, key, chain[0], chain[1:], encryption)
        return StoredKey(keystore, salt, chain[0].public_bytes(serialization.Encoding.PEM).decode("ascii"))

    def unlock(self, key: StoredKey, passphrase: str, *, now: datetime) -> UnlockedKey:
        """Open a key for five minutes, or until its certificate ends (see the port)."""
        ends_at = self.certificate(key).not_after
        if ends_at <= now:
            raise Invalid("key.expired", "Ask for a new certificate.")
        expires_at = min(now + UNLOCK_DURATION, ends_at)
        random_key = AESGCM.generate_key(256)
        return UnlockedKey(
            self._sealed(key, passphrase, random_key, expires_at),
            base64.urlsafe_b64encode(random_key).decode("ascii"),
            expires_at,
        )

    def _sealed(self, key: StoredKey, passphrase: str, random_key: bytes, expires_at: datetime) -> bytes:
        if key.is_in_token:
            place, chain = read_keystore(key.keystore)
            opened = self._tokens.require(place, passphrase, chain)
            return seal_token(opened, random_key=random_key, expires_at=expires_at)
        private_key, links = _open_keystore(key, passphrase, self._secret)
        own = x509.load_pem_x509_certificate(key.certificate_pem.encode("ascii"))
        if own != links[0]:  # certified anew since the keystore was made
            if own.public_key() != private_key.public_key():
                raise EngineFailed("key.damaged", "Restore the key from a backup, or issue a new one.")
            links = [own, certificates_in(self._dir)[1]]
        return seal(private_key, links, random_key=random_key, expires_at=expires_at)

    def certificate(self, key: StoredKey) -> Certificate:
        """Public facts of the key's certificate."""
        return describe(x509.load_pem_x509_certificate(key.certificate_pem.encode("ascii")))

    def trust_roots_pem(self) -> tuple[str, ...]:
        """Our own root and those in the folder ``trusted`` beside it."""
        return trusted_roots(self._dir, self._trusted_dir)

    def _new_key(self) -> PersonKey:
        if self._rsa_bits is not None:
            return rsa.generate_private_key(public_exponent=65537, key_size=self._rsa_bits)
        return ec.generate_private_key(ec.SECP384R1() if self._curve == "p384" else ec.SECP256R1())


def _require_long(passphrase: str) -> None:
    if len(passphrase) < PASSPHRASE_MIN_CHARS:
        raise Invalid(
            "key.passphrase_short", "Choose a longer passphrase.", field="passphrase", minimum=PASSPHRASE_MIN_CHARS
        )


def describe(certificate: x509.Certificate) -> Certificate:
    """The facts of a certificate that people need."""
    return Certificate(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def _in_token(place: TokenPlace, chain: list[x509.Certificate]) -> StoredKey:
    own = chain[0].public_bytes(serialization.Encoding.PEM).decode("ascii")
    return StoredKey(keystore_of(place, chain), b"", own)


def seal(private_key: PersonKey, chain: list[x509.Certificate], *, random_key: bytes, expires_at: datetime) -> bytes:
    """Encrypt an opened key with its certificates (its own first) and its end of life."""
    pkcs8 = private_key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return _seal({"key": base64.b64encode(pkcs8).decode()}, chain, random_key, expires_at)


def seal_token(key: TokenKey, *, random_key: bytes, expires_at: datetime) -> bytes:
    """Encrypt what opens a key that stays in its token, with its certificates and its end of life."""
    content = {"module": str(key.module), "token": key.token, "label": key.label, "pin": key.pin}
    return _seal({"pkcs11": content}, list(key.chain), random_key, expires_at)


def _seal(content: dict[str, object], chain: list[x509.Certificate], random_key: bytes, expires_at: datetime) -> bytes:
    whole = content | {
        "expires_at": expires_at.astimezone(UTC).isoformat(),
        "chain": [base64.b64encode(link.public_bytes(serialization.Encoding.DER)).decode() for link in chain],
    }
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(random_key).encrypt(nonce, json.dumps(whole).encode(), _SEAL_CONTEXT)


def unseal(sealed: bytes, cookie_key: str, *, now: datetime) -> RawKey:
    """Open what ``seal`` or ``seal_token`` closed.

    Raises:
        Invalid: ``key.locked``: wrong cookie, altered bytes, or the five minutes are over.
    """
    # One refusal for all causes: who holds half of a key learns nothing of it.
    locked = Invalid("key.locked", "Type the passphrase again.")
    try:
        random_key = base64.urlsafe_b64decode(cookie_key.encode("ascii"))
        plain = AESGCM(random_key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _SEAL_CONTEXT)
    except (InvalidTag, ValueError):
        raise locked from None
    content = json.loads(plain)
    if now >= datetime.fromisoformat(content["expires_at"]):
        raise locked
    chain = [x509.load_der_x509_certificate(base64.b64decode(link)) for link in content["chain"]]
    if "pkcs11" in content:
        held = content["pkcs11"]
        return TokenKey(Path(held["module"]), held["token"], held["label"], held["pin"], chain)
    # Validating an RSA key takes longer than signing with it. GCM has already proved that the key is ours.
    key = serialization.load_der_private_key(
        base64.b64decode(content["key"]), None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise locked
    return MemoryKey(key, chain)


def _open_keystore(key: StoredKey, passphrase: str, secret: bytes) -> tuple[PersonKey, list[x509.Certificate]]:
    damaged = EngineFailed("key.damaged", "Restore the key from a backup, or issue a new one.")
    try:
        password = passphrase_password(passphrase, key.salt, secret)
    except Exception:  # noqa: BLE001  struct, argon2 and our own check: all mean that the salt was altered
        raise damaged from None
    try:
        bundle = pkcs12.load_pkcs12(key.keystore, password)
    except ValueError:
        raise Invalid("key.passphrase_wrong", "Type the passphrase again.", field="passphrase") from None
    if bundle.cert is None or not isinstance(bundle.key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise damaged
    return bundle.key, [bundle.cert.certificate, *(link.certificate for link in bundle.additional_certs)]
