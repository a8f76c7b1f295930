"""A restore in the place of a live installation: what is there is set aside, whole, and comes back where the restore fails."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from ged import workers
from ged.administration.reach import administrators
from ged.config import load_settings
from ged.durable import sync_folder
from ged.errors import ConfigError, InvalidTransition
from ged.unit import SYSTEM, Actor, Services
from web.processes import restore as process
from web.processes.restore import KEYRING, Outcome, Told, Wanted
from web.wiring import settings_file
from web.wiring.services import build_services

BEFORE = "before-restore"
CONFIRMED = "backup.over_confirmed"
OVER = "backup.restored_over"
"""Of the restored journal: it names who confirmed it, or that nobody could."""


def consent(
    data: Path,
    settings_folder: Path,
    snapshot: str,
    *,
    without_accounts: bool,
    ask: Callable[[Services, str], tuple[Actor, Actor]],
) -> tuple[Actor, ...]:
    """Let two administrators of the live installation consent; its journal, which is set aside with its data, notes it.

    Args:
        without_accounts: nobody of it can be asked: none is.
        ask: lets two administrators prove themselves.

    Raises:
        ConfigError: ``backup.no_live``: no settings are there, or they are of other data; ``backup.live_unreadable``: its accounts cannot be read;
            ``backup.live_accounts``: ``without_accounts``, and they can.
        InvalidTransition: ``backup.still_running``: a worker of it runs.
        Invalid, Forbidden: as ``ask``.
    """
    services = _live(data, settings_folder)
    now = datetime.now(UTC)
    able = _administrators(services, now)
    if without_accounts:
        if able is not None and able > 1:
            raise ConfigError(
                "backup.live_accounts",
                "leave --no-live-accounts out: its administrators can be asked",
                setting="--over",
            )
        services.engine.dispose()
        return ()
    if able is None:
        raise ConfigError(
            "backup.live_unreadable",
            "mend it, or add --no-live-accounts: the restored journal will say so",
            setting="--over",
        )
    people = ask(services, "a copy takes the place of what is here")
    first, second = people
    with services.unit_of_work(now) as uow:
        uow.record(
            CONFIRMED, "backup", None, actor=second, asked_by=int(first.person_id), snapshot=snapshot or "latest"
        )
    services.engine.dispose()
    return people


def _live(data: Path, settings_folder: Path) -> Services:
    path = settings_folder / settings_file.NAME
    settings = load_settings(path, alone=True) if path.is_file() else None
    if settings is None or settings.data_dir.resolve() != data.resolve():
        raise ConfigError(
            "backup.no_live",
            "name its own settings folder, or leave --over out on an empty machine",
            setting="--settings",
        )
    return build_services(settings)


def _administrators(services: Services, now: datetime) -> int | None:
    """How many people administer the live installation; None: its database cannot be read.

    Raises:
        InvalidTransition: ``backup.still_running``.
    """
    try:
        with services.reading() as session:
            running = workers.living(session, now=now)
            able = len(administrators(session, on=now.astimezone(services.zone).date()))
    except SQLAlchemyError:
        return None
    if running:
        raise InvalidTransition(
            "backup.still_running", "stop site and workers first", worker=running[0].name, host=running[0].host
        )
    return able


def replace(wanted: Wanted, data: Path, settings: Path, *, now: datetime, told: Told = lambda _: None) -> Outcome:
    """Restore in the place of what is there. The earlier folders get the name ``….before-restore-TIME`` and are never removed.

    Raises:
        As ``process.restore``; the earlier folders are back then.
    """
    with _aside((data, settings, data.with_name(f"{data.name}-{KEYRING}")), now, told):
        return process.restore(wanted, data, settings, told=told)


def note_over(settings: Path, people: Sequence[Actor], *, now: datetime) -> None:
    """Note in the restored journal that it took the place of a live installation. The people are named by their accounts: their
    rows may be others in the copy."""
    services = build_services(load_settings(settings, alone=True))
    with services.unit_of_work(now) as uow:
        uow.record(
            OVER, "backup", None, actor=SYSTEM, accounts=[one.account for one in people], without_accounts=not people
        )
    services.engine.dispose()


@contextmanager
def _aside(folders: Sequence[Path], now: datetime, told: Told) -> Iterator[None]:
    moved: list[tuple[Path, Path]] = []
    for one in (folder.resolve() for folder in folders):
        if one.exists():
            place = one.with_name(f"{one.name}.{BEFORE}-{now:%Y%m%dT%H%M%SZ}")
            one.rename(place)
            moved.append((place, one))
            sync_folder(one.parent)
            told(f"set aside: {place}")
    try:
        yield
    except BaseException:
        for place, one in reversed(moved):
            if not one.exists():
                place.rename(one)
                sync_folder(one.parent)
                told(f"back in its place: {one}")
        raise
