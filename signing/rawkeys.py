"""Where the private part of a signing key is: in memory, in a token or HSM (PKCS#11), or with a signing service.

``RawKey`` is the port; the PAdES code uses a key only through it. No implementation reveals the private key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from signing.profiles import PersonKey

_HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}


class RawKey(Protocol):
    """A key that signs. ECDSA signatures are DER (RFC 3279, 2.2.3), RSA signatures are PKCS#1 v1.5."""

    @property
    def chain(self) -> Sequence[x509.Certificate]:
        """The key's own certificate, then the certificates above it."""
        ...

    def sign(self, data: bytes, digest_algorithm: str) -> bytes:
        """Sign ``data`` over its ``sha256`` or ``sha384``.

        Raises:
            EngineFailed: ``key.unreachable`` (retryable): token unplugged, service down; ``key.refused``.
        """
        ...


@dataclass(frozen=True)
class MemoryKey:
    """A key in the memory of this process."""

    key: PersonKey = field(repr=False)
    chain: Sequence[x509.Certificate]

    def sign(self, data: bytes, digest_algorithm: str) -> bytes:
        """Sign (see the port)."""
        algorithm = _HASHES[digest_algorithm]
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(data, ec.ECDSA(algorithm))
        return self.key.sign(data, padding.PKCS1v15(), algorithm)
