"""The second reader: slower than the first, and better on what the first read doubtfully."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ged.ports.reading import PageRef, Word


class ReadBy(StrEnum):
    """Whose reading a line of a text is."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"
    """Some of its words are the first reader's, and some the second's."""


@dataclass(frozen=True)
class SecondReading:
    """A page after its second reading.

    Attributes:
        text: the surer words of both, line by line, with an empty line between paragraphs.
        words: the words of the text, in its order.
        confidence: mean over the words, 0..100.
        read_by: whose each line of the text is, without the empty lines.
        others: words that one of the two read and that are not in the text: a search finds them too.
    """

    text: str
    words: tuple[Word, ...]
    confidence: float
    read_by: tuple[ReadBy, ...]
    others: tuple[str, ...]


class SecondReader(Protocol):
    """Reads a page once more, in one process of low priority."""

    def read_again(
        self, page: PageRef, *, text: str, words: Sequence[Word], flags: Sequence[str], timeout_s: float
    ) -> SecondReading:
        """Read a doubtful page once more, and choose line by line between both readings.

        Args:
            page: an image, or a page of a PDF.
            text, words, flags: the first reading of this page.
            timeout_s: for the page.

        Raises:
            Invalid: the page's bytes cannot be drawn, or it is no page that this reader reads.
            EngineFailed: ``ocr.second_unavailable``, ``ocr.timeout``, ``ocr.crashed``; DiskFull: ``disk.full``.
        """
        ...

    def check(self) -> str:
        """The name and version of the models' library.

        Raises:
            EngineFailed: ``ocr.second_unavailable``.
        """
        ...
