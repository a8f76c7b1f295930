"""Shared functions of the signature book's operations: a draft under the access rule, its circuit, its content as
pages, its register, its history, and notices."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session
from sqlalchemy.orm.attributes import flag_modified

from ged import access, locks
from ged.days import place_of
from ged.dispatch.models import Party
from ged.errors import Forbidden, Invalid, NotFound, StaleVersion
from ged.letterhead import letterhead
from ged.natures import circuit
from ged.natures.circuit import Circuit, GivenVisa, Step
from ged.natures.steps import StepKind
from ged.org.actors import heading_post
from ged.org.delegations import not_in_force
from ged.org.models import Person, Post, Unit
from ged.org.powers import Stakes, days, within
from ged.org.titles import Signatory, signatory_for, with_article
from ged.org.tree import entities, upwards
from ged.org.words import LEVELS
from ged.ports import AttachmentId, Confidentiality, Digest, MailId, PostId
from ged.register.models import Attachment, AttachmentKind, Mail, Register, RegisterNature
from ged.register.operations import SourcePage, attach
from ged.register.states import MailState
from ged.register.words import URGENCY
from ged.signbook import render, word
from ged.signbook.models import CircuitAct, CircuitEntry, Draft, DraftVersion, Notice, NoticeKind, Stance
from ged.signbook.render import Letter
from ged.unit import Actor, HeldPost, Role, Services, UnitOfWork
from ged.word.letters import WordFile

PDF = "application/pdf"
GIVES = {CircuitAct.VISA: StepKind.VISA, CircuitAct.OPINION: StepKind.OPINION}


@dataclass(frozen=True)
class Annex:
    """An annex of a letter; ``id`` is None until it is attached, ``name`` is the file's name."""

    id: AttachmentId | None
    name: str
    title: str = ""

    @property
    def printed(self) -> str:
        """What stands for it after "P.J."."""
        return self.title or self.name.rpartition(".")[0] or self.name


@dataclass(frozen=True)
class Content:
    """The content to which visas refer: text, annexes, addressees, copies, and the amount at stake in F CFA."""

    civility: str
    subject: str
    body: str
    addressees: tuple[Party, ...] = ()
    copies: tuple[Party, ...] = ()
    annexes: tuple[Annex, ...] = ()
    amount_xof: int | None = None
    rich: str = ""
    """The text with its forms, stored form; empty for a text from before forms. ``body`` is then all there is."""
    word: WordFile | None = None
    """The Word file in which it is written: ``body`` is the text that the file says."""


# --- finding ------------------------------------------------------------------------------------------------------


def require(session: Session, mail_id: MailId | int, actor: Actor) -> Draft:
    """The signature book's row of a letter that the actor may see.

    Raises:
        NotFound: ``mail.unknown`` (also when the actor may not see it), ``draft.unknown``: not an outgoing letter.
    """
    _require_right(session, mail_id, actor)
    return _found(session.get(Draft, mail_id), mail_id)


def locked(uow: UnitOfWork, mail_id: MailId | int, actor: Actor, *, version: int | None = None) -> Draft:
    """As ``require``, and lock the draft for a change. It is loaded once, when it is locked.

    Raises:
        NotFound: as ``require``.
        StaleVersion: ``draft.stale``: the draft has changed since the page with ``version`` was opened.
    """
    _require_right(uow.session, mail_id, actor)
    locks.hold(uow.session, Mail, [mail_id])
    draft = _found(locks.hold_one(uow.session, Draft, mail_id), mail_id)
    if version is not None and draft.version != version:
        raise StaleVersion("draft.stale", "read what changed, then act again", id=int(mail_id))
    return draft


def lock(uow: UnitOfWork, mail_id: MailId | int) -> Draft:
    """Lock a draft and its letter, and reload them with the history. The caller has checked the right to act."""
    locks.hold(uow.session, Mail, [mail_id])
    return locks.hold_known(uow.session, Draft, mail_id)


