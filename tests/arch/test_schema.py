"""Every foreign key is the first column of an index, or has a reason why no query filters on it. Revisions form one
line."""

import re
from pathlib import Path

from sqlalchemy import Table, UniqueConstraint

from ged.models import metadata

ROOT = Path(__file__).parents[2]
NOT_SEARCHED_BY = {
    # "table.column" -> why no query filters on it. A query that does needs an index: see ``ged.migrations.tools``.
    "circuit_entries.post_id": "names who acted; the entries are read by their letter",
    "circuit_entries.to_post_id": "names whom it went to; the entries are read by their letter",
    "correspondents.email_changed_by_id": "names who acted",
    "dispatch_lines.discharge_attachment_id": "read from the line, never the other way",
    "dispatch_lines.sent_by_id": "names who acted",
    "dispatch_lines.sent_by_post_id": "names who acted",
    "draft_annotations.person_id": "names who wrote; read by the letter",
    "draft_versions.written_by_id": "names who wrote; read by the letter",
    "disposals.asked_by_id": "names who acted",
    "disposals.second_id": "names who acted",
    "drafts.confirmed_by_id": "names who acted",
    "drafts.number_id": "read from the draft, which is found by its letter",
    "drafts.preview_id": "read from the draft",
    "drafts.print_id": "read from the draft",
    "attachments.added_by_id": "names who acted",
    "word_templates.added_by_id": "names who acted",
    "report_templates.added_by_id": "names who acted",
    "assignments.assigned_by_person_id": "names who acted",
    "break_glass_accounts.named_by_id": "names who acted",
    "exception_requests.ended_by_id": "names who acted; read by the letter",
    "factor_resets.asked_by_id": "names who acted",
    "factor_resets.second_id": "names who acted",
    "first_accesses.made_by_id": "names who acted",
    "first_accesses.second_id": "names who acted",
    "imputations.person_id": "names who decided; read by the letter",
    "imputations.post_id": "names who decided; read by the letter",
    "learned_versions.asked_by_id": "a few rows",
    "letter_notes.person_id": "names who wrote; read by the letter, and by the index of the post that is asked",
    "letter_notes.post_id": "names who wrote; read by the letter",
    "sheet_readings.scan_page_id": "read from the reading, which is found by its scan or letter",
    "reminders.by_person_id": "names who acted; read by the assignment or the letter",
    "reminders.by_post_id": "names who acted; read by the assignment or the letter",
    "letter_exceptions.asked_by_id": "names who acted; read by the letter",
    "letter_exceptions.ended_by_id": "names who acted; read by the letter",
    "letter_exceptions.second_id": "names who acted; read by the letter",
    "letter_holds.held_by_id": "names who acted; read by the letter",
    "letter_holds.held_unit_id": "names for whom somebody acted; read by the letter",
    "letter_holds.lifted_by_id": "names who acted; read by the letter",
    "level_requests.asked_by_id": "names who asked; read by the letter",
    "level_requests.ended_by_id": "names who acted; read by the letter",
    "letter_tokens.certificate_id": "read from the token",
    "letter_tokens.key_id": "read from the token",
    "mail_numbers.person_id": "names who registered",
    "mail_numbers.post_id": "names who registered",
    "margin_note_texts.person_id": "names who typed; read by the note",
    "mails.filing_class_id": "read from the letter; no list asks for the letters of a class",
    "pairing_codes.made_by_id": "a few rows",
    "pairing_codes.unit_id": "a few rows",
    "notices.by_person_id": "names who acted",
    "paper_custody.post_id": "names who holds it; read by the letter",
    "paper_custody.slip_line_id": "read from the custody",
    "paper_codes.bridge_id": "names what brought it; the codes are read by their kind and subject, or by the scan",
    "paper_codes.decided_by_id": "names who acted",
    "paper_codes.decided_post_id": "names who acted",
    "paper_codes.unit_id": "names where it came; the codes are read by their kind and subject, or by the scan",
    "paper_codes.uploaded_by_id": "names who brought it",
    "reserve_books.made_by_id": "names who acted",
    "reserve_lines.entered_by_id": "names who acted",
    "reserve_voids.by_id": "names who acted",
    "reserve_typings.bridge_id": "names who sent it; read by the line",
    "reserve_sheets.kept_by_id": "names who acted",
    "reserve_sheets.scan_page_id": "read from the page, which is found by its scan or book",
    "register_holds.released_by_id": "names who acted; the rows are a few for each restore",
    "scan_batches.uploaded_by_id": "names who brought it; read from the batch",
    "posts.secretary_of_id": "a few hundred rows, read by their key",
    "read_marks.person_id": "always asked together with the letter, which comes first in the key",
    "rectifications.person_id": "names who acted",
    "requested_files.register_id": "read from the file, which is found by its owner",
    "monthly_reports.made_by_id": "names who acted",
    "open_data_acts.published_by_id": "names who acted",
    "monthly_proofs.asked_by_id": "names who asked",
    "monthly_wishes.asked_by_id": "names who asked; a row for each entity",
    "register_closings.closed_by_id": "names who acted",
    "scan_batches.into_mail_id": "read from the batch",
    "scan_orders.ordered_by_id": "names who acted",
    "scan_profiles.made_by_id": "a few rows",
    "nature_steps.post_id": "read from the nature",
    "natures.register_id": "a few dozen rows, read whole",
    "natures.signatory_post_id": "a few dozen rows, read whole",
    "scans.attachment_id": "read from the scan",
    "scans.number_id": "read from the scan",
    "scans.separator_id": "read from the scan",
    "separator_sheets.made_by_id": "names who acted",
    "signed_revisions.attachment_id": "read from the revision, which is found by its letter",
    "signed_revisions.signed_by_id": "names who signed",
    "slip_receipts.person_id": "names who received",
    "slip_receipts.post_id": "names who received",
    "slip_revisions.signed_by_id": "names who signed",
    "slip_tasks.line_id": "read from the task",
    "slip_tasks.settled_by_id": "names who acted",
    "slips.number_id": "read from the slip",
    "slips.sender_person_id": "names who sent; slips are found by their units",
    "slips.sender_post_id": "names who sent; slips are found by their units",
    "undone_imputations.person_id": "names who acted; read by the imputation",
    "units.successor_id": "a few hundred rows, read whole",
    "working_copies.person_id": "always asked together with the letter, which comes first in the key",
}


