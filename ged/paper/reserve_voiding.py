"""Voiding free lines of a reserve book, where nothing says that a letter is written on them but what the person was told of."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from ged.errors import InvalidTransition
from ged.paper import reserve_sheets, reserve_typed
from ged.reserve import numbers, operations, queries
from ged.reserve.page_form import LineSaid
from ged.reserve.queries import ReserveState
from ged.unit import Actor, UnitOfWork


@dataclass(frozen=True)
class FreeLines:
    """The free lines of a book, by their places.

    Attributes:
        unsure: those that are not surely empty: a form that voids them names them.
        used: those of ``unsure`` on which a letter seems to be written.
        asked: those of ``unsure`` of which the machine is not sure: on most pages the first one after the last used one.
    """

    free: tuple[int, ...]
    unsure: tuple[int, ...] = ()
    used: tuple[int, ...] = ()
    asked: tuple[int, ...] = ()

    def of(self, line_no: int) -> "FreeLines":
        """One of them by itself."""
        unsure, used, asked = (tuple({line_no}.intersection(some)) for some in (self.unsure, self.used, self.asked))
        return FreeLines((line_no,), unsure, used, asked)


def free_lines(session: Session, book_id: int, actor: Actor) -> FreeLines:
    """The free lines of a book, and those that a scanned page or a desk says are used.

    Raises:
        NotFound: as ``kept_book``.
    """
    free = [one.line_no for one in queries.lines(session, actor, book_id) if one.state is ReserveState.FREE]
    found = reserve_sheets.lines_of(session, book_id, actor)
    unsure = sorted(_lines_in_use(session, book_id, actor).intersection(free))
    said = {n: found[n].said if n in found else LineSaid.EMPTY for n in unsure}  # an empty one was typed at a desk
    of_desks = _of_desks(session, book_id, actor)
    asked = [n for n in unsure if said[n] is LineSaid.ASKED and n not in of_desks]
    used = [n for n in unsure if said[n] is LineSaid.WRITTEN or n in of_desks]
    return FreeLines(tuple(free), tuple(unsure), tuple(used), tuple(asked))


def void(
    uow: UnitOfWork,
    book_id: int,
    *,
    first: int | None = None,
    last: int | None = None,
    reason: str,
    named: Collection[int],
    actor: Actor,
) -> list[int]:
    """Void the free lines of a book, as ``void_lines``. A void is never taken back, and desks send their lines at the hour at which
    the free ones are voided: so what came after the form was shown is told first.

    Args:
        named: the lines that are not surely empty, as the form named them.

    Raises:
        InvalidTransition: ``reserve.used_meanwhile``: more lines are used; as ``void_lines``.
    """
    voided = operations.void_lines(uow, book_id, first=first, last=last, reason=reason, actor=actor)
    # The lines are locked, so a desk whose line comes now waits, and is told that it is void.
    more = _lines_in_use(uow.session, book_id, actor).intersection(voided) - set(named)
    if more:
        raise InvalidTransition("reserve.used_meanwhile", "look at these lines first", lines=numbers.spans(more))
    return voided


def _of_desks(session: Session, book_id: int, actor: Actor) -> set[int]:
    typed = reserve_typed.of_book(session, book_id, actor)
    return {one.line_no for one in queries.lines(session, actor, book_id) if one.id in typed}


def _lines_in_use(session: Session, book_id: int, actor: Actor) -> set[int]:
    found = reserve_sheets.lines_of(session, book_id, actor)
    return _of_desks(session, book_id, actor) | {
        line_no for line_no, one in found.items() if one.said is not LineSaid.EMPTY
    }
