"""Arms a ``ged`` process (``tests.started``) that kills itself, and the process above it, at a moment of a destruction:

    DYING_AT=12 GED_TEST_ARMED_BY=tests.dying

A moment is as in ``tests.killed_kit``: a statement that writes, a commit (before and after it), a step of a file; and a write into an
S3 store. A moment bears the name of its step. Moments are counted from the start of a destruction to the end of its job. Without
``DYING_AT`` the process lives, and writes the names of all moments into the file ``DYING_COUNT``, as JSON.
"""

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from ged import pipeline
from ged.adapters.s3 import Bucket
from ged.disposal import destroying
from tests.killed_kit import STEPS_OF_FILES, WRITING

WRITE = "write"
"""The name of a moment of a statement; it becomes durable with its commit."""


class _Life:
    """Counts the moments of this process.

    Attributes:
        passed: the names of those that were passed.
    """

    def __init__(self, at: int, told: str) -> None:
        self._at, self._passed_file, self._thread, self._parent = at, told, 0, os.getpid()
        self.passed: list[str] = []

    def begin(self) -> None:
        """Count from here on, in this thread."""
        self._thread = threading.get_ident()

    def end(self) -> None:
        """Count no more, and tell what was counted."""
        if self._thread == threading.get_ident():
            self._thread = 0
            if self._passed_file:
                Path(self._passed_file).write_text(json.dumps(self.passed))

    def pass_by(self, name: str) -> None:
        """A moment."""
        if threading.get_ident() != self._thread:
            return
        if len(self.passed) == self._at:
            if os.getpid() != self._parent:
                os.kill(os.getppid(), signal.SIGKILL)  # RQ forks a child for a job: its worker would note how it ended
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed.append(name)

    def counted(self, name: str, step: Any) -> Any:
        """A step that is a moment."""

        def counted(*args: Any, **named: Any) -> Any:
            self.pass_by(name)
            return step(*args, **named)

        return counted


def _arm(life: _Life) -> None:
    def statement(_connection: object, _cursor: object, said: str, *_: object) -> None:
        if said.lstrip().startswith(WRITING):
            life.pass_by(WRITE)

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", lambda *_: life.pass_by("commit"))
    event.listen(Session, "after_commit", lambda *_: life.pass_by("committed"))
    for name in STEPS_OF_FILES:
        setattr(os, name, life.counted(name, getattr(os, name)))
    for name in ("put", "remove"):
        setattr(Bucket, name, life.counted(name, getattr(Bucket, name)))
    destroy, run_job = destroying._destroy, pipeline.run_job

    def destroys(*args: Any) -> bool:
        life.begin()
        return destroy(*args)

    def runs(*args: Any, **named: Any) -> None:
        run_job(*args, **named)
        life.end()

    destroying._destroy = destroys
    pipeline.run_job = runs  # type: ignore[assignment]


def arm() -> None:
    """Arm this process, as its environment says."""
    _arm(_Life(int(os.environ.pop("DYING_AT", "-1")), os.environ.pop("DYING_COUNT", "")))
