"""The adapter of the port ``WordEngine``: all files are opened in the children of ``ocr.sandbox``."""

import base64
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ged.ports import WordFacts, WordPdf
from ocr.limits import MAX_PIXELS, MIB
from ocr.office import PROGRAM
from ocr.sandbox import Sandbox
from ocr.wire import Message
from sandbox import Isolation, Kind, chosen

MAX_PAGES = 60
_MEMORY_BYTES = 2048 * MIB
_ASK_TIMEOUT_S = 20.0
_ASK_AGAIN_S = 60.0


class LibreOfficeWord:
    """Makes the pages of Word files with LibreOffice, where it is installed."""

    def __init__(self, *, isolation: Isolation | None = None) -> None:
        """Prepare; nothing is started before the first call."""
        settings: Message = {
            "max_pixels": MAX_PIXELS, "max_pages": MAX_PAGES, "memory_limit_bytes": _MEMORY_BYTES, "tesseract": None,
            "tessdata": None,
        }  # fmt: skip
        self._isolation = isolation
        self._sandbox = Sandbox(settings, isolation=isolation)
        self._version, self._ask_from_s = "", 0.0

    def stop(self) -> None:
        """End all children."""
        self._sandbox.stop()

    def version(self) -> str:
        """``WordEngine.version``; asked of the program until it tells it, at most once a minute."""
        if not self._version and time.monotonic() >= self._ask_from_s:
            self._version = self._asked_version()
            self._ask_from_s = time.monotonic() + _ASK_AGAIN_S
        return self._version

    def _asked_version(self) -> str:
        if shutil.which(PROGRAM) is None or (self._isolation or chosen()).kind is Kind.LANDLOCK:
            return ""
        with tempfile.TemporaryDirectory(prefix="office-", ignore_cleanup_errors=True) as folder:
            command = [PROGRAM, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--version"]
            try:
                version_line = subprocess.run(
                    command,
                    capture_output=True,
                    text=True,
                    timeout=_ASK_TIMEOUT_S,
                    check=False,
                    stdin=subprocess.DEVNULL,
                ).stdout
            except (OSError, subprocess.TimeoutExpired):
                return ""
        return " ".join(version_line.split()[:2])

    def look(self, source: Path, *, timeout_s: float) -> WordFacts:
        """``WordEngine.look``."""
        answer = self._ask({"do": "word_look", "source": str(source.resolve())}, timeout_s)
        return WordFacts(
            tuple(answer["fields"]), str(answer["text"]), int(answer["changes"]), int(answer["comments"]),
            {str(name): str(value) for name, value in answer["properties"].items()}, tuple(answer["left_out"]),
        )  # fmt: skip

    def fill(
        self,
        source: Path,
        out: Path,
        values: Mapping[str, str],
        properties: Mapping[str, str],
        *,
        poured: Mapping[str, str],
        timeout_s: float,
    ) -> None:
        """``WordEngine.fill``."""
        request: Message = {"values": dict(values), "properties": dict(properties), "poured": dict(poured)}
        self._ask({"do": "word_fill", "source": str(source.resolve()), "out": str(out), **request}, timeout_s)

    def pages(
        self,
        source: Path,
        out: Path,
        values: Mapping[str, str],
        places: Mapping[str, tuple[float, float]],
        *,
        timeout_s: float,
    ) -> WordPdf:
        """``WordEngine.pages``."""
        request: Message = {"values": dict(values), "places": dict(places), "timeout_s": max(1.0, timeout_s - 3)}
        answer = self._ask({"do": "word_pages", "source": str(source.resolve()), "out": str(out), **request}, timeout_s)
        boxes = {
            str(name): cast("tuple[int, float, float, float, float]", tuple(box))
            for name, box in answer["places"].items()
        }
        return WordPdf(tuple((float(w), float(h)) for w, h in answer["sizes"]), boxes)

    def stamp(self, pdf: bytes, sheets: bytes, page_numbers: tuple[int, ...], *, timeout_s: float) -> bytes:
        """``WordEngine.stamp``."""
        with tempfile.TemporaryDirectory(prefix="word-") as name:
            source, out = Path(name) / "source", Path(name) / "out"
            source.write_bytes(pdf)
            request: Message = {"sheets": base64.b64encode(sheets).decode(), "page_numbers": list(page_numbers)}
            self._ask({"do": "word_stamp", "source": str(source), "out": str(out), **request}, timeout_s)
            return out.read_bytes()

    def _ask(self, request: Message, timeout_s: float) -> dict[str, Any]:
        return cast(dict[str, Any], self._sandbox.ask(request, timeout_s=timeout_s))
