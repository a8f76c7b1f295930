"""The tree of a parsed query, which both engines translate. ``query`` parses the typed text."""

from dataclasses import dataclass, replace
from datetime import date

from indexer import analysis
from indexer.fields import NUMBER_FIELDS

Run = tuple[analysis.Forms, ...]


@dataclass(frozen=True)
class Words:
    """Neighbouring words: one word, or several that must stand in this order (``quoted``: the person typed quotes).

    Attributes:
        also: other runs of words that match as well: synonyms, and corrections of a mistyped word.
        akin: runs of words of the same matter, which match with less weight.
        apart: the telling words of a compound (*formation-emploi*), which a letter may hold apart, with less weight.
        amount: what all writings of an amount share (``amounts.key``). It finds no letter: it lifts those with the whole amount above
            those with a larger one that begins so. Empty: no amount.
        telephone: what all writings of a telephone share (``telephones.key``), which finds the letters that have one. Empty: none.
    """

    text: str
    forms: Run
    fields: tuple[str, ...] = ()
    quoted: bool = False
    also: tuple[Run, ...] = ()
    akin: tuple[Run, ...] = ()
    apart: Run = ()
    amount: str = ""
    telephone: str = ""

    @property
    def names_any_letter(self) -> bool:
        """See ``analysis.names_any_letter``."""
        return len(self.forms) == 1 and analysis.names_any_letter(self.forms[0])


@dataclass(frozen=True)
class Prefix:
    """The beginning of a word, folded."""

    folded: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Number:
    """A reference or a part of a reference.

    Attributes:
        prefix: whether its last part is incomplete.
        glued: the joined parts of a reference that is typed without its separators (``numbers.glued``). Empty: it has them.
    """

    parts: tuple[str, ...]
    fields: tuple[str, ...] = NUMBER_FIELDS
    prefix: bool = False
    glued: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        """The normal form of the whole number."""
        return "/".join(self.parts)


@dataclass(frozen=True)
class AnyOf:
    """At least one of the nodes (``typed``: the person typed OR between them)."""

    nodes: "tuple[Node, ...]"
    typed: bool = False


Node = Words | Prefix | Number | AnyOf


def without_akin(node: Node) -> Node:
    """A node without the words of its matter."""
    if isinstance(node, AnyOf):
        return replace(node, nodes=tuple(map(without_akin, node.nodes)))
    return replace(node, akin=()) if isinstance(node, Words) else node


def telling(words: tuple[Node, ...]) -> tuple[Node, ...]:
    """The words of a search by which a person recognises a letter: without words of their matter, and without those that name all that is
    searched; these where there is no other.
    """
    found = tuple(map(without_akin, words))
    return tuple(node for node in found if not (isinstance(node, Words) and node.names_any_letter)) or found


def plain(node: Node) -> Node:
    """The words of a node that may also be a number."""
    return node.nodes[-1] if isinstance(node, AnyOf) else node


@dataclass(frozen=True)
class ParsedQuery:
    """A parsed query.

    Attributes:
        required: nodes typed with a sign (quotes, field, OR, prefix): all of them must match.
        words: plain words and numbers: ``minimum`` of them must match.
        any_word: whether one of ``words`` is enough, however many there are.
        all_words: whether all of ``words`` must match. ``any_word`` does not count then.
        excluded: nodes that must not match.
        whole_number: normal form of the whole text when it may be one number, else ''; an alternative to all the rest.
        run: the plain words in their order, when there are several: letters that contain the phrase rank higher.
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
    any_word: bool = False
    all_words: bool = False

    @property
    def minimum(self) -> int:
        """How many of ``words`` must match: 1 of two, 2 of up to five, half of more (half remembered, badly read); 1 with ``any_word``,
        each with ``all_words``.
        """
        count = len(self.words)
        if self.all_words:
            return count
        return min(count, 1) if count < 3 or self.any_word else max(2, count // 2)

    @property
    def wanted(self) -> "tuple[Node, ...]":
        """The nodes to mark in a letter found."""
        return self.required + self.words
