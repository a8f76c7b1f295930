"""What the boxes of a scanned fiche say, as a proposal for the authority's decision; and the decision taken by it.

The machine proposes, a person disposes: who may impute the letter confirms, corrects or leaves the proposal, and answers
for each doubtful box. The sheet becomes the letter's proof in the same unit of work, when it was not already.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from ged.capture.intake import VIRUS
from ged.capture.models import PaperCode, PaperState, Scan, ScanPage, ScanState
from ged.errors import Invalid, NotFound, StaleVersion
from ged.org.models import Unit
from ged.org.stock import kept_rows
from ged.org.tree import entity_of, in_ministry
from ged.paper import operations, queries
from ged.ports import BoxState, Digest, MailId, Quad, UnitId
from ged.register.documents import PictureSource
from ged.register.models import Mail
from ged.routing import due
from ged.routing import operations as routing
from ged.routing.models import Mention, SheetOutcome, SheetReading
from ged.routing.operations import ImputationForm
from ged.routing.rights import imputing_post
from ged.routing.sheet_form import OTHER, Offered, SheetForm, form_of, offered, said
from ged.routing.undoing import latest
from ged.unit import Actor, Services, UnitOfWork


@dataclass(frozen=True)
class BoxRow:
    """A box of the sheet that a person has to know of.

    Attributes:
        key: as ``ged.routing.sheet_form`` names boxes.
        kind: ``lead``, ``copy``, ``mention``, ``days``.
        name: of the unit or the mention; empty for the row written by hand, and for a delay.
        value: what a form sends for it: an id, a mention's code, working days; empty for the row written by hand.
    """

    key: str
    kind: str
    name: str
    value: str = ""


@dataclass(frozen=True)
class Fiche:
    """The proposal of one sheet.

    Attributes:
        version: of the scan that is shown.
        is_waiting: whether its code still waits: the decision confirms it.
        proposed: what the sure boxes say.
        questions: doubtful boxes; each is answered.
        taken_back: boxes that were ticked and struck out.
        remarks: ``two_leads``, ``no_lead``, ``two_delays``, ``other_by_hand``, ``date_by_hand``, ``gone``: what the person
            has to decide alone; ``decided``: the decision that stands would be replaced, as where a sheet is scanned a second time.
        has_note: whether something is written among the instructions.
    """

    scan_id: int
    version: int
    is_waiting: bool
    paper_id: int | None
    proposed: ImputationForm
    questions: tuple[BoxRow, ...] = ()
    taken_back: tuple[BoxRow, ...] = ()
    remarks: tuple[str, ...] = ()
    has_note: bool = False


def of_letter(session: Session, services: Services, mail_id: MailId | int, actor: Actor) -> Fiche | None:
    """The proposal that waits for the actor's decision on a letter: the latest sheet that no decision has followed."""
    mail = session.get_one(Mail, int(mail_id))
    decision = latest(session, mail.id)
    query = _readings(actor).where(SheetReading.mail_id == mail.id, SheetReading.outcome == SheetOutcome.READ)
    if decision is not None:
        query = query.where(SheetReading.read_at > decision.decided_at)
    found = session.execute(query.order_by(SheetReading.read_at.desc(), SheetReading.scan_id.desc()).limit(1)).first()
    if found is None:
        return None
    reading, scan, paper = found
    form = form_of(reading.code, key=services.code_key)
    if form is None or form.mail_id != mail.id:
        return None  # taken over from another installation, or read by a later program
    return _proposal(session, mail, reading, scan, paper, form, actor, is_decided=decision is not None)


def _readings(actor: Actor) -> Select[SheetReading, Scan, PaperCode]:
    """Readings with scan and code: of a scan that waits for the actor, or that is joined to the letter."""
    waits = (Scan.state == ScanState.WAITING) & (PaperCode.state == PaperState.WAITING) & queries.disposable(actor)
    joined = (Scan.state == ScanState.JOINED) & (Scan.mail_id == SheetReading.mail_id)
    return (
        select(SheetReading, Scan, PaperCode)
        .join(Scan, Scan.id == SheetReading.scan_id)
        .join(PaperCode, PaperCode.scan_id == Scan.id)
        .where(or_(waits, joined))
    )


@dataclass
class _Named:
    """The rows of a sheet that are still what was printed."""

    units: dict[int, Unit] = field(default_factory=dict)
    mentions: dict[int, Mention] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session, mail: Mail, form: SheetForm, actor: Actor) -> "_Named":
        def same(rows: tuple[Offered, ...], row_id: int, code: str) -> bool:
            return offered(row_id, code) in rows

        units = session.scalars(select(Unit).where(Unit.id.in_([one.id for one in form.units])))
        kept = kept_rows(session, Mention, [entity_of(mail.unit_id, actor.units)])
        return cls(
            {u.id: u for u in units if same(form.units, u.id, u.code) and not u.closed_at and in_ministry(u.id, actor)},
            {m.id: m for m in kept.values() if same(form.mentions, m.id, m.code)},
        )

    def row(self, key: str) -> BoxRow | None:
        """A box as people know it; None for one whose unit or mention is gone."""
        kind, _, text = key.partition(":")
        number = int(text)
        if kind == "days":
            return BoxRow(key, kind, "", text)
        if kind == "mention":
            mention = self.mentions.get(number)
            return BoxRow(key, kind, mention.label, mention.code) if mention is not None else None
        if number == OTHER:
            return BoxRow(key, kind, "")
        return BoxRow(key, kind, self.units[number].name, text) if number in self.units else None


