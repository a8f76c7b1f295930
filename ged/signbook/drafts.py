"""Writing: a draft from a template, its versions, annexes, and its circuit.

Every change of content is a new version. The pages are typeset once before any lock is taken, so that the author gets
an error for text that cannot be printed.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import BytesIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access, locks
from ged.access import Because
from ged.capture.files import Upload
from ged.dispatch.models import Party
from ged.errors import Forbidden, Invalid, NotFound, StaleVersion
from ged.natures import circuit
from ged.natures import queries as natures
from ged.natures.circuit import Step
from ged.org.models import Post, Unit
from ged.org.stock import kept_for
from ged.org.titles import with_unit
from ged.org.tree import entities, entity_of, in_ministry
from ged.ports import AttachmentId, Digest, MailId, PostId, Principal, post_principal, unit_principal
from ged.register.addresses import EMAIL
from ged.register.models import REPLY, AttachmentKind, Channel, Direction, Mail, SealedEnvelope
from ged.register.operations import attach, link, mail_for
from ged.register.states import MailState
from ged.richtext import marks
from ged.richtext.document import Document, dump, mapped, plain
from ged.richtext.marks import document_of
from ged.richtext.placeholders import fill
from ged.signbook import book, choosing, word
from ged.signbook.book import Annex, Content
from ged.signbook.choosing import Chosen
from ged.signbook.models import CircuitAct, CircuitStep, Draft, DraftVersion, LetterTemplate
from ged.signbook.render import Letter, Pages, french_day
from ged.unit import Actor, HeldPost, Role, Services, UnitOfWork
from ged.word.letters import WordFile

MAX_SUBJECT, MAX_PARTIES, MAX_NAME, MAX_ADDRESS, MAX_TITLE = 500, 60, 300, 500, 200
MAX_AMOUNT_XOF = 10**14
DEFAULT_CIVILITY = "Madame, Monsieur"


@dataclass(frozen=True)
class DraftForm:
    """The author's form. ``body``: a text with light marks, or the stored form of a text with its forms. Annexes are added by ``add_annex``, and have their titles here, by attachment."""

    civility: str
    subject: str
    body: str
    addressees: tuple[Party, ...] = ()
    copies: tuple[Party, ...] = ()
    amount_xof: int | None = None
    annex_titles: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Saved:
    """The result of a change: the new version of the text, the number of cancelled visas, the row's version after it."""

    version_no: int
    cancelled: int
    version: int
    changed: bool = True


# --- beginning ----------------------------------------------------------------------------------------------------


def draft_reply(
    uow: UnitOfWork,
    incoming_id: MailId,
    template_code: str,
    *,
    actor: Actor,
    now: datetime,
    post_id: PostId | int | None = None,
    nature: str = "",
) -> MailId:
    """Draft the answer to an incoming letter: linked to it, with its level; the placeholders are filled from it.

    Raises:
        NotFound: ``mail.unknown``, ``template.unknown``.
        Invalid: ``nature.unknown``.
        Forbidden: ``draft.no_post``.
    """
    locks.hold(uow.session, Mail, [incoming_id])  # its imputation may be taken back at this moment
    incoming = mail_for(uow, incoming_id, actor=actor)
    template = _template(uow.session, template_code, _own_post(actor, post_id), actor)
    sender = incoming.sender
    party = Party(incoming.sender_name, sender.address if sender else "", sender.email if sender else "")
    unit = uow.session.get(Unit, incoming.responsible_unit_id) if incoming.responsible_unit_id is not None else None
    values = _values(incoming)

    def filled(text: str) -> str:
        # Fill the unit first: text from the incoming letter must never be parsed for placeholders.
        return fill(with_unit(text, unit.name) if unit is not None else text, values)

    # Marks are read in the template alone: what is filled in is characters.
    text = mapped(marks.parse(template.body), filled)
    content = _content(DEFAULT_CIVILITY, filled(template.subject), text, (party,) if party.name else ())
    mail_id = _begin(
        uow, content, template.code, level=incoming.level, actor=actor, now=now, post_id=post_id, answers=incoming,
        nature=nature,
    )  # fmt: skip
    uow.session.get_one(Draft, mail_id).answers_id = incoming.id
    link(uow, mail_id, MailId(incoming.id), kind=REPLY, actor=actor)
    return mail_id


