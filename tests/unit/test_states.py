"""The moves of letters, assignments and slips, written a second time: a lost, added or reversed move is noticed."""

import itertools

import pytest

from ged.errors import InvalidTransition
from ged.register import states as mails
from ged.routing import states as assignments
from ged.slips import states as slips
from tests.remedies import refused

# These words are stored in rows and in the journal: a new spelling would be unreadable.
LETTER = """
    to_impute: impute assigned, close closed, void voided
    assigned: impute assigned, give_back to_impute, answer answered, close closed, void voided, undo_impute to_impute, undo_reimpute assigned, undo_after_answer answered
    answered: impute assigned, answer answered, close closed, void voided
    draft: submit in_circuit, abandon voided
    in_circuit: send_back draft, abandon voided, number numbered
    numbered: sign signed, void voided
    signed: dispatch dispatched, void voided
    dispatched: close closed
    closed: reopen assigned, reopen_undecided to_impute, reopen_sent dispatched
    voided:
"""
ASSIGNMENT = """
    open: take taken, finish done, return returned, supersede superseded
    taken: finish done, return returned, supersede superseded
    done: reopen open
    returned:
    superseded: restore open, restore_taken taken
"""
SLIP = """
    issuing: sign sent, void voided
    sent: void voided, decide receiving, record_paper received
    receiving: decide receiving, receive received, record_paper received
    received:
    voided:
"""
OF_SLIPS = {
    "issuing": "slip.not_sent",
    "sent": "slip.signed",
    "receiving": "slip.being_received",
    "received": "slip.received",
    "voided": "slip.voided",
}
TABLES = {
    "letter": (LETTER, mails.MailState, mails.MailAct, mails.move),
    "assignment": (ASSIGNMENT, assignments.AssignmentState, assignments.AssignmentAct, assignments.move),
    "slip": (SLIP, slips.SlipState, slips.SlipAct, slips.move),
}


def written(table: str) -> dict[str, dict[str, str]]:
    """State -> act -> next state."""
    rows = (line.split(":") for line in table.strip().splitlines())
    return {state.strip(): dict(move.split() for move in moves.split(",") if move.strip()) for state, moves in rows}


def code_of(thing: str, state: str) -> str:
    return OF_SLIPS[state] if thing == "slip" else {"letter": "mail", "assignment": thing}[thing] + ".wrong_state"


@pytest.mark.parametrize("thing", TABLES)
def test_these_are_the_states_and_the_acts(thing: str) -> None:
    table, states, acts, _ = TABLES[thing]
    moves = written(table)
    assert {state.value for state in states} == moves.keys()
    assert {act.value for act in acts} == {act for row in moves.values() for act in row}


@pytest.mark.parametrize("thing", TABLES)
def test_what_is_written_down_is_a_move_and_all_else_is_refused(thing: str) -> None:
    table, states, acts, move = TABLES[thing]
    moves = written(table)
    for state, act in itertools.product(states, acts):
        to = moves[state.value].get(act.value)
        if to is not None:
            assert move(state, act) is states(to), (state, act)
            continue
        with refused(InvalidTransition, code_of(thing, state.value), state=state.value, act=act.value):
            move(state, act)


def test_an_assignment_is_live_until_it_is_done_or_given_away() -> None:
    assert [state.value for state in assignments.LIVE] == ["open", "taken"]


def test_a_receiver_chooses_between_four_findings_and_custody_passes_for_what_is_here() -> None:
    assert [state.value for state in slips.LineState] == ["pending", "received", "missing", "damaged", "wrong_unit"]
    assert [state.value for state in slips.DECISIONS] == ["received", "missing", "damaged", "wrong_unit"]
    assert {state.value for state in slips.ACCEPTED} == {"received", "damaged"}
