"""Reads many files concurrently with one engine, without database or site; results are reported in order.

The engine's children are reused from file to file, and pages of several files are read at the same time.
"""

import shutil
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from ged.errors import EngineFailed, GedError, Invalid
from ged.ports import FieldReading, PageRef, RecognisedPage, Recognition
from web.wiring.reader import Reader

_LOOK_TIMEOUT_S = 120.0
_PAGE_TIMEOUT_S = 240.0
_AHEAD = 8  # files started ahead of the first unreported one, for each page that can be read at once


@dataclass(frozen=True)
class Refused:
    """The last event of a file that could not be read."""

    error: GedError


@dataclass(frozen=True)
class Done:
    """The last event of a file that was read; ``seconds``: from its first byte to its PDF in place."""

    fields: tuple[FieldReading, ...]
    pages: int
    confidence: float
    seconds: float


Event = RecognisedPage | Refused | Done


@dataclass(frozen=True)
class Work:
    """One file, the target of its PDF, and its events: its pages in order, then ``Refused`` or ``Done``."""

    source: Path
    target: Path
    _events: "SimpleQueue[Event]" = field(default_factory=SimpleQueue, repr=False, compare=False)

    def tell(self, event: Event) -> None:
        """Add an event."""
        self._events.put(event)

    def events(self) -> Iterator[Event]:
        """The events as they occur; ends after ``Refused`` or ``Done``."""
        while True:
            event = self._events.get()
            yield event
            if not isinstance(event, RecognisedPage):
                return


def plan(files: Sequence[Path], out: Path) -> list[Work]:
    """Give every file a target of its own, ``<name>.pdf`` or ``<name>-2.pdf``.

    No target is an input file, and no two targets differ only in case (such folders are copied to Windows).
    """
    taken = {str(file.resolve()).casefold() for file in files}
    works = []
    for file in files:
        number, target = 1, out / f"{file.stem}.pdf"
        while (key := str(target.resolve()).casefold()) in taken:
            number += 1
            target = out / f"{file.stem}-{number}.pdf"
        taken.add(key)
        works.append(Work(file, target))
    return works


def read_all(engine: Reader, works: Sequence[Work], *, languages: Sequence[str], jobs: int) -> Iterator[Work]:
    """Read files, and yield them in order, each as soon as the files before it were yielded and it has started.

    If the iteration ends early, for any reason, the engine is stopped and no unfinished file is left.
    """
    with _scratch(works[0].target.parent) as scratch, _pool(engine, jobs) as pool:
        ahead: deque[Work] = deque()
        for number, work in enumerate(works):
            pool.submit(_read, engine, work, languages, scratch / str(number))
            ahead.append(work)
            if len(ahead) >= _AHEAD * jobs:
                yield ahead.popleft()
        yield from ahead


@contextmanager
def _scratch(beside: Path) -> Iterator[Path]:
    """A temporary folder on the same disk as the results, so that a finished file is moved into place atomically."""
    folder = Path(tempfile.mkdtemp(prefix=".ged-ocr-", dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _pool(engine: Reader, jobs: int) -> Iterator[ThreadPoolExecutor]:
    """A thread pool with one thread more than concurrent pages: while a thread assembles a PDF, no core is idle."""
    pool = ThreadPoolExecutor(max_workers=jobs + 1, thread_name_prefix="file")
    try:
        yield pool
    except BaseException:
        engine.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _read(engine: Reader, work: Work, languages: Sequence[str], folder: Path) -> None:
    started_s = time.monotonic()
    try:
        folder.mkdir()
        found = _recognised(engine, work, languages, folder)
        found.searchable_pdf.replace(work.target)
        confidence = sum(page.confidence for page in found.pages) / len(found.pages)
        work.tell(Done(found.fields, len(found.pages), confidence, time.monotonic() - started_s))
    except GedError as error:
        work.tell(Refused(error))
    except OSError as error:
        work.tell(Refused(Invalid("file.not_written", reason=error.strerror, filename=work.target.name)))
    except Exception as error:  # noqa: BLE001 - whoever prints waits for an ending, whatever happened
        work.tell(Refused(EngineFailed("ocr.failed", error=type(error).__name__)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _recognised(engine: Reader, work: Work, languages: Sequence[str], folder: Path) -> Recognition:
    """Read a file. Failed pages are reported only once it is certain that the file is not refused as a whole."""
    name = work.source.name
    _check_readable(work.source)
    media_type, count = engine.count_pages(work.source, filename=name, timeout_s=_LOOK_TIMEOUT_S)
    held: list[RecognisedPage] = []
    some_read = False

    def on_page(page: RecognisedPage) -> None:
        nonlocal some_read
        held.append(page)
        some_read = some_read or "failed" not in page.flags
        while some_read and held:
            work.tell(held.pop(0))

    pages = [PageRef(work.source, media_type, index) for index in range(count)]
    found = engine.recognise(pages, languages=languages, timeout_s=_PAGE_TIMEOUT_S * count, out=folder, on_page=on_page)
    if held:
        engine.inspect(work.source, filename=name, timeout_s=_LOOK_TIMEOUT_S)  # raises the reason
    for page in held:
        work.tell(page)
    return found


def _check_readable(source: Path) -> None:
    """Refuse files that are not regular: a pipe or a device would never end."""
    try:
        if source.is_file():
            source.open("rb").close()
            return
    except OSError as error:
        raise Invalid("file.unreadable", filename=source.name, reason=error.strerror) from error
    raise Invalid("file.unreadable", filename=source.name)
