"""The search index and its list of synonyms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from ged.ports.names import AttachmentId, Confidentiality, MailId, Principal

NO_WORD = "query.no_word"
"""The notice of a search whose text has neither a word nor a number: it finds all letters."""


@dataclass(frozen=True)
class Principals:
    """The rights of an actor: a set of principals for each level. The index knows rights only in this form.

    A letter of level L is visible when one of its principals is in the set of L. An empty set shows nothing.
    """

    ordinary: frozenset[Principal]
    restricted: frozenset[Principal]
    secret: frozenset[Principal]

    def at(self, level: Confidentiality) -> frozenset[Principal]:
        """The set for letters of this level."""
        return (self.ordinary, self.restricted, self.secret)[level]


@dataclass(frozen=True)
class IndexedPage:
    """Text of one page of one attachment (``page_no`` counts from 1).

    ``beside``: words that one of two readers read on the page and that are not in its text. They rank lower.
    """

    attachment_id: AttachmentId
    page_no: int
    text: str
    beside: str = ""


@dataclass(frozen=True)
class IndexDocument:
    """All data of a letter that the index may hold. For SECRET letters: only numbers, dates and principals."""

    mail_id: MailId
    version: int
    level: Confidentiality
    principals: frozenset[Principal]
    numbers: tuple[str, ...]
    registers: tuple[str, ...]
    direction: str
    state: str
    registered_at: datetime
    subject: str = ""
    sender: str = ""
    addressee: str = ""
    their_reference: str = ""
    nature: str = ""
    priority: str = ""
    units: tuple[str, ...] = ()
    written_on: date | None = None
    received_on: date | None = None
    due_on: date | None = None
    pages: tuple[IndexedPage, ...] = ()


class SortOrder(StrEnum):
    """Order of hits."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True)
class Dated:
    """A period (inclusive days) of letters that are of these days, or that mention the period.

    Attributes:
        mention: words by which a subject or a text names the period; empty: only the days count.
        others: other such words: 17/11/2026 beside 17 novembre 2026.
        number: the period as typed, where these figures may also be a number, or a part of one: letters that bear it are found too.
    """

    first: date
    last: date
    mention: str = ""
    others: tuple[str, ...] = ()
    number: str = ""

    @property
    def mentions(self) -> tuple[str, ...]:
        """All words that name the period."""
        return tuple(words for words in (self.mention, *self.others) if words)


@dataclass(frozen=True)
class SearchQuery:
    """A search of a person.

    Attributes:
        text: as typed. Never raises: text that cannot be parsed is searched as words, with a ``notice``.
        filters: exact values by field name (``register``, ``direction``, ``nature``, ``state``, ``priority``,
            ``unit``, ``correspondent``, ``year``, ``month`` as YYYY-MM), OR within a field, AND between fields.
        since, until: bounds of ``registered_at`` (inclusive days).
        dated: the period in which a letter was written, received or registered, unless it mentions the period.
        any_word: whether letters with one of the words are found, however many words were typed.
        all_words: whether a letter must hold each of the words, in any form in which a person recognises it: inflected, by a synonym,
            with a mistake. A word that names any letter (*courrier*) asks for nothing beside another one.
        exclude: letters whose rights changed, but whose index job is not done.
        facets: names of the fields that ``SearchIndex.facets`` counts, as in ``filters``; ``search`` ignores them.
    """

    text: str
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    since: date | None = None
    until: date | None = None
    sort: SortOrder = SortOrder.RELEVANCE
    offset: int = 0
    limit: int = 20
    facets: tuple[str, ...] = ()
    highlight: bool = True
    exclude: frozenset[MailId] = frozenset()
    dated: Dated | None = None
    any_word: bool = False
    all_words: bool = False


Facets = Mapping[str, tuple[tuple[str, int], ...]]
"""Values and counts by field name, the most frequent first."""


@dataclass(frozen=True)
class Passage:
    """A highlighted excerpt: pieces of plain text, each marked or not. Never HTML."""

    field: str
    pieces: tuple[tuple[str, bool], ...]
    attachment_id: AttachmentId | None = None
    page_no: int | None = None


