"""Word templates that administrators upload, for an entity or for all: checked, shown as a letter, replaced, withdrawn.

An entity's own template stands for the common one of its name, and both for the one that is shipped.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ged import slots
from ged.capture.files import limited, private_dir
from ged.errors import Invalid, NotFound, StaleVersion
from ged.filenames import harmless_name
from ged.org.models import Person, Unit
from ged.org.tree import ministry_of_role, runs_installation
from ged.unit import Actor, ReadSession, Role, Services, UnitOfWork
from ged.word import making
from ged.word.letters import PLACES, TEXT, Values, check_fields
from ged.word.models import WordTemplate

NAME = re.compile(r"\w[\w .,'’()-]{0,59}")
"""A name of a template; it is also the name of a file."""
MAX_BYTES = 5_000_000
LOOK_TIMEOUT_S = 40.0
PREVIEW_TIMEOUT_S = 50.0
"""For the pages of a preview: with the wait for a place and the filling in it stays below a request's 120 s."""
SAMPLE_TEXT = (
    "Monsieur le Directeur général,\n\nPar lettre citée en référence, vous avez demandé l'examen de votre dossier.\n\n"
    "J'ai l'honneur de vous faire connaître que cette demande est acceptée.\n\n"
    "Veuillez agréer, Monsieur le Directeur général, l'expression de ma considération distinguée."
)
SAMPLE = {
    "organisation": "Ministère", "services": "Secrétariat général", "pays": "République togolaise",
    "devise": "Travail - Liberté - Patrie", "lieu": "Lomé", "expediteur": "Le Secrétaire général",
    "destinataire": "Monsieur le Directeur général de la Compagnie", "destinataire_adresse": "01 BP 42, Lomé",
    "destinataires": "Monsieur le Directeur général de la Compagnie", "civilite": "Monsieur le Directeur général",
    "objet": "Demande d'examen d'un dossier", "notre_reference": "00012/2026", "votre_reference": "145/DG/2026",
    "numero_arrivee": "00345/2026", "date_arrivee": "12 janvier 2026", "pieces_jointes": "1", "ampliations": "Archives",
    "mentions": "", "signataire": "Prénom NOM", "signataire_fonction": "Secrétaire général", "service": "Service des études",
    "redacteur": "Prénom NOM", "initiales": "PN", TEXT: SAMPLE_TEXT,
}  # fmt: skip
"""A letter to show a template with; it is in the organisation's language."""


@dataclass(frozen=True)
class VersionRow:
    """A version of a template. ``is_offered``: officers can choose it now."""

    id: int
    version_no: int
    filename: str
    size_bytes: int
    added_at: datetime
    added_by: str
    withdrawn_at: datetime | None
    is_offered: bool


@dataclass(frozen=True)
class TemplateRow:
    """A template with its versions, the last one first. ``entity`` is empty for the common stock."""

    name: str
    entity: str
    versions: tuple[VersionRow, ...]
    may_change: bool

    @property
    def last(self) -> VersionRow:
        """The last version."""
        return self.versions[0]


def places(session: Session, actor: Actor, accounts: Collection[str]) -> list[tuple[int | None, str]]:
    """(id, name) of the entities whose templates an administrator changes; None: the common stock, for the whole
    installation's administrators only."""
    whole = runs_installation(actor, accounts)
    near = frozenset(actor.units) if whole else ministry_of_role(actor, Role.ADMINISTRATOR)
    query = select(Unit.id, Unit.name).where(Unit.is_entity, Unit.closed_at.is_(None), Unit.id.in_(sorted(near)))
    entities: list[tuple[int | None, str]] = [
        (unit_id, name) for unit_id, name in session.execute(query.order_by(Unit.name))
    ]
    return [*([(None, "")] if whole else []), *entities]


