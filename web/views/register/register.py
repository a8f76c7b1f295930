"""Registering arrivals: the clerk's form, the result page with number, label and receipt."""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum, IntEnum
from io import BytesIO

from flask import Blueprint, Response, jsonify, redirect, render_template, request, send_file, session, url_for
from flask.typing import ResponseReturnValue

from ged.capture import arrange, separators, turns
from ged.capture import letters as scan_letters
from ged.capture import queries as scan_queries
from ged.capture.letters import EarlierRow
from ged.capture.queries import ScanRow
from ged.dispatch import queries as dispatch_queries
from ged.dispatch import signed_outside
from ged.errors import GedError, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.mailbox import operations as mailbox
from ged.mailbox import signatures as message_signatures
from ged.natures import queries as nature_queries
from ged.natures.queries import NatureRow
from ged.org.stock import entities_of
from ged.paper import reserve_sheets, reserve_typed
from ged.paper.reserve_sheets import SheetLine
from ged.paper.reserve_typed import Typing
from ged.ports import Confidentiality, MailId, PostId, RegisterId, ScanId
from ged.recognition import signatures
from ged.register import correspondents, entry, opening, operations, prints, queries
from ged.register.entry import DuplicateRow
from ged.register.models import Channel, Direction, Priority
from ged.register.operations import MAX_NAME, MAX_SUBJECT, IncomingForm, is_long_ago
from ged.register.queries import LetterView, NumberRow, clerk_unit_ids
from ged.reserve import operations as reserve
from ged.reserve import queries as reserve_queries
from ged.reserve.queries import BookRow, Citation, LineRow
from ged.resuming import operations as resuming
from ged.resuming import queries as resuming_queries
from ged.resuming.queries import LostRow
from ged.routing import due
from ged.sheets import Sheet
from ged.suggestions import known, matching, readings
from ged.suggestions.form import ScanProposals, for_scan
from ged.unit import Actor, ReadSession, UnitOfWork
from web.site import context
from web.site.forms import FormReader
from web.site.letter_numbers import letter_of
from web.site.numbers import whole
from web.site.pages import render_form
from web.views.register import outgoing
from web.words.labels import LINKS
from web.words.labels import label as label_of
from web.words.messages import gettext as _

blueprint = Blueprint("register", __name__, url_prefix="/enregistrer")

REFUSALS = (Invalid, InvalidTransition, StaleVersion)
# The length of ``secrets.token_urlsafe()``.
MAX_TOKEN = 43
LINK_KINDS = ("related", "reminder_of", "reply_to")
REMEMBERED = ("register_id", "addressed_post_id", "channel")


@dataclass(frozen=True)
class _Registration:
    """The parsed form: the register, the letter, and its waiting scan."""

    register_id: RegisterId
    form: IncomingForm
    scan_id: int | None
    scan_version: int | None
    lost_id: int | None
    """The lost number that the paper bears, where the letter is entered again after a restore."""
    line_id: int | None = None
    """The line of a reserve book on which the letter was received, and the moment that is written there."""
    received_at: datetime | None = None


