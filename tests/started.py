"""Starts ``ged`` commands as processes whose modules are loaded already: a start costs a tenth of the processor time.

To load them takes more than a second, and the tests start a hundred processes. Whether the program itself starts is
shown by the journeys, and by each test that calls ``GED`` itself.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
GED = Path(sys.executable).parent / "ged"


class Started(subprocess.Popen[Any]):
    """A ``ged`` command. It is used as any ``subprocess.Popen``; its parent is the fork server, which is asked how it ended.

    ``args`` begins with the program's path. The process always gets a session of its own, and the terminal that is its
    standard input. It may be given open files (``pass_fds``) and another ``user`` and ``group``. ``GED_TEST_ARMED_BY`` in its environment
    names a module of the tests whose ``arm`` is called first.
    """

    def _execute_child(  # type: ignore[no-untyped-def]  # as in the standard library
        self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell,
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, _restore_signals, gid, _gids, uid, *_rest,
    ) -> None:  # fmt: skip
        assert args[0] == str(GED), "only this program starts so"
        streams = [own if given == -1 else given for own, given in enumerate((p2cread, c2pwrite, errwrite))]
        order = {
            "words": [str(one) for one in args],
            "environment": dict(os.environ if env is None else env),
            "folder": str(cwd or Path.cwd()),
            "numbers": [0, 1, 2, *pass_fds],
            "user": [uid, gid],
        }
        self.pid = _server().ask(order, [*streams, *pass_fds])
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if not wait_flags & os.WNOHANG:
            handle = os.pidfd_open(self.pid)
            try:
                select.select([handle], [], [])
            finally:
                os.close(handle)
        pid, status = _server().ask({"ended": self.pid}, [])
        return pid, status

    def _internal_poll(self, _deadstate: int | None = None, **_given: Any) -> int | None:
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):  # type: ignore[attr-defined]
            try:
                pid, status = self._try_wait(os.WNOHANG)
                if pid == self.pid:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode


def run(
    *words: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, typed: str = "", **more: Any
) -> subprocess.CompletedProcess[str]:
    """Run a ``ged`` command to its end, at most two minutes, with what is typed and the ``more`` of ``Started``. Returns its
    exit code and what it printed."""
    command = [str(GED), *map(str, words)]
    with Started(
        command, cwd=cwd, env=env, stdin=subprocess.PIPE if typed else subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, **more,
    ) as process:  # fmt: skip
        try:
            told, wrong = process.communicate(typed or None, timeout=120)
        finally:
            process.kill()
    return subprocess.CompletedProcess(command, process.returncode, told, wrong)


class _Server:
    """The fork server of this process. It ends when this process does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())], cwd=ROOT, pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

        atexit.register(self.close)

    def close(self) -> None:
        self._link.close()
        self._process.wait()

    def ask(self, order: dict[str, Any], files: list[int]) -> Any:
        with self._lock:
            socket.send_fds(self._link, [json.dumps(order).encode()], files)
            return json.loads(self._link.recv(1_000))


@cache
def _server() -> _Server:
    return _Server()
