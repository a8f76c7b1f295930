"""The circuit of visas and opinions: whose turn it is, and what a refusal or a change cancels. Pure: no database.

Steps of one stage are open at the same time; the next stage opens when all steps of a stage are given. A post gives a
visa or an opinion on a version of the content. It is valid while this version is current and the post is in the
circuit. So a refusal alone cancels none (an author who convinces the refuser resumes where the letter stopped), but
every change of content cancels all of them. An opinion is awaited, but never stops the letter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from ged.errors import Forbidden, Invalid, InvalidTransition
from ged.natures.steps import StepKind
from ged.ports import PostId

MAX_VISAS = 12


@dataclass(frozen=True)
class Step:
    """A step before the signature: a visa or an opinion of a post. Steps of one ``stage`` are open together."""

    post_id: PostId
    stage: int
    kind: StepKind = StepKind.VISA


@dataclass(frozen=True)
class GivenVisa:
    """A given visa or opinion: the entry's id, the post and the person, the version of the content."""

    entry_id: int
    post_id: PostId
    person_id: int
    version_no: int
    kind: StepKind = StepKind.VISA


@dataclass(frozen=True)
class Turn:
    """An awaited post, and the kind of its step; ``kind`` is None for the signature."""

    post_id: PostId
    kind: StepKind | None

    @property
    def is_signature(self) -> bool:
        """Whether the signature is awaited."""
        return self.kind is None

    @property
    def decides(self) -> bool:
        """Whether this post may correct the letter or send it back: a post asked for an opinion may not."""
        return self.kind is not StepKind.OPINION


@dataclass(frozen=True)
class Circuit:
    """Stages of visas and opinions in order, then the signatory.

    Attributes:
        steps: in the order of the stages.
        signatory: the post that signs.
        version_no: the current version of the content.
        given: visas and opinions not cancelled, in the order given.
        is_submitted: whether it is in the circuit; False while it is with its author.
        acted_since_submission: whether somebody has acted since the author submitted it.
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
    """Check the steps of a circuit, and return them in order of their stages, numbered from 1 without a gap.

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
    """The valid visas and opinions, by post."""
    asked = {step.post_id: step.kind for step in circuit.steps}
    return {
        visa.post_id: visa
        for visa in circuit.given
        if visa.version_no == circuit.version_no and asked.get(visa.post_id) is visa.kind
    }


def turns(circuit: Circuit) -> tuple[Turn, ...]:
    """The awaited posts; empty while the letter is with its author."""
    if not circuit.is_submitted:
        return ()
    stand = standing(circuit)
    missing = [step for step in circuit.steps if step.post_id not in stand]
    if not missing:
        return (Turn(circuit.signatory, None),)
    return tuple(Turn(step.post_id, step.kind) for step in missing if step.stage == missing[0].stage)


def turn_of(circuit: Circuit, post_ids: frozenset[PostId]) -> Turn | None:
    """The first turn of an actor with these posts: deciding turns (visa, signature) before opinions."""
    mine = [turn for turn in turns(circuit) if turn.post_id in post_ids]
    return min(mine, key=lambda turn: not turn.decides, default=None)


def require_turn(circuit: Circuit, post_ids: frozenset[PostId], kind: StepKind | None) -> PostId:
    """The post through which an actor with these posts acts now; ``kind`` None: signs.

    Raises:
        Forbidden: ``circuit.not_yours``.
        InvalidTransition: ``circuit.not_your_turn``: the post is in the circuit, but another post is next.
    """
    for turn in turns(circuit):
        if turn.post_id in post_ids and turn.kind is kind:
            return turn.post_id
    raise _not_now(circuit, post_ids)


def require_deciding(circuit: Circuit, post_ids: frozenset[PostId]) -> PostId:
    """The post through which an actor may now correct the letter or send it back: of a visa step, or the signatory's.

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
    """The valid visas of stages before the open one: the letter may be sent back to these."""
    stand, now = standing(circuit), {turn.post_id for turn in turns(circuit)}
    open_stage = min((step.stage for step in circuit.steps if step.post_id in now), default=inf)
    return tuple(
        stand[step.post_id]
        for step in circuit.steps
        if step.stage < open_stage and step.kind is StepKind.VISA and step.post_id in stand
    )


def require_earlier(circuit: Circuit, post_id: PostId) -> GivenVisa:
    """The valid visa of an earlier stage, which is to be given again.

    Raises:
        Invalid: ``circuit.not_earlier``: this post has no valid visa of an earlier stage.
    """
    for visa in earlier(circuit):
        if visa.post_id == post_id:
            return visa
    raise Invalid("circuit.not_earlier", "choose the author, or a visa given before", field="to")


def undone_by_change(circuit: Circuit) -> tuple[GivenVisa, ...]:
    """The visas and opinions cancelled by a change of text, annexes, addressees or copies: all valid ones."""
    return tuple(standing(circuit).values())


def undone_by_circuit_change(circuit: Circuit, steps: Sequence[Step]) -> tuple[GivenVisa, ...]:
    """The visas and opinions cancelled because their post leaves the circuit, or gets another kind of step."""
    asked = {step.post_id: step.kind for step in steps}
    return tuple(visa for post, visa in standing(circuit).items() if asked.get(post) is not visa.kind)


def require_recallable(circuit: Circuit) -> None:
    """Check that the author may recall the letter: nobody has acted yet.

    Raises:
        InvalidTransition: ``circuit.acted_already``: ask for a refusal instead.
    """
    if not circuit.is_submitted or circuit.acted_since_submission:
        raise InvalidTransition("circuit.acted_already", "ask the next approver to send it back")
