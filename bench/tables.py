"""Tables of born-digital PDFs: rows kept in one line of text and fields found, with and without pdfplumber.

    python -m bench.tables [--seed S] [--pages 4] [--real FOLDER]

Each PDF producer of this machine makes invoices with known rows and fields; half of the rows have a cell of several
lines. For real files only the changes and the costs are reported. Both readings are made in one run, page by page.
Prints one JSON line for each producer, then a line for all.
"""

import argparse
import json
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

from bench._table_pages import MadeInvoice, Row, draw
from ged.ports import RecognisedPage, Word
from ocr.fields import read_fields
from ocr.inspection import count
from ocr.limits import Limits
from ocr.page import PageReader
from ocr.tables import has_gaps
from ocr.tesseract import recogniser
from ocr.wire import PageTask, load_result


def read(path: Path, index: int, out: Path, *, tables: bool) -> tuple[RecognisedPage, float]:
    """Read a page as the child process does. Returns it with the seconds taken."""
    task = PageTask(str(path), "application/pdf", index, 0, 1, ("fra",), str(out), 60.0, pictures=False)
    reader = PageReader(Limits(), recogniser(None, None))
    began = time.process_time()
    with patch("ocr.page.tables.has_gaps", (lambda _: False) if not tables else has_gaps):
        reader.run(task)
    took = time.process_time() - began
    result = load_result(task)
    words = tuple(Word(*word) for word in result.words)
    found = tuple(tuple(tuple(words[start:end] for start, end in row) for row in table) for table in result.tables)
    page = RecognisedPage(index + 1, result.text, words, 100.0, "fra", None, result.flags, tables=found)
    return page, took


def kept(pages: Sequence[RecognisedPage], rows: Sequence[Row]) -> int:
    """The number of rows that are one line each, with exactly their words in order; a row seen twice needs two lines."""
    texts = [line for page in pages for line in page.text.replace("\u00a0", " ").split("\n")]
    lines = Counter(" ".join(line.replace("|", " ").split()) for line in texts)
    wanted = Counter(" ".join(" ".join(row).replace("|", " ").split()) for row in rows)
    return (lines & wanted).total()


def fields_found(page: RecognisedPage, made: MadeInvoice) -> dict[str, bool]:
    """Which of the fields were read correctly."""
    found = {(one.name, one.value) for one in read_fields([page])}
    return {
        "their_reference": ("their_reference", made.number) in found,
        "our_reference": ("our_reference", made.order) in found,
        "total": ("amount", f"{made.total} FCFA") in found,
    }


def made_figures(folder: Path, seed: int, count: int) -> Iterator[dict[str, object]]:
    """One line for each producer."""
    pages: dict[str, list[MadeInvoice]] = {}
    for made in draw(folder, seed, count):
        pages.setdefault(made.producer, []).append(made)
    for producer, some in pages.items():
        figures: dict[str, object] = {"producer": producer, "rows": sum(len(made.rows) for made in some)}
        for name, tables in (("before", False), ("after", True)):
            done = [(made, *read(made.path, 0, folder, tables=tables)) for made in some]
            figures[f"rows_{name}"] = sum(kept([page], made.rows) for made, page, _ in done)
            found = [fields_found(page, made) for made, page, _ in done]
            for field in found[0]:
                figures[f"{field}_{name}"] = sum(one[field] for one in found)
            figures[f"seconds_{name}"] = round(sum(took for *_, took in done) / len(done), 3)
        yield figures | {"pages": len(some)}


def real_figures(folder: Path, out: Path) -> Iterator[dict[str, object]]:
    """One line for each file: the tables that were found, and the cost of looking for them."""
    for path in sorted(folder.rglob("*.pdf")):
        try:
            pages = int(str(count(path, Limits())["pages"]))
            before = [read(path, index, out, tables=False) for index in range(min(pages, 20))]
            after = [read(path, index, out, tables=True) for index in range(min(pages, 20))]
        except Exception as error:  # noqa: BLE001 - somebody's file, whatever it is
            yield {"file": path.name, "refused": type(error).__name__}
            continue
        asked = [a for a in after if {"tables", "tables_unread"} & set(a[0].flags)]
        yield {
            "file": path.name,
            "pages": len(before),
            "pages_with_tables": sum("tables" in page.flags for page, _ in after),
            "pages_unread": sum("tables_unread" in page.flags for page, _ in after),
            "rows": sum(len(table) for page, _ in after for table in page.tables),
            "words_lost": sum(
                sorted(word.text for word in a.words) != sorted(word.text for word in b.words)
                for (a, _), (b, _) in zip(after, before, strict=True)
            ),
            "fields_before": len(read_fields([page for page, _ in before])),
            "fields_after": len(read_fields([page for page, _ in after])),
            "seconds_before": round(sum(took for _, took in before) / max(len(before), 1), 3),
            "seconds_after": round(sum(took for _, took in after) / max(len(after), 1), 3),
            "asked": len(asked),
        } | as_seen(path.with_suffix(".truth.json"), [page for page, _ in before], [page for page, _ in after])


def as_seen(truth: Path, before: Sequence[RecognisedPage], after: Sequence[RecognisedPage]) -> dict[str, int]:
    """Of the rows and fields that a person saw on the pages, how many were read before and after; nothing without a truth."""
    if not truth.exists():
        return {}
    seen = json.loads(truth.read_text("utf-8"))
    figures = {"rows_seen": len(seen["rows"])}
    for when, pages in (("before", before), ("after", after)):
        figures[f"rows_kept_{when}"] = kept(pages, seen["rows"])
        found = {(one.name, one.value) for one in read_fields(pages)}
        for name, values in seen["fields"].items():
            figures[f"{name}_seen"] = len(values)
            figures[f"{name}_{when}"] = sum(is_found(name, value, found) for value in values)
    return figures


def is_found(name: str, value: str, found: set[tuple[str, str]]) -> bool:
    """Whether a field has a value; ``amount_untaxed`` is one more amount, and a sender holds its name."""
    if name == "sender":
        return any(other == name and value in text for other, text in found)
    return (name.removesuffix("_untaxed"), value) in found


def main() -> None:
    """Measure generated or real pages."""
    parser = argparse.ArgumentParser(description="Benchmark of the tables of PDFs born digital.")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(100_000))
    parser.add_argument("--pages", type=int, default=4)
    parser.add_argument("--real", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        lines = (
            real_figures(arguments.real, out) if arguments.real else made_figures(out, arguments.seed, arguments.pages)
        )
        total: dict[str, float] = {}
        for figures in lines:
            print(json.dumps({"bench": "tables", **figures}, ensure_ascii=False), flush=True)
            for key, value in figures.items():
                if isinstance(value, int | float):
                    total[key] = round(total.get(key, 0) + value, 3)
    print(json.dumps({"bench": "tables", "seed": arguments.seed, "all": total}))


if __name__ == "__main__":
    main()
