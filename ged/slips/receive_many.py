"""Many slips received in one act: one opened key, each slip with its own reception, its own signature, its own result."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ged.errors import GedError, Invalid
from ged.org.keys import OpenedKey
from ged.ports import SlipId
from ged.slips import parties
from ged.slips.receive import Decision, receive
from ged.slips.scanning import MAX_SLIPS
from ged.slips.states import LineState
from ged.unit import Actor, Services

_NOT_FOUND = "Non trouvée au pointage"


@dataclass(frozen=True)
class ToReceive:
    """A slip whose code was read: all its lines are present, except ``missing_ids``."""

    slip_id: SlipId
    version: int
    missing_ids: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Received:
    """The result of one slip. ``failure``: why it was not received; it can be received again."""

    slip_id: SlipId
    number: str
    missing: int = 0
    failure: GedError | None = None


def receive_many(
    services: Services, wanted: Sequence[ToReceive], *, key: OpenedKey, actor: Actor, now: datetime
) -> tuple[Received, ...]:
    """Receive and countersign slips one after the other. A failed slip is reported, and does not stop the others.

    The act may be repeated: a slip already received is reported as such, and not signed twice.

    Raises:
        Invalid: ``slip.none_read``, ``slip.too_many_read``: no slip is received.
    """
    slips = list({one.slip_id: one for one in wanted}.values())
    if not slips:
        raise Invalid("slip.none_read", "read the code of a slip first", field="scan")
    if len(slips) > MAX_SLIPS:
        raise Invalid("slip.too_many_read", "sign fewer at once", limit=MAX_SLIPS)
    return tuple(_receive_one(services, one, key, actor, now) for one in slips)


def _receive_one(services: Services, one: ToReceive, key: OpenedKey, actor: Actor, now: datetime) -> Received:
    number, missing = "", 0
    try:
        with services.reading() as session:
            slip = parties.require(session, one.slip_id, actor)
            number = slip.number_text
            decisions = {
                line.position: Decision(LineState.MISSING, _NOT_FOUND)
                if line.id in one.missing_ids
                else Decision(LineState.RECEIVED)
                for line in slip.lines
            }
        missing = sum(decision.state is LineState.MISSING for decision in decisions.values())
        receive(services, one.slip_id, decisions, key=key, version=one.version, actor=actor, now=now)
    except GedError as failure:
        return Received(one.slip_id, number, missing, failure)
    return Received(one.slip_id, number, missing)
