"""The process that touches hostile bytes: ``python -m ocr.child SETTINGS``, one JSON request a line, one answer a line.

It limits its own memory, inherits no secret, and ends when its parent closes the pipe or is gone.
"""

import json
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

from ged.errors import EngineFailed, GedError
from ocr import office
from ocr.enclosed import take_out
from ocr.image import shrink
from ocr.inspection import count, inspect
from ocr.limits import MIB, Limits
from ocr.pictures import jpeg
from ocr.showing import show
from ocr.tesseract import Recogniser, recogniser
from ocr.wire import Message, PageTask

_MAX_FILE_BYTES = 1024 * MIB
_THUMBNAIL_QUALITY = 70
_PARENT_LOOK_S = 0.5


def main() -> None:
    """Serve requests until the input ends."""
    settings = json.loads(sys.argv[1])
    limits = Limits(settings["max_pixels"], settings["max_pages"], settings["memory_limit_bytes"])
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_limit_bytes, limits.memory_limit_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_FILE_BYTES, _MAX_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_end_with, args=(settings["parent_pid"],), daemon=True).start()
    answers = _private_output()
    service = _Service(limits, recogniser(settings["tesseract"], settings["tessdata"]))
    for line in sys.stdin.buffer:
        answers.write(json.dumps(service.answer(json.loads(line))).encode("utf-8") + b"\n")
        answers.flush()


def _end_with(parent_pid: int) -> None:
    """End this process and what it started when the parent is gone: a page may take minutes that nobody waits for."""
    while os.getppid() == parent_pid:
        time.sleep(_PARENT_LOOK_S)
    os.killpg(0, signal.SIGKILL)


def _private_output() -> BinaryIO:
    """Keep the answers' pipe from C libraries that write to standard output."""
    private = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(private, "wb")


class _Service:
    def __init__(self, limits: Limits, reads: Recogniser) -> None:
        self._limits = limits
        self._recogniser = reads

    def answer(self, request: Message) -> Message:
        try:
            return {"ok": self._do(request)}
        except EngineFailed as failure:
            return {"failed": failure.code, "params": dict(failure.params), "retryable": failure.retryable}
        except GedError as refusal:
            return {"refused": refusal.code, "remedy": refusal.remedy, "params": dict(refusal.params)}
        except MemoryError:
            return {"failed": "ocr.out_of_memory", "params": {}, "retryable": False}
        except Exception as error:  # noqa: BLE001 - the border of the process: the engine must always have an answer
            return {"failed": "ocr.crashed", "params": {"error": type(error).__name__}, "retryable": False}

    def _do(self, request: Message) -> object:
        operation = request.pop("do")
        if operation == "inspect":
            return inspect(Path(request["source"]), self._limits, start=request["start"], stop=request["stop"])
        if operation == "count":
            return count(Path(request["source"]), self._limits)
        if operation == "convert":
            source, target = Path(request["source"]), Path(request["out"])
            office.convert(source, request["media_type"], target, self._limits, timeout_s=request["timeout_s"])
            return None
        if operation == "take_out":
            take_out(Path(request["source"]), Path(request["out"]))
            return None
        if operation == "languages":
            return sorted(self._recogniser.languages())
        if operation == "thumbnail":
            self._thumbnail(request)
            return None
        from ocr.page import PageReader  # noqa: PLC0415 - with scipy half of the start, and a look at a file needs none of it

        languages = tuple(request.pop("languages"))
        PageReader(self._limits, self._recogniser).run(PageTask(**request, languages=languages))
        return None

    def _thumbnail(self, request: Message) -> None:
        width_px = request["width_px"]
        shown = show(
            Path(request["source"]),
            request["media_type"],
            request["page_index"],
            request["rotation"],
            self._limits,
            long_side_px=4 * width_px,
        )
        long_side_px = width_px * max(shown.image.size) / shown.image.width
        Path(request["out"]).write_bytes(jpeg(shrink(shown.image, round(long_side_px)), _THUMBNAIL_QUALITY))


if __name__ == "__main__":
    main()
