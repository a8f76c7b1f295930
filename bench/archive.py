"""Our reading of archive pages compared with plain tesseract. Third-party tools drew and damaged the pages.

    python -m bench.archive [--seed S] [--pages 39] [--wear light|usual|heavy] [--keep FOLDER]
    python -m bench.archive --real FOLDER
    python -m bench.archive --second [--real FOLDER]

The second command reads pages of a real archive: images, each with its text in a ``.txt`` file of the same name. The
name up to its first hyphen or digit is the kind (``hand-012.jpg``).

Both engines read the same pages, two at a time, in turn. For each kind of page: the share of its words of three letters
and more that were read, and the number of invented words. The last lines have the figures of all pages, and separately
of the pages that bare tesseract can read (half of their words, or handwriting): a page that it gives up costs it
little.

With ``--second`` each page is also read by the second reader (the extra ``second-reader``): ``recall_final`` is of the
text that it leaves, ``recall_indexed`` with the words beside it that a search finds too, and ``second_s`` its seconds
of a page. Its time is no part of ``time_of_bare``. The figures of each page go to standard error.
"""

import argparse
import json
import re
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench._archive_pages import WEARS, ArchivePage, draw
from bench.ocr import PROCESSES, TURN, bare, recall
from ged.ports import PageRef, RecognisedPage, SecondReader
from ocr.engine import TesseractEngine
from ocr.second_engine import RapidSecondReader

_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".jp2": "image/jp2",
}


@dataclass(frozen=True)
class Second:
    """The results of the second reader on a page."""

    final: float
    indexed: float
    invented: int
    seconds: float


@dataclass(frozen=True)
class Figures:
    """The results of a page: ours and those of plain tesseract."""

    page: ArchivePage
    recall: tuple[float, float]
    invented: tuple[int, int]
    is_doubtful: bool
    second: Second | None = None

    @property
    def can_be_read(self) -> bool:
        """Whether plain tesseract can read the page, or no engine can (handwriting)."""
        return self.page.kind == "hand" or self.recall[1] >= 0.5


def invented(read: str, truth: str) -> int:
    """The number of words of three letters and more in ``read`` that are not on the page."""
    left, right = (Counter(re.findall(r"[^\W\d_]{3,}", text.casefold())) for text in (read, truth))
    return (left - right).total()


def read_again(reader: SecondReader, page: ArchivePage, first: RecognisedPage) -> Second:
    """The results of the second reader on a page that was read."""
    began = time.perf_counter()
    ref = PageRef(page.path, _TYPES[page.path.suffix.lower()], 0)
    found = reader.read_again(ref, text=first.text, words=first.words, flags=first.flags, timeout_s=600)
    seconds = time.perf_counter() - began
    indexed = f"{found.text}\n{' '.join(found.others)}"
    return Second(
        recall(found.text, page.truth), recall(indexed, page.truth), invented(found.text, page.truth), seconds
    )


def measure(pages: Sequence[ArchivePage], reader: SecondReader | None = None) -> tuple[list[Figures], float]:
    """Read all pages with both. Returns the figures, and our time as a share of plain tesseract's.

    ``reader``: read each page a second time.
    """
    figures, seconds = [], [0.0, 0.0]
    engine = TesseractEngine(jobs=PROCESSES, pictures=False)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(PROCESSES) as pool:

        def ours(some: Sequence[ArchivePage], out: Path) -> tuple[RecognisedPage, ...]:
            out.mkdir()
            refs = [PageRef(page.path, _TYPES[page.path.suffix.lower()], 0) for page in some]
            found = engine.recognise(refs, languages=("fra",), timeout_s=1200, out=out)
            return found.pages

        ours([pages[0]] * PROCESSES, Path(name) / "warm")
        for start in range(0, len(pages), TURN):
            some = pages[start : start + TURN]
            began = time.perf_counter()
            read = ours(some, Path(name) / str(start))
            middle = time.perf_counter()
            theirs = list(pool.map(lambda page: bare(page.path, Path(name)), some))
            seconds[0] += middle - began
            seconds[1] += time.perf_counter() - middle
            for page, first, other in zip(some, read, theirs, strict=True):
                words = recall(first.text, page.truth), recall(other, page.truth)
                wrong = invented(first.text, page.truth), invented(other, page.truth)
                second = None if reader is None else read_again(reader, page, first)
                figures.append(Figures(page, words, wrong, "low_confidence" in first.flags, second))
                if second is not None:
                    page_numbers = (words[1], words[0], second.final, second.indexed)
                    print(page.path.stem, *(f"{value:.3f}" for value in page_numbers), file=sys.stderr)
            print(f"{start + len(some)}/{len(pages)} pages", file=sys.stderr, flush=True)
    engine.close()
    return figures, seconds[0] / seconds[1]


