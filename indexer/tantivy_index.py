"""The embedded index: one process writes the folder, any number of processes read it."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tantivy import Order, Query

from ged.errors import EngineFailed
from ged.ports import (
    Building,
    Facets,
    Hit,
    IndexDocument,
    IndexedLetter,
    IndexStatus,
    MailId,
    Principals,
    SearchQuery,
    SearchResult,
    SortOrder,
    Suggestion,
)
from indexer import correcting, fields, suggesting, tantivy_correct, tantivy_store, tantivy_suggest
from indexer.asking import facet_values, page_of, understood
from indexer.joining import MIN_HELD, joined, wholes
from indexer.lacking import Lacking
from indexer.passages import Marker
from indexer.query import parse
from indexer.reordering import Reordering, reordering_of
from indexer.rereading import WINDOW, weight
from indexer.synonyms import Synonyms, shipped
from indexer.tantivy_folder import Folder, stamp
from indexer.tantivy_own import OwnLetters
from indexer.tantivy_query import SCALE, Translator
from indexer.together import not_together
from indexer.tree import ParsedQuery

if TYPE_CHECKING:
    from tantivy import DocAddress, Searcher
    from tantivy import SearchResult as Found

ENGINE = "tantivy"
FACET_SIZE = 100
_ORDERS: Mapping[SortOrder, tuple[str | None, Order]] = {
    SortOrder.RELEVANCE: (None, Order.Desc),
    SortOrder.NEWEST: (tantivy_store.IN_TURN, Order.Desc),
    SortOrder.OLDEST: (tantivy_store.IN_TURN, Order.Asc),
}
_REBUILD = "Run `ged index rebuild`."
EQUAL = 100
"""So many letters behind the last one that is wanted are read, to know which ones have its score: of these the newest come first.
With ten times as many a search of frequent words takes a quarter longer (measured)."""
NEWEST, TURNS = 1_000, 3
"""Where still more have its score, so many of the newest letters found are looked at, and so often. The folder orders the rest."""
FIRST = WINDOW
"""The number of first letters that ``Translator.ordering`` orders: those that are reread then, as on Elasticsearch."""


class TantivyIndex:
    """``SearchIndex`` in a folder.

    Args:
        path: the folder; created when ``writable``.
        writable: whether this process may write. Only one process may at a time (the second gets ``index.locked``).
        zone: time zone of days and years.
        synonyms: returns the current synonyms, at each search.
    """

    def __init__(
        self, path: Path, *, writable: bool, zone: tzinfo = UTC, synonyms: Callable[[], Synonyms] = shipped
    ) -> None:
        self._synonyms = synonyms
        self._path = path
        self._writable = writable
        self._zone = zone
        self._lock = threading.RLock()
        self._living: Folder | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._building_lock = threading.RLock()
        self._building: Folder | None = None
        # The worker that writes here does much else: a folder that refuses it is told by each call, and stops no start.
        with suppress(OSError, ValueError):
            if writable and tantivy_store.read_current(path) is None:
                tantivy_store.create(path)

    # --- writing

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """See ``SearchIndex.put``."""
        with self._lock, _failures():
            self._written().put(documents)

    def remove(self, mail_ids: Iterable[MailId]) -> None:
        """See ``SearchIndex.remove``."""
        with self._lock, _failures():
            self._written().remove(mail_ids)

    def reset(self) -> None:
        """See ``SearchIndex.reset``."""
        self._require_writable()
        with self._lock, self._building_lock, _failures():
            current = tantivy_store.read_current(self._path)
            if current is not None and current.is_up_to_date:
                self._open().lock_writer()
            self.close()
            tantivy_store.create(self._path)

    def close(self) -> None:
        """Release the writer's lock (another process may then write)."""
        with self._lock, self._building_lock:
            for folder in (self._living, self._building):
                if folder is not None:
                    folder.close()
            self._living = self._building = None

    # --- a generation beside the living one

    def begin_rebuild(self, version: int) -> Building:
        """See ``SearchIndex.begin_rebuild``."""
        self._require_writable()
        with self._building_lock, _failures():
            building = tantivy_store.read_building(self._path)
            if building is None:
                building = Building(tantivy_store.create_folder(self._path), version)
                tantivy_store.remember_building(self._path, building)
            self._open_building(building).lock_writer()
            return building

    def extend(self, documents: Iterable[IndexDocument], *, position: int | None = None) -> None:
        """See ``SearchIndex.extend``."""
        self._require_writable()
        with self._building_lock, _failures():
            building = self._require_building()
            self._open_building(building).put(documents)
            if position is not None:
                tantivy_store.remember_building(self._path, replace(building, position=position))

    def publish(self) -> None:
        """See ``SearchIndex.publish``."""
        self._require_writable()
        with self._lock, self._building_lock, _failures():
            building = self._require_building()
            fresh = self._open_building(building)
            if self._living is not None:
                self._living.close()
            tantivy_store.publish(self._path, building.name)
            self._living, self._building = fresh, None
            self._stamp = stamp(self._path / tantivy_store.CURRENT)

    def abandon(self) -> None:
        """See ``SearchIndex.abandon``."""
        self._require_writable()
        with self._building_lock, _failures():
            if self._building is not None:
                self._building.close()
                self._building = None
            tantivy_store.forget_building(self._path)
            tantivy_store.sweep(self._path)

    # --- reading

    def search(self, query: SearchQuery, *, principals: Principals) -> SearchResult:
        """See ``SearchIndex.search``."""
        offset, limit = page_of(query)
        with _failures():
            searcher = self._open().searcher()
            own = OwnLetters(searcher, _allowed(principals, query.exclude))
            parsed, meant = self._understood(searcher, query, own)
            translator = _translator(searcher, own)
            asked = translator.build(query, parsed, principals)
            by_field, order = _ORDERS[query.sort]
            reordering = reordering_of(query, parsed, window=WINDOW, scale=SCALE)
            # tantivy takes no limit of 0, and the count is wanted without letters too.
            is_first = bool(parsed.words) and query.sort is SortOrder.RELEVANCE and limit > 0 and offset < FIRST
            if query.sort is SortOrder.RELEVANCE:
                total, places = _best(searcher, asked, max(FIRST, offset + limit))
            else:
                found = searcher.search(asked, max(limit, 1), order_by_field=by_field, offset=offset, order=order)
                total, places = _total(found), found.hits
            if is_first:
                places = _ordered(searcher, translator, parsed, places)
                places = _reordered(searcher, reordering, places) if reordering else places
            if query.sort is SortOrder.RELEVANCE:
                places = places[offset:]
            hits = self._hits(searcher, places[:limit], query, parsed)
            first = (tantivy_store.read_source(searcher.doc(place)) for _score, place in places)
            apart = not_together(
                query,
                parsed,
                first,
                lambda several: [
                    bool(searcher.search(translator.build(query, one, principals), 1, count=False).hits)
                    for one in several
                ],
            )
        correction = correcting.did_you_mean(query.text, meant)
        return SearchResult(hits, total, notice=parsed.notice, did_you_mean=correction, not_together=apart)

    def facets(self, query: SearchQuery, *, principals: Principals) -> Facets:
        """See ``SearchIndex.facets``: all facets in one pass over the letters found."""
        page_of(query)
        if not query.facets:
            return {}
        wanted = {n: tantivy_store.counting(fields.FACETS[n].name, FACET_SIZE) for n in query.facets}
        with _failures():
            searcher = self._open().searcher()
            own = OwnLetters(searcher, _allowed(principals, query.exclude))
            parsed, _meant = self._understood(searcher, query, own)
            asked = _translator(searcher, own).build(query, parsed, principals)
            found = searcher.aggregate(asked, wanted)
        buckets = {name: found[name]["buckets"] for name in query.facets}
        return {name: facet_values((one["key"], one["doc_count"]) for one in buckets[name]) for name in query.facets}

    def suggest(
        self, text: str, *, principals: Principals, exclude: frozenset[MailId] = frozenset(), limit: int = 8
    ) -> tuple[Suggestion, ...]:
        """See ``SearchIndex.suggest``."""
        typed = suggesting.read(text)
        if typed is None:
            return ()
        with _failures():
            may_see = _allowed(principals, exclude)
            return tantivy_suggest.suggestions(self._open().searcher(), typed, may_see, limit)

    def similar(
        self, mail_id: MailId, *, principals: Principals, exclude: frozenset[MailId] = frozenset(), limit: int = 5
    ) -> tuple[Hit, ...]:
        """See ``SearchIndex.similar``."""
        with _failures():
            return tantivy_suggest.similar(self._open().searcher(), mail_id, _allowed(principals, exclude), limit)

    def versions(self, mail_ids: Sequence[MailId]) -> Mapping[MailId, int]:
        """See ``SearchIndex.versions``."""
        with _failures():
            return self._open().versions(mail_ids)

    def scan(self, *, after: int = 0, limit: int = 1_000) -> tuple[IndexedLetter, ...]:
        """See ``SearchIndex.scan``."""
        with _failures():
            found = self._open().scan(after, limit)
        return tuple(IndexedLetter(MailId(a), version, *fields.read_access(terms)) for a, version, terms in found)

    def status(self) -> IndexStatus:
        """See ``SearchIndex.status``; version 0 without an index. The folder has one writing program, so that an index of
        any other layout is outdated, also that of a later release which was left again."""
        with _failures():
            current = tantivy_store.read_current(self._path)
            building = tantivy_store.read_building(self._path)
            if current is None:
                return IndexStatus(ENGINE, 0, 0, building=building)
            if not current.is_up_to_date:
                return IndexStatus(ENGINE, current.schema_version, 0, building=building, is_outdated=True)
            count = self._open().searcher().num_docs
        return IndexStatus(ENGINE, current.schema_version, count, current.folder, building)

    # --- inside

    def _understood(
        self, searcher: "Searcher", query: SearchQuery, own: OwnLetters
    ) -> tuple[ParsedQuery, Mapping[str, str]]:
        """The query with synonyms and corrections of mistyped words; and the corrections alone."""
        parsed = understood(query, self._synonyms())
        parsed = joined(parsed, {stem: own.holding("text", stem, above=MIN_HELD - 1) for stem in wholes(parsed)})
        meant = tantivy_correct.meant(searcher, correcting.doubtful(parsed), own.may_see)
        return correcting.corrected(parsed, meant), meant

    def _open(self) -> Folder:
        """The living generation."""
        with self._lock:
            now = stamp(self._path / tantivy_store.CURRENT)
            if self._living is None or now != self._stamp:
                if self._living is not None:
                    self._living.close()
                self._living = self._open_anew()
                self._stamp = now
            return self._living

    def _open_anew(self) -> Folder:
        current = tantivy_store.read_current(self._path)
        if current is None:
            raise EngineFailed("index.unavailable", "Start the worker: it makes the index.", retryable=True)
        if not current.is_up_to_date:
            raise EngineFailed("index.schema_outdated", _REBUILD, retryable=True, found=current.schema_version)
        try:
            return Folder(self._path / current.folder, zone=self._zone)
        except ValueError:
            if tantivy_store.read_current(self._path) == current:
                raise
        return self._open_anew()  # another generation was published meanwhile

    def _written(self) -> Folder:
        self._require_writable()
        folder = self._open()
        folder.lock_writer()
        return folder

    def _require_writable(self) -> None:
        if not self._writable:
            raise EngineFailed("index.read_only", "Only the worker writes the embedded index.")

    def _require_building(self) -> Building:
        building = tantivy_store.read_building(self._path)
        if building is None:
            raise EngineFailed("index.not_building", "Run `ged index rebuild` again: another process ended it.")
        return building

    def _open_building(self, building: Building) -> Folder:
        if self._building is None or self._building.path.name != building.name:
            self._building = Folder(self._path / building.name, zone=self._zone)
        return self._building

    def _hits(
        self, searcher: "Searcher", found: "list[tuple[float, DocAddress]]", query: SearchQuery, parsed: ParsedQuery
    ) -> tuple[Hit, ...]:
        places = [place for _, place in found]
        ids = searcher.fast_field_values("mail_id", places)
        marker, lacking = Marker(parsed), Lacking(parsed)

        def shown(mail_id: Any, score: float, place: "DocAddress") -> Hit:
            one = Hit(MailId(int(mail_id or 0)), float(score) if query.sort is SortOrder.RELEVANCE else 0.0)
            if not (query.highlight and parsed.wanted):
                return one
            stored = tantivy_store.read_source(searcher.doc(place))
            return replace(one, passages=marker.passages(stored), lacking=lacking.words(stored))

        return tuple(shown(mail_id, *one) for mail_id, one in zip(ids, found, strict=True))


