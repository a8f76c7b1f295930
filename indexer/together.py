"""Says which words of a search no letter contains together, so that a person knows why letters with a part of them, or none, are found.

A word counts as it is written, in its inflected forms and by its synonyms. A word near to it and a word of its matter, which a search
also finds, do not count; nor does "lettre", by which people name all that is searched, beside another word. The first letters found are looked at; the index is asked only if none of them contains all words. Both
engines ask with the access rule and the filters of the search itself, so what is said depends on no letter that the person may not read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice

from ged.ports import NotTogether, SearchQuery
from indexer import analysis
from indexer.passages import Stored
from indexer.tree import Node, ParsedQuery, Words, plain, telling

LOOKED_AT = 5
"""How many of the first letters are looked at. A letter with all words comes first, so it is most often among them."""
LOOKED_AT_CHARACTERS = 60_000
"""How many characters of a letter are looked at: its stems are computed for each search."""
MAX_WORDS = 12
"""Of a search with more words, the index is not asked for each word: each costs a search of its own."""


def not_together(
    query: SearchQuery,
    parsed: ParsedQuery,
    first: Iterable[Stored],
    are_held: Callable[[Sequence[ParsedQuery]], Sequence[bool]],
    *,
    has_all: bool | None = None,
) -> NotTogether | None:
    """The words of a search that no letter contains together; None if a letter contains them, or no page shows it.

    Args:
        first: the first letters found, read as far as needed.
        are_held: asks the index several searches at once; returns for each whether it finds a letter.
        has_all: whether ``with_all_words`` finds a letter, where this is known.
    """
    if not _is_told(query, parsed):
        return None
    parsed = replace(parsed, words=telling(parsed.words))
    words = [leaf for node in parsed.words if isinstance(leaf := plain(node), Words)]
    letters = list(islice(first, LOOKED_AT))
    if not letters:
        return _of_none_found(parsed, are_held)
    if not words:
        return None
    seen: set[Words] = set()
    for letter in letters:
        line = _line(letter)
        held = {word for word in words if _stands(word, line)}
        if len(held) == len(set(words)):
            return None
        seen |= held
    is_each_asked = 1 < len(words) <= MAX_WORDS
    unseen = [node for node, word in zip(parsed.words, words, strict=True) if word not in seen] if is_each_asked else []
    asked = [_as_written(parsed, (one,)) for one in unseen]
    has_each: Sequence[bool]
    if has_all is None:
        has_all, *has_each = are_held([_as_written(parsed, parsed.words), *asked])
    else:
        has_each = are_held(asked) if asked and not has_all else ()
    if has_all:
        return None
    typed = {word: word.text.strip(analysis.PUNCTUATION) for word in words}
    nowhere = [plain(node) for node, is_held in zip(unseen, has_each, strict=True) if not is_held]
    if len(words) == 1:
        return NotTogether(tuple(typed.values()), tuple(typed.values()))
    return NotTogether(tuple(typed.values()), tuple(text for word, text in typed.items() if word in nowhere))


def with_all_words(query: SearchQuery, parsed: ParsedQuery) -> ParsedQuery | None:
    """The search for letters with all words as they are written; None if no page tells of it."""
    if not (parsed.words and _is_told(query, parsed)):
        return None
    return _as_written(parsed, telling(parsed.words))


def _is_told(query: SearchQuery, parsed: ParsedQuery) -> bool:
    return bool(parsed.wanted) and query.highlight and query.offset == 0 and query.limit > 0


def _of_none_found(
    parsed: ParsedQuery, are_held: Callable[[Sequence[ParsedQuery]], Sequence[bool]]
) -> NotTogether | None:
    """``not_together`` of a search that finds no letter: each word is asked alone.

    A word is said to be nowhere only if it is. So a word that was typed with a field is asked in all fields, and neither the words
    that the person excluded nor days in the text count.
    """
    nodes = tuple(_in_all_fields(node) for node in parsed.wanted if isinstance(plain(node), Words))
    if not 0 < len(nodes) <= MAX_WORDS:
        return None
    bare = replace(parsed, required=(), excluded=(), whole_number="", since=None, until=None)
    has_all, *has_each = are_held([_as_written(bare, nodes), *(_as_written(bare, (node,)) for node in nodes)])
    if has_all:
        return None
    typed = [leaf.text.strip(analysis.PUNCTUATION) for node in nodes if isinstance(leaf := plain(node), Words)]
    nowhere = [text for text, is_held in zip(typed, has_each, strict=True) if not is_held]
    return NotTogether(tuple(dict.fromkeys(typed)), tuple(dict.fromkeys(nowhere)))


def _in_all_fields(node: Node) -> Node:
    return replace(node, fields=()) if isinstance(node, Words) else node


def _as_written(parsed: ParsedQuery, nodes: Sequence[Node]) -> ParsedQuery:
    """The search with these words alone, each required and without mistakes."""
    return replace(parsed, words=(), run=(), required=(*parsed.required, *nodes))


def _line(letter: Stored) -> str:
    """The stems of a letter's texts, in one line."""
    texts = [*letter.texts.values(), *(text for _, _, text in letter.pages)]
    stems = [" ".join(analysis.forms(word).stem for word in analysis.spelled(text)) for text in _beginning(texts)]
    return f" {' | '.join(stems)} "


def _stands(word: Words, line: str) -> bool:
    """Whether a line of stems has the word or one of its synonyms."""
    return any(f" {' '.join(form.stem for form in run)} " in line for run in (word.forms, *word.also))


def _beginning(texts: Iterable[str]) -> Iterable[str]:
    """The first ``LOOKED_AT_CHARACTERS`` of the texts together."""
    left = LOOKED_AT_CHARACTERS
    for text in texts:
        if left > 0:
            yield text[:left]
        left -= len(text)
