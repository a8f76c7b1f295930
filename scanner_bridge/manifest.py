"""The state of one batch: its orders and its pages. A frozen value, stored as JSON."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

from scanner_bridge.device import PageFile

OrderId = int | str
Outcome = Literal["done", "failed", "cancelled"]
PageState = Literal["spooled", "sent", "lost"]


@dataclass(frozen=True)
class Page:
    """A page: ``spooled`` until the server's receipt names its digest, then ``sent``; ``lost`` if damaged on disk."""

    token: str
    file: str
    digest: str
    size_bytes: int
    order_id: OrderId
    sequence: int
    state: PageState = "spooled"

    def with_state(self, state: PageState) -> "Page":
        """The same page in another state."""
        return replace(self, state=state)


@dataclass(frozen=True)
class Order:
    """An order of the site: ``outcome`` is None while scanning; ``closed`` once the server knows the outcome."""

    order_id: OrderId
    device: str | None
    started_at: str
    complete: bool
    announced: bool = False
    outcome: Outcome | None = None
    code: str | None = None
    detail: str | None = None
    closed: bool = False


@dataclass(frozen=True)
class Manifest:
    """One batch. The ``sequence`` of pages runs over all its orders, so that the order of pages is unambiguous."""

    batch_key: str
    orders: tuple[Order, ...] = ()
    pages: tuple[Page, ...] = ()

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left to report to the server."""
        return all(order.closed for order in self.orders)

    @property
    def next_sequence(self) -> int:
        """The number of the next page, from 1."""
        return max((page.sequence for page in self.pages), default=0) + 1

    def order(self, order_id: OrderId) -> Order | None:
        """The order with this id, if the batch has it."""
        return next((order for order in self.orders if order.order_id == order_id), None)

    def pages_of(self, order_id: OrderId) -> tuple[Page, ...]:
        """The pages of one order, in their sequence."""
        return tuple(page for page in self.pages if page.order_id == order_id)

    def with_order(self, order: Order) -> "Manifest":
        """The batch with this order added or changed."""
        if self.order(order.order_id) is None:
            return replace(self, orders=(*self.orders, order))
        return replace(self, orders=tuple(order if old.order_id == order.order_id else old for old in self.orders))

    def with_page(self, page: Page) -> "Manifest":
        """The batch with this page added or changed."""
        others = [old for old in self.pages if old.token != page.token]
        return replace(self, pages=tuple(sorted([*others, page], key=lambda each: each.sequence)))

    def to_json(self) -> bytes:
        """The manifest as stored on the disk."""
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        """Read what ``to_json`` wrote.

        Raises:
            ValueError: the bytes are no manifest.
        """
        try:
            raw = json.loads(data)
            orders = tuple(Order(**order) for order in raw["orders"])
            return cls(raw["batch_key"], orders, tuple(Page(**page) for page in raw["pages"]))
        except (KeyError, TypeError) as error:
            raise ValueError(str(error)) from error


def page_of(file: PageFile, order_id: OrderId) -> Page:
    """A page as the scanner gave it, in its order."""
    return Page(file.token, file.file, file.digest, file.size_bytes, order_id, file.sequence)