@dataclass(frozen=True)
class Hit:
    """One letter found.

    Attributes:
        lacking: the words of the search that the letter holds in no form, as typed, where the search has few words and asked for passages.
    """

    mail_id: MailId
    score: float
    passages: tuple[Passage, ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotTogether:
    """Words of a search that no letter contains together, of the letters that these principals may see and the filters allow.

    Attributes:
        words: as typed, without stop words. One word that no letter contains is such a search too.
        nowhere: those of them that none of these letters contains. Empty where the search has too many words to ask for each.
    """

    words: tuple[str, ...]
    nowhere: tuple[str, ...]


@dataclass(frozen=True)
class SearchResult:
    """A page of hits. ``total`` counts letters under the same access filter, exact when ``total_is_exact``.

    Attributes:
        notice: code of a message for the person (``query.as_words`` …).
        did_you_mean: the query, respelt with words from letters that these principals may see.
        not_together: on the first page of a search with ``highlight``, if each hit contains only a part of the words, or there is no
            hit; else None.
    """

    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool = True
    notice: str | None = None
    did_you_mean: str | None = None
    not_together: NotTogether | None = None


class SuggestionKind(StrEnum):
    """The field of a suggestion."""

    CORRESPONDENT = "correspondent"
    SUBJECT = "subject"
    NUMBER = "number"


@dataclass(frozen=True)
class Suggestion:
    """A value found in letters, suggested while a person types.

    Attributes:
        letters: number of letters with this value, as far as they were counted.
        mail_id: the letter, when only one has this value.
    """

    kind: SuggestionKind
    text: str
    letters: int = 1
    mail_id: MailId | None = None


@dataclass(frozen=True)
class IndexedLetter:
    """The data of a letter in the index that ``ged index verify`` compares with SQL."""

    mail_id: MailId
    version: int
    level: Confidentiality
    principals: frozenset[Principal]


@dataclass(frozen=True)
class Building:
    """A generation of the index that is being built beside the live one.

    Attributes:
        name: name of the generation.
        version: the version at the start of the build; later changes are not in the generation yet.
        position: id of the last letter written (0: none).
    """

    name: str
    version: int
    position: int = 0


@dataclass(frozen=True)
class IndexStatus:
    """State of an index: engine, schema version, number of letters, name of the live generation, one being built.

    Attributes:
        documents, generation: 0 and '' where this program cannot read the index.
        is_outdated: another release made the index, and this program has to rebuild it.
    """

    engine: str
    schema_version: int
    documents: int
    generation: str = ""
    building: Building | None = None
    is_outdated: bool = False


class SearchIndex(Protocol):
    """A full-text index that respects access.

    All results are limited to the given principals, without the excluded letters. Every call may raise
    ``EngineFailed`` ``index.unavailable`` (retryable), ``index.schema_outdated`` (retryable: after a rebuild).
    """

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """Add or replace letters; an older ``version`` never overwrites a newer one. Searchable once this returns."""
        ...

    def remove(self, mail_ids: Iterable[MailId]) -> None:
        """Remove letters; unknown ids are no error."""
        ...

    def search(self, query: SearchQuery, *, principals: Principals) -> SearchResult:
        """Find letters that these principals may see. The same filter applies to counts and passages."""
        ...

    def facets(self, query: SearchQuery, *, principals: Principals) -> Facets:
        """Count the values of ``query.facets`` over all that ``search`` would find."""
        ...

    def suggest(
        self, text: str, *, principals: Principals, exclude: frozenset[MailId] = frozenset(), limit: int = 8
    ) -> tuple[Suggestion, ...]:
        """Correspondents, subjects and numbers that complete the typed text; of SECRET letters only numbers.

        The text may be the beginning of any word of the value. Empty for a text without letters and digits.
        """
        ...

    def similar(
        self, mail_id: MailId, *, principals: Principals, exclude: frozenset[MailId] = frozenset(), limit: int = 5
    ) -> tuple[Hit, ...]:
        """Letters similar to this one, the most similar first; empty when these principals may not see the letter."""
        ...

    def versions(self, mail_ids: Sequence[MailId]) -> Mapping[MailId, int]:
        """The indexed version of each letter in the index."""
        ...

    def scan(self, *, after: int = 0, limit: int = 1_000) -> tuple[IndexedLetter, ...]:
        """Indexed letters whose id is above ``after``, by id (for ``ged index verify``)."""
        ...

    def reset(self) -> None:
        """Drop everything and create an empty index of the current schema."""
        ...

    def begin_rebuild(self, version: int) -> Building:
        """Begin a generation of the current schema beside the live one, or resume an unfinished generation.

        Searches, ``put`` and ``remove`` use the live generation. Letters changed since ``Building.version`` are written
        to the new generation before it is published, and once more afterwards.
        """
        ...

    def extend(self, documents: Iterable[IndexDocument], *, position: int | None = None) -> None:
        """Write letters into the generation being built, then store its position.

        Raises:
            EngineFailed: ``index.not_building``.
        """
        ...

    def publish(self) -> None:
        """Make the generation being built the live one, atomically. The old generation is removed afterwards.

        Raises:
            EngineFailed: ``index.not_building``.
        """
        ...

    def abandon(self) -> None:
        """Remove the generation being built, if there is one."""
        ...

    def status(self) -> IndexStatus:
        """Engine, schema version, number of letters, generations."""
        ...


@dataclass(frozen=True)
class SynonymError:
    """An invalid line of synonyms: its number (from 1), a code and the line."""

    line_no: int
    code: str
    text: str


class SynonymBook(Protocol):
    """The file of synonyms, edited by an administrator. The next search uses the changed file."""

    @property
    def is_own(self) -> bool:
        """Whether the installation has its own list; otherwise the shipped list is used."""
        ...

    def text(self) -> str:
        """The list in use: one group on each line, its members separated by ``=`` or commas."""
        ...

    def errors(self, text: str) -> tuple[SynonymError, ...]:
        """The invalid lines of a text."""
        ...

    def replace(self, text: str) -> None:
        """Replace the list by this text, atomically.

        Raises:
            EngineFailed: ``synonyms.not_written``.
        """
        ...
