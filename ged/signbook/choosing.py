"""The circuits that an author is offered, the last one of the same nature first; and what no author leaves out.

A nature's model asks for compulsory steps (``ged.natures``). A letter is checked at each handing in, and only a letter
that is with its author changes its circuit: so neither the author nor who acts for him takes a compulsory visa out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.access import Because, MailAccess, visible_clause
from ged.errors import Invalid
from ged.natures import queries as natures
from ged.natures.circuit import Step, make_circuit
from ged.natures.queries import CircuitModel
from ged.natures.steps import ModelStep, missing
from ged.org.models import Post, Unit
from ged.org.names import post_names, unit_places
from ged.org.tree import entities
from ged.ports import PostId, post_principal
from ged.register.models import Mail
from ged.signbook.models import Draft
from ged.unit import Actor

LAST, MODEL = "last", "model"


@dataclass(frozen=True)
class Offer:
    """A circuit that an author may take as it is.

    Attributes:
        way: ``LAST`` (of the latest letter of this nature) or ``MODEL`` (of the nature).
        posts: as lists write them, without the author's own entity; the signatory last.
        at: when the latest letter was handed in, in UTC.
    """

    way: str
    steps: tuple[Step, ...]
    signatory: PostId
    posts: tuple[str, ...]
    at: datetime | None = None


Chosen = tuple[tuple[Step, ...], PostId]
"""A circuit: its steps and its signatory."""


def model_of(session: Session, draft: Draft, actor: Actor, nature: str | None = None) -> CircuitModel | None:
    """The circuit that the letter's nature (or another one) asks of it, when the actor hands it in; None without one."""
    mail, code = draft.mail, draft.mail.nature if nature is None else nature
    return natures.model_for(session, code, unit_id=mail.unit_id, author_post_id=_own_post(draft, actor))


def circuit_of_model(session: Session, draft: Draft, actor: Actor, nature: str | None = None) -> Chosen | None:
    """The circuit of ``model_of`` as the author's letter takes it: without the author's own post."""
    model = model_of(session, draft, actor, nature)
    if model is None:
        return None
    own = _own_post(draft, actor)
    asked = tuple(Step(step.post_id, step.stage, step.kind) for step in model.steps if step.post_id != own)
    return make_circuit(asked, model.signatory)


def _own_post(draft: Draft, actor: Actor) -> PostId | None:
    """The author's post, whose visa nobody asks, if the actor decides for it: its secretary has to ask for its visa."""
    post = draft.mail.author_post_id
    return PostId(post) if post is not None and actor.decides(post) is not None else None


def offers(session: Session, draft: Draft, actor: Actor, *, on: date) -> tuple[Offer, ...]:
    """The circuits that the author of a draft is offered: "as the last time", then the nature's model."""
    found: list[tuple[str, tuple[Step, ...], PostId, datetime | None]] = []
    last = _latest_draft(session, draft, actor)
    if last is not None and last.signatory_post_id is not None:
        steps = tuple(Step(PostId(step.post_id), step.stage, step.kind) for step in last.steps)
        found.append((LAST, _open(session, steps), PostId(last.signatory_post_id), last.submitted_at))
    model = circuit_of_model(session, draft, actor)
    if model is not None and model not in [(steps, who) for _, steps, who, _ in found]:
        found.append((MODEL, *model, None))
    return _offers(session, draft, found, on)


def offered_by(session: Session, draft: Draft, actor: Actor, nature: str, *, on: date) -> Offer | None:
    """The circuit of another nature, which the author is about to give to the letter; None without one."""
    model = circuit_of_model(session, draft, actor, nature)
    return _offers(session, draft, [(MODEL, *model, None)], on)[0] if model is not None else None


def _offers(
    session: Session, draft: Draft, found: list[tuple[str, tuple[Step, ...], PostId, datetime | None]], on: date
) -> tuple[Offer, ...]:
    names = post_names(session, {p for _, steps, who, _ in found for p in (who, *(s.post_id for s in steps))}, on=on)
    unit, entity = unit_places(session)[draft.mail.unit_id]
    own_entity = entity or unit
    return tuple(
        Offer(
            way, steps, who, tuple(names[p].text_within(own_entity) for p in (*(s.post_id for s in steps), who)), when
        )
        for way, steps, who, when in found
    )


