"""The owner's side: starts children, sends requests with a timeout, and replaces children after a number of uses."""

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
    """One child and its room, used by one thread at a time. Only ``kill`` may be called from another thread."""

    def __init__(self, command: Sequence[str], plan: Message, room: Room, *, max_answer_bytes: int) -> None:
        """Start the process and wait until it is ready.

        Raises:
            Gone: the process does not start.
        """
        self.owner_pid = os.getpid()
        self.uses = 0
        self.is_swollen = False
        self._room = room
        self._file_bytes = int(plan["limits"]["file_bytes"])
        self._max_answer_bytes = max_answer_bytes
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # A parser's complaint may quote the letter: it gets into no log, and fills no pipe that nobody reads.
            stderr=subprocess.DEVNULL,
            cwd=room.path,
            env=_environment(room.path),
            # A group of its own: what the child started is killed with it.
            start_new_session=True,
        )
        try:
            self._exchange(plan, b"", _START_TIMEOUT_S)
        except Late as late:
            raise Gone("the child does not start") from late

    @property
    def room(self) -> Path:
        """The child's folder. Owner and child know it by the same path."""
        return self._room.path

    @property
    def alive(self) -> bool:
        """Whether the process is still running."""
        return self._process.poll() is None

    def ask(self, message: Mapping[str, object], *, payload: bytes = b"", timeout_s: float) -> Answer:
        """Send a request and wait for its answer. Without an answer the child is ended.

        Raises:
            Late, Gone, ChildFailed: see ``sandbox.errors``.
        """
        self.uses += 1
        answer = self._exchange(message, payload, timeout_s)
        self.is_swollen = bool(answer.message.get("is_swollen"))
        if "raised" in answer.message:
            raise ChildFailed(str(answer.message["raised"]))
        found = answer.message.get("answer")
        if not isinstance(found, dict):
            self._end_process()
            raise Gone("no answer in the frame")
        return Answer(cast(Message, found), answer.payload)

    def put(self, source: Path, name: str = "source") -> Path:
        """Copy a file into the room, where the child may read it. The file of the last request is not copied again.

        Raises:
            OSError: the file cannot be read, or the disk is full.
        """
        return self._room.put(source, name)

    def take(self, name: str, target: Path) -> bool:
        """Copy a file that the child made to ``target``, whole or not at all; False when there is no such file."""
        return self._room.take(name, target, max_bytes=self._file_bytes)

    def made(self) -> tuple[str, ...]:
        """Names of the files that the child made in the room."""
        return self._room.names()

    def tidy(self) -> None:
        """Remove the files that the child made. The file put there stays for the next request."""
        self._room.clear(kept=True)

    def _exchange(self, message: Mapping[str, object], payload: bytes, timeout_s: float) -> Answer:
        late = threading.Event()
        # Killing the process ends a blocked write as well as a blocked read.
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
        """Kill the process from another thread. The thread that waits for its answer then cleans up."""
        # Once it was waited for, its number may be another process's.
        if self._process.returncode is None:
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """End the child, all that it started, and its room; calling it again does nothing."""
        if self.owner_pid == os.getpid():
            self._end_process()
            self._room.remove()

    def _end_process(self) -> None:
        """End the process but keep the room: its files can still be taken."""
        if self._process.returncode is None:
            self.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                cast(IO[bytes], pipe).close()
            except BrokenPipeError:
                continue  # bytes not yet sent to the dead child are dropped


class Pool:
    """Children of one kind, started on demand. They end with the pool or the interpreter.

    Args:
        service: ``module:function``, see the docstring of the package.
        settings: argument of the function; JSON, and no secret: a hostile file may take over the child.
        packages: names of our own packages that the child imports.
        limits: of each child.
        isolation: by default the best that this machine allows.
        readable: files and folders that the child may read besides the system's programs and Python.
        uses: requests after which a child is replaced: a hostile file reaches no further.
        size: children that run at once; more callers wait. None: one for each caller.
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
        """Prepare the pool; no child is started yet."""
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
        # Of the list, not of a method: that would hold the pool, which then never ends.
        self._finalizer = weakref.finalize(self, _end_all, self._idle)

    @property
    def isolation(self) -> Isolation:
        """The isolation of the children."""
        return self._isolation or chosen()

    def ask(
        self, message: Mapping[str, object], *, payload: bytes = b"", timeout_s: float, work: object = None
    ) -> Answer:
        """Have a child answer one request, without files. Waits at most ``timeout_s`` for a free child.

        Raises:
            SandboxError: no answer, see ``sandbox.errors``.
        """
        with self.child(work, wait_s=timeout_s) as child:
            return child.ask(message, payload=payload, timeout_s=timeout_s)

    @contextmanager
    def child(self, work: object = None, *, wait_s: float) -> Iterator[Child]:
        """A child for several calls of one thread. If the block raises, the child is ended, except on ``ChildFailed``.

        Args:
            work: identifies the child for ``interrupt``.
            wait_s: timeout for a free child, if the pool has a size.

        Raises:
            Busy: no child became free in time.
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
        """End the idle children. The pool can still be used: it starts new children."""
        with self._lock:
            _end_all(self._idle)

    def stop(self) -> None:
        """End all children, also busy ones: their callers get ``Gone``. No child is started again."""
        with self._lock:
            self._stopped = True
            _end_all(self._idle)
            busy = tuple(self._busy)
        for child in busy:
            child.kill()

    def interrupt(self, work: object) -> None:
        """End the children that do this work; their callers get ``Gone``."""
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
            # It was stopped while this child started: stop() did not see it yet.
            if self._stopped:
                raise Gone("the pool was stopped")
            while self._idle:
                child = self._idle.pop()
                if child.owner_pid != os.getpid():  # after a fork, inherited children belong to the parent
                    continue
                if child.alive:
                    self._busy[child] = work
                    return child
                child.end()  # killed while it did nothing, for its memory: no fault of the next file
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
        # No bytecode: under a limit of file size Python would leave a truncated .pyc file, which breaks later imports.
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
            if not self._stopped and child.alive and child.uses < self._uses and not child.is_swollen:
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
    """The best isolation that works on this machine, tested once in each process (a tenth of a second)."""
    return next((candidate for candidate in isolations.candidates() if holds(candidate)), isolations.NONE)


def holds(candidate: Isolation) -> bool:
    """Start a child that tries forbidden actions: connect to our socket, read our file, start a program."""
    try:
        return not reached(candidate)
    except SandboxError:
        return False


def reached(candidate: Isolation, *, more_than_allowed: bool = False) -> list[str]:
    """Start a child that tries forbidden actions, and return those that it could do: ``network``, ``file``, ``program``.

    Args:
        more_than_allowed: it also asks for more memory than its limit (``memory``).

    Raises:
        SandboxError: no child starts, or it does not answer.
    """
    with tempfile.NamedTemporaryFile() as secret, socket.create_server(("127.0.0.1", 0)) as server:
        limits = Limits()
        pool = Pool("sandbox.trial:service", {}, isolation=candidate, limits=limits)
        tried: dict[str, object] = {
            "file": secret.name, "port": server.getsockname()[1], "program": sys.executable,
            "bytes": 2 * limits.memory_bytes if more_than_allowed else 0,
        }  # fmt: skip
        try:
            found: list[str] = pool.ask(tried, timeout_s=TRIAL_TIMEOUT_S).message["reached"]
        finally:
            pool.stop()
    return found
