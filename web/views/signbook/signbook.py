"""The signature book: waiting letters, the letter with its pages and circuit, visa, refusal, signature."""

from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError, Gone, Invalid, InvalidTransition
from ged.natures import queries as nature_queries
from ged.org import absence_notices, absences
from ged.org.stock import entities_of
from ged.paper import ink
from ged.ports import Confidentiality, MailId, SignatureReport
from ged.register import documents, opening
from ged.register.models import Direction
from ged.register.states import MailState
from ged.signbook import operations, presign, queries, second_thoughts
from ged.signbook.models import Stance
from ged.signbook.operations import MAX_TEXT, SignResult, ToSign
from ged.signbook.presign import Checked
from ged.signbook.queries import BookFilter, LetterRow
from ged.signed_codes import queries as signed_codes
from ged.writing import annotations
from web.site import context, keyring, outcomes
from web.site.errors import REFUSALS, refused, views_of
from web.site.forms import FormReader
from web.site.kept_filter import KeptFilter, acts_for, text_of, whose_of
from web.site.numbers import id_of
from web.site.outcomes import Outcome
from web.site.pages import render_form
from web.words.messages import gettext as _

blueprint = Blueprint("signbook", __name__, url_prefix="/parapheur")

FILTER = KeptFilter("signbook_filter", ("q", "nature", "pour"))
SIGNED = frozenset({MailState.SIGNED.value, MailState.DISPATCHED.value, MailState.CLOSED.value})


# --- list --------------------------------------------------------------------------------------------------------


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Visas and signatures that wait for me, letters that I sent, notices; narrowed as the inbox is."""
    kept = FILTER.to_go_to()
    if kept is not None:
        return redirect(url_for("signbook.index", **kept), 303)  # type: ignore[arg-type]
    return _index()


def _asked() -> BookFilter:
    """The filter of the page, or, of a page that has none, of the session."""
    narrowed = FILTER.narrowed() if request.endpoint == "signbook.index" else FILTER.kept()
    return BookFilter(text_of(narrowed), narrowed.get("nature", ""), whose_of(narrowed))


def _index(error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        book = queries.signature_book(session, context.actor(), _asked())
        natures = nature_queries.offered(session, Direction.OUTGOING, entities_of(context.actor()))
        waited = {one.post_id for row in book.mine for one in row.waits_for}
        away = absences.away(session, waited, on=context.today())
        own = absences.listing(session, context.actor(), on=context.today())
        notices = absence_notices.notices(session, context.actor())
    return render_form(
        "signbook/index.html",
        error=error,
        book=book,
        narrowed=FILTER.narrowed(),
        acts_for=acts_for(),
        natures=[(one.code, one.name) for one in natures],
        may_batch=any(row.may_sign for row in book.signatures),
        may_visa=any(row.may_visa for row in book.visas),
        away=away,
        told=notices,
        absences=[row for row in own if row.from_on <= context.today() and (row.is_mine or row.replaced_by_me)],
    )


@blueprint.post("/signer")
def sign_selected() -> ResponseReturnValue:
    """Sign the ticked letters in one act; each has its own result. A browser with scripts sends them ten by ten."""
    try:
        results = _sign_ticked()
    except GedError as error:
        return _index(refused(error, "key.none"))
    return redirect(url_for("signbook.signed", token=_kept(results)), 303)


@blueprint.get("/signer/resultat/<token>")
def signed(token: str) -> ResponseReturnValue:
    """What became of each letter of a signed batch."""
    return _results("signbook/results.html", token)


@blueprint.post("/viser")
def visa_selected() -> ResponseReturnValue:
    """Give a visa to the ticked letters in one act; each has its own result."""
    letters = [_ticked(value) for value in request.form.getlist("visa")]
    try:
        if not letters or None in letters:
            raise Invalid("visa.nothing", "tick a letter", field="visa")
        chosen = [letter for letter in letters if letter is not None]
        results = operations.visa_many(context.services(), chosen, actor=context.actor(), now=context.now())
    except GedError as error:
        return _index(refused(error, "key.none"))
    return redirect(url_for("signbook.given", token=_kept(results)), 303)


@blueprint.get("/viser/resultat/<token>")
def given(token: str) -> ResponseReturnValue:
    """What became of each letter of a batch of visas."""
    return _results("signbook/visas.html", token)


def _kept(results: tuple[SignResult, ...]) -> str:
    return outcomes.keep([_outcome(result) for result in results])


def _outcome(result: SignResult) -> Outcome:
    wrong = views_of(result.failure)[0] if result.failure is not None else None
    said = (wrong.message, wrong.remedy) if wrong is not None else ("", "")
    done_before = result.failure is not None and result.failure.code == "sign.done"
    return Outcome(int(result.mail_id), result.number, *said, done_before=done_before)


def _failure_shown(failure: GedError) -> GedError:
    """The failure of a signature; one of a letter that was signed meanwhile says so, instead of a state that does not fit."""
    if failure.code == "mail.wrong_state" and failure.params.get("state") in SIGNED:
        return InvalidTransition("sign.done", "nothing is left to do")
    return failure


def _results(template: str, token: str) -> ResponseReturnValue:
    found = outcomes.find(token)
    if found is None:
        flash(_("Ce résultat n'est plus gardé : le parapheur dit ce qui reste à faire."), "info")
        return redirect(url_for("signbook.index"), 303)
    with context.services().reading() as session:
        subjects = queries.subjects(session, [one.mail_id for one in found], context.actor())
    done, failed = sum(not one.message for one in found), sum(one.failed for one in found)
    return render_template(template, results=found, subjects=subjects, done=done, failed=failed)


@blueprint.post("/signer/suite")
def sign_chunk() -> ResponseReturnValue:
    """Sign some of the ticked letters: rows of the result table, or why none could be signed."""
    try:
        results = _sign_ticked()
    except GedError as error:
        shown = views_of(refused(error, "key.none"))[0]
        return render_template("signbook/_stopped.html", wrong=shown), 422
    with context.services().reading() as session:
        subjects = queries.subjects(session, [result.mail_id for result in results], context.actor())
    return render_template(
        "signbook/_results.html", results=[_outcome(result) for result in results], subjects=subjects
    )


def _sign_ticked() -> tuple[SignResult, ...]:
    letters = [_ticked(value) for value in request.form.getlist("letter")]
    if not letters or None in letters:
        raise Invalid("sign.nothing", "tick a letter", field="letter")
    key = keyring.signing_key(FormReader(request.form).secret("passphrase", required=False))
    results = operations.sign_many(
        context.services(),
        [letter for letter in letters if letter is not None],
        key=key,
        actor=context.actor(),
        now=context.now(),
    )
    return tuple(
        replace(one, failure=_failure_shown(one.failure)) if one.failure is not None else one for one in results
    )


def _ticked(value: str) -> ToSign | None:
    mail_id, _colon, version_no = value.partition(":")
    mail, version = id_of(mail_id), id_of(version_no)
    return None if mail is None or version is None else ToSign(MailId(mail), version)


@blueprint.post("/avis")
def seen() -> ResponseReturnValue:
    """Mark notices as read."""
    fields = FormReader(request.form)
    notices = fields.integers("notice")
    with context.services().unit_of_work(context.now()) as uow:
        operations.mark_seen(uow, notices, actor=context.actor())
    return redirect(url_for("signbook.index"), 303)


# --- one letter --------------------------------------------------------------------------------------------------


@blueprint.get("/<int:mail_id>")
def show(mail_id: int) -> ResponseReturnValue:
    """The letter's pages, circuit and history, and the acts allowed to me."""
    return page(mail_id)