def _require_right(session: Session, mail_id: MailId | int, actor: Actor) -> None:
    mail = session.get(Mail, mail_id)
    if mail is None:
        raise NotFound("mail.unknown", "check the number", id=int(mail_id))
    access.require(session, mail.id, Confidentiality(mail.level), actor)


def _found(draft: Draft | None, mail_id: MailId | int) -> Draft:
    if draft is None:
        raise NotFound("draft.unknown", "choose an outgoing letter", id=int(mail_id))
    return draft


def circuit_of(draft: Draft) -> Circuit | None:
    """The present circuit; None before a signatory is chosen."""
    if draft.signatory_post_id is None:
        return None
    given = tuple(
        GivenVisa(e.id, PostId(e.post_id), e.person_id, e.version_no, GIVES[e.act])
        for e in draft.entries
        if e.act in GIVES and e.cancelled_at is None and e.post_id is not None and e.person_id is not None
    )
    # By position: an entry being added has no id yet.
    submitted = max((n for n, e in enumerate(draft.entries) if e.act is CircuitAct.SUBMIT), default=-1)
    return Circuit(
        steps=tuple(Step(PostId(step.post_id), step.stage, step.kind) for step in draft.steps),
        signatory=PostId(draft.signatory_post_id),
        version_no=draft.version_no,
        given=given,
        is_submitted=draft.mail.state is MailState.IN_CIRCUIT and draft.way is None,
        acted_since_submission=any(counts(e) for e in draft.entries[submitted + 1 :]),
    )


def require_open(draft: Draft) -> None:
    """Check that a letter is still written.

    Raises:
        Invalid: ``draft.closed``.
    """
    if draft.mail.state not in (MailState.DRAFT, MailState.IN_CIRCUIT) or draft.way is not None:
        raise Invalid("draft.closed", "a letter that is confirmed changes no more", id=draft.mail_id)


def counts(entry: CircuitEntry) -> bool:
    """Whether an act is still valid: neither cancelled nor itself a cancellation."""
    return entry.cancelled_at is None and entry.act is not CircuitAct.TAKE_BACK


def standing_refusals(draft: Draft) -> list[CircuitEntry]:
    """Refusals whose post has not given its visa since, oldest first. A circuit without that post does not end them.

    The signatory's own refusal is left out: his signature ends it.
    """
    found: dict[int | None, CircuitEntry] = {}
    for entry in filter(counts, draft.entries):
        if entry.act is CircuitAct.REFUSE:
            # Taken out first, so that the later refusal stands at the end: a dictionary keeps the place of a known key.
            found.pop(entry.post_id, None)
            found[entry.post_id] = entry
        elif entry.act is CircuitAct.VISA:
            found.pop(entry.post_id, None)
    return [entry for entry in found.values() if entry.post_id != draft.signatory_post_id]


def refusals_before(draft: Draft) -> list[CircuitEntry]:
    """Of a letter that is about to be handed in again: each person's refusal since it was last handed in."""
    found: dict[int | None, CircuitEntry] = {}
    for entry in filter(counts, reversed(draft.entries)):
        if entry.act is CircuitAct.SUBMIT:
            break
        if entry.act is CircuitAct.REFUSE:
            found.setdefault(entry.person_id, entry)
    return list(found.values())


def require_circuit(draft: Draft) -> Circuit:
    """The circuit.

    Raises:
        Invalid: ``circuit.no_signatory``.
    """
    found = circuit_of(draft)
    if found is None:
        raise Invalid("circuit.no_signatory", "choose who signs", field="signatory_post_id", id=draft.mail_id)
    return found


def author_post(draft: Draft, actor: Actor) -> HeldPost:
    """The post through which the actor writes a draft: the author's, or a head of the unit, the nearest first.

    Raises:
        Forbidden: ``draft.not_author``.
    """
    mail = draft.mail
    held = actor.holds(mail.author_post_id) if mail.author_post_id is not None else None
    if held is not None:
        return held
    head = heading_post(mail.unit_id, actor)
    if head is not None:
        return head
    raise Forbidden("draft.not_author", "ask the author or the head above", id=mail.id)


