"""Synonyms that an administrator edits: a group a line, its members separated by ``=`` or commas.

    AR = accusé de réception
    # a remark
    DG = directeur général, direction générale

They are applied to the query on both engines: an edit takes effect in the next search, and nothing is indexed again.
Elasticsearch needs no synonym set and no reload of an analyser.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from ged.durable import replace_file
from ged.errors import EngineFailed
from ged.ports import SynonymError
from indexer import analysis, everyday, number_words
from indexer.tree import AnyOf, Node, ParsedQuery, Run, Words

SHIPPED = Path(__file__).with_name("synonyms.txt")
MAX_GROUPS = 2_000
MAX_MEMBERS = 12
MAX_MEMBER_WORDS = 8
MAX_ALSO = 6
FEW_WORDS = 5
"""Only a query of so few words is widened by words of the same matter. A longer one finds letters by half of its words: it would
cost more, and find no better letter (measured)."""

ONE_MEMBER = "synonyms.one_member"
TOO_MANY = "synonyms.too_many"
TOO_LONG = "synonyms.too_long"
NO_WORD = "synonyms.no_word"


@dataclass(frozen=True)
class Synonyms:
    """Groups of words that mean the same.

    Attributes:
        others: members of a group (folded) -> the other members.
        errors: lines that were skipped.
    """

    others: Mapping[tuple[str, ...], tuple[Run, ...]] = field(default_factory=dict)
    errors: tuple[SynonymError, ...] = ()

    def applied(self, parsed: ParsedQuery) -> ParsedQuery:
        """The query with the synonyms of its plain words (single words and neighbours) added to them.

        The other writings of an ordinal number are synonyms as well. Words of the same matter are added beside them.
        """
        found: dict[str, list[Run]] = {}
        akin: dict[str, list[Run]] = {}
        is_short = len(parsed.words) <= FEW_WORDS
        run = parsed.run or tuple(form for node in parsed.words for form in _forms(node))
        for start in range(len(run)):
            for end in range(start + 1, min(start + MAX_MEMBER_WORDS, len(run)) + 1):
                key = _key(run[start:end])
                same = (*self.others.get(key, ()), *number_words.others(key))
                for form in run[start:end]:
                    found.setdefault(form.folded, []).extend(same)
                    if is_short:
                        akin.setdefault(form.folded, []).extend(everyday.akin(run[start:end]))
        return replace(parsed, words=tuple(_with(node, found, akin) for node in parsed.words))


class SynonymFile:
    """The synonyms of a file, read again when the file has changed.

    Args:
        path: the installation's own list.
        otherwise: the list used while ``path`` does not exist; unset: no synonyms then.
    """

    def __init__(self, path: Path, *, otherwise: Path | None = None) -> None:
        self._path = path
        self._otherwise = otherwise
        self._read: tuple[tuple[int, int, int], Synonyms] | None = None

    def __call__(self) -> Synonyms:
        """The current synonyms."""
        try:
            seen = self._path.stat()
        except FileNotFoundError:
            return Synonyms() if self._otherwise is None else _of(self._otherwise)
        # The inode too: an edit is renamed into its place, and may have size and time of the one before it.
        stamp = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, read(self.text())
        return self._read[1]

    @property
    def is_own(self) -> bool:
        """See ``SynonymBook.is_own``."""
        return self._path.exists()

    def text(self) -> str:
        """See ``SynonymBook.text``."""
        for path in (self._path, self._otherwise):
            if path is not None and path.exists():
                return path.read_text("utf-8-sig", errors="replace")
        return ""

    def errors(self, text: str) -> tuple[SynonymError, ...]:
        """See ``SynonymBook.errors``."""
        return read(text).errors

    def replace(self, text: str) -> None:
        """See ``SynonymBook.replace``."""
        try:
            replace_file(self._path, text.encode())
        except OSError as error:
            remedy = "Look at disk space and rights of the data folder."
            raise EngineFailed("synonyms.not_written", remedy, why=str(error.strerror)) from error


def shipped() -> Synonyms:
    """Abbreviations of French and Togolese administration that come with the program."""
    return _of(SHIPPED)


@cache
def _of(path: Path) -> Synonyms:
    """The synonyms of a file that comes with the program."""
    return read(path.read_text("utf-8"))


def read(text: str) -> Synonyms:
    """Parse a file's text; invalid lines are skipped, each with an error. Never raises."""
    others: dict[tuple[str, ...], list[Run]] = {}
    errors: list[SynonymError] = []
    groups = 0
    for line_no, line in enumerate(text.splitlines(), start=1):
        rule = line.partition("#")[0].strip()
        if not rule:
            continue
        runs = [tuple(analysis.words(member)) for member in re.split(r"[=,;]", rule) if member.strip()]
        code = TOO_MANY if groups >= MAX_GROUPS else _fault(runs)
        if code:
            errors.append(SynonymError(line_no, code, line.strip()[:200]))
            continue
        groups += 1
        for run in runs:
            known = others.setdefault(_key(run), [])
            known.extend(other for other in runs if _key(other) != _key(run) and other not in known)
    return Synonyms({key: tuple(runs[:MAX_ALSO]) for key, runs in others.items()}, tuple(errors))


def _fault(runs: list[Run]) -> str:
    if not all(runs):
        return NO_WORD
    if len({_key(run) for run in runs}) < 2:
        return ONE_MEMBER
    if len(runs) > MAX_MEMBERS:
        return TOO_MANY
    return TOO_LONG if any(len(run) > MAX_MEMBER_WORDS for run in runs) else ""


def _key(run: Iterable[analysis.Forms]) -> tuple[str, ...]:
    return tuple(form.folded for form in run)


def _forms(node: Node) -> Run:
    leaf = node.nodes[-1] if isinstance(node, AnyOf) else node
    return leaf.forms if isinstance(leaf, Words) else ()


def _with(node: Node, found: Mapping[str, list[Run]], akin: Mapping[str, list[Run]]) -> Node:
    if isinstance(node, AnyOf) and not node.typed:
        return replace(node, nodes=tuple(_with(inner, found, akin) for inner in node.nodes))
    if not isinstance(node, Words) or len(node.forms) != 1:
        return node
    also = tuple(dict.fromkeys(found.get(node.forms[0].folded, ())))[:MAX_ALSO]
    near = tuple(dict.fromkeys(akin.get(node.forms[0].folded, ())))[:MAX_ALSO]
    return replace(node, also=(*node.also, *also), akin=near) if also or near else node
