"""What the page of a document says of a second reading: whose each line is, and the first reading."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from ged.ports import ReadBy
from ged.search.models import PageReadAgain


@dataclass(frozen=True)
class LineRead:
    """A line of a page's text, and its reader."""

    text: str
    by: ReadBy


@dataclass(frozen=True)
class ReadAgain:
    """A page that was read a second time.

    Attributes:
        lines: of its text, without the empty ones.
        first_text: the first reading.
        others: words that one reader read and that are not in the text; a search finds them.
    """

    lines: tuple[LineRead, ...]
    first_text: str
    others: str

    @property
    def replaced(self) -> int:
        """The number of lines of which the second reader read all or some words."""
        return sum(line.by is not ReadBy.FIRST for line in self.lines)


def of_page(session: Session, attachment_id: int, page_no: int, text: str) -> ReadAgain | None:
    """The second reading of a page with this text; None without one. The caller has checked access to the letter."""
    row = session.get(PageReadAgain, (attachment_id, page_no))
    lines = [line for line in text.split("\n") if line.strip()]
    if row is None or row.problem or len(lines) != len(row.read_by):
        return None
    read = tuple(LineRead(line, ReadBy(by)) for line, by in zip(lines, row.read_by, strict=True))
    return ReadAgain(read, row.first_text, row.others)
