"""French typography, put into plain text once, where it is shown: on a page of the site and on paper. Pure.

Sentences are written with plain spaces and straight apostrophes. What a reader should not see apart is held together
here: U+00A0 before a colon, inside « », in hours (7 h 30), behind *moins de* and *plus de*, and before the j of days, U+202F before ; ? !, in thousands, after n° and before
F CFA and p.
"""

import re
from collections.abc import Mapping
from typing import Any

NO_BREAK = "\u00a0"
NARROW = "\u202f"

_ENDS = r"(?=[\s<>»”’)…,.%;:!?]|$)"
_MARKS = re.compile(
    rf"""(?P<kept>
          <[^<>]*>                                   # a tag, with its attributes
        | ://\S+                                     # what follows the scheme of an address
        | (?<![^\s@<>])[^\s@<>]{{1,64}}+@[^\s@<>]+   # an electronic address
        )
    | (?P<apostrophe>'(?<=[^\W\d_]')(?=[\w%<«“{{]))
    | (?=[ ])(?:                                     # one look decides, as most signs are no space
          (?P<wide>(?<=«)[ ](?=\S)|(?<=\S)[ ](?=»)|(?<=\S)[ ](?=:{_ENDS}))
        | (?P<narrow>
              (?<=\S)[ ](?=[;?!]+{_ENDS})
            | (?<=n°)[ ](?=\S) | (?<=N°)[ ](?=\S)
            | (?:(?<=\d)|(?<=\)s)|(?<=\)d))[ ](?=F[ ]CFA\b|p\.)
            )
        | (?P<counted>(?<=\b[mM]oins[ ]de)[ ](?=\d|%\() | (?<=\b[pP]lus[ ]de)[ ](?=\d|%\() | (?:(?<=\d)|(?<=\)s))[ ](?=j\b))
        | (?P<money>(?<=\bF)[ ](?=CFA\b))
        | (?P<hour>(?<=\d)[ ](?=h\b) | (?<=\d[ \u00a0]h)[ ](?=\d\d\b))
        )
    | (?P<thousands>(?<![\w.,/-])\d{{1,3}}(?:[ ]\d{{3}})+(?![\w/-]))
    """,
    re.VERBOSE,
)
_HAS_MARKS = re.compile(r"[':;?!«»°]|\bF CFA\b| p\.|\d h\b|\d \d{3}|[ms] de [\d%]|[\ds] j\b")
AS_THEY_ARE = frozenset({"qr"})
"""Fields of a sheet's data that are code."""


def french(text: str) -> str:
    """A text with the marks of French typography; the same text when it has them already.

    Nothing but these spaces and apostrophes changes, and nothing inside a tag or an address.

    >>> french("Pour l'avis n° 3 : « lu » ?").encode("ascii", "backslashreplace").decode()
    'Pour l\\\\u2019avis n\\\\xb0\\\\u202f3\\\\xa0: \\\\xab\\\\xa0lu\\\\xa0\\\\xbb\\\\u202f?'
    """
    return _MARKS.sub(_mark, text) if _HAS_MARKS.search(text) else text


def plain(text: str) -> str:
    """The text as it is typed: plain spaces and straight apostrophes, for what machines read."""
    return text.translate(_PLAIN)


_PLAIN = str.maketrans({NO_BREAK: " ", NARROW: " ", "’": "'"})


def _mark(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "apostrophe":
            return "’"
        case "wide" | "money" | "hour" | "counted":
            return NO_BREAK
        case "narrow":
            return NARROW
        case "thousands":
            return found[0].replace(" ", NARROW)
        case _:
            return found[0]


def on_paper(data: Any) -> Any:
    """A sheet's data (JSON values) with the typography of its texts; names of fields and ``AS_THEY_ARE`` are kept."""
    if isinstance(data, str):
        return french(data)
    if isinstance(data, Mapping):
        return {key: value if key in AS_THEY_ARE else on_paper(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [on_paper(value) for value in data]
    return data


def visible(text: str) -> str:
    """A text that came from outside, without signs that nobody sees: controls, and those that turn the direction of a line, so that it
    reads otherwise than it is. Tabs and newlines stay; every other space becomes a plain one: dropped, it would join two numbers.
    """
    if text.isprintable():  # nearly every text of a line
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else " " if c.isspace() else "" for c in text)
