"""Keys held by a remote signing service."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from ged.errors import EngineFailed

_OIDS = {"sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2"}


@dataclass(frozen=True)
class RemoteKey:
    """A key held by a signing service. It is called over HTTPS (Cloud Signature Consortium, CSC API 2, signHash).

    Attributes:
        url: of the service, without a slash at its end.
        credential: the identifier of the key.
        authorization: sent with each request (a bearer token).
    """

    url: str
    credential: str
    authorization: str = field(repr=False)
    chain: Sequence[x509.Certificate] = ()
    timeout_s: float = 20

    def sign(self, data: bytes, digest_algorithm: str) -> bytes:
        """Sign (see the port). Only the digest is sent, never the document."""
        request = {
            "credentialID": self.credential,
            "hashes": [base64.b64encode(hashlib.new(digest_algorithm, data).digest()).decode()],
            "hashAlgorithmOID": _OIDS[digest_algorithm],
            "signAlgo": self._algorithm(digest_algorithm),
        }
        try:
            response = httpx.post(
                f"{self.url}/csc/v2/signatures/signHash",
                json=request,
                headers={"Authorization": f"Bearer {self.authorization}"},
                timeout=self.timeout_s,
            )
        except httpx.HTTPError as error:
            raise EngineFailed(
                "key.unreachable", "Wait for the signing service.", retryable=True, cause=type(error).__name__
            ) from None
        if response.status_code >= 500:
            raise EngineFailed("key.unreachable", "Wait for the signing service.", retryable=True, cause="http")
        try:
            (signature,) = response.raise_for_status().json()["signatures"]
            return base64.b64decode(signature, validate=True)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise EngineFailed(
                "key.refused", "Look at the account with the signing service.", cause=type(error).__name__
            ) from None

    def _algorithm(self, digest_algorithm: str) -> str:
        is_curve = isinstance(self.chain[0].public_key(), ec.EllipticCurvePublicKey)
        names = {"sha256": ("1.2.840.10045.4.3.2", "1.2.840.113549.1.1.11"),
                 "sha384": ("1.2.840.10045.4.3.3", "1.2.840.113549.1.1.12")}  # fmt: skip
        return names[digest_algorithm][0 if is_curve else 1]
