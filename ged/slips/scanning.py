"""Receiving many slips with a code reader: how each code changes the list, and what the list shows.

The list is kept in the browser's form: ids of slips, and ids of lines whose letter was read too. Nothing is written
here; ``receive_many`` signs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.codes import CodeKind, read_code
from ged.errors import GedError, Invalid, NotFound
from ged.ports import SlipId
from ged.register import typed_numbers
from ged.register.models import MailNumber
from ged.slips import parties, queries
from ged.slips.models import Slip, SlipLine
from ged.slips.states import SlipAct, move
from ged.unit import Actor

MAX_SLIPS = 50
"""Slips received in one act."""
MAX_CODES = 200
"""Largest number of codes in one pasted text."""
MAX_CODE = 200


class ReadKind(StrEnum):
    """The effect of a code."""

    ADDED = "added"
    TICKED = "ticked"
    AGAIN = "again"
    """The code was read before: nothing changes."""
    REFUSED = "refused"


@dataclass(frozen=True)
class Reading:
    """A code that was read. ``what``: number of the slip or letter, or the raw text; ``error``: why it is refused."""

    kind: ReadKind
    what: str
    error: GedError | None = None


@dataclass(frozen=True)
class ReadList:
    """The codes read so far."""

    slip_ids: tuple[int, ...] = ()
    ticked: frozenset[int] = frozenset()
    """Lines whose letter's label was read."""


@dataclass(frozen=True)
class ReadSlip:
    """A slip of the list.

    Attributes:
        pieces: number of its lines with a readable label; ``ticked``: number of those already read.
        waiting: numbers of the letters not yet read, once one was read.
        missing_ids: ids of the lines of these letters.
        error: why the slip cannot be received any more (somebody was faster).
    """

    id: SlipId
    version: int
    number: str
    sender_unit: str
    line_count: int
    pieces: int
    ticked: int
    waiting: tuple[str, ...] = ()
    missing_ids: frozenset[int] = frozenset()
    error: GedError | None = None

    @property
    def is_partial(self) -> bool:
        """Whether some of its letters were read, and others not: a person then decides what this means."""
        return 0 < self.ticked < self.pieces


def read_all(
    session: Session, text: str, so_far: ReadList, *, code_key: bytes, actor: Actor
) -> tuple[ReadList, tuple[Reading, ...]]:
    """Apply codes (one on each line, from a reader or a paste) to the list. Returns the new list and the readings."""
    found = []
    for line in _codes(text):
        so_far, reading = read(session, line, so_far, code_key=code_key, actor=actor)
        found.append(reading)
    return so_far, tuple(found)


def _codes(text: str) -> list[str]:
    return [line.strip()[:MAX_CODE] for line in text.splitlines() if line.strip()][:MAX_CODES]


def read(session: Session, text: str, so_far: ReadList, *, code_key: bytes, actor: Actor) -> tuple[ReadList, Reading]:
    """Apply one code: a slip joins the list, a letter's label ticks its line, any other code gives an error."""
    try:
        slip_id, number_id = _meaning(session, text, so_far, code_key, actor)
        if slip_id is not None:
            return _add(session, slip_id, so_far, actor)
        return _tick(session, number_id or 0, so_far, actor)
    except GedError as refusal:
        return so_far, Reading(ReadKind.REFUSED, text[:MAX_CODE], refusal)


def listed(session: Session, so_far: ReadList, actor: Actor) -> tuple[ReadSlip, ...]:
    """The slips of the list that the actor may see, in their present state, the last read first."""
    rows = session.scalars(queries.slips_where(Slip.id.in_(so_far.slip_ids), parties.visible_clause(actor))).unique()
    by_id = {slip.id: slip for slip in rows}
    return tuple(
        _shown(session, by_id[slip_id], so_far, actor) for slip_id in reversed(so_far.slip_ids) if slip_id in by_id
    )


def _meaning(
    session: Session, text: str, so_far: ReadList, code_key: bytes, actor: Actor
) -> tuple[int | None, int | None]:
    """The meaning of a text: (slip id, None) or (None, id of a letter's number)."""
    code = read_code(text, key=code_key)
    if code is not None and code.kind is CodeKind.SLIP:
        return code.subject_id, None
    if code is not None and code.kind is CodeKind.LABEL:
        return None, code.subject_id
    if code is not None:
        raise Invalid("slip.code_other", "read the code of a slip, or a letter's label", kind=code.kind.value)
    number = _typed(session, text, so_far, actor)
    return (number.slip_id, None) if number.slip_id is not None else (None, number.id)