def real(folder: Path) -> list[ArchivePage]:
    """Scanned and transcribed pages. An image without its text is an error, which names it."""
    found = []
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in _TYPES):
        truth = path.with_suffix(".txt")
        if not truth.is_file():
            raise SystemExit(f"{path.name}: its text is missing ({truth.name}).")
        found.append(ArchivePage(path, re.split(r"[-_ 0-9]", path.stem, maxsplit=1)[0] or "page", truth.read_text()))
    if not found:
        raise SystemExit(f"{folder}: no page ({', '.join(_TYPES)}).")
    return found


def means_of(figures: Sequence[Figures]) -> dict[str, float]:
    """The means over some pages."""
    count = max(len(figures), 1)
    values: dict[str, float] = {"pages": len(figures)}
    for n, who in enumerate(("ours", "bare")):
        values[f"recall_{who}"] = sum(one.recall[n] for one in figures) / count
        values[f"invented_{who}"] = sum(one.invented[n] for one in figures) / count
    values["doubtful"] = sum(one.is_doubtful for one in figures)
    second = [one.second for one in figures if one.second is not None]
    if second:
        values["recall_final"] = sum(one.final for one in second) / count
        values["recall_indexed"] = sum(one.indexed for one in second) / count
        values["invented_final"] = sum(one.invented for one in second) / count
        values["second_s"] = sum(one.seconds for one in second) / count
    return {name: round(value, 4) for name, value in values.items()}


def main() -> None:
    """Measure one seed."""
    parser = argparse.ArgumentParser(description="Benchmark of the reading engine on pages of an archive.")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(100_000))
    parser.add_argument("--pages", type=int, default=39)
    parser.add_argument("--wear", choices=WEARS, default="usual", help="what the archive went through")
    parser.add_argument("--keep", type=Path, help="draw the pages into this folder and leave them there")
    parser.add_argument("--real", type=Path, help="a folder of real pages and their texts, in place of drawn ones")
    parser.add_argument("--second", action="store_true", help="read each page a second time too")
    arguments = parser.parse_args()
    reader = RapidSecondReader() if arguments.second else None
    head = {"bench": "archive", "seed": arguments.seed, "wear": arguments.wear}
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        if arguments.real:
            pages, head = real(arguments.real), {"bench": "archive", "real": arguments.real.name}
        else:
            pages = list(draw(folder, arguments.seed, arguments.pages, wear=arguments.wear))
        figures, time_of_bare = measure(pages, reader)
        readable, readable_time = measure([one.page for one in figures if one.can_be_read])
    for kind in sorted({page.kind for page in pages}):
        print(json.dumps({**head, "kind": kind, **means_of([one for one in figures if one.page.kind == kind])}))
    for pages_read, figure, which in ((readable, readable_time, "read by bare"), (figures, time_of_bare, "all")):
        print(json.dumps({**head, "which": which, **means_of(pages_read), "time_of_bare": round(figure, 3)}))


if __name__ == "__main__":
    main()
