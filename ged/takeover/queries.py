"""Queries about imported letters, for other modules."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.jobs import LIVE_STATES, Job, JobKind
from ged.takeover.models import TakenLetter


def letters_of_batch(session: Session, batch_id: int) -> list[int]:
    """The letters of one batch of an import."""
    return list(session.scalars(select(TakenLetter.mail_id).where(TakenLetter.batch_id == batch_id)))


def own_ids(session: Session, mail_ids: Collection[int]) -> dict[int, str]:
    """Letter id -> own id in the archive, for imported letters."""
    rows = session.execute(select(TakenLetter.mail_id, TakenLetter.own_id).where(TakenLetter.mail_id.in_(mail_ids)))
    return dict(iter(rows))


def waiting_for_index(session: Session, mail_ids: Collection[int]) -> frozenset[int]:
    """The letters among these that an open import job will index."""
    open_batches = select(Job.subject_id).where(Job.kind == JobKind.INDEX_BACKLOG, Job.state.in_(LIVE_STATES))
    rows = session.scalars(
        select(TakenLetter.mail_id).where(TakenLetter.mail_id.in_(mail_ids), TakenLetter.batch_id.in_(open_batches))
    )
    return frozenset(rows)


def taken_since(session: Session, after_job: int, until_job: int) -> list[int]:
    """Letters of the batches whose index jobs have ids in this range."""
    batches = select(Job.subject_id).where(Job.kind == JobKind.INDEX_BACKLOG, Job.id > after_job, Job.id <= until_job)
    return list(session.scalars(select(TakenLetter.mail_id).where(TakenLetter.batch_id.in_(batches))))
