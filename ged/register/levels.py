"""The confidentiality level of a letter: people working on it may raise it, deciders may lower it, from SECRET by two.

A change may hide a letter from people who worked on it, or show it to more people. So each change needs a reason and is
recorded in the journal; the deciders are notified when another person raises the level.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ged import access
from ged.errors import Forbidden, Invalid, NotFound
from ged.org import notices
from ged.org.actors import load_actor, somebody_sees
from ged.org.models import NoticeKind, Person, Post, PostRole
from ged.ports import Confidentiality, MailId
from ged.register.models import LevelRequest, Mail
from ged.register.operations import deciding_post, mail_to_change, working_post
from ged.seconded import humans
from ged.unit import Actor, HeldPost, Role, UnitOfWork

MAX_REASON = 500


@dataclass(frozen=True)
class OpenRequest:
    """A request to lower the level of a SECRET letter, which a second person has not yet agreed to."""

    id: int
    level: Confidentiality
    reason: str
    asked_by: str
    asked_at: datetime
    may_agree: bool
    """False for the requester, for a secretary, and for a person who reads only by a supervisory role."""


def change_level(
    uow: UnitOfWork, mail_id: MailId, level: Confidentiality, *, reason: str, actor: Actor
) -> Confidentiality:
    """Raise a letter's level, or lower it; from SECRET a second person has to agree (``agree``).

    Returns the letter's level after the call.

    Raises:
        NotFound: ``mail.unknown``.
        Forbidden: ``mail.level_lower``: the actor is neither addressee, author nor head above (a secretary is none of
            these); ``mail.level_raise``: the actor does not work on the letter.
        Invalid: ``mail.level_same``: the letter has this level; ``mail.level_reason``; ``mail.level_nobody``: nobody
            could see the letter any more; ``mail.level_asked``: there is already an open request for a lower level.
    """
    mail = mail_to_change(uow, mail_id, actor=actor)
    old = Confidentiality(mail.level)
    if level == old:
        raise Invalid("mail.level_same", "choose another level, or return to the letter", field="level")
    post = lowering_post(mail, actor) if level < old else _raising_post(mail, actor)
    if not reason.strip():
        raise Invalid("mail.level_reason", "say why the level is changed", field="reason")
    if len(reason) > MAX_REASON:
        raise Invalid("form.too_long", "shorten it", field="reason", maximum=MAX_REASON)
    if level < old and old is Confidentiality.SECRET:
        _ask(uow, mail, level, reason.strip(), actor=actor, post=post)
        return old
    _require_reader(uow, mail, level, actor)
    _set(uow, mail, level, reason=reason.strip(), actor=actor, post=post)
    if level > old:
        _end_request(uow, mail.id)
        _tell_deciders(uow, mail, NoticeKind.LEVEL_RAISED, actor)
    return level


def agree(uow: UnitOfWork, mail_id: MailId, request_id: int, *, actor: Actor) -> None:
    """Agree to a lower level as the second person. It takes effect at once; the journal names both people.

    Raises:
        NotFound: ``mail.unknown``, ``level.no_request``.
        Forbidden: ``level.second_person``.
    """
    mail, asked = _requested(uow, mail_id, request_id, actor)
    post = _second_post(uow.session, mail, asked, actor)
    if post is None:
        raise Forbidden("level.second_person", "another person who works on the letter has to agree", id=mail.id)
    asked.ended_at, asked.ended_by_id, asked.agreed = uow.now, actor.person_id, True
    _set(
        uow, mail, Confidentiality(asked.level), reason=asked.reason, actor=actor, post=post,
        asked_by=asked.asked_by_id, request=asked.id,
    )  # fmt: skip


def decline(uow: UnitOfWork, mail_id: MailId, request_id: int, *, actor: Actor) -> None:
    """End a request without effect: by the second person, or by the requester.

    Raises:
        NotFound: ``mail.unknown``, ``level.no_request``.
        Forbidden: ``level.second_person``.
    """
    mail, asked = _requested(uow, mail_id, request_id, actor)
    post = _second_post(uow.session, mail, asked, actor)
    if post is None and asked.asked_by_id != actor.person_id:
        raise Forbidden("level.second_person", "another person who works on the letter decides", id=mail.id)
    asked.ended_at, asked.ended_by_id = uow.now, actor.person_id
    uow.record("mail.level_declined", "mail", mail.id, actor=actor, post=post, request=asked.id)


def open_request(session: Session, mail: Mail, actor: Actor) -> OpenRequest | None:
    """The request that waits for a second person. The caller has checked that the actor may see the letter."""
    asked = session.scalar(_open(mail.id))
    if asked is None:
        return None
    return OpenRequest(
        id=asked.id,
        level=Confidentiality(asked.level),
        reason=asked.reason,
        asked_by=session.get_one(Person, asked.asked_by_id).name,
        asked_at=asked.asked_at,
        may_agree=_second_post(session, mail, asked, actor) is not None,
    )


def lowering_post(mail: Mail, actor: Actor) -> HeldPost:
    """The post through which the actor may lower the level: as addressee, author or a head above, not as a secretary.

    Raises:
        Forbidden: ``mail.level_lower``.
    """
    for held in actor.posts:
        if held.post_id in (mail.addressed_post_id, mail.author_post_id) and held.because != "secretary":
            return held
    above = deciding_post(mail, actor)
    if above is None or above.because == "secretary":
        raise Forbidden("mail.level_lower", "ask the addressee, the author or the head above", id=mail.id)
    return above


def _raising_post(mail: Mail, actor: Actor) -> HeldPost:
    try:
        return working_post(mail, actor)
    except Forbidden:
        raise Forbidden("mail.level_raise", "ask who works on the letter", id=mail.id) from None


def _ask(uow: UnitOfWork, mail: Mail, level: Confidentiality, reason: str, *, actor: Actor, post: HeldPost) -> None:
    if uow.session.scalar(_open(mail.id)) is not None:
        raise Invalid("mail.level_asked", "let the second person answer it first", field="level")
    asked = LevelRequest(
        mail_id=mail.id, level=int(level), reason=reason, asked_by_id=actor.person_id, asked_at=uow.now, agreed=False
    )
    uow.session.add(asked)
    uow.session.flush()
    uow.record(
        "mail.level_asked", "mail", mail.id, actor=actor, post=post, request=asked.id, new=int(level), reason=reason
    )
    _tell_second_people(uow, mail, asked, actor)


def _set(
    uow: UnitOfWork,
    mail: Mail,
    level: Confidentiality,
    *,
    reason: str,
    actor: Actor,
    post: HeldPost,
    **more: int,
) -> None:
    old, mail.level = mail.level, int(level)
    uow.record(
        "mail.level_changed", "mail", mail.id, actor=actor, post=post, old=old, new=int(level), reason=reason, **more
    )
    uow.reindex(mail.id, access=True)


def _requested(uow: UnitOfWork, mail_id: MailId, request_id: int, actor: Actor) -> tuple[Mail, LevelRequest]:
    mail = mail_to_change(uow, mail_id, actor=actor)
    asked = uow.session.scalar(_open(mail.id).where(LevelRequest.id == request_id))
    if asked is None:
        raise NotFound("level.no_request", "reload the letter", id=request_id)
    return mail, asked


def _open(mail_id: int) -> Select[LevelRequest]:
    return select(LevelRequest).where(LevelRequest.mail_id == mail_id, LevelRequest.ended_at.is_(None))


def _end_request(uow: UnitOfWork, mail_id: int) -> None:
    asked = uow.session.scalar(_open(mail_id))
    if asked is not None:
        asked.ended_at = uow.now


def _second_post(session: Session, mail: Mail, asked: LevelRequest, actor: Actor) -> HeldPost | None:
    """The post through which the actor may agree, who sees the letter for work and is no side of the requester."""
    through = access.through(session, mail.id, Confidentiality(mail.level), actor)
    if through is None or through.because == "secretary" or not through.works:
        return None
    # Who acts for the requester would agree with the requester's own right.
    is_second = asked.asked_by_id not in humans(session, actor, through, on=asked.asked_at.date())
    return through if is_second else None


def _require_reader(uow: UnitOfWork, mail: Mail, level: Confidentiality, actor: Actor) -> None:
    """Check that somebody can still see the letter. Below SECRET the posts on its path see it without a clearance."""
    if level < Confidentiality.SECRET or access.may_see(uow.session, mail.id, level, actor):
        return
    today = uow.now.astimezone(uow.services.zone).date()
    if not somebody_sees(uow.session, access.principals_of(uow.session, mail.id), level, on=today):
        raise Invalid("mail.level_nobody", "choose a lower level, or have somebody cleared first", field="level")


def _tell_deciders(uow: UnitOfWork, mail: Mail, kind: NoticeKind, actor: Actor) -> None:
    today = uow.now.astimezone(uow.services.zone).date()
    notices.tell(uow, kind, mail.id, people=_deciders(uow.session, mail, on=today), actor=actor)


def _tell_second_people(uow: UnitOfWork, mail: Mail, asked: LevelRequest, actor: Actor) -> None:
    """Notify the deciders who may agree; if no decider may agree, everybody who may. Nobody else gets a notice, because
    it reveals that the letter exists.
    """
    today = uow.now.astimezone(uow.services.zone).date()
    cleared = uow.session.scalars(
        select(Person.id).where(Person.clearance >= mail.level, Person.is_active).order_by(Person.id)
    )
    actors = [load_actor(uow.session, one, on=today) for one in cleared.all()]
    second = {int(one.person_id) for one in actors if _second_post(uow.session, mail, asked, one) is not None}
    deciders = second & _deciders(uow.session, mail, on=today)
    notices.tell(uow, NoticeKind.LEVEL_ASKED, mail.id, people=deciders or second, actor=actor)


def _deciders(session: Session, mail: Mail, *, on: date) -> set[int]:
    """The holders of the addressee's and author's posts; if neither is set, the heads of the responsible unit."""
    posts = {one for one in (mail.addressed_post_id, mail.author_post_id) if one is not None}
    if not posts:
        heads = (
            select(Post.id)
            .join(PostRole, PostRole.post_id == Post.id)
            .where(Post.unit_id == (mail.responsible_unit_id or mail.unit_id), PostRole.role == Role.HEAD)
        )
        posts = set(session.scalars(heads))
    return notices.holders(session, posts, on=on)
