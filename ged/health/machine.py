"""Checks of the machine: rights of files and folders, room on the disks, the time zone. They need no database."""

import os
import pwd
import secrets
import tempfile
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

from ged.health.findings import Figures, Finding, fault, not_applicable, ok, refused, warning
from ged.health.ground import Ground, Missing

OPEN_TO_OTHERS = 0o077
WRITTEN_BY_OTHERS = 0o022
LOOKED_THROUGH = 20_000
"""Files of the data folder whose owner is looked at."""
ROOM_TO_SPARE = 3
"""Below so many times the reserve a disk is told of before anything is refused."""
FEW_INODES, TOO_FEW_INODES = 0.05, 0.01
PARTS = ("", "blobs", "index", "tmp", "seal", "run")
"""Folders of the data folder that may be disks of their own."""
KEYS, MASTER = ("authority", "seal"), "master.json"
PROBE = b"\0" * 8192


def settings(ground: Ground) -> Finding:
    """Whether the settings can be read and do not contradict each other."""
    refusal = ground.settings_refusal
    if refusal is None:
        return ok(path=str(ground.file.path)) if ground.file.is_there else ok("variables")
    if refusal.code == "settings.no_text":
        return fault("no_text", path=str(ground.file.path))
    if refusal.code == "settings.unreadable":
        return fault("unreadable", path=str(ground.file.path), user=user_name(os.geteuid()))
    if not ground.file.is_there:
        return fault("missing", path=str(ground.file.path), remedy=refusal.remedy)
    return refused(refusal)


def services(ground: Ground) -> Finding:
    """Whether the program can start with these settings on this data."""
    if not ground.options.data_dir.is_dir():
        raise Missing("needs.folder")
    refusal = ground.services_refusal
    if refusal is None:
        return ok()
    if refusal.code == "data.denied":
        return fault("denied", user=user_name(os.geteuid()), why=refusal.remedy)
    return refused(refusal)


def settings_private(ground: Ground) -> Finding:
    """Whether the settings file, which holds the secret, is closed to others."""
    file = ground.file
    if not file.is_there:
        return not_applicable("no_file")
    if file.is_credential:
        return ok("credential")
    path = str(file.path)
    if file.mode & OPEN_TO_OTHERS:
        return fault("open", path=path, mode=f"{file.mode:04o}")
    if ground.settings is not None and file.owner not in _trusted(ground.settings.data_dir):
        return fault("owner", path=path, owner=user_name(file.owner))
    if file.folder_mode & WRITTEN_BY_OTHERS:
        return fault("folder_writable", path=str(file.path.parent), mode=f"{file.folder_mode:04o}")
    if file.folder_mode & OPEN_TO_OTHERS:
        return warning("folder_open", path=str(file.path.parent), mode=f"{file.folder_mode:04o}")
    return ok(path=path)


def _trusted(data: Path) -> set[int]:
    return {0, os.geteuid(), *([data.stat().st_uid] if data.exists() else [])}


def settings_apart(ground: Ground) -> Finding:
    """Whether the secret lies elsewhere than the data: a backup of the data alone must open nothing."""
    if not ground.file.is_there:
        return not_applicable("no_file")
    if ground.file.lies_inside:
        return fault("inside", path=str(ground.file.path))
    return ok()


def data_folder(ground: Ground) -> Finding:
    """Whether the data folder is there, ours, closed to others, and takes files."""
    folder = ground.options.data_dir
    if not folder.is_dir():
        return fault("none", path=str(folder))
    found, user = folder.stat(), user_name(os.geteuid())
    path, owner, mode = str(folder.resolve()), user_name(found.st_uid), f"{found.st_mode & 0o7777:04o}"
    if found.st_uid != os.geteuid():
        return fault("other_user", path=path, owner=owner, user=user)
    if found.st_mode & WRITTEN_BY_OTHERS:
        return fault("writable", path=path, mode=mode)
    refused = takes_nothing(folder)
    if refused is not None:
        return fault("takes_nothing", path=path, why=refused)
    if found.st_mode & OPEN_TO_OTHERS:
        return warning("open", path=path, mode=mode)
    return ok(path=path, owner=owner)


def takes_nothing(folder: Path) -> str | None:
    """Write a small file into ``tmp`` of the data folder and remove it; why that fails, or None."""
    probe = folder / "tmp" / f"probe-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        probe.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with probe.open("xb") as out:
            out.write(PROBE)
            out.flush()
            # Without it some file systems (NFS, delayed allocation, quotas) say only later that they took nothing.
            os.fsync(out.fileno())
    except OSError as error:
        return error.strerror or type(error).__name__
    finally:
        _forget(probe)
    return None


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # its folder cannot be used either: that is what the caller tells


def data_files(ground: Ground) -> Finding:
    """Whether all files of the data belong to the service: one written by root stops it later."""
    folder = ground.data
    owner = folder.stat().st_uid
    seen = 0
    for path, uid in islice(_owners(folder), LOOKED_THROUGH):
        seen += 1
        if uid != owner:
            return fault("foreign", path=str(path), owner=user_name(uid), user=user_name(owner), folder=str(folder))
    return ok(files=seen)


