"""The circuit of visas and opinions: whose turn it is, what a refusal or a change undoes. Pure: no database.

Steps of one stage are open at the same time; the next stage opens when all of one are given. A visa or an opinion is
given on a version of the content, by a post. It stands while that version is the current one and its post is in the
circuit: a refusal therefore undoes none by itself (an author who convinces the refuser starts again where the letter
stopped), and every change of content undoes all of them. An opinion is asked and waited for, but stops nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf

from ged.errors import Forbidden, Invalid, InvalidTransition
from ged.ports import PostId

MAX_VISAS = 12


class StepKind(StrEnum):
    """What is asked of a post."""

    VISA = "visa"
    OPINION = "opinion"
    """Advice for those who come after; it may be unfavourable and still stops nothing."""


@dataclass(frozen=True)
class Step:
    """What is asked of a post before the signature; steps with the same ``stage`` are open together."""

    post_id: PostId
    stage: int
    kind: StepKind = StepKind.VISA


@dataclass(frozen=True)
class GivenVisa:
    """A visa or an opinion as it was given: the entry's id, the post and the person, the version of the content."""

    entry_id: int
    post_id: PostId
    person_id: int
    version_no: int
    kind: StepKind = StepKind.VISA


@dataclass(frozen=True)
class Turn:
    """A post that is waited for, and what for; ``kind`` is None for the signature."""

    post_id: PostId
    kind: StepKind | None

    @property
    def is_signature(self) -> bool:
        """Whether it is the signature that is waited for."""
        return self.kind is None

    @property
    def decides(self) -> bool:
        """Whether this post may correct the letter or send it back: an opinion does neither."""
        return self.kind is not StepKind.OPINION


@dataclass(frozen=True)
class Circuit:
    """Stages of visas and opinions in order, then the signatory.

    Attributes:
        steps: what is asked, in the order of the stages.
        signatory: the post that signs.
        version_no: the current version of the content.
        given: visas and opinions not cancelled, in the order given.
        is_submitted: whether it is in the circuit; False while it is with its author.
        acted_since_submission: whether somebody has acted since the author handed it in.
    """

    steps: tuple[Step, ...]
    signatory: PostId
    version_no: int
    given: tuple[GivenVisa, ...] = ()
    is_submitted: bool = True
    acted_since_submission: bool = False

    @property
    def posts(self) -> tuple[PostId, ...]:
        """The posts asked before the signatory, in order."""
        return tuple(step.post_id for step in self.steps)


def one_by_one(post_ids: Sequence[PostId]) -> tuple[Step, ...]:
    """Visas in order, each after the one before."""
    return tuple(Step(post_id, stage) for stage, post_id in enumerate(post_ids, start=1))


def make_circuit(steps: Sequence[Step], signatory: PostId | None) -> tuple[tuple[Step, ...], PostId]:
    """The steps of a circuit, checked; in order of their stages, which are numbered from 1 without a gap.

    Raises:
        Invalid: ``circuit.no_signatory``, ``circuit.twice``, ``circuit.too_long``.
    """
    if signatory is None:
        raise Invalid("circuit.no_signatory", "choose who signs", field="signatory_post_id")
    if len(steps) > MAX_VISAS:
        raise Invalid("circuit.too_long", "ask fewer visas", field="visa_post_ids", limit=MAX_VISAS)
    posts = [step.post_id for step in steps]
    if len(set(posts)) != len(posts) or signatory in posts:
        raise Invalid("circuit.twice", "name each post once: who signs gives no visa", field="visa_post_ids")
    stages = sorted({step.stage for step in steps})
    ordered = sorted(steps, key=lambda step: step.stage)
    return tuple(replace(step, stage=stages.index(step.stage) + 1) for step in ordered), signatory


def standing(circuit: Circuit) -> dict[PostId, GivenVisa]:
    """The visas and opinions that count, by post."""
    asked = {step.post_id: step.kind for step in circuit.steps}
    return {
        visa.post_id: visa
        for visa in circuit.given
        if visa.version_no == circuit.version_no and asked.get(visa.post_id) is visa.kind
    }


