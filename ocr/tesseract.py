"""The only caller of tesseract, in one of two ways: a library that keeps its model loaded, or a program for each image.

The library (``tesserocr``, with its own tesseract) reads a page in half the time. The program is the system's, called
through pytesseract: it gets the security updates of the system, and it exists where the library has no wheel. Both run
inside ``ocr.child``: a hostile page can crash only that process, which has limits. The sandbox allows one thread for
each process (``OMP_THREAD_LIMIT=1``: faster on a shared machine).
"""

import re
import shlex
from collections.abc import Sequence
from enum import StrEnum
from importlib.util import find_spec
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Protocol

import pytesseract
from PIL import Image
from pytesseract import Output, TesseractError, TesseractNotFoundError

from ged.errors import EngineFailed
from ocr.lines import Line, Token

PAGE, BLOCK, LINE, SPARSE = 3, 6, 7, 11  # page segmentation modes
_WORD_LEVEL = "5"
_RULES = re.compile(r"^[\s|_~`^\\=]*$")  # drawn rules and frames read as letters
# « etc... » on three of four real typescripts is read as « ete... »; no sentence leaves off after the word « été » in small
# letters without accents.
_AND_SO_ON = re.compile(r"\bete(?=\.{2}|…)")
_DARK = 128  # darker than this
_DARK_SHARE = 0.3  # of a part: letters cover a tenth of it, and a white line in a black band leaves two thirds dark
_DOUBTFUL_MARK = 40.0  # a word without letter or digit below this confidence is a speck
_MODELS = ("share/tesseract-ocr/*/tessdata", "share/tessdata", "share/tesseract-ocr/tessdata")
_PREFIXES = ("/usr", "/usr/local", "/opt/homebrew")
PROGRAM = "tesseract"


class Plug(StrEnum):
    """The two ways to call tesseract."""

    LIBRARY = "library"
    PROGRAM = "program"


def plug_of(wanted: str) -> Plug:
    """The value of a setting: ``library``, ``program``, or ``automatic``: the library if its wheel is installed."""
    if wanted == "automatic":
        return Plug.LIBRARY if find_spec("tesserocr") else Plug.PROGRAM
    return Plug(wanted)


class Recogniser(Protocol):
    """Reads the words of an image.

    Attributes:
        broke_off: a reading was aborted, and its processes may still run: the child must be ended with all of them.
    """

    broke_off: bool

    def read(self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE) -> list[Line]:
        """Recognise an image.

        Args:
            gray: mode ``L``.
            dpi: resolution of ``gray``.
            languages: in the syntax of tesseract: ``fra`` or ``fra+eng``.
            timeout_s: after this time reading is aborted.
            psm: page segmentation mode.

        Raises:
            EngineFailed: ``ocr.timeout``, ``ocr.unavailable``, ``ocr.failed``.
        """
        ...

    def languages(self) -> frozenset[str]:
        """The names of the installed models.

        Raises:
            EngineFailed: ``ocr.unavailable``.
        """
        ...

    def version(self) -> str:
        """Version of the tesseract used, as ``5.3.0``.

        Raises:
            EngineFailed: ``ocr.unavailable``.
        """
        ...


def recogniser(program: str | None, tessdata: str | None) -> Recogniser:
    """The program if ``program`` names one, else the library."""
    return TesseractProgram(program, tessdata) if program else TesseractLibrary(tessdata)


class TesseractLibrary:
    """Keeps one model loaded: that of the last languages used."""

    broke_off = False  # it gives up by itself, within this process

    def __init__(self, tessdata: str | None = None) -> None:
        """Set the folder of the models; nothing is loaded before the first page.

        Args:
            tessdata: folder of the models; when ``None``, searched in the usual places.
        """
        self._tessdata = tessdata
        self._loaded: tuple[str, Any] | None = None

    def read(self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE) -> list[Line]:
        """Recognise an image, as ``Recogniser.read``."""
        if timeout_s <= 0:
            raise EngineFailed("ocr.timeout", retryable=True)
        api = self._api(languages)
        api.SetPageSegMode(psm)
        api.SetVariable("tessedit_do_invert", _invert(gray, psm))
        api.SetImageBytes(gray.tobytes(), gray.width, gray.height, 1, gray.width)
        api.SetSourceResolution(_sensible(dpi))
        if not api.Recognize(max(1, int(timeout_s * 1000))):
            raise EngineFailed("ocr.timeout", "The page took too long; try again.", retryable=True)
        # The program's table has a head line, the library's has none.
        return parse_tsv("\n" + api.GetTSVText(0), gray.width, gray.height, known=_in_dictionary(api))

    def languages(self) -> frozenset[str]:
        """Name the models that are installed, as ``Recogniser.languages``."""
        return frozenset(path.stem for path in self._folder().glob("*.traineddata"))

    def version(self) -> str:
        """Version of the library's own tesseract, as ``Recogniser.version``."""
        return str(_library().tesseract_version()).split()[1]

    def _api(self, languages: str) -> Any:
        if self._loaded is None or self._loaded[0] != languages:
            tesserocr = _library()
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


