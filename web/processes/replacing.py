"""A restore in the place of a live installation: what is there is set aside, whole, and comes back where the restore fails."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ged import workers
from ged.administration.reach import administrators
from ged.config import Settings, load_settings
from ged.durable import replace_file, sync_folder
from ged.errors import ConfigError, InvalidTransition
from ged.moving.state import programs
from ged.progress import Progress
from ged.unit import SYSTEM, Actor, Services
from web.processes import restore as process
from web.processes.restore import HALF, KEYRING, Outcome, Wanted
from web.processes.site_lock import site_stopped
from web.processes.worker import only_worker
from web.wiring import restored, settings_file
from web.wiring.services import build_services

BEFORE = "before-restore"
MARK = "over.json"
"""Ends the name of the file beside the data folder that names what is set aside, until the restored installation has its place."""
CONFIRMED = "backup.over_confirmed"
OVER = "backup.restored_over"
"""Of the restored journal: it names who confirmed it, or that nobody could."""


@contextmanager
def stopped(data: Path, settings_folder: Path) -> Iterator[None]:
    """Nobody works in the data folder of the live installation, and nobody begins to.

    Raises:
        ConfigError: ``backup.no_live``.
        InvalidTransition: ``backup.still_running``.
    """
    settings = _settings(data, settings_folder)
    try:
        with site_stopped(settings.data_dir), only_worker(settings.data_dir):
            yield
    except ConfigError as error:
        if error.code not in ("site.serves", "worker.second"):
            raise
        raise InvalidTransition("backup.still_running", "stop site and workers first") from error


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
    services = build_services(_settings(data, settings_folder))
    try:
        return _consent(services, snapshot, without_accounts=without_accounts, ask=ask)
    finally:
        services.engine.dispose()


def _consent(
    services: Services, snapshot: str, *, without_accounts: bool, ask: Callable[[Services, str], tuple[Actor, Actor]]
) -> tuple[Actor, ...]:
    now = datetime.now(UTC)
    able = _administrators(services, now)
    if without_accounts:
        if able is not None and able > 1:
            raise ConfigError(
                "backup.live_accounts",
                "leave --no-live-accounts out: its administrators can be asked",
                setting="--over",
            )
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
    return people


def _settings(data: Path, settings_folder: Path) -> Settings:
    path = settings_folder / settings_file.NAME
    settings = load_settings(path, alone=True) if path.is_file() else None
    if settings is None or settings.data_dir.resolve() != data.resolve():
        raise ConfigError(
            "backup.no_live",
            "name its own settings folder, or leave --over out on an empty machine",
            setting="--settings",
        )
    return settings


def _administrators(services: Services, now: datetime) -> int | None:
    """How many people administer the live installation; None: its database cannot be read.

    Raises:
        InvalidTransition: ``backup.still_running``.
    """
    try:
        with services.reading() as session:
            running = [*_connected(session), *(f"{one.name} ({one.host})" for one in workers.living(session, now=now))]
            able = len(administrators(session, on=now.astimezone(services.zone).date()))
    except SQLAlchemyError:
        return None
    if running:
        raise InvalidTransition("backup.still_running", "stop site and workers first", running=running[0])
    return able


def _connected(session: Session) -> list[str]:
    """Sites and workers that are connected. SQLite cannot tell: there a lock does (see ``stopped``)."""
    return programs(session.connection()) if session.get_bind().dialect.name == "postgresql" else []


@dataclass(frozen=True)
class _Moved:
    """A folder of the live installation, and where it is set aside."""

    place: Path
    aside: Path


def replace(
    wanted: Wanted,
    data: Path,
    settings: Path,
    people: Sequence[Actor],
    *,
    now: datetime,
    progress: Progress = lambda _: None,
) -> Outcome:
    """Restore in the place of what is there. The earlier folders get the name ``….before-restore-TIME`` and are never removed.

    The restored journal notes it. It names the people by their accounts: their rows may be others in the copy.

    Raises:
        As ``process.restore``; ``ConfigError``: ``backup.not_movable``. The earlier folders are back then.
    """

    def note(services: Services) -> None:
        with services.unit_of_work(datetime.now(UTC)) as uow:
            uow.record(
                OVER,
                "backup",
                None,
                actor=SYSTEM,
                accounts=[one.account for one in people],
                without_accounts=not people,
            )

    destroyed = restored.tombstones(_settings(data, settings))
    if destroyed is None:
        progress(
            "THE KEYRING OF THIS INSTALLATION CANNOT BE READ: letters that were destroyed since the copy may come back; see the slips of disposal"
        )
    with _aside(data.resolve(), settings.resolve(), now, progress):
        outcome = process.restore(wanted, data, settings, settled=note, destroyed=destroyed or (), progress=progress)
    return dataclasses.replace(outcome, keyring_unread=destroyed is None)


def require_whole(data: Path) -> None:
    """Check that no restore over this installation was interrupted.

    Raises:
        InvalidTransition: ``backup.over_halfway``.
    """
    if _mark_of(data.resolve()).exists():
        raise InvalidTransition("backup.over_halfway", "call it again with --over", folder=str(data))


def put_back(data: Path, *, progress: Progress = lambda _: None) -> None:
    """Put an installation back that an interrupted restore had set aside. What that restore had brought so far stays, for the next one."""
    data = data.resolve()
    mark = _mark_of(data)
    if not mark.exists():
        return
    moved = [_Moved(Path(place), Path(aside)) for place, aside in reversed(json.loads(mark.read_bytes())["moved"])]
    if _is_done(data, moved):
        progress("the restore that was interrupted had come to its end")
    else:
        _put_back(moved, progress)
    mark.unlink()
    sync_folder(mark.parent)


def _mark_of(data: Path) -> Path:
    return data.with_name(f"{data.name}.{MARK}")


def _is_done(data: Path, moved: Sequence[_Moved]) -> bool:
    # The restored settings come first, the data folder gets its name last. An empty one somebody made by hand, or a mount.
    is_aside = any(one.place == data and one.aside.exists() for one in moved)
    has_settings = any((one.place / settings_file.NAME).is_file() for one in moved)
    is_there = data.is_dir() and any(data.iterdir()) and not data.with_name(data.name + HALF).exists()
    return is_aside and has_settings and is_there


def _put_back(moved: Sequence[_Moved], progress: Progress) -> None:
    for place, aside in ((one.place, one.aside) for one in moved):
        if not aside.exists():
            continue
        if place.exists():  # of the restore that failed, or of a program that was started meanwhile
            half = place.with_name(place.name + HALF)
            place.replace(
                aside.with_name(f"{aside.name}.failed")
                if half.exists() or not place.name.endswith(f"-{KEYRING}")
                else half
            )
        aside.replace(place)
        sync_folder(place.parent)
        progress(f"back in its place: {place}")


def _free(folder: Path, now: datetime) -> Path:
    name = f"{folder.name}.{BEFORE}-{now:%Y%m%dT%H%M%SZ}"
    places = (folder.with_name(f"{name}{more}") for more in chain([""], (f"-{n}" for n in count(2))))
    return next(place for place in places if not place.exists())


@contextmanager
def _aside(data: Path, settings: Path, now: datetime, progress: Progress) -> Iterator[None]:
    # The settings first and last: without them no program begins to work in a data folder that is not there.
    folders = (settings, data, data.with_name(f"{data.name}-{KEYRING}"))
    moved = [_Moved(one, _free(one, now)) for one in folders if one.exists()]
    mark = _mark_of(data)
    document = {"moved": [[str(one.place), str(one.aside)] for one in moved]}
    replace_file(mark, json.dumps(document).encode(), mode=0o600)
    try:
        for one in moved:
            try:
                one.place.replace(one.aside)
            except OSError as error:
                raise ConfigError(
                    "backup.not_movable",
                    "stop what uses it; a mounted folder is restored elsewhere",
                    setting=str(one.place),
                ) from error
            sync_folder(one.place.parent)
            progress(f"set aside: {one.aside}")
        yield
    except BaseException:
        _put_back(moved[::-1], progress)
        mark.unlink()
        raise
    mark.unlink()
    sync_folder(mark.parent)
