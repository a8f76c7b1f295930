"""The owner's side: starts children, talks to them within a time, ends them, and starts new ones after a number of uses."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, cast

from sandbox import isolation as isolations
from sandbox.errors import Busy, ChildFailed, Gone, Late, SandboxError
from sandbox.frames import Answer, Message, receive, send
from sandbox.isolation import Isolation, Kind
from sandbox.limits import MIB, Limits
from sandbox.room import Room

_START_TIMEOUT_S = 60.0
TRIAL_TIMEOUT_S = 20.0
_SERVE = Path(__file__).resolve().with_name("serve.py")
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SSL_CERT_FILE")
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "OMP_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "random"}


class Child:
    """One child and its room; used by one thread at a time. ``kill`` alone may come from another."""

    def __init__(self, command: Sequence[str], plan: Message, room: Room, *, max_answer_bytes: int) -> None:
        """Start the process and wait until it is ready.

        Raises:
            Gone: it does not start.
        """
        self.owner_pid = os.getpid()
        self.uses = 0
        self._room = room
        self._file_bytes = int(plan["limits"]["file_bytes"])
        self._max_answer_bytes = max_answer_bytes
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=room.path,
            env=_environment(room.path),
            start_new_session=True,
        )
        try:
            self._exchange(plan, b"", _START_TIMEOUT_S)
        except Late as late:
            raise Gone("the child does not start") from late

    @property
    def room(self) -> Path:
        """Its folder, by the path that the child knows too."""
        return self._room.path

    @property
    def alive(self) -> bool:
        """Whether it has not ended, by itself or by us."""
        return self._process.poll() is None

    def ask(self, message: Mapping[str, object], *, payload: bytes = b"", timeout_s: float) -> Answer:
        """Send a request and wait for its answer; unless there is one, the child is ended.

        Raises:
            Late, Gone, ChildFailed: no answer, as ``sandbox.errors`` says.
        """
        self.uses += 1
        answer = self._exchange(message, payload, timeout_s)
        if "raised" in answer.message:
            raise ChildFailed(str(answer.message["raised"]))
        found = answer.message.get("answer")
        if not isinstance(found, dict):
            self._end_process()
            raise Gone("no answer in the frame")
        return Answer(cast(Message, found), answer.payload)

    def put(self, source: Path, name: str = "source") -> Path:
        """A copy of a file in the room, where the child may read it; the file of the last request is not copied again.

        Raises:
            OSError: it cannot be read, or the disk is full.
        """
        return self._room.put(source, name)

    def take(self, name: str, target: Path) -> bool:
        """Copy what the child made to its place, whole or not at all; False when it made no such file."""
        return self._room.take(name, target, max_bytes=self._file_bytes)

    def made(self) -> tuple[str, ...]:
        """Names of what lies in the room besides what was put there."""
        return self._room.names()

    def tidy(self) -> None:
        """Remove what the child made; what was put there stays for the next request."""
        self._room.clear(kept=True)

    def _exchange(self, message: Mapping[str, object], payload: bytes, timeout_s: float) -> Answer:
        late = threading.Event()
        # Killing the process ends a blocked write and a blocked read alike.
        timer = threading.Timer(max(0.0, timeout_s), self._give_up, (late,))
        timer.daemon = True
        timer.start()
        try:
            send(cast(IO[bytes], self._process.stdin), dict(message), payload)
            answer = receive(cast(IO[bytes], self._process.stdout), max_bytes=self._max_answer_bytes)
        except (OSError, ValueError) as error:
            answer, reason = None, str(error)
        else:
            reason = "the child ended"
        finally:
            timer.cancel()
        if answer is not None and not late.is_set():
            return answer
        self._end_process()
        raise Late(f"no answer within {timeout_s:.1f} s") if late.is_set() else Gone(reason)

    def _give_up(self, late: threading.Event) -> None:
        late.set()
        self.kill()

    def kill(self) -> None:
        """End the child from another thread than the one that waits for its answer, which then ends it for good."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):  # it ended by itself a moment ago
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """End the child, all that it started, and its room; calling it again does nothing."""
        if self.owner_pid == os.getpid():
            self._end_process()
            self._room.remove()

    def _end_process(self) -> None:
        """End the child alone: what it made before can still be taken."""
        if self._process.returncode is None:
            self.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                cast(IO[bytes], pipe).close()
            except BrokenPipeError:
                continue  # what was not yet sent to the dead child is of no use


