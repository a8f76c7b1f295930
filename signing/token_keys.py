"""People's keys in tokens and HSMs (PKCS#11): how the database stores them, and the calls to a token.

The database holds the key's address (RFC 7512) and its certificates, never a PIN. The token itself checks the PIN. It
counts wrong PINs and locks for good, so this code never uses the last try.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from pkcs11 import TokenFlag

from ged.errors import ConfigError, EngineFailed, Invalid
from ged.ports import TokenPlace
from signing.profiles import PublicKey, digest_for
from signing.tokens import TokenKey, tokens_of

_SCHEME = "pkcs11:"
_WRONG = frozenset({"PinIncorrect", "PinLenRange", "PinInvalid"})


@dataclass(frozen=True)
class Tokens:
    """The tokens that one PKCS#11 library reaches.

    Args:
        module: the library; None when the settings name none.
    """

    module: Path | None

    def names(self) -> list[str]:
        """Names of the tokens that are plugged in now.

        Raises:
            ConfigError: ``key.no_module``.
            EngineFailed: ``key.unreachable``.
        """
        return tokens_of(self._library())

    def key(self, place: TokenPlace, pin: str, chain: Sequence[x509.Certificate] = ()) -> TokenKey:
        """A key object. The token is not accessed yet.

        Raises:
            ConfigError: ``key.no_module``.
        """
        return TokenKey(self._library(), place.token, place.label, pin, tuple(chain))

    def _library(self) -> Path:
        if self.module is None:
            raise ConfigError("key.no_module", "Name the PKCS#11 library of the tokens.", setting="GED_KEY_MODULE")
        return self.module

    def public_key(self, place: TokenPlace, pin: str) -> PublicKey:
        """The public part of a key, read from the token.

        Raises:
            Invalid: ``key.passphrase_wrong``, ``key.token_locked``, ``key.token_last_try``.
            EngineFailed: ``key.unreachable``, ``key.refused``.
        """
        key = self.key(place, pin)
        _spare_the_last_try(key)
        try:
            return key.public_key()
        except EngineFailed as failure:
            raise _as_pin(failure) from None

    def require(self, place: TokenPlace, pin: str, chain: Sequence[x509.Certificate]) -> TokenKey:
        """Check that the key signs with this PIN and matches the first certificate of the chain; return the key.

        Raises:
            Invalid: as ``public_key``, and ``key.token_mismatch``.
            EngineFailed: as ``public_key``.
        """
        key = self.key(place, pin, chain)
        _spare_the_last_try(key)
        challenge, algorithm = secrets.token_bytes(32), digest_for(_public(chain[0]))
        try:
            signature = key.sign(challenge, algorithm.name)
        except EngineFailed as failure:
            raise _as_pin(failure) from None
        try:
            public = _public(chain[0])
            if isinstance(public, ec.EllipticCurvePublicKey):
                public.verify(signature, challenge, ec.ECDSA(algorithm))
            else:
                public.verify(signature, challenge, padding.PKCS1v15(), algorithm)
        except InvalidSignature:
            raise Invalid("key.token_mismatch", "Give the certificate of this key.", label=place.label) from None
        return key


def keystore_of(place: TokenPlace, chain: Sequence[x509.Certificate]) -> bytes:
    """The bytes that the database stores for a key in a token."""
    address = f"{_SCHEME}token={quote(place.token, safe='')};object={quote(place.label, safe='')};type=private"
    return address.encode("ascii") + b"\n" + b"".join(one.public_bytes(Encoding.PEM) for one in chain)


def read_keystore(keystore: bytes) -> tuple[TokenPlace, list[x509.Certificate]]:
    """Parse the bytes of ``keystore_of``.

    Raises:
        EngineFailed: ``key.damaged``.
    """
    try:
        address, _, chain = keystore.partition(b"\n")
        parts = dict(part.split("=", 1) for part in address.decode("ascii").removeprefix(_SCHEME).split(";"))
        place = TokenPlace(unquote(parts["token"]), unquote(parts["object"]))
        return place, x509.load_pem_x509_certificates(chain)
    except (ValueError, KeyError) as error:
        raise EngineFailed("key.damaged", "Attach the token's key again.", cause=type(error).__name__) from None


def _public(certificate: x509.Certificate) -> PublicKey:
    public = certificate.public_key()
    if not isinstance(public, PublicKey):
        raise Invalid("key.token_mismatch", "Use an RSA or elliptic-curve key.")
    return public


def _spare_the_last_try(key: TokenKey) -> None:
    flags = key.flags()
    if TokenFlag.USER_PIN_LOCKED in flags:
        raise _locked()
    if TokenFlag.USER_PIN_FINAL_TRY in flags:
        raise Invalid(
            "key.token_last_try", "Give the PIN once in the program of the token's maker.", field="passphrase"
        )


def _as_pin(failure: EngineFailed) -> Invalid | EngineFailed:
    cause = failure.params.get("cause")
    if cause in _WRONG:
        return Invalid("key.passphrase_wrong", "Type the PIN again.", field="passphrase")
    return _locked() if cause == "PinLocked" else failure


def _locked() -> Invalid:
    return Invalid("key.token_locked", "Have the token's PIN set anew.", field="passphrase")
