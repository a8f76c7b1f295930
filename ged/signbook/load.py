"""The signature book's part of the organisation file: templates of letters."""

from sqlalchemy import select

from ged.org.file import OrganisationFile
from ged.org.load import Change, entity_ids, upsert_listed
from ged.signbook.models import LetterTemplate
from ged.unit import UnitOfWork


def load_signbook(uow: UnitOfWork, file: OrganisationFile) -> list[Change]:
    """Bring the templates to the state of the file, in its order; templates not in the file stay and are reported."""
    templates = {(t.entity_id, t.code): t for t in uow.session.scalars(select(LetterTemplate))}
    entity = entity_ids(uow.session)
    changes: list[Change] = []
    for position, record in enumerate(file.templates, start=1):
        values: dict[str, object] = {
            "title": record.title, "subject": record.subject, "body": record.body.strip(), "position": position,
        }  # fmt: skip
        changes += upsert_listed(uow, templates, LetterTemplate, (entity[record.entity], record.code), values)
    named = {(entity[record.entity], record.code) for record in file.templates}
    return changes + [Change("left", "letter_templates", key[1]) for key in templates if key not in named]
