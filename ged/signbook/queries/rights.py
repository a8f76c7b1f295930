"""What an actor may do with a letter of the signature book now; the operations check the same again."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from ged.errors import Forbidden, Invalid
from ged.natures.circuit import Turn
from ged.natures.steps import StepKind
from ged.org.models import Post
from ged.org.powers import within
from ged.register.states import MOVES, MailAct, MailState
from ged.signbook import book
from ged.signbook.models import CircuitAct, Draft, SignatureWay
from ged.signbook.queries.names import turn_for, turns_of
from ged.signbook.second_thoughts import last_act
from ged.unit import Actor, HeldPost, Role


@dataclass(frozen=True)
class Rights:
    """The acts that the pages offer.

    ``acts_as``: ``HeldPost.because`` of the post whose turn it is; ``take_back``: the act that the actor may undo;
    ``capacity``: in which words the actor would sign; ``beyond``: why the actor's delegation does not reach the letter.
    """

    write: bool
    hand_in: bool
    recall: bool
    take_back: CircuitAct | None
    abandon: bool
    visa: bool
    opine: bool
    sign: bool
    refuse: bool
    retry: bool
    cancel_ink: bool
    number: bool
    acts_as: str
    capacity: str = ""
    beyond: Invalid | None = None


def rights_of(session: Session, draft: Draft, actor: Actor, *, on: date) -> Rights:
    """What the actor may do with a letter that the actor may see."""
    state, going = draft.mail.state, book.circuit_of(draft)
    mine, is_author = turn_for(draft, actor), _is_author(draft, actor)
    held = actor.holds(mine.post_id) if mine is not None else None
    decided: tuple[Turn, ...] = tuple(t for t in turns_of(draft) if t.post_id in actor.deciding_post_ids)
    beyond = _beyond(draft, actor, mine)
    decided = () if beyond is not None else decided
    signing = _signing_post(draft, actor, on) if going is not None else None
    signs = signing is not None
    undone = last_act(draft, actor)
    is_printed = draft.way is SignatureWay.INK and state is MailState.IN_CIRCUIT
    return Rights(
        write=(is_author and state is MailState.DRAFT) or (mine is not None and mine.decides),
        hand_in=is_author and state is MailState.DRAFT,
        recall=is_author and going is not None and going.is_submitted and not going.acted_since_submission,
        take_back=undone.act if undone is not None else None,
        abandon=is_author and draft.way is None and (state, MailAct.ABANDON) in MOVES,
        visa=any(turn.kind is StepKind.VISA for turn in decided),
        opine=any(turn.kind is StepKind.OPINION for turn in decided),
        sign=signs and any(turn.is_signature for turn in decided),
        refuse=any(turn.decides for turn in decided),
        retry=signs and draft.way is SignatureWay.DIGITAL and state is MailState.NUMBERED,
        cancel_ink=signs and is_printed,
        number=is_printed and keeps_register(session, draft, actor),
        acts_as=held.because if held is not None else "",
        capacity=_capacity(session, actor, signing),
        beyond=beyond,
    )


def _beyond(draft: Draft, actor: Actor, mine: Turn | None) -> Invalid | None:
    if mine is None or mine.post_id not in actor.deciding_post_ids:
        return None
    found = within(actor, mine.post_id, book.stakes_of(draft))
    return found if isinstance(found, Invalid) else None


def _signing_post(draft: Draft, actor: Actor, on: date) -> HeldPost | None:
    try:
        return book.signing_post(draft, actor, on=on)
    except (Forbidden, Invalid):
        return None


def _capacity(session: Session, actor: Actor, post: HeldPost | None) -> str:
    if post is None or post.because == "holder":
        return ""
    words = book.signatory_words(session, actor, post)
    return " ".join((*words.capacity, f"{words.title} - {words.act}"))


def _is_author(draft: Draft, actor: Actor) -> bool:
    try:
        book.author_post(draft, actor)
    except Forbidden:
        return False
    return True


def keeps_register(session: Session, draft: Draft, actor: Actor) -> bool:
    """Whether the actor is a clerk of the register that will number this letter."""
    if draft.signatory_post_id is None:
        return False
    try:
        register = book.departure_register(session, session.get_one(Post, draft.signatory_post_id).unit_id)
    except Invalid:
        return False  # closed meanwhile: numbering then raises the error
    return any(Role.CLERK in post.roles and post.unit_id == register.unit_id for post in actor.posts)