def page(mail_id: int, error: GedError | None = None) -> ResponseReturnValue:
    """The letter's page, also with an error of an act on it."""
    services, actor = context.services(), context.actor()
    with services.reading() as session:
        row = queries.letter(session, mail_id, actor, on=context.today())
        margin = annotations.margin(session, mail_id, actor)
        code = signed_codes.of_letter(session, mail_id)
        others = [one for one in queries.to_visa(session, actor, _asked()) if one != mail_id] if row.may.visa else []
    if row.level >= Confidentiality.RESTRICTED:
        with services.unit_of_work(context.now()) as uow:
            opening.mark_opened(uow, mail_id, actor=actor, now=context.now())
    return render_form(
        "signbook/show.html", error=error, row=row, reports=_reports(row), maximum=MAX_TEXT, code=code,
        checked=_checked(row), others=len(others), stances=list(Stance), margin=margin, note_maximum=annotations.MAX_TEXT,
        beyond=views_of(row.may.beyond)[0] if row.may.beyond else None,
    )  # fmt: skip


def _checked(row: LetterRow) -> Checked | None:
    """The check before the signature, if the actor may sign now."""
    if not row.may.sign:
        return None
    return presign.check(context.services(), row.mail_id, actor=context.actor(), now=context.now())


def _reports(row: LetterRow) -> tuple[SignatureReport, ...]:
    """The verdicts on an electronically signed letter; empty for a letter in ink."""
    if not row.is_signed_electronically or row.signed_id is None:
        return ()
    services = context.services()
    with services.reading() as session:
        try:
            file = documents.original(session, row.signed_id, context.actor())
        except Gone:
            return ()
        issued = queries.issued_of(session, row.mail_id)
    with services.blobs.open(file.digest) as stored:
        return services.checker.check(stored.read(), at=context.now(), issued=issued)


@blueprint.post("/<int:mail_id>/viser")
def visa(mail_id: int) -> ResponseReturnValue:
    """Give a visa."""
    fields = FormReader(request.form)
    remark, version_no = fields.text("remark", maximum=MAX_TEXT), fields.integer("version_no", required=True)
    then = _then(mail_id)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            operations.visa(uow, mail_id, version_no=version_no or 0, remark=remark, actor=context.actor())
    except REFUSALS as error:
        return page(mail_id, error)
    flash(_("Visa donné."), "success")
    return redirect(then, 303)