def first_columns(table: Table) -> set[str]:
    """The columns by which the database can find rows of a table without reading the whole table."""
    indexes = [list(index.columns) for index in table.indexes]
    keys = [list(one.columns) for one in table.constraints if isinstance(one, UniqueConstraint)]
    return {columns[0].name for columns in [list(table.primary_key.columns), *indexes, *keys] if columns}


def without_index() -> set[str]:
    """``table.column`` of each foreign key that is not the first column of an index."""
    return {
        f"{table.name}.{key.parent.name}"
        for table in metadata.tables.values()
        for key in table.foreign_keys
        if key.parent.name not in first_columns(table)
    }


def test_a_foreign_key_has_an_index_or_a_reason_to_have_none() -> None:
    assert without_index() <= NOT_SEARCHED_BY.keys(), "give it index=True and a revision, or say why nobody filters"


def test_the_list_of_reasons_names_no_key_that_has_an_index_or_is_gone() -> None:
    assert NOT_SEARCHED_BY.keys() <= without_index()


def test_the_revisions_follow_one_another_by_their_numbers() -> None:
    """If two branches took one number, a database could not be migrated."""
    told = []
    for path in sorted((ROOT / "ged/migrations/versions").glob("[0-9]*.py")):
        names = dict(
            re.findall(r'^(revision|down_revision) = "(\d{4})"', path.read_text(encoding="utf-8"), re.MULTILINE)
        )
        told.append((path.name[:4], names["revision"], names.get("down_revision")))
    # Contractions are numbered from 0190 on, so that an expansion that comes later renumbers none of them.
    numbers = [number for number, _revision, _below in told]
    assert len(set(numbers)) == len(numbers) > 60
    assert told == [(number, number, below) for number, below in zip(numbers, [None, *numbers], strict=False)]
