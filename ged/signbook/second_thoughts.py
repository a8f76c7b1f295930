"""The right to take back an act (*droit de remords*), until the next person has acted.

The author uses ``operations.recall`` instead. A numbered letter cannot go back.
"""

from sqlalchemy import update

from ged.errors import InvalidTransition
from ged.ports import MailId
from ged.register.states import MailAct, MailState, move
from ged.signbook import book
from ged.signbook.models import CircuitAct, CircuitEntry, Draft, Notice, NoticeKind
from ged.unit import Actor, UnitOfWork

_RETURNS = {CircuitAct.REFUSE, CircuitAct.SEND_BACK}
_NOTICE_KINDS = {CircuitAct.REFUSE: NoticeKind.REFUSED, CircuitAct.SEND_BACK: NoticeKind.SENT_BACK}


def last_act(draft: Draft, actor: Actor) -> CircuitEntry | None:
    """The actor's last visa, opinion or refusal, if nobody has acted after it; None when there is none to take back.

    Visas and opinions of the same stage do not count as later acts.
    """
    entry = _last_of(draft, actor.person_id)
    if entry is None or entry.version_no != draft.version_no or draft.way is not None:
        return None
    expected = MailState.DRAFT if entry.act is CircuitAct.REFUSE else MailState.IN_CIRCUIT
    still_decides = entry.post_id is not None and actor.decides(entry.post_id) is not None
    return entry if still_decides and draft.mail.state is expected else None


def _last_of(draft: Draft, person_id: int) -> CircuitEntry | None:
    stages = {step.post_id: step.stage for step in draft.steps}
    after: set[int | None] = set()
    for entry in filter(book.counts, reversed(draft.entries)):
        stage = stages.get(entry.post_id or 0) if entry.act in book.GIVES else None
        if entry.act not in book.GIVES and entry.act not in _RETURNS:
            return None
        if entry.person_id == person_id and after <= {stage}:
            return entry
        after.add(stage)
        if None in after or len(after) > 1:
            return None
    return None


def take_back(uow: UnitOfWork, mail_id: MailId | int, *, actor: Actor) -> CircuitAct:
    """Undo the actor's last act: a visa or an opinion is awaited again, a refusal is cancelled. Returns the act.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        InvalidTransition: ``circuit.nothing_to_take_back``: the next person has acted, or the actor has not acted.
    """
    draft = book.locked(uow, mail_id, actor)
    entry = last_act(draft, actor)
    if entry is None or entry.post_id is None:
        raise InvalidTransition("circuit.nothing_to_take_back", "the next person has acted", id=draft.mail_id)
    if entry.act is CircuitAct.REFUSE:
        draft.mail.state = move(draft.mail.state, MailAct.SUBMIT)
        uow.reindex(draft.mail_id)
    if entry.act is CircuitAct.SEND_BACK:
        _give_back(draft, entry)
    entry.cancelled_at = uow.now
    book.enter(uow, draft, CircuitAct.TAKE_BACK, actor=actor, post=book.held(actor, entry.post_id))
    if entry.act in _NOTICE_KINDS:
        _untell(uow, entry)
    return entry.act


def _give_back(draft: Draft, sent_back: CircuitEntry) -> None:
    """Restore the visa that had to be given again."""
    for visa in draft.entries:
        same = visa.act is CircuitAct.VISA and visa.post_id == sent_back.to_post_id
        if same and visa.cancelled_at == sent_back.at and visa.version_no == sent_back.version_no:
            visa.cancelled_at = None


def _untell(uow: UnitOfWork, entry: CircuitEntry) -> None:
    """Delete the notices of an act that was taken back."""
    uow.session.execute(
        update(Notice)
        .where(Notice.mail_id == entry.mail_id, Notice.kind == _NOTICE_KINDS[entry.act], Notice.at == entry.at)
        .where(Notice.seen_at.is_(None))
        .values(seen_at=uow.now)
    )
