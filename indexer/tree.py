"""A query understood, as values that both engines translate. What a person typed becomes this in ``query``."""

from dataclasses import dataclass
from datetime import date

from indexer import analysis
from indexer.fields import NUMBER_FIELDS

Run = tuple[analysis.Forms, ...]


@dataclass(frozen=True)
class Words:
    """Neighbouring words: one word, or several that must stand in this order (``quoted``: a person asked for it).

    Attributes:
        also: other runs of words that are taken for these: synonyms, and what a mistyped word probably meant.
    """

    text: str
    forms: Run
    fields: tuple[str, ...] = ()
    quoted: bool = False
    also: tuple[Run, ...] = ()


@dataclass(frozen=True)
class Prefix:
    """The beginning of a word, folded."""

    folded: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Number:
    """A reference or a piece of one; ``prefix`` when its last part is only begun."""

    parts: tuple[str, ...]
    fields: tuple[str, ...] = NUMBER_FIELDS
    prefix: bool = False

    @property
    def whole(self) -> str:
        """The normal form of the whole number."""
        return "/".join(self.parts)


@dataclass(frozen=True)
class AnyOf:
    """At least one of them (``typed``: a person wrote OR between them)."""

    nodes: "tuple[Node, ...]"
    typed: bool = False


Node = Words | Prefix | Number | AnyOf


@dataclass(frozen=True)
class ParsedQuery:
    """A query understood.

    Attributes:
        required: what was asked for by a sign (quotes, field, OR, prefix): all of it has to be found.
        words: plain words and numbers: ``minimum`` of them have to be found.
        excluded: what may not be found.
        whole_number: normal form of the whole text when it may be one number, else '': found beside all the rest.
        run: the plain words in their order, when there are several: letters that hold them as a phrase rank higher.
        since, until: days given by ``du:`` and ``au:``.
        notice: code of a message to the person, or None.
    """

    required: "tuple[Node, ...]" = ()
    words: "tuple[Node, ...]" = ()
    excluded: "tuple[Node, ...]" = ()
    whole_number: str = ""
    run: tuple[analysis.Forms, ...] = ()
    since: date | None = None
    until: date | None = None
    notice: str | None = None

    @property
    def minimum(self) -> int:
        """How many of ``words``: one of two, two of up to five, half of more (half remembered, badly read)."""
        count = len(self.words)
        return min(count, 1) if count < 3 else max(2, count // 2)

    @property
    def wanted(self) -> "tuple[Node, ...]":
        """All that may be marked in a letter found."""
        return self.required + self.words
