"""The search index and its book of synonyms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from ged.ports.names import AttachmentId, Confidentiality, MailId, Principal


@dataclass(frozen=True)
class Principals:
    """What an actor may see, one set of principals a level: the only form in which rights reach an index.

    A letter of level L is visible when one of its principals is in the set of L. An empty set shows nothing.
    """

    ordinary: frozenset[Principal]
    restricted: frozenset[Principal]
    secret: frozenset[Principal]

    def at(self, level: Confidentiality) -> frozenset[Principal]:
        """The set that counts for letters of this level."""
        return (self.ordinary, self.restricted, self.secret)[level]


@dataclass(frozen=True)
class IndexedPage:
    """Text of one page of one attachment (``page_no`` counts from 1)."""

    attachment_id: AttachmentId
    page_no: int
    text: str


@dataclass(frozen=True)
class IndexDocument:
    """All that an index may know of a letter. For SECRET letters only numbers, dates and principals are filled."""

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
class SearchQuery:
    """What a person asks.

    Attributes:
        text: as typed; never raises: what cannot be parsed is searched as words and said in ``notice``.
        filters: exact values by field name (``register``, ``direction``, ``nature``, ``state``, ``priority``,
            ``unit``, ``correspondent``, ``year``, ``month`` as YYYY-MM), OR within a field, AND between fields.
        since, until: bounds of ``registered_at`` (inclusive days).
        exclude: letters whose access changed while their index job is open.
        facets: names of the fields that ``SearchIndex.facets`` counts, same names as ``filters``; ``search`` counts nothing.
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
    """One letter found."""

    mail_id: MailId
    score: float
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True)
class SearchResult:
    """A page of hits. ``total`` counts letters under the same access filter, exact when ``total_is_exact``.

    Attributes:
        notice: code of what the person should know (``query.as_words`` …).
        did_you_mean: the query written in words that letters which these principals may see do hold.
    """

    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool = True
    notice: str | None = None
    did_you_mean: str | None = None


class SuggestionKind(StrEnum):
    """What a suggestion is a value of."""

    CORRESPONDENT = "correspondent"
    SUBJECT = "subject"
    NUMBER = "number"


@dataclass(frozen=True)
class Suggestion:
    """A value that letters hold, offered while a person types.

    Attributes:
        letters: how many letters hold it, as far as they were counted.
        mail_id: the letter, when it is one only.
    """

    kind: SuggestionKind
    text: str
    letters: int = 1
    mail_id: MailId | None = None


@dataclass(frozen=True)
class IndexedLetter:
    """What the index holds of a letter, as far as ``ged index verify`` compares it with SQL."""

    mail_id: MailId
    version: int
    level: Confidentiality
    principals: frozenset[Principal]


@dataclass(frozen=True)
class Building:
    """A generation being built beside the living one.

    Attributes:
        name: its own name.
        version: the version given at its beginning: what changed after that is not in it yet.
        position: the letter up to which it is filled (0: none).
    """

    name: str
    version: int
    position: int = 0


@dataclass(frozen=True)
class IndexStatus:
    """State of an index: engine, schema version, number of letters, name of the living generation, one being built."""

    engine: str
    schema_version: int
    documents: int
    generation: str = ""
    building: Building | None = None


class SearchIndex(Protocol):
    """A full-text index that respects access.

    Everything that it returns stands under the principals given and leaves the excluded letters out. Every call may raise
    ``EngineFailed`` ``index.unavailable`` (retryable), ``index.schema_outdated`` (retryable: after a rebuild).
    """

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """Add or replace letters; an older ``version`` never overwrites a newer one. Searchable when it returns."""
        ...

    def remove(self, mail_ids: Iterable[MailId]) -> None:
        """Forget letters; unknown ids are no error."""
        ...

    def search(self, query: SearchQuery, *, principals: Principals) -> SearchResult:
        """Find letters that these principals may see; counts and passages stand under the same filter."""
        ...

    def facets(self, query: SearchQuery, *, principals: Principals) -> Facets:
        """Count the values of ``query.facets`` over all that ``search`` would find."""
        ...

    def suggest(
        self, text: str, *, principals: Principals, exclude: frozenset[MailId] = frozenset(), limit: int = 8
    ) -> tuple[Suggestion, ...]:
        """Correspondents, subjects and numbers that go on from what was typed so far; numbers alone of SECRET letters.

        The text may be the beginning of any word of the value. Nothing for a text without letters and digits.
        """
        ...

    def similar(
        self, mail_id: MailId, *, principals: Principals, exclude: frozenset[MailId] = frozenset(), limit: int = 5
    ) -> tuple[Hit, ...]:
        """Letters like this one, the nearest first; nothing when these principals may not see it."""
        ...

    def versions(self, mail_ids: Sequence[MailId]) -> Mapping[MailId, int]:
        """The version held of each letter that is there."""
        ...

    def scan(self, *, after: int = 0, limit: int = 1_000) -> tuple[IndexedLetter, ...]:
        """Letters held whose id is above ``after``, by id (for ``ged index verify``)."""
        ...

    def reset(self) -> None:
        """Drop everything and create an empty index of the current schema."""
        ...

    def begin_rebuild(self, version: int) -> Building:
        """Begin a generation of the current schema beside the living one, or go on with the one that was begun.

        Searches, ``put`` and ``remove`` keep to the living one; what they changed since ``Building.version`` is put
        into the new one before it is published, and once more after.
        """
        ...

    def extend(self, documents: Iterable[IndexDocument], *, position: int | None = None) -> None:
        """Put letters into the generation being built, then remember how far it is.

        Raises:
            EngineFailed: ``index.not_building``.
        """
        ...

    def publish(self) -> None:
        """The generation being built becomes the living one in one step; the old one is removed afterwards.

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
    """A line of synonyms that cannot be taken: its number (from 1), a code and the line."""

    line_no: int
    code: str
    text: str


class SynonymBook(Protocol):
    """The file of synonyms that an administrator edits; the next search reads it as it is then."""

    @property
    def is_own(self) -> bool:
        """Whether the installation has a list of its own; until then the shipped one counts."""
        ...

    def text(self) -> str:
        """The list that counts now: a group a line, its members parted by ``=`` or commas."""
        ...

    def errors(self, text: str) -> tuple[SynonymError, ...]:
        """The lines of a text that could not be taken."""
        ...

    def replace(self, text: str) -> None:
        """Let the list be this text, whole or not at all.

        Raises:
            EngineFailed: ``synonyms.not_written``.
        """
        ...
