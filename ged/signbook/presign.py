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
"""The checks before a print for a signature in ink. The original is then the paper and its scan, so that neither fonts
and PDF/A of the file nor the code of the seal are needed."""


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


@dataclass(frozen=True)
class _Shown:
    """The pages in the signature book, and the content from which they were typeset."""

    letter: Letter
    digest: Digest
    at: datetime


def check(services: Services, mail_id: MailId | int, *, actor: Actor, now: datetime) -> Checked:
    """Check a letter that waits for its signature; nothing is changed.

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
    """Check that the signed file is still PDF/A, with all its fonts. Otherwise nothing is stored.

    Raises:
        EngineFailed: ``presign.not_archivable``, ``sign.unreadable``.
    """
    facts = services.signer.inspect(pdf)
    if not facts.flavour or facts.loose_fonts:
        raise EngineFailed(
            "presign.not_archivable", "tell the administrator; the number is kept", fonts=", ".join(facts.loose_fonts)
        )


def pages_hold(session: Session, draft: Draft) -> bool:
    """Whether typesetting the same content today gives the pages shown (another release may give other pages)."""
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
    """Check that typesetting for the signature gives the pages shown, except for the two blocks."""
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
    except GedError as error:  # from the settings: a missing file, a wrong passphrase
        return (Finding(CheckKind.CODE, Invalid("presign.seal_unreadable", error.remedy, cause=error.code)),)
    missing = Invalid("presign.no_code", "an administrator makes the seal: ged pki seal")
    return (Finding(CheckKind.CODE, missing, blocks=False),)