@dataclass(frozen=True)
class _ReserveLines:
    """The reserve book whose lines are entered: those that are open, the proposed one, and the day of the last one.

    ``sheet``: what a scanned page says of the proposed line; ``to_type``: how many open lines are not surely empty or void by their
    scanned pages; None: no page was scanned. ``typed``: what was typed at a desk without the server.
    """

    book: BookRow
    lines: Sequence[tuple[int, str]]
    line_id: int | None
    on: date
    sheet: SheetLine | None = None
    to_type: int | None = None
    typed: Typing | None = None

    line_text: str = ""
    line_no: int | None = None
    """The number of the proposed line, and its place in the book."""


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The form, alone or (``?scan=``) beside a waiting scan."""
    return _page(request.args.get("scan", type=whole))


@blueprint.get("/numerisation/<int:scan_id>")
def form(scan_id: int) -> ResponseReturnValue:
    """The form beside a scan: scan first, number after."""
    return _page(scan_id)


def _page(
    scan_id: int | None, error: GedError | None = None, *, alike: Sequence[DuplicateRow] = (), order_mark: str = ""
) -> ResponseReturnValue:
    """The form; ``alike`` are letters that the typed values seem to duplicate; ``order_mark`` is the moment of a line that
    does not stand in the order of the lines."""
    actor = context.actor()
    with context.services().reading() as db:
        registers = entry.arrival_registers(db, actor)
        near, far = entry.authorities(db, actor, on=context.today())
        usual = entry.last_addressed(db, actor)
        natures = nature_queries.offered(db, Direction.INCOMING, entities_of(actor))
        scan: ScanRow | None = scan_queries.scan(db, scan_id, actor) if scan_id is not None else None
        sheet_id = scan.separator_id if scan is not None else None
        preset = separators.preset(db, sheet_id) if sheet_id is not None else None
        message = mailbox.message_of_scan(db, scan.id) if scan is not None else None
        proposals: ScanProposals | None = None
        earlier: Sequence[EarlierRow] = ()
        if scan is not None and scan.is_waiting:
            proposals = for_scan(db, context.services(), scan, actor)
            digests = scan_letters.digests_of_scan(db, scan.id)
            earlier = scan_letters.same_bytes(db, digests, actor, except_scan=scan.id)
        waiting = turns.to_register(db, actor) if scan is not None else 0
        scan_ids = [scan.id] if scan is not None and scan.is_waiting else []
        verdict = signatures.of_scans(db, scan_ids).get(scan_ids[0]) if scan_ids else None
        awaited = bool(signatures.awaited_scans(db, scan_ids)) if scan_ids else False
        others = signed_outside.register_natures_kept(db, actor)
        lost = _lost(db, actor)
        carnet = _reserve(db, actor)
        if carnet is not None:
            registers = [one for one in registers if one[0] == carnet.book.register_id]
    groups = [(_("Autres entités"), far)] if far else []
    return render_form(
        "register/form.html",
        error=error,
        registers=registers,
        authorities=[*near, *groups] if near else far,
        scan=scan,
        preset=preset,
        message=message,
        signature=message_signatures.on_view(context.services(), message),
        proposals=proposals,
        link_kinds=[(kind, str(LINKS[kind, True])) for kind in LINK_KINDS],
        natures=[(one.code, one.name) for one in natures],
        nature_offers={
            one.code: {"delay_days": one.delay_days, "register_id": one.register_id, "level": int(one.level)}
            for one in natures
        },
        nature_delays=_delays(natures),
        nature_levels=_levels(natures),
        channels=list(Channel),
        priorities=list(Priority),
        levels=[level for level in Confidentiality if level < Confidentiality.SECRET or level <= actor.clearance],
        lost=lost,
        carnet=carnet,
        last={
            "addressed_post_id": usual,
            **session.get("registering", {}),
            **({"register_id": lost.register_id} if lost else {}),
            **({"register_id": carnet.book.register_id} if carnet else {}),
        },
        request_token=secrets.token_urlsafe(),
        alike=alike,
        alike_mark=entry.mark_of(alike),
        order_mark=order_mark,
        earlier=earlier,
        before=_registered(request.args.get("apres", type=whole)),
        waiting=waiting,
        verdict=verdict,
        awaited=awaited,
        kinds=outgoing.KINDS,
        others=[(outgoing.ADDRESSES[nature], outgoing.title_of(nature)) for nature in others],
    )


def _lost(db: ReadSession, actor: Actor) -> LostRow | None:
    """The lost number whose letter is entered again (``perdu``); None, too, when a colleague has just entered it."""
    number_id = request.values.get("perdu", type=whole)
    with suppress(NotFound):
        return resuming_queries.lost_one(db, actor, number_id) if number_id is not None else None
    return None


def _reserve(db: ReadSession, actor: Actor) -> _ReserveLines | None:
    """The lines of the book that are entered now (``carnet``, ``ligne``).

    Raises:
        NotFound: ``reserve.unknown``.
    """
    book_id = request.values.get("carnet", type=whole)
    if book_id is None:
        return None
    book, asked = reserve_queries.book(db, actor, book_id), request.values.get("ligne", type=whole)
    lines = reserve_queries.open_lines(db, book_id) if book.is_open else []
    ids = [line_id for line_id, _text in lines]
    found = reserve_sheets.lines_of(db, book_id, actor) if ids else {}
    rows = {row.id: row for row in reserve_queries.lines(db, actor, book_id)} if ids else {}
    # Lines that the scanned pages show as empty come last.
    typed = reserve_typed.of_book(db, book_id, actor) if ids else {}
    written = {row.id for row in reserve_sheets.to_type(list(rows.values()), found)} | set(typed) if found else set(ids)
    ahead = [one for one in ids if one in written] or ids
    following = (
        asked
        if asked in ids
        else next((one for one in ahead if asked is None or one > asked), ahead[0] if ahead else None)
    )
    row = rows.get(following) if following is not None else None
    proposed = typed.get(row.id) if row is not None else None
    return _ReserveLines(
        book, lines, following, proposed.received_on if proposed is not None else _day_of_line(db, book_id, row),
        found.get(row.line_no) if row is not None else None, len(written.intersection(ids)) if found else None, proposed,
        row.text if row is not None else "", row.line_no if row is not None else None,
    )  # fmt: skip


def _day_of_line(db: ReadSession, book_id: int, row: LineRow | None) -> date:
    """The day that is proposed for a line: that of the line before it, or after it; today where none was entered."""
    before, after = reserve_queries.around(db, book_id, row.line_no) if row is not None else (None, None)
    beside = before or after
    return beside.received_at.astimezone(context.services().zone).date() if beside is not None else context.today()


def _delays(natures: Sequence[NatureRow]) -> str:
    """The delays of the natures in words, for who has no script that types them."""
    delays = [_("%(nature)s %(days)s", nature=one.name, days=one.delay_days) for one in natures if one.delay_days]
    return _("Proposé selon la nature : %(delays)s.", delays=", ".join(delays)) if delays else ""


def _levels(natures: Sequence[NatureRow]) -> str:
    """The levels that natures propose, in words, for who has no script that chooses them."""
    levels = [f"{one.name} {label_of(one.level)}" for one in natures if one.level]
    return _("Proposée selon la nature : %(levels)s.", levels=", ".join(levels)) if levels else ""


def _old_date(letter: LetterView) -> date | None:
    """The date of a letter that is so old that it may be a typing error; None otherwise. Old letters do arrive, so it is not refused."""
    return letter.written_on if is_long_ago(letter.written_on, letter.created_at.date()) else None


@dataclass(frozen=True)
class JustRegistered:
    """The letter that was registered just before, whose number stands above the next form.

    Attributes:
        cited: the line of the reserve book that it was entered from.
        old_date: its date, where that is very old.
    """

    mail_id: MailId
    number: NumberRow
    cited: Citation | None
    old_date: date | None


def _registered(number_id: int | None) -> JustRegistered | None:
    if number_id is None:
        return None
    with context.services().reading() as db:
        view = queries.letter(db, entry.mail_of_number(db, number_id, context.actor()), context.actor())
        cited = reserve_queries.citations(db, [number_id]).get(number_id)
    number = next(row for row in view.numbers if row.id == number_id)
    return JustRegistered(view.id, number, cited, _old_date(view))


@blueprint.post("/")
def register() -> ResponseReturnValue:
    """Number the letter; join the waiting scan in the same transaction."""
    scan_id = request.form.get("scan_id", type=whole)
    actor, now = context.actor(), context.now()
    alike: Sequence[DuplicateRow] = ()
    try:
        typed = _read()
        with context.services().unit_of_work(now) as uow:
            # The scan before the register's counter, which is locked when the number is taken: the order of
            # ``ged.locks.ORDER``.
            if typed.scan_id is not None:
                arrange.hold_first(uow, typed.scan_id, actor=actor)
            pages = reserve_sheets.hold_of_line(uow, typed.line_id) if typed.line_id is not None else []
            alike = entry.lookalikes(uow.session, typed.form, actor=actor)
            if alike and request.form.get("looked_at") != entry.mark_of(alike):
                raise Invalid("mail.registered_before", "compare the two", field="looked_at")
            if typed.line_id is not None and typed.received_at is not None:
                _require_order(uow, typed.line_id, typed.received_at)
            form = due.counted(uow, typed.form)
            done = operations.register_incoming(uow, typed.register_id, form, actor=actor, now=now)
            if typed.scan_id is not None and not done.is_repeated:
                arrange.join_to_mail(
                    uow,
                    ScanId(typed.scan_id),
                    done.mail_id,
                    actor=actor,
                    now=now,
                    version=typed.scan_version,
                    turned=readings.turns_of_scan(uow.session, typed.scan_id),
                )
            if typed.line_id is not None and typed.received_at is not None and not done.is_repeated:
                reserve.enter(
                    uow, typed.line_id, done.mail_id, done.number_id, received_at=typed.received_at, actor=actor
                )
                reserve_sheets.keep(uow, pages, actor=actor)
                reserve_typed.entered(uow, typed.line_id)
            if typed.lost_id is not None and not done.is_repeated:
                resuming.retake(uow, typed.lost_id, done.mail_id, actor=actor)
    except REFUSALS as error:
        is_out_of_order = error.code in {"reserve.before_line", "reserve.after_line"}
        return _page(scan_id, error, alike=alike, order_mark=_order_mark() if is_out_of_order else "")
    following: ScanId | None = None
    if typed.scan_id is not None:
        # In a unit of work of its own: in the one above, others wait for the register's counter.
        with context.services().unit_of_work(now) as uow:
            following = turns.take_next(uow, actor=actor)
    session["registering"] = _to_remember()
    if typed.line_id is not None:
        book_id = request.form.get("carnet", type=whole)
        return redirect(url_for("register.index", carnet=book_id, ligne=typed.line_id, apres=done.number_id), 303)
    if following is not None:
        return redirect(url_for("register.form", scan_id=following, apres=done.number_id), 303)
    return redirect(url_for("register.done", number_id=done.number_id), 303)


def _require_order(uow: UnitOfWork, line_id: int, received_at: datetime) -> None:
    """Ask once where the moment of a line is not between those of the lines around. Another moment is asked anew."""
    if request.form.get("order_looked_at") != received_at.isoformat():
        reserve.check_order(uow, line_id, received_at)


def _to_remember() -> dict[str, str]:
    """What the next form offers first. An e-mail says by itself how it came; paper after it came as paper did before."""
    kept = {name: request.form.get(name, "") for name in REMEMBERED}
    if kept["channel"] == Channel.EMAIL:
        kept["channel"] = session.get("registering", {}).get("channel", "")
    return kept


def _read() -> _Registration:
    fields = FormReader(request.form)
    register_id = fields.integer("register_id", required=True)
    form = _completed(_read_letter(fields), register_id, fields)
    line_id, received_at = _read_line(fields)
    if form.due_on is not None and form.received_on is not None and form.due_on < form.received_on:
        fields.refuse(Invalid("mail.due_before_arrival", "correct the date", field="due_on"))
    fields.check()
    return _Registration(
        register_id=RegisterId(register_id or 0),
        form=form,
        scan_id=request.form.get("scan_id", type=whole),
        scan_version=request.form.get("scan_version", type=whole),
        lost_id=request.form.get("perdu", type=whole),
        line_id=line_id,
        received_at=received_at,
    )


def _read_line(fields: FormReader) -> tuple[int | None, datetime | None]:
    """The line of the reserve book, and the moment that is written on it; nothing where no book is entered."""
    if not request.form.get("carnet"):
        return None, None
    line_id = fields.integer("ligne", required=True)
    day, clock = fields.day("received_on", required=True), fields.clock("received_clock", required=True)
    if day is None or clock is None:
        return line_id, None
    return line_id, datetime.combine(day, clock, tzinfo=context.services().zone)


def _order_mark() -> str:
    """The moment that was sent, as the box names it that confirms it."""
    _line, received_at = _read_line(FormReader(request.form))
    return received_at.isoformat() if received_at is not None else ""


def _read_letter(fields: FormReader) -> IncomingForm:
    """The letter's fields, each checked separately."""
    nature = fields.text("nature", maximum=32)
    if nature:
        with context.services().reading() as db:
            try:
                nature_queries.require(db, nature, Direction.INCOMING, entities_of(context.actor()))
            except Invalid as unknown:
                fields.refuse(unknown)
    related_as = fields.text("related_as", maximum=32) or "related"
    if related_as not in LINK_KINDS:
        fields.refuse(Invalid("form.unknown_choice", "choose from the list", field="related_as"))
    return IncomingForm(
        addressed_post_id=PostId(fields.integer("addressed_post_id", required=True, minimum=1) or 0),
        sender_name=fields.on_paper("sender_name", required=True, maximum=MAX_NAME),
        subject=" ".join(fields.on_paper("subject", required=True, maximum=MAX_SUBJECT).split()),
        received_on=fields.day("received_on") or context.today(),
        due_on=fields.day("due_on"),
        addressee=fields.on_paper("addressee", maximum=300),
        their_reference=fields.on_paper("their_reference", maximum=100),
        written_on=fields.day("written_on"),
        nature=nature,
        channel=fields.choice("channel", Channel) or Channel.HAND,
        priority=fields.choice("priority", Priority) or Priority.NORMAL,
        enclosure_count=fields.integer("enclosure_count", maximum=9999) or 0,
        enclosure_note=fields.on_paper("enclosure_note", maximum=300),
        level=Confidentiality(fields.integer("level", maximum=2) or 0),
        related_as=related_as,
        request_token=request.form.get("request_token", "")[:MAX_TOKEN] or None,
    )


