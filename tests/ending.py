"""Arms a ``ged`` process (``tests.started``) with what its end has to wait for: a thread, and a function of ``atexit``. Then it ends.

``ENDING_BY`` says how: ``words``, ``code`` or ``fault``.
"""

import atexit
import os
import sys
import threading
import time


def arm() -> None:
    """End this process."""
    atexit.register(print, "at the exit")
    threading.Thread(target=_late).start()
    match os.environ["ENDING_BY"]:
        case "words":
            sys.exit("in words")
        case "code":
            sys.exit(300)
        case _:
            raise LookupError("a fault")


def _late() -> None:
    time.sleep(0.2)
    print("of the thread")
