"""A device that makes passkeys, in software: it can also lie."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class Device:
    """One passkey, as an authenticator holds it.

    Attributes:
        count: its count of signatures; it goes up before each.
    """

    def __init__(self, origin: str, rp_id: str = "localhost") -> None:
        self.origin, self.rp_id, self.count = origin, rp_id, 0
        self.id, self.handle = os.urandom(32), b""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: str, *, verified: bool = True) -> str:
        """The answer of ``navigator.credentials.create``."""
        asked = json.loads(options)
        self.handle = base64url_to_bytes(asked["user"]["id"])
        numbers = self._key.public_key().public_numbers()
        public = encode_cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        told = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        data = self._data(PRESENT | (VERIFIED if verified else 0) | ATTESTED) + told
        statement = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"])
        return self._answer(clientDataJSON=client, attestationObject=statement)

    def sign(self, options: str, *, verified: bool = True, handle: bytes | None = None, counts: bool = True) -> str:
        """The answer of ``navigator.credentials.get``."""
        self.count += counts
        data = self._data(PRESENT | (VERIFIED if verified else 0))
        client = self._client("webauthn.get", json.loads(options)["challenge"])
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        who = self.handle if handle is None else handle
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature, userHandle=who)

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _answer(self, **response: bytes) -> str:
        named: dict[str, Any] = {name: bytes_to_base64url(value) for name, value in response.items() if value}
        own = bytes_to_base64url(self.id)
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": named})
