"""The revisions stored at each signature: the ``issued`` digests for checkers."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.ports import Digest, MailId
from ged.register.models import MailNumber
from ged.signbook.models import Draft, SignedRevision


def issued_of(session: Session, mail_id: MailId | int) -> tuple[Digest, ...]:
    """Digests of a letter's stored revisions, in order: ``issued`` for the checker."""
    rows = select(SignedRevision.digest).where(SignedRevision.mail_id == mail_id).order_by(SignedRevision.sequence)
    return tuple(Digest(digest) for digest in session.scalars(rows))


def issued_letters(session: Session) -> Iterator[tuple[str, tuple[Digest, ...]]]:
    """(label, digests of the stored signed revisions in order) of every letter signed here, for ``ged verify``."""
    revisions: dict[int, list[Digest]] = {}
    for row in session.scalars(select(SignedRevision).order_by(SignedRevision.mail_id, SignedRevision.sequence)):
        revisions.setdefault(row.mail_id, []).append(Digest(row.digest))
    numbers = dict(
        session.execute(
            select(Draft.mail_id, MailNumber.text)
            .join(MailNumber, MailNumber.id == Draft.number_id)
            .where(Draft.mail_id.in_(revisions))
        ).all()
    )
    for mail_id, digests in revisions.items():
        yield f"letter {mail_id} {numbers.get(mail_id, '')}".strip(), tuple(digests)
