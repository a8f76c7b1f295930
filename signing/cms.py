"""The CMS object of a PAdES signature (RFC 5652; attributes of ETSI EN 319 122-1, 6.3), joined from fixed parts.

Two signatures of one certificate differ only in the digest and the signature value. pyHanko and asn1crypto would build
the whole tree each time, which takes longer than all other steps of a signature together.
"""

from collections.abc import Sequence
from functools import lru_cache

from asn1crypto import algos, cms
from asn1crypto import x509 as asn1_x509
from pyhanko.sign.general import as_signing_certificate_v2, simple_cms_attribute

_SEQUENCE, _SET, _OCTETS = 0x30, 0x31, 0x04
_CONTEXT_0, _CONTEXT_1 = 0xA0, 0xA1
# RFC 5652, 5.1 and 5.3: of who signs only data and names the certificate by issuer and serial number.
_VERSION_1 = b"\x02\x01\x01"
_DATA = cms.ContentType("data").dump()
_SIGNED_DATA = cms.ContentType("signed_data").dump()
_TOKEN_OID = cms.CMSAttributeType("signature_time_stamp_token").dump()
_DIGEST_OID = cms.CMSAttributeType("message_digest").dump()
_TEMPLATES_KEPT = 64


class CmsTemplate:
    """The parts that all signatures of one certificate share. Public data only.

    Args:
        chain: certificates (DER), the signer's own first.
        digest_algorithm: ``sha256`` and so on, of the document and of the attributes.
        signature_algorithm: as RFC 5652 names it in the signer's info: ``sha256_rsa``, ``sha256_ecdsa``.
    """

    def __init__(self, chain: Sequence[bytes], digest_algorithm: str, signature_algorithm: str) -> None:
        own = asn1_x509.Certificate.load(chain[0])
        self._digest_id = algos.DigestAlgorithm({"algorithm": digest_algorithm}).dump()
        self._signature_id = algos.SignedDigestAlgorithm({"algorithm": signature_algorithm}).dump()
        # A SET OF in DER is sorted (X.690, 11.6).
        self._certificates = der(_CONTEXT_0, *sorted(chain))
        issuer, serial = own.issuer.dump(), own["tbs_certificate"]["serial_number"].dump()
        self._signer_id = der(_SEQUENCE, issuer, serial)
        self._fixed = _fixed_attributes(own, digest_algorithm, signature_algorithm)

    def attributes(self, document_digest: bytes) -> bytes:
        """The signed attributes as they are hashed: a DER ``SET OF``, sorted as DER requires."""
        digest = der(_SEQUENCE, _DIGEST_OID, der(_SET, der(_OCTETS, document_digest)))
        return der(_SET, *sorted((*self._fixed, digest)))

    def signed(self, attributes: bytes, signature: bytes, token: bytes = b"") -> bytes:
        """The whole CMS object.

        Args:
            attributes: the return value of ``attributes``.
            signature: over exactly these bytes.
            token: RFC 3161 time-stamp token (DER) over the signature; empty for none.
        """
        signer = [
            # RFC 5652, 5.4: the attributes are hashed under the tag of a SET, and stored under [0].
            _VERSION_1, self._signer_id, self._digest_id, bytes([_CONTEXT_0]) + attributes[1:], self._signature_id,
            der(_OCTETS, signature),
        ]  # fmt: skip
        if token:
            signer.append(der(_CONTEXT_1, der(_SEQUENCE, _TOKEN_OID, der(_SET, token))))
        content = der(
            _SEQUENCE, _VERSION_1, der(_SET, self._digest_id), der(_SEQUENCE, _DATA), self._certificates,
            der(_SET, der(_SEQUENCE, *signer)),
        )  # fmt: skip
        return der(_SEQUENCE, _SIGNED_DATA, der(_CONTEXT_0, content))


@lru_cache(maxsize=_TEMPLATES_KEPT)
def template_for(chain: tuple[bytes, ...], digest_algorithm: str, signature_algorithm: str) -> CmsTemplate:
    """The template of a certificate, made once for all letters of a batch."""
    return CmsTemplate(chain, digest_algorithm, signature_algorithm)


def der(tag: int, *parts: bytes) -> bytes:
    """One DER value: tag, length in its shortest form (X.690, 10.1), content.

    >>> der(0x04, b"ab").hex(), der(0x04, bytes(200))[:3].hex()
    ('04026162', '0481c8')
    """
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _fixed_attributes(own: asn1_x509.Certificate, digest: str, signature: str) -> tuple[bytes, ...]:
    protection = cms.CMSAlgorithmProtection(
        {"digest_algorithm": {"algorithm": digest}, "signature_algorithm": {"algorithm": signature}}
    )
    # No signing time: PAdES forbids it here (EN 319 142-1, 6.3), the dictionary of the PDF has it.
    attributes = (
        simple_cms_attribute("content_type", "data"),  # type: ignore[no-untyped-call]
        simple_cms_attribute("signing_certificate_v2", as_signing_certificate_v2(own)),  # type: ignore[no-untyped-call]
        simple_cms_attribute("cms_algorithm_protection", protection),  # type: ignore[no-untyped-call]
    )
    return tuple(attribute.dump() for attribute in attributes)
