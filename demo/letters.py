"""Ten generated letters with known text, drawn page by page, for the scanner of the demonstration.

The same seed gives the same letters, to the pixel, because only fonts of the typst wheel are used. The upper right
corner of each first page stays free for the registration label (`paste_label`).
"""

import io
import json
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import typst
from PIL import Image

from demo.blanks import fill, french_date, weekday_before
from demo.texts import SCRIPTS, Script

A4_MM = (210.0, 297.0)
LABEL_BOX_MM = (140.0, 8.0, 202.0, 38.0)
"""Left, top, right, bottom of the place kept free for a label on a first page, in mm from the upper left corner."""

WRITTEN_BEFORE = date(2026, 1, 15)
_TEMPLATE = Path(__file__).with_name("letter.typ")
_MM_PER_INCH = 25.4


@dataclass(frozen=True, slots=True)
class DrawnLetter:
    """A letter with known text.

    Attributes:
        key: stable name of the script, with ``-2``, ``-3`` … when more letters than scripts are requested.
        sender_kind: entity, ministry, prefecture, company, association, embassy or citizen.
        their_reference: the sender's own number; empty on a citizen's letter.
        pages_text: the whole text of each page, in reading order, with letterhead and footer.
        enclosure_count: number of enclosures that the letter announces.
        nature: demande, plainte, invitation, facture, rapport or note.
        signer: who signed, as printed.
    """

    key: str
    sender: str
    sender_kind: str
    subject: str
    their_reference: str
    written_on: date
    pages_text: tuple[str, ...]
    enclosure_count: int
    nature: str
    signer: str
    ageing: tuple[str, str]
    layouts: tuple[str, ...] = field(repr=False)

    @property
    def page_count(self) -> int:
        """Number of pages."""
        return len(self.layouts)

    def ageing_kind(self, page_no: int) -> str:
        """The kind of `demo.ageing` that suits a page, counted from 1."""
        return self.ageing[0 if page_no == 1 else 1]

    def draw(self, page_no: int, dpi: int = 300) -> Image.Image:
        """Draw a page as clean grayscale.

        Args:
            page_no: counted from 1.
            dpi: dots per inch of the A4 page.

        Raises:
            IndexError: no such page.
            ValueError: the text does not fit on the page (a fault of the script).
        """
        if not 1 <= page_no <= self.page_count:
            raise IndexError(f"{self.key} has no page {page_no}")
        png = typst.compile(
            str(_TEMPLATE),
            format="png",
            ppi=float(dpi),
            ignore_system_fonts=True,
            sys_inputs={"data": self.layouts[page_no - 1]},
        )
        if not isinstance(png, bytes):
            raise ValueError(f"{self.key}: page {page_no} runs over")
        image = Image.open(io.BytesIO(png)).convert("L")
        image.info["dpi"] = (dpi, dpi)
        return image


