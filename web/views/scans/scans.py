"""Waiting scans from scanners and uploads: the unit's clerk arranges them and joins them to letters."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from ged import destroyed
from ged.capture import arrange, bridges, drawing, files, intake, separators, turns
from ged.capture import desks as scan_desks
from ged.capture import letters as scan_letters
from ged.capture import orders as scan_orders
from ged.capture import pictures as scan_pictures
from ged.capture import profiles as scan_profiles
from ged.capture import queries as scan_queries
from ged.capture.desks import BridgeRow
from ged.capture.files import Upload
from ged.capture.letters import EarlierRow
from ged.capture.queries import ScanRow
from ged.dispatch import signed_outside
from ged.errors import EngineFailed, GedError, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.filenames import harmless_name
from ged.mailbox import operations as mailbox
from ged.mailbox import signatures as message_signatures
from ged.paper import queries as paper_queries
from ged.ports import MailId, ScanId
from ged.recognition import signatures
from ged.register import opening
from ged.register.models import AttachmentKind, RegisterNature
from ged.suggestions.form import heads
from ged.unit import ReadSession
from web.site import auth, context, pictures
from web.site.errors import FormRefused
from web.site.forms import FormReader
from web.site.letter_numbers import letter_of
from web.site.numbers import MAX_NUMBER, id_of, whole
from web.site.pages import render_form
from web.site.scan_form import RESOLUTIONS, read_choice, scan_form
from web.words.fault_words import FAULTS, OTHER
from web.words.messages import gettext as _
from web.words.messages import ngettext

blueprint = Blueprint("scans", __name__, url_prefix="/numerisations")

PAGE_PX = 1400
JUST_NOW = timedelta(minutes=2)
JOINED_SHOWN = timedelta(hours=12)
MAX_FILES = 20
SHOWN = 100
REFUSALS = (Invalid, InvalidTransition, StaleVersion)


@dataclass(frozen=True)
class _Live:
    """The data that changes while a scanner works. ``mark`` changes when the page's list of scans is outdated."""

    orders: Sequence[scan_desks.OrderRow]
    batches: Sequence[scan_desks.BatchRow]
    mark: str
    poll_s: int
    faults = FAULTS
    other_fault = OTHER


# --- the list -----------------------------------------------------------------------------------------------------


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Waiting scans, the scanners' activity, the forms for more scans."""
    return _index()


def _index(error: GedError | None = None) -> ResponseReturnValue:
    actor, now = context.actor(), context.now()
    with context.services().reading() as session:
        listed = _listed(session)
        unit_ids = scan_queries.clerk_units(actor)
        desks = scan_desks.bridges(session, unit_ids, now=now)
        own, last = scan_profiles.profiles(session, unit_ids), scan_profiles.last_choice(session, actor)
        scanning = scan_form(desks, own, last, request.values.get("profil", ""))
        live = _live(session, listed["rows"], listed)
    return render_form(
        "scans/index.html", error=error, live=live, bridges=desks, scanning=scanning, resolutions=RESOLUTIONS, **listed
    )


def _listed(session: ReadSession) -> dict[str, Any]:
    """What the list of the page shows."""
    actor, now = context.actor(), context.now()
    found = scan_queries.waiting(session, actor, limit=SHOWN + 1)
    rows, is_cut = found[:SHOWN], len(found) > SHOWN
    return {
        "rows": rows,
        "is_cut": is_cut,
        "units": scan_queries.unit_names(session, scan_queries.clerk_units(actor)),
        "before": scan_letters.received_before(session, rows, actor),
        "awaited": signatures.awaited_scans(session, [row.id for row in rows]),
        "at_work": turns.at_work(session, [row.id for row in rows], actor, now=now),
        "discarded": scan_queries.discarded(session, actor, since=now - scan_queries.RECENT),
        "to_confirm": paper_queries.count(session, actor),
        "departures": RegisterNature.DEPARTURE in signed_outside.register_natures_kept(session, actor),
        **_said_of_scans(session, rows),
    }