def writing_post(draft: Draft, actor: Actor) -> HeldPost:
    """The post through which the actor may change the content now: the author's side while it is a draft; in the
    circuit, the post whose visa or signature is awaited.

    Raises:
        Forbidden: ``draft.not_author``, ``circuit.not_yours``.
        InvalidTransition: ``circuit.not_your_turn``; ``mail.wrong_state`` is left to the caller's move.
    """
    if draft.mail.state is not MailState.IN_CIRCUIT:
        return author_post(draft, actor)
    return held(actor, circuit.require_deciding(require_circuit(draft), actor.post_ids))


def held(actor: Actor, post_id: int) -> HeldPost:
    """A post that the actor holds or acts for; own posts first.

    Raises:
        Forbidden: ``circuit.not_yours``.
    """
    found = actor.holds(post_id)
    if found is None:
        raise Forbidden("circuit.not_yours", "only posts of the circuit act on the letter", post=post_id)
    return found


def stakes_of(draft: Draft) -> Stakes:
    """The current version's matter, to check the limits of a delegation."""
    session = object_session(draft)
    amount = version_of(session, draft).amount_xof if session is not None else None
    return Stakes(draft.template_code, amount)


def deciding_post(draft: Draft, actor: Actor, post_id: int) -> HeldPost:
    """A post for which the actor decides on this letter: held, or delegated within limits that cover the letter.

    Raises:
        Forbidden: ``circuit.not_yours``.
        Invalid: ``power.type``, ``power.amount``.
    """
    found = within(actor, post_id, stakes_of(draft))
    if isinstance(found, Invalid):
        raise found
    if found is None:
        raise Forbidden("circuit.not_yours", "only posts of the circuit act on the letter", post=post_id)
    return found


def signing_post(draft: Draft, actor: Actor, *, on: date) -> HeldPost:
    """The signatory's post, with the power to sign. A secretary, or a delegate without signature, does not have it.

    Raises:
        Forbidden: ``sign.not_signatory``.
        Invalid: ``power.type``, ``power.amount``; ``power.not_in_force``: the delegation is over or not yet begun.
    """
    post_id = require_circuit(draft).signatory
    signing = replace(actor, posts=tuple(post for post in actor.posts if Role.SIGNATORY in post.roles))
    found = within(signing, post_id, stakes_of(draft))
    if isinstance(found, HeldPost):
        return found
    if found is not None:
        raise found
    session = object_session(draft)
    over = not_in_force(session, post_id, actor.person_id, on=on) if session is not None else None
    if over is not None:
        said = days(over.from_on, over.until_on)
        raise Invalid("power.not_in_force", "have the holder sign, or delegate again", act=over.act, days=said)
    raise Forbidden("sign.not_signatory", "only the signatory signs, or who has the delegation", post=post_id)


def signatory_words(session: Session, actor: Actor, post: HeldPost) -> Signatory:
    """The wording with which the actor signs for a post, with the act that grants the power and its days."""
    own = session.get(Post, post.own_post_id) if post.own_post_id is not None else None
    act = post.act
    if post.from_on is not None and post.until_on is not None:
        act = f"{act} ({days(post.from_on, post.until_on)})"
    return signatory_for(
        post_title=post.title, own_title=own.title if own else "", name=actor.name, because=post.because, act=act
    )


# --- content ------------------------------------------------------------------------------------------------------


def version_of(session: Session, draft: Draft) -> DraftVersion:
    """The current version's row."""
    return session.get_one(DraftVersion, (draft.mail_id, draft.version_no))


