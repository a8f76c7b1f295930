"""From a person's form to planned slips: all checks run before any number is taken. Nothing is written here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access
from ged.errors import Invalid, NotFound
from ged.org.models import Unit
from ged.org.tree import in_ministry
from ged.ports import Confidentiality, MailId, PostId, UnitId
from ged.register.models import Mail, MailNumber, SealedEnvelope
from ged.register.words import CONFIDENTIAL_LETTER
from ged.slips import custody, parties, refusals
from ged.slips.models import Slip, SlipLine, SlipPurpose
from ged.slips.refusals import Refusal
from ged.slips.states import LineState, SlipState
from ged.unit import Actor, HeldPost

MAX_LINES = 50
"""The reception table fits this many lines on one page; more letters need several slips."""
MAX_DESCRIPTION = 300
MAX_LINE_REMARK = 200
MAX_REMARK = 500
MAX_MESSENGER = 120
MAX_COUNT = 999
CONFIDENTIAL = CONFIDENTIAL_LETTER
SEALED = "Un pli fermé"
CARRYING = (SlipState.ISSUING, SlipState.SENT, SlipState.RECEIVING)
"""The originals of a slip in these states are on its way: they can go on no other slip."""


@dataclass(frozen=True)
class LineForm:
    """One line of the form: a letter, a sealed envelope, or a free piece with its description.

    Attributes:
        is_original: whether the paper original goes; None: it goes when the sending unit holds it.
        key: name of the line in the form; errors use it to name form fields.
    """

    description: str = ""
    count: int = 1
    remark: str = ""
    mail_id: MailId | None = None
    envelope_id: int | None = None
    is_original: bool | None = None
    key: str = ""

    def field(self, name: str, no: int) -> str:
        """The name of a form's field of this line."""
        return f"{name}-{self.key or no}"


@dataclass(frozen=True)
class SlipForm:
    """An act: the same lines to one or several units. Originals go to the first unit, copies to the others."""

    lines: tuple[LineForm, ...]
    receiver_unit_ids: tuple[UnitId, ...]
    purpose: SlipPurpose
    remark: str = ""
    return_by: date | None = None
    messenger: str = ""
    post_id: PostId | None = None


@dataclass(frozen=True)
class PlannedLine:
    """A line as it will be printed."""

    description: str
    number: str
    count: int
    remark: str
    mail_id: MailId | None
    envelope_id: int | None
    is_original: bool
    is_confidential: bool
    returns_line_id: int | None = None
    claim: LineState | None = None


@dataclass(frozen=True)
class PlannedSlip:
    """One slip of an act, checked."""

    receiver_unit_id: UnitId
    lines: tuple[PlannedLine, ...]


@dataclass(frozen=True)
class SuggestedLine:
    """A proposed line for a letter or an envelope. ``pending``: the slip that already carries the paper."""

    mail_id: MailId | None
    envelope_id: int | None
    number: str
    description: str
    count: int
    holds_paper: bool
    is_confidential: bool
    pending: str = ""

    @property
    def key(self) -> str:
        """The name of the line in a form."""
        return f"m{self.mail_id}" if self.mail_id is not None else f"e{self.envelope_id}"


def plan(session: Session, form: SlipForm, *, post: HeldPost, actor: Actor, today: date) -> tuple[PlannedSlip, ...]:
    """Check an act and resolve its lines.

    Raises:
        NotFound: ``mail.unknown``, ``envelope.unknown``, ``unit.unknown``.
        Invalid: ``slip.no_lines``, ``slip.too_many_lines``, ``slip.no_receiver``, ``slip.same_unit``,
            ``slip.unit_closed``, ``slip.return_by_missing``, ``slip.return_by_past``, ``slip.line_twice``,
            ``slip.description_missing``, ``slip.text_long``, ``slip.count``, ``slip.paper_elsewhere``,
            ``slip.paper_on_the_way``, ``slip.refused_before``.
    """
    check_head(form, today)
    receivers = tuple(dict.fromkeys(form.receiver_unit_ids))
    _check_receivers(session, receivers, post, actor)
    originals = tuple(_line(session, line, n, post, actor) for n, line in enumerate(form.lines, start=1))
    _check_doubles(originals)
    _check_refused(session, form, originals, receivers[0], actor)
    copies = tuple(_as_copy(line) for line in originals) if len(receivers) > 1 else ()
    return tuple(PlannedSlip(unit_id, originals if n == 0 else copies) for n, unit_id in enumerate(receivers))


def suggest(session: Session, mail_ids: Sequence[int], *, post: HeldPost, actor: Actor) -> tuple[SuggestedLine, ...]:
    """Lines proposed for letters, in the order given; letters that the actor may not see are left out."""
    found = []
    for mail_id in dict.fromkeys(mail_ids):
        mail = session.get(Mail, mail_id)
        if mail is None or not access.may_see(session, mail.id, Confidentiality(mail.level), actor):
            continue
        pending = carried_by(session, mail_id=mail.id)
        found.append(
            SuggestedLine(
                mail_id=MailId(mail.id),
                envelope_id=None,
                number=number_of(mail.numbers),
                description=printed(mail),
                count=1,
                holds_paper=pending is None
                and custody.has_paper(session, mail)
                and parties.holds(session, custody.custody_of(session, mail.id)[-1].unit_id, post),
                is_confidential=mail.level > Confidentiality.ORDINARY,
                pending=pending.number_text if pending is not None else "",
            )
        )
    return tuple(found)


