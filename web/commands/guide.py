"""``ged guide``: the booklets of the guide, to print."""

from datetime import UTC, datetime
from pathlib import Path

import click

from ged.compliance.facts import entity_by_code, first_entity
from ged.languages import LANGUAGES
from ged.letterhead import letterhead
from web.commands.shared import settings_of, write_whole
from web.processes.app import create_app
from web.site import booklets
from web.wiring.services import build_services


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--entity", default="", help="Code of the entity whose letterhead they bear.  [default: the largest]")
@click.option(
    "--language", "languages", type=click.Choice(sorted(LANGUAGES)), multiple=True, default=tuple(LANGUAGES), show_default=True
)  # fmt: skip
def guide(folder: Path, entity: str, languages: tuple[str, ...]) -> None:
    """Write the guide of each role as a PDF to print into FOLDER: four pages at most, with the keys of the role."""
    settings, now = settings_of(), datetime.now(UTC)
    services = build_services(settings)
    with services.reading() as session:
        chosen = entity_by_code(session, entity) if entity else first_entity(session)
        head = letterhead(session, chosen.id, country=services.country, of_entity=True)
    folder.mkdir(parents=True, exist_ok=True)
    with create_app(services, settings).test_request_context():
        for language in languages:
            for one in booklets.BOOKLETS:
                path = folder / booklets.filename(one, language)
                write_whole(path, booklets.printed(one, head, language=language, at=now))
                click.echo(f"written: {path}")
