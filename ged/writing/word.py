"""Writing a letter in Word: a filled template goes out, the Word file comes back as a new version, a job makes its pages."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import slots
from ged.capture.files import fetch, limited, private_dir
from ged.errors import GedError, Invalid, NotFound, StaleVersion
from ged.filenames import harmless_name
from ged.org.tree import entity_of
from ged.ports import Digest, MailId, WordFacts
from ged.richtext.placeholders import fill
from ged.signbook import book, drafts
from ged.signbook import word as letters
from ged.signbook.book import Content
from ged.signbook.drafts import Saved
from ged.signbook.models import Draft, DraftVersion
from ged.unit import Actor, Services
from ged.word import making
from ged.word.letters import (
    DAY,
    NUMBER,
    PLACES,
    PROPERTY_MAIL,
    PROPERTY_VERSION,
    SIGNATURE,
    TEXT,
    WordFile,
    check_fields,
)
from ged.writing import word_templates
from ged.writing.compare import compare
from ged.writing.versions import Compared, versions

SHIPPED = Path(__file__).parents[1] / "word" / "templates"
TEMPLATES = ("lettre", "note", "bordereau", "attestation")
"""The templates that are shipped, in the order of the form."""
OWN = "word-templates"
"""The folder of the installation's own templates. One with the name of a shipped one takes its place, and one that an
administrator uploaded (``word_templates``) takes the place of both."""
_ENDING = ".docx"
MAX_BYTES = 30_000_000
_OF_HEAD = re.compile(rf"^(?:Objet|N/Réf\.|V/Réf\.|P\.J\.)\s*:|«(?:{NUMBER}|{DAY})»")


@dataclass(frozen=True)
class Filled:
    """A Word file to write in: its bytes, and a name that tells draft and version."""

    content: bytes
    filename: str


@dataclass(frozen=True)
class Status:
    """Where a draft stands with Word.

    Attributes:
        maker: the program that makes the pages; empty: letters cannot be written in Word here.
        file: the Word file of the present version; None: it is written in the site.
        is_made: its pages are there.
        failure: why they could not be made.
    """

    maker: str
    file: WordFile | None = None
    is_made: bool = False
    failure: GedError | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the pages are being made."""
        return self.file is not None and not self.is_made and self.failure is None


@dataclass(frozen=True)
class Received:
    """A Word file that came in, looked at: its blob, its name, what it says, and on which version it was written.

    ``based_on`` is None where the file does not tell.
    """

    digest: Digest
    name: str
    facts: WordFacts
    based_on: int | None

    @property
    def file(self) -> WordFile:
        """As it is stored with a version."""
        return WordFile(self.digest, self.name, self.facts.changes, self.facts.comments)


def status(session: Session, services: Services, mail_id: MailId | int, actor: Actor) -> Status:
    """Where a draft that the actor may see stands with Word.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
    """
    maker = making.maker_of(services, session)
    draft = book.require(session, mail_id, actor)
    content = book.content_of(session, draft)
    if content.word is None:
        return Status(maker)
    sheets = book.letter_of(session, services, draft, content).word
    failed = sheets is not None and sheets.failure
    failure = making.refusal_of(sheets) if sheets is not None and failed else None
    return Status(maker, content.word, is_made=sheets is not None and bool(sheets.pdf), failure=failure)


def templates(session: Session, services: Services, entity_ids: Collection[int]) -> tuple[str, ...]:
    """The names of the templates that officers of these entities choose from: own ones by name, then the shipped ones."""
    own = sorted({*word_templates.offered(session, entity_ids), *_own(services)})
    return (*own, *(name for name in TEMPLATES if name not in own))


def _own(services: Services) -> Mapping[str, Path]:
    """Templates of the whole installation: Word files in ``word-templates`` of the data folder, each by its name."""
    folder = Path(services.data_dir) / OWN
    found = {path.stem: path for path in folder.glob(f"*{_ENDING}") if path.is_file()} if folder.is_dir() else {}
    return {
        name: path for name, path in found.items() if word_templates.NAME.fullmatch(name)
    }  # not Word's lock files: ~$x.docx


# --- out ---------------------------------------------------------------------------------------------------------


