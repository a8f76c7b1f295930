"""``ged org``: the organisation, from a file of its own or from the workbook of a roll-out."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click

from ged.compliance import facts as known
from ged.compliance import operations as papers
from ged.org.file import OrganisationFile
from ged.org.load import Change
from ged.spreadsheet.marking import place
from ged.spreadsheet.reading import read_apart
from ged.unit import SYSTEM, Services
from ged.workbook import operations, writing
from ged.workbook.merging import Merged
from ged.workbook.state import organisation_now
from ged.workbook.words import sentence
from web.commands.organisation import load_file
from web.commands.shared import settings_of, write_whole
from web.wiring.services import build_services

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(dir_okay=False, path_type=Path)
_TO_CORRECT = 2
"""Exit code of a workbook with wrong cells."""


@click.group()
def org() -> None:
    """The organisation."""


@org.command("load")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would change; change nothing.")
def org_load(file: Path, dry_run: bool) -> None:
    """Load units, people, posts, registers and lists from FILE."""

    changes = load_file(build_services(settings_of()), file, dry_run=dry_run, now=datetime.now(UTC))
    for change in changes:
        click.echo(f"{change.action:8} {change.kind:16} {change.code} {change.detail}".rstrip())
    click.echo(f"{len(changes)} changes" + (" (dry run: nothing was changed)" if dry_run else ""))


@org.command("template")
@click.argument("workbook", type=_NEW)
def org_template(workbook: Path) -> None:
    """Write an empty WORKBOOK (.xlsx) to fill in."""
    write_whole(workbook, writing.template())
    click.echo(f"written: {workbook}")


@org.command("export")
@click.argument("workbook", type=_NEW)
def org_export(workbook: Path) -> None:
    """Write the organisation as it is to WORKBOOK (.xlsx): taken in again, it changes nothing."""
    services = build_services(settings_of())
    with services.reading() as session:
        now = organisation_now(session, on=_today(services))
    write_whole(workbook, writing.filled(now))
    click.echo(f"written: {workbook}")


@org.command("check")
@click.argument("workbook", type=_FILE)
@click.option("--marked", type=_NEW, help="Write the workbook with its wrong cells in red to this file (.xlsx).")
def org_check(workbook: Path, marked: Path | None) -> None:
    """Tell what WORKBOOK would change, or every cell to correct; change nothing. Exit code 2: cells to correct."""
    services = build_services(settings_of())
    rows = read_apart(workbook.read_bytes())
    with services.reading() as session:
        seen = organisation_now(session, on=_today(services))
    merged = operations.merged(seen, rows, on=_today(services))
    if marked is not None:
        write_whole(marked, writing.marked(rows, merged.findings))
    _tell(operations.preview(services, _accepted(merged), seen=seen, now=datetime.now(UTC)))
    click.echo("nothing was changed")


@org.command("import")
@click.argument("workbook", type=_FILE)
def org_import(workbook: Path) -> None:
    """Take WORKBOOK in, whole or not at all. Exit code 2: cells to correct."""
    services = build_services(settings_of())
    content = workbook.read_bytes()
    rows = read_apart(content)
    with services.reading() as session:
        seen = organisation_now(session, on=_today(services))
    file = _accepted(operations.merged(seen, rows, on=_today(services)))
    with services.unit_of_work(datetime.now(UTC)) as uow:
        import_id = operations.hand_in(uow, content, workbook.name)
        changes = operations.take_in(uow, import_id, file, seen=seen, on=_today(services))
    _tell(changes)


@org.command("undo")
def org_undo() -> None:
    """Take back the last workbook that was taken in."""
    with build_services(settings_of()).unit_of_work(datetime.now(UTC)) as uow:
        row = operations.undo(uow)
        click.echo(f"taken back: {row.filename}, {row.changes} changes")


@org.command("paper")
@click.argument("paper", type=click.Choice([one.value for one in papers.Paper]))
@click.argument("code")
@click.argument("file", type=_NEW)
def org_paper(paper: str, code: str, file: Path) -> None:
    """Write the draft decision or declaration of the entity CODE to FILE (.docx to edit, .pdf to read).

    Both are filled from the settings and the organisation, in French; what the institution must fill in is marked.
    """
    if file.suffix not in {".docx", ".pdf"}:
        raise click.BadParameter("name a file that ends with .docx or .pdf", param_hint="FILE")
    settings, now = settings_of(), datetime.now(UTC)
    services, chosen = build_services(settings), papers.Paper(paper)
    with services.reading() as session:
        entity = known.entity_by_code(session, code)
        facts = known.gather(session, services, settings, entity, on=_today(services))
    made = papers.as_pdf(chosen, facts, at=now) if file.suffix == ".pdf" else papers.as_word(chosen, facts)
    write_whole(file, made.content)  # first: the journal notes no paper that a full disk kept from being written
    with services.unit_of_work(now) as uow:
        papers.note(uow, chosen, entity, made, actor=SYSTEM)
    click.echo(f"written: {file}, {len(papers.text_of(chosen, facts).blanks)} blanks to fill in")
    for gap, count in facts.gaps:
        click.echo(f"  to be set: {gap.value.replace('_', ' ')} ({count})")


def _today(services: Services) -> date:
    return datetime.now(UTC).astimezone(services.zone).date()


def _accepted(merged: Merged) -> OrganisationFile:
    """The organisation that is wanted; ends the command if cells are to be corrected."""
    for one in merged.findings:
        click.echo(f"{one.sheet or 'classeur'} {_cell(one.row, one.column)}: {sentence(one)}", err=True)
    if merged.file is None:
        click.echo(f"{len(merged.findings)} cells to correct; nothing was changed", err=True)
        sys.exit(_TO_CORRECT)
    return merged.file


def _cell(row: int, column: int) -> str:
    return place(row, column) if row and column else str(row or "")


def _tell(changes: tuple[Change, ...]) -> None:
    for change in changes:
        click.echo(f"{change.action:8} {change.kind:16} {change.code} {change.detail}".rstrip())
    click.echo(f"{len(changes)} changes")
