"""Which acts of the journal change what of a letter. A change that none of them explains was not made by the program. Pure.

A rectification is named with the field that it rectified: that of a subject explains no other day.
"""

from collections.abc import Mapping, Set

_VOIDED = frozenset({"number.voided"})
_DECIDED = frozenset({"mail.imputed", "mail.imputation_undone"})
_NUMBERED = frozenset({"number.retaken"})
"""A lost number, which is older than the letter's own, was joined to it: it is the first one now."""
_RECEIVED = frozenset({"mail.rectified:received_on"}) | _VOIDED | _NUMBERED
_GIVEN = _DECIDED | {"mail.assigned"} | _VOIDED
_CLOSED = frozenset({"mail.closed", "mail.reopened"}) | _VOIDED
_ANSWERED = _DECIDED | _CLOSED | {"assignment.finished", "assignment.returned", "assignment.reopened", "mail.answered"}
_DISPATCHED = _CLOSED | {
    "dispatch.left", "dispatch.sending", "dispatch.settled", "dispatch.bounced", "mail.dispatched",
    "mail.rectified:addressees", "mail.rectified:copies",
}  # fmt: skip
_ENDED = _ANSWERED | _DISPATCHED
ACTS: Mapping[str, frozenset[str]] = {
    "unit": _DECIDED | {"assignment.returned", "mail.rectified:addressed_post_id"},
    "level": frozenset({"mail.level_changed"}),
    # Whether the letter's own unit may know of it: of a sealed envelope's letter, as long as its addressee gives it to the unit, or from when
    # its paper is sent to the unit with a slip until that slip is voided, or the unit says that the letter is for another one.
    "told": _DECIDED
    | {
        "assignment.returned",
        "mail.rectified:addressed_post_id",
        "mail.level_changed",
        "slip.signed",
        "slip.voided",
        "slip.received",
    },
    "received_on": _RECEIVED,
    "numbered_on": _NUMBERED,  # a number's own day is never changed
    "imputed_on": _DECIDED | _VOIDED,
    "assigned_on": _GIVEN,
    "given_on": _GIVEN,
    "answered_on": _ANSWERED,
    "closed_on": _CLOSED,
    "voided_on": _VOIDED,
    "begun_on": _VOIDED,
    "signed_on": frozenset({"mail.signed"}) | _VOIDED,
    "dispatched_on": _DISPATCHED,
    "opened_on": _RECEIVED,
    "ended_on": _ENDED | _RECEIVED,
    "fell_due_on": _ENDED | _RECEIVED | {"mail.due_moved", "mail.rectified:due_on"},
    "returned": frozenset({"assignment.returned", "mail.imputation_undone"}) | _VOIDED,
}
"""What of a letter -> the acts that change it."""
COMES = frozenset({"mail.registered", "mail.imported", "mail.numbered"})
"""The acts with which a letter comes into the register."""
EVERY = frozenset(one.partition(":")[0] for one in COMES.union(*ACTS.values()))
"""The names of all these acts in the journal."""


def is_among(action: str, rectified: str, wanted: Set[str]) -> bool:
    """Whether an act is one of those wanted.

    Args:
        rectified: the field, of a rectification; empty: its details were erased, so it may have been any.
    """
    if action in wanted:
        return True
    return any(one == f"{action}:{rectified}" or (not rectified and one.startswith(f"{action}:")) for one in wanted)