def draft_new(
    uow: UnitOfWork,
    template_code: str,
    *,
    actor: Actor,
    now: datetime,
    post_id: PostId | int | None = None,
    nature: str = "",
) -> MailId:
    """Draft a letter that is no answer; an empty template code gives an empty page.

    Raises:
        NotFound: ``template.unknown``.
        Invalid: ``nature.unknown``.
        Forbidden: ``draft.no_post``.
    """
    template = _template(uow.session, template_code, _own_post(actor, post_id), actor) if template_code else None
    text = marks.parse(template.body if template else "")
    content = _content(DEFAULT_CIVILITY, template.subject if template else "", text)
    return _begin(uow, content, template_code, level=0, actor=actor, now=now, post_id=post_id, nature=nature)


def _content(civility: str, subject: str, text: Document, addressees: tuple[Party, ...] = ()) -> Content:
    return Content(civility, subject, plain(text), addressees, rich=dump(text) if text.blocks else "")


def _template(session: Session, code: str, post: HeldPost, actor: Actor) -> LetterTemplate:
    seen = kept_for(LetterTemplate, [entity_of(post.unit_id, actor.units)])
    found = session.scalar(select(LetterTemplate).where(LetterTemplate.code == code, seen))
    if found is None:
        raise NotFound("template.unknown", "choose a template of the list", template=code)
    return found


def _values(incoming: Mail) -> dict[str, str]:
    number = next((n.text for n in incoming.numbers if n.voided_at is None), "")
    return {
        "objet": incoming.subject,
        "destinataire": incoming.sender_name,
        "votre_reference": incoming.their_reference,
        "date_courrier": french_day(incoming.written_on) if incoming.written_on else "",
        "numero_arrivee": number,
        "date_arrivee": french_day(incoming.received_on) if incoming.received_on else "",
    }


def _begin(
    uow: UnitOfWork,
    content: Content,
    template_code: str,
    *,
    level: int,
    actor: Actor,
    now: datetime,
    post_id: PostId | int | None,
    answers: Mail | None = None,
    nature: str = "",
) -> MailId:
    post = _own_post(actor, post_id)
    if nature:
        natures.require(uow.session, nature, Direction.OUTGOING, [entity_of(post.unit_id, actor.units)])
    mail = Mail(
        direction=Direction.OUTGOING,
        state=MailState.DRAFT,
        level=level,
        channel=Channel.HAND,
        subject=content.subject,
        addressee=_names(content.addressees),
        nature=nature,
        unit_id=post.unit_id,
        author_person_id=actor.person_id,
        author_post_id=post.post_id,
        created_at=now,
    )
    uow.session.add(mail)
    uow.session.flush()
    draft = Draft(mail_id=mail.id, template_code=template_code, version_no=1)
    uow.session.add(draft)
    uow.session.flush()
    _store_version(uow, mail.id, 1, content, actor)
    access.grant(uow, mail.id, _readers(uow.session, post, answers), Because.AUTHORED)
    uow.record("draft.begun", "mail", mail.id, actor=actor, post=post, template=template_code, level=level,
               nature=nature)  # fmt: skip
    model = _fitting_circuit(uow.session, draft, actor, nature)
    if model is not None:
        _put_circuit(uow, draft, model, post=post, actor=actor)
        uow.session.flush()
    return MailId(mail.id)


def _readers(session: Session, post: HeldPost, answers: Mail | None) -> Iterable[Principal]:
    """Who sees a new draft: the author's unit.

    An answer to a sealed envelope's letter reveals its content: only people who see that letter see the answer.
    """
    from_envelope = select(SealedEnvelope.id).where(SealedEnvelope.mail_id == answers.id) if answers else None
    if answers is not None and from_envelope is not None and session.scalar(from_envelope.limit(1)) is not None:
        return access.principals_of(session, answers.id)
    return (unit_principal(post.unit_id), post_principal(post.post_id))


def _own_post(actor: Actor, post_id: PostId | int | None) -> HeldPost:
    for post in actor.working_posts:
        if post_id in (None, post.post_id):
            return post
    raise Forbidden("draft.no_post", "write through a post that you hold", post=post_id)


# --- changing -----------------------------------------------------------------------------------------------------