def make_letters(seed: int, count: int = 10, *, before: date = WRITTEN_BEFORE) -> tuple[DrawnLetter, ...]:
    """Make letters; the same arguments give the same letters.

    Args:
        seed: chooses names, figures and dates.
        count: number of letters; beyond the ten scripts they repeat, with other names and figures.
        before: every letter is written 2 to 20 days before this day.
    """
    return tuple(_make(SCRIPTS[k % len(SCRIPTS)], k // len(SCRIPTS), seed, before) for k in range(count))


def paste_label(image: Image.Image, label: bytes | Image.Image) -> Image.Image:
    """Paste a label (PNG bytes or image) into the free corner of a first page, as large as fits, on a new image."""
    sticker = Image.open(io.BytesIO(label)) if isinstance(label, bytes) else label
    if sticker.mode in ("RGBA", "LA", "P"):
        sticker = Image.alpha_composite(Image.new("RGBA", sticker.size, "white"), sticker.convert("RGBA"))
    sticker = sticker.convert("L")
    px_per_mm = image.width / A4_MM[0]
    left, top, right, bottom = (v * px_per_mm for v in LABEL_BOX_MM)
    scale = min((right - left) / sticker.width, (bottom - top) / sticker.height)
    size = (round(sticker.width * scale), round(sticker.height * scale))
    page = image.copy()
    page.paste(sticker.resize(size, Image.Resampling.LANCZOS), (round(right) - size[0], round(top)))
    return page


def _make(script: Script, lap: int, seed: int, before: date) -> DrawnLetter:
    rng = random.Random(f"{seed}/{lap}/{script.key}")
    written_on = weekday_before(before - timedelta(days=rng.randint(4, 20)))
    blanks = fill(rng, written_on, script)
    letter: dict[str, Any] = {
        "look": script.look,
        "emblem": script.emblem,
        "accent": script.accent,
        "strong": 2 if script.sender_kind == "entity" and len(script.head[1]) > 20 else 1,
        "head": [line.format_map(blanks) for line in script.head],
        "footer": script.footer,
        "reference": script.reference.format_map(blanks),
        "place_date": f"{script.place}, le {french_date(written_on)}",
        "addressee": list(script.addressee),
        "subject": script.subject,
        "enclosures": _enclosures(script),
        "title": script.title,
        "signer": script.sender if script.sender_kind == "citizen" else blanks["signer"],
        "copies": list(script.copies),
        "scribble": _scribble(rng),
    }
    pages = [_blocks(page) for page in script.body.format_map(blanks).split("\n---\n")]
    return DrawnLetter(
        key=script.key if lap == 0 else f"{script.key}-{lap + 1}",
        sender=script.sender,
        sender_kind=script.sender_kind,
        subject=script.subject,
        their_reference=letter["reference"],
        written_on=written_on,
        pages_text=tuple(_truth(letter, pages, k) for k in range(len(pages))),
        enclosure_count=len(script.enclosures),
        nature=script.nature,
        signer=letter["signer"],
        ageing=script.ageing,
        layouts=tuple(_layout(letter, pages, k) for k in range(len(pages))),
    )


def _blocks(page: str) -> list[dict[str, Any]]:
    """Parse the notation of `demo.texts`: paragraphs, headings, items, tables; wrapped lines are joined."""
    blocks: list[dict[str, Any]] = []
    for raw in page.strip().split("\n\n"):
        if raw.startswith("|"):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in raw.splitlines()]
            blocks.append({"kind": "table", "rows": rows})
        elif raw.startswith("- "):
            blocks += [{"kind": "item", "text": _joined(item)} for item in raw[2:].split("\n- ")]
        elif raw.startswith("# "):
            blocks.append({"kind": "heading", "text": _joined(raw[2:])})
        else:
            blocks.append({"kind": "paragraph", "text": _joined(raw)})
    return blocks


def _truth(letter: dict[str, Any], pages: list[list[dict[str, Any]]], index: int) -> str:
    lines: list[str] = []
    if index == 0:
        lines += letter["head"]
        lines += [f"N° {letter['reference']}"] if letter["reference"] else []
        lines += [letter["place_date"], *letter["addressee"], f"Objet : {letter['subject']}"]
        lines += [f"P.J. : {letter['enclosures']}"] if letter["enclosures"] else []
    for block in pages[index]:
        if block["kind"] == "table":
            lines += ["  ".join(row) for row in block["rows"]]
        else:
            lines.append(("- " if block["kind"] == "item" else "") + block["text"])
    if index == len(pages) - 1:
        lines += [line for line in (letter["title"], letter["signer"]) if line]
        lines += ["Ampliations :", *letter["copies"]] if letter["copies"] else []
    counter = f"{index + 1}/{len(pages)}" if len(pages) > 1 else ""
    lines += [line for line in (letter["footer"], counter) if line]
    return "\n".join(lines)


def _layout(letter: dict[str, Any], pages: list[list[dict[str, Any]]], index: int) -> str:
    data = letter | {"page": index + 1, "total": len(pages), "blocks": pages[index]}
    text = json.dumps(data, ensure_ascii=False)
    # A typewriter has only the straight apostrophe; print has the curly one.
    return text if letter["look"] == "typescript" else text.replace("'", "’")


def _enclosures(script: Script) -> str:
    if len(script.enclosures) > 2:
        return f"{len(script.enclosures)} ({', '.join(script.enclosures)})"
    return " ; ".join(script.enclosures)


def _scribble(rng: random.Random) -> list[list[float]]:
    """Points of a pen stroke in a box of 45 x 15 mm: start, then control and end by turns."""
    return [[round(k * 3.6 + rng.uniform(-2, 4), 2), round(rng.uniform(1, 14), 2)] for k in range(13)]


def _joined(text: str) -> str:
    return " ".join(text.split())
