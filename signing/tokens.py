"""Keys in tokens and HSMs, through PKCS#11: the private key never leaves them."""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import KeyType, Mechanism, ObjectClass, PKCS11Error, TokenFlag, lib
from pkcs11.exceptions import PinIncorrect, PinInvalid, PinLenRange, PinLocked
from pkcs11.util.ec import encode_ec_public_key
from pkcs11.util.rsa import encode_rsa_public_key

from ged.errors import EngineFailed
from signing.profiles import PublicKey

_one_at_a_time = threading.Lock()
"""A process shares one library, which is initialised anew for each signature."""


def tokens_of(module: Path) -> list[str]:
    """Names of the tokens that a library reaches now.

    Raises:
        EngineFailed: ``key.unreachable``.
    """
    with _one_at_a_time, _as_failures():
        return sorted(str(token.label).strip() for token in _library(module).get_tokens() if str(token.label).strip())


def _library(module: Path) -> Any:
    library = lib(str(module))
    library.reinitialize()  # notices tokens that were plugged in or out since
    return library


@dataclass(frozen=True)
class TokenKey:
    """A key in a token or HSM. Each signature opens its own session, so that a token plugged in again is found.

    Attributes:
        module: the library of the token's maker.
        token, label: name of the token, and of the key in it.
    """

    module: Path
    token: str
    label: str
    pin: str = field(repr=False)
    chain: Sequence[x509.Certificate] = ()

    def sign(self, data: bytes, digest_algorithm: str) -> bytes:
        """Sign (see the port)."""
        with _one_at_a_time, self._session() as session:
            key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=self.label)
            if key.key_type is KeyType.EC:
                digest = hashlib.new(digest_algorithm, data).digest()
                # Hashed here: not every token has the mechanisms that hash. PKCS#11 gives the two numbers side by side,
                # CMS wants DER (RFC 3279, 2.2.3).
                raw = bytes(key.sign(digest, mechanism=Mechanism.ECDSA))
                half = len(raw) // 2
                return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
            mechanism = {"sha256": Mechanism.SHA256_RSA_PKCS, "sha384": Mechanism.SHA384_RSA_PKCS}[digest_algorithm]
            return bytes(key.sign(data, mechanism=mechanism))

    def public_key(self) -> PublicKey:
        """The public part of the key.

        Raises:
            EngineFailed: ``key.unreachable``, ``key.refused``.
        """
        with _one_at_a_time, self._session() as session:
            public = session.get_key(object_class=ObjectClass.PUBLIC_KEY, label=self.label)
            der = encode_ec_public_key(public) if public.key_type is KeyType.EC else encode_rsa_public_key(public)
        found = load_der_public_key(der)
        if not isinstance(found, PublicKey):
            raise EngineFailed("key.refused", "Use an RSA or elliptic-curve key.", cause="kind")
        return found

    def flags(self) -> TokenFlag:
        """The token's flags, readable without its PIN.

        Raises:
            EngineFailed: ``key.unreachable``.
        """
        with _one_at_a_time, _as_failures():
            return TokenFlag(self._token().flags)

    def _token(self) -> Any:
        return _library(self.module).get_token(token_label=self.token)

    @contextmanager
    def _session(self) -> Iterator[Any]:
        with _as_failures(), self._token().open(user_pin=self.pin) as session:
            yield session


@contextmanager
def _as_failures() -> Iterator[None]:
    try:
        yield
    except (PinIncorrect, PinInvalid, PinLenRange, PinLocked) as error:
        raise EngineFailed("key.refused", "Correct the PIN of the token.", cause=type(error).__name__) from None
    except (PKCS11Error, RuntimeError, OSError) as error:
        raise EngineFailed(
            "key.unreachable", "Plug the token in.", retryable=True, cause=type(error).__name__
        ) from None
