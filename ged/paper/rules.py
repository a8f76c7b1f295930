"""For each kind of code: who may decide on it, what is known of its print, what a confirmation does.

The table ``RULES`` defines all kinds. The intake itself handles only labels.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from ged import locks
from ged.access import visible_clause
from ged.capture.intake import document_of, join
from ged.capture.models import PaperCode, Scan
from ged.codes import CodeKind
from ged.days import long_day
from ged.dispatch import operations as dispatch
from ged.dispatch import print as dispatch_print
from ged.dispatch.models import DispatchLine, DispatchProof
from ged.dispatch.operations import LEFT, MAY_LEAVE
from ged.errors import InvalidTransition, NotFound
from ged.org.tree import heirs, with_predecessors
from ged.paper import ink
from ged.register.documents import latest_document
from ged.register.models import AttachmentKind, Mail, MailNumber, Register
from ged.register.states import MailState
from ged.routing import proof as imputation_proof
from ged.routing import rights
from ged.routing.sheet import imputation_sheet, sheet_data
from ged.signbook.models import Draft
from ged.signbook.render import Letter, printed_texts
from ged.slips import receive, render
from ged.slips.models import Slip
from ged.slips.states import SlipState
from ged.unit import Actor, HeldPost, Role, Services, UnitOfWork


@dataclass(frozen=True)
class Reach:
    """The units through which an actor may decide on codes; built for each query.

    Attributes:
        kept: units whose registers the actor keeps as clerk, and closed units that they succeed.
        worked: units for which the actor works, likewise.
    """

    actor: Actor
    kept: frozenset[int]
    worked: frozenset[int]


def reach(actor: Actor) -> Reach:
    """The reach of an actor now."""
    clerk = {post.unit_id for post in actor.posts if Role.CLERK in post.roles}
    working = {post.unit_id for post in actor.working_posts}
    return Reach(actor, with_predecessors(clerk, actor.units), with_predecessors(working, actor.units))


@dataclass(frozen=True)
class Known:
    """The known facts of a print.

    Attributes:
        text: its text, with number and date, which the register adds by hand.
        mail_id: the letter whose content it shows; viewing it is recorded in the journal if the letter is confidential.
        attachment_id, page_count: its pages, if they are stored.
        remark: code of a remark for the person who decides.
        may_confirm: whether a confirmation is possible now.
    """

    text: str
    mail_id: int | None = None
    attachment_id: int | None = None
    page_count: int = 0
    remark: str = ""
    may_confirm: bool = True


@dataclass(frozen=True)
class Rule:
    """The rule of one kind of code; ``subject`` is the thing that the code names."""

    subjects: Callable[[Reach], Select[int]]
    """Ids of the subjects on which the actor may decide: the one rule for lists, pages and acts."""
    units: Callable[[Session, int], list[int]]
    """Units whose posts may decide on a subject."""
    titles: Callable[[Session, Collection[int]], dict[int, str]]
    known: Callable[[Session, Services, int, Actor, datetime], Known]
    take: Callable[[UnitOfWork, PaperCode, Scan, Actor, HeldPost], None]


def disposing_post(session: Session, row: PaperCode, actor: Actor) -> HeldPost:
    """The post through which an actor with the right (``subjects``) decides; the journal names it."""
    if row.kind is CodeKind.IMPUTATION:
        mail = session.get_one(Mail, row.subject_id)
        held = actor.holds(mail.addressed_post_id) if mail.addressed_post_id is not None else None
        if held is not None:
            return held
    units = {heir for unit_id in RULES[row.kind].units(session, row.subject_id) for heir in heirs(session, unit_id)}
    clerk_only = row.kind is not CodeKind.SLIP
    for post in actor.working_posts:
        if post.unit_id in units and (Role.CLERK in post.roles or not clerk_only):
            return post
    raise NotFound("paper.unknown", "reload the list", id=row.id, refused=True)


def came(row: PaperCode) -> dict[str, Any]:
    """Who brought the scan, for the journal, besides the person who confirms."""
    return {"uploaded_by": row.uploaded_by_id, "bridge": row.bridge_id}


PRINTED = {
    CodeKind.OUTGOING: "N° le à Objet : N/Réf. : V/Réf. : P.J. : Ampliations : 1 – Chrono : 1 – Archives : 1 Cachet",
    CodeKind.DISCHARGE: (
        "DÉCHARGE Courrier départ N° du Mode d'envoi Ampliation à Destinataire Objet Je soussigné(e) reconnais avoir reçu "
        "le courrier désigné ci-dessus. Nom et prénoms Qualité Pièce d'identité (nature, n°) Téléphone Nombre de pièces "
        "reçues N° d'enregistrement à l'arrivée Fait à, le à (heure) Signature Cachet À rendre au porteur, signée et "
        "revêtue du cachet."
    ),
    CodeKind.IMPUTATION: (
        "Fiche de transmission N° arrivé le Urgent Très urgent Expéditeur Référence et date de la lettre du Objet Transmis "
        "à Pièces jointes Imputé à (1 : service traitant, × : en copie) cochez ; pour annuler, barrez la case cochée d'un long "
        "trait Traite Copie Date Émargement Suite à donner Échéance jours ouvrés 1 j 2 j 3 j 5 j 10 j 15 j le sans "
        "échéance Instructions Réponse n° du Date, visa Décidé le Imprimée le. Fiche à retourner au bureau d'ordre après "
        "annotation : numérisée, elle se joint d'elle-même au courrier."
    ),
    CodeKind.SLIP: (
        "Expéditeur Destinataire De À Date Motif de la transmission Retour avant le Porteur Remarque N° d'enregistrement "
        "Désignation des pièces Nombre Observations (copie) Total des pièces L'expéditeur Le destinataire Reçu Signature "
        "Réception, ligne par ligne : lignes à sur une case par ligne ; pour annuler, barrez la case cochée d'un long trait N° "
        "Désignation Reçu Manquant Endommagé Mal adressé Observations Reçu par (nom) Poste et qualité Date et heure Signature et "
        "cachet Un exemplaire à retourner, pour accusé de réception : le destinataire pointe chaque ligne, signe et rend le "
        "bordereau. L'original ne change de mains que pour les lignes reçues, même endommagées. La suite est à la page "
        "suivante ; le nom, la date et la signature se portent à la dernière page. Toutes les pages reviennent ensemble. Signé "
        "électroniquement, le tableau de la dernière page vaut pour toutes les lignes."
    ),
}
"""Fixed words of the sheets (``ged/templates``); they are ignored in the comparison."""


# --- what is told --------------------------------------------------------------------------------------------------


def _strings(data: Any) -> Iterator[str]:  # a template's data may have any shape
    """The texts of a sheet's data, in order, without its code and the words for ticks."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key not in ("qr", "level", "mark"):
                yield from _strings(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _strings(value)
    elif isinstance(data, str):
        if data.strip():
            yield data
    elif isinstance(data, int) and not isinstance(data, bool):
        yield str(data)


def _lines(*parts: object) -> str:
    return "\n".join(_strings(list(parts)))


def _numbers_of(session: Session, mail_ids: Collection[int]) -> dict[int, str]:
    rows = session.execute(
        select(MailNumber.mail_id, MailNumber.text)
        .where(MailNumber.mail_id.in_(mail_ids))
        .order_by(MailNumber.voided_at.is_(None), MailNumber.id.desc())
    )
    return {int(mail_id): text for mail_id, text in rows if mail_id is not None}


def _locked_letter(uow: UnitOfWork, mail_id: int) -> Mail:
    """Lock and reload the letter; a void letter accepts nothing.

    Raises:
        InvalidTransition: ``paper.voided``.
    """
    mail = locks.hold_known(uow.session, Mail, mail_id)
    if mail.state is MailState.VOIDED:
        raise InvalidTransition("paper.voided", "refuse the code: the letter is void", id=mail_id)
    return mail


# --- labels --------------------------------------------------------------------------------------------------------


def _label_subjects(given: Reach) -> Select[int]:
    return (
        select(MailNumber.id)
        .join(Register, Register.id == MailNumber.register_id)
        .join(Mail, Mail.id == MailNumber.mail_id)
        .where(Register.unit_id.in_(given.kept), visible_clause(Mail.id, Mail.level, given.actor.principals))
    )


def _label_units(session: Session, number_id: int) -> list[int]:
    return [session.get_one(MailNumber, number_id).register.unit_id]


def _label_titles(session: Session, number_ids: Collection[int]) -> dict[int, str]:
    rows = session.execute(select(MailNumber.id, MailNumber.text).where(MailNumber.id.in_(number_ids)))
    return {number_id: text for number_id, text in rows}  # noqa: C416  # rows are no pairs to mypy


def _label_known(session: Session, _services: Services, number_id: int, _actor: Actor, _now: datetime) -> Known:
    number = session.get_one(MailNumber, number_id)
    mail = session.get_one(Mail, number.mail_id)
    days = [long_day(day) for day in (mail.written_on, mail.received_on) if day is not None]
    text = _lines(number.text, mail.sender_name, mail.their_reference, mail.subject, mail.addressee, days)
    if number.voided_at is not None:
        return Known(text, mail.id, remark="voided", may_confirm=False)
    return Known(text, mail.id, remark="document_exists" if _has_document(session, mail.id) else "register_entry")


def _has_document(session: Session, mail_id: int) -> bool:
    return latest_document(session, mail_id) is not None


def _label_take(uow: UnitOfWork, row: PaperCode, scan: Scan, actor: Actor, _post: HeldPost) -> None:
    number = uow.session.get_one(MailNumber, row.subject_id)
    mail = _locked_letter(uow, number.mail_id or 0)
    uow.session.refresh(number)
    if number.voided_at is not None:
        raise InvalidTransition("paper.voided", "refuse the code: the number is void", id=row.id)
    # A letter keeps its existing document: a further scan becomes an annex.
    kind = AttachmentKind.ANNEX if document_of(uow, mail.id) is not None else AttachmentKind.DOCUMENT
    join(uow, scan, mail.id, kind=kind, actor=actor, now=uow.now, came=came(row))


# --- originals signed by hand --------------------------------------------------------------------------------------


def _is_numbered(mail_id: InstrumentedAttribute[int], given: Reach) -> ColumnElement[bool]:
    """Whether a letter is numbered in a register that the actor keeps, and visible to the actor.

    Args:
        mail_id: a column of the directly enclosing statement; with any other column the clause would filter nothing.
    """
    letter = _letter()
    return (
        exists()
        .where(MailNumber.mail_id == mail_id, Register.id == MailNumber.register_id, Register.unit_id.in_(given.kept))
        .where(letter.id == mail_id, visible_clause(letter.id, letter.level, given.actor.principals))
    )


@cache
def _letter() -> type[Mail]:
    """The letter of ``_is_numbered``: the enclosing statement may also select letters. One, so that its clause is kept."""
    return aliased(Mail)


def _original_subjects(given: Reach) -> Select[int]:
    return select(Draft.mail_id).where(_is_numbered(Draft.mail_id, given))


def _letter_units(session: Session, mail_id: int) -> list[int]:
    return list(
        session.scalars(
            select(Register.unit_id)
            .join(MailNumber, MailNumber.register_id == Register.id)
            .where(MailNumber.mail_id == mail_id)
            .order_by(MailNumber.id)
        )
    )


def _original_known(session: Session, _services: Services, mail_id: int, _actor: Actor, _now: datetime) -> Known:
    draft = session.get_one(Draft, mail_id)
    remark, may = "original", True
    if draft.mail.state is MailState.VOIDED:
        remark, may = "voided", False
    elif not ink.waits_for_original(draft):
        remark, may = "original_exists", False
    number = draft.number.text if draft.number is not None else ""
    on = long_day(draft.numbered_on) if draft.numbered_on is not None else ""
    pages = ink.printed_pages(session, draft)
    signed_by = [draft.confirmed_capacity, draft.confirmed_title, draft.confirmed_name]
    text = _lines(
        printed_texts(Letter.restored(draft.letter), number=number, on=on), signed_by, PRINTED[CodeKind.OUTGOING]
    )
    return Known(text, draft.mail_id, draft.print_id, pages, remark, may)


def _original_take(uow: UnitOfWork, row: PaperCode, scan: Scan, actor: Actor, post: HeldPost) -> None:
    _locked_letter(uow, row.subject_id)
    ink.original_confirmed(uow, row.subject_id, scan, actor=actor, post=post, came=came(row))


# --- discharges ----------------------------------------------------------------------------------------------------


def _discharge_subjects(given: Reach) -> Select[int]:
    return select(DispatchLine.id).where(_is_numbered(DispatchLine.mail_id, given))


def _discharge_units(session: Session, line_id: int) -> list[int]:
    return _letter_units(session, session.get_one(DispatchLine, line_id).mail_id)


def _discharge_titles(session: Session, line_ids: Collection[int]) -> dict[int, str]:
    rows = session.execute(
        select(DispatchLine.id, DispatchLine.mail_id, DispatchLine.name).where(DispatchLine.id.in_(line_ids))
    ).all()
    numbers = _numbers_of(session, {mail_id for _, mail_id, _ in rows})
    return {line_id: f"{numbers.get(mail_id, '')} - {name}" for line_id, mail_id, name in rows}


def _discharge_known(session: Session, services: Services, line_id: int, actor: Actor, _now: datetime) -> Known:
    line = session.get_one(DispatchLine, line_id)
    text = _lines(dispatch_print.discharge_data(session, services, line_id, actor), PRINTED[CodeKind.DISCHARGE])
    if line.mail.state not in MAY_LEAVE or line.state not in LEFT:
        return Known(text, line.mail_id, remark="not_left", may_confirm=False)
    seen = session.scalar(select(DispatchProof.attachment_id).where(DispatchProof.line_id == line_id).limit(1))
    there = seen is not None or line.discharge_attachment_id is not None
    return Known(text, line.mail_id, remark="proof_exists" if there else "stamped")


def _discharge_take(uow: UnitOfWork, row: PaperCode, scan: Scan, actor: Actor, post: HeldPost) -> None:
    mail_id = uow.session.get_one(DispatchLine, row.subject_id).mail_id
    _locked_letter(uow, mail_id)
    dispatch.proof_confirmed(uow, row.subject_id, scan, actor=actor, post=post, came=came(row))


# --- fiches de transmission ----------------------------------------------------------------------------------------


def _fiche_subjects(given: Reach) -> Select[int]:
    seen = visible_clause(Mail.id, Mail.level, given.actor.principals)
    return select(Mail.id).where(or_(rights.addressed_to(given.actor), _is_numbered(Mail.id, given)), seen)


def _fiche_known(session: Session, services: Services, mail_id: int, actor: Actor, now: datetime) -> Known:
    sheet = sheet_data(imputation_sheet(session, services, mail_id, actor, now=now))
    text = _lines(sheet, PRINTED[CodeKind.IMPUTATION])
    is_void = session.get_one(Mail, mail_id).state is MailState.VOIDED
    return Known(text, mail_id, remark="voided" if is_void else "annotated", may_confirm=not is_void)


def _fiche_take(uow: UnitOfWork, row: PaperCode, scan: Scan, actor: Actor, post: HeldPost) -> None:
    _locked_letter(uow, row.subject_id)
    imputation_proof.sheet_confirmed(uow, row.subject_id, scan, actor=actor, post=post, came=came(row))


# --- slips ---------------------------------------------------------------------------------------------------------


def _slip_subjects(given: Reach) -> Select[int]:
    return select(Slip.id).where(or_(Slip.sender_unit_id.in_(given.worked), Slip.receiver_unit_id.in_(given.worked)))


def _slip_units(session: Session, slip_id: int) -> list[int]:
    slip = session.get_one(Slip, slip_id)
    return [slip.sender_unit_id, slip.receiver_unit_id]


def _slip_titles(session: Session, slip_ids: Collection[int]) -> dict[int, str]:
    rows = session.execute(
        select(Slip.id, MailNumber.text).join(MailNumber, MailNumber.id == Slip.number_id).where(Slip.id.in_(slip_ids))
    )
    return {slip_id: text for slip_id, text in rows}  # noqa: C416  # rows are no pairs to mypy


def _slip_known(session: Session, services: Services, slip_id: int, _actor: Actor, _now: datetime) -> Known:
    slip = session.get_one(Slip, slip_id)
    text = _lines(render.sheet_of(session, services, slip).data(), PRINTED[CodeKind.SLIP])
    if slip.state is SlipState.VOIDED:
        return Known(text, remark="slip_voided", may_confirm=False)
    if slip.state is SlipState.RECEIVED:
        return Known(text, remark="slip_received")
    there = receive.has_proof(session, slip_id)
    return Known(text, remark="slip_proof_exists" if there else "slip_signed")


def _slip_take(uow: UnitOfWork, row: PaperCode, scan: Scan, actor: Actor, post: HeldPost) -> None:
    receive.proof_confirmed(uow, row.subject_id, scan, actor=actor, post=post, came=came(row))


RULES: Mapping[CodeKind, Rule] = {
    CodeKind.LABEL: Rule(_label_subjects, _label_units, _label_titles, _label_known, _label_take),
    CodeKind.OUTGOING: Rule(_original_subjects, _letter_units, _numbers_of, _original_known, _original_take),
    CodeKind.DISCHARGE: Rule(
        _discharge_subjects, _discharge_units, _discharge_titles, _discharge_known, _discharge_take
    ),
    CodeKind.IMPUTATION: Rule(_fiche_subjects, _letter_units, _numbers_of, _fiche_known, _fiche_take),
    CodeKind.SLIP: Rule(_slip_subjects, _slip_units, _slip_titles, _slip_known, _slip_take),
}
