"""A process that has loaded the program's modules, and forks itself into ``ged`` commands (``tests.started``).

    python -m tests.fork_server SOCKET

It has no connection, no thread and no settings when it forks, so a command finds what a new process would have after its
imports. The module ``web.processes.worker`` is left to the command: it draws its process's own name at its import.
"""

import fcntl
import gc
import json
import os
import socket
import sys
import termios
from importlib import import_module

MODULES = ("ged.pipeline", "web.processes.server", "web.wiring.redis_jobs", "indexer.elastic_index", "web.commands")
LONGEST_ORDER = 1_000_000
MOST_FILES = 8


def main() -> None:
    """Serve until the test process closes its end of the socket."""
    sys.path.pop(0)  # the folder of ``python -m``, which a program does not see
    link = socket.socket(fileno=int(sys.argv[1]))
    gc.disable()
    for name in MODULES:
        import_module(name)
    gc.freeze()
    while True:
        message, files, _flags, _address = socket.recv_fds(link, LONGEST_ORDER, MOST_FILES)
        if not message:
            return
        order = json.loads(message)
        if "ended" in order:
            link.send(json.dumps(os.waitpid(order["ended"], os.WNOHANG)).encode())
            continue
        pid = os.fork()
        if pid == 0:
            link.close()
            _become(order, files)
            sys.exit(import_module("web.commands").program())
        for file in files:
            os.close(file)
        link.send(json.dumps(pid).encode())


def _become(order: dict[str, object], files: list[int]) -> None:
    """Take the arguments, environment, folder, open files, terminal and user of a command, in a session of its own."""
    os.setsid()
    # First out of the way of each other, then to the numbers that the command knows.
    aside = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 100) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(aside, order["numbers"], strict=True):  # type: ignore[call-overload]
        os.dup2(file, number)
        os.close(file)
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(str(order["folder"]))
    uid, gid = order["user"]  # type: ignore[misc]
    if gid is not None:
        os.setgroups([])
        os.setgid(gid)
    if uid is not None:
        os.setuid(uid)
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    sys.argv = list(order["words"])  # type: ignore[call-overload]
    sys.modules["__main__"].__package__ = None  # else help would call the program "python -m tests.ged"


if __name__ == "__main__":
    main()