def _total(found: "Found") -> int:
    return int(found.count)  # type: ignore[attr-defined]  # missing in the stubs of 0.27


def _best(searcher: "Searcher", asked: Query, size: int) -> "tuple[int, list[tuple[float, DocAddress]]]":
    """How many letters are found, and the first ones; of equal scores the newest first.

    tantivy orders equal scores as they lie in the folder: after a merge a second page would show letters of the first one again.
    """
    found = searcher.search(asked, size + EQUAL)
    hits = found.hits
    if len(hits) == size + EQUAL and hits[size - 1][0] == hits[-1][0]:
        hits = _newest_of_equal(searcher, asked, hits, size)
    ids = searcher.fast_field_values("mail_id", [place for _score, place in hits])
    ordered = sorted(zip(hits, ids, strict=True), key=lambda one: (-one[0][0], -int(one[1] or 0)))
    return _total(found), [hit for hit, _mail_id in ordered[:size]]


def _newest_of_equal(
    searcher: "Searcher", asked: Query, hits: "list[tuple[float, DocAddress]]", size: int
) -> "list[tuple[float, DocAddress]]":
    """The letters above the score of the last one that is wanted, and the newest ones of this score."""
    least = hits[size - 1][0]
    above = [one for one in hits if one[0] > least]
    equal: dict[tuple[int, int], tuple[float, DocAddress]] = {}
    for turn in range(TURNS):
        newest = searcher.search(
            asked, NEWEST, count=False, order_by_field="mail_id", offset=turn * NEWEST, order=Order.Desc
        ).hits
        if not newest:
            break
        ids = searcher.fast_field_values("mail_id", [place for _value, place in newest])
        again = _translator().among(asked, [int(one or 0) for one in ids])
        equal |= {_key(one[1]): one for one in searcher.search(again, NEWEST, count=False).hits if one[0] == least}
        if len(above) + len(equal) >= size:
            return above + list(equal.values())
    equal |= {_key(one[1]): one for one in hits if one[0] == least}
    return above + list(equal.values())


