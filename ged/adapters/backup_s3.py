"""A bucket of an S3 store as a medium of backups: the same names as in a folder, below a prefix.

Nothing is renamed in a bucket. A copy counts from the moment that its signature is there, which is written last and removed first.
What is written lies in a local file before, whose digest the store compares with what arrives. An object ``lock`` holds the medium:
it is renewed while a run lasts, and taken for left over after an hour.
"""

import io
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from threading import Lock
from typing import BinaryIO, Literal, cast

from ged.adapters.s3 import Bucket
from ged.adapters.s3_reading import FIRST, Ranged
from ged.backup.medium import OBJECT, READ_ME
from ged.backup.papers import SIGNATURE
from ged.backup.places import Fill, Place, Sized, Written
from ged.backup.retention import moment_of
from ged.backup.streams import Hashing
from ged.errors import InvalidTransition, NotFound
from ged.ports import Digest
from ged.space import disk_full_of

LOCK = "lock"
LEFT_AFTER, RENEWED_EACH_S = timedelta(hours=1), 600.0
_SNAPSHOT_PARTS, _OBJECT_PARTS = 3, 3


@dataclass(frozen=True)
class _Size:
    st_size: int


@dataclass(frozen=True)
class _Place:
    """A name in a bucket; ``size`` is known of those that were listed."""

    bucket: Bucket
    key: str
    size: int = -1

    @property
    def name(self) -> str:
        return PurePosixPath(self.key).name

    def __truediv__(self, name: str, /) -> "_Place":
        return _Place(self.bucket, f"{self.key}/{name}")

    def open(self, _mode: Literal["rb"], /) -> BinaryIO:
        raw = Ranged(self.bucket, self.key, Digest(self.key))
        try:
            raw.start(1)
        except NotFound:
            raise FileNotFoundError(self.key) from None
        return cast("BinaryIO", io.BufferedReader(raw, FIRST))

    def is_file(self) -> bool:
        return self.size >= 0 or self.bucket.head(self.key) is not None

    def stat(self) -> Sized:
        if self.size >= 0:
            return _Size(self.size)
        found = self.bucket.head(self.key)
        if found is None:
            raise FileNotFoundError(self.key)
        return _Size(found.size_bytes)

    def unlink(self, missing_ok: bool = False) -> None:  # noqa: ARG002  # a store does not say whether it was there
        self.bucket.remove(self.key)


