"""The only caller of tesseract: as a library that keeps its model loaded, or as a program a page.

The library (``tesserocr``, with a tesseract of its own) reads a page in two thirds of the time of the program. It runs
inside ``ocr.child``, so that what a page does to it ends that process alone. The program is called where it is named.
One thread a process (``OMP_THREAD_LIMIT=1``: faster on a shared machine), the address-space limit of ``ocr.child``.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from ged.errors import EngineFailed
from ocr.lines import Line, Token

PAGE, BLOCK, LINE, SPARSE = 3, 6, 7, 11  # page segmentation modes
_WORD_LEVEL = "5"
_RULES = re.compile(r"^[\s|_~`^\\=]*$")  # drawn rules and frames read as letters
_DOUBTFUL_MARK = 40.0  # a word without letter or digit below this confidence is a speck
_MODELS = ("share/tesseract-ocr/*/tessdata", "share/tessdata", "share/tesseract-ocr/tessdata")
_LIST_TIMEOUT_S = 10.0
_PREFIXES = ("/usr", "/usr/local", "/opt/homebrew")


class Recogniser(Protocol):
    """What reads the words of an image."""

    def read(self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE) -> list[Line]:
        """Recognise an image.

        Args:
            gray: mode ``L``.
            dpi: resolution of the image given.
            languages: as tesseract wants them: ``fra`` or ``fra+eng``.
            timeout_s: after which reading is given up.
            psm: page segmentation mode.

        Raises:
            EngineFailed: ``ocr.timeout``, ``ocr.unavailable``, ``ocr.failed``.
        """
        ...

    def languages(self) -> frozenset[str]:
        """Name the models that are installed.

        Raises:
            EngineFailed: ``ocr.unavailable``, ``ocr.timeout``.
        """
        ...


def recogniser(program: str | None, tessdata: str | None) -> Recogniser:
    """The library, or the program where one is named."""
    return TesseractProgram(program, tessdata) if program else TesseractLibrary(tessdata)


class TesseractLibrary:
    """Keeps one model loaded, that of the languages asked for last."""

    def __init__(self, tessdata: str | None = None) -> None:
        """Settle where the models are; nothing is loaded before the first page.

        Args:
            tessdata: folder of the models, looked for in the usual places when ``None``.
        """
        self._tessdata = tessdata
        self._loaded: tuple[str, Any] | None = None

    def read(self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE) -> list[Line]:
        """Recognise an image, as ``Recogniser.read``."""
        if timeout_s <= 0:
            raise EngineFailed("ocr.timeout", retryable=True)
        api = self._api(languages)
        api.SetPageSegMode(psm)
        api.SetVariable("tessedit_do_invert", _invert(psm))
        api.SetImageBytes(gray.tobytes(), gray.width, gray.height, 1, gray.width)
        api.SetSourceResolution(_sensible(dpi))
        if not api.Recognize(max(1, int(timeout_s * 1000))):
            raise EngineFailed("ocr.timeout", "The page took too long; try again.", retryable=True)
        return parse_tsv("\n" + api.GetTSVText(0), gray.width, gray.height)

    def languages(self) -> frozenset[str]:
        """Name the models that are installed, as ``Recogniser.languages``."""
        return frozenset(path.stem for path in self._folder().glob("*.traineddata"))

    def _api(self, languages: str) -> Any:
        if self._loaded is None or self._loaded[0] != languages:
            import tesserocr  # noqa: PLC0415 - late: loading the library takes a moment that only the reading of a page is worth

            if self._loaded is not None:
                self._loaded[1].End()
                self._loaded = None
            try:
                oem = tesserocr.OEM.LSTM_ONLY
                api = tesserocr.PyTessBaseAPI(path=str(self._folder()), lang=languages, oem=oem)
            except RuntimeError as error:
                raise EngineFailed("ocr.unavailable", "Install the language of tesseract.") from error
            self._loaded = (languages, api)
        return self._loaded[1]

    def _folder(self) -> Path:
        named = [Path(self._tessdata)] if self._tessdata else []
        usual = (path for prefix in _PREFIXES for pattern in _MODELS for path in sorted(Path(prefix).glob(pattern)))
        for folder in named or usual:
            if any(folder.glob("*.traineddata")):
                return folder
        raise EngineFailed("ocr.unavailable", "Install tesseract-ocr.")


@dataclass(frozen=True)
class TesseractProgram:
    """The program and how to call it.

    Attributes:
        program: name on PATH, or path.
        tessdata: folder of the models, the program's own when ``None``.
    """

    program: str
    tessdata: str | None = None

    def read(self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE) -> list[Line]:
        """Recognise an image, as ``Recogniser.read``."""
        arguments = [
            "-l",
            languages,
            "--dpi",
            str(_sensible(dpi)),
            "--psm",
            str(psm),
            "-c",
            f"tessedit_do_invert={_invert(psm)}",
        ]
        tsv = self._run(["stdin", "stdout", *arguments, "-c", "tessedit_create_tsv=1"], _pgm(gray), timeout_s)
        return parse_tsv(tsv, gray.width, gray.height)

    def languages(self) -> frozenset[str]:
        """Name the models that are installed, as ``Recogniser.languages``."""
        return frozenset(self._run(["--list-langs"], b"", _LIST_TIMEOUT_S).split("\n")[1:]) - {""}

    def _run(self, arguments: Sequence[str], given: bytes, timeout_s: float) -> str:
        if timeout_s <= 0:
            raise EngineFailed("ocr.timeout", retryable=True)
        environment = {**os.environ, "OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}
        if self.tessdata:
            environment["TESSDATA_PREFIX"] = self.tessdata
        try:
            done = subprocess.run(
                [self.program, *arguments],
                input=given,
                capture_output=True,
                timeout=timeout_s,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EngineFailed("ocr.timeout", "The page took too long; try again.", retryable=True) from error
        except OSError as error:
            raise EngineFailed("ocr.unavailable", "Install tesseract-ocr.", program=self.program) from error
        if done.returncode:
            raise EngineFailed("ocr.failed", "The page could not be read.", exit_status=done.returncode)
        return done.stdout.decode("utf-8", "replace")


def _sensible(dpi: float) -> int:
    return round(min(max(dpi, 70), 600))


def _invert(psm: int) -> str:
    """Whether white on black is looked for: rare, and asked at every doubtful line, so only in what is read again."""
    return "1" if psm in {BLOCK, LINE} else "0"


def _pgm(gray: Image.Image) -> bytes:
    return b"P5 %d %d 255\n" % gray.size + gray.tobytes()


def parse_tsv(tsv: str, width_px: int, height_px: int) -> list[Line]:
    """Turn the program's table of words into lines, boxes in fractions; drawn rules and specks are left out."""
    lines: dict[tuple[str, str, str], list[Token]] = {}
    for row in tsv.split("\n")[1:]:
        cells = row.split("\t", 11)
        if len(cells) < 12 or cells[0] != _WORD_LEVEL or _is_noise(cells[11], float(cells[10])):
            continue
        left, top, width, height = (int(cell) for cell in cells[6:10])
        token = Token(
            cells[11].strip(),
            left / width_px,
            top / height_px,
            width / width_px,
            height / height_px,
            max(0.0, float(cells[10])),
        )
        lines.setdefault((cells[2], cells[3], cells[4]), []).append(token)
    result: list[Line] = []
    paragraph: tuple[str, str] | None = None
    for (block, part, _), tokens in lines.items():
        result.append(Line(tuple(tokens), (block, part) != paragraph))
        paragraph = (block, part)
    return result


def _is_noise(text: str, confidence: float) -> bool:
    if _RULES.match(text):
        return True
    return confidence < _DOUBTFUL_MARK and not any(letter.isalnum() for letter in text)
