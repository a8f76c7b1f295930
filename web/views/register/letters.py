"""The letter's page, and acts on its register entry: rectify, level, close, reopen, numbers, links."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged import access, destroyed
from ged.administration import letter_readers
from ged.capture import letter_files
from ged.dispatch import rectify_outside, signed_outside
from ged.dispatch.rectify_outside import OutsideChanges, Receivers
from ged.errors import Forbidden, GedError, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.exceptional.queries import reads_until
from ged.natures import queries as nature_queries
from ged.org.tree import entity_of
from ged.ports import Confidentiality, MailId, PostId, RegisterId, UnitId
from ged.recognition import signatures
from ged.register import documents, entry, journal, levels, opening, operations, queries
from ged.register.journal import JournalRow
from ged.register.models import AttachmentKind, Channel, Direction, Priority, RegisterNature
from ged.register.queries import AttachmentLine, LetterView
from ged.register.rectify_entry import CHOICES, DATE_FIELDS, OPEN_DUE, TEXT_FIELDS, Value
from ged.register.signed_kinds import FROM_OUTSIDE
from ged.register.states import MailState
from ged.reserve import queries as reserve_queries
from ged.routing import choices, rectify_letter
from ged.routing import operations as routing
from ged.routing.deadlines import working_days_between
from ged.unit import Actor, ReadSession, UnitOfWork
from web.site import auth, context, destroyed_letters, natures, panels
from web.site.forms import FormReader
from web.site.letter_numbers import letter_of
from web.site.pages import render_form
from web.views.register.outgoing import names_of
from web.words import labels
from web.words.labels import ACTIONS, FIELDS, LINKS
from web.words.messages import gettext as _

blueprint = Blueprint("letters", __name__, url_prefix="/courriers")

REFUSALS = (Invalid, InvalidTransition, StaleVersion)
SHOWN_PAGES = 12
"""Pages of the document on the letter's page; the document's own page shows all of them."""
LINK_KINDS = ("related", "reply_to", "reminder_of")


@blueprint.get("/<int:mail_id>")
def show(mail_id: int) -> ResponseReturnValue:
    """The letter: head, document, path, panels of other features, links, rectifications, journal, acts."""
    actor, today = context.actor(), context.today()
    with context.services().reading_once() as session:
        letter = queries.letter(session, mail_id, actor)
        attachments = queries.attachments(session, mail_id)
        gone = destroyed.of_letter(session, mail_id) if letter.state is MailState.CLOSED else None
        main = next((one for one in attachments if one.is_latest and one.kind in _MAIN and one.page_count), None)
        if gone is not None:
            main = None
        days_left = None
        if letter.due_on is not None and letter.closed_at is None:
            days_left = working_days_between(today, letter.due_on, context.working_days(session))
        by_exception = reads_until(session, letter.id, actor) is not None
        entries, opened = journal.of_page(session, mail_id, readings=bool(letter.level) and not by_exception)
        values: dict[str, Any] = {
            "document": documents.shown(session, main.id) if main is not None else None,
            "may_ask_readers": letter_readers.may_ask(actor),
            "destroyed": gone,
            "may_join": gone is None and letter_files.may_join(session, letter.id, actor),
            "verdict": signatures.of_letters(session, [mail_id]).get(mail_id)
            if _may_bear_signatures(attachments)
            else None,
            "links": (links := queries.links(session, mail_id, actor)),
            "destroyed_links": destroyed_letters.of_rows(session, links),
            "rectifications": queries.rectifications(session, mail_id),
            "journal": entries,
            "readings": opened,
            "by_exception": by_exception,
            "panels": panels.load_panels(session, letter.id, actor, by_exception=by_exception),
        }
    if opening.must_write(letter.level, opened_at=letter.opened_at, now=context.now()):
        with context.services().unit_of_work(context.now()) as uow:
            opening.mark_opened(uow, letter.id, actor=actor, now=context.now())
    return render_form(
        "letters/show.html",
        letter=letter,
        attachments=attachments,
        days_left=days_left,
        shown_pages=SHOWN_PAGES,
        **values,
    )


def _may_bear_signatures(attachments: Sequence[AttachmentLine]) -> bool:
    """Whether something came from outside that may be signed: what begins with an image or is plain text is not."""
    return any(one.kind in FROM_OUTSIDE and not one.media_type.startswith(("image/", "text/")) for one in attachments)


_MAIN = (AttachmentKind.SIGNED, AttachmentKind.DOCUMENT, AttachmentKind.RENDERED)


# --- forms: one page per act --------------------------------------------------------------------------------------


def _form(template: str, mail_id: int, error: GedError | None = None, **values: object) -> ResponseReturnValue:
    """A form about a letter; after a stale version it shows the other person's change beside the typed text."""
    with context.services().reading() as session:
        letter = queries.letter(session, mail_id, context.actor())
        changes: list[JournalRow] = []
        if isinstance(error, StaleVersion):
            changes = journal.of_letter(session, mail_id, since=_opened_at())
        loaded: dict[str, Any] = {name: value(session) if callable(value) else value for name, value in values.items()}
    # Who comes from the letter's page has just opened it; who types the address of the form reads the subject all the same.
    was_opened = letter.opened_at is not None and context.now() - letter.opened_at <= opening.OPENED_AGAIN
    if letter.level >= Confidentiality.RESTRICTED and not was_opened:
        with context.services().unit_of_work(context.now()) as uow:
            opening.record_opening(uow, letter.id, where="act", actor=context.actor())
    return render_form(
        template, error=error, letter=letter, changes=changes, stale=isinstance(error, StaleVersion), **loaded
    )