def filled(services: Services, mail_id: MailId | int, template: str, *, actor: Actor, now: datetime) -> Filled:
    """The draft's Word file, or a template, with its merge fields filled from the draft as it is now.

    Args:
        template: of ``templates``; empty: the Word file of the present version.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``, ``word.template_unknown``.
        Forbidden, InvalidTransition: as ``drafts.save``.
        Invalid: ``draft.closed``, ``office.unavailable``; ``word.field_unknown``: the template is wrong.
        EngineFailed: ``work.busy``, ``ocr.timeout``, ``ocr.crashed``.
    """
    engine = making.engine_of(services)
    with services.reading() as session:
        draft = book.require(session, mail_id, actor)
        book.require_open(draft)
        post = book.writing_post(draft, actor)
        content = book.content_of(session, draft)
        letter = book.letter_of(session, services, draft, content)
        values: Mapping[str, str] = dict(letters.values_of(session, draft, letter).pairs)
        version_no = draft.version_no
        entities = {entity_of(draft.mail.unit_id, actor.units)}
        stored = word_templates.offered(session, entities) if template else {}
        names = templates(session, services, entities) if template else ()
    if not template and content.word is None:
        raise NotFound("word.template_unknown", "choose a template of the list", field="template")
    if template and template not in names:
        raise NotFound("word.template_unknown", "choose a template of the list", field="template")
    poured = {TEXT: _text(content)} if template else {}
    values = {**values, **{name: f"«{name}»" for name in PLACES}}
    with private_dir(services) as folder, slots.looking(wait_s=making.WAIT_S):
        source = _own(services).get(template, SHIPPED / f"{template}{_ENDING}")
        if template in stored:
            source = word_templates.write_file(services, stored[template], folder / "template.docx")
        elif not template and content.word is not None:
            source = fetch(services.blobs, content.word.digest, folder / "version.docx")
        check_fields(engine.look(source, timeout_s=word_templates.LOOK_TIMEOUT_S).fields)
        out = folder / "filled.docx"
        properties = {PROPERTY_MAIL: str(int(mail_id)), PROPERTY_VERSION: str(version_no)}
        engine.fill(source, out, values, properties, poured=poured, timeout_s=word_templates.LOOK_TIMEOUT_S)
        made = out.read_bytes()
    with services.unit_of_work(now) as uow:
        uow.record(
            "draft.word_taken", "mail", int(mail_id), actor=actor, post=post, content_version=version_no,
            template=template,
        )  # fmt: skip
    return Filled(made, f"projet-{int(mail_id)}-v{version_no}{_ENDING}")


def _text(content: Content) -> str:
    """What the author has typed in the site, to go on with in Word; else the beginning and end of a letter."""
    typed = fill(content.body, {"civilite": content.civility}).strip()
    return typed or (
        f"{content.civility},\n\nÉcrivez ici le texte.\n\n"
        f"Veuillez agréer, {content.civility}, l'expression de ma considération distinguée."
    )


# --- back --------------------------------------------------------------------------------------------------------


def receive(services: Services, mail_id: MailId | int, filename: str, content: BinaryIO, *, actor: Actor) -> Received:
    """Store and look at a Word file that comes back; nothing of the draft is changed.

    Raises:
        NotFound, Forbidden, InvalidTransition: as ``drafts.save``, before any byte is read.
        Invalid: ``draft.closed``; ``word.other_draft``: it belongs to another draft; ``word.field_…``, ``file.…`` and
            the codes of ``WordEngine.look``.
        EngineFailed: ``work.busy``, ``ocr.timeout``, ``ocr.crashed``, ``scanner.unavailable``.
    """
    making.engine_of(services)
    with services.reading() as session:
        draft = book.require(session, mail_id, actor)
        book.require_open(draft)
        book.writing_post(draft, actor)
    name = harmless_name(filename)
    try:
        stored = services.blobs.put(limited(content, min(MAX_BYTES, services.max_upload_bytes)))
    except Invalid as refusal:
        raise Invalid(refusal.code, refusal.remedy, **{**refusal.params, "field": "word", "filename": name}) from None
    if not stored.size_bytes:
        raise Invalid("file.empty", "choose a file with content", field="word", filename=name)
    return look_at(services, mail_id, stored.digest, name)


