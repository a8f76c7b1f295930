"""Lines of a reserve book that are typed at the desk while the server is away, on the desk's own disk.

Each line is a file, written durably before the page says that it is kept. Its key never changes, so that the server knows a line
that is sent a second time. Only the owner of the folder can read it.
"""

import json
import logging
import re
import secrets
import threading
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from scanner_bridge.durable import PART_SUFFIX, make_folder, sync_folder, write_durably

log = logging.getLogger(__name__)

FOLDER: Final = "desk"
KEY: Final = re.compile(r"[0-9a-f]{32}")
MOST_LINES: Final = 2000
"""Lines that the server does not have."""
_KEEP_SENT_S: Final = 7 * 24 * 3600

LineState = Literal["draft", "waiting", "sent", "refused"]


class NotEditable(Exception):
    """The line was sent, or a try to send it is not decided: it may be on the server already."""


class DeskFull(Exception):
    """More lines than any cut needs."""


@dataclass(frozen=True)
class DeskLine:
    """A line as typed.

    Attributes:
        key: the same for each try to send it.
        state: ``draft``: not finished; ``waiting`` for the server; ``sent``: the server has it; ``refused`` by the server.
        fields: what was typed, by the names of the form.
        tried: whether it may have reached the server.
        code, message: why the server refused it.
        changed_at: seconds since 1970.
    """

    key: str
    state: LineState
    fields: dict[str, str] = field(default_factory=dict)
    tried: bool = False
    code: str = ""
    message: str = ""
    changed_at: float = 0.0

    @property
    def is_editable(self) -> bool:
        """Whether what was typed may still be changed."""
        return self.state in {"draft", "refused"} or (self.state == "waiting" and not self.tried)

    @property
    def mark(self) -> str:
        """Changes with what was typed: a form that corrects the line sends the mark back. Empty: of a draft."""
        return "" if self.state == "draft" else repr(self.changed_at)


class DeskLines:
    """All lines of this desk; used by the page and by the thread that sends."""

    def __init__(self, home: Path) -> None:
        """Read the lines below ``home``. A file that a kill left half written is removed: it never counted."""
        self._root = home / FOLDER
        self._lock = threading.RLock()
        self._lines: dict[str, DeskLine] = {}
        make_folder(self._root)
        for part in self._root.glob(f"*{PART_SUFFIX}"):
            part.unlink()
        for path in sorted(self._root.glob("*.json")):
            self._read(path)
        self._forget_sent()

    def _read(self, path: Path) -> None:
        try:
            line = DeskLine(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            log.exception("the line %s is damaged; its file is left as it is", path)
            return
        self._lines[line.key] = line

    def _forget_sent(self) -> None:
        """Remove the lines that the server has had for a week."""
        old = time.time() - _KEEP_SENT_S
        for line in [one for one in self._lines.values() if one.state == "sent" and one.changed_at < old]:
            self._path(line.key).unlink(missing_ok=True)
            del self._lines[line.key]

    def all(self) -> list[DeskLine]:
        """The lines, the latest change last."""
        with self._lock:
            return sorted(self._lines.values(), key=lambda line: line.changed_at)

    def get(self, key: str) -> DeskLine | None:
        """A line by its key."""
        with self._lock:
            return self._lines.get(key)

    def draft(self) -> DeskLine | None:
        """The line that was not finished, if there is one."""
        with self._lock:
            return next((line for line in reversed(self.all()) if line.state == "draft"), None)

    def keep(self, key: str, fields: dict[str, str], *, is_draft: bool = False, seen: str | None = None) -> None:
        """Write what was typed. What is written again word for word changes nothing.

        Args:
            seen: the mark of the line that the form corrects, empty of a new line; None: whatever was seen. A form of another tab
                has another mark, and takes no line's place.

        Raises:
            NotEditable, DeskFull.
            ScanFault: ``disk_full`` or ``spool_io``; the line is as it was before.
        """
        with self._lock:
            known = self._lines.get(key)
            if known is not None and known.state in {"waiting", "sent"} and known.fields == fields:
                return
            if known is not None and (not known.is_editable or (is_draft and known.state != "draft")):
                raise NotEditable
            if known is not None and seen is not None and known.mark not in {"", seen}:
                raise NotEditable
            self._forget_sent()
            if known is None and sum(line.state != "sent" for line in self._lines.values()) >= MOST_LINES:
                raise DeskFull
            self._write(DeskLine(key, "draft" if is_draft else "waiting", fields))

    def drop(self, key: str) -> None:
        """Take back a line that the server does not have.

        Raises:
            NotEditable.
        """
        with self._lock:
            line = self._lines.get(key)
            if line is None:
                return
            if not line.is_editable:
                raise NotEditable
            self._path(key).unlink(missing_ok=True)
            sync_folder(self._root)
            del self._lines[key]

    def next_to_send(self, besides: Collection[str] = ()) -> DeskLine | None:
        """The oldest line that waits, from now on marked as tried; None when none waits. ``besides``: keys that are passed over."""
        with self._lock:
            line = next((line for line in self.all() if line.state == "waiting" and line.key not in besides), None)
            if line is not None and not line.tried:
                line = replace(line, tried=True)
                self._write(line, changed=False)
            return line

    def sent(self, key: str) -> None:
        """The server has the line."""
        with self._lock:
            self._write(replace(self._lines[key], state="sent", code="", message=""))

    def refused(self, key: str, code: str, message: str) -> None:
        """The server refused the line: it may be corrected."""
        with self._lock:
            self._write(replace(self._lines[key], state="refused", tried=False, code=code, message=message))

    def _path(self, key: str) -> Path:
        return self._root / f"{key}.json"

    def _write(self, line: DeskLine, *, changed: bool = True) -> None:
        if KEY.fullmatch(line.key) is None:
            raise ValueError(f"{line.key!r} is no key")
        written = replace(line, changed_at=time.time()) if changed else line
        write_durably(self._path(line.key), json.dumps(asdict(written), ensure_ascii=False).encode(), mode=0o600)
        self._lines[line.key] = written


def new_key() -> str:
    """A key for a line."""
    return secrets.token_hex(16)
