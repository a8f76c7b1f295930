"""Draws docs/dev/house.svg from the rules that import-linter checks: ``python -m scripts.house_drawing``."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "docs" / "dev" / "house.svg"
WIDTH, ROW, GAP, EDGE, HEAD = 760, 26, 6, 12, 24
STYLE = (
    "text{font:13px sans-serif;fill:#1b1b1b}.h{font-weight:bold}.f{fill:#fff;stroke:#555}.room{fill:#dfe9f5;stroke:#5b7899}"
    ".base{fill:#f1efe9;stroke:#a09a88}"
)


def layers(name: str) -> list[list[str]]:
    """The rows of a contract, the highest first. The names of one row may not import each other, or are independent."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    found = next(one for one in contracts if one["name"] == name)["layers"]
    return [[part.strip() for part in row.replace(":", "|").split("|")] for row in found]


def text() -> str:
    """The drawing as SVG. Higher packages may import lower ones, never the reverse."""
    marks: list[str] = []
    y = EDGE
    for row in layers("the house: web over engines over ged"):
        inner = {"web": "inside web", "ged": "inside ged"}.get(row[0])
        if inner is None:
            y = _drawn_row(marks, row, EDGE, y, WIDTH, "room")
            continue
        top, y = y, y + HEAD
        for rooms in layers(inner):
            y = _drawn_row(marks, rooms, 2 * EDGE, y, WIDTH - 2 * EDGE, None)
        frame = f'<rect class="f" x="{EDGE}" y="{top}" width="{WIDTH}" height="{y - top}" rx="4"/>'
        marks.insert(0, frame)
        marks.append(f'<text class="h" x="{2 * EDGE}" y="{top + 17}">{row[0]}</text>')
        y += GAP
    y = _drawn_row(marks, ["scanner_bridge (at the desk, over HTTP only)"], EDGE, y, WIDTH, "room")
    size = f'width="{WIDTH + 2 * EDGE}" height="{y + EDGE}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="The floors and rooms of the program">'
        f"<style>{STYLE}</style>\n" + "\n".join(marks) + "\n</svg>\n"
    )


def _drawn_row(marks: list[str], names: list[str], x: int, y: int, width: int, kind: str | None) -> int:
    """Draw boxes side by side, as wide as their names need; returns the y of the next row."""
    weights = [len(name) + 4 for name in names]
    free = width - GAP * (len(names) - 1)
    for name, weight in zip(names, weights, strict=True):
        wide = free * weight // sum(weights)
        css_class = kind or ("room" if (ROOT / "ged" / name).is_dir() or (ROOT / "web" / name).is_dir() else "base")
        marks.append(f'<rect class="{css_class}" x="{x}" y="{y}" width="{wide}" height="{ROW}" rx="3"/>')
        marks.append(f'<text x="{x + wide // 2}" y="{y + 18}" text-anchor="middle">{name}</text>')
        x += wide + GAP
    return y + ROW + GAP


if __name__ == "__main__":
    PLACE.write_text(text())
