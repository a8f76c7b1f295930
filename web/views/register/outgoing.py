"""Registering what the house wrote outside of the program: departures, internal letters, notes, decisions."""

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from ged.capture import files
from ged.capture import queries as scan_queries
from ged.capture.files import Upload
from ged.dispatch import signed_outside
from ged.dispatch.signed_outside import MAX_NAME, MAX_PARTIES, OutgoingForm, WaitingScan
from ged.errors import EngineFailed, GedError, Invalid, InvalidTransition, StaleVersion
from ged.natures import queries as nature_queries
from ged.org.stock import entities_of
from ged.ports import Confidentiality, MailId, PostId, RegisterId, ScanId, UnitId
from ged.recognition import signatures
from ged.register import entry, registers
from ged.register.models import RegisterNature
from ged.register.operations import MAX_SUBJECT
from ged.register.signed_kinds import APART
from ged.suggestions import readings
from ged.unit import ReadSession
from web.site import context
from web.site.forms import FormReader
from web.site.letter_numbers import letter_of
from web.site.numbers import whole
from web.site.pages import render_form
from web.words.messages import gettext as _

blueprint = Blueprint("outgoing", __name__, url_prefix="/enregistrer")

REFUSALS = (Invalid, InvalidTransition, StaleVersion, EngineFailed)
KINDS: Mapping[str, RegisterNature] = {
    "depart": RegisterNature.DEPARTURE,
    "interne": RegisterNature.INTERNAL,
    "note-de-service": RegisterNature.NOTE,
    "decision": RegisterNature.DECISION,
}
"""Word of the address -> nature of the register."""
ADDRESSES: Mapping[RegisterNature, str] = {nature: word for word, nature in KINDS.items()}
MAX_TOKEN = 43
_ROUTE = "/<any(depart, interne, 'note-de-service', decision):kind>"
REMEMBERED = ("sender_unit_id", "signatory_post_id")


@blueprint.get(_ROUTE)
def form(kind: str) -> ResponseReturnValue:
    """The form, alone or (``?scan=``) beside a waiting scan."""
    return _page(kind, request.args.get("scan", type=whole))


def _page(kind: str, scan_id: int | None, error: GedError | None = None) -> ResponseReturnValue:
    actor, register_nature = context.actor(), KINDS[kind]
    with context.services().reading() as db:
        units, signatories = signed_outside.writers(db, actor, on=context.today())
        near, _far = entry.authorities(db, actor, on=context.today())
        natures = nature_queries.offered(db, signed_outside.DIRECTIONS[register_nature], entities_of(actor))
        values: dict[str, Any] = {
            "registers": signed_outside.registers_kept(db, actor, register_nature),
            "register_natures_kept": [(ADDRESSES[one], one) for one in signed_outside.register_natures_kept(db, actor)],
            "scan": scan_queries.scan(db, scan_id, actor) if scan_id is not None else None,
            "verdict": signatures.of_scans(db, [scan_id]).get(scan_id) if scan_id is not None else None,
            "awaited": scan_id is not None and bool(signatures.awaited_scans(db, [scan_id])),
            "turns": readings.turns_of_scan(db, scan_id) if scan_id is not None else {},
        }
    return render_form(
        "outgoing/form.html",
        error=error,
        kind=kind,
        direction=signed_outside.DIRECTIONS[register_nature].value,
        title=title_of(register_nature),
        units=units,
        signatories=signatories,
        authorities=near if register_nature is RegisterNature.INTERNAL else [],
        natures=[(one.code, one.name) for one in natures],
        levels=[level for level in Confidentiality if level < Confidentiality.SECRET or level <= actor.clearance],
        last=session.get("departing", {}),
        request_token=secrets.token_urlsafe(),
        **values,
    )


def title_of(register_nature: RegisterNature) -> str:
    """The heading of the form for a nature."""
    titles = {
        RegisterNature.DEPARTURE: _("Enregistrer un départ"),
        RegisterNature.INTERNAL: _("Enregistrer un courrier interne"),
        RegisterNature.NOTE: _("Enregistrer une note de service"),
        RegisterNature.DECISION: _("Enregistrer une décision"),
    }
    return str(titles[register_nature])


