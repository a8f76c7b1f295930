"""The findings of slow checks, kept in a file of the data folder: all processes show these, and tell how old they are."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ged.health.findings import Check, Finding, State, run_all
from ged.health.ground import Ground

FOLDER, NAME = "run", "checks.json"


@dataclass(frozen=True)
class Kept:
    """A finding, and when it was made."""

    finding: Finding
    at: datetime


class KeptChecks:
    """The findings of an installation.

    Args:
        data: the data folder.
    """

    def __init__(self, data: Path) -> None:
        self._path = data / FOLDER / NAME
        self._lock = data / FOLDER / "checks.lock"

    def latest(self) -> Mapping[str, Kept]:
        """Name of a check -> its last finding; without those that were never made."""
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(name): _read(row) for name, row in rows.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}  # none yet, or another release wrote it

    def is_running(self) -> bool:
        """Whether some process makes them now."""
        with self._alone() as is_ours:
            return not is_ours

    def run(self, checks: Sequence[Check], ground: Ground) -> bool:
        """Make and keep the findings. False when another process makes them already, or the folder takes no file."""
        with self._alone() as is_ours:
            if not is_ours:
                return False
            for check, finding in run_all(checks, ground):
                if not self._keep({**self.latest(), check.name: Kept(finding, datetime.now(UTC))}):
                    return False
            return True

    def _keep(self, kept: Mapping[str, Kept]) -> bool:
        half = self._path.with_suffix(f".{os.getpid()}")
        try:
            half.write_text(json.dumps({name: _stored_check(one) for name, one in kept.items()}), encoding="utf-8")
            half.replace(self._path)
        except OSError:
            half.unlink(missing_ok=True)
            return False
        return True

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        try:
            self._lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            place = self._lock.open("w")
        except OSError:
            yield True  # nothing can be kept either
            return
        with place:
            try:
                fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True


def _stored_check(kept: Kept) -> dict[str, object]:
    one = kept.finding
    return {"state": one.state.value, "code": one.code, "figures": dict(one.figures), "at": kept.at.isoformat()}


def _read(row: Mapping[str, object]) -> Kept:
    figures = row["figures"]
    if not isinstance(figures, dict):
        raise TypeError("figures")
    finding = Finding(State(str(row["state"])), str(row["code"]), figures)
    return Kept(finding, datetime.fromisoformat(str(row["at"])))
