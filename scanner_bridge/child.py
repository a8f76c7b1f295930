"""A child process that exchanges JSON lines, with a timeout: whatever a driver does, the agent survives."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

from scanner_bridge.faults import ScanFault


class DriverChild:
    """One run of a module such as ``scanner_bridge.sane_child``: send a request, receive events, close it or kill it."""

    def __init__(self, module: str, request: Mapping[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.say(json.dumps(request))

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - stdout=PIPE above
        for line in self._process.stdout:
            self._events.put(json.loads(line))
        self._events.put(None)

    def say(self, line: str) -> None:
        """Send one line; a child that is gone is noticed at the next ``receive``."""
        assert self._process.stdin is not None  # noqa: S101 - stdin=PIPE above
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError:
            self._events.put(None)

    def receive(self, timeout_s: float) -> dict[str, Any]:
        """The next event.

        Raises:
            ScanFault: the fault that the child reported; ``timeout`` or ``crashed`` when it reports no more.
        """
        try:
            event = self._events.get(timeout=timeout_s)
        except queue.Empty:
            self.kill()
            raise ScanFault("timeout", f"no sign of life for {timeout_s:g} s") from None
        if event is None:
            self.kill()
            raise ScanFault("crashed", f"the scanning process ended with {self._process.returncode}")
        if event["event"] == "fault":
            raise ScanFault(event["code"], event["detail"])
        return event

    def give_way(self, code: str, detail: str) -> None:
        """End the child from another thread; the thread that waits for its events gets the fault ``code``."""
        self._events.put({"event": "fault", "code": code, "detail": detail})
        self.kill()

    def close(self, grace_s: float) -> None:
        """Let the child release the device; kill the child after ``grace_s``."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=grace_s)
        self.kill()

    def kill(self) -> None:
        """End the child now, and free its pipes."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # an unsent line for a dead child