def _said_of_scans(session: ReadSession, rows: Sequence[ScanRow]) -> dict[str, Any]:
    """What the list says of its scans, and those that were joined by their labels: by all this it changes."""
    return {
        "heads": heads(session, rows),
        "verdicts": signatures.of_scans(session, [row.id for row in rows]),
        "joined": scan_queries.recently_joined(session, context.actor(), since=context.now() - JOINED_SHOWN),
    }


def _live(session: ReadSession, rows: Sequence[ScanRow], said: Mapping[str, Any]) -> _Live:
    """The part that follows the scanners; ``said`` holds what ``_said_of_scans`` says of the rows."""
    actor, now = context.actor(), context.now()
    orders = scan_desks.orders(session, actor, since=now - JUST_NOW, now=now)
    batches = scan_desks.unsettled(session, actor)
    seen = ",".join(f"{row.id}.{row.version}" for row in (*rows, *said["joined"]))
    seen += ",".join(f"{scan_id}.{head.progress}" for scan_id, head in said["heads"].items())
    seen += ",".join(f"{scan_id}.{one.verdict}" for scan_id, one in said["verdicts"].items())
    busy = bool(batches) or any(order.is_at_work for order in orders)
    return _Live(orders, batches, hashlib.sha256(seen.encode()).hexdigest()[:12], 2 if busy else 10)


@blueprint.get("/en-cours")
def progress() -> ResponseReturnValue:
    """The part of the page that follows the scanners, and the list if it has changed.

    The page itself is never loaded again: chosen files and typed text would be lost.
    """
    with context.services().reading() as session:
        rows = scan_queries.waiting(session, context.actor(), limit=SHOWN)
        live = _live(session, rows, _said_of_scans(session, rows))
        changed = request.args.get("liste", live.mark) != live.mark
        listed = _listed(session) if changed else {}
    shown = render_template("scans/_live.html", live=live)
    return shown + render_template("scans/_list.html", replaces=True, **listed) if changed else shown


# --- scanners -----------------------------------------------------------------------------------------------------


@blueprint.post("/numeriser")
def order() -> ResponseReturnValue:
    """Order a new batch from a scanner."""
    return _order()


def _order(into_scan_id: int | None = None) -> ResponseReturnValue:
    fields = FormReader(request.form)
    choice = read_choice(fields)
    # Into a waiting scan: "12" means behind page 12, "12-replaces" instead of page 12, empty at the end.
    behind, replaces, _rest = fields.text("place", maximum=32).partition("-replaces")
    into = scan_orders.ScanTarget(
        scan_id=into_scan_id,
        leaf_id=id_of(behind),
        replaces_leaf=bool(replaces),
    )
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            scan_orders.order_scan(
                uow,
                choice.bridge_id,
                choice.settings,
                actor=context.actor(),
                now=context.now(),
                device=choice.device,
                into=into,
            )
    except REFUSALS as error:
        return _index(error) if into_scan_id is None else _show(into_scan_id, error)
    flash(_("La demande est transmise au scanner."), "success")
    return redirect(url_for("scans.index"), 303)


@blueprint.post("/ordres/<int:order_id>/page-suivante")
def next_page(order_id: int) -> ResponseReturnValue:
    """One more pass into an open batch, with the same settings: a page, the backs, or the rest after a fault."""
    with context.services().unit_of_work(context.now()) as uow:
        scan_orders.next_pass(
            uow, order_id, actor=context.actor(), now=context.now(), same_side="same_side" in request.form
        )
    return redirect(url_for("scans.index"), 303)


@blueprint.post("/profils")
def keep_profile() -> ResponseReturnValue:
    """Save the form's settings under a name, for the unit of the chosen desk."""
    fields = FormReader(request.form)
    choice, name = read_choice(fields), fields.text("profile_name", maximum=60)
    actor, now = context.actor(), context.now()
    try:
        fields.check()
        with context.services().unit_of_work(now) as uow:
            unit_id = bridges.unit_of(uow.session, choice.bridge_id)
            profile_id = scan_profiles.keep(uow, unit_id, name, choice.settings, actor=actor, now=now)
    except REFUSALS as error:
        return _index(error)
    flash(_("Le profil est enregistré."), "success")
    return redirect(url_for("scans.index", profil=profile_id), 303)


