"""States of a letter and the only moves between them. Pure: one dict, no workflow engine.

To add a state: a member here, its moves in ``MOVES``, its French name in ``web.words.labels``; the tests walk the table.
"""

from enum import StrEnum

from ged.errors import InvalidTransition


class MailState(StrEnum):
    """The state of a letter."""

    TO_IMPUTE = "to_impute"
    """Registered; waits for an authority's decision."""
    ASSIGNED = "assigned"
    """Imputed to a leading unit."""
    ANSWERED = "answered"
    """An answer was sent, or a unit gave its outcome."""
    DRAFT = "draft"
    """Outgoing: being written."""
    IN_CIRCUIT = "in_circuit"
    """Outgoing: in the signature book."""
    NUMBERED = "numbered"
    """Outgoing: the signatory has confirmed, number and date are given, the signature is being made."""
    SIGNED = "signed"
    """Outgoing: signed, digitally or in ink."""
    DISPATCHED = "dispatched"
    """Outgoing: sent to every addressee."""
    CLOSED = "closed"
    VOIDED = "voided"


class MailAct(StrEnum):
    """An act that changes the state of a letter."""

    IMPUTE = "impute"
    GIVE_BACK = "give_back"
    """The leading unit returns the letter: it concerns another unit."""
    UNDO_IMPUTE = "undo_impute"
    """The first decision is taken back: the letter waits for one again."""
    UNDO_REIMPUTE = "undo_reimpute"
    """A later decision is taken back: the one before it stands again."""
    UNDO_AFTER_ANSWER = "undo_after_answer"
    """A decision on an answered letter is taken back: it is answered again."""
    ANSWER = "answer"
    CLOSE = "close"
    REOPEN = "reopen"
    REOPEN_UNDECIDED = "reopen_undecided"
    """Closed before an authority had decided: the letter waits for the decision again."""
    REOPEN_SENT = "reopen_sent"
    """Outgoing: the letter was already sent, and stays sent."""
    VOID = "void"
    SUBMIT = "submit"
    SEND_BACK = "send_back"
    NUMBER = "number"
    SIGN = "sign"
    DISPATCH = "dispatch"
    ABANDON = "abandon"
    """Outgoing: the author abandons the draft before it has a number."""


MOVES: dict[tuple[MailState, MailAct], MailState] = {
    (MailState.TO_IMPUTE, MailAct.IMPUTE): MailState.ASSIGNED,
    (MailState.TO_IMPUTE, MailAct.CLOSE): MailState.CLOSED,
    (MailState.TO_IMPUTE, MailAct.VOID): MailState.VOIDED,
    (MailState.ASSIGNED, MailAct.IMPUTE): MailState.ASSIGNED,
    (MailState.ASSIGNED, MailAct.GIVE_BACK): MailState.TO_IMPUTE,
    (MailState.ASSIGNED, MailAct.UNDO_IMPUTE): MailState.TO_IMPUTE,
    (MailState.ASSIGNED, MailAct.UNDO_REIMPUTE): MailState.ASSIGNED,
    (MailState.ASSIGNED, MailAct.UNDO_AFTER_ANSWER): MailState.ANSWERED,
    (MailState.ASSIGNED, MailAct.ANSWER): MailState.ANSWERED,
    (MailState.ASSIGNED, MailAct.CLOSE): MailState.CLOSED,
    (MailState.ASSIGNED, MailAct.VOID): MailState.VOIDED,
    (MailState.ANSWERED, MailAct.IMPUTE): MailState.ASSIGNED,
    (MailState.ANSWERED, MailAct.ANSWER): MailState.ANSWERED,
    (MailState.ANSWERED, MailAct.CLOSE): MailState.CLOSED,
    (MailState.ANSWERED, MailAct.VOID): MailState.VOIDED,
    (MailState.CLOSED, MailAct.REOPEN): MailState.ASSIGNED,
    (MailState.CLOSED, MailAct.REOPEN_UNDECIDED): MailState.TO_IMPUTE,
    (MailState.CLOSED, MailAct.REOPEN_SENT): MailState.DISPATCHED,
    (MailState.DRAFT, MailAct.SUBMIT): MailState.IN_CIRCUIT,
    (MailState.IN_CIRCUIT, MailAct.SEND_BACK): MailState.DRAFT,
    (MailState.DRAFT, MailAct.ABANDON): MailState.VOIDED,
    (MailState.IN_CIRCUIT, MailAct.ABANDON): MailState.VOIDED,
    (MailState.IN_CIRCUIT, MailAct.NUMBER): MailState.NUMBERED,
    (MailState.NUMBERED, MailAct.SIGN): MailState.SIGNED,
    (MailState.NUMBERED, MailAct.VOID): MailState.VOIDED,
    (MailState.SIGNED, MailAct.DISPATCH): MailState.DISPATCHED,
    (MailState.SIGNED, MailAct.VOID): MailState.VOIDED,
    (MailState.DISPATCHED, MailAct.CLOSE): MailState.CLOSED,
}


def move(state: MailState, act: MailAct) -> MailState:
    """The next state.

    Raises:
        InvalidTransition: ``mail.wrong_state``.
    """
    try:
        return MOVES[state, act]
    except KeyError:
        raise InvalidTransition(
            "mail.wrong_state", "reload the letter: its state does not allow this", state=state.value, act=act.value
        ) from None
