"""Finds pages that an earlier, killed call finished: they are in the same ``out`` folder and are not read again.

A page counts as finished when a marker beside its result has the same key: the digest of its file, the page, its
rotation, the languages, the engine's settings and the engine's code. A failed page is tried again.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from ocr.wire import PageResult, PageTask, load_result


class FinishedPages:
    """The finished pages of one document; ``given_up`` once nobody needs the others."""

    def __init__(self, tasks: Sequence[PageTask], settings: object) -> None:
        """Hash each file of the document once."""
        self._digests = {source: _digest(Path(source)) for source in {task.source for task in tasks}}
        self._settings = settings
        self.given_up = False

    def find(self, task: PageTask) -> PageResult | None:
        """The earlier result of the page; ``None`` when it has to be read."""
        try:
            if json.loads(_marker(task).read_text("utf-8")) == self._key(task, load_result(task)):
                return load_result(task)
        except (ValueError, KeyError, TypeError, OSError):
            _marker(task).unlink(missing_ok=True)
        return None

    def keep(self, task: PageTask, result: PageResult) -> None:
        """Mark a page as finished."""
        if "failed" in result.flags:
            return
        draft = _marker(task).with_suffix(".marking")
        draft.write_text(json.dumps(self._key(task, result)), "utf-8")
        draft.replace(_marker(task))

    def _key(self, task: PageTask, result: PageResult) -> list[object]:
        """All that the page depends on, and the sizes of its files: after a power cut a file may be empty."""
        part = result.part
        files = [part.image, *(patch.image for patch in part.patches)]
        files += [path for path in (part.layer, result.site_image, result.thumbnail) if path is not None]
        sizes = [path.stat().st_size for path in files]
        page = [self._digests[task.source], task.media_type, task.page_index, task.rotation, list(task.languages)]
        return [engine_version(), repr(self._settings), *page, sizes]


@cache
def engine_version() -> str:
    """A version that changes with the code that reads: pages read by another version are read again."""
    total = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()


def _marker(task: PageTask) -> Path:
    return task.stem.with_suffix(".done")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:  # its pages will fail one by one
        return ""