def save(
    services: Services, mail_id: MailId | int, form: DraftForm, *, version: int, actor: Actor, now: datetime
) -> Saved:
    """Save the form as a new version. In the circuit this is a correction by the post whose turn it is: the given visas
    are cancelled, their givers notified, and the circuit begins again.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``draft.not_author``, ``circuit.not_yours``.
        Invalid: ``draft.subject_missing``, ``draft.too_long``, ``draft.parties``, ``draft.email``, ``draft.amount``,
            ``typeset.glyph``, ``typeset.glyph_near``.
        InvalidTransition: ``draft.closed``, ``circuit.not_your_turn``.
        StaleVersion: ``draft.stale``.
    """
    return _change(services, mail_id, lambda content: as_typed(content, form), version=version, actor=actor, now=now)


def as_typed(content: Content, form: DraftForm) -> Content:
    """The content that a form makes of the present one.

    Raises:
        Invalid: as ``save``.
    """
    titles = {key: _title(title) for key, title in form.annex_titles.items()}
    annexes = (replace(annex, title=titles.get(annex.id or 0, annex.title)) for annex in content.annexes)
    typed = replace(_checked(form), annexes=tuple(annexes))
    if content.word is not None:
        return replace(typed, body=content.body, rich="", word=content.word)
    return replace(typed, body=content.body, rich="") if _is_as_before(content, typed) else typed


def add_annex(
    services: Services,
    mail_id: MailId | int,
    upload: Upload,
    *,
    title: str = "",
    version: int,
    actor: Actor,
    now: datetime,
) -> Saved:
    """Add an annex (already stored and inspected) to the letter; without a title, with one made from the file's name.

    Raises:
        NotFound, Forbidden, Invalid, InvalidTransition, StaleVersion: as ``save``; ``draft.annexes``: too many.
    """

    added = Annex(None, upload.filename, _title(title) or proposed_title(upload.filename))

    def joined(content: Content) -> Content:
        if len(content.annexes) >= MAX_PARTIES:
            raise Invalid("draft.annexes", "join fewer pieces", field="file", limit=MAX_PARTIES)
        return replace(content, annexes=(*content.annexes, added))

    return _change(services, mail_id, joined, version=version, actor=actor, now=now, upload=upload)


def write_in_word(
    services: Services,
    mail_id: MailId | int,
    file: WordFile | None,
    text: str,
    *,
    version: int,
    actor: Actor,
    now: datetime,
) -> Saved:
    """Make a Word file, looked at before, the letter from now on; or, without one, the text that it says.

    Raises:
        NotFound, Forbidden, Invalid, InvalidTransition, StaleVersion: as ``save``; in the circuit also why there are no
            pages of it, and ``word.unsettled``: a correction there is read and signed as it is.
    """

    def written(content: Content) -> Content:
        rich = "" if file is not None else dump(marks.from_plain(text))
        return replace(content, body=text, rich=rich, word=file)

    return _change(services, mail_id, written, version=version, actor=actor, now=now)


def remove_annex(
    services: Services, mail_id: MailId | int, attachment_id: int, *, version: int, actor: Actor, now: datetime
) -> Saved:
    """Remove an annex from the letter; its bytes stay with the versions that had it.

    Raises:
        NotFound, Forbidden, Invalid, InvalidTransition, StaleVersion: as ``save``.
    """

    def without(content: Content) -> Content:
        return replace(content, annexes=tuple(annex for annex in content.annexes if annex.id != attachment_id))

    return _change(services, mail_id, without, version=version, actor=actor, now=now)


def _change(
    services: Services,
    mail_id: MailId | int,
    make: Callable[[Content], Content],
    *,
    version: int,
    actor: Actor,
    now: datetime,
    upload: Upload | None = None,
) -> Saved:
    with services.reading() as session:
        draft = book.require(session, mail_id, actor)
        book.require_open(draft)
        book.writing_post(draft, actor)
        if draft.version != version:
            raise StaleVersion("draft.stale", "read what changed, then act again", id=int(mail_id))
        before = book.content_of(session, draft)
        content = make(before)
        letter = book.letter_of(session, services, draft, content)
        in_circuit = draft.mail.state is MailState.IN_CIRCUIT
    # No version for the same content: it would cancel the visas that stand.
    if content == before:
        return Saved(draft.version_no, 0, version, changed=False)
    if in_circuit:
        word.check_settled(content.word)
        letter = word.require_made(services, mail_id, letter, now=now)
    try:
        pages = word.shown_pages(services, letter, at=now) if in_circuit or letter.word is None else None
    except Invalid as refusal:
        raise _placed(refusal, content) from refusal
    digest = services.blobs.put(BytesIO(pages.pdf)).digest if in_circuit and pages is not None else None
    for attempt in services.attempts(now):
        with attempt as uow:
            draft = book.locked(uow, mail_id, actor, version=version)
            saved = _apply(uow, draft, content, letter, pages, digest, upload, actor)
    return saved


