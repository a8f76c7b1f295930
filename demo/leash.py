"""``python leash.py PARENT PROGRAM...``: become PROGRAM, to be told to stop when PARENT dies, however it dies (Linux).

What is asked of the kernel here outlives the exec, and is not handed to the program's own children: those are the
program's to stop. A SIGKILL of ``ged run`` then leaves no site, worker or bridge behind.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, words: list[str]) -> None:
    """Bind this process to its parent, then become the program."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)
    os.execv(words[0], words)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