def _proposal(
    session: Session,
    mail: Mail,
    reading: SheetReading,
    scan: Scan,
    paper: PaperCode,
    form: SheetForm,
    actor: Actor,
    *,
    is_decided: bool,
) -> Fiche:
    states = {str(key): BoxState(state) for key, state, *_ in reading.boxes}
    written = {str(key): bool(has_ink) for key, has_ink, *_ in reading.areas}
    named = _Named.of(session, mail, form, actor)
    sure = said(states)
    remarks = ["decided"] if is_decided else []
    leads = [one for one in sure.leads if one in named.units]
    copies = [one for one in sure.copies if one in named.units]
    mentions = [named.mentions[one].code for one in sure.mentions if one in named.mentions]
    asked = [row for key, state in states.items() if state is BoxState.DOUBTFUL and (row := named.row(key)) is not None]
    if len(sure.leads) > 1:
        remarks.append("two_leads")
    elif not sure.leads and not any(row.kind == "lead" for row in asked):
        remarks.append("no_lead")
    if len(sure.days) > 1:
        remarks.append("two_delays")
    if any(states.get(f"{kind}:{OTHER}") is BoxState.FILLED for kind in ("lead", "copy")) or written.get("other"):
        remarks.append("other_by_hand")
    if written.get("date"):
        remarks.append("date_by_hand")
    if any(state is not BoxState.EMPTY and named.row(key) is None for key, state in states.items()):
        remarks.append("gone")
    return Fiche(
        scan_id=scan.id,
        version=scan.version,
        is_waiting=scan.state is ScanState.WAITING,
        paper_id=paper.id,
        proposed=ImputationForm(
            leading_unit_id=UnitId(leads[0]) if len(sure.leads) == 1 and leads else None,
            other_unit_ids=tuple(UnitId(one) for one in copies),
            mentions=tuple(mentions),
            due_days=sure.days[0] if len(sure.days) == 1 and not written.get("date") else None,
        ),
        questions=tuple(asked),
        taken_back=tuple(
            row for key, state in states.items() if state is BoxState.TAKEN_BACK and (row := named.row(key))
        ),
        remarks=tuple(remarks),
        has_note=written.get("note", False),
    )


def impute(
    uow: UnitOfWork,
    mail_id: MailId,
    decision: ImputationForm,
    *,
    scan_id: int,
    scan_version: int | None,
    answers: Mapping[str, bool],
    version: int | None,
    actor: Actor,
    now: datetime,
) -> int:
    """Impute a letter after its sheet, and join the sheet as proof where it still waits. Returns the imputation's id.

    Args:
        decision: as the person confirms it; it holds what the answers say.
        answers: doubtful box -> whether the person sees it ticked.
        scan_version: of the sheet that was shown.

    Raises:
        StaleVersion: ``impute.sheet_gone``: the sheet that was shown proposes no more: a decision followed, somebody refused the
            sheet, or a later one came.
        Invalid: ``impute.sheet_doubtful``: a doubtful box has no answer.
        And as ``ged.paper.operations.confirm`` and ``ged.routing.operations.impute``.
    """
    due.hold_calendar(uow)  # the first of all locks; the sheet's scan comes before its letter
    mail = uow.session.get_one(Mail, int(mail_id))
    post = imputing_post(uow.session, mail, actor)
    fiche = of_letter(uow.session, uow.services, mail_id, actor)
    if fiche is None or fiche.scan_id != scan_id:
        raise StaleVersion("impute.sheet_gone", "look at the letter as it is now", id=scan_id)
    for row in fiche.questions:
        if row.key not in answers:
            raise Invalid("impute.sheet_doubtful", "look at the box, and say what it is", field=f"box-{row.key}")
    if fiche.is_waiting and fiche.paper_id is not None:
        operations.confirm(uow, fiche.paper_id, version=scan_version, actor=actor)
    made = routing.impute(uow, mail_id, decision, version=version, actor=actor, now=now)
    uow.record(
        "mail.imputed_by_sheet", "mail", int(mail_id), actor=actor, post=post, imputation=made, scan=scan_id,
        answers={row.key: answers[row.key] for row in fiche.questions}, remarks=list(fiche.remarks),
        as_proposed=not fiche.questions and _same(decision, fiche.proposed),
    )  # fmt: skip
    return made


def _same(decision: ImputationForm, proposed: ImputationForm) -> bool:
    """Whether nothing but the instructions, which nobody reads by machine, was changed."""
    return (
        decision.leading_unit_id == proposed.leading_unit_id
        and decision.leading_post_id is None
        and set(decision.other_unit_ids) == set(proposed.other_unit_ids)
        and not decision.other_post_ids
        and set(decision.mentions) == set(proposed.mentions)
        and decision.due_days == proposed.due_days
    )


def part_source(
    session: Session, services: Services, mail_id: int, part: str, actor: Actor
) -> tuple[PictureSource, Quad]:
    """The picture of a part of the sheet that proposes for a letter: a box or an area by its key.

    Raises:
        NotFound: ``paper.unknown``: no sheet proposes, or it has no such part.
        Forbidden: ``impute.forbidden``.
    """
    unknown = NotFound("paper.unknown", "reload the page", id=mail_id)
    fiche = of_letter(session, services, mail_id, actor)
    if fiche is None:
        raise unknown
    imputing_post(session, session.get_one(Mail, mail_id), actor)
    reading = session.get_one(SheetReading, fiche.scan_id)
    places = {str(key): place for key, *_, place in [*reading.boxes, *reading.areas]}
    page = session.get(ScanPage, reading.scan_page_id)
    if part not in places or page is None or page.problem == VIRUS:
        raise unknown
    one, two, three, four = ((float(x), float(y)) for x, y in places[part])
    return PictureSource(None, Digest(page.digest), page.media_type, page.page_index, 0), (one, two, three, four)