def _completed(form: IncomingForm, register_id: int | None, fields: FormReader) -> IncomingForm:
    """The form checked against the database, with the due date, and the related letter found by its number."""
    actor = context.actor()
    days, related = fields.integer("delay_days", maximum=366), fields.text("related_number", maximum=64)
    chosen = fields.integer("related_number_letter")
    with context.services().reading() as db:
        near, far = entry.authorities(db, actor, on=context.today())
        if form.addressed_post_id and form.addressed_post_id not in {one[0] for one in (*near, *far)}:
            fields.refuse(Invalid("form.unknown_choice", "choose from the list", field="addressed_post_id"))
        if register_id is not None and register_id not in {one[0] for one in entry.arrival_registers(db, actor)}:
            fields.refuse(Invalid("form.unknown_choice", "choose from the list", field="register_id"))
        if days is not None and form.due_on is None:
            form = replace(form, due_days=days)
        if related:
            try:
                other = letter_of(db, related, field="related_number", chosen=chosen)
                form = replace(form, related_to=other)
            except Invalid as unknown:
                fields.refuse(unknown)
    return form


@blueprint.get("/expediteurs")
def senders() -> ResponseReturnValue:
    """Suggestions while the sender is typed: names that hold the words, else names that are like them."""
    name, actor = request.args.get("sender_name", "")[:MAX_NAME], context.actor()
    with context.services().reading() as db:
        rows = correspondents.suggest(db, name, actor=actor)
        near = [] if rows else matching.best_matches(db, name, entity_ids=correspondents.entities_of(db, actor))
    return render_template("register/_senders.html", rows=rows, near=near)