def listing(session: Session, actor: Actor, accounts: Collection[str]) -> tuple[TemplateRow, ...]:
    """The templates of the entities that the administrator looks after, and the common ones."""
    own = dict(places(session, actor, accounts))
    query = (
        select(WordTemplate, Person.name)
        .join(Person, Person.id == WordTemplate.added_by_id)
        .where(WordTemplate.entity_id.is_(None) | WordTemplate.entity_id.in_([one for one in own if one is not None]))
        .order_by(WordTemplate.name, WordTemplate.entity_id, WordTemplate.version_no.desc())
    )
    found: dict[tuple[int | None, str], list[VersionRow]] = {}
    for row, added_by in session.execute(query):
        versions = found.setdefault((row.entity_id, row.name), [])
        versions.append(
            VersionRow(
                row.id, row.version_no, row.filename, row.size_bytes, row.added_at, added_by, row.withdrawn_at,
                is_offered=not versions and row.withdrawn_at is None,
            )
        )  # fmt: skip
    return tuple(
        TemplateRow(name, own.get(entity_id, "") if entity_id is not None else "", tuple(versions), entity_id in own)
        for (entity_id, name), versions in found.items()
    )


def offered(session: Session, entity_ids: Collection[int]) -> dict[str, int]:
    """The templates that officers of these entities choose from: name -> id of the last version."""
    query = (
        select(WordTemplate)
        .where(WordTemplate.entity_id.is_(None) | WordTemplate.entity_id.in_(sorted(entity_ids)))
        .order_by(WordTemplate.entity_id.is_not(None), WordTemplate.entity_id, WordTemplate.version_no)
    )
    last: dict[tuple[int | None, str], WordTemplate] = {
        (row.entity_id, row.name): row for row in session.scalars(query)
    }
    # Rows of an entity come behind the common ones, and take their places.
    return {name: row.id for (_entity, name), row in last.items() if row.withdrawn_at is None}


def add(
    services: Services,
    entity_id: int | None,
    name: str,
    filename: str,
    content: BinaryIO,
    *,
    actor: Actor,
    now: datetime,
) -> int:
    """Check a Word file and make it the next version of the template of this name. Returns its id.

    Raises:
        NotFound: ``word_template.entity``: the administrator does not look after this entity, or the common stock.
        Invalid: ``word_template.name``; ``office.unavailable``, ``file.…``, ``word.field_…`` and the codes of
            ``WordEngine.look``, at the field ``word``.
        StaleVersion: ``word_template.stale``: somebody else has just uploaded it.
        EngineFailed: ``work.busy``, ``ocr.timeout``, ``ocr.crashed``, ``scanner.unavailable``.
    """
    with services.reading() as session:
        _require(session, services, entity_id, actor)
    name, filename = " ".join(name.split()), harmless_name(filename)
    if not NAME.fullmatch(name):
        raise Invalid("word_template.name", "give letters, digits, spaces", field="name")
    making.engine_of(services)
    try:
        read = limited(content, min(MAX_BYTES, services.max_upload_bytes)).read()
        if not read:
            raise Invalid("file.empty", "choose a file with content")
        _check(services, read)
    except Invalid as refusal:
        raise Invalid(
            refusal.code, refusal.remedy, **{**refusal.params, "field": "word", "filename": filename}
        ) from None
    with services.unit_of_work(now) as uow:
        # Again: looking at the file takes up to a minute, and the rights may have changed meanwhile.
        _require(uow.session, services, entity_id, actor)
        row = WordTemplate(
            entity_id=entity_id, name=name, version_no=_last_no(uow.session, entity_id, name) + 1,
            fingerprint=hashlib.sha256(read).hexdigest(), content=read, filename=filename, size_bytes=len(read), added_at=now,
            added_by_id=actor.person_id,
        )  # fmt: skip
        uow.session.add(row)
        try:
            uow.session.flush()
        except IntegrityError:
            raise StaleVersion("word_template.stale", "look at the list again", name=name) from None
        uow.record(
            "word_template.added", "word_template", row.id, actor=actor, name=name, entity=entity_id,
            template_version=row.version_no, sha256=row.fingerprint,
        )  # fmt: skip
        return row.id


