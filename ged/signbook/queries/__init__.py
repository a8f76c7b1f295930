"""Queries of the signature book: frozen rows, each under the access rule of its letter. One module for each reader."""

from ged.signbook.queries.choices import PostChoice, TemplateRow, posts, templates
from ged.signbook.queries.lists import (
    BookFilter,
    BookRow,
    NoticeRow,
    SignatureBook,
    came_back,
    count_in_circuit,
    count_returned,
    returned_count,
    signature_book,
    subjects,
    to_sign_count,
    to_visa,
    waiting_count,
)
from ged.signbook.queries.one_letter import LetterRow, letter, preview_letter
from ged.signbook.queries.panel import Answerable, AnswerRow, LetterPanel, answerable, letter_panel
from ged.signbook.queries.revisions import issued_letters, issued_of
from ged.signbook.queries.rights import Rights
from ged.signbook.queries.steps import EntryRow, StepRow

__all__ = [
    "AnswerRow",
    "Answerable",
    "BookFilter",
    "BookRow",
    "EntryRow",
    "LetterPanel",
    "LetterRow",
    "NoticeRow",
    "PostChoice",
    "Rights",
    "SignatureBook",
    "StepRow",
    "TemplateRow",
    "answerable",
    "came_back",
    "count_in_circuit",
    "count_returned",
    "issued_letters",
    "issued_of",
    "letter",
    "letter_panel",
    "posts",
    "preview_letter",
    "returned_count",
    "signature_book",
    "subjects",
    "templates",
    "to_sign_count",
    "to_visa",
    "waiting_count",
]
