"""Findings before the signature of a letter: faults of its register, date, addressees, copies, annexes, visas.

A certain fault blocks; a fault that a person must judge warns. Each finding contains an error with the remedy.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ged.errors import GedError, Invalid
from ged.natures import circuit
from ged.org.models import Post
from ged.org.names import post_names
from ged.ports import Digest
from ged.register import counters, registers
from ged.register.models import Attachment, Mail, MailNumber, Register
from ged.richtext.announced import announced
from ged.signbook import book, choosing
from ged.signbook.book import Content
from ged.signbook.models import Draft
from ged.signbook.render import Letter
from ged.unit import Services


class CheckKind(StrEnum):
    """The kinds of check, in the order in which they are shown."""

    REFERENCE = "reference"
    DATE = "date"
    ADDRESSEE = "addressee"
    COPIES = "copies"
    ANNEXES = "annexes"
    VISAS = "visas"
    POWER = "power"
    """In which capacity the actor signs, and the act that grants it."""
    PAGES = "pages"
    FONTS = "fonts"
    ARCHIVE = "archive"
    """PDF/A, before and after the signature."""
    CODE = "code"


@dataclass(frozen=True)
class Finding:
    """A fault. ``blocks``: the letter cannot be signed with it."""

    kind: CheckKind
    error: GedError
    blocks: bool = True


def reference(session: Session, draft: Draft, letter: Letter | None) -> Iterator[Finding]:
    """Check the register that will number the letter, and the reference of the answered letter."""
    try:
        _register(session, draft)
    except GedError as refusal:
        yield Finding(CheckKind.REFERENCE, refusal)
    answered = session.get(Mail, draft.answers_id) if draft.answers_id is not None else None
    reference = answered.their_reference if answered is not None else ""
    if letter is not None and reference and reference not in letter.reference:
        error = Invalid("presign.reference_changed", "send it back to be set anew")
        yield Finding(CheckKind.REFERENCE, error, blocks=False)


def _register(session: Session, draft: Draft) -> Register:
    unit_id = session.get_one(Post, book.require_circuit(draft).signatory).unit_id
    return registers.open_register(session, book.departure_register(session, unit_id).id)


def dated_on(session: Session, draft: Draft, today: date) -> date | None:
    """The date that the register would assign now; None without a register."""
    try:
        register = _register(session, draft)
    except GedError:
        return None
    closed = counters.closed_until(session, register.id)
    last: date | None = session.scalar(
        select(func.max(MailNumber.registered_on)).where(MailNumber.register_id == register.id)
    )
    return max([today, *([closed + timedelta(days=1)] if closed else []), *([last] if last else [])])


def date_of(session: Session, draft: Draft, on: date | None, today: date) -> Iterator[Finding]:
    """Check the date: not other than today's, nor before the answered letter."""
    if on is None:
        return
    if on != today:
        error = Invalid("presign.dated_later", "sign later, or let it bear that date", on=on)
        yield Finding(CheckKind.DATE, error, blocks=False)
    answered = session.get(Mail, draft.answers_id) if draft.answers_id is not None else None
    if answered is not None and answered.written_on is not None and answered.written_on > on:
        error = Invalid("presign.answers_later", "have the date corrected")
        yield Finding(CheckKind.DATE, error, blocks=False)


def parties(content: Content) -> Iterator[Finding]:
    """Check addressees and copies."""
    if not content.addressees:
        yield Finding(CheckKind.ADDRESSEE, Invalid("presign.no_addressee", "send it back to name one"))
    bare = [party.name for party in content.addressees if not party.address.strip() and not party.email]
    if bare:
        error = Invalid("presign.no_address", "the mail office will have to find it", names=", ".join(bare))
        yield Finding(CheckKind.ADDRESSEE, error, blocks=False)
    named = Counter(party.name.casefold() for party in (*content.addressees, *content.copies))
    twice = [party.name for party in content.copies if named[party.name.casefold()] > 1]
    if twice:
        error = Invalid("presign.copies_twice", "strike one", names=", ".join(dict.fromkeys(twice)))
        yield Finding(CheckKind.COPIES, error, blocks=False)


def annexes(session: Session, services: Services, content: Content, letter: Letter | None) -> Iterator[Finding]:
    """Check that the annexes exist, are printed, and are as many as the text announces."""
    joined, said = len(content.annexes), announced(content.body)
    ids = [annex.id for annex in content.annexes if annex.id is not None]
    rows = session.execute(select(Attachment.filename, Attachment.digest).where(Attachment.id.in_(ids)))
    gone = [name for name, digest in rows if digest is not None and not services.blobs.exists(Digest(digest))]
    if gone:
        error = Invalid("presign.annex_missing", "have it joined anew", names=", ".join(gone))
        yield Finding(CheckKind.ANNEXES, error)
    if letter is not None and len(letter.annexes) != joined:
        error = Invalid("presign.annexes_printed", "send it back", printed=len(letter.annexes), joined=joined)
        yield Finding(CheckKind.ANNEXES, error)
    if said.count is not None and said.count != joined:
        error = Invalid("presign.annexes_differ", "join them, or correct the text", announced=said.count, joined=joined)
        yield Finding(CheckKind.ANNEXES, error, blocks=False)
    elif said.is_mentioned and not joined:
        error = Invalid("presign.annexes_none", "join them, or correct the text")
        yield Finding(CheckKind.ANNEXES, error, blocks=False)


def visas(session: Session, draft: Draft, today: date) -> Iterator[Finding]:
    """Find missing or invalid visas of the circuit, those that the author took out of it, and refusals that stand."""
    given = circuit.standing(book.require_circuit(draft))
    missing = [step.post_id for step in draft.steps if step.post_id not in given]
    if missing:
        titles = session.scalars(select(Post.title).where(Post.id.in_(missing)).order_by(Post.id))
        yield Finding(CheckKind.VISAS, Invalid("presign.visas_missing", "wait for them", posts=", ".join(titles)))
    gone = choosing.withdrawn(session, draft)
    if gone:
        names = post_names(session, gone, on=today)
        error = Invalid("presign.visas_withdrawn", "ask why", posts=" ; ".join(names[post_id].text for post_id in gone))
        yield Finding(CheckKind.VISAS, error, blocks=False)
    for entry in book.standing_refusals(draft):
        error = Invalid(
            "presign.refused", "read why before you sign", name=entry.person_name, post=entry.post_title,
            reason=entry.text,
        )  # fmt: skip
        yield Finding(CheckKind.VISAS, error, blocks=False)
