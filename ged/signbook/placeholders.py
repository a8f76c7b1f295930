"""Names in braces of a letter template: filled when a letter is drafted, visible and refused while they are not. Pure."""

import re
from collections.abc import Mapping

NAME = re.compile(r"\{([a-z_]+)\}")

LIVE = frozenset({"civilite"})
"""Filled each time the pages are set, from the letter's own field: the author changes it in one place."""


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with every name that has a value replaced; the others stay visible.

    A value is never looked at again: an incoming subject with braces fills nothing.

    >>> fill("Lettre {votre_reference} du {date_courrier}", {"votre_reference": "12/CEET"})
    'Lettre 12/CEET du {date_courrier}'
    """
    return NAME.sub(lambda found: values.get(found[1]) or found[0], text)


def unfilled(*texts: str) -> tuple[str, ...]:
    """Names still in braces, in their order, each once; those filled at setting do not count.

    >>> unfilled("{civilite}, pour le motif {motif}", "{motif}")
    ('motif',)
    """
    found = (name for text in texts for name in NAME.findall(text))
    return tuple(dict.fromkeys(name for name in found if name not in LIVE))