def suggest_envelopes(session: Session, envelope_ids: Sequence[int], *, post: HeldPost) -> tuple[SuggestedLine, ...]:
    """Lines proposed for sealed envelopes that the sending unit holds; others are left out."""
    found = []
    for envelope_id in dict.fromkeys(envelope_ids):
        envelope = session.get(SealedEnvelope, envelope_id)
        if envelope is None or not _lies_here(session, envelope_id, post):
            continue
        pending = carried_by(session, envelope_id=envelope_id)
        number = number_of(envelope.numbers)
        waits = pending.number_text if pending is not None else ""
        found.append(SuggestedLine(None, envelope_id, number, SEALED, envelope.count, pending is None, True, waits))
    return tuple(found)


def number_of(numbers: Sequence[MailNumber]) -> str:
    """The first valid number; empty without one."""
    return next((n.text for n in numbers if n.voided_at is None), "")


def carried_by(session: Session, *, mail_id: int | None = None, envelope_id: int | None = None) -> Slip | None:
    """The slip in transit that carries the paper of a letter or an envelope."""
    of = SlipLine.mail_id == mail_id if mail_id is not None else SlipLine.envelope_id == envelope_id
    return session.scalars(
        select(Slip)
        .join(SlipLine, SlipLine.slip_id == Slip.id)
        .where(of, SlipLine.is_original)
        .where(Slip.state.in_(CARRYING))
        .limit(1)
    ).first()


def confidential_among(session: Session, mail_ids: Iterable[int | None]) -> frozenset[int]:
    """The letters among these that no printed page may describe now."""
    wanted = {mail_id for mail_id in mail_ids if mail_id is not None}
    return frozenset(
        session.scalars(select(Mail.id).where(Mail.id.in_(wanted), Mail.level > int(Confidentiality.ORDINARY)))
    )


def shortened(text: str, maximum: int) -> str:
    """One line of at most ``maximum`` characters; an ellipsis says that there is more."""
    flat = " ".join(text.split())
    return flat if len(flat) <= maximum else flat[: maximum - 1].rstrip() + "…"


def check_head(form: SlipForm, today: date) -> None:
    """What a form must have by itself, before anything is read.

    Raises:
        Invalid: ``slip.no_lines``, ``slip.too_many_lines``, ``slip.no_receiver``, ``slip.return_by_missing``,
            ``slip.return_by_past``, ``slip.text_long``.
    """
    if not form.lines:
        raise Invalid("slip.no_lines", "add a line", field="lines")
    if len(form.lines) > MAX_LINES:
        raise Invalid(
            "slip.too_many_lines", "make several slips", field="lines", limit=MAX_LINES, count=len(form.lines)
        )
    if not form.receiver_unit_ids:
        raise Invalid("slip.no_receiver", "choose a receiving unit", field="receiver_unit_ids")
    if form.purpose is SlipPurpose.ON_LOAN and form.return_by is None:
        raise Invalid("slip.return_by_missing", "say when it must come back", field="return_by")
    if form.return_by is not None and form.return_by < today:
        raise Invalid("slip.return_by_past", "choose a coming day", field="return_by")
    for name, text, limit in (("remark", form.remark, MAX_REMARK), ("messenger", form.messenger, MAX_MESSENGER)):
        if len(text) > limit:
            raise Invalid("slip.text_long", "shorten it", field=name, limit=limit)


def _check_receivers(session: Session, receivers: Sequence[UnitId], post: HeldPost, actor: Actor) -> None:
    for unit_id in receivers:
        unit = session.get(Unit, unit_id)
        if unit is None or not in_ministry(unit.id, actor):
            raise NotFound("unit.unknown", "choose a unit of the list", id=int(unit_id))
        if unit.id == post.unit_id:
            raise Invalid("slip.same_unit", "choose another unit", field="receiver_unit_ids", unit=unit.name)
        if unit.closed_at is not None:
            raise Invalid("slip.unit_closed", "choose its successor", field="receiver_unit_ids", unit=unit.name)


def _line(session: Session, form: LineForm, no: int, post: HeldPost, actor: Actor) -> PlannedLine:
    if not 1 <= form.count <= MAX_COUNT:
        raise Invalid(
            "slip.count", "give the number of pieces", field=form.field("count", no), line=no, maximum=MAX_COUNT
        )
    if len(form.remark) > MAX_LINE_REMARK:
        raise Invalid("slip.text_long", "shorten it", field=form.field("remark", no), limit=MAX_LINE_REMARK)
    if form.mail_id is not None:
        return _letter(session, form, form.mail_id, no, post, actor)
    if form.envelope_id is not None:
        return _envelope(session, form, form.envelope_id, post)
    description = form.description.strip()
    if not description:
        raise Invalid("slip.description_missing", "describe the piece", field=form.field("description", no), line=no)
    if len(description) > MAX_DESCRIPTION:
        raise Invalid("slip.text_long", "shorten it", field=form.field("description", no), limit=MAX_DESCRIPTION)
    original = True if form.is_original is None else form.is_original
    return PlannedLine(description, "", form.count, form.remark.strip(), None, None, original, False)


