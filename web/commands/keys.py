"""The command line for people's keys, those in their own tokens above all: ``ged keys``."""

from datetime import UTC, datetime
from pathlib import Path

import click

from ged.org.keys import live_keys
from ged.ports import TokenPlace
from web.commands.organisation import attach_token_of
from web.commands.passphrases import Passphrases, passphrases
from web.commands.shared import settings_of
from web.wiring.authority import describe_pem, open_authority, tokens_seen
from web.wiring.services import build_services


@click.group()
def keys() -> None:
    """Signing keys of people, and tokens (PKCS#11) that hold them."""


@keys.command("list")
def keys_list() -> None:
    """List the keys that may sign: account, place of the key, end of validity, failed attempts."""

    with build_services(settings_of()).reading() as session:
        for row in live_keys(session):
            facts = describe_pem(row.certificate_pem)
            place = "token " if row.is_in_token else "file  "
            tries = f"  {row.failed_tries} failed" if row.failed_tries else ""
            click.echo(f"{row.account:16} {place} until {facts.not_after:%Y-%m-%d}  {facts.subject}{tries}")


@keys.command("tokens")
def keys_tokens() -> None:
    """List the tokens that the library of GED_KEY_MODULE reaches now."""

    for name in tokens_seen(settings_of()):
        click.echo(name)


@keys.command("attach")
@click.argument("account")
@click.option("--token", required=True, help="Name of the token (ged keys tokens).")
@click.option("--label", required=True, help="Name of the key in it.")
@click.option(
    "--chain",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Its certificate, then its issuers (PEM).  [default: our own authority certifies the key]",
)
@click.option("--pin", prompt="PIN of the token", hide_input=True, help="Safer to type at the prompt.")
@passphrases("the authority's, without --chain")
def keys_attach(account: str, token: str, label: str, chain: Path | None, pin: str, words: Passphrases) -> None:
    """Let ACCOUNT sign with a key in a token. It replaces the former key, whose signatures stay valid.

    The PIN is sent to the token once and stored nowhere; the person types it at each unlocking.
    """

    settings = settings_of()
    content = chain.read_text("utf-8", "replace") if chain is not None else ""
    authority = None if chain is not None else open_authority(settings, words.authority)
    services = build_services(settings, authority=authority)
    attach_token_of(services, account, TokenPlace(token, label), pin, chain_pem=content, now=datetime.now(UTC))
    click.echo("key: attached")
