"""The engine's side of ``ocr.child``: copies files to a child's room and results back; maps its failures to our codes.

The children never open a file of ours (see the package ``sandbox``). Office files are drawn in separate children:
LibreOffice is a program, which the other children cannot start, and a child of one document serves no other.
"""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from ged.errors import EngineFailed, Invalid
from ocr.limits import FULL, MIB, full, is_full
from ocr.wire import Message
from sandbox import Busy, Child, Isolation, Kind, Late, Limits, Pool, SandboxError

_MAX_FILE_BYTES = 1024 * MIB
_USES = 300
_OFFICES = 2
_MADE = "made"
_PACKAGES = ("ged", "ocr")
_SERVICE = "ocr.child:service"
_PAGE = "page"
_IN_OFFICE = frozenset({"convert", "word_pages"})
"""Requests that start LibreOffice."""


class ChildGone(EngineFailed):
    """The child ended, was killed at its timeout, or sent an invalid response."""


class Sandbox:
    """A pool of children; they end with the sandbox or the interpreter.

    Args:
        settings: of ``ocr.child``.
        looks: concurrent inspections, thumbnails and office files: each may take all the memory of one child.
        isolation: unless given, the best that this machine allows.
    """

    def __init__(self, settings: Message, *, inspections: int = 2, isolation: Isolation | None = None) -> None:
        """Prepare; nothing is started yet."""
        named = [shutil.which(name) or name for name in (settings["tesseract"], settings["tessdata"]) if name]
        limits = Limits(settings["memory_limit_bytes"], file_bytes=_MAX_FILE_BYTES, descriptors=1024)
        calls_programs = Limits(limits.memory_bytes, file_bytes=_MAX_FILE_BYTES, descriptors=1024, programs=True)
        self._reading = Pool(
            _SERVICE,
            settings,
            packages=_PACKAGES,
            limits=calls_programs if settings["tesseract"] else limits,
            isolation=isolation,
            readable=tuple(map(Path, named)),
            uses=_USES,
        )
        self._office = Pool(
            _SERVICE, settings, packages=_PACKAGES, limits=calls_programs, isolation=isolation, uses=1, size=_OFFICES
        )
        self._inspections = threading.BoundedSemaphore(max(1, inspections))

    def close(self) -> None:
        """End the idle children; the sandbox can still be used and starts new children."""
        for pool in (self._reading, self._office):
            pool.close()

    def stop(self) -> None:
        """End all children, also busy ones: their callers get ``ChildGone``, and no child is started again."""
        for pool in (self._reading, self._office):
            pool.stop()

    def interrupt(self, work: object) -> None:
        """End the children that do this work; their callers get ``ChildGone``."""
        self._reading.interrupt(work)

    def ask(self, request: Message, *, timeout_s: float, work: object = None) -> object:
        """Send a request to a child; ``interrupt`` identifies it by ``work``.

        ``source`` of the request is a file; ``out`` is the folder of a page's files, else the one file to make.

        Raises:
            Invalid: the refusal of the file.
            EngineFailed: ``ocr.timeout``, ``ocr.crashed``, ``ocr.out_of_memory``, ``ocr.unavailable``.
            DiskFull: ``disk.full``: there is no room for the child's files.
            OSError: a file cannot be read or written for another reason.
        """
        pool = self._office if request["do"] in _IN_OFFICE else self._reading
        if pool is self._office and pool.isolation.kind is Kind.LANDLOCK:
            # LibreOffice does not start under Landlock; the failure would be taken for a damaged document.
            raise Invalid("office.unavailable", "Send the document as PDF.")
        end_s = time.monotonic() + timeout_s
        try:
            with self._place(request, timeout_s), pool.child(work, wait_s=end_s - time.monotonic()) as child:
                answer = _asked(child, request, end_s)
        except (Late, Busy) as late:
            raise ChildGone("ocr.timeout", "Try again later.", retryable=True) from late
        except SandboxError as gone:
            raise ChildGone("ocr.crashed", "The file ended the reading process.") from gone
        except OSError as error:
            if is_full(error):
                raise full() from error
            raise
        return _value_or_raise(answer)

    @contextmanager
    def _place(self, request: Message, timeout_s: float) -> Iterator[None]:
        """Hold a slot for inspections; the engine has its own slots for pages."""
        if request["do"] == _PAGE:
            yield
            return
        if not self._inspections.acquire(timeout=max(0.0, timeout_s)):
            raise Busy("first looks")
        try:
            yield
        finally:
            self._inspections.release()


def _asked(child: Child, request: Message, end_s: float) -> Message:
    inside = dict(request)
    if "source" in request:
        inside["source"] = str(child.put(Path(request["source"])))
    if "out" in request:
        inside["out"] = str(child.room if request["do"] == _PAGE else child.room / _MADE)
    try:
        answer = child.ask(inside, timeout_s=end_s - time.monotonic()).message
    except SandboxError:
        if request["do"] == _PAGE:
            _brought_out(child, request)  # partial results of a page are shown
        raise
    if "out" in request:
        # Of another request half a file may be there, which the next call would take for the whole.
        if "ok" in answer or request["do"] == _PAGE:
            _brought_out(child, request)
        child.tidy()
    if answer.get("broke_off"):
        child.end()  # with all that it started
    return answer


def _brought_out(child: Child, request: Message) -> None:
    """Copy the child's results to their place; the file that marks a page as complete comes last."""
    if request["do"] != _PAGE:
        child.take(_MADE, Path(request.get("out", "")))
        return
    folder, stem = Path(request["out"]), f"page-{request['page_no']:04d}"
    made = [name for name in child.made() if name.startswith((f"{stem}.", f"{stem}-")) and not name.endswith(".tmp")]
    for name in sorted(made, key=lambda name: name.endswith(".json")):
        child.take(name, folder / name)


def _value_or_raise(answer: Message) -> object:
    if "ok" in answer:
        return cast(object, answer["ok"])
    params = cast(Message, answer.get("params", {}))
    if "refused" in answer:
        raise Invalid(str(answer["refused"]), str(answer.get("remedy", "")), **params)
    if answer.get("failed") == FULL:
        raise full()
    raise EngineFailed(str(answer.get("failed")), retryable=bool(answer.get("retryable")), **params)
