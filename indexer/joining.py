"""Two words of a query that letters write as one: *video surveillance*, *intra groupe*, *pré électoral*. Pure.

The joined word is added to both as a synonym, where letters hold it: two words that stand together by chance make no
word of the index.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from indexer import analysis
from indexer.analysis import Forms
from indexer.tree import ParsedQuery, Words

MIN_HELD = 3
"""Letters that hold the joined word. Fewer hold a blank that a scan lost. Their part of the letters with the rarer word
is no better sign: 4 % for *vidéosurveillance*, and 2 to 5 % for neighbours in scans with 10 % of wrong characters."""


def joined(parsed: ParsedQuery, held: Mapping[str, int]) -> ParsedQuery:
    """The query, with the joined word beside each of two neighbours that letters write as one.

    Args:
        held: stem of each of ``wholes`` -> in how many of the reader's letters the text holds it. Letters of others do not count: else
            their words would decide which letters the reader finds.
    """
    found: dict[Forms, Forms] = {}
    for first, second, whole in _pairs(parsed):
        if held[whole.stem] >= MIN_HELD:
            found[first] = found[second] = whole
    if not found:
        return parsed
    return replace(
        parsed, words=tuple(_with(node, found) if isinstance(node, Words) else node for node in parsed.words)
    )


def wholes(parsed: ParsedQuery) -> list[str]:
    """The stems of the words that neighbours of the query would be as one."""
    return list(dict.fromkeys(whole.stem for _, _, whole in _pairs(parsed)))


def _pairs(parsed: ParsedQuery) -> Iterator[tuple[Forms, Forms, Forms]]:
    for first, second in zip(parsed.run, parsed.run[1:], strict=False):
        if analysis.is_stop_word(first) or analysis.is_stop_word(second):
            continue
        if first.written.isalpha() and second.written.isalpha():
            yield first, second, analysis.forms(first.written + second.written)


def _with(word: Words, found: Mapping[Forms, Forms]) -> Words:
    whole = found.get(word.forms[0]) if len(word.forms) == 1 else None
    return word if whole is None else replace(word, also=(*word.also, (whole,)))
