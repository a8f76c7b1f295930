"""What leaves as open data: rows of counts without small numbers, the CSV, its dictionary in two languages, the ZIP. Pure."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
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
MEASURES = tuple(one for one in LETTERS if one.name in LEAVING)
"""The counts that leave, with their definitions."""
FIELDS = ("mois", "entite", "entite_nom", "sens", "nature", "nature_nom", "mesure", "nombre")
RULE = (
    f"Aucun nombre au-dessous de {LEAST}. Pour chaque mois et chaque mesure, les natures de moins de {LEAST} courriers d'une entité et d'un sens sont réunies "
    f"sous « * » ; si leur somme reste au-dessous de {LEAST}, la plus petite autre nature s'y ajoute ; s'il n'y en a pas, elles sont réunies "
    f"entre les entités, puis entre les sens. Ce qui reste au-dessous de {LEAST} n'est pas publié. Une ligne absente vaut zéro ou est réunie ailleurs. "
    "Chaque mois est publié une seule fois."
)
RULE_IN_ENGLISH = (
    f"No number below {LEAST}. For each month and each measure, natures with fewer than {LEAST} letters of an entity and a direction are put together "
    f"under “*”; where their sum stays below {LEAST}, the smallest other nature is added to it; where there is none, they are put together over "
    f"the entities, then over the directions. What stays below {LEAST} is not published. A missing row is zero or is put together elsewhere. "
    "Each month is published once."
)
Key = tuple[str, str, str]
"""Entity, direction, nature: codes."""


@dataclass(frozen=True)
class Row:
    """A row of the file: one measure of a month."""

    month: date
    entity: str
    direction: str
    nature: str
    measure: str
    count: int


@dataclass(frozen=True)
class Table:
    """All rows, and what is in none: letters of cells that stay below ``LEAST`` however they are merged, over all months and measures."""

    rows: tuple[Row, ...]
    left_out: int


def merged(cells: Mapping[Key, int]) -> tuple[dict[Key, int], int]:
    """The numbers of one month and measure without small ones, by ``RULE``. Returns them, and what is left out.

    >>> merged({("A", "arrivee", "x"): 7, ("A", "arrivee", "y"): 3, ("A", "arrivee", "z"): 12})
    ({('A', 'arrivee', '*'): 10, ('A', 'arrivee', 'z'): 12}, 0)
    """
    groups: dict[tuple[str, str], dict[str, int]] = {}
    for (entity, direction, nature), count in cells.items():
        if count > 0:
            groups.setdefault((entity, direction), {})[nature] = count
    found: dict[Key, int] = {}
    above: dict[str, int] = {}
    for (entity, direction), natures in sorted(groups.items()):
        large = sorted((count, nature) for nature, count in natures.items() if count >= LEAST)
        rest = sum(count for count in natures.values() if count < LEAST)
        while 0 < rest < LEAST and large:
            rest += large.pop(0)[0]
        if rest >= LEAST:
            found[entity, direction, OTHER] = rest
        elif rest:
            above[direction] = above.get(direction, 0) + rest
        found |= {(entity, direction, nature): count for count, nature in large}
    left = 0
    for direction, rest in sorted(above.items()):
        if rest >= LEAST:
            found[OTHER, direction, OTHER] = rest
        else:
            left += rest
    if left >= LEAST:
        found[OTHER, OTHER, OTHER] = left
        left = 0
    return dict(sorted(found.items())), left


def table(counted: Mapping[tuple[date, str], Mapping[Key, int]]) -> Table:
    """The rows of all months.

    Args:
        counted: (first day of the month, measure) -> cells.
    """
    rows, left_out = list[Row](), 0
    for (month, measure), cells in sorted(counted.items()):
        found, left = merged(cells)
        left_out += left
        rows += [Row(month, *key, measure, count) for key, count in found.items()]
    return Table(tuple(rows), left_out)


def packed(
    told: Table, entities: Mapping[str, str], natures: Mapping[str, str], about: Mapping[str, Any], licence: str
) -> bytes:
    """The ZIP: the CSV, its dictionary (a Table Schema of Frictionless Data), the licence. Equal data give equal bytes.

    Args:
        entities, natures: code -> name.
        about: what the dictionary says of the publication: its number, act, days.
    """
    content = _csv(told.rows, entities, natures)
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


def _csv(rows: Iterable[Row], entities: Mapping[str, str], natures: Mapping[str, str]) -> bytes:
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
    told = {
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
                        for name, (kind, title, english, text, text_en) in told.items()
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
