"""A parser that an attacker has taken over. The tests of the sandbox start it as a child process."""

import ctypes
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sandbox import Message, Service


def service(settings: Message) -> Service:
    """A service that attempts the requested attack. The response names the OSError that stopped it; empty: it
    succeeded."""
    if settings.get("start") == "never":
        raise RuntimeError
    return _answer


def _answer(request: Message, payload: bytes) -> tuple[Message, bytes]:
    deed = _DEEDS[request["do"]]
    try:
        return {"error": "", "told": deed(request, payload)}, payload[::-1]
    except OSError as error:
        return {"error": type(error).__name__}, b""


def _read(request: Message, _: bytes) -> str:
    return Path(request["path"]).read_text()


def _list(request: Message, _: bytes) -> list[str]:
    return os.listdir(request["path"])


def _write(request: Message, _: bytes) -> int:
    return Path(request["path"]).write_text("x" * request.get("size", 1))


def _connect(request: Message, _: bytes) -> None:
    family = socket.AF_UNIX if isinstance(request["address"], str) else socket.AF_INET
    with socket.socket(family) as reached:
        reached.settimeout(2)
        address = request["address"]
        reached.connect(address if isinstance(address, str) else tuple(address))


def _send_datagram(request: Message, _: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reached:
        reached.sendto(b"secret", tuple(request["address"]))


def _trace(request: Message, _: bytes) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, request["pid"], 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def _read_memory(request: Message, _: bytes) -> None:
    Path(f"/proc/{request['pid']}/environ").read_bytes()


def _kill(request: Message, _: bytes) -> None:
    os.kill(request["pid"], 9)


def _fork(request: Message, _: bytes) -> int:
    made = 0
    while made < request["count"]:
        try:
            pid = os.fork()
        except OSError:
            break
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
    return made


def _run(request: Message, _: bytes) -> str:
    return subprocess.run(request["command"], capture_output=True, check=True, text=True).stdout


def _leave_group(_: Message, __: bytes) -> None:
    if os.fork() == 0:
        with suppress(OSError):
            os.setsid()
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(987.5)"])


def _eat(_: Message, __: bytes) -> int:
    return len(bytearray(1 << 33))


def _link(request: Message, _: bytes) -> None:
    os.symlink(request["target"], request["name"])


def _sleep(request: Message, _: bytes) -> None:
    time.sleep(request["s"])


def _die(_: Message, __: bytes) -> None:
    os._exit(3)


def _flood(_: Message, __: bytes) -> str:
    return "x" * (1 << 22)


def _know(_: Message, __: bytes) -> list[object]:
    return [dict(os.environ), sorted(os.listdir("/proc/self/fd")), os.getpid(), os.getcwd()]


_HELD: list[bytearray] = []


def _hold(request: Message, _: bytes) -> None:
    """Keep memory after the answer, as a parser does that caches what a file made it unpack."""
    held = bytearray(request["size"])
    held[::4096] = b"x" * len(held[::4096])  # written, so that it takes room
    _HELD.append(held)


_DEEDS: dict[str, Callable[[Message, bytes], object]] = {
    "read": _read, "list": _list, "write": _write, "connect": _connect, "send": _send_datagram, "trace": _trace,
    "memory": _read_memory, "kill": _kill, "fork": _fork, "run": _run, "leave": _leave_group, "eat": _eat,
    "link": _link, "sleep": _sleep, "die": _die, "flood": _flood, "know": _know,
    "hold": _hold,
}  # fmt: skip
