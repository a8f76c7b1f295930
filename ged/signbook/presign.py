"""The check before the signature, electronic or in ink: shown to the signatory, and enforced at the confirmation.

A certain fault blocks (no addressee, a missing visa, pages other than those shown, a font that is not embedded). A
fault that a person must judge warns (announced annexes, an addressee without address). Each finding contains an error
with the remedy.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from ged.errors import EngineFailed, Forbidden, GedError, Invalid, StaleVersion
from ged.org.titles import Signatory
from ged.ports import Digest, MailId, PdfFacts
from ged.register.models import Attachment
from ged.signbook import book, findings, word
from ged.signbook.book import Content
from ged.signbook.findings import CheckKind, Finding
from ged.signbook.models import Draft
from ged.signbook.render import Letter
from ged.unit import Actor, Services

ON_PAPER = frozenset(CheckKind) - {CheckKind.FONTS, CheckKind.ARCHIVE, CheckKind.CODE}
"""The checks before a print for a signature in ink. The original is then the paper and its scan, so that neither fonts
and PDF/A of the file nor the code of the seal are needed."""


@dataclass(frozen=True)
class Shown:
    """The pages in the signature book, and the content they were typeset from: passed from the check to the signature.

    Attributes:
        pages_id: the attachment, which never changes: a draft that shows another attachment has changed.
        at: when they were typeset.
    """

    letter: Letter
    pages_id: int
    digest: Digest
    at: datetime

    def require_in(self, draft: Draft) -> None:
        """Refuse a locked draft whose pages or content differ from those that were checked.

        Raises:
            StaleVersion: ``draft.changed``.
        """
        if (draft.preview_id, draft.letter) != (self.pages_id, self.letter.stored()):
            raise StaleVersion("draft.changed", "read the letter again: it changed since", id=draft.mail_id)


@dataclass(frozen=True)
class Looked:
    """All data of a letter before its signature, read at once; frozen, and compared later under the lock.

    Attributes:
        shown: None: no pages are shown, or the content they were typeset from is unknown.
        is_current: the pages shown are of the current version.
        words: the wording with which the actor would sign; None when ``refusal`` says why the actor may not.
        found: findings from the rows.
    """

    mail_id: MailId
    subject: str
    addressee: str
    shown: Shown | None
    is_current: bool
    words: Signatory | None
    refusal: GedError | None
    found: tuple[Finding, ...]
    counts: dict[CheckKind, int]
    dated_on: date | None

    def require_signatory(self) -> Signatory:
        """The wording with which the actor signs.

        Raises:
            Forbidden: ``sign.not_signatory``.
            Invalid: ``power.type``, ``power.amount``, ``power.not_in_force``.
        """
        if self.words is None:
            raise self.refusal or Forbidden("sign.not_signatory", "only the signatory signs", id=int(self.mail_id))
        return self.words

    def require_shown(self) -> Shown:
        """The pages shown.

        Raises:
            Invalid: ``presign.pages_changed``.
        """
        if self.shown is None:
            raise _pages_changed()
        return self.shown


@dataclass(frozen=True)
class Checked:
    """The result of the check before a signature.

    Attributes:
        counts: numbers of addressees, copies, annexes and visas.
        dated_on: the date that the letter would get.
        capacity: capacity in which the actor signs, with the act that grants it; empty for the holder of the post.
    """

    mail_id: MailId
    subject: str
    addressee: str
    findings: tuple[Finding, ...]
    counts: dict[CheckKind, int]
    dated_on: date | None
    capacity: str = ""

    @property
    def blocks(self) -> bool:
        """Whether a finding blocks the signature."""
        return any(finding.blocks for finding in self.findings)

    def in_ink(self) -> "Checked":
        """A copy with only the findings that apply to a signature in ink."""
        return replace(self, findings=tuple(finding for finding in self.findings if finding.kind in ON_PAPER))

    def require(self) -> None:
        """Refuse a letter with a blocking finding.

        Raises:
            Invalid: the finding, with its remedy: ``presign.…``, ``sign.no_register``.
            InvalidTransition: ``register.closed``.
        """
        for finding in self.findings:
            if finding.blocks:
                raise finding.error

    def of(self, kind: CheckKind) -> tuple[Finding, ...]:
        """The findings of one kind."""
        return tuple(finding for finding in self.findings if finding.kind is kind)


def check(services: Services, mail_id: MailId | int, *, actor: Actor, now: datetime) -> Checked:
    """Check a letter that waits for its signature; nothing is changed.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Invalid: ``circuit.no_signatory``.
    """
    with services.reading() as session:
        looked = look(session, services, book.require(session, mail_id, actor), actor=actor, now=now)
    return judge(services, looked)


def look(session: Session, services: Services, draft: Draft, *, actor: Actor, now: datetime) -> Looked:
    """Read the data of a letter that waits for its signature.

    Raises:
        Invalid: ``circuit.no_signatory``.
    """
    content = book.content_of(session, draft)
    shown = _shown(session, draft)
    letter, today = (shown.letter if shown is not None else None), now.astimezone(services.zone).date()
    dated_on = findings.dated_on(session, draft, today)
    found = [
        *findings.reference(session, draft, letter),
        *findings.date_of(session, draft, dated_on, today),
        *findings.parties(content),
        *findings.annexes(session, services, content, letter),
        *findings.visas(session, draft, today),
        *_unsettled(content),
    ]
    words, refusal = _power(session, draft, actor, today)
    counts = {
        CheckKind.ADDRESSEE: len(content.addressees), CheckKind.COPIES: len(content.copies),
        CheckKind.ANNEXES: len(content.annexes), CheckKind.VISAS: len(draft.steps),
    }  # fmt: skip
    return Looked(
        MailId(draft.mail_id), draft.mail.subject, draft.mail.addressee, shown, draft.preview_version_no == draft.version_no, words, refusal,
        tuple(found), counts, dated_on,
    )  # fmt: skip


def _unsettled(content: Content) -> Iterator[Finding]:
    """Check that no followed change and no comment is left in the Word file: they are printed on the pages."""
    try:
        word.check_settled(content.word)
    except Invalid as refusal:
        yield Finding(CheckKind.PAGES, refusal)


def judge(services: Services, looked: Looked) -> Checked:
    """Complete the check: typeset the pages again, compare them, check the seal. Slow: call outside of sessions."""
    power = () if looked.refusal is None else (Finding(CheckKind.POWER, looked.refusal),)
    pages = _pages(services, looked.shown, is_current=looked.is_current)
    found = (*looked.found, *power, *pages, *_code(services))
    words = looked.words
    capacity = "" if words is None else _capacity(words)
    return Checked(looked.mail_id, looked.subject, looked.addressee, found, looked.counts, looked.dated_on, capacity)


def _capacity(words: Signatory) -> str:
    # An interim holder's capacity is in the title.
    interim = (words.title,) if words.act and not words.capacity else ()
    return " ".join((*words.capacity, *interim, words.act)).strip()


def _power(session: Session, draft: Draft, actor: Actor, today: date) -> tuple[Signatory | None, GedError | None]:
    try:
        return book.signatory_words(session, actor, book.signing_post(draft, actor, on=today)), None
    except GedError as refusal:
        return None, refusal


def require_archivable(services: Services, pdf: bytes) -> None:
    """Check that the signed file is still PDF/A, with all its fonts. Otherwise nothing is stored.

    Raises:
        EngineFailed: ``presign.not_archivable``, ``sign.unreadable``.
    """
    facts = services.signer.inspect(pdf)
    if not facts.flavour or facts.loose_fonts:
        raise EngineFailed(
            "presign.not_archivable", "tell the administrator; the number is kept", fonts=", ".join(facts.loose_fonts)
        )


def pages_hold(session: Session, services: Services, draft: Draft) -> bool:
    """Whether typesetting the same content today gives the pages shown (another release may give other pages)."""
    shown = _shown(session, draft)
    return shown is not None and _are_shown(shown, _set_again(services, shown))


def _shown(session: Session, draft: Draft) -> Shown | None:
    preview = session.get(Attachment, draft.preview_id) if draft.preview_id is not None else None
    if preview is None or preview.digest is None or not draft.letter:
        return None
    return Shown(Letter.restored(draft.letter), preview.id, Digest(preview.digest), preview.added_at)


def _set_again(services: Services, shown: Shown) -> bytes:
    return word.shown_pages(services, shown.letter, at=shown.at).pdf


def _are_shown(shown: Shown, pdf: bytes) -> bool:
    return hashlib.sha256(pdf).hexdigest() == shown.digest


def _pages(services: Services, shown: Shown | None, *, is_current: bool) -> Iterator[Finding]:
    """Check that typesetting for the signature gives the pages shown, except for the two blocks."""
    pdf = _set_again(services, shown) if shown is not None else b""
    if shown is None or not is_current or not _are_shown(shown, pdf):
        yield Finding(CheckKind.PAGES, _pages_changed())
    if pdf:
        yield from _of_file(services.signer.inspect(pdf))


def _pages_changed() -> Invalid:
    return Invalid("presign.pages_changed", "send it back to be handed in again")


def _of_file(facts: PdfFacts) -> Iterator[Finding]:
    if facts.loose_fonts:
        error = Invalid("presign.fonts", "tell the administrator", fonts=", ".join(facts.loose_fonts))
        yield Finding(CheckKind.FONTS, error)
    if not facts.flavour:
        yield Finding(CheckKind.ARCHIVE, Invalid("presign.not_archive", "tell the administrator"))


def _code(services: Services) -> Sequence[Finding]:
    try:
        if services.tokens is not None and services.tokens.has_key():
            return ()
    except GedError as error:  # from the settings: a missing file, a wrong passphrase
        return (Finding(CheckKind.CODE, Invalid("presign.seal_unreadable", error.remedy, cause=error.code)),)
    missing = Invalid("presign.no_code", "an administrator makes the seal: ged pki seal")
    return (Finding(CheckKind.CODE, missing, blocks=False),)