def _letter(session: Session, form: LineForm, mail_id: MailId, no: int, post: HeldPost, actor: Actor) -> PlannedLine:
    mail = session.get(Mail, mail_id)
    if mail is None:
        raise NotFound("mail.unknown", "check the number", id=int(mail_id))
    access.require(session, mail.id, Confidentiality(mail.level), actor)
    confidential = mail.level > Confidentiality.ORDINARY
    # Everybody on the slip's way can read it: it must not describe a confidential letter.
    typed = "" if confidential else form.description.strip()
    if len(typed) > MAX_DESCRIPTION:
        raise Invalid("slip.text_long", "shorten it", field=form.field("description", no), limit=MAX_DESCRIPTION)
    number = number_of(mail.numbers)
    holder = custody.custody_of(session, mail.id)[-1]
    pending = carried_by(session, mail_id=mail.id)
    is_here = parties.holds(session, holder.unit_id, post)
    is_original = form.is_original
    if is_original is None:
        is_original = is_here and pending is None and custody.has_paper(session, mail)
    if is_original and not is_here:
        raise Invalid(
            "slip.paper_elsewhere", "send a copy, or ask that unit", field=form.field("original", no), number=number,
            unit=holder.unit_name, line=no,
        )  # fmt: skip
    if is_original and pending is not None:
        raise Invalid(
            "slip.paper_on_the_way", "wait for its reception", field=form.field("original", no), number=number,
            slip=pending.number_text, line=no,
        )  # fmt: skip
    description = typed or printed(mail)
    return PlannedLine(description, number, form.count, form.remark.strip(), mail_id, None, is_original, confidential)


def printed(mail: Mail) -> str:
    """What a slip says of a letter: its subject, or that it is confidential."""
    return described(mail.level, mail.subject)


def described(level: int, subject: str) -> str:
    """As ``printed``, of a letter's level and subject."""
    return CONFIDENTIAL if level > Confidentiality.ORDINARY else shortened(subject, MAX_DESCRIPTION)


def _envelope(session: Session, form: LineForm, envelope_id: int, post: HeldPost) -> PlannedLine:
    envelope = session.get(SealedEnvelope, envelope_id)
    if envelope is None or not _lies_here(session, envelope_id, post):
        raise NotFound("envelope.unknown", "check the number", id=envelope_id)
    number = number_of(envelope.numbers)
    pending = carried_by(session, envelope_id=envelope_id)
    if pending is not None:
        raise Invalid("slip.paper_on_the_way", "wait for its reception", number=number, slip=pending.number_text)
    return PlannedLine(SEALED, number, form.count, form.remark.strip(), None, envelope_id, True, True)


def _lies_here(session: Session, envelope_id: int, post: HeldPost) -> bool:
    return parties.holds(session, custody.custody_of_envelope(session, envelope_id)[-1].unit_id, post)


def _check_doubles(lines: Sequence[PlannedLine]) -> None:
    seen: set[tuple[str, int]] = set()
    for line in lines:
        for key in (("mail", line.mail_id), ("envelope", line.envelope_id)):
            kind, subject_id = key
            if subject_id is None:
                continue
            if (kind, int(subject_id)) in seen:
                raise Invalid("slip.line_twice", "remove one of the lines", field="lines", number=line.number)
            seen.add((kind, int(subject_id)))


def _check_refused(
    session: Session, form: SlipForm, lines: Sequence[PlannedLine], receiver_id: UnitId, actor: Actor
) -> None:
    goes = {int(line.mail_id): receiver_id for line in lines if line.mail_id is not None and line.is_original}
    refused = refusals.standing(session, goes, actor)
    for no, (line, typed) in enumerate(zip(lines, form.lines, strict=True), start=1):
        if line.mail_id in refused and not line.remark:
            raise refused_before(refused[line.mail_id], line.number, typed.field("remark", no))


def refused_before(refusal: Refusal, number: str, field: str) -> Invalid:
    """Why a paper does not go without a word to the unit that refused it."""
    return Invalid(
        "slip.refused_before", "say why it goes there again", field=field, number=number, unit=refusal.unit,
        slip=refusal.slip_number,
    )  # fmt: skip


def _as_copy(line: PlannedLine) -> PlannedLine:
    if line.envelope_id is not None:
        raise Invalid(
            "slip.envelope_once", "a sealed envelope goes to one unit", field="receiver_unit_ids", number=line.number
        )
    return PlannedLine(
        line.description, line.number, line.count, line.remark, line.mail_id, None, False, line.is_confidential
    )
