"""Placeholders (names in braces) of a letter template: filled at drafting; unfilled ones block submission. Pure."""

import re
from collections.abc import Mapping

NAME = re.compile(r"\{([a-z_]+)\}")

LIVE = frozenset({"civilite"})
"""Filled each time the pages are typeset, from the letter's own field, so that the author changes it in one place."""


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace every name that has a value; the others stay visible.

    Inserted values are not parsed again: braces in an incoming subject are left alone.

    >>> fill("Lettre {votre_reference} du {date_courrier}", {"votre_reference": "12/CEET"})
    'Lettre 12/CEET du {date_courrier}'
    """
    return NAME.sub(lambda found: values.get(found[1]) or found[0], text)


def unfilled(*texts: str) -> tuple[str, ...]:
    """Names still in braces, in order, each once; without names that are filled at typesetting.

    >>> unfilled("{civilite}, pour le motif {motif}", "{motif}")
    ('motif',)
    """
    found = (name for text in texts for name in NAME.findall(text))
    return tuple(dict.fromkeys(name for name in found if name not in LIVE))
