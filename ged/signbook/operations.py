"""Operations on a letter in the circuit: submit, visa, refuse, recall; and the signatory's confirmation.

One short transaction assigns number and date. Typesetting, signing and storing follow without any lock. A second short
transaction makes the signature valid. After a failure in between, the number is kept, and ``sign_many`` signs again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from ged import access
from ged.access import Because
from ged.dispatch import operations as dispatch
from ged.errors import EngineFailed, GedError, Invalid, InvalidTransition, StaleVersion
from ged.natures import circuit
from ged.natures.steps import StepKind
from ged.org.keys import OpenedKey
from ged.org.models import Post
from ged.org.titles import Signatory
from ged.ports import Digest, MailId, PostId, SignRequest, StoredBlob, post_principal, unit_principal
from ged.register import allocation
from ged.register.allocation import told_of_number
from ged.register.models import AttachmentKind
from ged.register.states import MailAct, MailState, move
from ged.richtext.placeholders import unfilled
from ged.signbook import book, choosing, presign, render, word
from ged.signbook.drafts import proposed_title
from ged.signbook.models import CircuitAct, Draft, Notice, NoticeKind, SignatureWay, SignedRevision, Stance
from ged.signbook.presign import Looked
from ged.signbook.render import Letter, PageMode, Pages
from ged.signed_codes import operations as signed_codes
from ged.unit import Actor, HeldPost, Services, UnitOfWork

MAX_TEXT = 2000
CONFIRMED_IN_INK = "Original signé à la main : numérisation comparée à l'imprimé et confirmée"
MAX_BATCH = 200
"""Letters signed, or given a visa, in one act; the browser sends those to sign ten by ten."""


@dataclass(frozen=True)
class ToSign:
    """A letter ticked for a signature or a visa, in the version that was shown."""

    mail_id: MailId
    version_no: int


@dataclass(frozen=True)
class SignResult:
    """The result of one letter. ``failure``: why it is not signed; an assigned number is kept."""

    mail_id: MailId
    number: str = ""
    failure: GedError | None = None


# --- in the circuit -----------------------------------------------------------------------------------------------


def submit(services: Services, mail_id: MailId | int, *, version: int, actor: Actor, now: datetime) -> None:
    """Submit the letter, by its author: its pages are typeset and shown to the posts of the circuit.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``draft.not_author``.
        Invalid: ``circuit.no_signatory``, ``draft.nature_missing``, ``circuit.compulsory``, ``draft.placeholders``,
            ``draft.no_addressee``, ``draft.body_missing``, ``draft.untitled``, ``typeset.glyph``, ``word.unsettled``.
        InvalidTransition: ``mail.wrong_state``.
        StaleVersion: ``draft.stale``.
    """
    # Checked here, so that nobody waits for pages in vain, and once more under the lock, where it counts.
    with services.reading() as session:
        draft = book.require(session, mail_id, actor)
        _check_submission(session, draft, version, actor, local_day(services, now))
        content = book.content_of(session, draft)
        _check_complete(content)
        letter = book.letter_of(session, services, draft, content)
        holds = presign.pages_hold(session, services, draft)
    word.require_asked(services, mail_id, letter, now=now)
    pages = word.shown_pages(services, letter, at=now)
    digest = services.blobs.put(BytesIO(pages.pdf)).digest
    for attempt in services.attempts(now):
        with attempt as uow:
            draft = book.locked(uow, mail_id, actor, version=version)
            post = _check_submission(uow.session, draft, version, actor, local_day(services, now))
            _enter_circuit(uow, draft, digest, pages, letter, post, actor, holds=holds)


def _check_submission(session: Session, draft: Draft, version: int, actor: Actor, on: date) -> HeldPost:
    post = book.author_post(draft, actor)
    move(draft.mail.state, MailAct.SUBMIT)
    book.require_circuit(draft)
    if draft.version != version:
        raise StaleVersion("draft.stale", "read what changed, then act again", id=draft.mail_id)
    choosing.require_complete(session, draft, actor, on=on)
    return post


def _check_complete(content: book.Content) -> None:
    word.check_settled(content.word)
    names = unfilled(content.subject, "" if content.word is not None else content.body)
    if names:
        shown = ", ".join(f"{{{name}}}" for name in names)
        raise Invalid("draft.placeholders", "replace the names in braces", field="body", names=shown)
    if not content.addressees:
        raise Invalid("draft.no_addressee", "name an addressee", field="addressees")
    if not content.body.strip():
        raise Invalid("draft.body_missing", "write the letter", field="body")
    for annex in content.annexes:
        if not annex.title and not proposed_title(annex.name):
            raise Invalid("draft.untitled", "give it a title", field=f"annex-{annex.id}-title", name=annex.name)


def _enter_circuit(
    uow: UnitOfWork,
    draft: Draft,
    digest: Digest,
    pages: Pages,
    letter: Letter,
    post: HeldPost,
    actor: Actor,
    *,
    holds: bool,
) -> None:
    if not holds or draft.preview_version_no != draft.version_no or draft.letter != letter.stored():
        book.set_preview(uow, draft, digest, pages, letter, actor=actor)
    going = book.require_circuit(draft)
    access.grant(uow, draft.mail_id, (post_principal(i) for i in going.posts), Because.VISA)
    access.grant(uow, draft.mail_id, (post_principal(going.signatory),), Because.SIGNATORY)
    draft.mail.state = move(draft.mail.state, MailAct.SUBMIT)
    draft.submitted_at = uow.now
    for refusal in book.refusals_before(draft):
        asked = refusal.post_id in {*going.posts, going.signatory}
        kind = NoticeKind.CAME_BACK if asked else NoticeKind.WITHOUT_YOU
        book.tell(uow, draft, refusal.person_id, kind, actor=actor, text=refusal.text)
    book.enter(uow, draft, CircuitAct.SUBMIT, actor=actor, post=post)
    uow.reindex(draft.mail_id)


def visa(uow: UnitOfWork, mail_id: MailId | int, *, version_no: int, remark: str = "", actor: Actor) -> None:
    """Give a visa on the version shown; a remark is no condition. A secretary prepares, but gives no visa.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``circuit.not_yours``.
        InvalidTransition: ``circuit.not_your_turn``.
        StaleVersion: ``draft.changed``: the content has changed since it was read.
        Invalid: ``circuit.text_long``; ``power.type``, ``power.amount``: the actor's delegation does not cover it.
    """
    draft = book.locked(uow, mail_id, actor)
    post_id = circuit.require_turn(book.require_circuit(draft), actor.deciding_post_ids, StepKind.VISA)
    _require_version(draft, version_no)
    post = book.deciding_post(draft, actor, post_id)
    book.enter(uow, draft, CircuitAct.VISA, actor=actor, post=post, text=_text(remark, "remark"))


def visa_many(services: Services, letters: Sequence[ToSign], *, actor: Actor, now: datetime) -> tuple[SignResult, ...]:
    """Give visas to letters one after the other, each on the version shown; each has its own result.

    What one letter refuses (a changed text, another's turn, a delegation that does not cover it) stops no other.

    Raises:
        Invalid: ``visa.too_many``: no visa is given.
    """
    # Once each: a letter that was sent twice would be told as refused, although it got its visa.
    chosen = tuple(dict.fromkeys(letters))
    if len(chosen) > MAX_BATCH:
        raise Invalid("visa.too_many", "tick fewer letters", field="visa", limit=MAX_BATCH)
    return tuple(_visa_one(services, letter, actor, now) for letter in chosen)


def _visa_one(services: Services, chosen: ToSign, actor: Actor, now: datetime) -> SignResult:
    try:
        for attempt in services.attempts(now):
            with attempt as uow:
                visa(uow, chosen.mail_id, version_no=chosen.version_no, actor=actor)
    except GedError as failure:
        return SignResult(chosen.mail_id, failure=failure)
    return SignResult(chosen.mail_id)


def give_opinion(
    uow: UnitOfWork, mail_id: MailId | int, *, stance: Stance, text: str = "", version_no: int, actor: Actor
) -> None:
    """Give an opinion on the version shown. The later steps can read it; it never stops the letter.

    Raises:
        NotFound, Forbidden, InvalidTransition, StaleVersion: as ``visa``.
        Invalid: ``circuit.opinion_reason``: reserved or unfavourable without a reason; ``circuit.text_long``.
    """
    draft = book.locked(uow, mail_id, actor)
    post_id = circuit.require_turn(book.require_circuit(draft), actor.deciding_post_ids, StepKind.OPINION)
    _require_version(draft, version_no)
    text = _text(text, "opinion")
    if not text and stance is not Stance.FAVOURABLE:
        raise Invalid("circuit.opinion_reason", "say why", field="opinion")
    post = book.deciding_post(draft, actor, post_id)
    book.enter(uow, draft, CircuitAct.OPINION, actor=actor, post=post, text=text, stance=stance)


def refuse(
    uow: UnitOfWork,
    mail_id: MailId | int,
    *,
    reason: str,
    version_no: int,
    actor: Actor,
    to: PostId | int | None = None,
) -> None:
    """Send the letter back with a reason, instead of a visa or of the signature. No number is used.

    Args:
        to: the post of an earlier visa; only this visa must be given again. None: the letter goes back to its author.

    Raises:
        NotFound, Forbidden, InvalidTransition, StaleVersion: as ``visa``.
        Invalid: ``circuit.reason_missing``, ``circuit.text_long``, ``circuit.not_earlier``.
    """
    draft = book.locked(uow, mail_id, actor)
    going = book.require_circuit(draft)
    post = book.deciding_post(draft, actor, circuit.require_deciding(going, actor.deciding_post_ids))
    _require_version(draft, version_no)
    if not reason.strip():
        raise Invalid("circuit.reason_missing", "say what has to change", field="reason")
    text = _text(reason, "reason")
    if to is not None:
        asked_anew = circuit.require_earlier(going, PostId(to))
        back_to = uow.session.get_one(Post, to)
        book.enter(uow, draft, CircuitAct.SEND_BACK, actor=actor, post=post, text=text, to=back_to)
        book.cancel(uow, draft, (asked_anew,), why=text, actor=actor, notice=NoticeKind.SENT_BACK)
        return
    draft.mail.state = move(draft.mail.state, MailAct.SEND_BACK)
    book.enter(uow, draft, CircuitAct.REFUSE, actor=actor, post=post, text=text)
    book.tell(uow, draft, draft.mail.author_person_id, NoticeKind.REFUSED, actor=actor, text=text)
    uow.reindex(draft.mail_id)


def recall(uow: UnitOfWork, mail_id: MailId | int, *, actor: Actor) -> None:
    """Recall the letter, by its author, before anybody has acted. No number is used.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``draft.not_author``.
        InvalidTransition: ``circuit.acted_already``.
    """
    draft = book.locked(uow, mail_id, actor)
    post = book.author_post(draft, actor)
    circuit.require_recallable(book.require_circuit(draft))
    draft.mail.state = move(draft.mail.state, MailAct.SEND_BACK)
    book.enter(uow, draft, CircuitAct.RECALL, actor=actor, post=post)
    uow.reindex(draft.mail_id)


def abandon(uow: UnitOfWork, mail_id: MailId | int, *, reason: str, version: int | None, actor: Actor) -> None:
    """Abandon a letter, by its author, before it has a number. It leaves every list, stays readable, and its visas end.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``draft.not_author``.
        Invalid: ``draft.abandon_reason``, ``circuit.text_long``; ``draft.closed``: printed for a signature in ink.
        InvalidTransition: ``mail.wrong_state``: the letter has a number.
        StaleVersion: ``draft.stale``.
    """
    draft = book.locked(uow, mail_id, actor, version=version)
    post = book.author_post(draft, actor)
    reason = _text(reason, "reason")
    if not reason:
        raise Invalid("draft.abandon_reason", "say why", field="reason")
    going = book.circuit_of(draft)
    state = move(draft.mail.state, MailAct.ABANDON)
    if draft.way is not None:
        raise Invalid("draft.closed", "have the signatory give the print up first", id=draft.mail_id)
    draft.mail.state = state
    book.enter(uow, draft, CircuitAct.ABANDON, actor=actor, post=post, text=reason)
    book.cancel(uow, draft, circuit.undone_by_change(going) if going is not None else (), why=reason, actor=actor)
    uow.reindex(draft.mail_id)


def _require_version(draft: Draft, version_no: int) -> None:
    if draft.version_no != version_no:
        raise StaleVersion("draft.changed", "read the letter again: it changed since", id=draft.mail_id)


def _text(text: str, field: str) -> str:
    if len(text) > MAX_TEXT:
        raise Invalid("circuit.text_long", "shorten it", field=field, limit=MAX_TEXT)
    return text.strip()


# --- signing ------------------------------------------------------------------------------------------------------


def sign_many(
    services: Services, letters: Sequence[ToSign], *, key: OpenedKey, actor: Actor, now: datetime
) -> tuple[SignResult, ...]:
    """Confirm and sign letters one after the other with one opened key; each has its own result.

    A letter that already has a number is signed with this number; a signed letter is refused. So the same letters may
    be sent again after any failure, and none is signed twice.

    Raises:
        Invalid: ``sign.too_many``: no letter is signed.
    """
    chosen = tuple(dict.fromkeys(letters))
    if len(chosen) > MAX_BATCH:
        raise Invalid("sign.too_many", "tick fewer letters", field="letter", limit=MAX_BATCH)
    return tuple(_sign_one(services, letter, key, actor, now) for letter in chosen)


@dataclass(frozen=True)
class _Numbered:
    """A letter that has its number and date, and what its signature is made of."""

    mail_id: MailId
    letter: Letter
    words: Signatory
    number: str
    on: date

    def require_in(self, draft: Draft) -> None:
        """Refuse a draft, locked by now, of which another letter was signed meanwhile.

        Raises:
            StaleVersion: ``draft.changed``: what was signed is not kept.
        """
        now = (draft.letter, draft.number.text if draft.number is not None else "", draft.numbered_on)
        if now != (self.letter.stored(), self.number, self.on):
            raise StaleVersion("draft.changed", "read the letter again: it changed since", id=draft.mail_id)


def _sign_one(services: Services, chosen: ToSign, key: OpenedKey, actor: Actor, now: datetime) -> SignResult:
    number = ""
    try:
        with services.reading() as session:
            draft = book.require(session, chosen.mail_id, actor)
            is_numbered = draft.mail.state is MailState.NUMBERED
            looked = None if is_numbered else presign.look(session, services, draft, actor=actor, now=now)
            numbered = _numbered(session, services, draft, actor, now) if is_numbered else None
        if looked is not None:
            numbered = _confirm(services, looked, version_no=chosen.version_no, actor=actor, now=now)
            number = numbered.number
        if numbered is not None:
            _sign(services, numbered, key, actor, now)
            number = numbered.number
    except GedError as failure:
        return SignResult(chosen.mail_id, number, failure)
    return SignResult(chosen.mail_id, number)


def _numbered(session: Session, services: Services, draft: Draft, actor: Actor, now: datetime) -> _Numbered:
    """A letter whose signature failed after it had its number."""
    post = _check_signing(draft, actor, local_day(services, now))
    words = book.signatory_words(session, actor, post)
    number = draft.number.text if draft.number is not None else ""
    on = draft.numbered_on or local_day(services, now)
    return _Numbered(MailId(draft.mail_id), Letter.restored(draft.letter), words, number, on)


def confirm(services: Services, mail_id: MailId | int, *, version_no: int, actor: Actor, now: datetime) -> str:
    """Confirm a letter, by its signatory: the letter gets number and date. Returns the number.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``circuit.not_yours``, ``sign.not_signatory``.
        InvalidTransition: ``circuit.not_your_turn``, ``mail.wrong_state``.
        StaleVersion: ``draft.changed``.
        Invalid: ``presign.…``, ``sign.no_register``: the check before the signature found something that blocks;
            ``typeset.glyph``: the mark cannot be printed; ``power.type``, ``power.amount``, ``power.not_in_force``:
            the actor's delegation does not cover it. No number is used.
    """
    with services.reading() as session:
        looked = presign.look(session, services, book.require(session, mail_id, actor), actor=actor, now=now)
    return _confirm(services, looked, version_no=version_no, actor=actor, now=now).number


def _confirm(services: Services, looked: Looked, *, version_no: int, actor: Actor, now: datetime) -> _Numbered:
    words = looked.require_signatory()
    # Tried and thrown away: a mark that cannot be printed is refused now, and not after the number was given.
    render.mark(words, render.MARK_BOX, at=now, zone=services.zone, verify_at=_verify_at(services))
    checked = presign.judge(services, looked)
    for attempt in services.attempts(now):
        with attempt as uow:
            draft, post = confirming(uow, looked, version_no=version_no, actor=actor)
            checked.require()
            draft.way = SignatureWay.DIGITAL
            book.enter(uow, draft, CircuitAct.CONFIRM, actor=actor, post=post)
            number_letter(uow, draft, actor=actor, post=post)
            number = draft.number.text if draft.number is not None else ""
            letter, on = Letter.restored(draft.letter), draft.numbered_on or local_day(services, now)
    return _Numbered(looked.mail_id, letter, words, number, on)


def _verify_at(services: Services) -> str:
    """The site's address, where the mark will bear a code; so that the mark is set once."""
    try:
        return services.public_url if services.tokens is not None and services.tokens.has_key() else ""
    except GedError:
        return ""  # of settings: the check before the signature tells it


def confirming(uow: UnitOfWork, looked: Looked, *, version_no: int, actor: Actor) -> tuple[Draft, HeldPost]:
    """Lock a draft whose signature is this actor's turn, and store the wording of the mark.

    It is the one that was looked at: the same version, pages and words, or it is refused.

    Raises:
        NotFound, Forbidden, InvalidTransition, StaleVersion: as ``confirm``.
    """
    draft = book.locked(uow, looked.mail_id, actor)
    going = book.require_circuit(draft)
    if draft.mail.state is not MailState.IN_CIRCUIT:
        move(draft.mail.state, MailAct.NUMBER)
    circuit.require_turn(going, actor.post_ids, None)
    post = book.signing_post(draft, actor, on=local_day(uow.services, uow.now))
    _require_version(draft, version_no)
    if looked.shown is not None:  # without it the check found what blocks
        looked.shown.require_in(draft)
    words = book.signatory_words(uow.session, actor, post)
    if words != looked.words:  # the power to sign was given otherwise meanwhile
        raise StaleVersion("draft.changed", "read the letter again: it changed since", id=draft.mail_id)
    draft.confirmed_at, draft.confirmed_by_id = uow.now, actor.person_id
    draft.confirmed_name, draft.confirmed_title = words.name, words.title
    draft.confirmed_capacity = " ".join(words.capacity)
    return draft, post


def number_letter(uow: UnitOfWork, draft: Draft, *, actor: Actor, post: HeldPost) -> None:
    """Assign number and date from the signatory's register; its counter stays locked until the commit."""
    uow.session.flush()  # the lines of the history need ids to be compared
    going = book.require_circuit(draft)
    unit_id = uow.session.get_one(Post, going.signatory).unit_id
    register = book.departure_register(uow.session, unit_id)
    access.grant(uow, draft.mail_id, (unit_principal(register.unit_id),), Because.REGISTERED)
    draft.mail.state = move(draft.mail.state, MailAct.NUMBER)
    uow.reindex(draft.mail_id)
    # After every other write: the counter is what all who sign in this unit wait for.
    number = allocation.allocate(uow, register.id, actor=actor, post=post, mail_id=draft.mail_id)
    draft.number_id, draft.number, draft.numbered_on = number.id, number, number.registered_on
    draft.mail.written_on = number.registered_on
    uow.record("mail.numbered", "mail", draft.mail_id, actor=actor, post=post, **told_of_number(number))


def _sign(services: Services, numbered: _Numbered, key: OpenedKey, actor: Actor, now: datetime) -> None:
    """Typeset, sign and store a numbered letter, then make the signature valid. After a failure number and date stay.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``sign.not_signatory``.
        InvalidTransition: ``mail.wrong_state`` (signed already), ``sign.in_ink``.
        Invalid: ``key.locked``.
        EngineFailed: ``sign.failed``.
    """
    mail_id, letter, words = numbered.mail_id, numbered.letter, numbered.words
    number, on = numbered.number, numbered.on
    try:
        pages = word.pages_of(services, letter, mode=PageMode.SIGN, at=now, number=number, on=on)
        token = signed_codes.make(services, pages.pdf, number=number, on=on, signer=words.name)
        request = _request(letter, pages, words, number, services, now, token)
        signed = services.signer.sign(pages.pdf, request, sealed=key.sealed, cookie_key=key.cookie_key, now=now)
        presign.require_archivable(services, signed.pdf)
    except (Invalid, EngineFailed) as failure:
        _note_failure(services, mail_id, failure, actor, now)
        raise
    # Before the lock. If nothing is committed after it, a sweep removes the bytes.
    stored = services.blobs.put(BytesIO(signed.pdf))
    for attempt in services.attempts(now):
        with attempt as uow:
            draft = book.locked(uow, mail_id, actor)
            post = _check_signing(draft, actor, local_day(services, now))
            numbered.require_in(draft)
            _keep_signed(uow, draft, stored, pages, level=signed.level, actor=actor)
            signed_codes.keep(uow, draft.mail_id, token, actor=actor, post=post)
            draft.failure = ""
            draft.confirmed_by_id, draft.confirmed_name, draft.confirmed_title = (
                actor.person_id,
                words.name,
                words.title,
            )
            draft.confirmed_capacity = " ".join(words.capacity)
            finish_signature(uow, draft, actor=actor, post=post, digest=stored.digest, level=signed.level)
            uow.preserve("mail", draft.mail_id)


def _keep_signed(uow: UnitOfWork, draft: Draft, stored: StoredBlob, pages: Pages, *, level: str, actor: Actor) -> None:
    """Store the signed file with the letter, and its revision, which ``ged verify`` compares with the bytes."""
    number = draft.number.text if draft.number else ""
    attachment_id = book.attach_pages(
        uow,
        draft,
        stored.digest,
        pages,
        kind=AttachmentKind.SIGNED,
        filename=f"{_file_name(number)}.pdf",
        actor=actor,
        size_bytes=stored.size_bytes,
        is_signed=True,
    )
    uow.session.add(
        SignedRevision(
            mail_id=draft.mail_id,
            sequence=1,
            digest=stored.digest,
            attachment_id=attachment_id,
            signed_by_id=actor.person_id,
            level=level,
            at=uow.now,
        )
    )


def local_day(services: Services, now: datetime) -> date:
    """The local day, as of which delegations are checked."""
    return now.astimezone(services.zone).date()


def _check_signing(draft: Draft, actor: Actor, on: date) -> HeldPost:
    move(draft.mail.state, MailAct.SIGN)
    if draft.way is not SignatureWay.DIGITAL:
        raise InvalidTransition("sign.in_ink", "this letter is signed by hand", id=draft.mail_id)
    return book.signing_post(draft, actor, on=on)


def _request(
    letter: Letter,
    pages: Pages,
    words: Signatory,
    number: str,
    services: Services,
    now: datetime,
    token: signed_codes.NewToken,
) -> SignRequest:
    code = signed_codes.printed(token, services.public_url, render.code_square(pages.mark_box))
    return SignRequest(
        field=pages.signature_field,
        reason=f"Courrier départ n° {number}",
        location=letter.place,
        signer_name=words.name,
        at=now,
        appearance_pdf=render.mark(
            words, pages.mark_box, at=now, zone=services.zone, verify_at=services.public_url if code else ""
        ),
        code=code,
    )


def _note_failure(services: Services, mail_id: MailId | int, failure: GedError, actor: Actor, now: datetime) -> None:
    # In a transaction of its own: that of the number is committed, and the number stays.
    for attempt in services.attempts(now):
        with attempt as uow:
            # This update raises no version: people's open pages do not become stale.
            uow.session.execute(update(Draft).where(Draft.mail_id == mail_id).values(failure=failure.code))
            uow.record("signbook.sign_failed", "mail", int(mail_id), actor=actor, code=failure.code)


def finish_signature(
    uow: UnitOfWork,
    draft: Draft,
    *,
    actor: Actor,
    post: HeldPost | None,
    digest: Digest | None = None,
    level: str = "",
    came: Mapping[str, Any] | None = None,
) -> None:
    """Make a signature valid, digital or in ink: state, history, notice to the author, one line per addressee and copy.

    Args:
        came: in ink, the scan and who brought it, for the journal.
    """
    draft.mail.state = move(draft.mail.state, MailAct.SIGN)
    draft.signed_at = uow.now
    book.enter(uow, draft, CircuitAct.SIGN, actor=actor, post=post, text=CONFIRMED_IN_INK if came else "")
    uow.record(
        "mail.signed", "mail", draft.mail_id, actor=actor, post=post,
        way=draft.way.value if draft.way else "", digest=digest, level=level, **(came or {}),
    )  # fmt: skip
    book.tell(uow, draft, draft.mail.author_person_id, NoticeKind.SIGNED, actor=actor)
    content = book.content_of(uow.session, draft)
    dispatch.open_lines(uow, draft.mail_id, content.addressees, content.copies)
    uow.reindex(draft.mail_id)


def _file_name(number: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in number) or "courrier"


# --- notices ------------------------------------------------------------------------------------------------------


def mark_seen(uow: UnitOfWork, notice_ids: Sequence[int], *, actor: Actor) -> None:
    """Mark a person's notices as read."""
    uow.session.execute(
        update(Notice)
        .where(Notice.id.in_(notice_ids), Notice.person_id == actor.person_id, Notice.seen_at.is_(None))
        .values(seen_at=uow.now)
    )
