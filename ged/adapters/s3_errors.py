"""What an S3 store or the way to it answers -> an error that says what to do."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.exceptions import HTTPError
from urllib3.exceptions import ReadTimeoutError as BodyTimeout

from ged.errors import DiskFull, EngineFailed, GedError

_FULL = frozenset(
    {"QuotaExceeded", "QuotaExceededException", "XMinioStorageFull", "InsufficientStorage", "NoSpaceLeft"}
)
_DAMAGED = frozenset({"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"})
_CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_FULL_STATUS, _ABSENT, _BEYOND, _BUSY = 507, 404, 416, 429
_OTHER, _REFUSED = frozenset({409, 412}), frozenset({401, 403})

_REMEDIES = {
    "store.no_bucket": "make the bucket, or correct the name in GED_BLOBS (GED_BACKUP_TO)",
    "store.refused": "correct access key, secret key and rights (`ged doctor --only store` tries each)",
    "store.clock": "set the clocks of this server and of the store",
    "store.busy": "try again in a minute; ask who runs the store if it stays",
    "store.slow": "try again in a minute; look at the network to the store and at its disks",
    "store.away": "see whether the store runs and can be reached at GED_S3_ENDPOINT, then try again",
    "store.certificate": "name the authority of the store's certificate (GED_S3_CA)",
    "store.damaged": "try again; what arrived was not what was sent: look at the network",
    "store.failed": "look at the store's log",
}


def failure(error: Exception, store: str) -> GedError:
    """The error of ours; each may pass by itself or by a hand at the store, so work that waits is tried again."""
    code, why = _code(error)
    if code == "store.full":
        return DiskFull(code, "give the store more room or a larger quota, then send again", store=store)
    return EngineFailed(code, _REMEDIES[code], retryable=True, store=store, why=why)


def status_of(error: Exception) -> int:
    """The number of the store's answer; 0: it gave none."""
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def is_absent(error: Exception) -> bool:
    """Whether it says: there is no such object (a bucket that is not there is another thing)."""
    return status_of(error) == _ABSENT and _word(error) != "NoSuchBucket"


def is_beyond(error: Exception) -> bool:
    """Whether it says: the object has no such place. An empty one has none at all."""
    return status_of(error) == _BEYOND


def other_range(store: str) -> EngineFailed:
    """A store, or what stands before it, gave other bytes than were asked for."""
    return EngineFailed("store.failed", _REMEDIES["store.failed"], retryable=True, store=store, why="no range")


def is_other(error: Exception) -> bool:
    """Whether it says: something else is there than was asked for."""
    return status_of(error) in _OTHER


def _word(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def _code(error: Exception) -> tuple[str, str]:
    word, status = _word(error), status_of(error)
    if isinstance(error, ClientError):
        return _answered(word, status), f"{status} {word}".strip()
    why = type(error).__name__
    if isinstance(error, SSLError):
        return "store.certificate", why
    if isinstance(error, ReadTimeoutError | ConnectTimeoutError | BodyTimeout | TimeoutError) or "too slowly" in str(
        error
    ):
        return "store.slow", why
    return ("store.away", why) if isinstance(error, BotoCoreError | HTTPError | OSError) else ("store.failed", why)


def _answered(word: str, status: int) -> str:
    if word in _FULL or status == _FULL_STATUS:
        return "store.full"
    if word in _DAMAGED:
        return "store.damaged"
    if word in _CLOCK:
        return "store.clock"
    if word == "NoSuchBucket":
        return "store.no_bucket"
    if status in _REFUSED:
        return "store.refused"
    return "store.busy" if status >= 500 or status == _BUSY else "store.failed"
