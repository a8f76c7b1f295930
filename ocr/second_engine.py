"""The adapter of the port ``SecondReader``: the models run in a limited child of low priority, one page at a time."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from ged.errors import EngineFailed, Invalid
from ged.ports import PageRef, ReadBy, SecondReading, Word
from ocr.limits import FULL, MAX_PIXELS, MIB, full, is_full
from ocr.lines import Line, Token, confidence_of, text_of
from ocr.wire import Message
from sandbox import Isolation, Late, Limits, Pool, SandboxError

LIBRARY = "rapidocr"
_NEEDED = (LIBRARY, "onnxruntime", "spellchecker")
_SERVICE = "ocr.second_page:service"
_PACKAGES = ("ged", "ocr")
_USES = 50
_MAX_FILE_BYTES = 1024 * MIB
_READABLE_TYPES = ("image/", "application/pdf")


def is_installed() -> bool:
    """Whether the extra ``second-reader`` is there."""
    return all(find_spec(name) is not None for name in _NEEDED)


class RapidSecondReader:
    """PP-OCR on the lines that tesseract read doubtfully. The child is started with the first page."""

    def __init__(
        self,
        *,
        max_pixels: int = MAX_PIXELS,
        max_pages: int = 500,
        memory_limit_bytes: int = 3072 * MIB,
        isolation: Isolation | None = None,
    ) -> None:
        """Set the limits.

        Args:
            max_pixels: of a page, as its header says.
            max_pages: of a file.
            memory_limit_bytes: address space of the child.
            isolation: of the child; unless given, the best that this machine allows.
        """
        settings: Message = {
            "max_pixels": max_pixels,
            "max_pages": max_pages,
            "memory_limit_bytes": memory_limit_bytes,
        }
        limits = Limits(memory_limit_bytes, file_bytes=_MAX_FILE_BYTES, descriptors=1024)
        self._pool = Pool(
            _SERVICE, settings, packages=_PACKAGES, limits=limits, isolation=isolation, uses=_USES, size=1
        )

    def close(self) -> None:
        """End the idle child; the reader can still be used."""
        self._pool.close()

    def stop(self) -> None:
        """End the child, also while it reads; nothing more is read."""
        self._pool.stop()

    def check(self) -> str:
        """The library with its version, as ``SecondReader.check``."""
        if not is_installed():
            raise _unavailable()
        try:
            return f"{LIBRARY} {version(LIBRARY)}"
        except PackageNotFoundError as missing:
            raise _unavailable() from missing

    def read_again(
        self, page: PageRef, *, text: str, words: Sequence[Word], flags: Sequence[str], timeout_s: float
    ) -> SecondReading:
        """Read a page once more, as ``SecondReader.read_again``."""
        self.check()
        if not page.media_type.startswith(_READABLE_TYPES):
            raise Invalid("ocr.not_read_again", "Only images and PDF files are read again.")
        request: Message = {
            "do": "read_again",
            "media_type": page.media_type,
            "page_index": page.page_index,
            "rotation": page.rotation % 360,
            "text": text,
            "words": [[w.text, w.x, w.y, w.width, w.height, w.confidence] for w in words],
            "flags": list(flags),
        }
        try:
            return _reading(self._asked(request, page.source, timeout_s))
        except (ValueError, KeyError, TypeError) as error:
            raise EngineFailed("ocr.crashed", "The file ended the reading process.") from error

    def _asked(self, request: Message, source: Path, timeout_s: float) -> Message:
        try:
            with self._pool.child(wait_s=timeout_s) as child:
                inside = {**request, "source": str(child.put(source))}
                answer = child.ask(inside, timeout_s=timeout_s).message
        except Late as late:
            raise EngineFailed("ocr.timeout", "Try again later.", retryable=True) from late
        except SandboxError as gone:
            raise EngineFailed("ocr.crashed", "The file ended the reading process.") from gone
        except OSError as error:
            if is_full(error):
                raise full() from error
            raise
        return _value_or_raise(answer)


def _unavailable() -> EngineFailed:
    return EngineFailed("ocr.second_unavailable", "Install the extra second-reader, or set GED_OCR_SECOND_READER=off.")


def _value_or_raise(answer: Message) -> Message:
    if "ok" in answer:
        return cast(Message, answer["ok"])
    if "refused" in answer:
        raise Invalid(str(answer["refused"]), str(answer.get("remedy", "")), **cast(Message, answer.get("params", {})))
    if answer.get("failed") == FULL:
        raise full()
    raise EngineFailed(str(answer.get("failed")), retryable=bool(answer.get("retryable")))


def _reading(data: Message) -> SecondReading:
    """The reading that the child sent: a hostile file may control the child, so every value is checked."""
    lines, read_by = list[Line](), list[ReadBy]()
    for starts, by, words in data["lines"]:
        tokens = tuple(_token(word) for word in words)
        if tokens:
            lines.append(Line(tokens, bool(starts)))
            read_by.append(ReadBy(by))
    return SecondReading(
        text_of(lines),
        tuple(token.word() for line in lines for token in line.tokens),
        confidence_of(lines),
        tuple(read_by),
        tuple(word for word in map(_storable, data["others"]) if word),
    )


def _token(word: Sequence[object]) -> Token:
    text = "".join(_storable(word[0]).split())
    x, y, width, height, confidence = (float(cast(float, value)) for value in word[1:6])
    if not text or not all(-1 <= value <= 2 for value in (x, y, width, height)) or not 0 <= confidence <= 100:
        raise ValueError("no word of a page")
    return Token(text, x, y, width, height, confidence)


def _storable(sent: object) -> str:
    """A text that the database takes. One that it refuses would fail the job again and again."""
    text = str(sent)
    if "\x00" in text or text.encode("utf-8", "replace").decode() != text:
        raise ValueError("no text")
    return text
