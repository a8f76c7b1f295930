"""The PDF/A of a monthly report: what the template prints, and the data that the file carries."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ged.days import hour, long_day
from ged.figures.definitions import ALL, DELAYS, LETTERS
from ged.monthly.numbers import Number, canonical
from ged.typeset import typeset
from ged.typography import on_paper

TEMPLATE = Path(__file__).parents[1] / "templates" / "monthly_report.typ"
ATTACHED = "rapport.json"
"""The name of the data in the file."""
SCOPE = (
    "Ce rapport compte les courriers du niveau ordinaire seulement : les courriers à diffusion restreinte, les courriers secrets et "
    "les plis fermés n'y figurent pas. Un courrier est compté dans le service qui l'a, à défaut dans celui qui l'a enregistré ; une "
    "ligne comprend les services qui sont au-dessous. « En instance » et « En retard » se lisent à la fin du dernier jour du mois."
)
_NAMES = {one.name: one.french for one in ALL}


def report_pdf(
    content: Mapping[str, Any], numbers: Sequence[Number], head: Mapping[str, Any], *, made: str, at: datetime
) -> bytes:
    """Typeset the report: PDF/A-3b with the content attached.

    Args:
        content: what the file carries, JSON values.
        numbers: those of the content.
        made: when and by whom, as it is printed.

    Raises:
        Invalid: ``typeset.failed``.
        EngineFailed: ``work.busy``, ``typeset.crashed``.
    """
    # The data are carried as they are: no typography in them.
    attached = {
        "name": ATTACHED,
        "text": canonical(content).decode(),
        "told": "Données du rapport, lues par ged report verify",
    }
    printed = on_paper({"head": dict(head), **_printed(content, numbers, made)})
    return typeset(TEMPLATE, {**printed, "attached": attached}, at=at, as_written=True, standard="a-3b")


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of what the file carries."""
    return hashlib.sha256(canonical(content)).hexdigest()


def made_by(name: str, at: datetime) -> str:
    """When and by whom; no name: by the program. ``at`` is local."""
    return f"le {long_day(at.date())} à {hour(at)}" + (f" par {name}" if name else "")


def _printed(content: Mapping[str, Any], numbers: Sequence[Number], made: str) -> dict[str, Any]:
    by_line: dict[int | None, dict[str, Number]] = {}
    for one in numbers:
        by_line.setdefault(one.unit_id, {})[one.name] = one
    whole, entity = by_line[None], content["entity"]
    units = [
        unit for unit in content["units"][1:] if unit["is_open"] or any(n.items for n in by_line[unit["id"]].values())
    ]
    month = date.fromisoformat(content["month"])
    return {
        "title": "Rapport mensuel du courrier",
        "entity": f"{entity['name']} ({entity['code']})",
        "span": long_day(month).partition(" ")[2],
        "scope": SCOPE,
        "heads": [one.french for one in LETTERS],
        "stages": [one.french for one in DELAYS],
        "lines": [
            _line("Ensemble", 0, whole),
            *(_line(f"{unit['name']} ({unit['code']})", unit["depth"], by_line[unit["id"]]) for unit in units),
        ],
        "definitions": [
            {"name": one.french, "meaning": one.meaning, "letters": _told(whole[one.name].letters), "digest": whole[one.name].digest}
            for one in ALL
        ],
        "digests": [
            {"name": f"{unit['name']} ({unit['code']})", "numbers": found}
            for unit in units
            if (found := _digests(by_line[unit["id"]]))
        ],
        "made": made,
        "version": f"version {content['definitions']}",
        "sequence": _told(content["journal"]["sequence"]),
        "journal": content["journal"]["hash"],
        "content": content_hash(content),
    }  # fmt: skip


def _line(name: str, depth: int, numbers: Mapping[str, Number]) -> dict[str, Any]:
    return {
        "name": name,
        "depth": depth,
        "counts": [_told(numbers[one.name].letters) for one in LETTERS],
        "delays": [_delay(numbers[one.name]) for one in DELAYS],
    }


def _delay(number: Number) -> str:
    if not number.items:
        return "—"
    return f"{_told(number.letters)} · {number.share(0.5)} j · {number.share(0.9)} j"


def _digests(numbers: Mapping[str, Number]) -> list[dict[str, str]]:
    return [
        {"name": _NAMES[name], "letters": _told(one.letters), "digest": one.digest}
        for name, one in numbers.items()
        if one.items
    ]


def _told(count: int) -> str:
    """A number with thin spaces between thousands.

    >>> _told(12345)
    '12\\u202f345'
    """
    return f"{count:,}".replace(",", "\u202f")
