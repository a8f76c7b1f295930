"""``ged export``: files for outside."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from ged import case_export
from ged.errors import Invalid
from web.commands.shared import settings_of
from web.wiring.services import build_services


@click.group()
def export() -> None:
    """Files for outside."""


@export.command("case")
@click.argument("number")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to create.")
@click.option("--letter", type=int, default=None, help="Id of the letter, when several letters have the number.")
def export_case(number: str, out: Path, letter: int | None) -> None:
    """Write all proofs of the letter of register NUMBER into a folder; check it with ged-verify."""

    if out.exists():
        raise click.BadParameter(f"{out} exists", param_hint="--out")
    services = build_services(settings_of())
    with services.reading() as session:
        try:
            mail_id = case_export.find_mail(session, number, letter=letter)
        except Invalid as several:
            _stop_with_choices(several)
    case = case_export.collect(services, mail_id, actor=None, now=datetime.now(UTC))
    case_export.write_folder(services, case, out)
    click.echo(f"{out}: {len(case.blobs)} files")
    digest = case_export.verifier()[1]
    click.echo(f"check it with a ged_verify.py of your own, never with a copy that came in a folder; SHA-256 {digest}")


def _stop_with_choices(error: Invalid) -> NoReturn:
    """Several letters bear the number: each with the option that names it."""
    click.echo(f"{error.code} (number: {error.params['number']})", err=True)
    choices = error.params["choices"]
    for mail_id, words in choices if isinstance(choices, tuple) else ():
        click.echo(f"-> --letter {mail_id}: {words}", err=True)
    sys.exit(1)
