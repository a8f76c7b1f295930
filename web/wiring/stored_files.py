"""Settings -> the stored files and the keyring that encrypts them."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import ModuleType

from sqlalchemy import Engine, inspect

from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.blobs_packed import PackedBlobs
from ged.adapters.keyring import Keyring
from ged.config import BUCKET, Settings
from ged.db import make_engine
from ged.errors import ConfigError
from ged.ports import KeyedBlobStore
from ged.takeover.models import PackedFile

FOLDER = "blobs"
ASKED_AT_ONCE = 8
"""For so many files a store behind a network is asked at a time (``PackedBlobs``)."""
LOOKED_AT = 1_000
"""A new keyring is made only where none of so many files is encrypted: whoever lost one should know."""


def stored_files(settings: Settings, engine: Engine) -> KeyedBlobStore:
    """The stored files, those that are rows too, encrypted where the settings name a keyring.

    Raises:
        ConfigError: ``keyring.unreadable``, ``keyring.inside_data``.
    """
    keyring = keyring_of(settings, engine)
    if keyring is not None:
        # Read now: a keyring that is lost is told at the start, not by the first letter that cannot be opened.
        keyring.master.all()
    files = store_at(settings, keyring, settings.blobs)
    return PackedBlobs(
        files, engine, keyring, packs=_packs(settings), asked_at_once=ASKED_AT_ONCE if settings.blobs else 1
    )


def _packs(settings: Settings) -> Callable[[], bool] | None:
    """Whether small texts become rows: not where the settings or a rule of the bucket lock files against removal."""
    if settings.s3_lock:
        return lambda: False
    if not settings.blobs:
        return None
    bucket = s3().bucket(settings, settings.blobs)
    return lambda: not bucket.locks_all()


def store_at(settings: Settings, keyring: Keyring | None, address: str) -> KeyedBlobStore:
    """The store at an address ``s3://bucket/prefix``; empty: in the data folder. Files that are rows lie in none."""
    if not address:
        return FileBlobs(settings.data_dir / FOLDER, keyring)
    found: KeyedBlobStore = s3().blobs(settings, keyring, address)
    return found


def s3() -> ModuleType:
    """What knows S3 (``web.wiring.s3_stores``)."""
    from web.wiring import s3_stores  # noqa: PLC0415  # boto3 takes half a second, and only where something lies in S3

    return s3_stores


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[KeyedBlobStore, Keyring]]:
    """The stored files and their keyring, for a command.

    Raises:
        ConfigError: ``keyring.none``: the settings name none; as ``stored_files``.
    """
    engine = make_engine(settings.url)
    try:
        keyring = keyring_of(settings, engine)
        if keyring is None:
            raise ConfigError(
                "keyring.none",
                "set GED_KEYRING=/FOLDER outside of the data, then call `ged migrate`",
                setting="GED_KEYRING",
            )
        yield stored_files(settings, engine), keyring
    finally:
        engine.dispose()


def is_store(address: str) -> bool:
    """Whether an address of a store is written as the settings write it."""
    return re.fullmatch(BUCKET, address) is not None


@contextmanager
def moving(settings: Settings, origin: str, address: str) -> Iterator[tuple[KeyedBlobStore, KeyedBlobStore]]:
    """(the store at an address, the store at another); an empty one is the data folder.

    Raises:
        ConfigError: ``config.mixture``: the settings name no S3 store; as ``stored_files``.
    """
    if not settings.s3_access_key:
        raise ConfigError(
            "config.mixture",
            "set GED_S3_ENDPOINT, GED_S3_ACCESS_KEY and GED_S3_SECRET_KEY",
            setting="GED_S3_ACCESS_KEY",
        )
    engine = make_engine(settings.url)
    try:
        keyring = keyring_of(settings, engine)
        yield store_at(settings, keyring, origin), store_at(settings, keyring, address)
    finally:
        engine.dispose()


def prepare_keyring(settings: Settings) -> None:
    """Make the keyring that the settings name, unless it is there.

    Raises:
        ConfigError: ``keyring.lost``: files are encrypted, and there are no keys; ``keyring.unreadable``,
            ``keyring.inside_data``.
    """
    engine = make_engine(settings.url)
    try:
        keyring = keyring_of(settings, engine)
        if keyring is None:
            return
        if not keyring.master.is_there and _is_any_encrypted(store_at(settings, None, settings.blobs), engine):
            raise ConfigError(
                "keyring.lost",
                f"put the keyring back at {settings.keyring} from its latest backup: files are encrypted under it",
                setting="GED_KEYRING",
            )
        keyring.prepare()
    finally:
        engine.dispose()


def _is_any_encrypted(files: KeyedBlobStore, engine: Engine) -> bool:
    """Whether one of the first files, or of the first rows, is encrypted."""
    packed = PackedBlobs(files, engine)
    is_made = inspect(engine).has_table(PackedFile.__tablename__)  # else no revision has run yet
    rows = packed.rows() if is_made else iter(())
    looked = [(files, files.digests()), (packed, rows)]
    return any(one.key_of(digest) is not None for one, found in looked for digest, _ in islice(found, LOOKED_AT))


def keyring_of(settings: Settings, engine: Engine) -> Keyring | None:
    """The keyring that the settings name; None: files are stored in clear.

    Raises:
        ConfigError: ``keyring.inside_data``.
    """
    if settings.keyring is None:
        return None
    if settings.keyring.resolve().is_relative_to(settings.data_dir.resolve()):
        raise ConfigError(
            "keyring.inside_data",
            "choose a folder outside of the data folder: a backup of the data must not hold the keys",
            setting="GED_KEYRING",
        )
    return Keyring(settings.keyring, engine if engine.dialect.name == "postgresql" else None)
