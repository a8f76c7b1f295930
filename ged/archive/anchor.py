"""The journal's daily anchor: the root of a Merkle tree over all entries, signed, time-stamped by an outside authority.

``anchors.jsonl`` beside the sealed heads holds one line for each anchor, ``{"anchor": {...}, "signature": hex}``. Each
line contains the digest of the line before. The token (RFC 3161, over the SHA-256 of the anchor's canonical form) is
stored in ``anchors/<count>.tst``. Without an authority the anchor is made all the same, and its token requested later.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import audit
from ged.archive import merkle
from ged.archive.seal import GENESIS, HeadSeal, journal_seal
from ged.audit import AuditEntry, Finding
from ged.durable import make_folder, replace_file
from ged.errors import EngineFailed
from ged.ports import Timestamper
from ged.unit import Services

_LATE_TOKENS = 30
"""Largest number of missing tokens that one run requests: enough after an outage of a month."""


@dataclass(frozen=True)
class Anchor:
    """An anchor: the first ``count`` entries have this root, and the last of them has this hash."""

    count: int
    root: str
    head: str
    at: str
    previous: str

    @property
    def imprint(self) -> bytes:
        """The digest that is time-stamped."""
        return hashlib.sha256(audit.canonical(asdict(self))).digest()


class Anchors:
    """The anchors in the folder of the sealed heads.

    Args:
        seal: signs them.
    """

    def __init__(self, folder: Path, seal: HeadSeal) -> None:
        self._file = folder / "anchors.jsonl"
        self._tokens = folder / "anchors"
        self._seal = seal

    def make(self, session: Session, *, now: datetime) -> bool:
        """Anchor the journal as the session sees it; False when there are no entries since the last anchor."""
        with self._seal.alone():
            lines = self.lines()
            last = self._read(lines[-1])[0] if lines else None
            head = audit.head(session)
            if head.count == 0 or (last is not None and last.count >= head.count):
                return False
            anchor = Anchor(
                head.count,
                merkle.root(leaves(session, head.count)),
                head.hash,
                now.isoformat(),
                hashlib.sha256(lines[-1].encode()).hexdigest() if lines else GENESIS,
            )
            signature = self._seal.sign_bytes(audit.canonical(asdict(anchor)))
            # The line first, its time-stamp later: while no time-stamp authority can be reached, the journal is anchored all the same.
            self._append(json.dumps({"anchor": asdict(anchor), "signature": signature}, sort_keys=True))
            return True

    def stamp(self, timestamper: Timestamper | None) -> int:
        """Request missing tokens, the newest first; returns how many were received."""
        came = 0
        for anchor in [one for one in reversed(self.all()) if not self._place(one).exists()][:_LATE_TOKENS]:
            if timestamper is None:
                break
            try:
                token = timestamper.stamp(anchor.imprint)
            except EngineFailed:
                break  # the next run retries
            self._write(self._place(anchor), token)
            came += 1
        return came

    def all(self) -> list[Anchor]:
        """Every anchor, oldest first."""
        return [self._read(line)[0] for line in self.lines()]

    def line_for(self, sequence: int) -> tuple[Anchor, str, bytes | None] | None:
        """The first time-stamped anchor over an entry, else the first: (anchor, line, token)."""
        over = [(self._read(line)[0], line) for line in self.lines()]
        over = [(anchor, line) for anchor, line in over if anchor.count >= sequence]
        stamped = [(anchor, line) for anchor, line in over if self._place(anchor).exists()]
        for anchor, line in [*stamped, *over][:1]:
            return anchor, line, self.token(anchor)
        return None

    def token(self, anchor: Anchor) -> bytes | None:
        """The time-stamp of an anchor; None while it was not received."""
        place = self._place(anchor)
        return place.read_bytes() if place.exists() else None

    def newest(self) -> tuple[Anchor, str, bytes | None] | None:
        """The newest anchor, as ``line_for``."""
        made = self.all()
        return self.line_for(made[-1].count) if made else None

    def verify(self, session: Session, lines: Sequence[str]) -> Iterator[Finding]:
        """Compare every anchor with the journal and with the line before it.

        Args:
            lines: the result of ``lines``, read before the session's first query, so that no line is newer.
        """
        counts = {anchor.count for anchor, _ in map(self._read_or_none, lines) if anchor is not None}
        roots = merkle.roots(leaves(session, max(counts, default=0)), counts)
        previous = GENESIS
        for number, line in enumerate(lines, start=1):
            anchor, signature = self._read_or_none(line)
            if anchor is None or not self._seal.is_signed_bytes(audit.canonical(asdict(anchor)), signature):
                yield Finding(number, "anchor.line_altered")
            elif anchor.previous != previous:
                yield Finding(number, "anchor.line_missing")
            elif roots.get(anchor.count) != anchor.root:
                yield Finding(anchor.count, "journal.rewritten_behind_anchor")
            previous = hashlib.sha256(line.encode()).hexdigest()

    def _read_or_none(self, line: str) -> tuple[Anchor | None, str]:
        try:
            return self._read(line)
        except (ValueError, KeyError, TypeError):
            return None, ""

    def _read(self, line: str) -> tuple[Anchor, str]:
        record = json.loads(line)
        return Anchor(**record["anchor"]), str(record["signature"])

    def lines(self) -> list[str]:
        """The lines of the file, oldest first; an incomplete last line is ignored."""
        if not self._file.exists():
            return []
        whole, end, _torn = self._file.read_text(encoding="utf-8", errors="replace").rpartition("\n")
        return whole.split("\n") if end else []

    def _append(self, line: str) -> None:
        content = self._file.read_bytes() if self._file.exists() else b""
        # Whole, by a rename, so nobody reads half a line. It is one line a day.
        self._write(self._file, content[: content.rfind(b"\n") + 1] + line.encode() + b"\n")

    def _place(self, anchor: Anchor) -> Path:
        return self._tokens / f"{anchor.count}.tst"

    def _write(self, path: Path, content: bytes) -> None:
        make_folder(path.parent, mode=0o700)
        replace_file(path, content)


def journal_anchors(services: Services) -> Anchors:
    """The anchors of an installation."""
    return Anchors(Path(services.data_dir) / "seal", journal_seal(services))


def leaves(session: Session, count: int) -> list[bytes]:
    """The hashes of the first entries: the leaves of the tree."""
    query = select(AuditEntry.hash).where(AuditEntry.sequence <= count).order_by(AuditEntry.sequence)
    return [bytes.fromhex(one) for one in session.scalars(query.execution_options(yield_per=10_000))]
