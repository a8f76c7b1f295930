"""A process that has loaded the program's modules, and forks itself into ``ged`` commands (``tests.started``).

    python -m tests.fork_server SOCKET

It has no connection, no thread and no settings when it forks, so a command finds what a new process would have after its
imports. The module ``web.processes.worker`` is left to the command: it draws its process's own name at its import. The
tables' classes are set up, the pages' modules and the English messages are loaded: a site needs a second for them, and any
command a part of it. Compiled templates are those of the run (``tests.site``).

A command ends as a program does, but its memory is left to the kernel: to clear it took a fifth of a second.
"""

import atexit
import fcntl
import gc
import json
import os
import socket
import sys
import termios
import threading
from importlib import import_module
from typing import NoReturn

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from sqlalchemy.orm import configure_mappers

from tests.servers import run_dir

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
    _load_pages()
    gc.collect()
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
            _end(_run())
        for file in files:
            os.close(file)
        link.send(json.dumps(pid).encode())


def _load_pages() -> None:
    for package in ("web.views", "web.api"):
        tuple(import_module(package).blueprints())
    configure_mappers()
    import_module("web.words.translations").translations("en")
    compiled = run_dir() / "templates"
    compiled.mkdir(exist_ok=True)
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(str(compiled))}


def _run() -> object:
    """Run the command of ``sys.argv``. Returns what it exits with, as the code of ``SystemExit``."""
    gc.enable()
    armed = os.environ.pop("GED_TEST_ARMED_BY", "")
    try:
        if armed:
            import_module(armed).arm()
        return import_module("web.commands").program()
    except SystemExit as ended:
        return ended.code
    except BaseException:  # noqa: BLE001  # as the interpreter does
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        return 1


def _end(code: object) -> NoReturn:
    """End this process, or one that the command forked, in the order of the interpreter."""
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are no daemons
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit((code or 0) & 0xFF)


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
        Flask.jinja_options = {}  # the folder of the compiled templates is not this user's
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    sys.argv = list(order["words"])  # type: ignore[call-overload]
    sys.modules["__main__"].__package__ = None  # else help would call the program "python -m tests.ged"


if __name__ == "__main__":
    main()
