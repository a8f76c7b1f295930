"""The child's side: restricts itself, then imports the service and serves requests until its input ends."""

import gc
import os
import select
import shutil
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, cast

from sandbox import landlock, seccomp
from sandbox.frames import Message, Service, receive, send
from sandbox.limits import MIB, Limits

_LOOK_S = 0.5
SWOLLEN_BYTES = 512 * MIB
"""A child that still holds so much after its answer is replaced. A hostile file would leave its memory taken while nobody asks."""


def main() -> None:
    """Serve: the first frame is the plan of ``sandbox.pool``, each later one a request."""
    requests, answers = sys.stdin.buffer, _private_output()
    first = receive(requests, max_bytes=1 << 30)
    if first is None:
        return
    plan = first.message
    limits = Limits(**plan["limits"])
    # Opened before the walls, which hide it.
    memory = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    _bind(plan, limits)
    _end_with_owner(Path(plan["room"]), limits)
    gc.disable()  # imports leave hardly any garbage: looking for it would take a fifth of the start
    service = _service(plan)
    gc.freeze()
    gc.enable()
    send(answers, {"ready": True})
    while (request := receive(requests, max_bytes=1 << 62)) is not None:
        answer, payload = _answer(service, request.message, request.payload)
        del request  # its payload is no memory that stays
        send(answers, {**answer, "is_swollen": _held_bytes(memory) > SWOLLEN_BYTES}, payload)


def _bind(plan: Message, limits: Limits) -> None:
    """Restrict this process before any parser is imported: the kernel restricts only the calling thread."""
    limits.apply(own_count=plan["own_count"])
    if plan["landlock"]:
        landlock.restrict(map(Path, plan["readable"]), Path(plan["room"]))
    if plan["seccomp"]:
        seccomp.restrict(programs=limits.programs)


def _service(plan: Message) -> Service:
    module, _, function = str(plan["service"]).partition(":")
    return cast(Service, getattr(import_module(module), function)(plan["settings"]))


def _answer(service: Service, request: Message, payload: bytes) -> tuple[Message, bytes]:
    try:
        message, made = service(request, payload)
    except Exception as error:  # noqa: BLE001 - the border of the process: the owner must always have an answer
        return {"raised": type(error).__name__}, b""
    return {"answer": message}, made


def _held_bytes(memory: int) -> int:
    """What this process holds in memory: the second number of proc_pid_statm(5), in pages."""
    return int(os.pread(memory, 200, 0).split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _private_output() -> BinaryIO:
    """Keep the pipe for answers private: C libraries that write to standard output write to standard error instead."""
    private = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(private, "wb")


def _end_with_owner(room: Path, limits: Limits) -> None:
    threading.Thread(target=_watch, args=(os.getppid(), room, limits.programs), daemon=True).start()


def _watch(parent_pid: int, room: Path, programs: bool) -> None:
    """End this process and its programs when the owner is gone. Else a slow page would run on for minutes, unwanted."""
    closed = select.poll()
    closed.register(0, 0)  # no event mask: poll reports only the end of the pipe
    while os.getppid() == parent_pid and not closed.poll(0):
        time.sleep(_LOOK_S)
    shutil.rmtree(room, ignore_errors=True)
    if programs:
        # The group is this child's own (pool: start_new_session). Without programs the filter refuses signals, and
        # nobody else is in it.
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
