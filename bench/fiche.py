"""Boxes of fiches de transmission that came back, read by the machine: how many are right, wrong, and asked.

    python -m bench.fiche [--sheets 60] [--other 20] [--seed 18] [--keep FOLDER]

``--sheets`` are ticked by the drawing that the reader was written with, ``--other`` more by another one; all are damaged by
Augraphy. A line of JSON for each sheet, then the sums of each drawing. A box that is doubtful, or on a sheet that is not
found, is asked: it is not decided, and neither right nor wrong.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from bench._fiche_sheets import OTHER, OWN, Sheet, draw
from ocr.forms import read_form


def measure(sheet: Sheet) -> dict[str, object]:
    """The figures of one sheet."""
    started = time.perf_counter()
    found = read_form(sheet.image, sheet.form)
    seconds = time.perf_counter() - started
    counts: Counter[str] = Counter()
    wrong = []
    for box in found.boxes if found is not None else ():
        truth = sheet.truth[box.key]
        verdict = "doubtful" if box.state.value == "doubtful" else "right" if box.state.value == truth else "wrong"
        counts[verdict] += 1
        counts[f"{verdict} {truth}"] += 1
        if verdict == "wrong":
            wrong.append([box.key, truth, box.state.value, box.ink])
    return {
        "hand": sheet.hand,
        "dpi": sheet.dpi,
        "wear": list(sheet.wear),
        "is_found": found is not None,
        "boxes": len(sheet.truth),
        **dict(sorted(counts.items())),
        "wrong_boxes": wrong,
        "seconds": round(seconds, 3),
    }


def _sum(rows: list[dict[str, object]], hand: str) -> dict[str, object]:
    total: Counter[str] = Counter()
    for row in rows:
        for key in ("boxes", "right", "wrong", "doubtful"):
            total[key] += int(str(row.get(key, 0)))
        for key, value in row.items():
            if " " in key:
                total[key] += int(str(value))
    decided = total["right"] + total["wrong"]
    return {
        "sum": hand,
        "sheets": len(rows),
        "not_found": sum(not row["is_found"] for row in rows),
        **dict(sorted(total.items())),
        "decided_right": round(total["right"] / decided, 5) if decided else None,
        "asked": round(1 - decided / total["boxes"], 4) if total["boxes"] else None,
        "seconds_most": max(float(str(row["seconds"])) for row in rows),
    }


def main() -> None:
    """Run the measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheets", type=int, default=60)
    parser.add_argument("--other", type=int, default=20)
    parser.add_argument("--seed", type=int, default=18)
    parser.add_argument("--keep", type=Path, help="folder for the pictures")
    given = parser.parse_args()
    for hand, count in ((OWN, given.sheets), (OTHER, given.other)):
        rows = []
        for n in range(count):
            sheet = draw(random.Random(f"{given.seed} {hand} {n}"), hand)
            if given.keep is not None:
                given.keep.mkdir(parents=True, exist_ok=True)
                sheet.image.save(given.keep / f"{hand}-{n:02d}.png")
            rows.append(measure(sheet))
            print(json.dumps({"sheet": n, **rows[-1]}, ensure_ascii=False), flush=True)
        if rows:
            print(json.dumps(_sum(rows, hand), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    sys.exit(main())
