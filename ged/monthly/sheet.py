"""The PDF/A of a monthly report: what the template prints, and the data that the file carries."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ged.days import hour, long_day
from ged.errors import Invalid
from ged.figures.definitions import ALL, DELAYS, LETTERS
from ged.monthly.numbers import Number, canonical
from ged.typeset import TEMPLATES, typeset, typeset_foreign
from ged.typography import on_paper

TEMPLATE = TEMPLATES / "monthly_report.typ"
TITLE = "Rapport mensuel du courrier"
LIMIT_S = 25.0
"""For a report with first pages that an entity wrote: they may ask for endless work."""
MAX_PAGES = 10
"""First pages of an entity."""
MAX_BYTES = 5_000_000
"""A report with first pages of an entity, without the attached data."""
ATTACHED = "rapport.json"
"""The name of the data in the file."""
SCOPE = (
    "Ce rapport compte les courriers du niveau ordinaire seulement : les courriers à diffusion restreinte, les courriers secrets et "
    "les plis fermés n'y figurent pas. Un courrier est compté dans le service qui l'a, à défaut dans celui qui l'a enregistré ; une "
    "ligne comprend les services qui sont au-dessous. « En instance » et « En retard » se lisent à la fin du dernier jour du mois."
)
_NAMES = {one.name: one.french for one in ALL}


@dataclass(frozen=True)
class Front:
    """First pages that an entity wrote.

    Attributes:
        source: empty: none.
        sentence: a sentence on the pages of the program, about the first pages.
    """

    source: str = ""
    sentence: str = ""


NO_FRONT = Front()


def report_pdf(
    content: Mapping[str, Any],
    numbers: Sequence[Number],
    head: Mapping[str, Any],
    *,
    made: str,
    at: datetime,
    front: Front = NO_FRONT,
    title: str = TITLE,
    limit_s: float = LIMIT_S,
) -> bytes:
    """Typeset the report: PDF/A-3b with the content attached.

    First pages of an entity come before the pages with all numbers, definitions and digests, and change nothing of them.

    Args:
        content: what the file carries, JSON values.
        numbers: those of the content.
        made: when and by whom, as it is printed.
        limit_s: for a report with first pages of an entity.

    Raises:
        Invalid: ``typeset.failed``; ``report_template.pages``, ``report_template.size``: the first pages are too many, or too large.
        EngineFailed: ``work.busy``, ``typeset.crashed``.
    """
    data = printed(content, numbers, head, made=made, front=front, title=title)
    if not front.source:
        return typeset(TEMPLATE, data, at=at, as_written=True, standard="a-3b")
    pdf, places = typeset_foreign(TEMPLATE, data, at=at, label="numbers", limit_s=limit_s, standard="a-3b")
    # First pages may write more values under the label, before that of the template.
    pages = int(places[-1]) - 1
    if pages > MAX_PAGES:
        raise Invalid("report_template.pages", "write fewer pages", field="source", pages=pages, limit=MAX_PAGES)
    if len(pdf) > MAX_BYTES + len(data["attached"]["text"]):
        raise Invalid("report_template.size", "write less, or smaller pictures", field="source")
    return pdf


def printed(
    content: Mapping[str, Any],
    numbers: Sequence[Number],
    head: Mapping[str, Any],
    *,
    made: str,
    front: Front = NO_FRONT,
    title: str = TITLE,
) -> dict[str, Any]:
    """The data of the template; arguments as of ``report_pdf``."""
    # The data are carried as they are: no typography in them.
    attached = {
        "name": ATTACHED,
        "text": canonical(content).decode(),
        "told": "Données du rapport, lues par ged report verify",
    }
    written = {"head": dict(head), **_printed(content, numbers, made), "title": title}
    names = {"source": front.source, "told": on_paper(front.sentence)}
    # First pages ask for numbers by their names, so these stay as they are, too.
    return {**on_paper(written), **_asked(content, numbers), "attached": attached, "front": names}


def _asked(content: Mapping[str, Any], numbers: Sequence[Number]) -> dict[str, Any]:
    """What first pages may ask for, by its name: numbers and delays of the whole entity, and the numbers of each unit."""
    of = {(one.unit_id, one.name): one for one in numbers}
    return {
        "values": {
            one.french: {"letters": of[None, one.name].letters, "told": _grouped(of[None, one.name].letters)}
            for one in LETTERS
        },
        "delays": {
            one.french: {"median": of[None, one.name].share(0.5), "nine": of[None, one.name].share(0.9)}
            for one in DELAYS
        },
        "services": [
            {
                "nom": on_paper(unit["name"]),
                "niveau": unit["depth"],
                "nombres": {one.french: of[unit["id"], one.name].letters for one in LETTERS},
            }
            for unit in content["units"][1:]
            if _is_shown(unit, of)
        ],
    }


def _named(unit: Mapping[str, Any]) -> str:
    """A unit with its code; of a closed one it says so."""
    name = f"{unit['name']} ({unit['code']})"
    return name if unit["is_open"] else f"{name}, n'existe plus"


def _is_shown(unit: Mapping[str, Any], of: Mapping[tuple[int | None, str], Number]) -> bool:
    """Whether a unit has a line: a closed one has it only where a number counts a letter of it."""
    return unit["is_open"] or any(of[unit["id"], one.name].items for one in ALL)


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of what the file carries."""
    return hashlib.sha256(canonical(content)).hexdigest()


