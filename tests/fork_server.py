"""A process that has loaded the program's modules, and forks itself into ``ged`` commands (``tests.started``).

    python -m tests.fork_server SOCKET

It has no connection, no thread and no settings when it forks, so a command finds what a new process would have after its
imports. The module ``web.processes.worker`` is left to the command: it draws its process's own name at its import.
"""

import gc
import json
import os
import socket
import sys
from importlib import import_module

MODULES = ("ged.pipeline", "web.processes.server", "web.wiring.redis_jobs", "indexer.elastic_index", "web.commands")
LONGEST_ORDER = 1_000_000


def main() -> None:
    """Serve until the test process closes its end of the socket."""
    sys.path.pop(0)  # the folder of ``python -m``, which a program does not see
    link = socket.socket(fileno=int(sys.argv[1]))
    gc.disable()
    for name in MODULES:
        import_module(name)
    gc.freeze()
    while True:
        message, files, _flags, _address = socket.recv_fds(link, LONGEST_ORDER, 3)
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
    """Take the arguments, environment, folder and standard streams of a command, in a session of its own."""
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(str(order["folder"]))
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    sys.argv = list(order["words"])  # type: ignore[call-overload]
    sys.modules["__main__"].__package__ = None  # else help would call the program "python -m tests.ged"


if __name__ == "__main__":
    main()
