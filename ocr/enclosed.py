"""Extracts the document of a signed file (.p7m, RFC 5652), to draw and read it. It never replaces the file.

The signature is not checked here.
"""

import base64
import binascii
import re
from pathlib import Path

from asn1crypto import cms, core

from ged.errors import Invalid
from ocr.limits import truncated
from ocr.sniff import P7M, media_type

# An armour without an end marker extends to the end of the file. Else each further begin marker would scan the rest.
_PEM = re.compile(rb"-----BEGIN (?:PKCS7|CMS)-----(.*?)(-----END|\Z)", re.DOTALL)
_DEEPEST = 4
"""Levels of nesting. A signed file in a signed file is a document that several people signed one after the other."""


def take_out(source: Path, target: Path) -> None:
    """Write the innermost document.

    Raises:
        Invalid: ``file.signature_apart``: the file is only a signature, without the document; ``file.truncated``.
    """
    data = source.read_bytes()
    for _ in range(_DEEPEST):
        data = _enclosed(data)
        if media_type(data[:1024]) != P7M:
            break
    target.write_bytes(data)


def _enclosed(data: bytes) -> bytes:
    try:
        info = cms.ContentInfo.load(_der(data))
        inside = info["content"]["encap_content_info"]["content"]
        found = None if isinstance(inside, core.Void) else bytes(inside)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise truncated() from error
    if found is None:
        raise Invalid("file.signature_apart", "Send the signed document with it.")
    return found


def _der(data: bytes) -> bytes:
    if data[:1] == b"\x30":
        return data  # an armour inside is what the signed text quotes
    pem = _PEM.search(data)
    if pem is not None and not pem[2]:
        raise truncated()
    try:
        return base64.b64decode(pem[1] if pem else data)
    except binascii.Error as error:
        raise truncated() from error
