"""The table of a slip's moves, the limits of a line, the capacity in which a person signs."""

import dataclasses
import itertools

import pytest

from ged.errors import InvalidTransition
from ged.ports import PostId, UnitId
from ged.slips.drafting import shortened
from ged.slips.parties import capacity_of
from ged.slips.states import ACCEPTED, DECISIONS, MOVES, LineState, SlipAct, SlipState, move
from ged.unit import NOBODY, SYSTEM, HeldPost, Role


def test_every_move_not_in_the_table_is_refused_with_the_reason_of_its_state():
    codes = {
        SlipState.ISSUING: "slip.not_sent",
        SlipState.SENT: "slip.signed",
        SlipState.RECEIVING: "slip.being_received",
        SlipState.RECEIVED: "slip.received",
        SlipState.VOIDED: "slip.voided",
    }
    for state, act in itertools.product(SlipState, SlipAct):
        if (state, act) in MOVES:
            assert move(state, act) is MOVES[state, act]
            continue
        with pytest.raises(InvalidTransition) as refused:
            move(state, act)
        assert refused.value.code == codes[state]


def test_nothing_leaves_the_end_states_and_no_paper_reception_is_voided():
    ends = {SlipState.RECEIVED, SlipState.VOIDED}
    assert not ends & {state for state, _ in MOVES}
    assert (SlipState.RECEIVING, SlipAct.VOID) not in MOVES


def test_a_receiver_decides_and_custody_passes_for_what_is_here():
    assert set(DECISIONS) == set(LineState) - {LineState.PENDING}
    assert {LineState.RECEIVED, LineState.DAMAGED} == ACCEPTED


@pytest.mark.parametrize(
    ("text", "maximum", "expected"),
    [
        ("Deux  lignes\nréunies", 40, "Deux lignes réunies"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd efg", 6, "abcd…"),
    ],
)
def test_a_shortened_text_says_that_there_is_more(text, maximum, expected):
    assert shortened(text, maximum) == expected
    assert len(shortened(text, maximum)) <= maximum


def _post(roles, because="holder", act=""):
    return HeldPost(PostId(1), "Chef", UnitId(1), "Direction", frozenset(roles), because, None, act)


def test_the_capacity_names_the_act():
    assert capacity_of(_post({Role.HEAD})) == ""
    assert capacity_of(_post({Role.HEAD}, "secretary")) == "Saisi par le secrétariat, pour le titulaire"
    assert capacity_of(_post({Role.HEAD}, "delegation", "Note 12")) == "Par délégation (Note 12)"


def test_an_administrators_post_neither_sends_nor_receives():
    posts = (_post({Role.ADMINISTRATOR}), _post({Role.AUDITOR}), _post({Role.ADMINISTRATOR, Role.CLERK}))
    actor = dataclasses.replace(SYSTEM, posts=posts, principals=NOBODY)
    assert actor.working_posts == (posts[2],)