def _latest_draft(session: Session, draft: Draft, actor: Actor) -> Draft | None:
    """The latest letter of this nature that the author handed in; else his unit's. One that the actor may see."""
    mail = draft.mail
    query = (
        select(Draft)
        .join(Mail, Mail.id == Draft.mail_id)
        .where(
            Draft.mail_id != mail.id,
            Draft.submitted_at.is_not(None),
            Draft.signatory_post_id.is_not(None),
            Mail.nature == mail.nature,
            visible_clause(Mail.id, Mail.level, actor.principals),
        )
        .order_by(Draft.mail_id.desc())
        .limit(1)
    )
    own = session.scalar(query.where(Mail.author_post_id == mail.author_post_id, Mail.unit_id == mail.unit_id))
    return own or session.scalar(query.where(Mail.unit_id == mail.unit_id))


def _open(session: Session, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps of posts whose unit is open."""
    query = select(Post.id).join(Unit, Unit.id == Post.unit_id).where(Unit.closed_at.is_(None))
    known = set(session.scalars(query.where(Post.id.in_([step.post_id for step in steps]))))
    return tuple(step for step in steps if step.post_id in known)


def compulsory(session: Session, draft: Draft, actor: Actor, *, on: date) -> tuple[str, ...]:
    """The posts whose visa or opinion the letter's nature asks when the actor hands it in, as lists write them."""
    model = model_of(session, draft, actor)
    return _names(session, missing({}, model.steps, exempt=_exempt(draft, actor)), on) if model is not None else ()


def require_complete(session: Session, draft: Draft, actor: Actor, *, on: date) -> None:
    """Refuse a circuit without the compulsory steps of its nature, or a letter without a nature where there are some.

    Raises:
        Invalid: ``draft.nature_missing``, ``circuit.compulsory``.
    """
    if not draft.mail.nature and natures.offered(
        session, draft.mail.direction, [entities(session)[draft.mail.unit_id]]
    ):
        raise Invalid("draft.nature_missing", "choose the nature of the letter", field="nature")
    model = model_of(session, draft, actor)
    if model is None:
        return
    asked = {PostId(step.post_id): step.kind for step in draft.steps}
    lacking = missing(asked, model.steps, exempt=_exempt(draft, actor))
    if lacking:
        raise Invalid(
            "circuit.compulsory", "put them into the circuit", field="visa_post_ids", nature=model.nature,
            posts=" ; ".join(_names(session, lacking, on)),
        )  # fmt: skip


def _exempt(draft: Draft, actor: Actor) -> set[PostId]:
    return {PostId(post) for post in (_own_post(draft, actor), draft.signatory_post_id) if post is not None}


def _names(session: Session, steps: Iterable[ModelStep], on: date) -> tuple[str, ...]:
    ids = [step.post_id for step in steps]
    names = post_names(session, ids, on=on)
    return tuple(names[post_id].text for post_id in ids)


def withdrawn(session: Session, draft: Draft) -> tuple[PostId, ...]:
    """Posts that were asked at an earlier handing in, and are no longer in the circuit.

    Each handing in gives the posts that it asks the right to read; that right is not taken back.
    """
    still = {post_principal(PostId(step.post_id)) for step in draft.steps}
    if draft.signatory_post_id is not None:
        still.add(post_principal(PostId(draft.signatory_post_id)))
    rights = select(MailAccess.principal).where(MailAccess.mail_id == draft.mail_id, MailAccess.because == Because.VISA)
    gone = {principal for principal in session.scalars(rights) if principal not in still}
    posts = session.scalars(select(Post.id).order_by(Post.id)) if gone else ()
    return tuple(PostId(post_id) for post_id in posts if post_principal(PostId(post_id)) in gone)
