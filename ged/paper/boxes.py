"""What the readings of fiches and of slips have in common: the pages of a scan, and a reading as it is stored."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ged.capture.models import Scan
from ged.errors import EngineFailed
from ged.ports import FormReading, PageRef

T = TypeVar("T")


@dataclass(frozen=True)
class ScannedPage:
    """A page on which boxes are looked for."""

    id: int
    digest: str
    media_type: str
    page_index: int

    def at(self, source: Path) -> PageRef:
        """The page, in a copy of its file."""
        return PageRef(source, self.media_type, self.page_index)


def pages_of(scan: Scan, *, most: int) -> tuple[ScannedPage, ...]:
    """The first pages of a scan, those with one of our codes first: a sheet whose code was not read has none."""
    pages = [leaf.page for leaf in scan.leaves if not leaf.removed and not leaf.page.problem]
    pages.sort(key=lambda page: not page.codes)
    return tuple(ScannedPage(page.id, page.digest, page.media_type, page.page_index) for page in pages[:most])


def read_twice(read: Callable[[], T]) -> T:
    """Read once more after a failure that passes: nobody asks for the reading of a sheet a second time."""
    try:
        return read()
    except EngineFailed as error:
        if not error.retryable:
            raise
        return read()


def boxes_of(reading: FormReading) -> list[Any]:
    """Each box as it is stored: key, state, share of ink, corners."""
    return [[one.key, one.state.value, one.ink, one.place] for one in reading.boxes]


def areas_of(reading: FormReading) -> list[Any]:
    """Each area as it is stored: key, whether it has ink, corners."""
    return [[one.key, one.has_ink, one.place] for one in reading.areas]
