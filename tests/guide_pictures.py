"""The table of the guide's pictures: the page, the person who sees it, and the size."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "guide" / "images"
MOST_BYTES = 60_000
ALL_BYTES = 700_000
"""Bytes of all pictures together: each clone of the repository carries them."""


@dataclass(frozen=True)
class Picture:
    """One picture of the guide: a part of a page as one person sees it.

    Attributes:
        path: the page; a name in braces is a place of the played day (``tests.journeys.test_guide_pictures``).
        at: CSS selector of the element at the top of the picture; empty: the top of the page.
        height: of the picture, in CSS pixels.
        width: of the window, in CSS pixels.
    """

    name: str
    account: str
    path: str
    at: str = ""
    height: int = 720
    width: int = 1280


PICTURES = (
    Picture("numerisations", "bo.agent", "/numerisations/", ".thumb:has(.thumb__subject)", 520),
    Picture("enregistrer", "bo.agent", "{scan}", "", 860),
    Picture("a-transmettre", "bo.agent", "/a-transmettre/", "main h1", 560),
    Picture("registre", "bo.agent", "/registres/1", "main h1", 620),
    Picture("ma-bannette", "dge.chef", "/bannette/", "main h1", 560),
    Picture("pointer", "dge.chef", "{slip}/recevoir", "main h1", 700),
    Picture("projet", "dge.etudes", "{draft}", "main h1", 860),
    Picture("imputer", "sg.secretariat", "/a-imputer/{to_impute}", "main h1", 860),
    Picture("parapheur-telephone", "sg", "{answer}", "", 740, 360),
    Picture("accueil-telephone", "sg", "/", "", 740, 360),
    Picture("suivi", "sg", "/suivi/", "main h1", 620),
    Picture("administration", "admin", "/administration/", "main h1", 620),
)
