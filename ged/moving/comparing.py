"""Compares the two databases row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from ged.moving.columns import beyond, carried, digest_of, key_of, keys, tables
from ged.moving.copying import BATCH, batch_after
from ged.progress import CountedProgress

NAMED = 50
"""So many differences are named; all are counted."""


@dataclass(frozen=True)
class Difference:
    """A row that is not the same in both.

    Attributes:
        what: ``missing`` (in the target), ``more`` (in the target alone), ``differs``.
        columns: those that differ.
    """

    table: str
    row: str
    what: str
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As it is shown."""
        return f"{self.table} {self.row}: {self.what}" + (f" ({', '.join(self.columns)})" if self.columns else "")


@dataclass
class Comparison:
    """What a comparison found.

    Attributes:
        rows: of the source.
        source, target: the sums of the rows' digests, modulo 2^256: the order of the rows does not matter.
        named: the first differences.
    """

    rows: int = 0
    source: int = 0
    target: int = 0
    differing: int = 0
    named: list[Difference] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """The sum over the source."""
        return f"{self.source:064x}"

    def add(self, found: Difference) -> None:
        """Count a difference, and keep the first ones."""
        self.differing += 1
        if len(self.named) < NAMED:
            self.named.append(found)


def compare(source: Connection, target: Connection, *, progress: CountedProgress, batch: int = BATCH) -> Comparison:
    """Read every row of both, and compare the digests of their canonical forms."""
    found = Comparison()
    for table in tables():
        before, after = found.rows, None
        while rows := batch_after(source, table, after, batch):
            last = key_of(table, rows[-1])
            _compare_batch(table, rows, _between(target, table, after, last), found)
            after = last
            progress(table.name, found.rows - before)
        for row in _between(target, table, after, None):
            found.target = _sum(found.target, digest_of(row))
            found.add(Difference(table.name, _shown(key_of(table, row)), "more"))
    return found


def _between(
    target: Connection, table: Table, after: Sequence[Any] | None, last: Sequence[Any] | None
) -> Sequence[Row[Any]]:
    query = select(*(carried(one) for one in table.columns)).order_by(*keys(target, table))
    if after is not None:
        # Up to the last key of the source's batch: rows that the target has between two keys are found too.
        query = query.where(beyond(target, table, after))
    query = query.where(beyond(target, table, last, until=True)) if last is not None else query.limit(NAMED)
    return target.execute(query).all()


def _compare_batch(table: Table, ours: Sequence[Row[Any]], theirs: Sequence[Row[Any]], found: Comparison) -> None:
    there = {key_of(table, row): row for row in theirs}
    for row in ours:
        key, digest = key_of(table, row), digest_of(row)
        found.rows += 1
        found.source = _sum(found.source, digest)
        other = there.pop(key, None)
        if other is None:
            found.add(Difference(table.name, _shown(key), "missing"))
            continue
        copied = digest_of(other)
        found.target = _sum(found.target, copied)
        if copied != digest:
            names = [one.name for one in table.columns]
            differing = tuple(name for name, a, b in zip(names, row, other, strict=True) if a != b)
            found.add(Difference(table.name, _shown(key), "differs", differing))
    for key, row in there.items():
        found.target = _sum(found.target, digest_of(row))
        found.add(Difference(table.name, _shown(key), "more"))


def _sum(total: int, digest: bytes) -> int:
    return (total + int.from_bytes(digest)) % 2**256


def _shown(key: tuple[Any, ...]) -> str:
    return "/".join(str(one) for one in key)
