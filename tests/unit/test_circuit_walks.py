"""Random circuits and random acts, compared with a simple model: stages, and the posts that have approved."""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from ged.errors import GedError, InvalidTransition
from ged.natures import circuit as rules
from ged.natures.circuit import Circuit, GivenVisa, Step, Turn
from ged.natures.steps import StepKind
from ged.ports import PostId

SIGNATORY = PostId(99)
POSTS = [PostId(n) for n in range(1, 7)]


@st.composite
def steps(draw: st.DrawFn) -> tuple[Step, ...]:
    posts = draw(st.lists(st.sampled_from(POSTS), unique=True, max_size=len(POSTS)))
    asked = [Step(post, draw(st.integers(1, 4)), draw(st.sampled_from(StepKind))) for post in posts]
    return rules.make_circuit(asked, SIGNATORY)[0]


@dataclass
class Model:
    """The model: stages as sets of open steps, and the steps done since the content last changed."""

    steps: tuple[Step, ...]
    said: dict[PostId, StepKind] = field(default_factory=dict)
    is_submitted: bool = True

    def waits_for(self) -> set[tuple[PostId, StepKind | None]]:
        if not self.is_submitted:
            return set()
        for stage in sorted({step.stage for step in self.steps}):
            asked = {(step.post_id, step.kind) for step in self.steps if step.stage == stage}
            if missing := asked - self.said.items():
                return set(missing)
        return {(SIGNATORY, None)}

    def before(self) -> set[PostId]:
        """The posts that gave a visa in a finished stage."""
        asked = {post for post, _ in self.waits_for()}
        now = min((step.stage for step in self.steps if step.post_id in asked), default=9)
        visas = {step.post_id for step in self.steps if step.stage < now and step.kind is StepKind.VISA}
        return visas & self.said.keys()


def test_the_model_and_the_rules_can_differ() -> None:
    """The model is not a copy of the rules: it has neither versions nor ids."""
    first = Step(POSTS[0], 1)
    assert Model((first,)).waits_for() == {(POSTS[0], StepKind.VISA)}
    assert Model((first,), {POSTS[0]: StepKind.OPINION}).waits_for() == {(POSTS[0], StepKind.VISA)}
    assert Model((first,), {POSTS[0]: StepKind.VISA}).waits_for() == {(SIGNATORY, None)}


ACTS = st.tuples(
    st.sampled_from(["turn", "turn", "turn", "say", "sign", "change", "recircuit", "refuse", "submit", "ask_anew"]),
    st.sampled_from([*POSTS, SIGNATORY]),
    st.sampled_from(StepKind),
)
"""``turn``: a post that is next acts. The other acts are done by any post at any time."""


@given(steps(), st.lists(ACTS, max_size=40), st.data())
def test_whose_turn_it_is_after_any_acts(asked: tuple[Step, ...], acts: list[tuple[str, PostId, StepKind]], data: st.DataObject) -> None:  # fmt: skip
    circuit, model = Circuit(asked, SIGNATORY, 1), Model(asked)
    entry = 0
    for drawn, someone, something in acts:
        act, post, kind = drawn, someone, something
        asked_now = sorted((p, k) for p, k in model.waits_for() if k is not None)
        if drawn == "turn":
            if not asked_now:
                continue
            act, (post, kind) = "say", asked_now[someone % len(asked_now)]
        wanted: StepKind | None = None if act == "sign" else kind
        if act in ("say", "sign"):
            may = (post, wanted) in model.waits_for()
            assert _acts_through(circuit, post, wanted) == (post if may else None)
            if may and act == "sign":
                assert model.said.keys() >= {step.post_id for step in model.steps}  # no post was skipped
                return
            if may:
                entry += 1
                given_now = GivenVisa(entry, post, 100 + post, circuit.version_no, kind)
                circuit = replace(circuit, given=(*circuit.given, given_now), acted_since_submission=True)
                model.said[post] = kind
        elif act == "change":
            assert {visa.post_id for visa in rules.undone_by_change(circuit)} == set(model.said)
            circuit = replace(circuit, version_no=circuit.version_no + 1)
            model.said.clear()
        elif act == "recircuit":
            other = data.draw(steps())
            undone = rules.undone_by_circuit_change(circuit, other)
            kept = tuple(visa for visa in circuit.given if visa not in undone)
            circuit, model.steps = replace(circuit, steps=other, given=kept), other
            gone = model.said.items() - {(step.post_id, step.kind) for step in other}
            assert {(visa.post_id, visa.kind) for visa in undone} == gone
            model.said = dict(model.said.items() - gone)
        elif act == "ask_anew":
            circuit = _asked_anew(circuit, model, post)
        else:
            is_submitted = act == "submit"
            if is_submitted and not model.is_submitted:
                circuit = replace(circuit, acted_since_submission=False)
            circuit, model.is_submitted = replace(circuit, is_submitted=is_submitted), is_submitted
        _agree(circuit, model)


def _acts_through(circuit: Circuit, post: PostId, kind: StepKind | None) -> PostId | None:
    try:
        return rules.require_turn(circuit, frozenset({post}), kind)
    except GedError:
        return None


def _asked_anew(circuit: Circuit, model: Model, post: PostId) -> Circuit:
    """A visa of an earlier stage is asked for again: only this visa is withdrawn."""
    if not model.is_submitted or post not in model.before():
        return circuit
    undone = rules.require_earlier(circuit, post)
    del model.said[post]
    return replace(circuit, given=tuple(visa for visa in circuit.given if visa.entry_id != undone.entry_id))


def _agree(circuit: Circuit, model: Model) -> None:
    turns = rules.turns(circuit)
    assert {(turn.post_id, turn.kind) for turn in turns} == model.waits_for()
    assert len(turns) == len(model.waits_for())
    assert {post: visa.kind for post, visa in rules.standing(circuit).items()} == model.said
    if model.is_submitted:
        assert {visa.post_id for visa in rules.earlier(circuit)} == model.before()
    everybody = frozenset([*POSTS, SIGNATORY])
    first = rules.turn_of(circuit, everybody)
    decides = [turn for turn in turns if turn.decides]
    assert first == (decides[0] if decides else turns[0] if turns else None)
    assert _may_decide(circuit, everybody) == (decides[0] if decides else None)


def _may_decide(circuit: Circuit, posts: frozenset[PostId]) -> Turn | None:
    try:
        post = rules.require_deciding(circuit, posts)
    except InvalidTransition:
        return None
    return next(turn for turn in rules.turns(circuit) if turn.post_id == post)
