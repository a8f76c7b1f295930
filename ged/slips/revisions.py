"""The stored signatures of slips, for ``ged verify``."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.ports import Digest
from ged.register.models import MailNumber
from ged.slips.models import SlipRevision


def issued_slips(session: Session) -> Iterator[tuple[str, tuple[Digest, ...]]]:
    """(label, digests of the stored signed revisions in order) of every slip signed here."""
    revisions: dict[int, list[Digest]] = {}
    for row in session.scalars(select(SlipRevision).order_by(SlipRevision.slip_id, SlipRevision.sequence)):
        revisions.setdefault(row.slip_id, []).append(Digest(row.digest))
    numbers = dict(
        session.execute(select(MailNumber.slip_id, MailNumber.text).where(MailNumber.slip_id.in_(revisions))).all()
    )
    for slip_id, digests in revisions.items():
        yield f"slip {slip_id} {numbers.get(slip_id, '')}".strip(), tuple(digests)