def look_at(services: Services, mail_id: MailId | int, digest: Digest, name: str) -> Received:
    """Look at a stored Word file.

    Raises:
        Invalid, EngineFailed: as ``receive``.
    """
    engine = making.engine_of(services)
    with private_dir(services) as folder:
        source = fetch(services.blobs, digest, folder / "upload.docx")
        try:
            if services.scanner is not None:
                services.scanner.check(source)
            with slots.looking(wait_s=making.WAIT_S):
                facts = engine.look(source, timeout_s=word_templates.LOOK_TIMEOUT_S)
            check_fields(facts.fields)
            if TEXT in facts.fields:
                raise Invalid("word.not_filled", "download the filled document and write in it")
        except Invalid as refusal:
            params = {**refusal.params, "field": "word", "filename": name}
            raise Invalid(refusal.code, refusal.remedy, **params) from None
    of = facts.properties.get(PROPERTY_MAIL, "")
    if of and of != str(int(mail_id)):
        raise Invalid("word.other_draft", "upload the file of this draft", field="word", filename=name)
    version = facts.properties.get(PROPERTY_VERSION, "")
    return Received(digest, name, facts, int(version) if re.fullmatch(r"\d{1,6}", version) else None)


def keep(
    services: Services,
    mail_id: MailId | int,
    received: Received,
    *,
    version: int,
    knows_of: int | None = None,
    actor: Actor,
    now: datetime,
) -> Saved:
    """Make a received Word file the next version.

    Args:
        version: the row's version of the page from which it is sent.
        knows_of: the version of the text that its author has seen beside it.

    Raises:
        StaleVersion: ``word.stale``: somebody wrote the text since the version on which the file was written.
        NotFound, Forbidden, Invalid, InvalidTransition: as ``drafts.save``.
    """
    with services.reading() as session:
        draft = book.require(session, mail_id, actor)
        present = draft.version_no
        if knows_of != present and _is_written_since(session, draft, received):
            raise StaleVersion("word.stale", "read both texts, then decide", id=int(mail_id), version=present)
    # Whoever writes between this reading and the lock is found there, by the row's version.
    return drafts.write_in_word(
        services, mail_id, received.file, received.facts.text, version=version, actor=actor, now=now
    )


def _is_written_since(session: Session, draft: Draft, received: Received) -> bool:
    based_on = received.based_on
    if based_on is None or based_on >= draft.version_no:
        return False
    rows = session.execute(
        select(DraftVersion.body, DraftVersion.rich, DraftVersion.word_id).where(
            DraftVersion.mail_id == draft.mail_id, DraftVersion.version_no.in_((based_on, draft.version_no))
        )
    ).all()
    return len(set(map(tuple, rows))) > 1


def beside(session: Session, mail_id: MailId | int, received: Received, *, actor: Actor) -> Compared:
    """The present version beside what a Word file says.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
    """
    draft = book.require(session, mail_id, actor)
    present = next(row for row in versions(session, mail_id, actor) if row.no == draft.version_no)
    content = book.content_of(session, draft)
    said = replace(content, body=received.facts.text, rich="", word=received.file)
    return Compared(present, None, compare(content, said))


def leave(services: Services, mail_id: MailId | int, *, version: int, actor: Actor, now: datetime) -> Saved:
    """Go on in the site with the text that the Word file says; the file stays with its version.

    Raises:
        NotFound, Forbidden, Invalid, InvalidTransition, StaleVersion: as ``drafts.save``.
    """
    with services.reading() as session:
        content = book.content_of(session, book.require(session, mail_id, actor))
    return drafts.write_in_word(services, mail_id, None, own_text(content.body), version=version, actor=actor, now=now)


def own_text(said: str) -> str:
    """What a letter says between its head, which the site prints by itself, and the place of the signature."""
    blocks = said.split("\n\n")
    end = next((n for n, block in enumerate(blocks) if f"«{SIGNATURE}»" in block), len(blocks))
    heads = [n + 1 for n, block in enumerate(blocks[:end]) if _OF_HEAD.search(block)]
    return "\n\n".join(blocks[max(heads, default=0) : end]) or said


# --- pages -------------------------------------------------------------------------------------------------------


def run_pages(services: Services, mail_id: MailId | int, *, now: datetime) -> None:
    """Make the pages of a draft's Word file with its present texts; made already, nothing is done.

    Raises:
        EngineFailed: what may pass: ``ocr.timeout``, ``work.busy``.
    """
    with services.reading() as session:
        draft = session.get(Draft, int(mail_id))
        content = book.content_of(session, draft) if draft is not None else None
        if draft is None or content is None or content.word is None:
            return
        letter = book.letter_of(session, services, draft, content)
    if letter.word is not None and not letter.word.pdf:
        making.made(services, mail_id, letter.word, now=now, wait_s=slots.WAIT_S * 10)