class S3Medium:
    """Adapter of ``AnyMedium`` over a bucket. ``store.*`` errors of ``ged.adapters.s3`` come from every call."""

    def __init__(self, bucket: Bucket, spool: Path) -> None:
        """
        Args:
            spool: a local folder with room for the largest file, for what is on its way.
        """
        self._bucket, self._spool = bucket, spool
        self._tag, self._renewed, self._renewing = "", 0.0, Lock()

    def require(self) -> None:
        """See the port."""
        if not self.snapshots():
            raise NotFound(
                "backup.no_medium", "name the bucket into which `ged backup` wrote", folder=self._bucket.place.address
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See the port."""
        self._take()
        try:
            whole = set(self.snapshots())
            for one in list(self._bucket.listed("snapshots/")):
                # Without a signature: left by a run that was killed.
                if one.key.split("/")[1] not in whole:
                    self._bucket.remove(one.key)
            content = READ_ME.encode()
            there = self._bucket.head("README.txt")
            if there is None or there.size_bytes != len(content):
                self._bucket.put("README.txt", io.BytesIO(content), locked=False)
            yield
        finally:
            held = self._bucket.head(LOCK)
            # After an hour without renewal another run may have taken the lock over: its mark stays.
            if held is not None and held.etag == self._tag:
                self._bucket.remove(LOCK)

    def require_room(self, size_bytes: int) -> None:
        """A store does not say what room it has; a full one refuses (``store.full``)."""

    def objects(self) -> Mapping[str, Place]:
        """See the port."""
        found: dict[str, Place] = {}
        for one in self._bucket.listed("objects/"):
            parts = one.key.split("/")
            if len(parts) == _OBJECT_PARTS and OBJECT.fullmatch(parts[2]) and parts[2][:2] == parts[1]:
                found[parts[2].partition("-")[0]] = _Place(self._bucket, one.key, one.size_bytes)
        return found

    def write_object(self, key: str, fill: Fill) -> Written:
        """See the port."""
        return self._write(fill, lambda sha256: f"objects/{key[:2]}/{key}-{sha256}")

    def write_file(self, snapshot: str, name: str, fill: Fill) -> Written:
        """See the port."""
        return self._write(fill, lambda _: f"snapshots/{snapshot}/{name}")

    def complete(self, snapshot: str) -> Place:
        """See the port: the signature has done it."""
        return self.path_of(snapshot)

    def snapshots(self) -> list[str]:
        """See the port."""
        names = (one.key.split("/") for one in self._bucket.listed("snapshots/"))
        return sorted(
            parts[1]
            for parts in names
            if len(parts) == _SNAPSHOT_PARTS and parts[2] == SIGNATURE and moment_of(parts[1]) is not None
        )

    def path_of(self, snapshot: str) -> Place:
        """See the port."""
        return _Place(self._bucket, f"snapshots/{snapshot}")

    def drop(self, snapshot: str) -> None:
        """See the port."""
        # The signature first: killed after this line, the copy counts no more, and the next run removes the rest.
        self._bucket.remove(f"snapshots/{snapshot}/{SIGNATURE}")
        for one in list(self._bucket.listed(f"snapshots/{snapshot}/")):
            self._bucket.remove(one.key)

    def shown_as(self, place: Place) -> str:
        """See the port."""
        return place.key if isinstance(place, _Place) else place.name

    def lies_in(self, folder: str) -> bool:  # noqa: ARG002  # a store is no folder of this machine
        """See the port."""
        return False

    def holds(self, folder: str) -> bool:  # noqa: ARG002  # a store is no folder of this machine
        """See the port."""
        return False

    def _write(self, fill: Fill, name: Callable[[str], str]) -> Written:
        self._renew()
        self._spool.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with TemporaryFile(dir=self._spool) as out:
                hashing = Hashing(out)
                fill(hashing)
                out.flush()
                self._bucket.put(name(hashing.sha256), out)
        except OSError as error:
            raise disk_full_of(error) or error from error
        return Written(hashing.size, hashing.sha256)

    def _take(self) -> None:
        for _ in range(2):
            if self._mark(only_new=True):
                return
            held = self._bucket.head(LOCK)
            if held is None:
                continue
            # What was left is replaced, not removed: of two who find it, one has it.
            if self._bucket.now() - held.written_at >= LEFT_AFTER and self._mark(over=held.etag):
                return
            break
        raise self._running()

    def _mark(self, *, only_new: bool = False, over: str = "") -> bool:
        """Write the lock. Whoever finds its own mark has it, also when the answer was lost and what was sent again met itself."""
        mark = secrets.token_bytes(16)
        self._bucket.put(LOCK, io.BytesIO(mark), only_new=only_new, over=over, locked=False)
        there = self._bucket.read(LOCK, 0, len(mark))
        if there is None or there[0] != mark:
            return False
        self._tag, self._renewed = there[2], time.monotonic()
        return True

    def _renew(self) -> None:
        """An hour may pass in one run; whoever finds that another holds the medium stops."""
        with self._renewing:
            if time.monotonic() - self._renewed < RENEWED_EACH_S:
                return
            if not self._mark(over=self._tag):
                raise self._running()

    def _running(self) -> InvalidTransition:
        return InvalidTransition(
            "backup.running",
            "another backup works here; after a run that was killed wait an hour, or remove the object `lock`",
            place=self._bucket.place.address,
        )
