"""Our reading (bytes -> text, page images, searchable PDF/A) compared with plain tesseract and OCRmyPDF.

Our reading is measured in both ways: ``ours`` with the library, ``program`` with the system's tesseract.

    python -m bench.ocr [--seeds S S S] [--pages 40]

All four read the same pages, two at a time, in turns of a few pages in one run, so that a busy machine slows all of
them alike. The tesseract program has one thread for each process, which is faster than its default. Prints one JSON
line for each seed, then a line with the worst of each figure.
"""

import argparse
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from bench._ocr_pages import MadePage, draw
from ged.ports import PageRef
from ocr.engine import TesseractEngine

PROCESSES = 2
TURN = 8
_ONE_THREAD = {**os.environ, "OMP_THREAD_LIMIT": "1"}


def bare(page: Path, out: Path) -> str:
    """One page by tesseract alone: text and PDF, into the folder ``out``."""
    base = out / page.stem
    subprocess.run(
        ["tesseract", str(page), str(base), "-l", "fra", "txt", "pdf"], check=True, capture_output=True, env=_ONE_THREAD
    )
    return Path(f"{base}.txt").read_text()


def ocrmypdf(folder: Path) -> int:
    """One PDF of pages by OCRmyPDF; returns the size of its output. The time excludes making its input."""
    source, target = folder / "in.pdf", folder / "out.pdf"
    options = ["--output-type", "pdfa", "-l", "fra", "--jobs", str(PROCESSES)]
    subprocess.run(
        [sys.executable, "-m", "ocrmypdf", *options, str(source), str(target)], check=True, capture_output=True
    )
    return target.stat().st_size


def error_rate(read: str, truth: str) -> float:
    """Character error rate: edits divided by characters, with normalised spaces and straight apostrophes."""
    left, right = (" ".join(text.replace("’", "'").split()) for text in (read, truth))
    return Levenshtein.distance(left, right) / max(len(right), 1)


def recall(read: str, truth: str) -> float:
    """The part (0..1) of the words of three letters and more that was read."""
    left, right = (Counter(re.findall(r"[^\W\d_]{3,}", text.casefold())) for text in (read, truth))
    return (left & right).total() / max(right.total(), 1)


def measure(seed: int, count: int) -> dict[str, float]:
    """All figures of one seed."""
    import img2pdf  # noqa: PLC0415 - late: only the benchmark's environment has it

    seconds = dict.fromkeys(("ours", "program", "bare", "ocrmypdf"), 0.0)
    sizes = dict.fromkeys(("ours", "ocrmypdf"), 0)
    texts: dict[str, list[str]] = {"ours": [], "program": [], "bare": []}
    with tempfile.TemporaryDirectory() as made, ThreadPoolExecutor(PROCESSES) as pool:
        folder = Path(made)
        pages = list(draw(folder, seed, count))
        plugs = {
            "ours": TesseractEngine(jobs=PROCESSES, pictures=False, reader="library"),
            "program": TesseractEngine(jobs=PROCESSES, pictures=False, reader="program"),
        }
        warm = [PageRef(pages[0].path, "image/jpeg", 0)] * PROCESSES
        for name, engine in plugs.items():
            _ours(engine, warm, folder / f"warm-{name}")
        for start in range(0, count, TURN):
            some = pages[start : start + TURN]
            (folder / "in.pdf").write_bytes(img2pdf.convert([str(page.path) for page in some]))
            refs = [PageRef(page.path, "image/jpeg", 0) for page in some]
            for name, engine in plugs.items():
                began = time.perf_counter()
                read, size = _ours(engine, refs, folder / f"{name}-{start}")
                seconds[name] += time.perf_counter() - began
                texts[name] += read
                sizes["ours"] += size if name == "ours" else 0
            began = time.perf_counter()
            texts["bare"] += pool.map(lambda page: bare(page.path, folder), some)
            later = time.perf_counter()
            sizes["ocrmypdf"] += ocrmypdf(folder)
            seconds["bare"] += later - began
            seconds["ocrmypdf"] += time.perf_counter() - later
            print(f"seed {seed}: {start + len(some)}/{count} pages", file=sys.stderr, flush=True)
        for engine in plugs.values():
            engine.close()
    return _figures(pages, seconds, sizes, texts)


def _ours(engine: TesseractEngine, refs: Sequence[PageRef], out: Path) -> tuple[list[str], int]:
    out.mkdir()
    found = engine.recognise(refs, languages=("fra",), timeout_s=1200, out=out)
    return [page.text for page in found.pages], found.searchable_pdf.stat().st_size


def _figures(
    pages: Sequence[MadePage], seconds: dict[str, float], sizes: dict[str, int], texts: dict[str, list[str]]
) -> dict[str, float]:
    figures = {
        "ratio_vs_tesseract": seconds["bare"] / seconds["ours"],
        "ratio_vs_ocrmypdf": seconds["ocrmypdf"] / seconds["ours"],
        "bytes_per_page_ratio": sizes["ours"] / sizes["ocrmypdf"],
        "pages_per_second": len(pages) / seconds["ours"],
        "pages_per_second_program": len(pages) / seconds["program"],
        "ratio_library_vs_program": seconds["program"] / seconds["ours"],
    }
    for name, read in texts.items():
        pairs = list(zip(read, pages, strict=True))
        figures[f"cer_{name}"] = sum(error_rate(text, page.truth) for text, page in pairs) / len(pages)
        figures[f"recall_{name}"] = sum(recall(text, page.truth) for text, page in pairs) / len(pages)
    figures["cer_above_tesseract"] = figures["cer_ours"] - figures["cer_bare"]
    return {name: round(value, 4) for name, value in figures.items()}


def main() -> None:
    """Measure each seed; the last line has the worst figures."""
    parser = argparse.ArgumentParser(description="Benchmark of the reading engine.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[secrets.randbelow(100_000) for _ in range(3)])
    parser.add_argument("--pages", type=int, default=40)
    arguments = parser.parse_args()
    runs = []
    for seed in arguments.seeds:
        runs.append(measure(seed, arguments.pages))
        print(json.dumps({"bench": "ocr", "seed": seed, "pages": arguments.pages, **runs[-1]}), flush=True)
    low_is_good = ("bytes", "cer")
    worst = {name: (max if name.startswith(low_is_good) else min)(run[name] for run in runs) for name in runs[0]}
    print(json.dumps({"bench": "ocr", "worst_of": arguments.seeds, **worst}))


if __name__ == "__main__":
    main()
