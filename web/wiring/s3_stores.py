"""Settings -> what lies in S3 stores."""

from ged.adapters.blobs_s3 import S3Blobs
from ged.adapters.keyring import Keyring
from ged.adapters.s3 import Bucket
from ged.adapters.s3_wire import Lock, Place
from ged.config import Settings

DRAFTS = "sending"
"""In the folder ``run`` of the data: files on their way to the store."""


def blobs(settings: Settings, keyring: Keyring | None, address: str) -> S3Blobs:
    """The stored files at an address ``s3://bucket/prefix``; no call is made."""
    return S3Blobs(bucket(settings, address), settings.data_dir / "run" / DRAFTS, keyring)


def bucket(settings: Settings, address: str) -> Bucket:
    """A bucket of the store of the settings."""
    return Bucket(place(settings, address))


def place(settings: Settings, address: str) -> Place:
    """The bucket of the letters' files, or another one of the same store."""
    name, _, prefix = address.removeprefix("s3://").partition("/")
    secret = settings.s3_secret_key.get_secret_value() if settings.s3_secret_key else ""
    return Place(
        name,
        f"{prefix.strip('/')}/" if prefix.strip("/") else "",
        settings.s3_endpoint,
        settings.s3_region,
        settings.s3_access_key,
        secret,
        ca=str(settings.s3_ca or ""),
        lock=lock_of(settings.s3_lock),
    )


def lock_of(rule: str) -> Lock | None:
    """``governance 30`` -> the lock."""
    mode, _, days = rule.partition(" ")
    if not days:
        return None
    return Lock("COMPLIANCE" if mode == "compliance" else "GOVERNANCE", int(days))
