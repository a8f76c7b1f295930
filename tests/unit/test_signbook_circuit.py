"""The circuit: who is next, and what a refusal, a change or another circuit undoes. No database."""

from dataclasses import replace

import pytest

from ged.errors import Forbidden, Invalid, InvalidTransition
from ged.natures.circuit import (
    MAX_VISAS,
    Circuit,
    GivenVisa,
    Step,
    Turn,
    earlier,
    make_circuit,
    one_by_one,
    require_deciding,
    require_earlier,
    require_recallable,
    require_turn,
    standing,
    turn_of,
    turns,
    undone_by_change,
    undone_by_circuit_change,
)
from ged.natures.steps import StepKind
from ged.ports import PostId
from tests.remedies import refused

A, B, S = PostId(1), PostId(2), PostId(9)
CIRCUIT = Circuit(one_by_one([A, B]), S, 3)
V, O = StepKind.VISA, StepKind.OPINION  # noqa: E741  # beside A, B, S


def visa(post: PostId, *, version_no: int = 3, entry_id: int = 1, kind: StepKind = StepKind.VISA) -> GivenVisa:
    return GivenVisa(entry_id, post, 100 + post, version_no, kind)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), Turn(A, V)),
        ((visa(A),), Turn(B, V)),
        ((visa(A), visa(B)), Turn(S, None)),
        # A visa for an earlier version no longer counts; neither does a visa of a post that was removed.
        ((visa(A, version_no=2), visa(B)), Turn(A, V)),
        ((visa(PostId(77)),), Turn(A, V)),
        # The order of the circuit counts, not that of the visas: B gave its visa before the reordering, and it stays.
        ((visa(B),), Turn(A, V)),
    ],
)
def test_whose_turn_it_is(given: tuple[GivenVisa, ...], expected: Turn) -> None:
    assert turns(replace(CIRCUIT, given=given)) == (expected,)


def test_nobodys_turn_while_the_author_has_it() -> None:
    assert turns(replace(CIRCUIT, is_submitted=False)) == ()


def test_a_circuit_without_visas_goes_straight_to_the_signatory() -> None:
    assert turns(replace(CIRCUIT, steps=())) == (Turn(S, None),)


def test_only_the_post_whose_turn_it_is_acts() -> None:
    assert require_turn(CIRCUIT, frozenset({A, PostId(50)}), V) == A
    with pytest.raises(InvalidTransition, match=r"circuit\.not_your_turn"):
        require_turn(CIRCUIT, frozenset({B}), V)
    with pytest.raises(InvalidTransition):
        require_turn(CIRCUIT, frozenset({S}), None)
    with pytest.raises(Forbidden, match=r"circuit\.not_yours"):
        require_turn(CIRCUIT, frozenset({PostId(50)}), V)


def test_a_visa_is_no_signature_and_a_signature_no_visa() -> None:
    ready = replace(CIRCUIT, given=(visa(A), visa(B)))
    with pytest.raises(InvalidTransition):
        require_turn(ready, frozenset({S}), V)
    assert require_turn(ready, frozenset({S}), None) == S


def test_a_change_undoes_all_that_stands_and_only_that() -> None:
    first, second = visa(A), visa(B, entry_id=2)
    old = visa(B, version_no=2, entry_id=3)
    assert undone_by_change(replace(CIRCUIT, given=(old, first, second))) == (first, second)
    assert undone_by_change(CIRCUIT) == ()


def test_another_circuit_undoes_the_visas_of_posts_that_leave() -> None:
    first, second = visa(A), visa(B, entry_id=2)
    going = replace(CIRCUIT, given=(first, second))
    assert undone_by_circuit_change(going, one_by_one([B, A])) == ()
    assert undone_by_circuit_change(going, one_by_one([B])) == (first,)
    # The post is asked for an opinion instead of a visa: its earlier act was another one.
    assert undone_by_circuit_change(going, (Step(A, 1), Step(B, 2, O))) == (second,)


def test_a_later_visa_of_the_same_post_is_the_one_that_stands() -> None:
    assert standing(replace(CIRCUIT, given=(visa(A), visa(A, entry_id=8))))[A].entry_id == 8


def test_recall_ends_when_somebody_acted() -> None:
    require_recallable(CIRCUIT)
    for stopped in (replace(CIRCUIT, acted_since_submission=True), replace(CIRCUIT, is_submitted=False)):
        with pytest.raises(InvalidTransition, match=r"circuit\.acted_already"):
            require_recallable(stopped)


@pytest.mark.parametrize(
    ("visas", "signatory", "code", "named"),
    [
        ((A, A), S, "circuit.twice", {"field": "visa_post_ids"}),
        ((A, S), S, "circuit.twice", {"field": "visa_post_ids"}),
        ((A,), None, "circuit.no_signatory", {"field": "signatory_post_id"}),
        (
            tuple(PostId(i) for i in range(100, 113)),
            S,
            "circuit.too_long",
            {"field": "visa_post_ids", "limit": MAX_VISAS},
        ),
    ],
)
def test_circuits_that_make_no_sense(
    visas: tuple[PostId, ...], signatory: PostId | None, code: str, named: dict[str, object]
) -> None:
    with refused(Invalid, code, **named):
        make_circuit(one_by_one(visas), signatory)


