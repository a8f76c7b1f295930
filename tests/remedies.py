"""Checks an error: its type, its code, its params, and that its remedy is a sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ged.errors import GedError

_SENTENCE = re.compile(r"([A-Z]{2,} )?[A-Z]?[a-z]")  # "choose a date", "Choose a date.", "RQ workers need ..."


def is_remedy(text: object) -> bool:
    """Whether a text can be a remedy: it begins like a sentence and has more than one word."""
    return isinstance(text, str) and bool(_SENTENCE.match(text)) and len(text.split()) > 1


@contextmanager
def refused(kind: type[GedError], code: str, **params: object) -> Iterator[None]:
    """Assert that the block raises exactly this error, with exactly these params and with a remedy."""
    with pytest.raises(kind) as caught:
        yield
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert dict(caught.value.params) == params
    assert is_remedy(caught.value.remedy), caught.value.remedy
