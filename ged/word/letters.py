"""A letter's Word file, and the pages made of it. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ged.errors import Invalid
from ged.ports import PLACE_NAMES, PageBox

(NUMBER, DAY, SIGNATURE), TEXT = PLACE_NAMES, "texte"
PLACES: Mapping[str, tuple[float, float]] = {NUMBER: (62.0, 5.5), DAY: (42.0, 5.5), SIGNATURE: (160.0, 36.0)}
"""Fields that are filled at the signature: a place of this size (mm) is kept free on the pages that are read before."""
FIELDS = (
    "organisation", "services", "pays", "devise", NUMBER, "lieu", DAY, "expediteur", "destinataire",
    "destinataire_adresse", "destinataires", "civilite", "objet", "notre_reference", "votre_reference", "numero_arrivee",
    "date_arrivee", "pieces_jointes", "ampliations", "mentions", "signataire", "signataire_fonction", "service",
    "redacteur", "initiales", TEXT, SIGNATURE,
)  # fmt: skip
"""All merge fields that a template may have; the guide explains each."""
_LASTING = ("word.", "file.too_many_pages")
PROPERTY_MAIL, PROPERTY_VERSION = "ged_projet", "ged_version"


@dataclass(frozen=True)
class WordFile:
    """The Word file of a version: its blob, its name, the followed changes and comments that are left in it.

    ``id``: its attachment; None until it is attached.
    """

    digest: str
    name: str
    changes: int = 0
    comments: int = 0
    id: int | None = field(default=None, compare=False)


class Values(NamedTuple):
    """The texts of the fields, by name, in the order of ``FIELDS``."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "Values":
        """Values from a mapping; a field without text is empty."""
        return cls(tuple((name, texts.get(name, "")) for name in FIELDS if name not in PLACES and name != TEXT))


@dataclass(frozen=True)
class WordSheets:
    """The pages of a letter from Word, without number, date and signature. ``pdf``: its blob; empty until they are made.

    ``failure``: why they could not be made.
    """

    source: str
    values: Values
    pdf: str = ""
    sizes: tuple[tuple[float, float], ...] = ()
    places: tuple[tuple[str, PageBox], ...] = ()
    failure: str = ""

    @property
    def key(self) -> str:
        """Equal for the same file with the same texts."""
        content = json.dumps([self.source, self.values.pairs, sorted(PLACES.items())], ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def is_final(self) -> bool:
        """Whether another try ends alike: the pages are made, or the document itself is refused.

        What else failed was of the server (a process that was killed, a full disk), and may be over.
        """
        return bool(self.pdf) or self.failure.startswith(_LASTING)

    def box(self, name: str) -> PageBox:
        """The place of a field."""
        return dict(self.places)[name]

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> "WordSheets":
        """From the JSON form of a letter."""
        pairs = tuple((str(name), str(text)) for name, text in kept["values"][0])
        places = tuple((str(name), _box(box)) for name, box in kept["places"])
        sizes = tuple((float(width), float(height)) for width, height in kept["sizes"])
        return cls(kept["source"], Values(pairs), kept["pdf"], sizes, places, kept["failure"])


def _box(kept: Iterable[float]) -> PageBox:
    page, x1, y1, x2, y2 = kept
    return int(page), float(x1), float(y1), float(x2), float(y2)


def check_fields(found: Iterable[str]) -> None:
    """Require that a file's merge fields are all known, and that each place stands in it once.

    Raises:
        Invalid: ``word.field_unknown``, ``word.field_missing``, ``word.field_twice``.
    """
    names = list(found)
    unknown = list(dict.fromkeys(name for name in names if name not in FIELDS))
    if unknown:
        raise Invalid(
            "word.field_unknown", "correct its name, or take it out", field="word", names=", ".join(unknown)[:300]
        )
    missing = [name for name in PLACES if name not in names]
    if missing:
        raise Invalid("word.field_missing", "put it back", field="word", names=", ".join(missing))
    for name in PLACES:
        if names.count(name) > 1:
            raise Invalid("word.field_twice", "keep one", field="word", names=name)