def _then(mail_id: int) -> str:
    """Where to go after an act on a letter: the next one that waits for the actor's visa, if that was asked for.

    Read before the act: the letter then still has its place among the others. After the last comes the first.
    """
    if request.form.get("then") != "next":
        return url_for("signbook.index")
    with context.services().reading() as session:
        waiting = queries.to_visa(session, context.actor(), _asked())
    at = waiting.index(MailId(mail_id)) if mail_id in waiting else -1
    following = [*waiting[at + 1 :], *waiting[: max(at, 0)]]
    return url_for("signbook.show", mail_id=following[0]) if following else url_for("signbook.index")


@blueprint.post("/<int:mail_id>/avis")
def give_opinion(mail_id: int) -> ResponseReturnValue:
    """Give an opinion."""
    fields = FormReader(request.form)
    stance = fields.choice("stance", Stance, required=True)
    text, version_no = fields.text("opinion", maximum=MAX_TEXT), fields.integer("version_no", required=True)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            operations.give_opinion(
                uow,
                mail_id,
                stance=stance or Stance.RESERVED,
                text=text,
                version_no=version_no or 0,
                actor=context.actor(),
            )
    except REFUSALS as error:
        return page(mail_id, error)
    flash(_("Avis donné."), "success")
    return redirect(url_for("signbook.index"), 303)


@blueprint.post("/<int:mail_id>/refuser")
def refuse(mail_id: int) -> ResponseReturnValue:
    """Send the letter back to its author, or to a visa given before."""
    fields = FormReader(request.form)
    reason, version_no = fields.text("reason", maximum=MAX_TEXT), fields.integer("version_no", required=True)
    to, then = fields.integer("to") or None, _then(mail_id)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            operations.refuse(uow, mail_id, reason=reason, version_no=version_no or 0, actor=context.actor(), to=to)
    except REFUSALS as error:
        return page(mail_id, error)
    flash(_("Le projet est renvoyé avec votre motif."), "success")
    return redirect(then, 303)


@blueprint.post("/<int:mail_id>/reprendre")
def recall(mail_id: int) -> ResponseReturnValue:
    """Recall the letter, by its author."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            operations.recall(uow, mail_id, actor=context.actor())
    except REFUSALS as error:
        return page(mail_id, error)
    flash(_("Le projet est retiré du parapheur : il est de nouveau modifiable."), "success")
    return redirect(url_for("drafts.edit", mail_id=mail_id), 303)


@blueprint.post("/<int:mail_id>/remords")
def take_back(mail_id: int) -> ResponseReturnValue:
    """Take back the actor's last act."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            second_thoughts.take_back(uow, mail_id, actor=context.actor())
    except REFUSALS as error:
        return page(mail_id, error)
    flash(_("Votre décision est retirée : le projet l'attend de nouveau."), "success")
    return redirect(url_for("signbook.show", mail_id=mail_id), 303)


@blueprint.post("/<int:mail_id>/signer")
def sign(mail_id: int) -> ResponseReturnValue:
    """Confirm and sign, or sign a letter that already has its number."""
    fields = FormReader(request.form)
    version_no = fields.integer("version_no", required=True)
    try:
        fields.check()
        # After the check of the form: a passphrase that comes with a refused form would leave the key open for nothing.
        key = keyring.signing_key(fields.secret("passphrase", required=False))
        (result,) = operations.sign_many(
            context.services(),
            [ToSign(MailId(mail_id), version_no or 0)],
            key=key,
            actor=context.actor(),
            now=context.now(),
        )
        if result.failure is not None:
            raise _failure_shown(result.failure)
    except GedError as error:
        return page(mail_id, refused(error, "key.none"))
    flash(_("Courrier signé sous le numéro %(number)s.", number=result.number), "success")
    return redirect(url_for("signbook.show", mail_id=mail_id), 303)


@blueprint.post("/<int:mail_id>/signer-a-la-main")
def sign_in_ink(mail_id: int) -> ResponseReturnValue:
    """Confirm for a signature in ink: makes the print with our code."""
    fields = FormReader(request.form)
    version_no = fields.integer("version_no", required=True)
    try:
        fields.check()
        ink.confirm_ink(
            context.services(), mail_id, version_no=version_no or 0, actor=context.actor(), now=context.now()
        )
    except REFUSALS as error:
        return page(mail_id, error)
    flash(_("L'exemplaire à signer est prêt : imprimez-le, signez-le, puis remettez-le au bureau d'ordre."), "success")
    return redirect(url_for("signbook.show", mail_id=mail_id), 303)


@blueprint.post("/<int:mail_id>/abandonner-impression")
def cancel_ink(mail_id: int) -> ResponseReturnValue:
    """Abandon the print."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            ink.cancel_ink(uow, mail_id, actor=context.actor())
    except REFUSALS as error:
        return page(mail_id, error)
    flash(_("L'exemplaire imprimé ne compte plus : détruisez-le."), "success")
    return redirect(url_for("signbook.show", mail_id=mail_id), 303)