def _library() -> Any:
    try:
        import tesserocr  # noqa: PLC0415 - late: not on every machine, and only the reading of a page is worth the moment it takes
    except ImportError as error:
        raise EngineFailed("ocr.unavailable", "Install tesserocr, or set GED_OCR_READER=program.") from error
    return tesserocr


class TesseractProgram:
    """The system's program, called by pytesseract for each image."""

    def __init__(self, program: str = PROGRAM, tessdata: str | None = None) -> None:
        """Set the program; nothing is started yet. One program for each process: pytesseract stores its name globally.

        Args:
            program: name on PATH, or path.
            tessdata: folder of the models; when ``None``, the program's own.
        """
        pytesseract.pytesseract.tesseract_cmd = self._program = program
        self._models = f"--tessdata-dir {shlex.quote(tessdata)}" if tessdata else ""
        self.broke_off = False

    def read(self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = PAGE) -> list[Line]:
        """Recognise an image, as ``Recogniser.read``."""
        if timeout_s <= 0:
            raise EngineFailed("ocr.timeout", retryable=True)
        options = f"{self._models} --dpi {_sensible(dpi)} --psm {psm} -c tessedit_do_invert={_invert(gray, psm)}"
        plain = gray.copy()
        plain.format = "PPM"  # uncompressed: encoding it as PNG takes a tenth of the reading time
        try:
            tsv: bytes = pytesseract.image_to_data(
                plain, lang=languages, config=options, output_type=Output.BYTES, timeout=timeout_s
            )
        except TesseractNotFoundError as error:
            raise self._missing() from error
        except TesseractError as error:
            raise EngineFailed("ocr.failed", "The page could not be read.", exit_status=error.status) from error
        except RuntimeError as error:  # pytesseract kills only the program, not its children
            self.broke_off = True
            raise EngineFailed("ocr.timeout", "The page took too long; try again.", retryable=True) from error
        except (OSError, ValueError) as error:  # no table was written, or the error message is not text
            raise EngineFailed("ocr.failed", "The page could not be read.") from error
        return parse_tsv(tsv.decode("utf-8", "replace"), gray.width, gray.height)

    def languages(self) -> frozenset[str]:
        """Name the models that are installed, as ``Recogniser.languages``."""
        try:
            return frozenset(pytesseract.get_languages(config=self._models))
        except TesseractNotFoundError as error:
            raise self._missing() from error

    def version(self) -> str:
        """Version of the program, as ``Recogniser.version``."""
        try:
            return str(pytesseract.get_tesseract_version())
        except (TesseractNotFoundError, SystemExit) as error:  # the second: the version is invalid
            raise self._missing() from error

    def _missing(self) -> EngineFailed:
        return EngineFailed("ocr.unavailable", "Install tesseract-ocr.", program=self._program)


def _sensible(dpi: float) -> int:
    return round(min(max(dpi, 70), 600))


def _invert(gray: Image.Image, psm: int) -> str:
    """Whether to look for white on black, which reads each line of less than 0.7 twice: only in a part with a dark place."""
    if psm not in {BLOCK, LINE}:
        return "0"
    return str(int(sum(gray.histogram()[:_DARK]) > _DARK_SHARE * gray.width * gray.height))


def _in_dictionary(api: Any) -> list[bool]:
    """Of each word of the table of words, in its order, whether the model's dictionary has it."""
    tesserocr = _library()
    words = tesserocr.iterate_level(api.GetIterator(), tesserocr.RIL.WORD)
    return [bool(word.WordIsFromDictionary()) for word in words]


def parse_tsv(tsv: str, width_px: int, height_px: int, *, known: Sequence[bool] = ()) -> list[Line]:
    """Parse the program's table of words into lines, with boxes in fractions, without drawn rules and specks.

    ``known``: of each word of the table, whether it is in the dictionary; empty where nothing tells.
    """
    lines: dict[tuple[str, str, str], list[Token]] = {}
    words = (cells for row in tsv.split("\n")[1:] if len(cells := row.split("\t", 11)) == 12)
    words = (cells for cells in words if cells[0] == _WORD_LEVEL)
    for cells, is_known in zip(words, chain(known, repeat(None)), strict=False):
        if _is_noise(cells[11], float(cells[10])):
            continue
        left, top, width, height = (int(cell) for cell in cells[6:10])
        token = Token(
            _AND_SO_ON.sub("etc", cells[11].strip()),
            left / width_px,
            top / height_px,
            width / width_px,
            height / height_px,
            max(0.0, float(cells[10])),
            is_known,
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