def _ordered(
    searcher: "Searcher", translator: Translator, parsed: ParsedQuery, found: "list[tuple[float, DocAddress]]"
) -> "list[tuple[float, DocAddress]]":
    """The first letters in the order of both passes; the rest in their order."""
    first, rest = found[:FIRST], found[FIRST:]
    ids = searcher.fast_field_values("mail_id", [place for _score, place in first])
    asked = translator.ordering(parsed, [int(one or 0) for one in ids]) if len(first) > 1 else None
    if asked is None:
        return found
    gains = {_key(place): gain for gain, place in searcher.search(asked, len(first), count=False).hits}
    again = [(score + gains.get(_key(place), 0.0), place) for score, place in first]
    return sorted(again, key=lambda one: -one[0]) + rest


def _key(place: "DocAddress") -> tuple[int, int]:
    return place.segment_ord, place.doc


def _reordered(
    searcher: "Searcher", order: Reordering, found: "list[tuple[float, DocAddress]]"
) -> "list[tuple[float, DocAddress]]":
    """The first letters in their new order; the rest in their order."""

    def weights(stems: Sequence[str]) -> Mapping[str, float]:
        return {stem: weight(searcher.num_docs, searcher.doc_freq("text", stem)) for stem in stems}

    first, rest = found[: order.window], found[order.window :]
    letters = [tantivy_store.read_source(searcher.doc(place)) for _score, place in first]
    ordered = order.ordered(letters, [score for score, _place in first], weights)
    return [(score, first[at][1]) for at, score in ordered] + rest


def _translator(searcher: "Searcher | None" = None, own: OwnLetters | None = None) -> Translator:
    return Translator(tantivy_store.schema(), searcher, own)


def _allowed(principals: Principals, exclude: frozenset[MailId]) -> Query:
    """The letters that may be shown."""
    return _translator().build(SearchQuery("", exclude=exclude), parse(""), principals)


@contextmanager
def _failures() -> Iterator[None]:
    """Turn ValueError, which tantivy raises for all (files gone, disk full), into our one failure."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise EngineFailed(
            "index.unavailable",
            "Look at disk space and rights of the index folder.",
            retryable=True,
            why=str(error)[:300],
            place="folder",
        ) from error
