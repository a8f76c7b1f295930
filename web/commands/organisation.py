"""Loading the organisation file, passwords and keys from the command line."""

from datetime import datetime
from pathlib import Path

from ged.administration.first_account import make_first_account
from ged.entry import factors
from ged.org.accounts import person_of_account, set_password, words_of
from ged.org.file import read_organisation
from ged.org.keys import adopt_key, attach_token, free_key, issue_key
from ged.org.load import Change
from ged.org.passwords import hash_password, refuse_guessable
from ged.ports import TokenPlace
from ged.routing.load import fill_calendar
from ged.unit import SYSTEM, Services
from ged.workbook.operations import bring_to


class _DryRun(Exception):
    """Rolls back a dry run after it has reported its changes."""


def load_file(services: Services, path: Path, *, dry_run: bool, now: datetime) -> list[Change]:
    """Load a file in one transaction; a dry run rolls the transaction back.

    Raises:
        Invalid: the first error of the file, with its place.
    """
    file = read_organisation(path)
    changes: list[Change] = []
    try:
        with services.unit_of_work(now) as uow:
            changes += bring_to(uow, file, on=now.astimezone(services.zone).date())
            changes += fill_calendar(uow)
            if dry_run:
                raise _DryRun
    except _DryRun:
        return changes
    return changes


def first_account_of(
    services: Services, account: str, password: str, *, name: str, code: str, ministry: str, now: datetime
) -> None:
    """Make the first account of an empty installation, that of an administrator.

    Raises:
        Invalid: ``password.too_short``, ``password.too_long``, ``password.common``; as ``make_first_account``.
    """
    refuse_guessable(password, account, name, code, ministry)
    password_hash = hash_password(password)
    with services.unit_of_work(now) as uow:
        on = now.astimezone(services.zone).date()
        make_first_account(uow, account, password_hash, name=name, code=code, ministry=ministry, on=on)


def set_password_of(services: Services, account: str, password: str, *, now: datetime) -> None:
    """Set an account's password; its sessions end, and its owner must change it at the first sign-in.

    Raises:
        NotFound: ``person.unknown``.
        Invalid: ``password.too_short``, ``password.too_long``, ``password.common``.
    """
    with services.unit_of_work(now) as uow:
        words = words_of(uow.session, person_of_account(uow.session, account).id)
    refuse_guessable(password, *words)
    password_hash = hash_password(password)
    with services.unit_of_work(now) as uow:
        set_password(uow, person_of_account(uow.session, account).id, password_hash, actor=SYSTEM, is_given=True)


def issue_key_to(services: Services, account: str, passphrase: str, *, now: datetime) -> None:
    """Issue a signing key.

    Raises:
        NotFound: ``person.unknown``.
        Invalid: ``key.passphrase_short``.
    """
    with services.unit_of_work(now) as uow:
        issue_key(uow, person_of_account(uow.session, account).id, passphrase=passphrase, actor=SYSTEM)


def adopt_key_of(
    services: Services, account: str, content: bytes, password: str, passphrase: str, *, now: datetime
) -> None:
    """Give a person a key made by an accredited authority.

    Raises:
        NotFound: ``person.unknown``.
        Invalid: ``key.file_unreadable``, ``key.passphrase_short``, ``key.expired``.
    """
    with services.unit_of_work(now) as uow:
        adopt_key(
            uow, person_of_account(uow.session, account).id, content, password, passphrase=passphrase, actor=SYSTEM
        )


def attach_token_of(
    services: Services, account: str, place: TokenPlace, pin: str, *, chain_pem: str, now: datetime
) -> None:
    """Let a person sign with a key in a token.

    Raises:
        NotFound: ``person.unknown``.
        ConfigError, Invalid, EngineFailed: as ``KeyVault.attach``.
    """
    with services.unit_of_work(now) as uow:
        person_id = person_of_account(uow.session, account).id
    # A token is slow: this unit of work calls it before its first statement, so that no lock is held meanwhile.
    with services.unit_of_work(now) as uow:
        attach_token(uow, person_id, place, pin, chain_pem=chain_pem, actor=SYSTEM)


def free_key_of(services: Services, account: str, *, now: datetime) -> None:
    """Let a person try the passphrase again.

    Raises:
        NotFound: ``person.unknown``.
    """
    with services.unit_of_work(now) as uow:
        free_key(uow, person_of_account(uow.session, account).id, actor=SYSTEM)


def reset_second_step_of(services: Services, account: str, *, now: datetime) -> None:
    """Take all of an account's second step away, at the machine.

    Raises:
        NotFound: ``person.unknown``.
        Invalid: ``second_step.nothing``.
    """
    with services.unit_of_work(now) as uow:
        factors.reset_at_machine(uow, person_of_account(uow.session, account).id)
