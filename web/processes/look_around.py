"""The worker has the slow checks made now and then, so that the page of the installation's state shows fresh ones.

A process of its own makes them: RQ's worker forks, and must not do so beside a thread that holds locks.
"""

import logging
import subprocess
import sys
import threading
from collections.abc import Sequence

FIRST_S, EVERY_S = 300.0, 3600.0
LIMIT_S = 600.0
COMMAND = (sys.executable, "-m", "web.commands", "doctor", "--keep", "--json")

logger = logging.getLogger(__name__)


def start(stop: threading.Event) -> threading.Thread:
    """Make the checks until ``stop``, in a thread."""
    thread = threading.Thread(target=look_around, args=(stop,), name="look-around", daemon=True)
    thread.start()
    return thread


def look_around(
    stop: threading.Event,
    *,
    first_s: float = FIRST_S,
    every_s: float = EVERY_S,
    command: Sequence[str] = COMMAND,
) -> None:
    """Run the command after ``first_s``, then each ``every_s``. What it finds is no fault of the worker."""
    pause_s = first_s
    while not stop.wait(pause_s):
        pause_s = every_s
        try:
            # Its lines go nowhere: findings are kept in a file (--keep), and standard error is the worker's log.
            done = subprocess.run(command, stdout=subprocess.DEVNULL, timeout=LIMIT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            logger.warning("checks.not_made error=%s", type(error).__name__)
        else:
            logger.info("checks.made worst=%s", done.returncode)
