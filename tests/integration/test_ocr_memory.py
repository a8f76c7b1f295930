"""A long document is read in bounded memory. The memory of all processes together counts, and it does not grow."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pikepdf
import pytest

from ged.ports import PageRef, RecognisedPage
from ocr.engine import TesseractEngine
from tests.ocr_pages import aged, draw, scan_pdf

PAGES = 300 if os.environ.get("GED_TEST_LONG") else 16
LIMIT_MB = 600 if PAGES == 300 else 600 - 100  # a hundred remain for the longer document


@pytest.mark.long("the memory of a long document")
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_of_the_tree_of_processes(tmp_path: Path) -> None:
    source = scan_pdf([aged(draw()).convert("RGB")], tmp_path / "one.pdf")
    with pikepdf.open(source) as one, pikepdf.new() as many:
        for _ in range(PAGES):
            many.pages.append(one.pages[0])
        many.save(tmp_path / "many.pdf")
    engine = TesseractEngine(jobs=2)
    halfway: list[float] = []

    def note(page: RecognisedPage) -> None:
        if page.page_no == PAGES // 2:
            halfway.append(max(seen))

    with watched(own_share_mb()) as seen:
        engine.inspect(tmp_path / "many.pdf", filename="m", timeout_s=300)
        refs = [PageRef(tmp_path / "many.pdf", "application/pdf", index) for index in range(PAGES)]
        engine.recognise(refs, languages=["fra"], timeout_s=600, out=tmp_path, on_page=note)
    engine.close()
    print(f"{PAGES} pages: {max(seen):.0f} MB")
    assert len(seen) > 10
    assert max(seen) < LIMIT_MB
    assert max(seen) < halfway[0] + 60, "it does not grow with the pages"


@contextmanager
def watched(before_mb: float) -> Iterator[list[float]]:
    """Megabytes of the child processes, and of this process above its start; measured ten times a second.

    Children that exist at the start are left out: one may be a server for other tests.
    """
    done, seen, others = threading.Event(), [0.0], {path.name for path in below(Path("/proc/self"))}

    def watch() -> None:
        while not done.wait(0.1):
            ours = [path for path in below(Path("/proc/self")) if path.name not in others]
            seen.append(own_share_mb() - before_mb + sum(map(share_mb, ours)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def own_share_mb() -> float:
    return share_mb(Path("/proc/self"))


def below(process: Path) -> Iterator[Path]:
    """The processes below a process. A fork that has not yet started its program is counted with its parent."""
    try:
        words = (process / "cmdline").read_bytes()
        children = [n for task in (process / "task").iterdir() for n in (task / "children").read_text().split()]
        for number in children:
            child = Path("/proc", number)
            if (child / "cmdline").read_bytes() != words:
                yield child
                yield from below(child)
    except (FileNotFoundError, ProcessLookupError):
        return


def share_mb(process: Path) -> float:
    """Proportional share of memory: pages that several processes share are counted once."""
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
