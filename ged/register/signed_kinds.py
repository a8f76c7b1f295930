"""Which files from outside carry signatures, or are signatures."""

from collections.abc import Sequence

from ged.register.models import AttachmentKind

APART = "application/pkcs7-signature"
"""A signature whose document is another file of the letter."""
IS_APART = "file.signature_apart"
"""Why such a file shows no page of its own."""
CMS_TYPES = frozenset(
    {
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
        APART,
        "application/x-pkcs7-signature",
    }
)
FROM_OUTSIDE = frozenset({AttachmentKind.DOCUMENT, AttachmentKind.ANNEX, AttachmentKind.PROOF})


def is_to_check(kind: AttachmentKind, media_types: Sequence[str], *, is_signed: bool) -> bool:
    """Whether an attachment that arrives has signatures to look at."""
    return kind in FROM_OUTSIDE and (is_signed or any(one in CMS_TYPES for one in media_types))
