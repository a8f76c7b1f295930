"""Pages are read once for each process of a run: most tests that need the text of a page do not test the reading.

A page is known by the bytes of its file and by all that it is asked with. Only readings that succeeded are kept.
"""

from __future__ import annotations

import hashlib
from copy import deepcopy
from pathlib import Path
from typing import Any

from ocr.engine import TesseractEngine
from ocr.resume import FinishedPages
from ocr.wire import PageResult, PageTask, load_result

_READ: dict[tuple[object, ...], dict[str, bytes]] = {}
"""Page -> name and bytes of each file that its reading left."""
_SEEN: dict[tuple[object, ...], dict[str, Any]] = {}


class KeptPages(TesseractEngine):
    """The real engine, which is asked about each page once."""

    def _read(self, task: PageTask, end_s: float, work: FinishedPages) -> PageResult:
        given = (task.media_type, task.page_index, task.rotation, task.page_no, task.languages, task.pictures)
        page = (self._reading, _digest(Path(task.source)), *given)
        if page in _READ and not work.given_up:
            for name, data in _READ[page].items():
                (Path(task.out) / name).write_bytes(data)
            result = load_result(task)
            work.keep(task, result)
            return result
        result = super()._read(task, end_s, work)
        if "failed" not in result.flags:
            left = task.stem.parent.glob(f"{task.stem.name}*")
            _READ[page] = {one.name: one.read_bytes() for one in left if one.suffix not in (".done", ".marking")}
        return result

    def _asked_of_file(
        self, operation: str, source: Path, *, filename: str, timeout_s: float, **more: int
    ) -> dict[str, Any]:
        asked = (operation, _digest(source), *sorted(more.items()))
        if asked not in _SEEN:
            _SEEN[asked] = super()._asked_of_file(operation, source, filename=filename, timeout_s=timeout_s, **more)
        return deepcopy(_SEEN[asked])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
