"""What this process tells the supervisor of its service (systemd's protocol, sd_notify(3)); alone it tells nothing."""

import logging
import os
import socket

READY = "READY=1"
ALIVE = "WATCHDOG=1"
"""Within the unit's `WatchdogSec`, or the service is started again."""

logger = logging.getLogger(__name__)


def tell(state: str) -> bool:
    """Send a state to the supervisor's socket.

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
            out.sendto(state.encode(), address)
    except OSError as error:
        logger.debug("supervisor.unreachable: %s", error)
        return False
    return True
