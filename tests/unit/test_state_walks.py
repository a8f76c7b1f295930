"""Random walks over the tables of states: where they lead, and what no walk does."""

from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ged.errors import InvalidTransition
from ged.register.states import MailAct, MailState
from ged.register.states import move as move_letter
from ged.routing.states import LIVE, AssignmentAct, AssignmentState
from ged.routing.states import move as move_assignment
from ged.slips.states import SlipAct, SlipState
from ged.slips.states import move as move_slip

Step = tuple[Any, Any, Any]
"""(state, act, next state)."""
Move = Callable[[Any, Any], StrEnum]
TABLES: dict[str, tuple[type[StrEnum], type[StrEnum], Move, tuple[StrEnum, ...], set[StrEnum]]] = {
    "letter": (MailState, MailAct, move_letter, (MailState.TO_IMPUTE, MailState.DRAFT), {MailState.VOIDED}),
    "assignment": (
        AssignmentState, AssignmentAct, move_assignment, (AssignmentState.OPEN,),
        {AssignmentState.RETURNED},
    ),
    "slip": (SlipState, SlipAct, move_slip, (SlipState.ISSUING,), {SlipState.RECEIVED, SlipState.VOIDED}),
}  # fmt: skip
"""Name -> (states, acts, function that moves, first states, final states)."""


def steps_from(thing: str, state: StrEnum) -> list[Step]:
    """Every step from a state. A refused act is no step."""
    _, acts, move, _, _ = TABLES[thing]
    found = []
    for act in acts:
        with suppress(InvalidTransition):
            found.append((state, act, move(state, act)))
    return found


def walks(thing: str, start: StrEnum) -> st.SearchStrategy[list[Step]]:
    """Up to forty steps, each of them an allowed one."""

    def walked(choices: list[int]) -> list[Step]:
        steps, state = [], start
        for choice in choices:
            if not (ways := steps_from(thing, state)):
                break
            steps.append(ways[choice % len(ways)])
            state = steps[-1][2]
        return steps

    return st.lists(st.integers(0, 11), max_size=40).map(walked)


def reached(thing: str, *starts: StrEnum) -> set[StrEnum]:
    """Every state that some walk reaches."""
    found, new = set(starts), set(starts)
    while new:
        new = {to for state in new for _, _, to in steps_from(thing, state)} - found
        found |= new
    return found


@pytest.mark.parametrize("thing", TABLES)
def test_every_state_is_reached_and_only_ends_are_ends(thing: str) -> None:
    states, _, _, starts, ends = TABLES[thing]
    assert reached(thing, *starts) == set(states)
    assert {state for state in states if reached(thing, state) == {state}} == ends


@pytest.mark.parametrize("thing", TABLES)
@given(data=st.data())
def test_no_walk_leaves_the_table_or_comes_back_from_an_end(thing: str, data: st.DataObject) -> None:
    states, _, _, starts, ends = TABLES[thing]
    steps = data.draw(walks(thing, data.draw(st.sampled_from(starts))))
    assert all(to in set(states) for _, _, to in steps)
    assert all(left[2] == next_[0] for left, next_ in pairwise(steps))
    assert not ends & {state for state, _, _ in steps}


@given(walks("letter", MailState.DRAFT))
def test_a_letter_that_leaves_is_numbered_signed_and_sent_once_in_this_order(steps: list[Step]) -> None:
    acts = [act for _, act, _ in steps if act in (MailAct.NUMBER, MailAct.SIGN, MailAct.DISPATCH)]
    assert acts == [MailAct.NUMBER, MailAct.SIGN, MailAct.DISPATCH][: len(acts)]
    assert MailAct.ABANDON not in [act for _, act, _ in steps[1:]] or MailAct.NUMBER not in acts


@given(walks("letter", MailState.DRAFT))
def test_what_is_signed_is_never_written_again(steps: list[Step]) -> None:
    after = [state for n, (_, act, _) in enumerate(steps) if act is MailAct.NUMBER for _, _, state in steps[n:]]
    assert not {MailState.DRAFT, MailState.IN_CIRCUIT} & set(after)


@given(walks("letter", MailState.TO_IMPUTE))
def test_a_letter_that_came_in_is_never_drafted_numbered_or_signed(steps: list[Step]) -> None:
    written = {MailState.DRAFT, MailState.IN_CIRCUIT, MailState.NUMBERED, MailState.SIGNED}
    assert not written & {to for _, _, to in steps}


@given(walks("slip", SlipState.ISSUING))
def test_a_slip_is_signed_before_it_is_received_and_received_once(steps: list[Step]) -> None:
    acts = [act for _, act, _ in steps]
    received = [n for n, act in enumerate(acts) if act in (SlipAct.RECEIVE, SlipAct.RECORD_PAPER)]
    assert acts.count(SlipAct.SIGN) <= 1
    assert received in ([], [len(acts) - 1])
    if received or SlipAct.DECIDE in acts:
        assert acts[0] is SlipAct.SIGN
    if SlipAct.DECIDE in acts:
        assert SlipAct.VOID not in acts


@given(walks("assignment", AssignmentState.OPEN))
def test_what_is_done_opens_by_reopening_alone_and_what_was_replaced_when_its_decision_is_undone(
    steps: list[Step],
) -> None:
    opened = {(state, act) for state, act, to in steps if state not in LIVE and to in LIVE}
    assert opened <= {
        (AssignmentState.DONE, AssignmentAct.REOPEN),
        (AssignmentState.SUPERSEDED, AssignmentAct.RESTORE),
        (AssignmentState.SUPERSEDED, AssignmentAct.RESTORE_TAKEN),
    }
