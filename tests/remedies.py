"""What an error says of itself: its kind, its code, what it names, and a remedy that is a sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ged.errors import GedError

_SENTENCE = re.compile(r"([A-Z]{2,} )?[A-Z]?[a-z]")  # "choose a date", "Choose a date.", "RQ workers need ..."


def is_remedy(text: object) -> bool:
    """Whether a text tells a person what to do: it starts as a sentence does, and has more than one word."""
    return isinstance(text, str) and bool(_SENTENCE.match(text)) and len(text.split()) > 1


@contextmanager
def refused(kind: type[GedError], code: str, **params: object) -> Iterator[None]:
    """The block ends by exactly this error, which names exactly these things, and says what to do."""
    with pytest.raises(kind) as caught:
        yield
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert dict(caught.value.params) == params
    assert is_remedy(caught.value.remedy), caught.value.remedy
