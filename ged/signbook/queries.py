"""What the signature book shows; frozen rows only."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.ports import Digest
from ged.signbook.models import Draft, SignedRevision


def issued_letters(session: Session) -> Iterator[tuple[str, tuple[Digest, ...]]]:
    """(label, digests of the stored signed revisions in order) of every letter signed here, for ``ged verify``."""
    revisions: dict[int, list[Digest]] = {}
    for row in session.scalars(select(SignedRevision).order_by(SignedRevision.mail_id, SignedRevision.sequence)):
        revisions.setdefault(row.mail_id, []).append(Digest(row.digest))
    for mail_id, digests in revisions.items():
        draft = session.get(Draft, mail_id)
        number = draft.number.text if draft is not None and draft.number is not None else ""
        yield f"letter {mail_id} {number}".strip(), tuple(digests)
