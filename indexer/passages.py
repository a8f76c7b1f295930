"""Highlighted passages of the letters shown, made from their stored text, with the number of the page.

Both engines use it: the analysis is the same, the page is known, and no engine's markup has to be parsed. Only the hits
of one screen go through here. Pieces are plain text, never HTML.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from rapidfuzz import process
from rapidfuzz.distance import OSA

from ged.ports import AttachmentId, Passage
from indexer import analysis, numbers, telephones
from indexer.fields import NUMBER_FIELDS, TEXT_FIELDS
from indexer.tree import AnyOf, Node, Number, ParsedQuery, Prefix, Run, Words

MAX_PAGE_PASSAGES = 3
MAX_PAGES_READ = 300
WINDOW = 180
MARGIN = 60

Span = tuple[int, int]


@dataclass(frozen=True)
class Stored:
    """The stored parts of a letter, for display: texts and numbers by field, pages, and words that one of two readers read."""

    texts: dict[str, str]
    numbers: dict[str, list[str]]
    pages: list[tuple[int, int, str]]
    beside: tuple[str, ...] = ()
    _spelled: dict[str, list[str]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def spelled(self, text: str) -> list[str]:
        """``analysis.spelled`` of a text of the letter; each text is read once."""
        if text not in self._spelled:
            self._spelled[text] = analysis.spelled(text)
        return self._spelled[text]


class Marker:
    """Marks the words of each field that match one query."""

    def __init__(self, query: ParsedQuery) -> None:
        self._words: dict[str, list[Words]] = {name: [] for name in TEXT_FIELDS}
        self._prefixes: dict[str, list[str]] = {name: [] for name in TEXT_FIELDS}
        self._numbers: dict[str, list[Number]] = {name: [] for name in NUMBER_FIELDS}
        self._telephones: set[str] = set()
        for node in query.wanted:
            self._collect(node)
        if query.whole_number:
            whole = Number(tuple(query.whole_number.split("/")))
            for name in NUMBER_FIELDS:
                self._numbers[name].append(whole)
        self._firsts = {
            name: frozenset(one for words in found for one in (words.forms[0].stem, words.forms[0].folded))
            for name, found in self._words.items()
        }
        self._begun: defaultdict[tuple[str, bool], dict[str, tuple[Run, ...]]] = defaultdict(dict)
        self._idle: defaultdict[tuple[str, bool], set[str]] = defaultdict(set)

    def _collect(self, node: Node) -> None:
        if isinstance(node, AnyOf):
            for inner in node.nodes:
                self._collect(inner)
        elif isinstance(node, Number):
            for name in node.fields:
                self._numbers[name].append(node)
        else:
            for name in node.fields or TEXT_FIELDS:
                if isinstance(node, Prefix):
                    self._prefixes[name].append(node.folded)
                else:
                    self._telephones |= {node.telephone} - {""}
                    others = (*node.also, *node.akin, *((form,) for form in node.apart))
                    self._words[name] += [node, *(replace(node, forms=run, also=()) for run in others)]

    def passages(self, stored: Stored) -> tuple[Passage, ...]:
        """The passages of one letter: fields with marks, then the best pieces of its pages."""
        found = [*self._of_numbers(stored), *self._of_fields(stored), *self._of_pages(stored, fuzzy=False)]
        if not found:
            found = [*self._of_fields(stored, fuzzy=True), *self._of_pages(stored, fuzzy=True)]
        return tuple(found)

    def _of_numbers(self, stored: Stored) -> Iterable[Passage]:
        for name, values in stored.numbers.items():
            for value in values:
                if any(number_fits(wanted, numbers.parts(value)) for wanted in self._numbers[name]):
                    yield Passage(field=name, pieces=((value, True),))

    def _of_fields(self, stored: Stored, *, fuzzy: bool = False) -> Iterable[Passage]:
        for name, text in stored.texts.items():
            spans = self._spans(stored, name, text, fuzzy=fuzzy)
            if spans:
                yield Passage(field=name, pieces=pieces(text, spans))

    def _of_pages(self, stored: Stored, *, fuzzy: bool) -> list[Passage]:
        best: list[tuple[int, int, Passage]] = []
        for order, (attachment_id, page_no, text) in enumerate(stored.pages[:MAX_PAGES_READ]):
            spans = self._spans(stored, "text", text, fuzzy=fuzzy)
            if spans:
                kinds, start, end = _window(text, spans)
                inside = [(a - start, b - start) for a, b in spans if start <= a and b <= end]
                passage = Passage("text", pieces(text[start:end], inside), AttachmentId(attachment_id), page_no)
                best.append((-kinds, order, passage))
        best.sort(key=lambda item: item[:2])
        return [passage for _, _, passage in best[:MAX_PAGE_PASSAGES]]

    def _spans(self, stored: Stored, name: str, text: str, *, fuzzy: bool) -> list[Span]:
        if not self._words[name] and not self._prefixes[name]:
            return []
        known, idle = self._begun[name, fuzzy], self._idle[name, fuzzy]
        words = stored.spelled(text)
        fresh = set(words) - idle - known.keys()
        known |= self._runs_from(fresh, name, fuzzy=fuzzy)
        idle |= fresh - known.keys()
        begun = [at for at, word in enumerate(words) if word in known]
        found = list(analysis.places(text)) if begun else []
        spans = self._called(text) if self._telephones else set[Span]()
        for at in begun:
            for run in known[words[at]]:
                here = found[at : at + len(run)]
                if len(run) == 1 or _is_run(run, here, fuzzy=fuzzy):
                    spans.update(one.span() for one in here)
        return sorted(spans)

    def _called(self, text: str) -> set[Span]:
        """The telephones in a text that are searched."""
        return {span for key, span in telephones.places(text) if key in self._telephones}

    def _runs_from(self, words: Iterable[str], name: str, *, fuzzy: bool) -> dict[str, tuple[Run, ...]]:
        """The wanted runs of a field that may begin with each of these words; a word that begins none is left out.

        Looked up once for each word of all texts. A page may have a hundred thousand different words: what is near to a wanted word is
        looked for among all of them by one call.
        """
        found: defaultdict[str, list[Run]] = defaultdict(list)
        spelled = [*words]
        formed = [analysis.forms(word) for word in spelled]
        begins = tuple(self._prefixes[name])
        for word, form in zip(spelled, formed, strict=True):
            if form.stem in self._firsts[name] or form.folded in self._firsts[name]:
                found[word] += [
                    wanted.forms for wanted in self._words[name] if _same(wanted.forms[0], form, fuzzy=False)
                ]
            if form.folded.startswith(begins):
                found[word].append((form,))
        folded = [form.folded for form in formed]
        for wanted in self._words[name] if fuzzy else ():
            first = wanted.forms[0].folded
            distance = analysis.fuzzy_distance(first)
            if not distance:
                continue
            for _word, _distance, at in process.extract(
                first, folded, scorer=OSA.distance, score_cutoff=distance, limit=None
            ):
                found[spelled[at]].append(wanted.forms)
        return {word: tuple(runs) for word, runs in found.items()}


def pieces(text: str, spans: Sequence[Span]) -> tuple[tuple[str, bool], ...]:
    """Cut a text at marked spans (sorted, not overlapping) into pieces; runs of white space become single blanks."""
    found: list[tuple[str, bool]] = []
    at = 0
    for start, end in spans:
        if start < at:
            continue
        found += [(text[at:start], False), (text[start:end], True)]
        at = end
    found.append((text[at:], False))
    return tuple((re.sub(r"\s+", " ", piece), marked) for piece, marked in found if piece)


def _is_run(wanted: Run, found: "Sequence[re.Match[str]]", *, fuzzy: bool) -> bool:
    return len(found) == len(wanted) and all(
        _same(form, analysis.forms(place.group()), fuzzy=fuzzy) for form, place in zip(wanted, found, strict=True)
    )


def _same(wanted: analysis.Forms, found: analysis.Forms, *, fuzzy: bool) -> bool:
    if wanted.stem == found.stem or wanted.folded == found.folded:
        return True
    return fuzzy and within(wanted.folded, found.folded, analysis.fuzzy_distance(wanted.folded))


def within(a: str, b: str, distance: int) -> bool:
    """Whether two words differ by at most ``distance`` letters (changed, missing, added, or two neighbours swapped)."""
    return OSA.distance(a, b, score_cutoff=distance) <= distance


def number_fits(wanted: Number, parts: list[str]) -> bool:
    """Whether a number, in parts, is the wanted one or has it as a part."""
    if wanted.glued and numbers.has_joined(wanted.glued, parts):
        return True
    count = len(wanted.parts)
    for at in range(len(parts) - count + 1):
        run = parts[at : at + count]
        if tuple(run) == wanted.parts:
            return True
        if wanted.prefix and tuple(run[:-1]) == wanted.parts[:-1] and run[-1].startswith(wanted.parts[-1]):
            return True
    return count > 1 and not wanted.prefix and set(wanted.parts) <= set(parts)


def _window(text: str, spans: Sequence[Span]) -> tuple[int, int, int]:
    """The window with the most different marked words: their number, its start and end (at blanks)."""
    best, chosen = 0, spans[0]
    for at, (start, _) in enumerate(spans):
        near = [span for span in spans[at : at + 12] if span[1] <= start + WINDOW]
        kinds = len({text[a:b].lower() for a, b in near})
        if kinds > best:
            best, chosen = kinds, (start, near[-1][1] if near else spans[at][1])
    start, end = max(0, chosen[0] - MARGIN), min(len(text), max(chosen[1], chosen[0] + WINDOW - MARGIN))
    if start:
        blank = text.find(" ", start, chosen[0])
        start = blank + 1 if blank >= 0 else start
    if end < len(text):
        blank = text.rfind(" ", chosen[1], end)
        end = blank if blank >= 0 else end
    return best, start, end
