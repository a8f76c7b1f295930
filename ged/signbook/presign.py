"""The check before the signature, electronic or in ink: shown to who signs, and enforced when the letter is confirmed.

What is certain blocks (no addressee, a visa missing, pages other than those shown, a font that the file does not
carry); what a person has to judge warns (annexes that the text announces, an addressee without address). Each finding
bears the error that says what to do.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from ged.errors import EngineFailed, GedError, Invalid
from ged.ports import Digest, MailId, PdfFacts
from ged.register.models import Attachment
from ged.signbook import book, findings
from ged.signbook.findings import CheckKind, Finding
from ged.signbook.models import Draft
from ged.signbook.render import Letter, PageMode, letter_pages
from ged.signbook.titles import Signatory
from ged.unit import Actor, Services

ON_PAPER = frozenset(CheckKind) - {CheckKind.FONTS, CheckKind.ARCHIVE, CheckKind.CODE}
"""What is looked at before the print for a signature in ink: its original is the paper and its scan, so that neither
the file's own fonts and PDF/A nor the code of the seal are asked for."""


@dataclass(frozen=True)
class Checked:
    """A letter looked at before its signature.

    Attributes:
        counts: how many addressees, copies, annexes and visas there are.
        dated_on: the date that the signature would give it.
        capacity: in which the actor signs, with the act that grants it; empty for the holder of the post.
    """

    mail_id: MailId
    subject: str
    findings: tuple[Finding, ...]
    counts: dict[CheckKind, int]
    dated_on: date | None
    capacity: str = ""

    @property
    def blocks(self) -> bool:
        """Whether anything stands in the way."""
        return any(finding.blocks for finding in self.findings)

    def in_ink(self) -> "Checked":
        """The same, of what counts for a signature in ink only."""
        return replace(self, findings=tuple(finding for finding in self.findings if finding.kind in ON_PAPER))

    def require(self) -> None:
        """Refuse a letter that must not be signed as it is.

        Raises:
            Invalid: why, with the remedy: ``presign.…``, ``sign.no_register``.
            InvalidTransition: ``register.closed``.
        """
        for finding in self.findings:
            if finding.blocks:
                raise finding.error

    def of(self, kind: CheckKind) -> tuple[Finding, ...]:
        """The findings of one sort."""
        return tuple(finding for finding in self.findings if finding.kind is kind)


@dataclass(frozen=True)
class _Shown:
    """The pages in the signature book, and what they were set from."""

    letter: Letter
    digest: Digest
    at: datetime


def check(services: Services, mail_id: MailId | int, *, actor: Actor, now: datetime) -> Checked:
    """Look at a letter that waits for its signature; nothing is changed.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Invalid: ``circuit.no_signatory``.
    """
    with services.reading() as session:
        draft = book.require(session, mail_id, actor)
        content = book.content_of(session, draft)
        shown = _shown(session, draft)
        letter, today = (shown.letter if shown is not None else None), now.astimezone(services.zone).date()
        dated_on = findings.dated_on(session, draft, today)
        found = [
            *findings.reference(session, draft, letter),
            *findings.date_of(session, draft, dated_on, today),
            *findings.parties(content),
            *findings.annexes(session, services, content, letter),
            *findings.visas(session, draft),
        ]
        capacity, refusals = _power(session, draft, actor, today)
        found += refusals
        counts = {
            CheckKind.ADDRESSEE: len(content.addressees), CheckKind.COPIES: len(content.copies),
            CheckKind.ANNEXES: len(content.annexes), CheckKind.VISAS: len(draft.steps),
        }  # fmt: skip
        subject, is_current = draft.mail.subject, draft.preview_version_no == draft.version_no
    found += _pages(services, shown, is_current=is_current)
    found += _code(services)
    return Checked(MailId(int(mail_id)), subject, tuple(found), counts, dated_on, capacity)


def _power(session: Session, draft: Draft, actor: Actor, today: date) -> tuple[str, list[Finding]]:
    try:
        words = book.signatory_words(session, actor, book.signing_post(draft, actor, on=today))
    except GedError as refusal:
        return "", [Finding(CheckKind.POWER, refusal)]
    interim = (words.title,) if words.act and not words.capacity else ()
    return " ".join((*words.capacity, *interim, words.act)).strip(), []


def require_archivable(services: Services, pdf: bytes) -> None:
    """The signed file is still what it was set as: PDF/A, with all its fonts. Nothing is stored when it is not.

    Raises:
        EngineFailed: ``presign.not_archivable``, ``sign.unreadable``.
    """
    facts = services.signer.inspect(pdf)
    if not facts.flavour or facts.loose_fonts:
        raise EngineFailed(
            "presign.not_archivable", "tell the administrator; the number is kept", fonts=", ".join(facts.loose_fonts)
        )


def pages_hold(session: Session, draft: Draft) -> bool:
    """Whether the pages shown are those that would be set from the same words today (another release sets others)."""
    shown = _shown(session, draft)
    return shown is not None and _are_shown(shown, _set_again(shown))


def _shown(session: Session, draft: Draft) -> _Shown | None:
    preview = session.get(Attachment, draft.preview_id) if draft.preview_id is not None else None
    if preview is None or preview.digest is None or not draft.letter:
        return None
    return _Shown(Letter.restored(draft.letter), Digest(preview.digest), preview.added_at)


def _set_again(shown: _Shown) -> bytes:
    signatory = Signatory(shown.letter.sender, "")
    return letter_pages(shown.letter, mode=PageMode.PREVIEW, at=shown.at, signatory=signatory).pdf


def _are_shown(shown: _Shown, pdf: bytes) -> bool:
    return hashlib.sha256(pdf).hexdigest() == shown.digest


def _pages(services: Services, shown: _Shown | None, *, is_current: bool) -> Iterator[Finding]:
    """The signature sets the same words with the same template: its pages are those shown, but for the two blocks."""
    pdf = _set_again(shown) if shown is not None else b""
    if shown is None or not is_current or not _are_shown(shown, pdf):
        yield Finding(CheckKind.PAGES, Invalid("presign.pages_changed", "send it back to be handed in again"))
    if pdf:
        yield from _of_file(services.signer.inspect(pdf))


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
    except GedError as error:  # of settings: a file that is gone, a passphrase that is wrong
        return (Finding(CheckKind.CODE, Invalid("presign.seal_unreadable", error.remedy, cause=error.code)),)
    missing = Invalid("presign.no_code", "an administrator makes the seal: ged pki seal")
    return (Finding(CheckKind.CODE, missing, blocks=False),)