class Pool:
    """Children of one kind, started when they are wanted; they end with the pool or the interpreter.

    Args:
        service: ``module:function``, as the head of the package says.
        settings: what the function gets; JSON, and no secret: the child may fall into hostile hands.
        packages: names of our own packages that the child imports.
        limits: of each child.
        isolation: the best that this machine allows unless given.
        readable: files and folders that the child may read besides the system's programs and Python.
        uses: requests after which a child is replaced: a hostile file reaches no further.
        size: children at work at once; more callers wait. None: as many as callers.
        max_answer_bytes: of one answer; a child that sends more is ended.
    """

    def __init__(
        self,
        service: str,
        settings: Mapping[str, object],
        *,
        packages: Sequence[str] = (),
        limits: Limits | None = None,
        isolation: Isolation | None = None,
        readable: Sequence[Path] = (),
        uses: int = 500,
        size: int | None = None,
        max_answer_bytes: int = 64 * MIB,
    ) -> None:
        """Nothing is started yet."""
        self._service, self._settings = service, dict(settings)
        self._packages = {name: str(_folder(name)) for name in ("sandbox", *packages)}
        self._limits = limits or Limits()
        self._isolation = isolation
        self._readable = tuple(readable)
        self._uses = uses
        self._places = None if size is None else threading.BoundedSemaphore(size)
        self._max_answer_bytes = max_answer_bytes
        self._idle: list[Child] = []
        self._busy: dict[Child, object] = {}
        self._stopped = False
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(self, _end_all, self._idle)

    @property
    def isolation(self) -> Isolation:
        """What keeps the children in."""
        return self._isolation or chosen()

    def ask(
        self, message: Mapping[str, object], *, payload: bytes = b"", timeout_s: float, work: object = None
    ) -> Answer:
        """Have a child answer one request, without files; a place is waited for no longer than ``timeout_s``.

        Raises:
            SandboxError: no answer, as ``sandbox.errors`` says.
        """
        with self.child(work, wait_s=timeout_s) as child:
            return child.ask(message, payload=payload, timeout_s=timeout_s)

    @contextmanager
    def child(self, work: object = None, *, wait_s: float) -> Iterator[Child]:
        """A child for several calls of one thread; ended where the block raises, but for ``ChildFailed``.

        Args:
            work: what ``interrupt`` names it by.
            wait_s: for a place, where the pool has a size.

        Raises:
            Busy: all places were taken.
            Gone: the pool was stopped, or no child starts.
        """
        with self._place(wait_s):
            child = self._take(work)
            try:
                yield child
            except ChildFailed:
                self._give_back(child)
                raise
            except BaseException:
                self._forget(child)
                raise
            self._give_back(child)

    def close(self) -> None:
        """End the children that wait; the pool can still be used and starts new ones."""
        with self._lock:
            _end_all(self._idle)

    def stop(self) -> None:
        """End all children, those at work too: whoever waits for them gets ``Gone``, and none is started again."""
        with self._lock:
            self._stopped = True
            _end_all(self._idle)
            busy = tuple(self._busy)
        for child in busy:
            child.kill()

    def interrupt(self, work: object) -> None:
        """End the children that do this work; whoever waits for them gets ``Gone``."""
        with self._lock:
            busy = [child for child, of in self._busy.items() if of is work]
        for child in busy:
            child.kill()

    @contextmanager
    def _place(self, wait_s: float) -> Iterator[None]:
        if self._places is None:
            yield
            return
        if not self._places.acquire(timeout=max(0.0, wait_s)):
            raise Busy(f"no place within {wait_s:.1f} s")
        try:
            yield
        finally:
            self._places.release()

    def _take(self, work: object) -> Child:
        with self._lock:
            if self._stopped:
                raise Gone("the pool was stopped")
            while self._idle:
                child = self._idle.pop()
                if child.owner_pid == os.getpid():  # after a fork the others belong to the parent
                    self._busy[child] = work
                    return child
        child = self._started()
        with self._lock:
            self._busy[child] = work
            stopped = self._stopped
        if stopped:
            child.kill()
        return child

    def _started(self) -> Child:
        isolation = self.isolation
        readable = (*self._readable, *map(Path, self._packages.values()))
        room = Room()
        plan: Message = {
            "service": self._service,
            "settings": self._settings,
            "limits": asdict(self._limits),
            "room": str(room.path),
            "readable": [str(path) for path in isolations.visible(readable)],
            "own_count": isolation.counts_apart,
            "landlock": isolation.kind is Kind.LANDLOCK,
            "seccomp": isolation.filters,
        }
        # No bytecode: under a limit of file size Python leaves half a file, which everybody then stumbles over.
        python = [sys.executable, "-I", "-B", "-W", "ignore", str(_SERVE), json.dumps(self._packages)]
        command = isolation.command(python, room=room.path, readable=readable)
        try:
            return Child(command, plan, room, max_answer_bytes=self._max_answer_bytes)
        except (OSError, SandboxError) as error:
            room.remove()
            raise Gone(str(error)) from error

    def _give_back(self, child: Child) -> None:
        with self._lock:
            self._busy.pop(child, None)
            if not self._stopped and child.alive and child.uses < self._uses:
                self._idle.append(child)
                return
        child.end()

    def _forget(self, child: Child) -> None:
        child.end()
        with self._lock:
            self._busy.pop(child, None)


def _end_all(children: list[Child]) -> None:
    while children:
        children.pop().end()


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(package)
    return Path(next(iter(spec.submodule_search_locations))).resolve()


def _environment(room: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return {**kept, **_ENVIRONMENT, "HOME": str(room), "TMPDIR": str(room)}


@cache
def chosen() -> Isolation:
    """The best isolation that holds on this machine; tried once in each process (a tenth of a second)."""
    return next((candidate for candidate in isolations.candidates() if holds(candidate)), isolations.NONE)


def holds(candidate: Isolation) -> bool:
    """Start a child and have it try what it must not: reach a socket of ours, read a file of ours."""
    with tempfile.NamedTemporaryFile() as secret, socket.create_server(("127.0.0.1", 0)) as server:
        pool = Pool("sandbox.trial:service", {}, isolation=candidate)
        tried = {"file": secret.name, "port": server.getsockname()[1], "program": sys.executable}
        try:
            reached: list[str] = pool.ask(tried, timeout_s=TRIAL_TIMEOUT_S).message["reached"]
        except SandboxError:
            return False
        finally:
            pool.stop()
    return not reached