def withdraw(uow: UnitOfWork, template_id: int, *, actor: Actor) -> str:
    """Offer a template no longer. Its versions stay, and letters written with it. Returns its name.

    Raises:
        NotFound: ``word_template.unknown``, ``word_template.entity``.
        StaleVersion: ``word_template.stale``: it is not the last version, or it was withdrawn.
    """
    row = _template(uow.session, template_id)
    _require(uow.session, uow.services, row.entity_id, actor)
    if row.withdrawn_at is not None or row.version_no != _last_no(uow.session, row.entity_id, row.name):
        raise StaleVersion("word_template.stale", "look at the list again", name=row.name)
    row.withdrawn_at = uow.now
    uow.record(
        "word_template.withdrawn", "word_template", row.id, actor=actor, name=row.name, entity=row.entity_id,
        template_version=row.version_no,
    )  # fmt: skip
    return row.name


def file_of(services: Services, template_id: int, *, actor: Actor) -> tuple[str, bytes]:
    """(file name, bytes) of a version that the administrator sees.

    Raises:
        NotFound: ``word_template.unknown``.
    """
    row = _seen(services, template_id, actor)
    return f"{row.name}-v{row.version_no}.docx", _content(services, row.id)


def write_file(services: Services, template_id: int, to: Path) -> Path:
    """Write the file of a version that ``offered`` named, for an engine."""
    to.write_bytes(_content(services, template_id))
    return to


def _content(services: Services, template_id: int) -> bytes:
    with services.reading() as session:
        return session.scalars(select(WordTemplate.content).where(WordTemplate.id == template_id)).one()


def preview(services: Services, template_id: int, *, actor: Actor) -> bytes:
    """A letter made with a version, as PDF; number, date and signature are left free.

    Raises:
        NotFound: ``word_template.unknown``.
        Invalid, EngineFailed: as ``WordEngine.fill`` and ``WordEngine.pages``; ``work.busy``.
    """
    row = _seen(services, template_id, actor)
    engine = making.engine_of(services)
    values = dict(Values.of(SAMPLE).pairs)
    with private_dir(services) as folder, slots.looking(wait_s=making.WAIT_S):
        source = write_file(services, row.id, folder / "template.docx")
        filled, out = folder / "filled.docx", folder / "letter.pdf"
        kept = {**values, **{name: f"«{name}»" for name in PLACES}}
        engine.fill(source, filled, kept, {}, poured={TEXT: SAMPLE_TEXT}, timeout_s=LOOK_TIMEOUT_S)
        engine.pages(filled, out, values, PLACES, timeout_s=PREVIEW_TIMEOUT_S)
        return out.read_bytes()


def _check(services: Services, content: bytes) -> None:
    engine = making.engine_of(services)
    with private_dir(services) as folder:
        source = folder / "template.docx"
        source.write_bytes(content)
        if services.scanner is not None:
            services.scanner.check(source)
        with slots.looking(wait_s=making.WAIT_S):
            facts = engine.look(source, timeout_s=LOOK_TIMEOUT_S)
    check_fields(facts.fields)
    if TEXT not in facts.fields:
        raise Invalid("word_template.no_text", "put the field where the letter's text begins")


def _seen(services: Services, template_id: int, actor: Actor) -> WordTemplate:
    with services.reading() as session:
        row = _template(session, template_id)
        if row.entity_id is not None:
            _require(session, services, row.entity_id, actor, code="word_template.unknown")
        return row


def _template(session: ReadSession | Session, template_id: int) -> WordTemplate:
    row = session.get(WordTemplate, template_id)
    if row is None:
        raise NotFound("word_template.unknown", "look at the list again", id=template_id)
    return row


def _require(
    session: ReadSession | Session,
    services: Services,
    entity_id: int | None,
    actor: Actor,
    *,
    code: str = "word_template.entity",
) -> None:
    if entity_id not in dict(places(session, actor, services.installation_accounts)):
        raise NotFound(code, "choose an entity of the list", id=entity_id)


def _last_no(session: Session, entity_id: int | None, name: str) -> int:
    query = select(WordTemplate.version_no).where(
        WordTemplate.entity_id.is_(None) if entity_id is None else WordTemplate.entity_id == entity_id,
        WordTemplate.name == name,
    )
    return session.scalar(query.order_by(WordTemplate.version_no.desc()).limit(1)) or 0
