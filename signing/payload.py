"""The signed code printed on a letter: a few hundred characters that prove number, date, signer and digest offline.

``docs/dev/signed-code.md`` specifies the format byte by byte. ``ged_verify.py`` has a reader of its own.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from ged.ports import Digest, SealedToken, TokenCheck, TokenFacts, TokenState
from signing.profiles import PublicKey, digest_for
from signing.rawkeys import RawKey

VERSION = 1
CONTEXT = b"GED letter token 1\0"
"""Prefix of the signed bytes: no other signature of the seal can pass as the signature of a token."""
KEY_ID_BYTES = 8
TOKEN_BYTES = 16
MAX_TEXT_BYTES = 64
_DAY_ZERO = date(2000, 1, 1)
_HEAD_BYTES = 1 + KEY_ID_BYTES + TOKEN_BYTES + 2 + 32
_MAX_CHARACTERS = 1600
_BASE32 = re.compile(r"[A-Z2-7]+")


@dataclass(frozen=True)
class _Read:
    facts: TokenFacts
    key_id: str
    signed: bytes
    signature: bytes


class PayloadSealer:
    """Implements the port ``TokenSealer``.

    Args:
        key: opens the key of the institution's seal, or returns None.
    """

    def __init__(self, key: Callable[[], RawKey | None] = lambda: None) -> None:
        self._key = key

    def seal(self, facts: TokenFacts) -> SealedToken | None:
        """Sign the facts with the institution's key (see the port)."""
        key = self._key()
        if key is None:
            return None
        public = _supported(key.chain[0].public_key())
        signed = _content(facts, _key_id(public))
        signature = _shortened(key.sign(CONTEXT + signed, digest_for(public).name), public)
        chain = "".join(one.public_bytes(serialization.Encoding.PEM).decode("ascii") for one in key.chain)
        text = base64.b32encode(signed + signature).decode("ascii").rstrip("=")
        return SealedToken(text, _key_id(public).hex(), chain)

    def has_key(self) -> bool:
        """Whether codes are made (see the port)."""
        return self._key() is not None

    def read(self, text: str) -> TokenFacts | None:
        """Return the facts in a code, not verified (see the port)."""
        found = _read(text)
        return found.facts if found is not None else None

    def check(self, text: str, certificates_pem: Sequence[str]) -> TokenCheck:
        """Check that an institution whose certificate we hold signed the code (see the port)."""
        found = _read(text)
        if found is None:
            return TokenCheck(TokenState.UNREADABLE)
        for certificate in _certificates(certificates_pem):
            public = certificate.public_key()
            if not isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
                continue
            if _key_id(public).hex() == found.key_id:
                state = TokenState.PROVEN if _holds(found, public) else TokenState.FORGED
                return TokenCheck(state, found.facts, found.key_id, certificate.subject.rfc4514_string())
        return TokenCheck(TokenState.UNKNOWN_KEY, found.facts, found.key_id)


def clean(text: str) -> str:
    """Return the code alone: of an address the part behind its last slash, without spaces and dashes."""
    return re.sub(r"[\s-]", "", text[: 4 * _MAX_CHARACTERS]).rstrip("/").rpartition("/")[2].upper()


def _content(facts: TokenFacts, key_id: bytes) -> bytes:
    head = (
        bytes([VERSION]) + key_id + facts.token + (facts.on - _DAY_ZERO).days.to_bytes(2) + bytes.fromhex(facts.digest)
    )
    return head + _text(facts.number) + _text(facts.signer)


def _text(value: str) -> bytes:
    kept = value.encode()[:MAX_TEXT_BYTES].decode(errors="ignore").encode()
    return bytes([len(kept)]) + kept


def _read(text: str) -> _Read | None:
    code = clean(text)
    if len(code) > _MAX_CHARACTERS or not _BASE32.fullmatch(code):
        return None
    try:
        content = base64.b32decode(code + "=" * (-len(code) % 8))
        number, after_number = _text_at(content, _HEAD_BYTES)
        signer, end = _text_at(content, after_number)
    except (ValueError, IndexError):
        return None
    # One content has one text only: the unused bits of the last character must be zero.
    if content[0] != VERSION or end >= len(content) or base64.b32encode(content).decode().rstrip("=") != code:
        return None
    key_id, rest = content[1 : 1 + KEY_ID_BYTES], content[1 + KEY_ID_BYTES :]
    token, day, digest = rest[:TOKEN_BYTES], rest[TOKEN_BYTES : TOKEN_BYTES + 2], rest[TOKEN_BYTES + 2 :][:32]
    on = _DAY_ZERO + timedelta(days=int.from_bytes(day))
    facts = TokenFacts(number, on, signer, token, Digest(digest.hex()))
    return _Read(facts, key_id.hex(), content[:end], content[end:])


def _text_at(content: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + content[at]
    if content[at] > MAX_TEXT_BYTES or end > len(content):
        raise ValueError(end)
    return content[at + 1 : end].decode(), end


def _holds(found: _Read, public: PublicKey) -> bool:
    algorithm, content = digest_for(public), CONTEXT + found.signed
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(found.signature, content, padding.PKCS1v15(), algorithm)
            return True
        half = (public.key_size + 7) // 8
        if len(found.signature) != 2 * half:
            return False
        r, s = found.signature[:half], found.signature[half:]
        public.verify(encode_dss_signature(int.from_bytes(r), int.from_bytes(s)), content, ec.ECDSA(algorithm))
    except InvalidSignature:
        return False
    return True


def _shortened(signature: bytes, public: PublicKey) -> bytes:
    """An ECDSA signature as two numbers of fixed length: DER would cost eight bytes more. RSA stays as it is."""
    if isinstance(public, rsa.RSAPublicKey):
        return signature
    half = (public.key_size + 7) // 8
    return b"".join(number.to_bytes(half) for number in decode_dss_signature(signature))


def _supported(public: object) -> PublicKey:
    if not isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise TypeError(type(public).__name__)
    return public


def _key_id(public: PublicKey) -> bytes:
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).digest()[:KEY_ID_BYTES]


def _certificates(pems: Sequence[str]) -> list[x509.Certificate]:
    return [one for pem in pems for one in x509.load_pem_x509_certificates(pem.encode("ascii"))]