_SHOWS_A_SIGNATURE = ("image/", "application/pdf", APART)


def address_of(db: ReadSession, register_id: int) -> str:
    """The word of the address of the form for a register; of another register that of departures."""
    register_nature: RegisterNature = registers.nature_of(db, register_id)
    return ADDRESSES.get(register_nature, "depart")


@blueprint.post(_ROUTE)
def register(kind: str) -> ResponseReturnValue:
    """Number the letter, with its scan or file in the same transaction."""
    scan_id = request.form.get("scan_id", type=whole)
    actor, now = context.actor(), context.now()
    try:
        register_id, typed = _read(kind)
        document: Upload | WaitingScan | None = _file()
        if scan_id is not None:
            with context.services().reading() as db:
                turned = readings.turns_of_scan(db, scan_id)
            document = WaitingScan(ScanId(scan_id), request.form.get("scan_version", type=whole), turned)
        with context.services().unit_of_work(now) as uow:
            done = signed_outside.register(uow, register_id, typed, actor=actor, now=now, document=document)
    except REFUSALS as error:
        return _page(kind, scan_id, error)
    if isinstance(document, Upload) and not document.facts.media_type.startswith(_SHOWS_A_SIGNATURE):
        flash(
            _(
                "Le fichier joint est un texte : il ne montre aucune signature. Ajoutez la numérisation de l'original signé avant tout envoi par courriel."
            ),
            "warning",
        )
    session["departing"] = {name: request.form.get(name, "") for name in REMEMBERED}
    return redirect(url_for("register.done", number_id=done.number_id), 303)


def _read(kind: str) -> tuple[RegisterId, OutgoingForm]:
    fields = FormReader(request.form)
    register_id = fields.integer("register_id", required=True)
    nature = fields.text("nature", maximum=32)
    sender, signatory = (fields.integer(name, required=True, minimum=1) for name in REMEMBERED)
    addressed = fields.integer("addressed_post_id") if KINDS[kind] is RegisterNature.INTERNAL else None
    answered, chosen = fields.text("answers_number", maximum=64), fields.integer("answers_number_letter")
    answers: MailId | None = None
    with context.services().reading() as db:
        if nature:
            try:
                own = entities_of(context.actor())
                nature_queries.require(db, nature, signed_outside.DIRECTIONS[KINDS[kind]], own)
            except Invalid as unknown:
                fields.refuse(unknown)
        kept = {one[0] for one in signed_outside.registers_kept(db, context.actor(), KINDS[kind])}
        if register_id is not None and register_id not in kept:
            fields.refuse(Invalid("form.unknown_choice", "choose from the list", field="register_id"))
        if answered:
            try:
                answers = letter_of(db, answered, field="answers_number", chosen=chosen)
            except Invalid as unknown:
                fields.refuse(unknown)
    typed = OutgoingForm(
        subject=" ".join(fields.on_paper("subject", required=True, maximum=MAX_SUBJECT).split()),
        sender_unit_id=UnitId(sender or 0),
        signatory_post_id=PostId(signatory or 0),
        addressees=names_of(fields, "addressees"),
        copies=names_of(fields, "copies"),
        written_on=fields.day("written_on"),
        addressed_post_id=PostId(addressed) if addressed else None,
        nature=nature,
        level=Confidentiality(fields.integer("level", maximum=2) or 0),
        enclosure_count=fields.integer("enclosure_count", maximum=9999) or 0,
        enclosure_note=fields.on_paper("enclosure_note", maximum=300),
        answers=answers,
        request_token=request.form.get("request_token", "")[:MAX_TOKEN] or None,
    )
    fields.check()
    return RegisterId(register_id or 0), typed


def names_of(fields: FormReader, name: str) -> tuple[str, ...]:
    """The names of a field, one in a line, each once."""
    typed = fields.on_paper(name, maximum=MAX_PARTIES * MAX_NAME)
    return tuple(dict.fromkeys(" ".join(line.split()) for line in typed.splitlines() if line.strip()))


def _file() -> Upload | None:
    file = request.files.get("file")
    if file is None or not file.filename:
        return None
    return files.examine(context.services(), file.filename, file.stream)  # type: ignore[arg-type]  # IO[bytes]
