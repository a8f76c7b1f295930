"""How often one address may ask a page that needs no account. Counted in the memory of each process, never written."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MAX_ADDRESSES = 10_000


class Throttle:
    """A bucket of tokens for each address: ``burst`` at once, then one more every ``every_s`` seconds.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, burst: int, every_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._every_s = every_s
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, address: str) -> bool:
        """Whether this address may ask once more now; counts it when it may."""
        now = self._clock()
        with self._lock:
            full_at = max(self._full_at.pop(address, now), now)
            is_allowed = full_at - now <= (self._burst - 1) * self._every_s
            self._full_at[address] = full_at + self._every_s if is_allowed else full_at
            if len(self._full_at) > MAX_ADDRESSES:  # the one that has been away longest
                self._full_at.popitem(last=False)
        return is_allowed
