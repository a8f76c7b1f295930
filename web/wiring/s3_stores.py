"""Settings -> what lies in S3 stores."""

import os
import tempfile
from pathlib import Path

from pydantic import SecretStr

from ged.adapters.backup_s3 import S3Medium
from ged.adapters.blobs_s3 import S3Blobs
from ged.adapters.keyring import Keyring
from ged.adapters.s3 import Bucket
from ged.adapters.s3_wire import Lock, Place
from ged.config import Settings
from ged.errors import ConfigError

ACCESS = ("endpoint", "region", "access_key", "secret_key", "ca", "lock")
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
    name, prefix = _parts(address)
    secret = settings.s3_secret_key.get_secret_value() if settings.s3_secret_key else ""
    return Place(
        name,
        prefix,
        settings.s3_endpoint,
        settings.s3_region,
        settings.s3_access_key,
        secret,
        ca=str(settings.s3_ca or ""),
        lock=lock_of(settings.s3_lock),
    )


def medium(settings: Settings | None, address: str) -> S3Medium:
    """The copies at an address ``s3://bucket/prefix``; no call is made.

    Raises:
        ConfigError: as ``place_of_copies``.
    """
    spool = settings.data_dir / "run" / DRAFTS if settings is not None else Path(tempfile.gettempdir())
    return S3Medium(Bucket(place_of_copies(settings, address)), spool)


def place_of_copies(settings: Settings | None, address: str) -> Place:
    """The bucket of the copies, and who asks: an access of their own, else that of the letters' files. Without settings the variables
    of the process say it, under the same names.

    Raises:
        ConfigError: ``backup.not_set``: nobody says who asks, or half of it.
    """
    own = {name: _said(settings, f"backup_s3_{name}") for name in ACCESS}
    # With half of an access of its own, copies would silently go to the store of the letters.
    if not own["access_key"] and not own["endpoint"] and not own["secret_key"]:
        own |= {name: _said(settings, f"s3_{name}") for name in ACCESS if name != "lock"}
    if not own["access_key"] or not own["secret_key"]:
        raise ConfigError(
            "backup.not_set",
            "set GED_BACKUP_S3_ENDPOINT, GED_BACKUP_S3_ACCESS_KEY and GED_BACKUP_S3_SECRET_KEY",
            setting="GED_BACKUP_S3_ACCESS_KEY",
        )
    name, prefix = _parts(address)
    return Place(
        name, prefix, own["endpoint"], own["region"] or "us-east-1", own["access_key"], own["secret_key"], ca=own["ca"],
        lock=lock_of(own["lock"]),
    )  # fmt: skip


def _said(settings: Settings | None, name: str) -> str:
    if settings is None:
        return os.environ.get(f"GED_{name.upper()}", "")
    value = getattr(settings, name)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")


def _parts(address: str) -> tuple[str, str]:
    name, _, prefix = address.removeprefix("s3://").partition("/")
    return name, f"{prefix.strip('/')}/" if prefix.strip("/") else ""


def lock_of(rule: str) -> Lock | None:
    """``governance 30`` -> the lock."""
    mode, _, days = rule.partition(" ")
    if not days:
        return None
    return Lock("COMPLIANCE" if mode == "compliance" else "GOVERNANCE", int(days))
