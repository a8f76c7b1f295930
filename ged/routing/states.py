"""States of an assignment. Pure: one dict."""

from enum import StrEnum

from ged.errors import InvalidTransition


class AssignmentState(StrEnum):
    """The state of an assignment."""

    OPEN = "open"
    TAKEN = "taken"
    """Somebody of the unit works on it."""
    DONE = "done"
    RETURNED = "returned"
    """Returned to its giver: it concerns another unit."""
    SUPERSEDED = "superseded"
    """A new decision of the authority replaced it."""


class AssignmentAct(StrEnum):
    """An act that changes the state of an assignment."""

    TAKE = "take"
    FINISH = "finish"
    RETURN = "return"
    SUPERSEDE = "supersede"
    REOPEN = "reopen"
    """A closed letter is reopened: the leading unit has it again."""
    RESTORE = "restore"
    """The decision that replaced it is taken back."""
    RESTORE_TAKEN = "restore_taken"
    """The decision that replaced it is taken back, and somebody had worked on it."""


MOVES: dict[tuple[AssignmentState, AssignmentAct], AssignmentState] = {
    (AssignmentState.OPEN, AssignmentAct.TAKE): AssignmentState.TAKEN,
    (AssignmentState.OPEN, AssignmentAct.FINISH): AssignmentState.DONE,
    (AssignmentState.OPEN, AssignmentAct.RETURN): AssignmentState.RETURNED,
    (AssignmentState.OPEN, AssignmentAct.SUPERSEDE): AssignmentState.SUPERSEDED,
    (AssignmentState.TAKEN, AssignmentAct.FINISH): AssignmentState.DONE,
    (AssignmentState.TAKEN, AssignmentAct.RETURN): AssignmentState.RETURNED,
    (AssignmentState.TAKEN, AssignmentAct.SUPERSEDE): AssignmentState.SUPERSEDED,
    (AssignmentState.DONE, AssignmentAct.REOPEN): AssignmentState.OPEN,
    (AssignmentState.SUPERSEDED, AssignmentAct.RESTORE): AssignmentState.OPEN,
    (AssignmentState.SUPERSEDED, AssignmentAct.RESTORE_TAKEN): AssignmentState.TAKEN,
}

LIVE = (AssignmentState.OPEN, AssignmentState.TAKEN)


def move(state: AssignmentState, act: AssignmentAct) -> AssignmentState:
    """The next state.

    Raises:
        InvalidTransition: ``assignment.wrong_state``.
    """
    try:
        return MOVES[state, act]
    except KeyError:
        raise InvalidTransition(
            "assignment.wrong_state", "reload the page: somebody acted before", state=state.value, act=act.value
        ) from None
