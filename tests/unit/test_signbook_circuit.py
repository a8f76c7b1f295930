"""The circuit: whose turn, what a refusal, a change or another circuit undoes. No database."""

from dataclasses import replace

import pytest

from ged.errors import Forbidden, GedError, InvalidTransition
from ged.ports import PostId
from ged.signbook.circuit import (
    MAX_VISAS,
    Circuit,
    GivenVisa,
    Turn,
    make_circuit,
    require_recallable,
    require_turn,
    standing,
    turn,
    undone_by_change,
    undone_by_circuit_change,
)

A, B, S = PostId(1), PostId(2), PostId(9)
CIRCUIT = Circuit(visa_posts=(A, B), signatory=S, version_no=3)


def visa(post: PostId, *, version_no: int = 3, entry_id: int = 1) -> GivenVisa:
    return GivenVisa(entry_id, post, 100 + post, version_no)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), Turn(A, is_signature=False)),
        ((visa(A),), Turn(B, is_signature=False)),
        ((visa(A), visa(B)), Turn(S, is_signature=True)),
        # A visa on an earlier version counts no more, and one of a post that left neither.
        ((visa(A, version_no=2), visa(B)), Turn(A, is_signature=False)),
        ((visa(PostId(77)),), Turn(A, is_signature=False)),
        # The order of the circuit counts, not that of the visas: B's visa, given before a reordering, stands.
        ((visa(B),), Turn(A, is_signature=False)),
    ],
)
def test_whose_turn_it_is(given: tuple[GivenVisa, ...], expected: Turn) -> None:
    assert turn(replace(CIRCUIT, given=given)) == expected


def test_nobodys_turn_while_the_author_has_it() -> None:
    assert turn(replace(CIRCUIT, is_submitted=False)) is None


def test_a_circuit_without_visas_goes_straight_to_the_signatory() -> None:
    assert turn(replace(CIRCUIT, visa_posts=())) == Turn(S, is_signature=True)


def test_only_the_post_whose_turn_it_is_acts() -> None:
    assert require_turn(CIRCUIT, frozenset({A, PostId(50)}), signature=False) == A
    with pytest.raises(InvalidTransition, match=r"circuit\.not_your_turn"):
        require_turn(CIRCUIT, frozenset({B}), signature=False)
    with pytest.raises(InvalidTransition):
        require_turn(CIRCUIT, frozenset({S}), signature=True)
    with pytest.raises(Forbidden, match=r"circuit\.not_yours"):
        require_turn(CIRCUIT, frozenset({PostId(50)}), signature=False)


def test_a_visa_is_no_signature_and_a_signature_no_visa() -> None:
    ready = replace(CIRCUIT, given=(visa(A), visa(B)))
    with pytest.raises(InvalidTransition):
        require_turn(ready, frozenset({S}), signature=False)
    assert require_turn(ready, frozenset({S}), signature=True) == S


def test_a_change_undoes_all_that_stands_and_only_that() -> None:
    first, second = visa(A), visa(B, entry_id=2)
    old = visa(B, version_no=2, entry_id=3)
    assert undone_by_change(replace(CIRCUIT, given=(old, first, second))) == (first, second)
    assert undone_by_change(CIRCUIT) == ()


def test_another_circuit_undoes_the_visas_of_posts_that_leave() -> None:
    first, second = visa(A), visa(B, entry_id=2)
    going = replace(CIRCUIT, given=(first, second))
    assert undone_by_circuit_change(going, (B, A)) == ()
    assert undone_by_circuit_change(going, (B,)) == (first,)


def test_a_later_visa_of_the_same_post_is_the_one_that_stands() -> None:
    assert standing(replace(CIRCUIT, given=(visa(A), visa(A, entry_id=8))))[A].entry_id == 8


def test_recall_ends_when_somebody_acted() -> None:
    require_recallable(CIRCUIT)
    for stopped in (replace(CIRCUIT, acted_since_submission=True), replace(CIRCUIT, is_submitted=False)):
        with pytest.raises(InvalidTransition, match=r"circuit\.acted_already"):
            require_recallable(stopped)


@pytest.mark.parametrize(
    ("visas", "signatory", "code"),
    [
        ((A, A), S, "circuit.twice"),
        ((A, S), S, "circuit.twice"),
        ((A,), None, "circuit.no_signatory"),
        (tuple(PostId(i) for i in range(100, 101 + MAX_VISAS)), S, "circuit.too_long"),
    ],
)
def test_circuits_that_make_no_sense(visas: tuple[PostId, ...], signatory: PostId | None, code: str) -> None:
    with pytest.raises(GedError) as refused:
        make_circuit(visas, signatory)
    assert refused.value.code == code
