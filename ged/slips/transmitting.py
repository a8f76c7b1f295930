"""One act over the originals that a unit must pass on: a slip for each receiving unit, or a note that they stay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from ged import locks
from ged.errors import GedError, Invalid
from ged.org.keys import OpenedKey
from ged.ports import MailId
from ged.register.models import Mail
from ged.slips import custody, drafting, operations, to_transmit
from ged.slips.drafting import LineForm, SlipForm
from ged.slips.models import SlipPurpose
from ged.slips.operations import Issued
from ged.slips.to_transmit import Destination
from ged.unit import Actor, HeldPost, Services, UnitOfWork

MOST_SLIPS = 10
"""Slips of one act: each is typeset and signed while the clerk waits, half a second or more. The key stays open for
five minutes, so the rest follows with one more click.
"""
REASON = "remark-"
"""How the names of the form's fields for reasons begin."""


@dataclass(frozen=True)
class Sent:
    """What became of the ticked letters of a group, or of a part of it: one slip, or the reason why there is none.

    ``is_left``: it was not begun, because the act had made ``MOST_SLIPS`` slips.
    """

    destination: Destination
    mail_ids: tuple[MailId, ...]
    issued: tuple[Issued, ...] = ()
    refusal: GedError | None = None
    is_left: bool = False

    @property
    def waits(self) -> bool:
        """Whether these letters still wait for their slip."""
        return self.is_left or self.refusal is not None


def send(
    services: Services,
    chosen: Mapping[str, Sequence[int]],
    *,
    post: HeldPost,
    messenger: str,
    key: OpenedKey,
    actor: Actor,
    now: datetime,
    reasons: Mapping[int, str] | None = None,
) -> tuple[Sent, ...]:
    """Make one slip for each group, of the letters chosen in it. A refused group does not stop the others.

    A letter that left, or was imputed to another unit, in the meantime is skipped. More letters than fit on a slip make several slips. After
    ``MOST_SLIPS`` slips the rest is left (``Sent.is_left``).

    Args:
        chosen: ids of letters by the key of their group.
        reasons: letter -> why it goes again to the unit that refused it; it stands on the line of the slip.

    Raises:
        Invalid: ``slip.nothing_chosen``; ``slip.chosen_left``: none of the chosen letters waits for its group any more.
    """
    if not any(chosen.values()):
        raise Invalid("slip.nothing_chosen", "tick a letter", field="mail")
    asked = to_transmit.PaperFilter(mail_ids=frozenset(int(one) for ids in chosen.values() for one in ids))
    with services.reading() as session:
        groups = to_transmit.destinations(session, actor, post=post, asked=asked)
    said, made = reasons or {}, list[Sent]()
    for group in groups:
        wanted = frozenset(chosen.get(group.key, ()))
        ids = tuple(row.mail_id for row in group.rows if row.mail_id in wanted)
        for start in range(0, len(ids), drafting.MAX_LINES):
            if len(made) >= MOST_SLIPS:
                made.append(Sent(group, ids[start:], is_left=True))
                break
            part = _Part(group, ids[start : start + drafting.MAX_LINES], post, actor)
            form = SlipForm(
                lines=tuple(
                    LineForm(mail_id=mail_id, is_original=True, remark=said.get(mail_id, ""))
                    for mail_id in part.mail_ids
                ),
                receiver_unit_ids=(group.unit_id,),
                purpose=SlipPurpose.FOLLOW_UP if group.is_decision else SlipPurpose.HANDOVER,
                messenger=messenger,
                post_id=post.post_id,
            )
            try:
                issued = operations.issue(services, form, key=key, actor=actor, now=now, present=part.present)
                made.append(Sent(group, part.mail_ids, issued))
            except GedError as refusal:
                if part.mail_ids:
                    made.append(Sent(group, part.mail_ids, refusal=refusal))
    if not made:
        raise Invalid("slip.chosen_left", "look at the list again", field="mail")
    return tuple(made)


@dataclass
class _Part:
    """Letters of a group for one slip. They are fewer once the letters are locked, if some went another way meanwhile."""

    group: Destination
    mail_ids: tuple[MailId, ...]
    post: HeldPost
    actor: Actor

    def present(self, session: Session, form: SlipForm) -> SlipForm:
        """The lines of the letters that wait for this group still: the slips before this one took seconds.

        Raises:
            Invalid: ``slip.chosen_left``: there are none.
        """
        waiting = _waiting(session, self.mail_ids, self.actor, self.post)
        self.mail_ids = tuple(one for one in self.mail_ids if waiting.get(one) == self.group.key)
        if not self.mail_ids:
            raise Invalid("slip.chosen_left", "look at the list again", field="mail")
        return replace(form, lines=tuple(line for line in form.lines if line.mail_id in self.mail_ids))


def unexplained(
    session: Session, chosen: Mapping[str, Sequence[int]], reasons: Mapping[int, str], *, post: HeldPost, actor: Actor
) -> tuple[Invalid, ...]:
    """Of the chosen letters, those that their unit refused and that have no reason: what to tell of each."""
    asked = to_transmit.PaperFilter(mail_ids=frozenset(int(one) for ids in chosen.values() for one in ids))
    return tuple(
        drafting.refused_before(row.refused, row.number, reason_field(group.key, row.mail_id))
        for group in to_transmit.destinations(session, actor, post=post, asked=asked)
        for row in group.rows
        if row.refused is not None and row.mail_id in chosen.get(group.key, ()) and not reasons.get(row.mail_id)
    )


def reason_field(group_key: str, mail_id: int) -> str:
    """The name of the form's field for the reason of a letter."""
    return f"{REASON}{group_key}.{mail_id}"


def keep_here(uow: UnitOfWork, mail_ids: Sequence[int], *, post: HeldPost, actor: Actor) -> int:
    """Note that the originals of these letters stay with the unit, so that no slip is needed. Returns their number.

    Raises:
        Invalid: ``slip.nothing_kept``.
    """
    if not mail_ids:
        raise Invalid("slip.nothing_kept", "tick a letter", field="mail")
    # Only letters that are here are locked; another clerk may have sent some of them before the lock.
    mails = locks.hold(uow.session, Mail, _waiting(uow.session, mail_ids, actor, post))
    here = _waiting(uow.session, mail_ids, actor, post)
    kept = [mail for mail in mails if mail.id in here]
    for mail in kept:
        custody.keep(uow, mail.id, actor=actor, post=post)
    return len(kept)


def _waiting(session: Session, mail_ids: Sequence[int], actor: Actor, post: HeldPost) -> dict[int, str]:
    """Those of these letters whose originals wait here now, each with the key of its group."""
    asked = to_transmit.PaperFilter(mail_ids=frozenset(int(one) for one in mail_ids))
    groups = to_transmit.destinations(session, actor, post=post, asked=asked)
    return {int(row.mail_id): group.key for group in groups for row in group.rows}