def made_by(name: str, at: datetime) -> str:
    """When and by whom; no name: by the program. ``at`` is local."""
    return f"le {long_day(at.date())} à {hour(at)}" + (f" par {name}" if name else "")


def _printed(content: Mapping[str, Any], numbers: Sequence[Number], made: str) -> dict[str, Any]:
    by_line: dict[int | None, dict[str, Number]] = {}
    of = {(one.unit_id, one.name): one for one in numbers}
    for one in numbers:
        by_line.setdefault(one.unit_id, {})[one.name] = one
    whole, entity = by_line[None], content["entity"]
    units = [unit for unit in content["units"][1:] if _is_shown(unit, of)]
    month = date.fromisoformat(content["month"])
    return {
        "entity": f"{entity['name']} ({entity['code']})",
        "span": long_day(month).partition(" ")[2],
        "scope": SCOPE,
        "heads": [one.french for one in LETTERS],
        "stages": [one.french for one in DELAYS],
        "lines": [
            _line("Ensemble", 0, whole),
            *(_line(_named(unit), unit["depth"], by_line[unit["id"]]) for unit in units),
        ],
        "definitions": [
            {"name": one.french, "meaning": one.meaning, "letters": _grouped(whole[one.name].letters), "digest": whole[one.name].digest}
            for one in ALL
        ],
        "digests": [
            {"name": _named(unit), "numbers": found}
            for unit in units
            if (found := _digests(by_line[unit["id"]]))
        ],
        "made": made,
        "version": f"version {content['definitions']}",
        "sequence": _grouped(content["journal"]["sequence"]),
        "journal": content["journal"]["hash"],
        "content": content_hash(content),
    }  # fmt: skip


def _line(name: str, depth: int, numbers: Mapping[str, Number]) -> dict[str, Any]:
    return {
        "name": name,
        "depth": depth,
        "counts": [_grouped(numbers[one.name].letters) for one in LETTERS],
        "delays": [_delay(numbers[one.name]) for one in DELAYS],
    }


def _delay(number: Number) -> str:
    if not number.items:
        return "—"
    return f"{_grouped(number.letters)} · {number.share(0.5)} j · {number.share(0.9)} j"


def _digests(numbers: Mapping[str, Number]) -> list[dict[str, str]]:
    return [
        {"name": _NAMES[name], "letters": _grouped(one.letters), "digest": one.digest}
        for name, one in numbers.items()
        if one.items
    ]


def _grouped(count: int) -> str:
    """A number with thin spaces between thousands.

    >>> _grouped(12345)
    '12\\u202f345'
    """
    return f"{count:,}".replace(",", "\u202f")
