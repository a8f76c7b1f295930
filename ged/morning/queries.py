"""The morning's point of a reader."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ged.counting import composed, one_row
from ged.faults import fault_of
from ged.morning.base import MOST, SHOWN, Ground, Kind, Part, Probe
from ged.morning.kinds import KINDS
from ged.unit import Actor, Services

logger = logging.getLogger(__name__)


def parts(
    session: Session, services: Services, actor: Actor, *, now: datetime, only: Kind | None = None
) -> tuple[Part, ...]:
    """What is pending for the actor at a moment, kind by kind; kinds with nothing are left out.

    A kind that cannot be read is told as such (``Part.is_unknown``): the others are told all the same.

    Args:
        session: of ``Services.reading``: a query that fails there does not spoil the next one.
        only: this kind alone, with up to ``MOST`` lines.
    """
    ground = Ground(session, services, actor, now, shown=SHOWN if only is None else MOST)
    asked = [kind for kind in _asked(ground) if only in (None, kind)]
    empty = _empty(ground, asked)
    return tuple(_parts_of(ground, (kind for kind in asked if kind not in empty)))


def counts(session: Session, services: Services, actor: Actor, *, now: datetime) -> Iterator[Part]:
    """``parts`` without lines, one after another: who needs to know whether anything is pending asks no further than the first."""
    # One person after another is asked once. To compose the common statement of the kinds for one would take longer than it saves.
    ground = Ground(session, services, actor, now, shown=0)
    return _parts_of(ground, _asked(ground))


def _asked(ground: Ground) -> list[Kind]:
    return [kind for kind in Kind if KINDS[kind].concerns(ground)]


def _parts_of(ground: Ground, kinds: Iterable[Kind]) -> Iterator[Part]:
    found = (_part(ground, kind) for kind in kinds)
    return (part for part in found if part.total or part.is_unknown)


def _empty(ground: Ground, asked: Sequence[Kind]) -> set[Kind]:
    """Kinds that have nothing to tell, by one statement for all of them."""
    probes = {kind: tuple(given) for kind in asked if (given := KINDS[kind].probes(ground)) is not None}
    if len(probes) < 2:
        return set()
    every = tuple(probe for of_kind in probes.values() for probe in of_kind)
    try:
        is_found = iter(one_row(ground.session, ground.actor, _found, every) if every else ())
    except Exception as error:  # each kind is asked by itself, so that the one that cannot be read is told as such
        _end_if_slow(error)
        logger.exception("morning.probes")
        ground.session.rollback()
        return set()
    found = {kind: [next(is_found) for _ in of_kind] for kind, of_kind in probes.items()}
    return {kind for kind, each in found.items() if not any(each)}


@composed
def _found(actor: Actor, probes: tuple[Probe, ...]) -> Select[Any]:
    """Whether each of the statements finds a row."""
    found: list[Any] = [compose(actor, *asked).exists() for compose, asked in probes]
    return select(*found)


def _part(ground: Ground, kind: Kind) -> Part:
    source = KINDS[kind]
    try:
        lines, total = source.find(ground)
    except Exception as error:  # whatever it is, the other kinds are due too
        _end_if_slow(error)
        logger.exception("morning.unknown kind=%s", kind.value)
        ground.session.rollback()  # its connection may be lost, and the next kind would fail by that
        return Part(kind, (), 0, is_unknown=True)
    return Part(kind, tuple(lines), total, is_cut=source.most is not None and total >= source.most)


def _end_if_slow(error: Exception) -> None:
    """Raise an error that came after a long wait: each other kind would wait as long for the same table, and nobody for the page."""
    fault = fault_of(error)
    if fault is not None and fault.code == "database.slow":
        raise error