_AROUND = 24
"""Characters of a text told on either side of one that cannot be printed."""


def _placed(refusal: Invalid, content: Content) -> Invalid:
    """The refusal with the field and the words where the character stands that cannot be printed."""
    character = str(refusal.params.get("character", ""))
    fields = [("civility", content.civility), ("subject", content.subject), ("body", content.body)]
    for name, parties in (("addressee", content.addressees), ("copy", content.copies)):
        for n, party in enumerate(parties, start=1):
            fields += [(f"{name}-{n}-name", party.name), (f"{name}-{n}-address", party.address)]
    for field_name, text in fields:
        at = text.find(character) if character else -1
        if at >= 0:
            near = " ".join(text[max(at - _AROUND, 0) : at + _AROUND].split())
            return Invalid(
                "typeset.glyph_near", "replace the character", field=field_name, character=character, near=near
            )
    return refusal


def _apply(
    uow: UnitOfWork,
    draft: Draft,
    content: Content,
    letter: Letter,
    pages: Pages | None,
    digest: Digest | None,
    upload: Upload | None,
    actor: Actor,
) -> Saved:
    book.require_open(draft)
    post = book.writing_post(draft, actor)
    going = book.circuit_of(draft)
    undone = circuit.undone_by_change(going) if going is not None else ()
    if upload is not None:
        annexes = [
            annex if annex.id else replace(annex, id=_attached(uow, draft, upload, actor)) for annex in content.annexes
        ]
        content = replace(content, annexes=tuple(annexes))
    if content.word is not None and content.word.id is None:
        content = replace(content, word=word.attached(uow, draft.mail_id, content.word, actor))
    draft.version_no += 1
    _store_version(uow, draft.mail_id, draft.version_no, content, actor)
    draft.mail.subject, draft.mail.addressee = content.subject, _names(content.addressees)
    if digest is not None and pages is not None:
        book.set_preview(uow, draft, digest, pages, letter, actor=actor)
    if undone or digest is not None:
        book.enter(uow, draft, CircuitAct.CHANGE, actor=actor, post=post)
    else:
        uow.record("draft.changed", "mail", draft.mail_id, actor=actor, post=post, content_version=draft.version_no)
    cancelled = book.cancel(uow, draft, undone, why="", actor=actor)
    word.ask(uow, draft.mail_id, letter)
    uow.reindex(draft.mail_id)
    uow.session.flush()
    return Saved(draft.version_no, cancelled, draft.version)


def _attached(uow: UnitOfWork, draft: Draft, upload: Upload, actor: Actor) -> AttachmentId:
    return attach(
        uow,
        draft.mail_id,
        kind=AttachmentKind.ANNEX,
        pages=upload.pages,
        media_type=upload.facts.media_type,
        actor=actor,
        now=uow.now,
        filename=upload.filename,
        digest=upload.digest,
        size_bytes=upload.size_bytes,
        is_signed=upload.facts.signed,
    )


def _store_version(uow: UnitOfWork, mail_id: int, version_no: int, content: Content, actor: Actor) -> None:
    uow.session.add(
        DraftVersion(
            mail_id=mail_id,
            version_no=version_no,
            civility=content.civility,
            subject=content.subject,
            body=content.body,
            rich=content.rich,
            word_id=content.word.id if content.word is not None else None,
            word_left=[content.word.changes, content.word.comments] if content.word is not None else [],
            addressees=[[p.name, p.address, p.email] for p in content.addressees],
            copies=[[p.name, p.address, p.email] for p in content.copies],
            annexes=[annex.id for annex in content.annexes if annex.id is not None],
            annex_titles=[annex.title for annex in content.annexes if annex.id is not None],
            amount_xof=content.amount_xof,
            written_by_id=actor.person_id,
            written_at=uow.now,
        )
    )
    uow.session.flush()


def _names(parties: Sequence[Party]) -> str:
    return "; ".join(party.name for party in parties)[:MAX_NAME]


