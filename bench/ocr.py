"""Pages per second of the whole reading (bytes -> text, page images, searchable PDF/A) against bare tesseract.

Peer: two ``tesseract IMAGE OUT -l fra txt pdf`` processes at a time on the same 300 dpi pages. Prints one JSON line.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from demo.ageing import age
from demo.letters import make_letters
from ged.ports import PageRef
from ocr.engine import TesseractEngine

PROCESSES = 2


def draw(folder: Path, seed: int) -> list[Path]:
    """The pages of the ten letters of a seed, aged like scans."""
    pages = []
    for letter in make_letters(seed):
        for n in range(1, letter.page_count + 1):
            path = folder / f"{letter.key}-{n}.png"
            age(letter.draw(n), seed + n, letter.ageing_kind(n)).save(path, dpi=(300, 300))
            pages.append(path)
    return pages


def bare(page: Path) -> None:
    """One page by tesseract alone."""
    subprocess.run(
        ["tesseract", str(page), str(page.with_suffix("")), "-l", "fra", "--dpi", "300", "txt", "pdf"],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )


def main() -> None:
    """Measure once, in one run."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else secrets.randbelow(10_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pages = draw(folder, seed)
        engine = TesseractEngine(jobs=PROCESSES)
        out = folder / "out"
        out.mkdir()
        refs = [PageRef(page, "image/png", 0) for page in pages]
        engine.recognise(refs[:1], languages=("fra",), timeout_s=120, out=out)
        began = time.perf_counter()
        engine.recognise(refs, languages=("fra",), timeout_s=1200, out=out)
        ours = time.perf_counter() - began
        began = time.perf_counter()
        with ThreadPoolExecutor(PROCESSES) as pool:
            list(pool.map(bare, pages))
        theirs = time.perf_counter() - began
        engine.close()
    figures = {"pages": len(pages), "ours_s": round(ours, 2), "tesseract_s": round(theirs, 2)}
    print(json.dumps({"bench": "ocr", "seed": seed, **figures, "ratio_vs_tesseract": round(theirs / ours, 2)}))


if __name__ == "__main__":
    main()
