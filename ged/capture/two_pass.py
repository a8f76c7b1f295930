"""Both sides by a one-sided feeder: first all fronts, then the stack turned over, so that the last back comes first.

The bridge only scans. This module matches fronts and backs, from the orders, once both passes have arrived.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from ged.capture.models import ScanBatch, ScanOrder, ScanPage
from ged.capture.orders import BACK, FRONT
from ged.unit import UnitOfWork


@dataclass(frozen=True)
class Sides:
    """The pages of both passes, each in the order in which its pass gave them."""

    fronts: tuple[ScanPage, ...]
    backs: tuple[ScanPage, ...]

    @property
    def differ(self) -> bool:
        """Whether the counts differ: in one pass sheets were missed or fed together, so sides cannot be matched."""
        return bool(self.backs) and len(self.fronts) != len(self.backs)


def sides_of(uow: UnitOfWork, batch: ScanBatch) -> Sides:
    """The pages of a batch that was ordered in two passes; both empty for any other batch."""
    found = uow.session.execute(select(ScanOrder.id, ScanOrder.side).where(ScanOrder.batch_key == batch.key))
    return split_sides(batch.pages, {order_id: side for order_id, side in found if side})


def split_sides(pages: Sequence[ScanPage], sides: Mapping[int, str]) -> Sides:
    """Pages by the side that their order scanned."""
    ordered = sorted(pages, key=lambda page: (page.order_id, page.sequence, page.page_index))
    fronts = tuple(page for page in ordered if sides.get(page.order_id) == FRONT)
    return Sides(fronts, tuple(page for page in ordered if sides.get(page.order_id) == BACK))


def interleave(sides: Sides) -> None:
    """Order the pages, each front before its back. Does nothing when the counts differ."""
    if sides.differ or not sides.backs:
        return
    places = sorted(page.position for page in (*sides.fronts, *sides.backs))
    sheets = zip(sides.fronts, reversed(sides.backs), strict=True)
    for place, page in zip(places, (page for sheet in sheets for page in sheet), strict=True):
        page.position = place
