"""Short letters with known words, for the contract of ``SearchIndex``."""

from datetime import UTC, datetime
from typing import Any

from ged.ports import AttachmentId, Confidentiality, IndexDocument, IndexedPage, MailId, Principal, Principals

NOBODY = Principals(frozenset(), frozenset(), frozenset())


def who(*, ordinary: str = "", restricted: str = "", secret: str = "") -> Principals:
    """Principals for each level, from names separated by spaces."""

    def names(text: str) -> frozenset[Principal]:
        return frozenset(Principal(name) for name in text.split())

    return Principals(names(ordinary), names(restricted), names(secret))


ALL = who(ordinary="u1", restricted="u1", secret="u1")


def letter(mail_id: int, subject: str = "", *pages: str, **values: Any) -> IndexDocument:
    """One letter for the index, visible to unit 1 unless ``values`` say otherwise. ``pages`` are the texts of its
    pages."""
    given: dict[str, Any] = {
        "version": 1,
        "level": Confidentiality.ORDINARY,
        "principals": frozenset({Principal("u1")}),
        "numbers": (f"{mail_id:05d}/2025/MEM",),
        "registers": ("ARR",),
        "direction": "incoming",
        "state": "registered",
        "registered_at": datetime(2025, 3, 1, 10, 0, mail_id % 60, tzinfo=UTC),
    }
    indexed = tuple(IndexedPage(AttachmentId(mail_id * 10), no, text) for no, text in enumerate(pages, start=1))
    return IndexDocument(mail_id=MailId(mail_id), subject=subject, **(given | {"pages": indexed} | values))
