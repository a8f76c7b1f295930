"""Words that people say, and the words that the administration writes: *patron* and *employeur*, *payer* and *paiement*.

The two do not mean quite the same, so a letter that has the other word alone weighs less than one with the typed word. The list
(``everyday.txt``) was written from general knowledge of the administration. It belongs to the program: an installation's own
synonyms stand beside it.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from indexer import analysis
from indexer.tree import Run

LIST = Path(__file__).with_name("everyday.txt")


def akin(words: Run) -> tuple[Run, ...]:
    """The words of the same matter as one or several neighbouring words; a plural counts as its singular."""
    return _read().get(_stems(words), ())


@cache
def _read() -> Mapping[tuple[str, ...], tuple[Run, ...]]:
    found: dict[tuple[str, ...], tuple[Run, ...]] = {}
    for line in LIST.read_text("utf-8").splitlines():
        said, sign, written = line.partition("#")[0].partition(">")
        for typed in map(_run, said.split(",") if sign else ()):
            others = tuple(run for run in map(_run, written.split(",")) if _stems(run) != _stems(typed))
            found[_stems(typed)] = tuple(dict.fromkeys((*found.get(_stems(typed), ()), *others)))
    return found


def _run(text: str) -> Run:
    return tuple(analysis.words(text))


def _stems(run: Run) -> tuple[str, ...]:
    return tuple(form.stem for form in run)
