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
from pkcs11 import KeyType, Mechanism, ObjectClass, PKCS11Error, lib
from pkcs11.exceptions import PinIncorrect, PinLenRange, PinLocked

from ged.errors import EngineFailed

_one_at_a_time = threading.Lock()
"""A library is one for the process, and is begun anew for each signature."""


@dataclass(frozen=True)
class TokenKey:
    """A key in a token or HSM. The session is opened for one signature, so that a token that came back is found.

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
                raw = bytes(key.sign(digest, mechanism=Mechanism.ECDSA))
                half = len(raw) // 2
                return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
            mechanism = {"sha256": Mechanism.SHA256_RSA_PKCS, "sha384": Mechanism.SHA384_RSA_PKCS}[digest_algorithm]
            return bytes(key.sign(data, mechanism=mechanism))

    @contextmanager
    def _session(self) -> Iterator[Any]:
        try:
            library = lib(str(self.module))
            library.reinitialize()  # tokens that came or went since are seen
            with library.get_token(token_label=self.token).open(user_pin=self.pin) as session:
                yield session
        except (PinIncorrect, PinLenRange, PinLocked) as error:
            raise EngineFailed("key.refused", "Correct the PIN of the token.", cause=type(error).__name__) from None
        except (PKCS11Error, RuntimeError, OSError) as error:
            raise EngineFailed(
                "key.unreachable", "Plug the token in.", retryable=True, cause=type(error).__name__
            ) from None
