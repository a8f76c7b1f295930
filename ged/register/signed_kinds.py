"""Which files from outside contain signatures, or are signatures."""

from collections.abc import Sequence

from ged.ports import PROGRAMS
from ged.register.models import AttachmentKind

APART = "application/pkcs7-signature"
"""A detached signature: the signed document is another file of the letter."""
IS_APART = "file.signature_apart"
"""Why a detached signature shows no page of its own."""
SIGNED_PROGRAMS = "application/pkcs7-mime" + PROGRAMS
"""A signed file whose document carries programs."""
CMS_TYPES = frozenset(
    {
        "application/pkcs7-mime",
        SIGNED_PROGRAMS,
        "application/x-pkcs7-mime",
        APART,
        "application/x-pkcs7-signature",
    }
)
FROM_OUTSIDE = frozenset({AttachmentKind.DOCUMENT, AttachmentKind.ANNEX, AttachmentKind.PROOF})


def is_to_check(kind: AttachmentKind, media_types: Sequence[str], *, is_signed: bool) -> bool:
    """Whether an arriving attachment has signatures to check."""
    return kind in FROM_OUTSIDE and (is_signed or any(one in CMS_TYPES for one in media_types))