@blueprint.post("/profils/<int:profile_id>/supprimer")
def forget_profile(profile_id: int) -> ResponseReturnValue:
    """Delete a profile of the unit."""
    with context.services().unit_of_work(context.now()) as uow:
        scan_profiles.forget(uow, profile_id, actor=context.actor())
    flash(_("Le profil est supprimé."), "success")
    return redirect(url_for("scans.index"), 303)


@blueprint.post("/ordres/<int:order_id>/annuler")
def cancel(order_id: int) -> ResponseReturnValue:
    """Stop an order."""
    with context.services().unit_of_work(context.now()) as uow:
        scan_orders.cancel_order(uow, order_id, actor=context.actor(), now=context.now())
    return redirect(url_for("scans.index"), 303)


@blueprint.post("/lots/<int:batch_id>/terminer")
def complete(batch_id: int) -> ResponseReturnValue:
    """Complete a batch: all its pages have arrived."""
    with context.services().unit_of_work(context.now()) as uow:
        intake.complete_by_clerk(uow, batch_id, actor=context.actor(), now=context.now())
    return redirect(url_for("scans.index"), 303)


@blueprint.get("/postes")
def desks() -> ResponseReturnValue:
    """The bridges of the actor's units, and a way to add one."""
    return _desks()


def _desks(code: str = "", error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()
    with context.services().reading() as session:
        unit_ids = bridges.pairable_units(session, actor)
        units = scan_queries.unit_names(session, unit_ids)
        rows: list[BridgeRow] = scan_desks.bridges(session, bridges.desk_units(actor), now=context.now())
        work = scan_desks.bridge_work(session, [row.id for row in rows])
    return render_form("scans/desks.html", error=error, rows=rows, work=work, units=units, code=code)


@blueprint.post("/postes/appairer")
def pairing_code() -> ResponseReturnValue:
    """Show a pairing code. It is shown only once, because only its hash is stored. Whoever has it can bring scans for
    years, so the password is asked for again.
    """
    auth.require_recent_proof()
    fields = FormReader(request.form)
    unit_id = fields.integer("unit_id", required=True)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            code = bridges.make_pairing_code(uow, unit_id or 0, actor=context.actor(), now=context.now())
    except Invalid as error:
        return _desks(error=error)
    return _desks(code)


@blueprint.get("/postes/<int:bridge_id>/retirer")
def revoke_form(bridge_id: int) -> ResponseReturnValue:
    """What ends when a bridge is revoked."""
    services, now = context.services(), context.now()
    with services.reading() as session:
        rows = scan_desks.bridges(session, bridges.desk_units(context.actor()), now=now)
        row = next((one for one in rows if one.id == bridge_id), None)
        if row is None:
            raise NotFound("bridge.unknown", "choose a bridge of the list", id=bridge_id)
        work = scan_desks.bridge_work(session, [bridge_id])[bridge_id]
    return render_form("scans/revoke.html", row=row, work=work)


@blueprint.post("/postes/<int:bridge_id>/retirer")
def revoke(bridge_id: int) -> ResponseReturnValue:
    """Revoke a bridge."""
    with context.services().unit_of_work(context.now()) as uow:
        bridges.revoke(uow, bridge_id, actor=context.actor(), now=context.now())
    flash(_("Cette station de numérisation n'a plus accès au service."), "success")
    return redirect(url_for("scans.desks"), 303)


# --- files --------------------------------------------------------------------------------------------------------


@blueprint.post("/fichiers")
def upload() -> ResponseReturnValue:
    """Upload files. Each is inspected now: a fault of one file is shown at once, and the others are accepted."""
    given = [file for file in request.files.getlist("file") if file.filename]
    unit_ids = scan_queries.clerk_units(context.actor())
    unit_id = FormReader(request.form).integer("unit_id") or min(unit_ids, default=0)
    if not given:
        return _index(Invalid("file.none", "choose a file", field="file"))
    if len(given) > MAX_FILES:
        return _index(Invalid("file.too_many", "send fewer files at once", field="file", maximum=MAX_FILES))
    made: list[ScanId] = []
    refused: list[Invalid] = []
    for file in given:
        try:
            made += _take_in(file, unit_id)
        except Invalid as refusal:
            refused.append(refusal)
        except EngineFailed as failure:
            if failure.code.startswith("store."):  # nothing is wrong with the file, and the others fare no better
                raise
            name = harmless_name(file.filename or "")
            refused.append(Invalid("file.not_looked_at", "try again", field="file", filename=name, cause=failure.code))
    if made:
        flash(ngettext("%(num)s numérisation reçue.", "%(num)s numérisations reçues.", len(made)), "success")
    if refused:
        return _index(FormRefused(tuple(refused)))
    return redirect(url_for("scans.show", scan_id=made[0]) if len(made) == 1 else url_for("scans.index"), 303)


def _take_in(file: FileStorage, unit_id: int) -> list[ScanId]:
    services, actor = context.services(), context.actor()
    # Before the file is looked at: that stores its bytes, those of a person who may bring none as well.
    bridges.clerk_of(actor, unit_id)
    upload: Upload = files.examine(services, file.filename or "", file.stream)  # type: ignore[arg-type]  # IO[bytes]
    with services.reading() as session:
        earlier = scan_letters.same_bytes(session, {upload.digest}, actor)
    with services.unit_of_work(context.now()) as uow:
        made = intake.accept_upload(uow, upload, unit_id=unit_id, actor=actor, now=context.now())
    for row in earlier:
        flash(_told_before(upload.filename, row), "warning")
    return made


def _told_before(filename: str, row: EarlierRow) -> str:
    if row.mail_id is not None:
        sentence = _(
            "« %(name)s » est déjà joint, à l'identique, au courrier %(number)s.", name=filename, number=row.number
        )
    elif row.scan_id is not None:
        sentence = _("« %(name)s » attend déjà, à l'identique, dans une autre numérisation.", name=filename)
    else:
        sentence = _(
            "« %(name)s » a déjà été reçu, à l'identique, avec un courrier auquel vous n'avez pas accès.", name=filename
        )
    return str(sentence)


# --- one scan -----------------------------------------------------------------------------------------------------


@blueprint.get("/<int:scan_id>")
def show(scan_id: int) -> ResponseReturnValue:
    """One scan: a large page, thumbnails of all pages, and the possible acts."""
    return _show(scan_id)


def _show(scan_id: int, error: GedError | None = None) -> ResponseReturnValue:
    actor, now = context.actor(), context.now()
    with context.services().reading() as session:
        row = scan_queries.scan(session, scan_id, actor)
        digests = scan_letters.digests_of_scan(session, scan_id)
        values: dict[str, Any] = {
            "earlier": scan_letters.same_bytes(session, digests, actor, except_scan=scan_id) if row.is_waiting else [],
            "letters": scan_letters.letters_to_join(session, actor) if row.is_waiting else [],
            "others": [one for one in scan_queries.waiting(session, actor) if one.id != scan_id and not one.is_signed],
            "bridges": scan_desks.bridges(session, [row.unit_id], now=now),
            "departures": RegisterNature.DEPARTURE in signed_outside.register_natures_kept(session, actor),
            "paper_id": paper_queries.of_scans(session, [scan_id], actor).get(scan_id),
            "message": mailbox.message_of_scan(session, scan_id),
            "verdict": signatures.of_scans(session, [scan_id] if row.is_waiting else []).get(scan_id),
            "awaited": scan_id in signatures.awaited_scans(session, [scan_id]),
            "preset": separators.preset(session, row.separator_id) if row.separator_id is not None else None,
        }
        if row.mail_id is not None:
            destroyed.require_readable(session, row.mail_id)
    if row.mail_id is not None:
        # The pages of a joined scan belong to the letter: viewing a confidential letter is recorded in the journal.
        with context.services().unit_of_work(now) as uow:
            opening.record_opening(uow, row.mail_id, where="scan", actor=actor)
    wanted = request.values.get("page", type=whole)
    leaf = next((one for one in row.leaves if one.leaf_id == wanted), row.leaves[0] if row.leaves else None)
    values["signature"] = message_signatures.on_view(context.services(), values["message"])
    return render_form("scans/show.html", error=error, row=row, leaf=leaf, resolutions=RESOLUTIONS, **values)


@blueprint.get("/<int:scan_id>/signature")
def signature(scan_id: int) -> ResponseReturnValue:
    """What the signatures of a waiting scan are worth; an empty response while they are being checked."""
    with context.services().reading() as session:
        row = scan_queries.scan(session, scan_id, context.actor())
        if signatures.awaited_scans(session, [row.id]):
            return Response(status=204)
        verdict = signatures.of_scans(session, [row.id] if row.is_waiting else []).get(row.id)
    return render_template("scans/_signature.html", scan=row, verdict=verdict)


@blueprint.get("/<int:scan_id>/pages/<int:leaf_id>.jpg")
def picture(scan_id: int, leaf_id: int) -> ResponseReturnValue:
    """The picture of a page: small; large, in a few bytes (``grand``); or large and sharp (``grand``, ``net``).
    ``tourne``: degrees clockwise."""
    width_px = PAGE_PX if "grand" in request.args else drawing.THUMBNAIL_PX
    turned = request.args.get("tourne", 0, type=whole)
    limit_bytes = drawing.QUICK_BYTES if width_px == PAGE_PX and "net" not in request.args else None
    services = context.services()
    with services.reading() as session:
        source = scan_pictures.picture_source(
            session,
            scan_id,
            leaf_id,
            context.actor(),
            width_px=width_px,
            turned=turned if turned in arrange.QUARTERS else 0,
        )
    if source.mail_id is not None and width_px == PAGE_PX:
        # The pages of a joined scan belong to the letter. A thumbnail is not legible, so it is not recorded.
        with services.unit_of_work(context.now()) as uow:
            opening.record_opening(uow, source.mail_id, where="scan", actor=context.actor())
    try:
        drawn = drawing.draw(services, source, width_px=width_px, limit_bytes=limit_bytes)
    except (Invalid, EngineFailed) as error:
        return pictures.instead(error)
    return send_file(BytesIO(drawn), mimetype="image/webp" if limit_bytes else "image/jpeg")


@blueprint.post("/<int:scan_id>/arranger")
def act(scan_id: int) -> ResponseReturnValue:
    """One act on one page (``leaf``) or on the whole scan; ``do`` names it."""
    fields = FormReader(request.form)
    leaf_id, version = fields.integer("leaf") or 0, fields.integer("version")
    do = fields.text("do", required=True, maximum=32)
    actor, scan = context.actor(), ScanId(scan_id)
    target = url_for("scans.show", scan_id=scan_id, page=leaf_id or None)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            match do:
                case "turn-right" | "turn-left" | "turn-over":
                    by = {"turn-right": 90, "turn-left": 270, "turn-over": 180}[do]
                    arrange.turn(uow, scan, leaf_id, by=by, version=version, actor=actor)
                case "earlier" | "later":
                    arrange.shift(uow, scan, leaf_id, by=-1 if do == "earlier" else 1, version=version, actor=actor)
                case "remove" | "restore":
                    arrange.set_removed(uow, scan, leaf_id, do == "remove", version=version, actor=actor)
                case "reverse":
                    arrange.reverse(uow, scan, version=version, actor=actor)
                case "interleave":
                    arrange.interleave(uow, scan, version=version, actor=actor)
                case "remove-blanks":
                    arrange.remove_blanks(uow, scan, version=version, actor=actor)
                case "split":
                    new = arrange.split(uow, scan, leaf_id, version=version, actor=actor, now=context.now())
                    target = url_for("scans.show", scan_id=new)
                case "discard":
                    arrange.discard(uow, scan, version=version, actor=actor)
                    target = url_for("scans.index")
                case "bring-back":
                    arrange.bring_back(uow, scan, actor=actor)
                case _:
                    raise Invalid("form.unknown_choice", "use the buttons of the page", field="do")
    except REFUSALS as error:
        return _show(scan_id, error)
    _tell(do)
    return redirect(target, 303)


def _tell(do: str) -> None:
    messages = {
        "reverse": _("Les pages sont dans l'ordre inverse ; le même bouton revient en arrière."),
        "interleave": _("Rectos et versos sont entrelacés : vérifiez l'ordre."),
        "split": _("Une nouvelle numérisation commence à cette page."),
        "discard": _("La numérisation est écartée ; vous pouvez la rétablir au bas de la liste."),
        "bring-back": _("La numérisation attend de nouveau."),
    }
    if do in messages:
        flash(messages[do], "success")


@blueprint.post("/<int:scan_id>/ordre")
def reorder(scan_id: int) -> ResponseReturnValue:
    """Reorder all pages at once, by the positions typed beside the thumbnails."""
    fields = FormReader(request.form)
    version = fields.integer("version")
    try:
        fields.check()
        wanted = [
            (MAX_NUMBER if (position := id_of(value)) is None else position, place, leaf_id)
            for place, (name, value) in enumerate(request.form.items())
            if name.startswith("position-") and (leaf_id := id_of(name.removeprefix("position-"))) is not None
        ]
        with context.services().unit_of_work(context.now()) as uow:
            leaf_ids = [leaf_id for _position, _place, leaf_id in sorted(wanted)]
            arrange.reorder(uow, ScanId(scan_id), leaf_ids, version=version, actor=context.actor())
    except REFUSALS as error:
        return _show(scan_id, error)
    return redirect(url_for("scans.show", scan_id=scan_id), 303)


@blueprint.post("/<int:scan_id>/reunir")
def merge(scan_id: int) -> ResponseReturnValue:
    """Append this scan's pages to another scan."""
    fields = FormReader(request.form)
    into_id, version = fields.integer("into_id", required=True), fields.integer("version")
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            arrange.merge(uow, ScanId(scan_id), ScanId(into_id or 0), version=version, actor=context.actor())
    except REFUSALS as error:
        return _show(scan_id, error)
    flash(_("Les deux numérisations sont réunies."), "success")
    return redirect(url_for("scans.show", scan_id=into_id), 303)


@blueprint.post("/<int:scan_id>/page-de-plus")
def one_more_page(scan_id: int) -> ResponseReturnValue:
    """Scan another page into this scan."""
    return _order(into_scan_id=scan_id)


@blueprint.post("/<int:scan_id>/joindre")
def join(scan_id: int) -> ResponseReturnValue:
    """Join the scan to a letter: from the list, or by its typed number."""
    fields = FormReader(request.form)
    mail_id, number = fields.integer("mail_id"), fields.text("number", maximum=64)
    chosen = fields.integer("number_letter")
    kind = fields.choice("kind", AttachmentKind) or AttachmentKind.DOCUMENT
    reason, version = fields.text("reason", maximum=500), fields.integer("version")
    services, actor = context.services(), context.actor()
    try:
        fields.check()
        if number:
            with services.reading() as session:
                mail_id = letter_of(session, number, field="number", chosen=chosen)
        if not mail_id:
            raise Invalid("scan.letter_missing", "choose a letter or type its number", field="number")
        with services.unit_of_work(context.now()) as uow:
            arrange.join_to_mail(
                uow,
                ScanId(scan_id),
                MailId(mail_id),
                actor=actor,
                now=context.now(),
                kind=kind,
                reason=reason,
                version=version,
            )
    except REFUSALS as error:
        return _show(scan_id, error)
    flash(_("La numérisation est jointe au courrier ; son texte est en cours de lecture."), "success")
    return redirect(url_for("scans.index"), 303)