def _owners(folder: Path) -> Iterator[tuple[Path, int]]:
    """The files and folders below, the upper ones first: what commands write lies there."""
    waiting = [folder]
    while waiting:
        here = waiting.pop(0)
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    found = entry.stat(follow_symlinks=False)
                    yield Path(entry.path), found.st_uid
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
        except (FileNotFoundError, PermissionError):
            continue  # gone meanwhile; a folder of somebody else was told by its own owner


def keys_private(ground: Ground) -> Finding:
    """Whether the keys in the data folder are closed to others."""
    count = 0
    for name in KEYS:
        for path in sorted((ground.data / name).glob("*")):
            if not path.is_file() or not _holds_a_key(path):
                continue
            count += 1
            mode = path.stat().st_mode & 0o7777
            if mode & OPEN_TO_OTHERS:
                return fault("open", path=str(path), mode=f"{mode:04o}")
    return ok(files=count) if count else not_applicable("no_keys")


def _holds_a_key(path: Path) -> bool:
    try:
        return path.suffix == ".key" or b"PRIVATE KEY" in path.read_bytes()[:65_536]
    except OSError:
        return path.suffix == ".key"


def keyring(ground: Ground) -> Finding:
    """Whether the keys that encrypt the stored files are there, ours, and closed to others."""
    folder = ground.options.keyring
    if folder is None:
        return not_applicable("not_set")
    path, count = str(folder), 0
    try:
        files = sorted(folder.iterdir())
    except FileNotFoundError:
        return fault("lost", path=path)
    except OSError:
        return fault("denied", path=path, user=user_name(os.geteuid()))
    if not (folder / MASTER).is_file():
        return fault("lost", path=path)
    owner = ground.data.stat().st_uid
    for one in (folder, *files):
        found = one.stat()
        count += one.is_file()
        if one in (folder, folder / MASTER) and found.st_mode & OPEN_TO_OTHERS:
            return fault("open", path=str(one), mode=f"{found.st_mode & 0o7777:04o}")
        if found.st_uid != owner:
            return fault("owner", path=str(one), owner=user_name(found.st_uid), user=user_name(owner))
    return ok(path=path, files=count)


def _disks(ground: Ground) -> list[tuple[Path, bool]]:
    """A folder of each disk that the program writes to, and whether it is the disk of temporary files only."""
    found: dict[int, tuple[Path, bool]] = {}
    for name in PARTS:
        folder = ground.data / name
        if folder.is_dir():
            found.setdefault(folder.stat().st_dev, (folder, False))
    temporary = Path(tempfile.gettempdir())
    found.setdefault(temporary.stat().st_dev, (temporary, True))
    return list(found.values())


def space(ground: Ground) -> Finding:
    """Free bytes of each disk, against the limits at which the program refuses."""
    reserve = ground.options.disk_reserve_bytes
    rows = []
    for folder, is_temporary in _disks(ground):
        kept = max(ground.options.max_upload_bytes, 1) if is_temporary else reserve
        rows.append((_free_bytes(folder), kept, str(folder), is_temporary))
    free, kept, path, is_temporary = min(rows, key=lambda row: row[0] / max(row[1], 1))
    figures: Figures = {"free_bytes": free, "reserve_bytes": kept, "path": path}
    if free < kept:
        code = "temporary" if is_temporary else "full" if free < kept // 4 else "low"
        return fault(code, **figures)
    return warning("soon", **figures) if free < ROOM_TO_SPARE * kept else ok(**figures)


def _free_bytes(folder: Path) -> int:
    filesystem = os.statvfs(folder)
    # Not ``f_bfree``: that counts the blocks kept for root, which the service cannot use.
    return filesystem.f_bavail * filesystem.f_frsize


def inodes(ground: Ground) -> Finding:
    """Free inodes of each disk: without one no file is made, however many bytes are free."""
    rows = []
    for folder, _is_temporary in _disks(ground):
        filesystem = os.statvfs(folder)
        if filesystem.f_files:
            rows.append((filesystem.f_favail / filesystem.f_files, filesystem.f_favail, str(folder)))
    if not rows:
        return not_applicable("unlimited")
    part, free, path = min(rows)
    figures: Figures = {"free": free, "percent": round(part * 100, 1), "path": path}
    if part < TOO_FEW_INODES:
        return fault("few", **figures)
    return warning("few", **figures) if part < FEW_INODES else ok(**figures)


def time_zone(ground: Ground) -> Finding:
    """Whether the time zone of the settings is that of the machine."""
    name = ground.options.timezone
    here, there = ground.now.astimezone(), ground.now.astimezone(ground.options.zone)
    if here.utcoffset() != there.utcoffset():
        return warning("differs", zone=name, machine=_offset(here), setting=_offset(there))
    return ok(zone=name)


def _offset(at: datetime) -> str:
    return f"UTC{at:%z}"


def user_name(uid: int) -> str:
    """The name of a user of this machine, or the number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
