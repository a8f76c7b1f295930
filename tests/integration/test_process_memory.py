"""What a process of the site keeps in memory."""

import subprocess
import sys

LONG_LIVED = """
import gc, weakref
from web.processes.memory import settle

class Cycle:
    def __init__(self): self.me = self

loaded = [[] for _ in range(200_000)]
settle()
held = [Cycle() for _ in range(100)]
gc.collect(1), gc.collect(1)
kept = [weakref.ref(one) for one in held]
del held
for _ in range(1_000_000):
    Cycle()
    if not any(one() for one in kept):
        break
else:
    raise SystemExit("kept")
"""


def test_what_was_in_use_for_long_is_freed_after_some_hundred_pages() -> None:
    """A page leaves a thousand objects in cycles: these are a thousand pages at most."""
    subprocess.run([sys.executable, "-c", LONG_LIVED], check=True, timeout=120)