def turns(circuit: Circuit) -> tuple[Turn, ...]:
    """Who is waited for now; nobody while the letter is with its author."""
    if not circuit.is_submitted:
        return ()
    stand = standing(circuit)
    missing = [step for step in circuit.steps if step.post_id not in stand]
    if not missing:
        return (Turn(circuit.signatory, None),)
    return tuple(Turn(step.post_id, step.kind) for step in missing if step.stage == missing[0].stage)


def turn_of(circuit: Circuit, post_ids: frozenset[PostId]) -> Turn | None:
    """The first turn of somebody with these posts: what decides (visa, signature) before an opinion."""
    mine = [turn for turn in turns(circuit) if turn.post_id in post_ids]
    return min(mine, key=lambda turn: not turn.decides, default=None)


def require_turn(circuit: Circuit, post_ids: frozenset[PostId], kind: StepKind | None) -> PostId:
    """The post through which an actor with these posts acts now; ``kind`` None: signs.

    Raises:
        Forbidden: ``circuit.not_yours``.
        InvalidTransition: ``circuit.not_your_turn``: a post of the circuit, but another one is next.
    """
    for turn in turns(circuit):
        if turn.post_id in post_ids and turn.kind is kind:
            return turn.post_id
    raise _not_now(circuit, post_ids)


def require_deciding(circuit: Circuit, post_ids: frozenset[PostId]) -> PostId:
    """The post through which an actor may correct the letter or send it back now: a visa's or the signatory's.

    Raises:
        Forbidden, InvalidTransition: as ``require_turn``.
    """
    turn = turn_of(circuit, post_ids)
    if turn is None or not turn.decides:
        raise _not_now(circuit, post_ids)
    return turn.post_id


def _not_now(circuit: Circuit, post_ids: frozenset[PostId]) -> Forbidden | InvalidTransition:
    if post_ids.isdisjoint({*circuit.posts, circuit.signatory}):
        return Forbidden("circuit.not_yours", "only posts of the circuit act on the letter")
    return InvalidTransition("circuit.not_your_turn", "reload the page: somebody acted before, or comes before you")


def earlier(circuit: Circuit) -> tuple[GivenVisa, ...]:
    """The visas that stand of the stages before the one that is open: those a letter may be sent back to."""
    stand, now = standing(circuit), {turn.post_id for turn in turns(circuit)}
    open_stage = min((step.stage for step in circuit.steps if step.post_id in now), default=inf)
    return tuple(
        stand[step.post_id]
        for step in circuit.steps
        if step.stage < open_stage and step.kind is StepKind.VISA and step.post_id in stand
    )


def require_earlier(circuit: Circuit, post_id: PostId) -> GivenVisa:
    """The visa of an earlier stage that is asked anew.

    Raises:
        Invalid: ``circuit.not_earlier``: no visa of an earlier stage stands for this post.
    """
    for visa in earlier(circuit):
        if visa.post_id == post_id:
            return visa
    raise Invalid("circuit.not_earlier", "choose the author, or a visa given before", field="to")


def undone_by_change(circuit: Circuit) -> tuple[GivenVisa, ...]:
    """What a change to text, annexes, addressees or copies cancels: all that stands."""
    return tuple(standing(circuit).values())


def undone_by_circuit_change(circuit: Circuit, steps: Sequence[Step]) -> tuple[GivenVisa, ...]:
    """What is cancelled because its post leaves the circuit, or is asked for something else."""
    asked = {step.post_id: step.kind for step in steps}
    return tuple(visa for post, visa in standing(circuit).items() if asked.get(post) is not visa.kind)


def require_recallable(circuit: Circuit) -> None:
    """The author takes a letter back until the next one has acted.

    Raises:
        InvalidTransition: ``circuit.acted_already``: ask for a refusal instead.
    """
    if not circuit.is_submitted or circuit.acted_since_submission:
        raise InvalidTransition("circuit.acted_already", "ask the next approver to send it back")
