"""States of a slip and of its lines, and the only moves between them. Pure: one dict.

To add a state: a member here, its moves in ``MOVES``, its French name in ``web.words.labels``; the tests walk the table.
"""

from enum import StrEnum

from ged.errors import InvalidTransition


class SlipState(StrEnum):
    """The state of a slip."""

    ISSUING = "issuing"
    """Numbered; the sender's signature is being made, or failed and can be made again with the same number."""
    SENT = "sent"
    """Signed by the sender; waits for the receiver."""
    RECEIVING = "receiving"
    """The receiver decided on every line; the signature is being made, or failed and can be made again."""
    RECEIVED = "received"
    VOIDED = "voided"


class SlipAct(StrEnum):
    """An act that changes the state of a slip."""

    SIGN = "sign"
    DECIDE = "decide"
    RECEIVE = "receive"
    RECORD_PAPER = "record_paper"
    VOID = "void"


class LineState(StrEnum):
    """The receiver's finding on a line."""

    PENDING = "pending"
    RECEIVED = "received"
    MISSING = "missing"
    DAMAGED = "damaged"
    WRONG_UNIT = "wrong_unit"


DECISIONS = (LineState.RECEIVED, LineState.MISSING, LineState.DAMAGED, LineState.WRONG_UNIT)
ACCEPTED = frozenset({LineState.RECEIVED, LineState.DAMAGED})
"""Custody of the paper passes only for these states."""

MOVES: dict[tuple[SlipState, SlipAct], SlipState] = {
    (SlipState.ISSUING, SlipAct.SIGN): SlipState.SENT,
    (SlipState.ISSUING, SlipAct.VOID): SlipState.VOIDED,
    (SlipState.SENT, SlipAct.VOID): SlipState.VOIDED,
    (SlipState.SENT, SlipAct.DECIDE): SlipState.RECEIVING,
    (SlipState.SENT, SlipAct.RECORD_PAPER): SlipState.RECEIVED,
    (SlipState.RECEIVING, SlipAct.DECIDE): SlipState.RECEIVING,
    (SlipState.RECEIVING, SlipAct.RECEIVE): SlipState.RECEIVED,
    (SlipState.RECEIVING, SlipAct.RECORD_PAPER): SlipState.RECEIVED,
}

_REFUSALS: dict[SlipState, tuple[str, str]] = {
    SlipState.ISSUING: ("slip.not_sent", "the sender has to sign it first"),
    SlipState.SENT: ("slip.signed", "the sender has signed it already: reload the slip"),
    SlipState.RECEIVING: ("slip.being_received", "its receiver is signing: reload the slip"),
    SlipState.RECEIVED: ("slip.received", "it was received already: reload the slip"),
    SlipState.VOIDED: ("slip.voided", "its number is void: make a new slip"),
}


def move(state: SlipState, act: SlipAct) -> SlipState:
    """The next state.

    Raises:
        InvalidTransition: ``slip.not_sent``, ``slip.signed``, ``slip.being_received``, ``slip.received``,
            ``slip.voided``, depending on the slip's state.
    """
    try:
        return MOVES[state, act]
    except KeyError:
        code, remedy = _REFUSALS[state]
        raise InvalidTransition(code, remedy, state=state.value, act=act.value) from None
