"""``python leash.py PARENT PROGRAM...``: exec PROGRAM, which gets SIGTERM when PARENT dies in any way (Linux).

The setting in the kernel survives the exec, but the program's own children do not inherit it: the program must stop
them. So a SIGKILL of ``ged run`` leaves no site, worker or bridge behind.
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
    if os.getppid() != parent:  # it died before the prctl
        sys.exit(1)
    os.execv(words[0], words)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
