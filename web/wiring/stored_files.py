"""Settings -> the stored files and the keyring that encrypts them."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from sqlalchemy import Engine

from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.keyring import Keyring
from ged.config import Settings
from ged.db import make_engine
from ged.errors import ConfigError

LOOKED_AT = 1_000
"""A new keyring is made only where none of so many files is encrypted: whoever lost one should know."""


def stored_files(settings: Settings, engine: Engine) -> FileBlobs:
    """The stored files, encrypted where the settings name a keyring.

    Raises:
        ConfigError: ``keyring.unreadable``, ``keyring.inside_data``.
    """
    keyring = keyring_of(settings, engine)
    if keyring is not None:
        keyring.master.all()
    return FileBlobs(settings.data_dir / "blobs", keyring)


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[FileBlobs, Keyring]]:
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


def prepare_keyring(settings: Settings) -> None:
    """Make the keyring that the settings name, unless it is there.

    Raises:
        ConfigError: ``keyring.lost``: files are encrypted, and there are no keys; ``keyring.unreadable``,
            ``keyring.inside_data``.
    """
    engine = make_engine(settings.url)
    try:
        keyring, files = keyring_of(settings, engine), FileBlobs(settings.data_dir / "blobs")
        if keyring is None:
            return
        is_new = not keyring.master.is_there
        if is_new and any(files.key_of(digest) is not None for digest, _ in islice(files.digests(), LOOKED_AT)):
            raise ConfigError(
                "keyring.lost",
                f"put the keyring back at {settings.keyring} from its latest backup: files are encrypted under it",
                setting="GED_KEYRING",
            )
        keyring.prepare()
    finally:
        engine.dispose()


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
