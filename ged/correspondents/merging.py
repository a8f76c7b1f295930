"""Two entries of the directory that name one correspondent become one, and apart again.

A merged entry stays, with a reference to the entry that stands for it. Letters keep the entry and the name with which they
were registered; lists, choices and new letters follow the reference. So a merge writes one row, and undoing it takes one row back.
"""

from dataclasses import dataclass

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from ged import locks
from ged.correspondents import directory, letters
from ged.correspondents.directory import CorrespondentView
from ged.dispatch.models import DispatchLine
from ged.errors import Forbidden, Invalid, StaleVersion
from ged.org.tree import entities, ministry, same_entity
from ged.register.correspondents import entities_of, visible
from ged.register.models import Correspondent, Mail
from ged.unit import Actor, HeldPost, Role, UnitOfWork


@dataclass(frozen=True)
class Preview:
    """What a merge would do.

    Attributes:
        double: the entry that would no longer be shown.
        kept: the entry that stands for both.
        letters: letters exchanged under the double that the actor may see, at most ``paging.MOST_COUNTED`` + 1.
    """

    double: CorrespondentView
    kept: CorrespondentView
    letters: int


def preview(session: Session, double_id: int, kept_id: int, *, actor: Actor) -> Preview:
    """The two entries side by side.

    Raises:
        As ``merge``.
    """
    double, kept = (directory.seen_entry(session, one, actor) for one in (double_id, kept_id))
    _check(session, double, kept, actor)
    return Preview(
        directory.correspondent(session, double_id, actor=actor),
        directory.correspondent(session, kept_id, actor=actor),
        letters.count(session, double_id, actor=actor),
    )


def merge(uow: UnitOfWork, double_id: int, kept_id: int, *, version: int | None, actor: Actor) -> None:
    """Let one entry stand for both.

    Args:
        double_id: an entry of the actor's entity.
        kept_id: any entry that the actor sees, also of the common stock.
        version: the double's version in the preview.

    Raises:
        NotFound: ``correspondent.unknown``.
        Forbidden: ``correspondent.forbidden``.
        Invalid: ``correspondent.merge_itself``, ``correspondent.merge_not_own``, ``correspondent.merged``,
            ``correspondent.merge_shared``.
        StaleVersion: ``correspondent.stale``.
    """
    locks.hold(uow.session, Correspondent, [double_id, kept_id])
    double, kept = (directory.seen_entry(uow.session, one, actor) for one in (double_id, kept_id))
    post = _check(uow.session, double, kept, actor)
    if version is not None and double.version != version:
        raise StaleVersion("correspondent.stale", "read the other person's change, then send again")
    double.merged_into_id, double.merged_at = kept.id, uow.now
    uow.record(
        "correspondent.merged", "correspondent", double.id, actor=actor, post=post,
        into=kept.id, old=double.name, new=kept.name,
    )  # fmt: skip


def undo(uow: UnitOfWork, double_id: int, *, actor: Actor) -> None:
    """Show a merged entry by itself again, with its letters, as long as the other has no new letter since.

    Raises:
        NotFound: ``correspondent.unknown``.
        Forbidden: ``correspondent.forbidden``.
        Invalid: ``correspondent.not_merged``, ``correspondent.merge_not_own``, ``correspondent.merge_used``.
    """
    entry = directory.seen_entry(uow.session, double_id, actor)
    locks.hold(uow.session, Correspondent, [one for one in (double_id, entry.merged_into_id) if one is not None])
    post = _own(uow.session, entry, actor)
    if entry.merged_into_id is None:
        raise Invalid("correspondent.not_merged", "reload the page")
    if is_used(uow.session, entry):
        raise Invalid("correspondent.merge_used", "rectify the sender of the new letters first")
    kept_id, entry.merged_into_id, entry.merged_at = entry.merged_into_id, None, None
    uow.record("correspondent.unmerged", "correspondent", entry.id, actor=actor, post=post, out_of=kept_id)


def is_used(session: Session, double: Correspondent) -> bool:
    """Whether something new hangs on a merge: a letter with the entry that was kept, or a further merge of it.

    Letters of other entities with a shared entry are theirs: they neither stop the undoing nor are told.
    """
    kept = session.get_one(Correspondent, double.merged_into_id)
    if kept.merged_into_id is not None or double.merged_at is None:
        return True
    line = exists().where(DispatchLine.mail_id == Mail.id, DispatchLine.correspondent_id == kept.id)
    new = select(Mail.id).where(Mail.created_at > double.merged_at, or_(Mail.sender_id == kept.id, line))
    if double.entity_id is not None:
        new = new.where(Mail.unit_id.in_(sorted(same_entity(session, [double.entity_id]))))
    return session.scalar(new.limit(1)) is not None


@dataclass(frozen=True)
class MergedRow:
    """A double of an entry; ``may_undo``: one click shows it by itself again."""

    id: int
    name: str
    may_undo: bool


def doubles(session: Session, correspondent_id: int, *, actor: Actor) -> list[MergedRow]:
    """The entries that were merged into one, by name: those that the actor may see. Into an entry that is shared other
    entities merge entries of their own, whose names are theirs.
    """
    post = actor.post_with(Role.CLERK)
    own = entities(session)[post.unit_id] if post is not None else None
    rows = session.scalars(
        select(Correspondent)
        .where(Correspondent.merged_into_id == correspondent_id, visible(entities_of(session, actor), ministry(actor)))
        .order_by(Correspondent.folded_name, Correspondent.id)
    ).all()
    return [
        MergedRow(row.id, row.name, own is not None and row.entity_id == own and not is_used(session, row))
        for row in rows
    ]


def _own(session: Session, entry: Correspondent, actor: Actor) -> HeldPost:
    post = actor.post_with(Role.CLERK)
    if post is None:
        raise Forbidden("correspondent.forbidden", "ask the mail office", id=entry.id)
    if entry.entity_id != entities(session)[post.unit_id]:
        raise Invalid("correspondent.merge_not_own", "merge an entry of your own entity", field="into")
    return post


def _check(session: Session, double: Correspondent, kept: Correspondent, actor: Actor) -> HeldPost:
    post = _own(session, double, actor)
    if double.id == kept.id:
        raise Invalid("correspondent.merge_itself", "choose another entry", field="into")
    if double.merged_into_id is not None or kept.merged_into_id is not None:
        raise Invalid("correspondent.merged", "reload the page", field="into")
    if double.is_shared and kept.entity_id is not None and not kept.is_shared:
        # Letters of other entities may hang on a shared entry: these entities must see the one that stands for it.
        raise Invalid("correspondent.merge_shared", "share the entry that stays first", field="into")
    return post
