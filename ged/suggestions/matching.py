"""Finds the sender as read in the directory. Ignores accents, case, legal forms, abbreviations and word order.

Names are compared word by word. A rare word counts more than a common word, and a word with one misread character
counts nearly in full. The process caches the words of the directory, and reads them again after a change.
"""

import math
import re
import threading
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from weakref import WeakKeyDictionary

from rapidfuzz import fuzz, process, utils
from sqlalchemy import Engine, func, not_, select
from sqlalchemy.orm import Session

from ged.org.tree import ministry_of_units
from ged.register.correspondents import fold, is_confidential
from ged.register.models import Correspondent

KNOWN_FROM = 75.0
"""From this score a known correspondent is proposed; below it, a new one."""
BEST = 3
_FIRST_LOOK = 60
_ONE_WORD = 80.0
"""From this ratio two words count as the same word, misread."""
_NEAR_WORDS = 8
_FORMS = (
    "sa sarl sarlu sas sasu snc scs sca gie sci eurl suarl ltd llc inc plc gmbh ets etablissements etablissement ste "
    "societe cie compagnie ong m mr mme mlle monsieur madame mademoiselle messieurs mm dr docteur me maitre "
    "le la les l de du des d et au aux a en pour"
)
_LEGAL_FORMS = frozenset(_FORMS.split())
_ABBREVIATIONS = {
    "min": "ministere", "minist": "ministere", "dir": "direction", "gal": "general", "gale": "generale",
    "gen": "general", "pref": "prefecture", "dept": "departement", "dep": "departement", "nat": "national",
    "nle": "nationale", "natl": "national", "sec": "secretariat", "secr": "secretariat", "sg": "secretariat general",
    "dg": "direction generale", "rep": "republique", "ambass": "ambassade", "amb": "ambassade", "univ": "universite",
    "assoc": "association", "ass": "association", "fed": "federation", "synd": "syndicat", "st": "saint",
    "ste": "sainte", "hop": "hopital", "inst": "institut", "serv": "service", "adm": "administration",
    "cne": "commune", "com": "commune", "prefet": "prefecture", "ministre": "ministere", "maire": "mairie",
    "directeur": "direction", "directrice": "direction", "ambassadeur": "ambassade", "president": "presidence",
}  # fmt: skip
"""A letter is signed by the prefect, the directory knows the prefecture."""


@dataclass(frozen=True)
class Match:
    """A correspondent of the directory; ``score`` 0..100 is the similarity of its name to the name read."""

    id: int
    name: str
    score: int


@dataclass(frozen=True)
class _Name:
    """A name prepared for comparison: its significant words, and its acronyms."""

    words: tuple[str, ...]
    acronyms: frozenset[str]

    @property
    def key(self) -> str:
        return " ".join(sorted(self.words))


@dataclass
class _Directory:
    """The cached names of one database, as of ``stamp``; a name is identified by its place in the lists."""

    stamp: tuple[int, int, int] = (0, 0, 0)
    ids: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    ready: list[_Name] = field(default_factory=list)
    of_entity: list[int | None] = field(default_factory=list)
    """The entity of the entry; None: the common stock."""
    shared: list[bool] = field(default_factory=list)
    by_word: dict[str, list[int]] = field(default_factory=dict)
    by_acronym: dict[str, list[int]] = field(default_factory=dict)
    vocabulary: list[str] = field(default_factory=list)

    def weight(self, word: str) -> float:
        """The weight of a word: the rarer, the greater; the greatest for a word in no name."""
        return 1.0 + math.log((len(self.ids) + 1) / (len(self.by_word.get(word, ())) + 1))


_DIRECTORIES: WeakKeyDictionary[Engine, _Directory] = WeakKeyDictionary()


def best_matches(session: Session, read: str, *, entity_ids: Collection[int], limit: int = BEST) -> list[Match]:
    """The correspondents, visible to these entities, whose names are most similar to the name read, best first.

    Only scores from ``KNOWN_FROM``. Of a name in two directories, one entry is returned.
    """
    wanted = _ready(read)
    if not wanted.words:
        return []
    directory = _directory(session)
    own, near = {None, *entity_ids}, ministry_of_units(session, entity_ids)
    places = [
        place
        for place in _first_look(wanted, directory)
        if directory.of_entity[place] in own or (directory.shared[place] and directory.of_entity[place] in near)
    ]
    scored = [(_score(wanted, directory, place), place) for place in places]
    best = sorted((one for one in scored if one[0] >= KNOWN_FROM), key=lambda one: (-one[0], one[1]))
    shown = _shown(session, [directory.ids[place] for _, place in best])
    found = [
        Match(directory.ids[place], directory.names[place], round(score))
        for score, place in best
        if directory.ids[place] in shown
    ]
    return list({fold(one.name): one for one in reversed(found)}.values())[::-1][:limit]


def _shown(session: Session, ids: Collection[int]) -> set[int]:
    """Those of the entries that are no secret now: letters change their level, and the cached names do not know."""
    return set(session.scalars(select(Correspondent.id).where(Correspondent.id.in_(ids), not_(is_confidential()))))


