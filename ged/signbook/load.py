"""The signature book's part of the organisation file: templates of letters."""

from sqlalchemy import select

from ged.org.file import OrganisationFile
from ged.org.load import Change, upsert
from ged.signbook.models import LetterTemplate
from ged.unit import UnitOfWork


def load_signbook(uow: UnitOfWork, file: OrganisationFile) -> list[Change]:
    """Bring the templates to the state of the file, in its order; templates not in the file stay and are reported."""
    templates = {t.code: t for t in uow.session.scalars(select(LetterTemplate))}
    changes: list[Change] = []
    for position, record in enumerate(file.templates, start=1):
        values: dict[str, object] = {
            "title": record.title, "subject": record.subject, "body": record.body.strip(), "position": position,
        }  # fmt: skip
        changes += upsert(uow, templates, LetterTemplate, {"code": record.code}, values)
    named = {record.code for record in file.templates}
    return changes + [Change("left", "letter_templates", code) for code in templates if code not in named]
