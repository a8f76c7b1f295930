"""All checks of the installation, in the order in which they are told, and the ground that they stand on."""

import os
from datetime import datetime
from pathlib import Path

from ged.config import Settings
from ged.errors import ConfigError, GedError
from ged.health import base, clocks, machine, mail, proof, work
from ged.health.findings import Check, Group
from ged.health.ground import Ground, SettingsFile
from ged.unit import Services
from web.wiring import check_links, check_programs, check_store, settings_file
from web.wiring.services import build_services

CHECKS = (
    Check("python", Group.PROGRAM, check_programs.python),
    Check("packages", Group.PROGRAM, check_programs.packages),
    Check("reading", Group.PROGRAM, check_programs.reading, slow=True),
    Check("second_reader", Group.PROGRAM, check_programs.second_reader),
    Check("printing", Group.PROGRAM, check_programs.printing, slow=True),
    Check("office", Group.PROGRAM, check_programs.office, slow=True),
    Check("isolation", Group.PROGRAM, check_programs.isolation, slow=True),
    Check("settings", Group.FILES, machine.settings),
    Check("settings.private", Group.FILES, machine.settings_private),
    Check("settings.apart", Group.FILES, machine.settings_apart),
    Check("services", Group.FILES, machine.services),
    Check("data", Group.FILES, machine.data_folder),
    Check("data.files", Group.FILES, machine.data_files, slow=True),
    Check("data.keys", Group.FILES, machine.keys_private),
    Check("keyring", Group.FILES, machine.keyring),
    Check("store", Group.FILES, check_store.store, slow=True),
    Check("space", Group.FILES, machine.space),
    Check("inodes", Group.FILES, machine.inodes),
    Check("clock.database", Group.CLOCK, clocks.against_database),
    Check("clock.journal", Group.CLOCK, clocks.against_journal),
    Check("clock.authority", Group.CLOCK, clocks.against_authority, slow=True),
    Check("time_zone", Group.CLOCK, machine.time_zone),
    Check("database", Group.DATABASE, base.answers),
    Check("database.tables", Group.DATABASE, base.tables),
    Check("database.safe", Group.DATABASE, base.safe),
    Check("database.servers", Group.DATABASE, base.servers, slow=True),
    Check("database.connections", Group.DATABASE, base.connections),
    Check("database.whole", Group.DATABASE, base.whole, slow=True),
    Check("database.client", Group.DATABASE, check_programs.database_client, slow=True),
    Check("redis", Group.WORK, check_links.redis),
    Check("workers", Group.WORK, work.workers),
    Check("queue", Group.WORK, work.queue),
    Check("jobs", Group.WORK, work.failed),
    Check("destructions", Group.WORK, work.destructions),
    Check("index", Group.WORK, work.index),
    Check("index.lag", Group.WORK, work.index_lag),
    Check("stations", Group.WORK, work.bridges),
    Check("scanner", Group.WORK, check_links.scanner),
    Check("mail.server", Group.MAIL, check_links.mail_server, slow=True),
    Check("mail.boxes", Group.MAIL, mail.boxes, slow=True),
    Check("mail.loop", Group.MAIL, mail.loop),
    Check("mail.people", Group.MAIL, mail.deaf),
    Check("secret", Group.PROOF, proof.secret),
    Check("journal.seal", Group.PROOF, proof.seal),
    Check("journal.verified", Group.PROOF, proof.verified),
    Check("certificates.authority", Group.PROOF, proof.authority),
    Check("certificates.seal", Group.PROOF, proof.institution, slow=True),
    Check("certificates.people", Group.PROOF, proof.people),
    Check("backup", Group.PROOF, proof.backup),
    Check("registers", Group.PROOF, proof.registers),
    Check("address", Group.SITE, check_links.address),
    Check("directory", Group.SITE, check_links.directory, slow=True),
    Check("provider", Group.SITE, check_links.provider, slow=True),
    Check("certificates.site", Group.SITE, check_links.certificate, slow=True),
)


def ground_of(services: Services, settings: Settings, *, now: datetime) -> Ground:
    """The ground of a site that runs."""
    return Ground(now, _facts(settings_file.find(), settings), settings, services=services)


def find_ground(*, now: datetime) -> Ground:
    """The ground of a command: whatever of settings and services can be made. Nothing is made that is not there.

    Root becomes the owner of the data folder: else the command would leave files there that the service cannot write.
    """
    try:
        path = settings_file.find()
    except OSError:  # the folder of the settings is closed to this user
        path = settings_file.PRODUCTION / settings_file.NAME
        return Ground(now, SettingsFile(path), settings_refusal=_unreadable(path))
    os.environ["GED_ENV_FILE"] = str(path)
    try:
        settings = settings_file.read(path)
    except ConfigError as refusal:
        return Ground(now, _facts(path, None), settings_refusal=refusal)
    except UnicodeDecodeError:
        return Ground(now, _facts(path, None), settings_refusal=ConfigError("settings.no_text"))
    except OSError:
        return Ground(now, _facts(path, None), settings_refusal=_unreadable(path))
    ground = Ground(now, _facts(path, settings), settings)
    if not settings.data_dir.is_dir():
        ground.services_refusal = ConfigError("data.none", setting="GED_DATA_DIR")
        return ground
    _become_owner(settings.data_dir)
    try:
        ground.services = build_services(settings)
    except GedError as refusal:
        ground.services_refusal = refusal
    except PermissionError as error:
        ground.services_refusal = ConfigError("data.denied", error.strerror or "", setting="GED_DATA_DIR")
    except Exception as error:  # noqa: BLE001  the check ``services`` tells it
        ground.services_refusal = ConfigError(type(error).__name__, " ".join(str(error).split())[:200])
    return ground


def _unreadable(path: Path) -> ConfigError:
    return ConfigError("settings.unreadable", f"let this user read {path}", setting="GED_ENV_FILE")


def _become_owner(folder: Path) -> None:
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.setgroups([owner.st_gid])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


def _facts(path: Path, settings: Settings | None) -> SettingsFile:
    try:
        found, folder = path.stat(), path.resolve().parent.stat()
    except OSError:
        return SettingsFile(path)
    credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
    return SettingsFile(
        path,
        is_there=path.is_file(),
        mode=found.st_mode & 0o7777,
        folder_mode=folder.st_mode & 0o7777,
        owner=found.st_uid,
        is_credential=bool(credentials) and path.is_relative_to(credentials),
        lies_inside=settings is not None and settings_file.lies_inside(path, settings.data_dir),
    )
