"""The settings of an installation that is brought back, and its services while it is still apart."""

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from ged.backup import database
from ged.backup.folders import SETTINGS
from ged.config import Settings, load_settings
from ged.db import make_engine
from ged.errors import ConfigError, GedError
from ged.ports import BlobStore, Tombstone
from ged.unit import Services
from web.wiring import settings_file, stored_files
from web.wiring.backups import FILES
from web.wiring.services import build_services


@contextmanager
def blob_store(
    settings: Settings, keyring_copy: Path | None, destroyed: Collection[Tombstone] = ()
) -> Iterator[BlobStore]:
    """The store of files, with the keys of a copy where there are some.

    Args:
        destroyed: what disposals destroyed, as a keyring tells that is newer than the copy's.

    Raises:
        ConfigError: ``keyring.other``, ``keyring.unreadable``.
    """
    engine = make_engine(settings.url)
    try:
        keyring = stored_files.keyring_of(settings, engine)
        if keyring is not None and keyring_copy is not None:
            keyring.bring(keyring_copy)
            keyring.destroy_again(destroyed)
        if keyring is not None:
            keyring.master.all()
        # Every file of a copy comes back as a file: the database, and with it the rows, comes later.
        yield stored_files.store_at(settings, keyring, settings.blobs)
    finally:
        engine.dispose()


def tombstones(settings: Settings) -> list[Tombstone] | None:
    """What disposals destroyed, as the keyring of a live installation tells; None where it cannot be read."""
    engine = make_engine(settings.url)
    try:
        keyring = stored_files.keyring_of(settings, engine)
        if keyring is None:
            return []
        return keyring.destroyed() if keyring.master.is_there else None
    except (GedError, SQLAlchemyError, OSError):
        return None
    finally:
        engine.dispose()


def written_settings(unpacked: Path, folder: Path, *, data: Path, keyring: Path, database_url: str) -> str:
    """The lines of the restored settings: with the new places of the data, of the database, and of the files that they name.

    Args:
        unpacked: where the archive of the keys was unpacked.
        folder: of the restored settings; the files come to ``files`` in it.
        database_url: empty: as the settings say; SQLite always lies in the data folder.
    """
    archived = unpacked / SETTINGS
    lines = (archived / settings_file.NAME).read_text(encoding="utf-8").splitlines()
    # The files come into the data folder. In the store of the settings an installation may live that a sweep of this one, which
    # knows less, would rob.
    new = {"GED_DATA_DIR": str(data), "GED_BLOBS": ""}
    given = dict(line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    if given.get("GED_KEYRING", "").strip():
        new["GED_KEYRING"] = str(keyring)
    if database_url:
        new["GED_DATABASE_URL"] = database_url
    elif given.get("GED_DATABASE_URL", "").strip().startswith("sqlite"):
        new["GED_DATABASE_URL"] = ""
    for name in FILES:
        place = archived / "files" / name
        if place.is_dir():
            files = sorted(place.iterdir())
            own = folder / "files" / name
            new[f"GED_{name.upper()}"] = str(own if name.endswith("_dir") else own / files[0].name)
    kept = [line for line in lines if line.split("=", 1)[0].strip() not in new]
    return "".join(f"{line}\n" for line in (*kept, *(f"{name}={value}" for name, value in new.items() if value)))


def put_settings(text: str, unpacked: Path, folder: Path) -> Path:
    """Write the restored settings, private to their owner; the same ones, of an interrupted run, are left.

    Raises:
        ConfigError: ``settings.exists``, ``settings.folder_open``.
    """
    path = folder / settings_file.NAME
    if path.is_file():
        if path.read_text(encoding="utf-8") == text:
            path.with_name(f"{path.name}.half").unlink(missing_ok=True)  # of a run that was killed while it wrote
            return path
        raise ConfigError(
            "settings.exists", f"remove {path}, or choose another folder with --settings", setting="--settings"
        )
    files = unpacked / SETTINGS / "files"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if files.is_dir():
        shutil.copytree(files, folder / "files", dirs_exist_ok=True)
    settings_file.write_new(path, text)
    return path


def settings_apart(lines: str, scratch: Path, *, data: Path, keyring: Path) -> Settings:
    """The settings of an installation that is apart: in its own folder, without servers, mail or anything outside.

    Only PostgreSQL stays, where the copy is of one.
    """
    path = scratch / settings_file.NAME
    path.touch(mode=0o600)
    path.write_text(f"{lines}GED_DATA_DIR={data}\n", encoding="utf-8")
    settings = load_settings(path, alone=True)
    return settings.model_copy(
        update={
            "keyring": keyring if settings.keyring is not None else None,
            "data_dir": data, "blobs": "", "redis_url": None, "elasticsearch_url": None, "smtp_url": None, "mailboxes_file": None,
            "clamd": "", "tsa_urls": (),
        }
    )  # fmt: skip


def services_apart(settings: Settings) -> Services:
    """Its services; this process alone writes its index."""
    return build_services(settings, writes_index=True)


def require_empty(settings: Settings, kind: str) -> None:
    """Check that the database is of the copy's kind, and empty.

    Raises:
        ConfigError: ``backup.other_database``, ``backup.database_not_empty``, ``backup.client_missing``.
    """
    if settings.embedded != (kind == database.SQLITE):
        wanted = "leave --database-url out" if kind == database.SQLITE else "name an empty one with --database-url"
        raise ConfigError("backup.other_database", f"the copy is of {kind}: {wanted}", setting="GED_DATABASE_URL")
    if settings.embedded:
        return
    engine = make_engine(settings.url)
    try:
        database.client("pg_restore", database.server_version(engine))
        if not database.is_empty(engine):
            raise ConfigError(
                "backup.database_not_empty",
                "name an empty database: nothing is ever restored over rows that are there",
                setting="GED_DATABASE_URL",
            )
    finally:
        engine.dispose()


def bring_dump(settings: Settings, dump: Path, *, version: int) -> None:
    """Bring a dump into the empty database of the settings."""
    engine = make_engine(settings.url)
    try:
        database.restore_postgres(engine, dump, version=max(version, database.server_version(engine)))
    finally:
        engine.dispose()


def empty_database(settings: Settings) -> None:
    """Empty the database into which a drill restored; it was empty before."""
    if settings.embedded:
        return
    engine = make_engine(settings.url)
    try:
        database.empty_again(engine)
    finally:
        engine.dispose()
