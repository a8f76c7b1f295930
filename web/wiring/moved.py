"""The settings of an installation that moves from the embedded shape to that of the servers."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ged.config import Settings, load_settings
from ged.db import make_engine
from ged.errors import ConfigError, InvalidTransition
from ged.unit import Services
from web.wiring import redis_jobs, settings_file, stored_files
from web.wiring.services import build_services

NAME = "ged-servers.env"
"""The new settings, beside the old ones."""


def place_of(old: Path) -> Path:
    """Where the new settings come."""
    return old.with_name(NAME)


def lines_of(old: Path, new: Mapping[str, str]) -> str:
    """The lines of the new settings: those of the old file, and what changes."""
    lines = old.read_text(encoding="utf-8").splitlines() if old.is_file() else []
    kept = [line for line in lines if line.split("=", 1)[0].strip() not in new]
    return "".join(f"{line}\n" for line in (*kept, *(f"{name}={value}" for name, value in new.items() if value)))


def settings_of(lines: str) -> Settings:
    """The settings that the lines give, with the variables of this process, as the new programs will read them.

    Raises:
        ConfigError: see ``ged.config.load_settings``.
    """
    with tempfile.TemporaryDirectory(prefix="ged-move-") as folder:
        path = Path(folder) / NAME
        path.touch(mode=0o600)
        path.write_text(lines, encoding="utf-8")
        settings = load_settings(path)
    if settings.embedded:
        raise ConfigError(
            "move.not_servers", "name PostgreSQL with --to (postgresql+psycopg://…)", setting="GED_DATABASE_URL"
        )
    return settings


def write(path: Path, lines: str) -> None:
    """Write the new settings; the same ones, of an interrupted run, are left.

    Raises:
        ConfigError: ``settings.exists``, ``settings.folder_open``.
    """
    if path.is_file() and path.read_text(encoding="utf-8") == lines:
        return
    if path.exists():
        raise ConfigError(
            "settings.exists", f"remove {path}, or name another file with --settings", setting="--settings"
        )
    with suppress(FileNotFoundError):
        path.with_name(f"{path.name}.half").unlink()  # of a run that was killed while it wrote
    settings_file.write_new(path, lines)


def require_servers(settings: Settings) -> None:
    """Check that Redis and Elasticsearch answer, before anything begins.

    Raises:
        ConfigError: ``worker.redis_unreachable``; EngineFailed: ``index.unavailable``.
    """
    redis_jobs.require_redis(settings)
    services = build_services(settings.model_copy(update={"keyring": None}))
    services.engine.dispose()
    services.index.status()


def require_own_index(settings: Settings) -> None:
    """Check that no other installation has an index of this name: it would be replaced.

    Raises:
        InvalidTransition: ``move.index_in_use``.
    """
    services = build_services(settings.model_copy(update={"keyring": None}))
    services.engine.dispose()
    if services.index.status().documents:
        raise InvalidTransition(
            "move.index_in_use",
            "choose another name: --set GED_ELASTICSEARCH_INDEX=NAME; or delete the index of that name, if nobody needs it",
            index=settings.elasticsearch_index,
        )


def bring_keyring(source: Settings, target: Settings) -> tuple[int, list[str]]:
    """Bring the keys of the documents into PostgreSQL, and compare them all.

    Returns:
        (how many keys there are, ids of those that are not the same).
    """
    engines = [make_engine(one.url) for one in (source, target)]
    try:
        ours, theirs = (
            stored_files.keyring_of(one, engine) for one, engine in zip((source, target), engines, strict=True)
        )
        if ours is None or theirs is None or source.keyring is None:
            return 0, []
        theirs.bring(source.keyring)
        return _compared(ours.rows(), theirs.rows())
    finally:
        for engine in engines:
            engine.dispose()


def _compared(
    ours: Sequence[tuple[bytes, tuple[object, ...]]], theirs: Sequence[tuple[bytes, tuple[object, ...]]]
) -> tuple[int, list[str]]:
    there = dict(theirs)
    differing = [key for key, row in ours if there.pop(key, None) != row]
    return len(ours), [key.hex() for key in (*differing, *there)]


def services_of(settings: Settings) -> Services:
    """The services of the new installation; this process writes its index."""
    return build_services(settings, writes_index=True)
