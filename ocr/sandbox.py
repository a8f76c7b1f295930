"""The engine's side of ``ocr.child``: starts children, talks to them with a time limit, ends them.

A child is used by one thread at a time and kept for the next request; one that is late or gone is replaced.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from ged.errors import EngineFailed, Invalid
from ocr.wire import Message

_MAX_ANSWER_BYTES = 64 * 1024 * 1024
_KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


class ChildGone(EngineFailed):
    """The child ended, was ended for being late, or answered nonsense."""


class Child:
    """One child process, the leader of its own process group."""

    def __init__(self, settings: Message) -> None:
        environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
        environment |= {"OMP_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.owner_pid = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "ocr.child", json.dumps({**settings, "parent_pid": self.owner_pid})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parent.parent,
            env=environment,
            start_new_session=True,
        )

    def ask(self, request: Message, *, timeout_s: float) -> Message:
        """Send a request and wait for its answer; on any failure the child is ended.

        Raises:
            ChildGone: ``ocr.timeout`` or ``ocr.crashed``.
        """
        end_s = time.monotonic() + timeout_s
        try:
            stdin = cast(IO[bytes], self._process.stdin)
            stdin.write(json.dumps(request).encode("utf-8") + b"\n")
            stdin.flush()
            return cast(Message, json.loads(self._line(end_s)))
        except ChildGone:
            self.end()
            raise
        except (OSError, ValueError) as error:
            self.end()
            raise ChildGone("ocr.crashed") from error

    def _line(self, end_s: float) -> bytes:
        stdout = cast(IO[bytes], self._process.stdout)
        received = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while not received.endswith(b"\n"):
                if not selector.select(max(0.0, end_s - time.monotonic())):
                    raise ChildGone("ocr.timeout", "Try again later.", retryable=True)
                piece = os.read(stdout.fileno(), 65536)
                if not piece or len(received) > _MAX_ANSWER_BYTES:
                    raise ChildGone("ocr.crashed", "The file ended the reading process.")
                received += piece
        return bytes(received)

    def kill(self) -> None:
        """End the child from another thread than the one that waits for its answer, which then ends it for good."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):  # it ended by itself a moment ago
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """End the child and all that it started; calling it again does nothing."""
        if self.owner_pid != os.getpid() or self._process.returncode is not None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            self._process.poll()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                cast(IO[bytes], pipe).close()
            except BrokenPipeError:
                continue  # what was not yet sent to the dead child is of no use


def _end_all(children: list[Child]) -> None:
    while children:
        children.pop().end()


class Sandbox:
    """Children that wait for work; ended with the sandbox or the interpreter."""

    def __init__(self, settings: Message) -> None:
        self._settings = settings
        self._idle: list[Child] = []
        self._busy: dict[Child, object] = {}
        self._stopped = False
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(self, _end_all, self._idle)

    def close(self) -> None:
        """End the children that wait; the sandbox can still be used and starts new ones."""
        with self._lock:
            _end_all(self._idle)

    def stop(self) -> None:
        """End all children, those at work too: whoever waits for them gets ``ChildGone``, and none is started again."""
        with self._lock:
            self._stopped = True
            _end_all(self._idle)
            busy = tuple(self._busy)
        for child in busy:
            child.kill()

    def interrupt(self, work: object) -> None:
        """End the children that do this work; whoever waits for them gets ``ChildGone``."""
        with self._lock:
            busy = [child for child, of in self._busy.items() if of is work]
        for child in busy:
            child.kill()

    def ask(self, request: Message, *, timeout_s: float, work: object = None) -> object:
        """Have a child do something; ``work`` is what ``interrupt`` names it by.

        Raises:
            Invalid: the refusal of the file.
            EngineFailed: ``ocr.timeout``, ``ocr.crashed``, ``ocr.out_of_memory``, ``ocr.unavailable``.
        """
        with self._child(work) as child:
            answer = child.ask(request, timeout_s=timeout_s)
        if "ok" in answer:
            return cast(object, answer["ok"])
        params = cast(Message, answer.get("params", {}))
        if "refused" in answer:
            raise Invalid(str(answer["refused"]), str(answer.get("remedy", "")), **params)
        raise EngineFailed(str(answer.get("failed")), retryable=bool(answer.get("retryable")), **params)

    @contextmanager
    def _child(self, work: object) -> Iterator[Child]:
        child = self._take(work)
        try:
            yield child
        except BaseException:
            child.end()
            raise
        finally:
            with self._lock:
                self._busy.pop(child, None)
        with self._lock:
            self._idle.append(child)

    def _take(self, work: object) -> Child:
        with self._lock:
            if self._stopped:
                raise ChildGone("ocr.crashed", "The reading was stopped.")
            while self._idle:
                child = self._idle.pop()
                if child.owner_pid == os.getpid():
                    self._busy[child] = work
                    return child
        child = Child(self._settings)
        with self._lock:
            self._busy[child] = work
            stopped = self._stopped
        if stopped:
            child.kill()
        return child
