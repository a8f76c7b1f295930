"""What this process tells the supervisor of its service (systemd's protocol, sd_notify(3)); alone it tells nothing."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

FIRST_FD = 3
"""The first file that a supervisor hands over (sd_listen_fds(3))."""
KEPT = "site"
"""The name of the kept listener in the supervisor's store."""
READY = "READY=1"
ALIVE = "WATCHDOG=1"
"""Within the unit's `WatchdogSec`, or the service is started again."""

logger = logging.getLogger(__name__)


def tell(state: str, *, file: int | None = None) -> bool:
    """Send a state to the supervisor's socket.

    Args:
        file: goes with it.

    Returns:
        Whether it was sent: not where there is no supervisor, or where its socket is gone; the service works on.
    """
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place:
        return False
    # "@" stands for the zero byte of Linux's abstract names.
    address = "\0" + place[1:] if place.startswith("@") else place
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.setblocking(False)  # a supervisor that does not read must not stop the site
            out.connect(address)
            out.send(state.encode()) if file is None else socket.send_fds(out, [state.encode()], [file])
    except OSError as error:
        logger.debug("supervisor.unreachable: %s", error)
        return False
    return True


def keep(listener: socket.socket) -> None:
    """Let the supervisor keep a listener while the service is restarted (``FileDescriptorStoreMax=`` of its unit).

    Whoever connects meanwhile waits in the kernel for the next process, and is not refused. A service that is stopped is
    another thing: then the supervisor closes what it keeps.
    """
    tell(f"FDSTORE=1\nFDNAME={KEPT}", file=listener.fileno())


def kept() -> int | None:
    """The listener that the supervisor kept for this process; None: there is none. It is handed over once."""
    # Removed from the environment, as sd_listen_fds(3) wishes: a child would take a file of its own for the listener.
    is_ours = os.environ.pop("LISTEN_PID", "") == str(os.getpid())
    count = os.environ.pop("LISTEN_FDS", "")
    names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
    if not is_ours or not count.isdecimal():
        return None
    files = {name: FIRST_FD + n for n, name in enumerate(names[: int(count)])}
    for name, file in files.items():
        if name != KEPT:
            os.close(file)
    return files.get(KEPT)


def forget() -> None:
    """Let the supervisor close the listener that it keeps."""
    tell(f"FDSTOREREMOVE=1\nFDNAME={KEPT}")


@contextmanager
def forgotten_on_failure() -> Iterator[None]:
    """A service that cannot start is no service that people should wait for: the kept listener is closed, so that they are
    refused, and a proxy asks another host. A process of the site that ends is replaced, and forgets nothing."""
    own = os.getpid()
    try:
        yield
    except BaseException as error:
        if os.getpid() == own and not (isinstance(error, SystemExit) and not error.code):
            forget()
        raise