def test_twelve_visas_are_not_too_many() -> None:
    visas = tuple(PostId(i) for i in range(100, 112))
    assert make_circuit(one_by_one(visas), S) == (one_by_one(visas), S)


def test_one_after_the_other_begins_with_the_first_stage() -> None:
    assert one_by_one([B, A]) == (Step(B, 1, V), Step(A, 2, V))


C = PostId(3)
STAGES = Circuit((Step(A, 1), Step(B, 1, O), Step(C, 2)), S, 3)
"""A gives a visa and B an opinion in one stage; then C gives a visa."""


def test_a_stage_is_open_to_all_its_posts_and_the_next_waits_for_all() -> None:
    assert turns(STAGES) == (Turn(A, V), Turn(B, O))
    one = replace(STAGES, given=(visa(A),))
    assert turns(one) == (Turn(B, O),)
    with pytest.raises(InvalidTransition, match=r"circuit\.not_your_turn"):
        require_turn(one, frozenset({C}), V)
    both = replace(STAGES, given=(visa(B, kind=O), visa(A, entry_id=2)))
    assert turns(both) == (Turn(C, V),)
    # A visa does not replace an opinion: it is another act.
    assert turns(replace(STAGES, given=(visa(A), visa(B)))) == (Turn(B, O),)


def test_an_opinion_neither_corrects_nor_sends_back() -> None:
    assert require_turn(STAGES, frozenset({B}), O) == B
    with pytest.raises(InvalidTransition, match=r"circuit\.not_your_turn"):
        require_deciding(STAGES, frozenset({B}))
    with pytest.raises(Forbidden):
        require_deciding(STAGES, frozenset({PostId(50)}))
    assert require_deciding(STAGES, frozenset({A, B})) == A


def test_who_is_asked_twice_at_once_decides_first() -> None:
    assert turn_of(STAGES, frozenset({A, B})) == Turn(A, V)
    assert turn_of(replace(STAGES, given=(visa(A),)), frozenset({A, B})) == Turn(B, O)
    assert turn_of(STAGES, frozenset({C})) is None


def test_stages_are_numbered_without_gaps_and_in_order() -> None:
    steps, _ = make_circuit([Step(C, 7), Step(A, 2), Step(B, 2, O)], S)
    assert steps == (Step(A, 1), Step(B, 1, O), Step(C, 2))


def test_the_signature_is_the_turn_of_which_no_visa_is_asked() -> None:
    assert Turn(S, None).is_signature
    assert not Turn(A, V).is_signature
    assert (Turn(S, None).decides, Turn(A, V).decides, Turn(B, O).decides) == (True, True, False)


def test_nobody_has_acted_in_a_new_circuit_and_its_posts_stand_in_order() -> None:
    new = Circuit(STAGES.steps, S, 1)
    assert new.posts == (A, B, C)
    assert (new.given, new.is_submitted, new.acted_since_submission) == ((), True, False)


def test_who_decides_comes_before_who_advises_also_when_asked_later() -> None:
    swapped = replace(STAGES, steps=(Step(B, 1, O), Step(A, 1), Step(C, 2)))
    assert turn_of(swapped, frozenset({A, B})) == Turn(A, V)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), ()),
        ((visa(A),), ()),  # the first stage is still open: no stage is earlier
        ((visa(A), visa(B, kind=O, entry_id=2)), (A,)),  # an opinion is not asked for again
        ((visa(A), visa(B, kind=O, entry_id=2), visa(C, entry_id=3)), (A, C)),
    ],
)
def test_a_letter_goes_back_to_a_visa_of_a_stage_that_is_over(
    given: tuple[GivenVisa, ...], expected: tuple[PostId, ...]
) -> None:
    going = replace(STAGES, given=given)
    assert tuple(one.post_id for one in earlier(going)) == expected
    for post in expected:
        assert require_earlier(going, post).post_id == post
    for post in {A, B, C, S} - {*expected}:
        with refused(Invalid, "circuit.not_earlier", field="to"):
            require_earlier(going, post)


def test_an_earlier_stage_is_over_as_a_whole_when_the_last_of_twelve_is_open() -> None:
    posts = [PostId(i) for i in range(100, 112)]
    given = tuple(visa(post, entry_id=n) for n, post in enumerate(posts))
    assert earlier(Circuit(one_by_one(posts), S, 3, given)) == given
    assert earlier(Circuit(one_by_one(posts), S, 3, given[:-1])) == given[:-1]


def test_every_refusal_says_what_to_do() -> None:
    outside, later = frozenset({PostId(50)}), frozenset({C})
    with refused(Forbidden, "circuit.not_yours"):
        require_turn(STAGES, outside, V)
    with refused(Forbidden, "circuit.not_yours"):
        require_deciding(STAGES, outside)
    for post_ids in (later, frozenset({S})):
        with refused(InvalidTransition, "circuit.not_your_turn"):
            require_turn(STAGES, post_ids, V)
        with refused(InvalidTransition, "circuit.not_your_turn"):
            require_deciding(STAGES, post_ids)
    with refused(InvalidTransition, "circuit.acted_already"):
        require_recallable(replace(CIRCUIT, acted_since_submission=True))


def test_what_is_asked_stands_in_rows_as_a_word_and_a_visa_is_the_rule() -> None:
    assert [kind.value for kind in StepKind] == ["visa", "opinion"]
    assert Step(A, 1).kind is GivenVisa(1, A, 2, 3).kind is V