def _typed(session: Session, text: str, so_far: ReadList, actor: Actor) -> MailNumber:
    """The number with a typed text; of several, the number that belongs to the list or may join it."""
    found = session.scalars(select(MailNumber).where(typed_numbers.typed(text)).order_by(MailNumber.id)).all()
    if not found:
        raise Invalid("slip.code_foreign", "read the code printed on the slip, or type its number")
    near = [one for one in found if _is_near(session, one, so_far, actor)] if len(found) > 1 else []
    if len(near) > 1:
        raise Invalid("slip.code_several", "read the code of the label", number=text)
    return near[0] if near else found[0]


def _is_near(session: Session, number: MailNumber, so_far: ReadList, actor: Actor) -> bool:
    if number.slip_id is not None:
        slip = session.get(Slip, number.slip_id)
        return slip is not None and parties.sees(slip, actor)
    return any(line.slip_id in so_far.slip_ids for line in _lines_of(session, number))


def _add(session: Session, slip_id: int, so_far: ReadList, actor: Actor) -> tuple[ReadList, Reading]:
    slip = session.get(Slip, slip_id)
    if slip is None or not parties.sees(slip, actor):
        raise NotFound("slip.unknown", "check the number", id=slip_id)
    if slip.id in so_far.slip_ids:
        return so_far, Reading(ReadKind.AGAIN, slip.number_text)
    _require_receivable(session, slip, actor)
    if len(so_far.slip_ids) >= MAX_SLIPS:
        raise Invalid("slip.too_many_read", "sign these first", limit=MAX_SLIPS)
    return replace(so_far, slip_ids=(*so_far.slip_ids, slip.id)), Reading(ReadKind.ADDED, slip.number_text)


def _require_receivable(session: Session, slip: Slip, actor: Actor) -> None:
    parties.receiving_post(session, slip, actor)
    move(slip.state, SlipAct.DECIDE)


def _tick(session: Session, number_id: int, so_far: ReadList, actor: Actor) -> tuple[ReadList, Reading]:
    number = session.get(MailNumber, number_id)
    lines = list(_lines_of(session, number)) if number is not None else []
    here = [line for line in lines if line.slip_id in so_far.slip_ids]
    if number is None or not here:
        raise _elsewhere(session, lines, actor)
    if all(line.id in so_far.ticked for line in here):
        return so_far, Reading(ReadKind.AGAIN, number.text)
    ticked = so_far.ticked | {line.id for line in here}
    return replace(so_far, ticked=ticked), Reading(ReadKind.TICKED, number.text)


def _lines_of(session: Session, number: MailNumber) -> Iterator[SlipLine]:
    if number.mail_id is not None:
        yield from session.scalars(select(SlipLine).where(SlipLine.mail_id == number.mail_id))
    if number.envelope_id is not None:
        yield from session.scalars(select(SlipLine).where(SlipLine.envelope_id == number.envelope_id))


def _elsewhere(session: Session, lines: Sequence[SlipLine], actor: Actor) -> Invalid:
    """The error for a letter on a slip not yet read. Only a slip that waits for this actor is named."""
    for line in lines:
        try:
            _require_receivable(session, line.slip, actor)
        except GedError:
            continue
        return Invalid("slip.label_first", "read the slip first", number=line.slip.number_text)
    return Invalid("slip.label_elsewhere", "read the slip that it came with")


def _shown(session: Session, slip: Slip, so_far: ReadList, actor: Actor) -> ReadSlip:
    labelled = [line for line in slip.lines if line.mail_id is not None or line.envelope_id is not None]
    missing = [line for line in labelled if line.id not in so_far.ticked]
    began = len(missing) < len(labelled)
    error: GedError | None = None
    try:
        _require_receivable(session, slip, actor)
    except GedError as refusal:
        error = refusal
    return ReadSlip(
        id=SlipId(slip.id),
        version=slip.version,
        number=slip.number_text,
        sender_unit=slip.sender_unit.name,
        line_count=len(slip.lines),
        pieces=len(labelled),
        ticked=len(labelled) - len(missing),
        waiting=tuple(line.number for line in missing) if began else (),
        missing_ids=frozenset(line.id for line in missing),
        error=error,
    )
