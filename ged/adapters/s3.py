"""A bucket of an S3 store: what is sent is checked by the store, what fails is told with a remedy, and nothing hangs.

Retries are botocore's mode "standard". A call that only asks or reads ends after ``READ_ENDS_S`` seconds, one that writes after
``WRITE_ENDS_S`` and the time that its bytes take at ``SLOWEST_BYTES_S``. Memory holds one part.
"""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Literal

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from ged.adapters.s3_errors import failure, is_absent, is_beyond, is_other, other_range, status_of
from ged.adapters.s3_wire import ATTEMPTS, PART, READ_ENDS_S, Part, Place, base64_of, client_of, within
from ged.errors import EngineFailed


@dataclass(frozen=True)
class Stored:
    """An object: its key without the prefix, its size, when it was written (aware UTC), and the tag of this writing."""

    key: str
    size_bytes: int
    written_at: datetime
    etag: str


class Bucket:
    """Objects below a prefix of a bucket. No connection is made before the first call."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._making, self._made_by, self._clients = threading.Lock(), 0, dict[str, Any]()
        self._is_versioned: bool | None = None

    # --- what is there

    def head(self, key: str) -> Stored | None:
        """An object, or None.

        Raises:
            EngineFailed: ``store.*``.
        """
        # A byte is asked for: an answer to HEAD has no body, and would not say that the whole bucket is not there.
        try:
            response = self._client("read").get_object(**self._named(key), Range="bytes=0-0")
            response["Body"].read()
        except (ClientError, BotoCoreError) as error:
            if is_absent(error):
                return None
            if is_beyond(error):
                return self._empty(key)
            raise failure(error, self.place.address) from error
        return Stored(key, int(response["ContentRange"].rpartition("/")[2]), response["LastModified"], response["ETag"])

    def _empty(self, key: str) -> Stored | None:
        """An object without a byte: no range of it can be asked for."""
        try:
            response = self._client("read").head_object(**self._named(key))
        except (ClientError, BotoCoreError) as error:
            if is_absent(error):
                return None
            raise failure(error, self.place.address) from error
        return Stored(key, int(response["ContentLength"]), response["LastModified"], response["ETag"])

    def read(
        self, key: str, start: int, length: int, *, etag: str = "", version: str = ""
    ) -> tuple[bytes, int, str] | None:
        """(up to ``length`` bytes from a place of an object, its whole size, its tag); None: there is no such object.

        Args:
            etag: of the writing that is meant; version: the id of an earlier one.

        Raises:
            EngineFailed: ``store.changed``: it was written anew meanwhile; ``store.*``.
        """
        deadline = time.monotonic() + READ_ENDS_S
        wanted = {"Range": f"bytes={start}-{start + length - 1}"}
        wanted |= {name: value for name, value in (("IfMatch", etag), ("VersionId", version)) if value}
        for tried in range(1, ATTEMPTS + 1):
            try:
                answer = self._client("read").get_object(**self._named(key), **wanted)
                if not answer.get("ContentRange", f"bytes {start}-").startswith(f"bytes {start}-") or (
                    "ContentRange" not in answer and (start or answer["ContentLength"] > length)
                ):  # the bytes of another place would be taken for these
                    answer["Body"].close()
                    raise other_range(self.place.address)
                content = within(answer["Body"], answer["ContentLength"], deadline)
            except (ClientError, BotoCoreError) as error:  # botocore has tried again already
                if is_absent(error):
                    return None
                if is_other(error):
                    raise EngineFailed(
                        "store.changed", "open the file again", retryable=True, store=self.place.address
                    ) from error
                if is_beyond(error):
                    found = self.head(key) if not version else None
                    return (b"", found.size_bytes, found.etag) if found else (b"", 0, "") if version else None
                raise failure(error, self.place.address) from error
            except (HTTPError, OSError) as error:  # cut off, or too slow, in the middle of the bytes
                if tried == ATTEMPTS or time.monotonic() > deadline:
                    raise failure(error, self.place.address) from error
                continue
            whole = answer.get("ContentRange", "").rpartition("/")[2]
            return content, int(whole) if whole.isdigit() else len(content), answer["ETag"]
        raise AssertionError(key)  # pragma: no cover

    def listed(self, below: str = "") -> Iterator[Stored]:
        """All objects below a further prefix, in the order of their keys."""
        asked = {"Bucket": self.place.bucket, "Prefix": self.place.prefix + below}
        with self._our_errors():
            for page in self._client("read").get_paginator("list_objects_v2").paginate(**asked):
                for one in page.get("Contents", ()):
                    key = one["Key"].removeprefix(self.place.prefix)
                    yield Stored(key, one["Size"], one["LastModified"], one["ETag"])

    # --- writing

    def put(self, key: str, content: BinaryIO, *, only_new: bool = False, over: str = "", locked: bool = True) -> bool:
        """Write an object from a file's first byte to its last. The store compares the SHA-256 of each request.

        Args:
            only_new: write nothing where an object is there; over: the tag of the only writing that may be replaced.
            locked: under the lock of the place, if it has one.

        Returns:
            Whether it was written; False: something else is there (or, with ``over``, is no longer there).

        Raises:
            DiskFull: ``store.full``; EngineFailed: ``store.*``.
        """
        size = content.seek(0, os.SEEK_END)
        condition = {"IfNoneMatch": "*"} if only_new else {"IfMatch": over} if over else {}
        kept = self._retention() if locked else {}
        try:
            if size <= PART:
                part = Part(content, 0, size)
                self._client("write").put_object(
                    **self._named(key), Body=part, ContentLength=size, ChecksumSHA256=base64_of(part.digest()), **condition, **kept
                )  # fmt: skip
            else:
                self._put_parts(key, content, size, condition, kept)
        except (ClientError, BotoCoreError) as error:
            if condition and (is_other(error) or (over and is_absent(error))):
                return False
            raise failure(error, self.place.address) from error
        return True

    def _put_parts(
        self, key: str, content: BinaryIO, size: int, condition: dict[str, str], kept: dict[str, Any]
    ) -> None:
        client, named = self._client("write"), self._named(key)
        upload = client.create_multipart_upload(**named, ChecksumAlgorithm="SHA256", **kept)["UploadId"]
        try:
            parts, digests = [], []
            for number, start in enumerate(range(0, size, PART), 1):
                part = Part(content, start, min(PART, size - start))
                digests.append(part.digest())
                sent = client.upload_part(
                    **named, UploadId=upload, PartNumber=number, Body=part, ContentLength=len(part), ChecksumSHA256=base64_of(digests[-1])
                )  # fmt: skip
                parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": base64_of(digests[-1])})
            whole = f"{base64_of(hashlib.sha256(b''.join(digests)).digest())}-{len(parts)}"
            done = client.complete_multipart_upload(
                **named, UploadId=upload, MultipartUpload={"Parts": parts}, **condition
            )
            # Not every store tells the digest of the whole. Of each part it has compared it already.
            if done.get("ChecksumSHA256", whole) != whole:
                self._forget(key)
                raise EngineFailed(
                    "store.damaged", "send it again; ask who runs the store", retryable=True, store=self.place.address
                )
        except BaseException:
            with suppress(ClientError, BotoCoreError):  # unfinished ones are dropped by ``drop_unfinished``
                client.abort_multipart_upload(**named, UploadId=upload)
            raise

    def drop_unfinished(self, *, begun_before: datetime) -> int:
        """Drop what killed processes had begun to send by parts. Returns how many."""
        asked, dropped = {"Bucket": self.place.bucket, "Prefix": self.place.prefix}, 0
        with self._our_errors():
            for page in self._client("read").get_paginator("list_multipart_uploads").paginate(**asked):
                for one in page.get("Uploads", ()):
                    if one["Initiated"] < begun_before:
                        self._client("write").abort_multipart_upload(
                            Bucket=self.place.bucket, Key=one["Key"], UploadId=one["UploadId"]
                        )
                        dropped += 1
        return dropped

    # --- removing

    def remove(self, key: str, *, hides: bool = True) -> bool:
        """Remove an object, and its earlier versions where the bucket keeps them. No error when it is not there.

        The removal is asked once: one that is repeated could come after somebody wrote the object again.

        Args:
            hides: the name is removed even where bytes stay below it.

        Returns:
            False: the store holds the bytes under a lock.
        """
        with self._our_errors():
            is_free = self._forget(key) if self.is_versioned() else True
            if not self.is_versioned() or (not is_free and hides):
                response = self._client("once").delete_object(**self._named(key))
                if response.get("DeleteMarker") and not self.is_versioned():
                    self._is_versioned = True  # since this process asked
                    is_free = self._forget(key)
        return is_free

    def versions(self, key: str) -> list[str]:
        """The ids of all writings of an object that the bucket still keeps, hidden ones too; none in a bucket that keeps none."""
        if not self.is_versioned():
            return []
        with self._our_errors():
            return [one["VersionId"] for one in self._writings(key)[0]]

    def is_held(self, key: str, version: str) -> bool:
        """Whether the store lets nobody remove one writing of an object yet.

        Where the store knows no lock: no. Where we may not ask, in a bucket that offers locks: yes.
        """
        # HEAD of an earlier version does not tell of its lock everywhere.
        retention = self._retention_of(key, version)
        until = (retention or {}).get("Retention", {}).get("RetainUntilDate")
        if until is not None and until > datetime.now(UTC):
            return True
        hold = self._hold_of(key, version)
        if (hold or {}).get("LegalHold", {}).get("Status") == "ON":
            return True
        return (retention is None or hold is None) and self._may_lock()

    def rights_to_see_locks(self, key: str, version: str) -> dict[str, bool]:
        """Right -> whether we have it, of those by which the lock of a writing is seen. Tried on a writing that is there."""
        return {
            "s3:GetObjectRetention": self._retention_of(key, version) is not None,
            "s3:GetObjectLegalHold": self._hold_of(key, version) is not None,
        }

    def _retention_of(self, key: str, version: str) -> dict[str, Any] | None:
        return self._asked("get_object_retention", **self._named(key), VersionId=version)

    def _hold_of(self, key: str, version: str) -> dict[str, Any] | None:
        return self._asked("get_object_legal_hold", **self._named(key), VersionId=version)

    def _asked(self, call: str, **named: str) -> dict[str, Any] | None:
        """What the store tells; empty: it has nothing to tell, or does not know the question. None: we may not ask."""
        try:
            response: dict[str, Any] = getattr(self._client("read"), call)(**named)
        except (ClientError, BotoCoreError) as error:
            if status_of(error) == 403:
                return None
            if status_of(error) in {400, 404, 501}:
                return {}
            raise failure(error, self.place.address) from error
        return response

    def unhide(self, key: str, *, written_before: datetime) -> bool:
        """Show an object again whose name alone was removed, because the store holds its bytes under a lock.

        Args:
            written_before: an object of which something was written, or removed, at or after this moment stays as it is.

        Returns:
            Whether it was hidden, and is shown.
        """
        if not self.is_versioned():
            return False
        named = self._named(key)
        with self._our_errors():
            kept, hiding = self._writings(key)
            if not hiding or not kept or any(one["LastModified"] >= written_before for one in (*hiding, *kept)):
                return False
            for one in hiding:
                self._client("once").delete_object(**named, VersionId=one["VersionId"])
        return True

    def forget_earlier(self, key: str) -> bool:
        """Remove the earlier versions of an object where the bucket keeps them; False: the store holds some under a lock."""
        with self._our_errors():
            return self._forget(key, all_of_them=False) if self.is_versioned() else True

    def _forget(self, key: str, *, all_of_them: bool = True) -> bool:
        named, is_free = self._named(key), True
        kept, hiding = self._writings(key)
        for one in (*kept, *hiding):
            if one["IsLatest"] and not all_of_them:
                continue
            try:
                self._client("once").delete_object(**named, VersionId=one["VersionId"])
            except ClientError as error:
                if status_of(error) not in {400, 403}:  # under a lock; servers differ in the number
                    raise
                is_free = False
        return is_free

    def _writings(self, key: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """(the versions of an object, the marks that hide them), however many: a mark under a lock gains a version by each try."""
        named, kept, hiding = self._named(key), list[dict[str, Any]](), list[dict[str, Any]]()
        asked = {"Bucket": named["Bucket"], "Prefix": named["Key"]}
        for page in self._client("read").get_paginator("list_object_versions").paginate(**asked):
            kept += [one for one in page.get("Versions", ()) if one["Key"] == named["Key"]]
            hiding += [one for one in page.get("DeleteMarkers", ()) if one["Key"] == named["Key"]]
        return kept, hiding

    # --- the bucket

    def is_versioned(self) -> bool:
        """Whether the bucket keeps earlier versions. Where it does not say, or has never kept any: no."""
        if self._is_versioned is None:
            self._is_versioned = self.versioning() in {"Enabled", "Suspended"}
        return self._is_versioned

    def versioning(self) -> str:
        """``Enabled``, ``Suspended``, or empty: it never kept versions, or its store knows none."""
        try:
            return str(self._client("read").get_bucket_versioning(Bucket=self.place.bucket).get("Status", ""))
        except ClientError as error:
            if status_of(error) in {400, 403, 404, 501}:
                return ""
            raise failure(error, self.place.address) from error
        except BotoCoreError as error:
            raise failure(error, self.place.address) from error

    def locking(self) -> tuple[bool, str]:
        """(whether the bucket offers object lock, its own rule as ``GOVERNANCE 30``; empty: none)."""
        configuration = self._locking() or {}
        rule = configuration.get("Rule", {}).get("DefaultRetention", {})
        length = f"{rule['Days']} d" if rule.get("Days") else f"{rule['Years']} y" if rule.get("Years") else ""
        return configuration.get("ObjectLockEnabled") == "Enabled", f"{rule.get('Mode', '')} {length}".strip()

    def locks_all(self) -> bool:
        """Whether a rule of the bucket locks every object. Where we may not ask: yes, as nobody knows better."""
        configuration = self._locking()
        return configuration is None or bool(configuration.get("Rule", {}).get("DefaultRetention"))

    def _may_lock(self) -> bool:
        """Whether the bucket offers object lock, or does not let us ask."""
        configuration = self._locking()
        return configuration is None or configuration.get("ObjectLockEnabled") == "Enabled"

    def _locking(self) -> dict[str, Any] | None:
        """What the bucket says of object lock; empty: it has none. None: we may not ask."""
        response = self._asked("get_object_lock_configuration", Bucket=self.place.bucket)
        return None if response is None else response.get("ObjectLockConfiguration", {})

    def refuses_wrong_digest(self, key: str) -> bool:
        """Whether the store compares: an object whose SHA-256 is not what is said must not be written."""
        try:
            self._client("write").put_object(
                **self._named(key), Body=b"GED", ChecksumSHA256=base64_of(hashlib.sha256(b"not GED").digest())
            )
        except ClientError as error:
            if status_of(error) == 400:
                return True
            raise failure(error, self.place.address) from error
        except BotoCoreError as error:
            raise failure(error, self.place.address) from error
        self.remove(key)
        return False

    def now(self) -> datetime:
        """The store's clock, in whole seconds: object lock and sweeps follow it."""
        with self._our_errors():
            response = self._client("read").list_objects_v2(
                Bucket=self.place.bucket, Prefix=self.place.prefix, MaxKeys=1
            )
        said = response["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        return datetime.strptime(said, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)

    # --- asking

    def _retention(self) -> dict[str, Any]:
        lock = self.place.lock
        if lock is None:
            return {}
        return {
            "ObjectLockMode": lock.mode,
            "ObjectLockRetainUntilDate": datetime.now(UTC) + timedelta(days=lock.days),
        }

    def _named(self, key: str) -> dict[str, str]:
        return {"Bucket": self.place.bucket, "Key": self.place.prefix + key}

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            raise failure(error, self.place.address) from error

    def _client(self, kind: Literal["read", "write", "once"]) -> Any:  # botocore makes its classes at run time
        """Made in the process that uses it: connections do not survive a fork."""
        with self._making:
            if self._made_by != os.getpid():
                self._clients, self._made_by = {}, os.getpid()
            if kind not in self._clients:
                self._clients[kind] = client_of(self.place, kind)
            return self._clients[kind]
