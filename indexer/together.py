"""Says which words of a search no letter contains together, so that a person knows why letters with a part of them are shown.

A word counts as it is written, in its inflected forms and by its synonyms. A word near to it, which a search also finds, does not
count. The first letters found are looked at; the index is asked only if none of them contains all words. Both engines ask with
the access rule and the filters of the search itself, so what is said depends on no letter that the person may not read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice

from ged.ports import NotTogether, SearchQuery
from indexer import analysis
from indexer.passages import Stored
from indexer.tree import Node, ParsedQuery, Run, Words, plain

LOOKED_AT = 3
"""The first letters are those with all words, if there are any."""
MAX_CHARACTERS = 60_000
"""The characters of a letter to look at."""
MAX_WORDS = 12
"""Of more words, the index is not asked for each."""
_MARKS = ",;:.!?()[]"


def not_together(
    query: SearchQuery,
    parsed: ParsedQuery,
    first: Iterable[Stored],
    are_held: Callable[[Sequence[ParsedQuery]], Sequence[bool]],
) -> NotTogether | None:
    """The words of a search that no letter contains together; None if there is such a letter, or nobody reads the answer.

    Args:
        first: the first letters found, read as far as needed.
        are_held: tells of several searches whether each finds a letter.
    """
    words = [leaf for node in parsed.words if isinstance(leaf := plain(node), Words)]
    is_read = query.highlight and query.offset == 0 and query.limit > 0
    if not is_read or not words or any(_holds_all(words, letter) for letter in islice(first, LOOKED_AT)):
        return None
    each = parsed.words if 1 < len(words) <= MAX_WORDS else ()
    has_all, *has_each = are_held([_as_written(parsed, parsed.words), *(_as_written(parsed, (one,)) for one in each)])
    if has_all:
        return None
    typed = tuple(word.text.strip(_MARKS) for word in words)
    if len(words) == 1:
        return NotTogether(typed, typed)
    return NotTogether(typed, tuple(text for text, is_held in zip(typed, has_each, strict=False) if not is_held))


def _as_written(parsed: ParsedQuery, nodes: Sequence[Node]) -> ParsedQuery:
    """The search with these words alone, each required and without mistakes."""
    return replace(parsed, words=(), run=(), required=(*parsed.required, *nodes))


def _holds_all(words: Iterable[Words], letter: Stored) -> bool:
    texts = [*letter.texts.values(), *(text for _, _, text in letter.pages)]
    stems = [" ".join(analysis.forms(word).stem for word in analysis.spelled(text)) for text in _first(texts)]
    line = f" {' | '.join(stems)} "
    return all(any(_stand(run, line) for run in (word.forms, *word.also, *word.akin)) for word in words)


def _first(texts: Iterable[str]) -> Iterable[str]:
    left = MAX_CHARACTERS
    for text in texts:
        if left > 0:
            yield text[:left]
        left -= len(text)


def _stand(run: Run, line: str) -> bool:
    return f" {' '.join(form.stem for form in run)} " in line