def _first_look(wanted: _Name, directory: _Directory) -> Iterable[int]:
    """The places of names that share the weightiest words with the name read."""
    found: Counter[int] = Counter()
    for word in dict.fromkeys(wanted.words):
        for near, ratio, _ in process.extract(
            word, directory.vocabulary, scorer=fuzz.ratio, score_cutoff=_ONE_WORD, limit=_NEAR_WORDS, processor=None
        ):
            gain = directory.weight(near) * ratio / 100
            for place in directory.by_word[near]:
                found[place] += gain  # type: ignore[assignment]  # a Counter sums floats as well
    places = [place for place, _ in found.most_common(_FIRST_LOOK)]
    for acronym in wanted.acronyms:
        places += directory.by_acronym.get(acronym, [])[:_FIRST_LOOK]
    return dict.fromkeys(places)


def _score(wanted: _Name, directory: _Directory, place: int) -> float:
    """The score 0..100: the mean of the shares of each name's weight that the other name covers."""
    name = directory.ready[place]
    score = 50 * (_covered(wanted, name, directory) + _covered(name, wanted, directory))
    letters = fuzz.ratio(wanted.key, name.key)
    if letters >= 92:  # words joined or split by OCR
        score = max(score, letters)
    if wanted.acronyms & name.acronyms:
        score = max(score, 90 + score / 11)
    return min(score, 100.0)


def _covered(one: _Name, other: _Name, directory: _Directory) -> float:
    total = found = 0.0
    for word in one.words:
        weight = directory.weight(word)
        ratio = max((fuzz.ratio(word, candidate) for candidate in other.words), default=0.0)
        total += weight
        found += weight * (ratio / 100 if ratio >= _ONE_WORD else 0.0)
    return found / total if total else 0.0


@lru_cache(maxsize=65536)
def _ready(name: str) -> _Name:
    bracketed = " ".join(re.findall(r"\(([^)]{2,12})\)", name))
    words = _words(re.sub(r"\([^)]{2,12}\)", " ", name)) or _words(name)
    long = [part for word in words for part in _ABBREVIATIONS.get(word, word).split()]
    kept = tuple(word for word in long if word not in _LEGAL_FORMS) or tuple(words)
    acronyms = {fold(bracketed)} if bracketed.isupper() else set()
    if len(words) == 1 and 3 <= len(words[0]) <= 8:
        acronyms.add(words[0])
    initials = "".join(word[0] for word in words if word not in _ARTICLES)
    if 4 <= len(initials) <= 8:
        acronyms.add(initials)
    return _Name(kept, frozenset(acronyms))


def _words(name: str) -> list[str]:
    return utils.default_process(fold(name.replace("'", " ").replace("’", " "))).split()


_ARTICLES = frozenset(("le", "la", "les", "l", "de", "du", "des", "d", "et", "au", "aux", "a", "en", "pour"))


def _directory(session: Session) -> _Directory:
    """The cached names of this database. A new entry is read alone; after a correction all are read again."""
    engine = session.get_bind().engine
    counted = session.execute(
        select(func.count(Correspondent.id), func.max(Correspondent.id), func.sum(Correspondent.version))
    ).one()
    stamp = (int(counted[0] or 0), int(counted[1] or 0), int(counted[2] or 0))
    held = _DIRECTORIES.get(engine)
    if held is not None and held.stamp == stamp:
        return held
    with _LOCK:
        held = _DIRECTORIES.get(engine)
        added = stamp[0] - held.stamp[0] if held is not None else -1
        if held is None or added < 0 or stamp[2] - held.stamp[2] != added:
            held = _DIRECTORIES[engine] = _Directory()
        if held.stamp != stamp:
            known = len(held.ids)
            _read(session, held, stamp)
            if known and len(held.ids) - known != added:
                # Of two entries made at once, the one with the lower id may be committed last: all are read again.
                held = _DIRECTORIES[engine] = _Directory()
                _read(session, held, stamp)
    return held


_LOCK = threading.Lock()


def _read(session: Session, directory: _Directory, stamp: tuple[int, int, int]) -> None:
    rows = session.execute(
        select(Correspondent.id, Correspondent.name, Correspondent.entity_id, Correspondent.is_shared)
        .where(Correspondent.is_active, Correspondent.merged_into_id.is_(None), Correspondent.id > directory.stamp[1])
        .order_by(Correspondent.id)
    )
    for place, (correspondent_id, name, entity_id, is_shared) in enumerate(rows, start=len(directory.ids)):
        ready = _ready(name)
        directory.ids.append(correspondent_id)
        directory.names.append(name)
        directory.of_entity.append(entity_id)
        directory.shared.append(is_shared)
        directory.ready.append(ready)
        for word in dict.fromkeys(ready.words):
            directory.by_word.setdefault(word, []).append(place)
        for acronym in ready.acronyms:
            directory.by_acronym.setdefault(acronym, []).append(place)
    directory.vocabulary = list(directory.by_word)
    directory.stamp = stamp


def likeness(one: str, other: str) -> float:
    """The similarity of two names, 0..100, without the directory: all words have the same weight."""
    pair = _Directory()
    pair.ready, pair.ids = [_ready(other)], [0]
    return _score(_ready(one), pair, 0)