def _opened_at() -> datetime | None:
    """When the form was opened, from its hidden field."""
    try:
        return datetime.fromtimestamp(float(request.form.get("opened", "")), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _act(
    template: str, mail_id: int, act: Callable[[UnitOfWork], object], done: str, **values: object
) -> ResponseReturnValue:
    """Do one act; if it is refused, show the form again as typed."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            act(uow)
    except REFUSALS as error:
        return _form(template, mail_id, error, **values)
    flash(done, "success")
    return redirect(url_for("letters.show", mail_id=mail_id), 303)


@blueprint.get("/<int:mail_id>/rectifier")
def rectify_form(mail_id: int) -> ResponseReturnValue:
    """All that was typed of the letter."""
    return _rectify_form(mail_id)


def _rectify_form(mail_id: int, error: GedError | None = None) -> ResponseReturnValue:
    actor = context.actor()

    def writers(session: ReadSession) -> object:
        return signed_outside.writers(session, actor, on=context.today())

    def authorities(session: ReadSession) -> object:
        near, far = entry.authorities(session, actor, on=context.today())
        if queries.letter(session, mail_id, actor).direction is not Direction.INCOMING:
            return near
        return [*near, (_("Autres entités"), far)] if near and far else [*near, *far]

    def choices(session: ReadSession) -> object:
        letter = queries.letter(session, mail_id, actor)
        kept = {letter.nature: natures.name_of(letter.nature)} if letter.nature else {}
        own = [entity_of(letter.unit_id, actor.units)]
        offered = {one.code: one.name for one in nature_queries.offered(session, letter.direction, own)}
        return list((kept | offered).items())

    return _form(
        "letters/rectify.html", mail_id, error, writers=writers, authorities=authorities,
        born=lambda session: rectify_outside.entry(session, mail_id),
        carnet=lambda session: reserve_queries.of_letter(session, mail_id, actor),
        natures=choices, channels=list(Channel),
        priorities=list(Priority), open_due=OPEN_DUE,
    )  # fmt: skip


@blueprint.post("/<int:mail_id>/rectifier")
def rectify(mail_id: int) -> ResponseReturnValue:
    """Rectify the letter; the old values stay readable."""
    fields, actor = FormReader(request.form), context.actor()
    with context.services().reading() as session:
        before = queries.letter(session, mail_id, actor)
    changes = _typed_changes(fields, before)
    born = _typed_desk_changes(fields) if "signatory_post_id" in request.form else None
    clock = fields.clock("received_clock", required=True) if "received_clock" in request.form else None
    reason, version = fields.text("reason", required=True, maximum=500), fields.integer("version", required=True)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            count = rectify_letter.rectify(
                uow, MailId(mail_id), changes, reason=reason, version=version, actor=actor, now=uow.now, outside=born,
                received_clock=clock,
            )  # fmt: skip
            if not count:
                raise Invalid("rectify.nothing", "change at least one field")
            still_seen = _sees(uow.session, mail_id, actor)
    except REFUSALS as error:
        return _rectify_form(mail_id, error)
    flash(_("L'inscription est rectifiée ; l'ancienne reste lisible."), "success")
    return redirect(url_for("letters.show", mail_id=mail_id) if still_seen else url_for("session.home"), 303)


def _sees(session: ReadSession, mail_id: int, actor: Actor) -> bool:
    """Whether the letter is still there for who has just given it to another authority."""
    try:
        queries.visible_mail(session, mail_id, actor)
    except NotFound:
        return False
    return True


def _typed_changes(fields: FormReader, before: LetterView) -> dict[str, Value]:
    """The register's fields that the form bears."""
    changes: dict[str, Value] = {}
    given = request.form
    for name in TEXT_FIELDS:
        if name in given:
            # What stands in the register already, from an archive or an e-mail, may stay as it is.
            is_new = " ".join(given[name].split()) != " ".join(str(getattr(before, name, "")).split())
            read = fields.on_paper if is_new else fields.text
            changes[name] = " ".join(read(name, maximum=operations.MAX_SUBJECT).split())
    for name in DATE_FIELDS:
        if name in given:
            changes[name] = fields.day(name)
    for name, kind in CHOICES.items():
        if name in given and (member := fields.choice(name, kind, required=True)) is not None:
            changes[name] = member
    if changes.get("nature") and changes["nature"] not in natures.names():
        fields.refuse(Invalid("form.unknown_choice", "choose from the list", field="nature"))
    if "enclosure_count" in given:
        changes["enclosure_count"] = fields.integer("enclosure_count", maximum=9999) or 0
    if "addressed_post_id" in given:
        changes["addressed_post_id"] = fields.integer("addressed_post_id", required=True, minimum=1) or 0
    return changes


def _typed_desk_changes(fields: FormReader) -> OutsideChanges:
    """Of a letter that was registered already signed: its writers, and its receivers, one in a line."""
    sender, signatory = fields.integer("sender_unit_id"), fields.integer("signatory_post_id")
    receivers = None
    if "addressees" in request.form:
        receivers = Receivers(names_of(fields, "addressees"), names_of(fields, "copies"))
    return OutsideChanges(UnitId(sender) if sender else None, PostId(signatory) if signatory else None, receivers)


@blueprint.get("/<int:mail_id>/niveau")
def level_form(mail_id: int) -> ResponseReturnValue:
    """The choice of a level."""
    return _level_form(mail_id)


def _level_form(mail_id: int, error: GedError | None = None) -> ResponseReturnValue:
    # Below SECRET a letter stays visible to people working on it, whatever their clearance.
    is_lost = context.actor().clearance < Confidentiality.SECRET
    lost = {Confidentiality.SECRET} if is_lost else set()
    return _form("letters/level.html", mail_id, error, levels=list(Confidentiality), lost=lost)


@blueprint.post("/<int:mail_id>/niveau")
def change_level(mail_id: int) -> ResponseReturnValue:
    """Raise or lower the level."""
    fields = FormReader(request.form)
    level = fields.integer("level", required=True, maximum=2)
    reason = fields.text("reason", required=True, maximum=500)
    actor = context.actor()
    wanted = Confidentiality(level or 0)
    if wanted is _level_now(mail_id):
        fields.refuse(Invalid("mail.level_same", "choose another level, or return to the letter", field="level"))
    elif wanted is Confidentiality.ORDINARY:  # always a lower level, open to the whole unit and more
        auth.require_recent_proof()
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            given = levels.change_level(uow, MailId(mail_id), wanted, reason=reason, actor=actor)
            still_seen = access.may_see(uow.session, mail_id, given, actor)
    except REFUSALS as error:
        return _level_form(mail_id, error)
    if given is not wanted:
        flash(_("La demande est enregistrée : une seconde personne qui traite ce courrier doit l'accepter."), "info")
        return redirect(url_for("letters.show", mail_id=mail_id), 303)
    if not still_seen:
        flash(_("Le niveau est relevé : ce courrier n'est plus visible depuis votre poste."), "warning")
        return redirect(url_for("session.home"), 303)
    flash(_("Le niveau de confidentialité est changé."), "success")
    return redirect(url_for("letters.show", mail_id=mail_id), 303)


def _level_now(mail_id: int) -> Confidentiality | None:
    """The letter's level; None for a letter that the actor does not see: the operation refuses it, after the proof."""
    with context.services().reading() as session:
        try:
            return queries.letter(session, mail_id, context.actor()).level
        except NotFound:
            return None


@blueprint.post("/<int:mail_id>/niveau/<int:request_id>/accepter")
def agree_to_level(mail_id: int, request_id: int) -> ResponseReturnValue:
    """Agree to a lower level, as the second person."""
    auth.require_recent_proof()
    with context.services().unit_of_work(context.now()) as uow:
        levels.agree(uow, MailId(mail_id), request_id, actor=context.actor())
    flash(_("Le niveau de confidentialité est abaissé."), "success")
    return redirect(url_for("letters.show", mail_id=mail_id), 303)


@blueprint.post("/<int:mail_id>/niveau/<int:request_id>/refuser")
def decline_level(mail_id: int, request_id: int) -> ResponseReturnValue:
    """Decline the request for a lower level."""
    with context.services().unit_of_work(context.now()) as uow:
        levels.decline(uow, MailId(mail_id), request_id, actor=context.actor())
    flash(_("La demande est écartée : le niveau reste le même."), "success")
    return redirect(url_for("letters.show", mail_id=mail_id), 303)


@blueprint.get("/<int:mail_id>/cloture")
def close_form(mail_id: int) -> ResponseReturnValue:
    """The form for the outcome and the filing class, for who may close the letter now."""
    with context.services().reading() as session:
        may_close = queries.letter(session, mail_id, context.actor()).rights.close
    if not may_close:
        raise Forbidden("mail.close_forbidden", "ask the unit that holds the letter", id=mail_id)
    return _form("letters/close.html", mail_id, classes=choices.filing_classes)


@blueprint.post("/<int:mail_id>/cloture")
def close(mail_id: int) -> ResponseReturnValue:
    """Close and file."""
    fields = FormReader(request.form)
    outcome = fields.text("outcome", required=True, maximum=2000)
    class_id, version = fields.integer("filing_class_id", required=True), fields.integer("version", required=True)

    def act(uow: UnitOfWork) -> None:
        fields.check()
        operations.close(
            uow, MailId(mail_id), outcome=outcome, filing_class_id=class_id, version=version,
            actor=context.actor(), now=uow.now,
        )  # fmt: skip

    return _act(
        "letters/close.html", mail_id, act, _("Le courrier est clôturé et classé."), classes=choices.filing_classes
    )


@blueprint.get("/<int:mail_id>/rouvrir")
def reopen_form(mail_id: int) -> ResponseReturnValue:
    """The form for the reason of reopening."""
    return _form("letters/reopen.html", mail_id)


@blueprint.post("/<int:mail_id>/rouvrir")
def reopen(mail_id: int) -> ResponseReturnValue:
    """Reopen a closed letter."""
    fields = FormReader(request.form)
    reason = fields.text("reason", required=True, maximum=500)

    def act(uow: UnitOfWork) -> None:
        fields.check()
        routing.reopen(uow, MailId(mail_id), reason=reason, actor=context.actor())

    return _act("letters/reopen.html", mail_id, act, _("Le courrier est rouvert."))


@blueprint.get("/<int:mail_id>/numero")
def number_form(mail_id: int) -> ResponseReturnValue:
    """The registers in which the letter can get one more number."""
    return _form("letters/number.html", mail_id)


@blueprint.post("/<int:mail_id>/numero")
def take_number(mail_id: int) -> ResponseReturnValue:
    """Number the letter in one of the actor's registers."""
    actor = context.actor()
    chosen = FormReader(request.form).integer("register_id", required=True)
    with context.services().reading() as session:
        offered = {one[0] for one in queries.letter(session, mail_id, actor).rights.registers}
    try:
        if chosen is None or chosen not in offered:
            raise Invalid("form.unknown_choice", "choose from the list", field="register_id")
        with context.services().unit_of_work(context.now()) as uow:
            number = operations.take_number(uow, MailId(mail_id), RegisterId(chosen), actor=actor).text
    except REFUSALS as error:
        return _form("letters/number.html", mail_id, error)
    flash(_("Le courrier porte aussi le numéro %(number)s.", number=number), "success")
    return redirect(url_for("letters.show", mail_id=mail_id), 303)


@blueprint.get("/<int:mail_id>/numeros/<int:number_id>/annuler")
def void_form(mail_id: int, number_id: int) -> ResponseReturnValue:
    """The form for the reason of voiding a number."""
    return _form("letters/void.html", mail_id, number=_number(mail_id, number_id))


@blueprint.post("/<int:mail_id>/numeros/<int:number_id>/annuler")
def void(mail_id: int, number_id: int) -> ResponseReturnValue:
    """Void a number: it stays in the register with its reason."""
    fields = FormReader(request.form)
    reason = fields.text("reason", required=True, maximum=500)
    number = _number(mail_id, number_id)

    def act(uow: UnitOfWork) -> None:
        fields.check()
        operations.void_number(uow, number_id, reason=reason, actor=context.actor(), now=uow.now)

    done = _("Le numéro %(number)s est annulé ; il reste au registre avec son motif.", number=number.text)
    return _act("letters/void.html", mail_id, act, done, number=number)


def _number(mail_id: int, number_id: int) -> queries.NumberRow:
    with context.services().reading() as session:
        letter: LetterView = queries.letter(session, mail_id, context.actor())
    found = next((row for row in letter.numbers if row.id == number_id), None)
    if found is None:
        raise NotFound("number.unknown", "check the number", id=number_id)
    return found


@blueprint.get("/<int:mail_id>/lier")
def link_form(mail_id: int) -> ResponseReturnValue:
    """The form for the other letter's number, and the kind of link."""
    return _form("letters/link.html", mail_id, kinds=_link_choices())


@blueprint.post("/<int:mail_id>/lier")
def link(mail_id: int) -> ResponseReturnValue:
    """Link to another letter that the actor may see."""
    fields = FormReader(request.form)
    number, kind = fields.text("number", required=True, maximum=64), fields.text("kind", required=True, maximum=32)
    chosen = fields.integer("number_letter")

    def act(uow: UnitOfWork) -> None:
        fields.check()
        if kind not in LINK_KINDS:
            raise Invalid("form.unknown_choice", "choose from the list", field="kind")
        other = letter_of(uow.session, number, field="number", chosen=chosen)
        if other == mail_id:
            raise Invalid("link.itself", "type the number of another letter", field="number")
        rectify_outside.link(uow, MailId(mail_id), other, kind=kind, actor=context.actor())

    return _act("letters/link.html", mail_id, act, _("Les deux courriers sont liés."), kinds=_link_choices())


def _link_choices() -> list[tuple[str, str]]:
    return [(kind, str(LINKS[kind, True])) for kind in LINK_KINDS]


# --- words --------------------------------------------------------------------------------------------------------


@blueprint.app_template_filter()
def action_label(action: str) -> str:
    """The French text of an act, to follow the actor's name."""
    return str(ACTIONS.get(action, action))


@blueprint.app_template_filter()
def field_label(field: str) -> str:
    """A field of the register."""
    return str(FIELDS.get(field, field))


@blueprint.app_template_filter()
def kind_of_letter(letter: LetterView) -> str:
    """What a letter is, for its heading: a note and a decision by their own name, others by their direction."""
    match letter.register_nature:
        case RegisterNature.NOTE:
            return str(_("Note de service"))
        case RegisterNature.DECISION:
            return str(_("Décision"))
        case RegisterNature.INTERNAL:
            return str(_("Courrier interne"))
        case _:
            return str(labels.label(letter.direction))


@blueprint.app_template_filter()
def link_label(row: queries.LinkRow) -> str:
    """The relation of a linked letter to the letter shown."""
    return str(LINKS.get((row.kind, row.outgoing), row.kind))


@blueprint.app_template_filter()
def version_reason(reason: str) -> str:
    """Why a document has a new version: the typed reason, or a text for the program's own reason."""
    return _("fiche de transmission signée") if reason == "imputation_sheet" else reason


@blueprint.app_template_filter()
def field_value(value: str, field: str = "") -> str:
    """A value from the journal; a date and a code are written for people."""
    if field == "nature":
        return natures.name_of(value)
    if field in CHOICES:
        try:
            return labels.label(CHOICES[field](value))
        except ValueError:
            return value
    try:
        return f"{date.fromisoformat(value):%d/%m/%Y}" if len(value) == 10 else value
    except ValueError:
        return value


@blueprint.app_template_filter()
def journal_detail(row: JournalRow) -> str:
    """The rest of an entry's sentence: numbers, values, reasons."""
    said = row.details
    parts: list[str] = []
    if row.action == "mail.level_changed":
        parts.append(_("de « %(old)s » à « %(new)s »", old=_level(said, "old"), new=_level(said, "new")))
    elif row.action == "mail.level_asked":
        parts.append(_("« %(new)s »", new=_level(said, "new")))
    elif row.action == "mail.rectified":
        field = said.get("field", "")
        old, new = (field_value(said.get(name, ""), field) or "—" for name in ("old", "new"))
        parts.append(_("%(field)s : « %(old)s » devient « %(new)s »", field=field_label(field), old=old, new=new))
    elif row.action == "mail.due_moved":
        if "new" in said:
            old, new = field_value(said.get("old", "")), field_value(said["new"])
            parts.append(_("échéance portée du %(old)s au %(new)s", old=old, new=new))
    else:
        parts += [said[name] for name in ("number", "units", "unit", "note", "instruction", "outcome") if name in said]
    if "reason" in said:
        parts.append(_("motif : %(reason)s", reason=version_reason(said["reason"])))
    return " - ".join(parts)


def _level(said: Mapping[str, str], name: str) -> str:
    try:
        return labels.label(Confidentiality(int(said.get(name, "0"))))
    except ValueError:
        return said[name]