@blueprint.get("/connus")
def known_senders() -> ResponseReturnValue:
    """The senders of the clerk's registers with their latest subjects and references: ``[[name, subjects, references]]``.

    With ``?sens=`` a row without a name comes first: the subjects of letters that leave, or that stay within.
    The form asks once, so completion waits for no network.
    """
    actor = context.actor()
    asked = request.args.get("sens", "")
    direction = next((one for one in (Direction.OUTGOING, Direction.INTERNAL) if one.value == asked), None)
    with context.services().reading() as db:
        units = clerk_unit_ids(actor)
        rows = known.known_senders(db, actor, unit_ids=units)
        own = known.known_subjects(db, actor, unit_ids=units, direction=direction) if direction is not None else []
    first = [["", own, []]] if own else []
    return jsonify([*first, *([one.name, one.subjects, one.references] for one in rows)])


@blueprint.get("/doublons")
def duplicates() -> ResponseReturnValue:
    """Whether the letter may have been registered before, asked while it is typed, and whether its sender is new."""
    fields, actor = FormReader(request.args), context.actor()
    name = " ".join(request.args.get("sender_name", "")[:MAX_NAME].split())
    token = request.args.get("request_token", "")[:MAX_TOKEN] or None
    with context.services().reading() as db:
        rows = entry.registered_before(
            db, sender_name=name, their_reference=request.args.get("their_reference", "")[:100], actor=actor,
            request_token=token,
        )  # fmt: skip
        has_reference = bool(rows)
        subject = " ".join(request.args.get("subject", "")[:MAX_SUBJECT].split())
        if not rows and subject:
            rows = entry.like_letters(
                db, sender_name=name, subject=subject, received_on=fields.day("received_on") or context.today(),
                actor=actor, request_token=token,
            )  # fmt: skip
        is_new = bool(name) and not correspondents.is_known(db, name, actor=actor)
        own = correspondents.entities_of(db, actor)
        near = matching.best_matches(db, name, entity_ids=own) if is_new else []
    mark = entry.mark_of(rows)
    return render_template(
        "register/_looked_up.html", rows=rows, new_sender=name if is_new else "", near=near, alike_mark=mark,
        is_looked_at=bool(mark) and request.args.get("looked_at") == mark, alike_by_subject=not has_reference,
    )  # fmt: skip