def content_of(session: Session, draft: Draft, version_no: int | None = None) -> Content:
    """The content of a version; by default of the current one."""
    row = session.get_one(DraftVersion, (draft.mail_id, version_no or draft.version_no))
    files = [*row.annexes, *([row.word_id] if row.word_id is not None else [])]
    named = session.execute(
        select(Attachment.id, Attachment.filename, Attachment.digest).where(Attachment.id.in_(files))
    ).all()
    names = {key: name for key, name, _ in named}
    changes, comments = row.word_left or (0, 0)
    in_word = next(
        (WordFile(d, name, changes, comments, key) for key, name, d in named if key == row.word_id and d), None
    )
    titles = (*row.annex_titles, *[""] * len(row.annexes))
    return Content(
        civility=row.civility,
        subject=row.subject,
        body=row.body,
        addressees=tuple(Party(*party) for party in row.addressees),
        copies=tuple(Party(*party) for party in row.copies),
        annexes=tuple(
            Annex(AttachmentId(i), names.get(i, ""), title) for i, title in zip(row.annexes, titles, strict=False)
        ),
        amount_xof=row.amount_xof,
        rich=row.rich,
        word=in_word,
    )


def letter_of(session: Session, services: Services, draft: Draft, content: Content) -> Letter:
    """The pages' data: everything but number, date and signature."""
    signatory = session.get(Post, draft.signatory_post_id) if draft.signatory_post_id is not None else None
    unit = signatory.unit if signatory is not None else session.get_one(Unit, draft.mail.unit_id)
    head = letterhead(session, unit.id, country=services.country, of_entity=True)
    letter = Letter(
        organisation=head.organisation,
        units=head.units,
        address=head.address,
        country=services.country,
        place=place_of(services.zone),
        sender=with_article(signatory.title) if signatory is not None else "",
        civility=content.civility,
        subject=content.subject,
        body=content.body,
        rich=content.rich,
        addressees=content.addressees,
        copies=tuple(copy.name for copy in content.copies),
        annexes=tuple(annex.printed for annex in content.annexes),
        reference=_reference(session, draft),
        our_reference=_our_reference(session, draft.mail),
        stamps=tuple(filter(None, (LEVELS[Confidentiality(draft.mail.level)], URGENCY[draft.mail.priority]))),
    )
    return letter if content.word is None else word.with_sheets(session, services, draft, letter, content.word)


def _our_reference(session: Session, mail: Mail) -> str:
    """``DGE-ETUDES/KD``: the unit that writes it, and the initials of its author."""
    author = session.get(Person, mail.author_person_id) if mail.author_person_id is not None else None
    initials = "".join(name[0] for name in (author.name if author is not None else "").replace("-", " ").split())
    return "/".join(filter(None, (session.get_one(Unit, mail.unit_id).code, initials.upper())))


def _reference(session: Session, draft: Draft) -> str:
    incoming = session.get(Mail, draft.answers_id) if draft.answers_id is not None else None
    if incoming is None or not incoming.their_reference:
        return ""
    written = f" du {render.french_day(incoming.written_on)}" if incoming.written_on else ""
    return f"{incoming.their_reference}{written}"


def departure_register(session: Session, unit_id: int) -> Register:
    """The register for a unit's outgoing letters: its own, the nearest above, or the entity's mail office's.

    Raises:
        Invalid: ``sign.no_register``.
    """
    found = session.scalars(
        select(Register)
        .where(Register.nature == RegisterNature.DEPARTURE, Register.closed_at.is_(None))
        .order_by(Register.id.desc())
    ).all()
    by_unit = {register.unit_id: register for register in found}
    unit = session.get_one(Unit, unit_id)
    for above in upwards(session, unit.id):
        if above.id in by_unit:
            return by_unit[above.id]
        if above.is_entity:
            break
    of = entities(session)
    same = [register for register in found if of[register.unit_id] == of[unit.id]]
    if not same:
        raise Invalid("sign.no_register", "an administrator has to open a register of departures", unit=unit.code)
    # The mail office keeps the entity's book; a direction's own register numbers only its own letters.
    return min(
        same,
        key=lambda register: (
            register.unit.kind != "mail_office",
            sum(1 for _ in upwards(session, register.unit.id)),
            register.id,
        ),
    )


