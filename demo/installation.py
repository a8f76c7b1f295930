"""The demonstration's installation: settings, database, ministry, accounts and keys. Set up once, then unchanged."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from demo.people import PASSPHRASE, PASSWORD, SIGNERS
from ged.config import Settings, load_settings
from ged.errors import ConfigError
from ged.org.accounts import person_of_account, set_password
from ged.org.certificates import note_issued
from ged.org.file import read_organisation
from ged.org.keys import has_key
from ged.org.models import CertificateKind
from ged.org.passwords import hash_password
from ged.unit import SYSTEM, Services
from web.commands.organisation import issue_key_to, load_file
from web.processes.migrate import migrate_database
from web.wiring import settings_file
from web.wiring.authority import authority_dir, create_authority, make_seal
from web.wiring.services import build_services

MINISTRY = Path(__file__).with_name("ministry.yaml")
Say = Callable[[str], None]


@contextmanager
def timed(say: Say, name: str) -> Iterator[None]:
    """Report the name of a step and its duration."""
    began = time.monotonic()
    yield
    say(f"  {time.monotonic() - began:6.2f} s  {name}")


def prepare(data: Path, *, extra: dict[str, str], say: Say) -> Settings:
    """Set up an installation in ``data`` with the demonstration ministry; finished steps are not repeated.

    Its passwords are printed on the screen. So they are set only if the folder is marked as a demonstration. They stay:
    nobody has to change them at the first sign-in.

    Args:
        extra: settings to write into the new installation's file.

    Raises:
        ConfigError: ``demo.real``: the folder belongs to another installation.
    """
    _claim(data)
    env = settings_file.make(data)
    add_settings(env, extra)
    settings = load_settings(env)
    fill(settings, MINISTRY, authority="Ministère des Mines et des Ressources énergétiques", say=say)
    return settings


def fill(settings: Settings, ministry: Path, *, authority: str, say: Say, newcomers: Collection[str] = ()) -> None:
    """Give an installation its database, its authority and seal, the ministry of a file, passwords and keys.

    Args:
        authority: the name of the organisation in certificates.
        newcomers: accounts that get no password: they wait for their first access.
    """
    with timed(say, "base de données"):
        migrate_database(settings)
    with timed(say, "autorité de certification du ministère"):
        if not authority_dir(settings).exists():
            create_authority(settings, organisation=authority, now=_now())
    services = build_services(settings)
    with timed(say, "ministère de démonstration"):
        load_file(services, ministry, dry_run=False, now=_now())
    with timed(say, "cachet du ministère"):
        _make_seal(settings, services)
    with timed(say, "comptes et clés de signature"):
        _give_passwords(services, newcomers)
        _give_keys(services)
    services.engine.dispose()


def _claim(data: Path) -> None:
    """Mark a new folder as a demonstration; refuse the folder of a real installation."""
    marker = data / "demonstration"
    held = settings_file.file_of(data).is_file() or any((data / name).exists() for name in ("ged.sqlite3", "seal"))
    if held and not marker.exists() and not (data / "prepared.json").exists():
        raise ConfigError("demo.real", f"{data} is a real installation: name another folder by --data")
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    marker.touch()


def _now() -> datetime:
    return datetime.now(UTC)


def add_settings(env: Path, extra: dict[str, str]) -> None:
    """Write settings into an installation's file, in place of those of the same names."""
    lines = env.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.split("=", 1)[0] not in extra]
    wanted = [*kept, *(f"{name}={value}" for name, value in extra.items())]
    if wanted != lines:
        env.write_text("\n".join(wanted) + "\n", encoding="utf-8")


def _make_seal(settings: Settings, services: Services) -> None:
    if services.sealer is not None and services.sealer.certificate() is None:
        facts, pem = make_seal(settings, identifier="", now=_now())
        with services.unit_of_work(_now()) as uow:
            note_issued(uow, facts, pem, kind=CertificateKind.SEAL)


def _give_passwords(services: Services, newcomers: Collection[str]) -> None:
    # One hash for all: the password is printed on the screen anyway, and sixty hashes take seconds.
    password_hash = hash_password(PASSWORD)
    with services.unit_of_work(_now()) as uow:
        for record in read_organisation(MINISTRY).people:
            person = person_of_account(uow.session, record.account)
            if not person.password_hash and record.account not in newcomers:
                set_password(uow, person.id, password_hash, actor=SYSTEM)


def _give_keys(services: Services) -> None:
    for account in SIGNERS:
        with services.unit_of_work(_now()) as uow:
            person_id = person_of_account(uow.session, account).id
            missing = not has_key(uow.session, person_id)
        if missing:
            issue_key_to(services, account, PASSPHRASE, now=_now())
