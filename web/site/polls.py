"""Long polls of bridges that wait for an order: the requests are parked, without a thread or a query for each.

A long poll is an ordinary request whose response the server delays. One thread checks once a second, with one query for
all bridges, which orders have arrived, and dispatches those requests. A bridge that this process has not seen yet gets
a response at once, with the request to retry in a moment (``Retry-After``).
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

log = logging.getLogger("ged.web")

LOOK_EVERY_S = 1.0
NOTE_EVERY_S = 20.0
STALE_S = 5 * LOOK_EVERY_S

Held = TypeVar("Held")


@dataclass(frozen=True)
class _Wait(Generic[Held]):
    held: Held
    until_s: float


class Polls(Generic[Held]):
    """The parked polls, one for each bridge.

    Args:
        look: returns, for each authorised bridge (named by the digest of its token), whether an order waits.
        note: called every 20 seconds with the bridges that wait here, if any.
        hand_on: dispatches a poll to another thread for its response.
    """

    def __init__(
        self,
        find_orders: Callable[[], Mapping[str, bool]],
        note: Callable[[Collection[str]], None],
        hand_on: Callable[[Held], None],
    ) -> None:
        self._find_orders, self._note, self._hand_on = find_orders, note, hand_on
        self._waits: dict[str, _Wait[Held]] = {}
        self._orders: Mapping[str, bool] = {}
        self._looked_s = -STALE_S
        self._noted_s = -NOTE_EVERY_S
        self._is_asked = False
        self._is_stopped = False
        self._changed = threading.Condition()
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start the polling thread."""
        threading.Thread(target=self._run, name="polls", daemon=True).start()

    def stop(self) -> None:
        """Dispatch all polls; no poll is parked any more."""
        with self._changed:
            self._is_stopped = True
            waits, self._waits = self._waits, {}
            self._changed.notify()
        self._stopping.set()
        for wait in waits.values():
            self._hand_on(wait.held)

    def take(self, bridge: str, held: Held, *, wait_s: float) -> bool:
        """Park a poll for at most ``wait_s`` seconds; False: it must be answered now.

        A second poll of a bridge ends the wait of its first: a bridge has at most one parked poll.
        """
        now_s = time.monotonic()
        with self._changed:
            self._is_asked = True
            self._changed.notify()
            is_fresh = now_s - self._looked_s < STALE_S
            # A bridge that no look found may be new, revoked or nobody's: the application tells which. Without a fresh
            # look (the database is away) nobody waits, so that bridges hear of it.
            if self._is_stopped or not is_fresh or self._orders.get(bridge, True):
                return False
            before = self._waits.pop(bridge, None)
            self._waits[bridge] = _Wait(held, now_s + wait_s)
        if before is not None:
            self._hand_on(before.held)
        return True

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            with self._changed:
                while not (self._is_asked or self._waits or self._is_stopped):
                    self._changed.wait()
                self._is_asked = False
            if not self._is_stopped:
                self._turn()

    def _turn(self) -> None:
        try:
            orders = self._find_orders()
            self._note_waiting()
        except Exception as error:  # noqa: BLE001  # after any database error the polls keep waiting
            log.warning("polls: the orders cannot be read now: %s", type(error).__name__)
            orders = None
        for held in self._ready(orders):
            self._hand_on(held)

    def _note_waiting(self) -> None:
        now_s = time.monotonic()
        with self._changed:
            waiting = tuple(self._waits)
        # By this the site shows a desk as connected: a bridge that waits here makes no request that would tell.
        if waiting and now_s - self._noted_s >= NOTE_EVERY_S:
            self._note(waiting)
            self._noted_s = now_s

    def _ready(self, orders: Mapping[str, bool] | None) -> list[Held]:
        """Remove and return the polls to answer: an order has arrived, the time is over, or the bridge was revoked."""
        now_s = time.monotonic()
        with self._changed:
            if orders is not None:
                self._orders, self._looked_s = orders, now_s
            ready = [
                bridge
                for bridge, wait in self._waits.items()
                if wait.until_s <= now_s or (orders is not None and orders.get(bridge, True))
            ]
            return [self._waits.pop(bridge).held for bridge in ready]