def proposed_title(filename: str) -> str:
    """A title from a file's name, to be corrected by the author; empty when the name says nothing.

    >>> proposed_title("20261103_rapport-financier_2025.pdf"), proposed_title("0001_90228905.docx")
    ('Rapport financier 2025', '')
    """
    stem = filename.rpartition(".")[0] or filename
    words = [word for word in re.split(r"[\s_.-]+", stem) if word]
    while words and re.fullmatch(r"\d{5,}|\d{3,4}(?=$)|scan|img|doc", words[0], re.IGNORECASE) and len(words) > 1:
        words.pop(0)
    if not any(re.search(r"[^\W\d_]{3}", word) for word in words):
        return ""
    text = " ".join(words)[:MAX_TITLE]
    return text[0].upper() + text[1:]


def _is_as_before(before: Content, typed: Content) -> bool:
    """Whether a text from before forms was sent as it is. One with tabs is not: on paper they join two numbers."""
    return not before.rich and "\t" not in before.body and document_of(typed.rich) == marks.from_plain(before.body)


def _title(title: str) -> str:
    if len(title) > MAX_TITLE:
        raise Invalid("draft.too_long", "shorten it", field="annex_title", limit=MAX_TITLE)
    return " ".join(title.split())


def _checked(form: DraftForm) -> Content:
    if not form.subject.strip():
        raise Invalid("draft.subject_missing", "type the subject", field="subject")
    if len(form.subject) > MAX_SUBJECT:
        raise Invalid("draft.too_long", "shorten it", field="subject", limit=MAX_SUBJECT)
    text = document_of(form.body)
    if form.amount_xof is not None and not 0 < form.amount_xof <= MAX_AMOUNT_XOF:
        raise Invalid("draft.amount", "give the amount at stake, or none", field="amount_xof")
    return Content(
        civility=" ".join(form.civility.split())[:100],
        subject=" ".join(form.subject.split()),
        body=plain(text),
        rich=dump(text) if text.blocks else "",
        addressees=_parties(form.addressees, "addressees"),
        copies=_parties(form.copies, "copies"),
        amount_xof=form.amount_xof,
    )


def _parties(parties: Sequence[Party], field: str) -> tuple[Party, ...]:
    if len(parties) > MAX_PARTIES or any(len(p.name) > MAX_NAME or len(p.address) > MAX_ADDRESS for p in parties):
        raise Invalid("draft.parties", "name fewer, or shorten them", field=field, limit=MAX_PARTIES)
    kept = []
    for party in parties:
        if party.email and EMAIL.fullmatch(party.email) is None:
            raise Invalid("draft.email", "correct the address", field=field, email=party.email[:80])
        if party.name.strip():
            kept.append(Party(" ".join(party.name.split()), party.address.strip(), party.email.strip()))
    return tuple(kept)


# --- the circuit --------------------------------------------------------------------------------------------------


def set_nature(
    uow: UnitOfWork,
    mail_id: MailId | int,
    code: str,
    *,
    version: int,
    take_circuit: bool | None = None,
    actor: Actor,
) -> int:
    """Say of which nature a draft is. Returns the row's version after it; the nature that stands changes nothing.

    The nature's circuit goes into a draft without a circuit, and replaces that of the nature before.
    After the first handing in the nature stays: a letter does not leave the visas of its nature by another name.

    Args:
        take_circuit: whether the nature's circuit replaces another one that the author chose; None: nobody was asked.

    Raises:
        NotFound, Forbidden, StaleVersion: as ``save``.
        Invalid: ``nature.unknown``, ``nature.fixed``, ``draft.closed``; ``circuit.replace_asked``: the author has to be asked.
    """
    draft = book.locked(uow, mail_id, actor, version=version)
    post = book.author_post(draft, actor)
    before = draft.mail.nature
    if code == before:
        return version
    if draft.submitted_at is not None and before:
        raise Invalid("nature.fixed", "write another letter", field="nature")
    if draft.mail.state is not MailState.DRAFT:
        # Its circuit would take the place of the one that runs, or of the one that has signed.
        raise Invalid("draft.closed", "take the letter back first", id=draft.mail_id)
    unit_id = draft.mail.unit_id
    natures.require(uow.session, code, Direction.OUTGOING, [entities(uow.session)[unit_id]])
    standing, model = _standing_circuit(draft), _fitting_circuit(uow.session, draft, actor, code)
    replaces = model is not None and model != standing
    if (
        replaces
        and take_circuit is None
        and standing not in (None, _fitting_circuit(uow.session, draft, actor, before))
    ):
        raise Invalid("circuit.replace_asked", "ask the author", field="nature_circuit")
    draft.mail.nature = code
    book.touch(draft)
    uow.record("draft.nature_set", "mail", draft.mail_id, actor=actor, post=post, old=before, new=code)
    if model is not None and replaces and take_circuit is not False:
        _put_circuit(uow, draft, model, post=post, actor=actor)
    uow.reindex(draft.mail_id)
    uow.session.flush()
    return draft.version


