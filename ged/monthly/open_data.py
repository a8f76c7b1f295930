"""What leaves as open data: rows of counts without small numbers, the CSV, its dictionary in two languages, the ZIP. Pure."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Any

from ged.figures.definitions import LETTERS
from ged.register.models import Direction
from ged.spreadsheet.harmless import harmless

OTHER = "*"
"""In place of a code: several of them together."""
DIRECTIONS: Mapping[Direction, str] = {
    Direction.INCOMING: "arrivee", Direction.OUTGOING: "depart", Direction.INTERNAL: "interne",
}  # fmt: skip
LEAST = 5
"""No number below it leaves. The files that have left were made with it: it goes up, and never down."""
LEAVING = (
    "received", "numbered", "voided", "imputed", "assigned", "answered", "closed", "returned", "signed", "dispatched",
)  # fmt: skip
"""The counts that leave. One that is added to the figures stays here until somebody decides that it leaves, too. What stands open is no
count of a month, and stays."""
FIRST = (
    "received", "signed", "dispatched", "imputed", "answered", "closed", "assigned", "returned", "voided", "numbered",
)  # fmt: skip
"""Of two counts between which there would be a small difference, the one that is named first leaves. All of ``LEAVING``."""
NUMBERED = ("received", "signed")
"""Together they are the numbered letters but for the voided ones, where directions are put together."""
MEASURES = tuple(one for one in LETTERS if one.name in LEAVING)
"""The counts that leave, with their definitions."""
FIELDS = ("mois", "entite", "entite_nom", "sens", "nature", "nature_nom", "mesure", "nombre")
RULE = (
    f"Aucun nombre inférieur à {LEAST} n'est publié. Les petites natures d'une entité et d'un sens, dont chaque nombre du mois est inférieur à {LEAST}, sont réunies "
    f"sous « * ». Si leurs sommes restent inférieures à {LEAST}, la plus petite des autres natures s'y ajoute. S'il n'y en a pas, elles sont réunies entre les entités, "
    f"puis entre les sens. Deux nombres d'un groupe sont égaux, ou diffèrent d'au moins {LEAST} : sinon le second n'est pas publié. De même, les numérotés sont égaux "
    f"à la somme des reçus et des signés, ou en diffèrent d'au moins {LEAST}. Une mesure absente n'est donc pas forcément zéro. Chaque mois est publié une seule fois."
)
RULE_IN_ENGLISH = (
    f"No number below {LEAST} is published. Small natures of an entity and a direction, whose numbers of the month are all below {LEAST}, are put together under “*”. "
    f"If their sums stay below {LEAST}, the smallest of the other natures joins them. If there is none, they are put together over the entities, then over the "
    f"directions. Two numbers of a group are equal, or at least {LEAST} apart: else the second one is not published. Likewise, the numbered letters are as many as "
    f"the received and the signed ones together, or at least {LEAST} more or fewer. So a measure that is missing need not be zero. Each month is published once."
)
Key = tuple[str, str, str]
"""Entity, direction, nature: codes."""
Counts = tuple[int, ...]
"""By ``LEAVING``."""


@dataclass(frozen=True)
class MeasureRow:
    """A row of the file: one measure of a month."""

    month: date
    entity: str
    direction: str
    nature: str
    measure: str
    count: int


def merged(cells: Mapping[Key, Counts]) -> dict[Key, Counts]:
    """The counts of one month in groups that hold for all measures, by ``RULE``; each group has a count that is not small.

    A group of one measure and another one of the next would be told by their difference.

    Args:
        cells: cell -> its counts by ``LEAVING``.

    >>> merged({("A", "arrivee", "x"): (7, 1), ("A", "arrivee", "y"): (3, 4), ("A", "arrivee", "z"): (12, 0)})
    {('A', 'arrivee', '*'): (10, 5), ('A', 'arrivee', 'z'): (12, 0)}
    """
    groups: dict[tuple[str, str], dict[str, Counts]] = {}
    for (entity, direction, nature), counts in sorted(cells.items()):
        if any(counts):
            groups.setdefault((entity, direction), {})[nature] = counts
    found: dict[Key, Counts] = {}
    above: dict[str, Counts] = {}
    for (entity, direction), natures in groups.items():
        large = sorted((max(counts), nature) for nature, counts in natures.items() if max(counts) >= LEAST)
        rest = _sum(counts for counts in natures.values() if max(counts) < LEAST)
        if any(rest) and max(rest) < LEAST and large:
            rest = _sum((rest, natures[large.pop(0)[1]]))
        if max(rest, default=0) >= LEAST:
            found[entity, direction, OTHER] = rest
        elif any(rest):
            above[direction] = _sum((above.get(direction, ()), rest))
        found |= {(entity, direction, nature): natures[nature] for _count, nature in large}
    left: Counts = ()
    for direction, rest in above.items():
        if max(rest) >= LEAST:
            found[OTHER, direction, OTHER] = rest
        else:
            left = _sum((left, rest))
    if max(left, default=0) >= LEAST:
        found[OTHER, OTHER, OTHER] = left
    return dict(sorted(found.items()))


def _sum(counts: Iterable[Counts]) -> Counts:
    return tuple(map(sum, zip_longest(*counts, fillvalue=0)))


def leaving_counts(counts: Counts) -> dict[str, int]:
    """Measure -> count, of those of a group that leave: none is small, and no difference of two is.

    Voided letters are those that were numbered and not received or signed, as a rule; letters without a decision those that were received
    and not imputed. So of two counts that differ by little the first one of ``FIRST`` leaves alone.

    >>> leaving_counts((8, 9, 1, 8, 0, 0, 0, 0, 0, 0))
    {'received': 8, 'imputed': 8}
    """
    of = dict(zip(LEAVING, counts, strict=True))
    found: dict[str, int] = {}
    for measure in FIRST:
        near = [*found.values(), *([sum(found.get(one, 0) for one in NUMBERED)] if measure == "numbered" else [])]
        if of[measure] >= LEAST and not any(0 < abs(of[measure] - one) < LEAST for one in near):
            found[measure] = of[measure]
    return {measure: found[measure] for measure in LEAVING if measure in found}


def table(counted: Mapping[date, Mapping[Key, Counts]]) -> tuple[MeasureRow, ...]:
    """The rows of all months.

    Args:
        counted: first day of the month -> cell -> its counts by ``LEAVING``.
    """
    return tuple(
        MeasureRow(month, *key, measure, count)
        for month, cells in sorted(counted.items())
        for key, counts in merged(cells).items()
        for measure, count in leaving_counts(counts).items()
    )


def packed(
    rows: Sequence[MeasureRow],
    entities: Mapping[str, str],
    natures: Mapping[str, str],
    about: Mapping[str, Any],
    licence: str,
) -> bytes:
    """The ZIP: the CSV, its dictionary (a Table Schema of Frictionless Data), the licence. Equal data give equal bytes.

    Args:
        entities, natures: code -> name.
        about: what the dictionary says of the publication: its number, act, days.
    """
    content = _csv(rows, entities, natures)
    described = {**about, "sha256": hashlib.sha256(content).hexdigest()}
    files = {
        "courriers.csv": content,
        "datapackage.json": json.dumps(_dictionary(described), ensure_ascii=False, indent=2).encode(),
        "LICENCE.txt": licence.encode(),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _csv(rows: Iterable[MeasureRow], entities: Mapping[str, str], natures: Mapping[str, str]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(FIELDS)
    for one in rows:
        names = (_named(one.entity, entities), _named(one.nature, natures))
        cells = (f"{one.month:%Y-%m}", one.entity, names[0], one.direction, one.nature, names[1], one.measure)
        writer.writerow([*map(harmless, cells), one.count])
    return out.getvalue().encode()


def _named(code: str, names: Mapping[str, str]) -> str:
    return "plusieurs" if code == OTHER else names.get(code, "")


def _dictionary(about: Mapping[str, Any]) -> dict[str, Any]:
    columns = {
        "mois": ("yearmonth", "Mois", "Month", "Le mois compté.", "The month that is counted."),
        "entite": ("string", "Entité", "Entity", "Code de l'entité ; « * » : plusieurs.", "Code of the entity; “*”: several."),
        "entite_nom": ("string", "Nom de l'entité", "Name of the entity", "Son nom au jour de l'acte.", "Its name on the day of the act."),
        "sens": ("string", "Sens", "Direction", "arrivee, depart, interne ; « * » : plusieurs.",
                 "arrivee (incoming), depart (outgoing), interne (internal); “*”: several."),
        "nature": ("string", "Nature", "Nature", "Code de la nature, vide : aucune ; « * » : plusieurs.",
                   "Code of the nature, empty: none; “*”: several."),
        "nature_nom": ("string", "Nom de la nature", "Name of the nature", "Son nom au jour de l'acte.", "Its name on the day of the act."),
        "mesure": ("string", "Mesure", "Measure", "Ce qui est compté : voir « measures ».", "What is counted: see “measures”."),
        "nombre": ("integer", "Nombre", "Number", f"Courriers du niveau ordinaire, {LEAST} au moins.", f"Letters of the ordinary level, {LEAST} at least."),
    }  # fmt: skip
    return {
        "name": "courriers",
        "title": "Courriers par mois, entité, sens et nature",
        "title_en": "Letters by month, entity, direction and nature",
        "publication": dict(about),
        "rule": RULE,
        "rule_en": RULE_IN_ENGLISH,
        "resources": [
            {
                "name": "courriers",
                "path": "courriers.csv",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": {
                    "fields": [
                        {"name": name, "type": kind, "title": title, "title_en": english, "description": text,
                         "description_en": text_en}
                        for name, (kind, title, english, text, text_en) in columns.items()
                    ],
                    "primaryKey": ["mois", "entite", "sens", "nature", "mesure"],
                },
            }
        ],
        "measures": [
            {"name": one.name, "title": one.french, "title_en": one.english, "description": one.meaning,
             "description_en": one.meaning_in_english}
            for one in MEASURES
        ],
    }  # fmt: skip
