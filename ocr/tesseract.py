"""The only caller of the tesseract program.

One thread a process (``OMP_THREAD_LIMIT=1``: faster on a shared machine, see the README), one recognition a page.
The address-space limit is inherited from ``ocr.child``, whose process group is ended as a whole on a time-out.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from ged.errors import EngineFailed
from ocr.lines import Line, Token

_WORD_LEVEL = "5"
_RULES = re.compile(r"^[\s|_~`^\\=]*$")  # drawn rules and frames read as letters
_DOUBTFUL_MARK = 40.0  # a word without letter or digit below this confidence is a speck


@dataclass(frozen=True)
class Tesseract:
    """The program and how to call it.

    Attributes:
        program: name on PATH, or path.
        tessdata: folder of the models, the program's own when ``None``.
    """

    program: str = "tesseract"
    tessdata: str | None = None

    def read(self, gray: Image.Image, *, dpi: float, languages: str, timeout_s: float, psm: int = 3) -> list[Line]:
        """Recognise a page.

        Args:
            gray: mode ``L``.
            dpi: resolution of the image given.
            languages: as the program wants them: ``fra`` or ``fra+eng``.
            timeout_s: after which the program is ended.
            psm: page segmentation mode.

        Raises:
            EngineFailed: ``ocr.timeout``, ``ocr.unavailable``, ``ocr.failed``.
        """
        arguments = ["-l", languages, "--dpi", str(round(min(max(dpi, 70), 600))), "--psm", str(psm)]
        tsv = self._run(["stdin", "stdout", *arguments, "-c", "tessedit_create_tsv=1"], _pgm(gray), timeout_s)
        return parse_tsv(tsv, gray.width, gray.height)

    def orientation(self, gray: Image.Image, *, dpi: float, timeout_s: float) -> tuple[int, float]:
        """Say by how many degrees clockwise a page must be turned to stand upright, and how sure that is.

        A page with too few characters to tell stays as it is: ``(0, 0.0)``.

        Raises:
            EngineFailed: ``ocr.timeout``, ``ocr.unavailable``.
        """
        try:
            answer = self._run(["stdin", "stdout", "--psm", "0", "--dpi", str(round(dpi))], _pgm(gray), timeout_s)
        except EngineFailed as failure:
            if failure.code == "ocr.failed":  # exit 1 with "Too few characters" is an answer, no fault
                return 0, 0.0
            raise
        return parse_orientation(answer)

    def languages(self, *, timeout_s: float = 10.0) -> frozenset[str]:
        """Name the models that are installed.

        Raises:
            EngineFailed: ``ocr.unavailable``, ``ocr.timeout``.
        """
        return frozenset(self._run(["--list-langs"], b"", timeout_s).split("\n")[1:]) - {""}

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


def parse_orientation(answer: str) -> tuple[int, float]:
    """Read the answer of page segmentation mode 0."""
    turn = re.search(r"^Rotate: (\d+)", answer, re.MULTILINE)
    sure = re.search(r"^Orientation confidence: ([\d.]+)", answer, re.MULTILINE)
    return (int(turn[1]) % 360, float(sure[1])) if turn and sure else (0, 0.0)
