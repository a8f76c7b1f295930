"""The place of an installation's settings file: it contains the server's secret, so never in the data folder.

The data folder is backed up. A backup alone is of no use to a thief: the secret encrypts every key in it.
"""

import logging
import os
import secrets
from pathlib import Path

from ged.config import Settings, load_settings
from ged.durable import make_folder, sync_folder
from ged.errors import ConfigError

NAME = "ged.env"
KEYRING = "keyring"
PRODUCTION = Path("/etc/ged")
_MARKS = ("authority", "seal/journal.key", "ged.sqlite3")
_log = logging.getLogger(__name__)


def beside(data: Path) -> Path:
    """The default settings folder of a data folder."""
    return data.with_name(data.name + "-settings") if data.name else data.resolve().with_name("data-settings")


def file_of(data: Path) -> Path:
    """The settings file of a data folder; in an old installation it may still be inside the data folder."""
    own, old = beside(data) / NAME, data / NAME
    return old if old.is_file() and not own.is_file() else own


def find() -> Path:
    """The settings file of this process: ``GED_ENV_FILE``, a systemd credential ``ged.env``, beside ``data``, ``/etc/ged``."""
    if "GED_ENV_FILE" in os.environ:
        return Path(os.environ["GED_ENV_FILE"])
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    places = [Path(credentials) / NAME] if credentials else []
    places += [file_of(Path("data")), PRODUCTION / NAME]
    return next((place for place in places if place.is_file()), file_of(Path("data")))


def read(path: Path) -> Settings:
    """The settings in a file, with a warning when the file is in the data folder.

    Raises:
        ConfigError: see ``ged.config.load_settings``.
    """
    settings = load_settings(path if path.is_file() else None)
    if lies_inside(path, settings.data_dir):
        _log.warning(
            "settings.inside_data: %s contains the secret and is in the data folder: anybody with a backup of the folder "
            "can sign as any person. Move it: ged init --move-settings",
            path,
        )
    return settings


def lies_inside(path: Path, data: Path) -> bool:
    """Whether the settings file exists inside the data folder."""
    return path.is_file() and _is_inside(path, data)


def _is_inside(path: Path, data: Path) -> bool:
    """Whether a path is inside the data folder, with all links resolved."""
    return path.resolve().is_relative_to(data.resolve())


def make(data: Path, folder: Path | None = None, *, with_keyring: bool = True) -> Path:
    """Write the settings file with a new secret into its own folder, unless it exists; returns its path.

    Args:
        with_keyring: name a keyring beside the data: a folder that the service writes to, and that encrypts the stored files.

    Raises:
        ConfigError: ``settings.inside_data``, ``settings.folder_open``; ``settings.lost``: the data folder belongs to
            an installation whose settings are missing: a new secret would open none of its keys.
    """
    path = (folder / NAME) if folder is not None else file_of(data)
    if path.is_file():
        return path
    _require_outside(path.parent, data)
    if any((data / mark).exists() for mark in _MARKS):
        raise ConfigError(
            "settings.lost", f"put the settings file of this installation back at {path}", setting="GED_SECRET"
        )
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = [f"GED_DATA_DIR={data}", f"GED_SECRET={secrets.token_urlsafe(48)}"]
    if with_keyring:
        lines.append(f"GED_KEYRING={data.with_name(f'{data.name}-{KEYRING}')}")
    _write(path, "\n".join([*lines, ""]))
    return path


def move(data: Path, folder: Path | None = None) -> Path:
    """Move the settings file of an old installation out of its data folder; returns its new path.

    Raises:
        ConfigError: ``settings.nothing_to_move``, ``settings.inside_data``, ``settings.folder_open``, ``settings.exists``.
    """
    old, path = data / NAME, (folder or beside(data)) / NAME
    if not old.is_file():
        raise ConfigError("settings.nothing_to_move", f"there is no {old}", setting="--data")
    _require_outside(path.parent, data)
    if path.exists():
        raise ConfigError(
            "settings.exists", f"remove {path}, or choose another folder with --settings", setting="--settings"
        )
    _write(path, old.read_text(encoding="utf-8"))
    # Last: killed before it, both are there, and ``file_of`` takes the new one.
    old.unlink()
    return path


def write_new(path: Path, content: str) -> None:
    """Write a new settings file into its own folder, whole, for its owner alone.

    Raises:
        ConfigError: ``settings.folder_open``.
        FileExistsError: the file is there.
    """
    _write(path, content)


def _require_outside(folder: Path, data: Path) -> None:
    if _is_inside(folder, data):
        raise ConfigError(
            "settings.inside_data",
            "choose a folder outside of the data folder: a backup of the data must not hold the secret",
            setting="--settings",
        )


def _write(path: Path, content: str) -> None:
    make_folder(path.parent, mode=0o700)
    if path.parent.stat().st_mode & 0o077:
        raise ConfigError(
            "settings.folder_open", f"close {path.parent} to others: chmod 700 {path.parent}", setting="--settings"
        )
    half = path.with_name(path.name + ".half")
    half.unlink(missing_ok=True)
    # Made with its rights: behind the writing, they would leave the secret readable for a moment.
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.link(half, path)  # fails if another command has written the file meanwhile
    half.unlink()
    sync_folder(path.parent)