def attach_pages(
    uow: UnitOfWork,
    draft: Draft,
    digest: Digest,
    pages: render.Pages,
    *,
    kind: AttachmentKind,
    filename: str,
    actor: Actor,
    reason: str = "",
    size_bytes: int = 0,
    is_signed: bool = False,
    replaces: int | None = None,
) -> AttachmentId:
    """Attach typeset pages, already stored. Only signed pages are indexed: drafts are not found by their text."""
    return attach(
        uow,
        draft.mail_id,
        kind=kind,
        pages=[SourcePage(digest, PDF, n) for n in range(pages.page_count)],
        media_type=PDF,
        actor=actor,
        now=uow.now,
        filename=filename,
        digest=digest,
        size_bytes=size_bytes or len(pages.pdf),
        is_signed=is_signed,
        replaces=AttachmentId(replaces) if replaces is not None else None,
        reason=reason,
        recognise=is_signed,
    )


def set_preview(
    uow: UnitOfWork, draft: Draft, digest: Digest, pages: render.Pages, letter: Letter, *, actor: Actor
) -> None:
    """Set the pages that the signature book shows from now on, and their content."""
    draft.preview_id = attach_pages(
        uow, draft, digest, pages, kind=AttachmentKind.RENDERED, filename="projet.pdf", actor=actor,
        replaces=draft.preview_id,
    )  # fmt: skip
    draft.preview_version_no = draft.version_no
    # Kept beside the pages: the check before the signature typesets the same words again, and compares.
    draft.letter = letter.stored()


# --- history and notices ------------------------------------------------------------------------------------------


def enter(
    uow: UnitOfWork,
    draft: Draft,
    act: CircuitAct,
    *,
    actor: Actor,
    post: HeldPost | None,
    text: str = "",
    stance: Stance | None = None,
    to: Post | None = None,
) -> CircuitEntry:
    """Add a line to the history, and a journal entry."""
    entry = CircuitEntry(
        mail_id=draft.mail_id,
        act=act,
        version_no=draft.version_no,
        person_id=actor.person_id or None,
        person_name=actor.name,
        post_id=post.post_id if post is not None else None,
        post_title=post.title if post is not None else "",
        acted_as=post.because if post is not None else "holder",
        act_reference=post.act if post is not None else "",
        text=text,
        stance=stance,
        to_post_id=to.id if to is not None else None,
        to_post_title=to.title if to is not None else "",
        at=uow.now,
    )
    draft.entries.append(entry)
    touch(draft)
    more = {"stance": stance.value if stance is not None else None, "to_post": entry.to_post_id}
    uow.record(
        f"signbook.{act.value}", "mail", draft.mail_id, actor=actor, post=post,
        content_version=draft.version_no, text=text, **{name: value for name, value in more.items() if value is not None},
    )  # fmt: skip
    return entry


def touch(draft: Draft) -> None:
    """Raise the draft's version after a change of dependent rows: pages opened before become stale."""
    # SQLAlchemy raises the version only with a change of the row itself, and entries and steps are other tables.
    flag_modified(draft, "version_no")


def cancel(
    uow: UnitOfWork,
    draft: Draft,
    visas: Iterable[GivenVisa],
    *,
    why: str,
    actor: Actor,
    notice: NoticeKind = NoticeKind.VISA_CANCELLED,
) -> int:
    """Cancel visas and notify their givers; returns how many."""
    by_id = {entry.id: entry for entry in draft.entries}
    count = 0
    for visa in visas:
        by_id[visa.entry_id].cancelled_at = uow.now
        uow.record(
            "signbook.visa_cancelled", "mail", draft.mail_id, actor=actor, entry=visa.entry_id, of=visa.person_id
        )
        tell(uow, draft, visa.person_id, notice, actor=actor, text=why)
        count += 1
    return count


def tell(
    uow: UnitOfWork, draft: Draft, person_id: int | None, kind: NoticeKind, *, actor: Actor, text: str = ""
) -> None:
    """Add a notice for a person; the actor gets no notice of their own act."""
    if person_id is None or person_id == actor.person_id:
        return
    uow.session.add(
        Notice(person_id=person_id, mail_id=draft.mail_id, kind=kind, text=text, by_name=actor.name, at=uow.now)
    )
