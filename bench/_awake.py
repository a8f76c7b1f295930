"""Processors that stay awake while a benchmark measures.

A processor without work halts, and a virtual one is given back to its host, which takes up to a millisecond to wake it.
A page that asks PostgreSQL twenty questions makes one processor wait for the other, in turn, for each of them. This time
tells of the host, and not of the page: the processors of a server at work are awake. So for each processor a process runs in
a loop, at the priority that takes only what nobody else wants (``SCHED_IDLE`` in sched(7)).
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from demo import leash

_LOOP = """\
import os, sys
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
os.sched_setaffinity(0, {int(sys.argv[1])})
while True:
    pass
"""


@contextmanager
def processors_awake() -> Iterator[None]:
    """None of the processors of this process halts in the block (Linux)."""
    with ExitStack() as stack:
        for processor in sorted(os.sched_getaffinity(0)):
            words = [sys.executable, str(leash.__file__), str(os.getpid()), sys.executable, "-c", _LOOP, str(processor)]
            loop = stack.enter_context(subprocess.Popen(words))
            stack.callback(loop.kill)
        yield
