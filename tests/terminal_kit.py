"""A command at a terminal of its own, as a person sees it: what is asked, what is typed, and what stays on the screen."""

import os
import pty
import re
import select
import time
from collections.abc import Mapping, Sequence

from tests.started import GED, Started

_APART = re.compile(r"\x1b\[\?1049h.*?\x1b\[\?1049l", re.DOTALL)
WAIT_S = 60.0


class Terminal:
    """Starts ``ged`` with some words at a new terminal."""

    def __init__(self, words: Sequence[str], variables: Mapping[str, str]) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("GED_")} | dict(variables)
        self._handle, theirs = pty.openpty()
        self._process = Started(
            [str(GED), *words], env={**env, "TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self.screen = ""
        self._read_to = 0

    def told(self, pattern: str) -> str:
        """Wait until something new matches; the first group."""
        until = time.monotonic() + WAIT_S
        while (found := re.search(pattern, self.screen[self._read_to :])) is None:
            if time.monotonic() > until or not self._read():
                raise AssertionError(f"{pattern} was not told: {self.screen[self._read_to :]}")
        self._read_to += found.end()
        return found.group(found.re.groups and 1)

    def answer(self, question: str, typed: str) -> None:
        """Wait for a question, and type a line."""
        self.told(re.escape(question))
        time.sleep(0.1)  # until the terminal shows no typing where the question is a secret
        os.write(self._handle, f"{typed}\r".encode())

    def end(self) -> int:
        """Wait for the command's end; its exit code."""
        until = time.monotonic() + WAIT_S
        while self._read():
            assert time.monotonic() < until, self.screen
        os.close(self._handle)
        return self._process.wait()

    def stays(self) -> str:
        """What somebody finds who comes later, or scrolls back: all but what stood on the second screen."""
        return _APART.sub("", self.screen)

    def _read(self) -> bool:
        if not select.select([self._handle], [], [], 0.2)[0]:
            return True
        try:
            content = os.read(self._handle, 4096)
        except OSError:  # the other end is closed
            return False
        self.screen += content.decode(errors="replace")
        return bool(content)
