"""``ged account``: accounts and their keys."""

from datetime import UTC, datetime
from pathlib import Path

import click

from web.commands.organisation import (
    adopt_key_of,
    first_account_of,
    free_key_of,
    issue_key_to,
    reset_second_step_of,
    set_password_of,
)
from web.commands.passphrases import Passphrases, passphrases
from web.commands.shared import settings_of
from web.wiring.authority import open_authority
from web.wiring.services import build_services


@click.group()
def account() -> None:
    """Accounts and their keys."""


@account.command("first")
@click.argument("name")
@click.option("--person", prompt="First and last name of the person", help="First and last name of the person.")
@click.option("--code", prompt="Short code of the ministry, without spaces (MMRE)", help="Short code of the ministry.")
@click.option("--ministry", prompt="Full name of the ministry", help="Full name of the ministry.")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
def account_first(name: str, person: str, code: str, ministry: str, password: str) -> None:
    """Make the first account NAME of an empty installation: an administrator, who sets the rest in the browser."""

    services = build_services(settings_of())
    first_account_of(
        services, name.strip(), password, name=person, code=code.strip(), ministry=ministry, now=datetime.now(UTC)
    )
    click.echo("account: made; sign in with it and choose a password of your own")


@account.command("password")
@click.argument("name")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
def account_password(name: str, password: str) -> None:
    """Set the password of account NAME; its sessions end."""

    set_password_of(build_services(settings_of()), name, password, now=datetime.now(UTC))
    click.echo("password: set")


@account.command("key")
@click.argument("name")
@click.option("--passphrase", prompt=True, hide_input=True, confirmation_prompt=True)
@passphrases()
def account_key(name: str, passphrase: str, words: Passphrases) -> None:
    """Issue a signing key and certificate to account NAME; asks for the authority's passphrase."""

    settings = settings_of()
    services = build_services(settings, authority=open_authority(settings, words.authority))
    issue_key_to(services, name, passphrase, now=datetime.now(UTC))
    click.echo("key: issued")


@account.command("import-key")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--password", prompt="Password of the file", hide_input=True)
@click.option("--passphrase", prompt=True, hide_input=True, confirmation_prompt=True)
def account_import_key(name: str, file: Path, password: str, passphrase: str) -> None:
    """Give account NAME the key of FILE, a PKCS#12 of an accredited authority."""

    services = build_services(settings_of())
    adopt_key_of(services, name, file.read_bytes(), password, passphrase, now=datetime.now(UTC))
    click.echo("key: taken over")


@account.command("free-key")
@click.argument("name")
def account_free_key(name: str) -> None:
    """Let account NAME try its passphrase again after too many wrong attempts."""

    free_key_of(build_services(settings_of()), name, now=datetime.now(UTC))
    click.echo("key: free to try again")


@account.command("reset-second-step")
@click.argument("name")
def account_reset_second_step(name: str) -> None:
    """Take telephone, passkeys and recovery codes of account NAME away, where no second person can confirm it on the site.

    Its sessions end; the journal and the person are told.
    """

    reset_second_step_of(build_services(settings_of()), name, now=datetime.now(UTC))
    click.echo("second step: reset; the account signs in with its password, and arms a new one")