@blueprint.get("/<int:number_id>/enregistre")
def done(number_id: int) -> ResponseReturnValue:
    """The result page: the number, large, and the next steps."""
    actor = context.actor()
    with context.services().reading() as db:
        view = queries.letter(db, entry.mail_of_number(db, number_id, actor), actor)
        number = next(row for row in view.numbers if row.id == number_id)
        rows = entry.registered_before(
            db,
            sender_name=view.sender_name,
            their_reference=view.their_reference,
            actor=actor,
            except_mail=view.id,
        )
        has_document = bool(queries.attachments(db, view.id))
        kind = outgoing.address_of(db, number.register_id)
        copies = [one.name for one in dispatch_queries.lines(db, view.id, actor) if one.is_copy]
    return render_template(
        "register/done.html",
        letter=view,
        number=number,
        rows=rows,
        has_document=has_document,
        kind=kind,
        copies=copies,
        old_date=_old_date(view),
    )


@blueprint.get("/<int:number_id>/etiquette.pdf")
def label(number_id: int) -> ResponseReturnValue:
    """The label to stick on the paper."""
    services = context.services()
    with services.reading() as db:
        sheet = prints.label(db, services, number_id, context.actor())
    return _pdf(sheet)


@blueprint.get("/<int:number_id>/recepisse.pdf")
def receipt(number_id: int) -> ResponseReturnValue:
    """The deposit receipt for the person who brought the letter (``?deposant=``)."""
    services, actor = context.services(), context.actor()
    depositor = " ".join(request.args.get("deposant", "").split())
    with services.reading() as db:
        sheet = prints.receipt(db, services, number_id, actor, depositor=depositor)
        view = queries.letter(db, entry.mail_of_number(db, number_id, actor), actor)
    if view.level >= Confidentiality.RESTRICTED:
        with services.unit_of_work(context.now()) as uow:
            opening.record_printing(uow, view.id, what="receipt", actor=actor)
    return _pdf(sheet)


def _pdf(sheet: Sheet) -> Response:
    return send_file(BytesIO(sheet.pdf()), mimetype="application/pdf", download_name=sheet.filename)


@blueprint.app_template_filter()
def map_labels(members: Iterable[Enum]) -> list[tuple[str, str]]:
    """(value, French name) of enumeration members, for a choice."""
    return [(str(member.value), label_of(member)) for member in members]


@blueprint.app_template_filter()
def map_numbers(members: Iterable[IntEnum]) -> list[tuple[int, str]]:
    """(number, French name) of numbered members, for a choice."""
    return [(int(member), label_of(member)) for member in members]