def _standing_circuit(draft: Draft) -> Chosen | None:
    """The circuit that a draft has; None before one was chosen."""
    if draft.signatory_post_id is None:
        return None
    steps = tuple(Step(PostId(step.post_id), step.stage, step.kind) for step in draft.steps)
    return steps, PostId(draft.signatory_post_id)


def _fitting_circuit(session: Session, draft: Draft, actor: Actor, nature: str) -> Chosen | None:
    """The circuit of a nature as a letter can take it; None without one, or where a person has to choose another."""
    found = choosing.circuit_of_model(session, draft, actor, nature)
    if found is None:
        return None
    steps, signatory = found
    try:
        _check_posts(session, [step.post_id for step in steps], signatory, actor)
    except Invalid:
        return None
    return found


def set_circuit(
    uow: UnitOfWork,
    mail_id: MailId | int,
    steps: Sequence[Step],
    signatory_post_id: int | None,
    *,
    version: int,
    actor: Actor,
) -> int:
    """Choose who gives a visa or an opinion, in which stages, and who signs. A removed post's visa is cancelled.
    Returns the row's version after it. A circuit that stands already changes nothing.

    Raises:
        NotFound, Forbidden, StaleVersion: as ``save``.
        Invalid: ``circuit.no_signatory``, ``circuit.twice``, ``circuit.too_long``, ``circuit.post``,
            ``circuit.not_signatory``, ``draft.closed``, ``sign.no_register``.
    """
    draft = book.locked(uow, mail_id, actor, version=version)
    if draft.mail.state is not MailState.DRAFT:
        raise Invalid("draft.closed", "take the letter back first", id=draft.mail_id)
    post = book.author_post(draft, actor)
    chosen = circuit.make_circuit(steps, PostId(signatory_post_id) if signatory_post_id is not None else None)
    if _standing_circuit(draft) == chosen:
        return version
    asked, signatory = chosen
    _check_posts(uow.session, [step.post_id for step in asked], signatory, actor)
    _put_circuit(uow, draft, chosen, post=post, actor=actor)
    uow.session.flush()
    return draft.version


def _put_circuit(uow: UnitOfWork, draft: Draft, chosen: Chosen, *, post: HeldPost, actor: Actor) -> None:
    """Let a circuit take the place of the one that stands."""
    asked, signatory = chosen
    going = book.circuit_of(draft)
    undone: Sequence[circuit.GivenVisa] = ()
    if going is not None:
        # Another signatory has another letterhead: the pages are no longer those that were read.
        moved = going.signatory != signatory
        undone = circuit.undone_by_change(going) if moved else circuit.undone_by_circuit_change(going, asked)
    draft.steps.clear()
    uow.session.flush()
    draft.steps = [
        CircuitStep(position=n, stage=step.stage, kind=step.kind, post_id=step.post_id)
        for n, step in enumerate(asked, start=1)
    ]
    draft.signatory_post_id = signatory
    if draft.entries:
        # The letter came back: the refuser sees in the history that the author goes on.
        book.enter(uow, draft, CircuitAct.CIRCUIT, actor=actor, post=post)
    book.touch(draft)
    uow.record(
        "draft.circuit_set", "mail", draft.mail_id, actor=actor, post=post,
        steps=[[step.stage, step.kind.value, step.post_id] for step in asked], signatory=signatory,
    )  # fmt: skip
    book.cancel(uow, draft, undone, why="", actor=actor)


def _check_posts(session: Session, visas: Sequence[PostId], signatory: PostId, actor: Actor) -> None:
    found = session.scalars(select(Post).where(Post.id.in_([*visas, signatory])))
    known = {post.id: post for post in found if in_ministry(post.unit_id, actor)}
    for post_id in visas:
        if post_id not in known:
            raise Invalid("circuit.post", "choose posts of the list", field="visa_post_ids", id=post_id)
    post = known.get(signatory)
    if post is None or all(row.role is not Role.SIGNATORY for row in post.roles):
        raise Invalid("circuit.not_signatory", "choose a post that signs", field="signatory_post_id", id=signatory)
    book.departure_register(session, post.unit_id)
