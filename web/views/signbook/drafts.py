"""Drafts of outgoing letters: begun from a template, written, given annexes and a circuit, submitted."""

import re
from contextlib import suppress
from io import BytesIO
from typing import Any, NamedTuple

from flask import Blueprint, flash, jsonify, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ged.capture import files
from ged.dispatch.models import Party
from ged.errors import GedError, Invalid, InvalidTransition
from ged.natures import queries as nature_queries
from ged.natures.circuit import MAX_VISAS, Step
from ged.natures.steps import StepKind
from ged.org.stock import entities_of
from ged.org.titles import Signatory
from ged.org.tree import entity_of
from ged.ports import Confidentiality, MailId, PostId
from ged.register import opening
from ged.register.models import Direction
from ged.richtext import marks
from ged.richtext.document import MAX_JSON, dump, read
from ged.richtext.marks import document_of
from ged.signbook import book, choosing, drafts, operations, queries
from ged.signbook.drafts import DraftForm, Saved
from ged.signbook.models import Draft
from ged.signbook.queries import LetterRow, PostChoice
from ged.signbook.render import PageMode
from ged.signbook.word import pages_of
from ged.unit import ReadSession
from ged.writing import annotations, versions, working
from ged.writing import word as word_letters
from web.site import context
from web.site.errors import REFUSALS, ErrorView, views_of
from web.site.forms import FormReader, chosen_file
from web.site.natures import name_of
from web.site.numbers import whole
from web.site.pages import render_form
from web.site.panels import Panel
from web.words.messages import gettext as _
from web.words.messages import ngettext

blueprint = Blueprint("drafts", __name__, url_prefix="/projets")

ANNEX_TITLE = re.compile(r"annex-([0-9]{1,12})-title")
OF_CIRCUIT = re.compile(r"(?:visa|kind|with)-|signatory_post_id")
MORE_ROWS = 4
FIRST_STEPS = 4


# --- beginning ---------------------------------------------------------------------------------------------------


@blueprint.get("/nouveau")
def new() -> ResponseReturnValue:
    """Choose a template, for an answer (``repond_a``) or for another letter."""
    return _new()


def _new(error: GedError | None = None) -> ResponseReturnValue:
    answers = request.values.get("repond_a", type=whole)
    with context.services().reading() as session:
        incoming = queries.answerable(session, answers, context.actor()) if answers is not None else None
        own = entities_of(context.actor())
        templates = queries.templates(session, own)
        natures = nature_queries.offered(session, Direction.OUTGOING, own)
    posts = list(context.actor().working_posts)
    return render_form(
        "drafts/new.html",
        error=error,
        templates=templates,
        natures=natures,
        incoming=incoming,
        chosen=request.values.get("modele", ""),
        posts=posts,
    )


@blueprint.post("/nouveau")
def create() -> ResponseReturnValue:
    """Begin the draft."""
    fields = FormReader(request.form)
    answers, code = fields.integer("repond_a"), fields.text("modele", maximum=64)
    post_id, nature = fields.integer("post_id"), fields.text("nature", maximum=32)
    try:
        fields.check()
        code = code or _template_of(nature, post_id)
        if answers is not None and not code:
            raise Invalid("template.none", "choose a template of the list", field="modele")
        with context.services().unit_of_work(context.now()) as uow:
            actor, now = context.actor(), context.now()
            if answers is not None:
                mail_id = drafts.draft_reply(
                    uow, MailId(answers), code, actor=actor, now=now, post_id=post_id, nature=nature
                )
            else:
                mail_id = drafts.draft_new(uow, code, actor=actor, now=now, post_id=post_id, nature=nature)
    except REFUSALS as error:
        return _new(error)
    flash(_("Le projet est créé : complétez-le, puis remettez-le au parapheur."), "success")
    return redirect(url_for("drafts.edit", mail_id=mail_id), 303)


def _template_of(nature: str, post_id: int | None) -> str:
    """The template with which letters of a nature begin that are written through a post; empty without one."""
    posts = [post for post in context.actor().working_posts if post_id in (None, post.post_id)]
    if not posts:
        return ""
    with context.services().reading() as session:
        found = nature_queries.find(session, nature, posts[0].unit_id)
        own = [entity_of(posts[0].unit_id, context.actor().units)]
        known = {one.code for one in queries.templates(session, own)}
    return found.template_code if found is not None and found.template_code in known else ""


# --- writing -----------------------------------------------------------------------------------------------------


@blueprint.get("/<int:mail_id>")
def edit(mail_id: int) -> ResponseReturnValue:
    """The text, the annexes and the circuit."""
    return edit_page(mail_id)


def edit_page(
    mail_id: int, error: GedError | None = None, *, more: int = 0, version: int | None = None
) -> ResponseReturnValue:
    """The page of a draft, with the typed values after an error.

    Args:
        version: the row's version after the parts already saved.
    """
    typed = _ShownFields(request.form if more or error is not None else None, version)
    services = context.services()
    with services.reading() as session:
        row = queries.letter(session, mail_id, context.actor(), on=context.today())
        posts = queries.posts(session, context.actor(), on=context.today())
        margin = annotations.margin(session, mail_id, context.actor())
        typed.look(working.copies(session, mail_id, context.actor()), row.version)
        compared = _conflict(session, typed, row) if error is not None and error.code == "draft.stale" else None
        beside = versions.pages_beside(session, row.answers_id) if row.answers_id is not None else None
        draft = book.require(session, mail_id, context.actor())
        own = [entity_of(draft.mail.unit_id, context.actor().units)]
        natures = nature_queries.offered(session, Direction.OUTGOING, own)
        standing = {row.nature: name_of(row.nature)} if row.nature else {}
        offers = choosing.offers(session, draft, context.actor(), on=context.today()) if row.may.hand_in else ()
        model = choosing.circuit_of_model(session, draft, context.actor()) if row.may.hand_in else None
        replacing = _replacing(session, draft, typed, error)
        word = word_letters.status(session, services, mail_id, context.actor())
        models = word_letters.templates(session, services, own)
        compulsory = choosing.compulsory(session, draft, context.actor(), on=context.today()) if row.may.hand_in else ()
    if not row.may.write and error is None:
        return redirect(url_for("signbook.show", mail_id=mail_id), 303)
    if row.level >= Confidentiality.RESTRICTED:
        with services.unit_of_work(context.now()) as uow:
            opening.mark_opened(uow, mail_id, actor=context.actor(), now=context.now())
    return render_form(
        "drafts/edit.html",
        error=error,
        form=typed.form,
        typed=typed,
        text=typed.text(row.rich, row.body),
        compared=compared,
        beside=beside,
        row=row,
        margin=margin,
        word=word,
        word_failure=failure_view(word),
        word_templates=models,
        natures=list((standing | {one.code: one.name for one in natures}).items()),
        has_models=any(one.has_circuit for one in natures),
        offers=offers,
        **_circuit(row, model),
        replacing=replacing,
        compulsory=compulsory,
        posts=_choices(posts),
        signatories=_choices([post for post in posts if post.may_sign]),
        addressee_rows=typed.rows("addressee", len(row.addressees), more),
        copy_rows=typed.rows("copy", len(row.copies), more),
        step_kinds=list(StepKind),
    )


def _circuit(row: LetterRow, model: choosing.Chosen | None) -> dict[str, Any]:
    """The circuit that the page shows: the one that stands, or that of the nature where the author has not chosen yet."""
    asked, signatory = row.asked, row.signatory_post_id
    if model is not None and signatory is None and not asked:
        asked, signatory = model
    standing = tuple(Step(PostId(one.post_id), one.stage, one.kind) for one in asked), signatory
    steps = min(max(FIRST_STEPS, len(asked) + 1), MAX_VISAS)
    return {"asked": asked, "signatory": signatory, "is_of_nature": standing == model, "steps": steps}


def _replacing(
    session: ReadSession, draft: Draft, typed: "_ShownFields", error: GedError | None
) -> choosing.Offer | None:
    """The circuit of the newly chosen nature, when the author is asked whether it replaces the one that was chosen."""
    asks = error is not None and error.code == "circuit.replace_asked"
    if typed.form is None or not (asks or "nature_circuit" in typed.form):
        return None
    nature = typed.form.get("nature", "")
    return choosing.offered_by(session, draft, context.actor(), nature, on=context.today())


def failure_view(word: word_letters.Status) -> ErrorView | None:
    """Why the pages of a draft's Word file could not be made, in words."""
    return views_of(word.failure)[0] if word.failure is not None else None


class _Text(NamedTuple):
    """A letter's text: with light marks, for the plain field, and stored form, for the editor."""

    marked: str
    rich: str


class _ShownFields:
    """The values that the page's fields show instead of the saved version: refused values, or a working copy.

    Attributes:
        form: the typed values; None: the fields show the saved version.
        taken: the working copy that the fields show.
        revision: the revision of the working copy on which the page goes on; 0: it has none yet.
        older: working copies of earlier versions, which nobody has taken up.
    """

    def __init__(self, sent: MultiDict[str, str] | None, version: int | None) -> None:
        self.form = MultiDict(sent) if sent is not None else None
        if self.form is not None and version is not None:
            self.form["version"] = str(version)
        self.taken: working.Copy | None = None
        self.revision = 0
        self.older: tuple[working.Copy, ...] = ()

    def look(self, copies: tuple[working.Copy, ...], version: int) -> None:
        """Choose the working copy to show, if nothing was sent: the asked one, or that of the present version."""
        by_base = {copy.base_version: copy for copy in copies}
        asked = by_base.get(request.args.get("reprendre", -1, type=whole))
        if self.form is not None:
            version = self.form.get("version", version, type=whole)
        elif asked is not None or version in by_base:
            self.taken = by_base.get(version) or asked
            self.form = MultiDict(self.taken.fields) if self.taken is not None else None
            if self.form is not None and self.taken is asked and asked is not by_base.get(version):
                self.form["resumed"] = str(asked.base_version) if asked is not None else ""
        self.revision = by_base[version].revision if version in by_base else 0
        shown = {version, self.taken.base_version if self.taken is not None else version}
        self.older = tuple(copy for copy in copies if copy.base_version not in shown)

    def go_on_from(self, version: int) -> None:
        """Let the next save follow the present version, with the circuit that is saved."""
        if self.form is None:
            return
        left = [(name, value) for name, value in self.form.items(multi=True) if not OF_CIRCUIT.match(name)]
        before = self.form.get("version", "")
        self.form = MultiDict(left)
        self.form["version"], self.form["resumed"] = str(version), before

    def text(self, rich: str, body: str) -> "_Text":
        """The text as both ways of writing show it; one that cannot be read is shown as it was sent."""
        sent = self.form.get("body") if self.form is not None else None
        try:
            document = document_of(sent) if sent is not None else read(rich) if rich else marks.from_plain(body)
        except Invalid:
            return _Text(sent or body, "")
        if self.form is not None and sent is not None:
            self.form["body"] = marks.write(document)
        return _Text(marks.write(document), dump(document))

    def rows(self, name: str, known: int, more: int) -> int:
        """The rows for addressees or copies: those saved or typed, and those asked for."""
        asked = more if request.form.get("more") == name else 0
        typed = self.form.get(f"{name}-rows", 0, type=whole) if self.form is not None else 0
        return min(max(known, typed, 1) + asked, drafts.MAX_PARTIES)


def _conflict(session: ReadSession, typed: _ShownFields, row: LetterRow) -> versions.Compared | None:
    """Both texts after another person's save; the next save of this page is made knowing of it."""
    if typed.form is None:
        return None
    fields = FormReader(typed.form)
    form = _text(fields, typed.form)
    try:
        fields.check()
        found = versions.beside_typed(session, row.mail_id, form, actor=context.actor())
    except Invalid:
        return None
    typed.go_on_from(row.version)
    return found


def _choices(posts: list[PostChoice]) -> list[tuple[int, str]]:
    return [(post.id, _label(post)) for post in posts]


def _label(post: PostChoice) -> str:
    until = post.away.until_on if post.away is not None else None
    return _("%(post)s - absent jusqu'au %(day)s", post=post.label, day=f"{until:%d/%m/%Y}") if until else post.label


@blueprint.post("/<int:mail_id>")
def save(mail_id: int) -> ResponseReturnValue:
    """Keep all that the page bears; with ``more`` only give more rows for addressees or copies."""
    if request.form.get("more"):
        return edit_page(mail_id, more=MORE_ROWS)
    kept = _PageSave(mail_id)
    try:
        kept.all()
    except REFUSALS as error:
        return edit_page(mail_id, error, version=kept.version)
    if not kept.changed:
        flash(_("Rien n'a changé."), "info")
    return redirect(url_for("drafts.edit", mail_id=mail_id), 303)


@blueprint.get("/<int:mail_id>/versions")
def show_versions(mail_id: int) -> ResponseReturnValue:
    """Two versions side by side: by default the last two."""
    actor = context.actor()
    with context.services().reading() as session:
        row = queries.letter(session, mail_id, actor, on=context.today())
        rows = versions.versions(session, mail_id, actor)
        after = request.args.get("apres", row.version_no, type=whole)
        before = request.args.get("avant", max(after - 1, 1), type=whole)
        compared = versions.compared(session, mail_id, before, after, actor=actor)
    if row.level >= Confidentiality.RESTRICTED:
        with context.services().unit_of_work(context.now()) as uow:
            opening.mark_opened(uow, mail_id, actor=actor, now=context.now())
    return render_form("drafts/versions.html", row=row, rows=rows, compared=compared)


@blueprint.post("/<int:mail_id>/saisie")
def keep(mail_id: int) -> ResponseReturnValue:
    """Store what is typed, asked for by the page itself some seconds after a stroke. No version, no journal entry."""
    services, now = context.services(), context.now()
    fields = [(name, value) for name, value in request.form.items(multi=True)]
    known = FormReader(request.form)
    version, revision = known.integer("version", required=True), known.integer("copy_revision", required=True)
    known.check()
    with services.unit_of_work(now) as uow:
        kept = working.keep(
            uow, mail_id, fields, base_version=version or 0, revision=revision or 0, actor=context.actor()
        )
    local = now.astimezone(services.zone)
    said = _("Saisie enregistrée à %(hour)s h %(minute)s", hour=local.hour, minute=f"{local.minute:02d}")
    return jsonify(revision=kept.revision, said=said, stale=kept.is_stale)


@blueprint.post("/<int:mail_id>/saisie/abandonner")
def give_up_copy(mail_id: int) -> ResponseReturnValue:
    """Give up what was typed and not saved; the saved version is shown again."""
    base_version = FormReader(request.form).integer("base_version")
    with context.services().unit_of_work(context.now()) as uow:
        working.drop(uow, mail_id, (base_version or 0,), actor=context.actor())
    flash(_("La saisie non enregistrée est abandonnée."), "success")
    return redirect(url_for("drafts.edit", mail_id=mail_id), 303)


class _PageSave:
    """Saves all of a draft's page before any other action: its text, its circuit, a chosen file.

    ``version`` is the row's version after the parts already saved: after a refusal, the page continues from it.
    """

    def __init__(self, mail_id: int) -> None:
        self.mail_id = mail_id
        self.version = self.opened = request.form.get("version", type=whole) or 0
        self.changed = False

    def all(self, *, with_circuit: bool = False, offer: str = "") -> None:
        """Save text, nature, circuit and file; a part that is missing in the form, or unchanged, is skipped.

        Args:
            with_circuit: the action needs a circuit: a missing signatory is an error.
            offer: the offered circuit to take instead of the one in the form, or an empty text.

        Raises:
            GedError: as ``drafts.save``, ``drafts.set_circuit``, ``drafts.add_annex``; parts saved before it stay.
        """
        try:
            self._parts(with_circuit=with_circuit, offer=offer)
        except REFUSALS:
            if self.version != self.opened:
                self._rebase()
            raise
        self._forget()

    def _parts(self, *, with_circuit: bool, offer: str) -> None:
        fields = FormReader(request.form)
        fields.integer("version", required=True)
        text = _text(fields, request.form) if "subject" in request.form else None
        steps, signatory = _steps(fields), fields.integer("signatory_post_id")
        nature = fields.text("nature", maximum=32)
        fields.check()
        services, actor, now = context.services(), context.actor(), context.now()
        if text is not None:
            saved = drafts.save(services, self.mail_id, text, version=self.version, actor=actor, now=now)
            self._note(saved)
        if offer:
            self._nature(nature, take_circuit=False)
            self._circuit(*self._offered(offer))
        else:
            # The circuit first: it was typed for the nature before, and another nature asks before it replaces it.
            if signatory is not None or steps or (with_circuit and not nature):
                self._circuit(steps, signatory)
            answer = request.form.get("nature_circuit")
            self._nature(nature, take_circuit=None if not answer else answer == choosing.MODEL)
        self._file()

    def _rebase(self) -> None:
        """Keep what was typed as a working copy of the version that was just saved: only the refused part differs."""
        self._forget()
        fields = [(name, value) for name, value in request.form.items(multi=True) if name != "resumed"]
        # Refused too: what was typed stays on the page, and the reason of the first refusal is shown.
        with suppress(*REFUSALS), context.services().unit_of_work(context.now()) as uow:
            working.keep(uow, self.mail_id, fields, base_version=self.version, revision=0, actor=context.actor())

    def _forget(self) -> None:
        """Drop the working copies that were saved now."""
        saved = (self.opened, request.form.get("resumed", -1, type=whole))
        with context.services().unit_of_work(context.now()) as uow:
            working.drop(uow, self.mail_id, saved, actor=context.actor())

    def _nature(self, nature: str, *, take_circuit: bool | None) -> None:
        if not nature:
            return
        with context.services().unit_of_work(context.now()) as uow:
            version = drafts.set_nature(
                uow, self.mail_id, nature, version=self.version, take_circuit=take_circuit, actor=context.actor()
            )
        self.changed, self.version = self.changed or version != self.version, version

    def _circuit(self, steps: tuple[Step, ...], signatory: int | None) -> None:
        with context.services().unit_of_work(context.now()) as uow:
            version = drafts.set_circuit(
                uow, self.mail_id, steps, signatory, version=self.version, actor=context.actor()
            )
        if version != self.version:
            flash(_("Le circuit est enregistré."), "success")
            self.version, self.changed = version, True

    def _offered(self, way: str) -> tuple[tuple[Step, ...], int]:
        services, actor = context.services(), context.actor()
        with services.reading() as session:
            draft = book.require(session, self.mail_id, actor)
            for one in choosing.offers(session, draft, actor, on=context.today()):
                if one.way == way:
                    return one.steps, one.signatory
        raise Invalid("circuit.no_offer", "choose the posts", field="visa_post_ids")

    def _file(self) -> None:
        file = request.files.get("file")
        if file is None or not file.filename:
            return
        services, actor = context.services(), context.actor()
        with services.reading() as session:
            may_write = queries.letter(session, self.mail_id, actor, on=context.today()).may.write
        if not may_write:
            # The operation would refuse too; this refuses before any byte is read.
            raise InvalidTransition("circuit.not_your_turn", "reload the page")
        upload = files.examine(services, file.filename, file.stream)  # type: ignore[arg-type]  # IO[bytes]
        fields = FormReader(request.form)
        title = fields.text("annex_title", maximum=1000)
        fields.check()
        now, version = context.now(), self.version
        self._note(drafts.add_annex(services, self.mail_id, upload, title=title, version=version, actor=actor, now=now))

    def _note(self, saved: Saved) -> None:
        self.version = saved.version
        if saved.changed:
            self.changed = True
            _tell(saved)


def _text(fields: FormReader, sent: MultiDict[str, str]) -> DraftForm:
    return DraftForm(
        civility=fields.text("civility", maximum=100),
        subject=fields.text("subject", required=True, maximum=drafts.MAX_SUBJECT),
        body=fields.text("body", maximum=MAX_JSON),
        addressees=_parties(fields, "addressee"),
        copies=_parties(fields, "copy"),
        amount_xof=fields.amount("amount_xof"),
        annex_titles={
            int(found[1]): fields.text(found[0], maximum=drafts.MAX_TITLE)
            for found in map(ANNEX_TITLE.fullmatch, sent)
            if found is not None
        },
    )


def _parties(fields: FormReader, name: str) -> tuple[Party, ...]:
    count = min(request.form.get(f"{name}-rows", 0, type=whole), drafts.MAX_PARTIES)
    rows = (
        Party(
            fields.text(f"{name}-{n}-name", maximum=drafts.MAX_NAME),
            fields.text(f"{name}-{n}-address", maximum=drafts.MAX_ADDRESS),
            fields.text(f"{name}-{n}-email", maximum=200),
        )
        for n in range(1, count + 1)
    )
    return tuple(row for row in rows if row.name)


def _tell(saved: Saved) -> None:
    flash(_("Le projet est enregistré (version %(no)s).", no=saved.version_no), "success")
    if saved.cancelled:
        flash(
            ngettext(
                "%(num)s visa est annulé par ce changement ; son auteur en est averti.",
                "%(num)s visas sont annulés par ce changement ; leurs auteurs en sont avertis.",
                saved.cancelled,
            ),
            "warning",
        )


@blueprint.get("/<int:mail_id>/apercu.pdf")
def preview(mail_id: int) -> ResponseReturnValue:
    """The pages as they would be now; nothing is stored."""
    services = context.services()
    with services.reading() as session:
        letter, level = queries.preview_letter(session, services, mail_id, context.actor())
    if level >= Confidentiality.RESTRICTED:
        with services.unit_of_work(context.now()) as uow:
            opening.record_printing(uow, mail_id, what="draft", actor=context.actor())
    try:
        pages = pages_of(
            services, letter, mode=PageMode.PREVIEW, at=context.now(), signatory=Signatory(letter.sender, "")
        )
    except Invalid as error:
        if letter.word is None:
            raise
        return edit_page(mail_id, error)
    return send_file(BytesIO(pages.pdf), mimetype="application/pdf", download_name="projet.pdf")


# --- pieces ------------------------------------------------------------------------------------------------------


@blueprint.post("/<int:mail_id>/pieces")
def add_annex(mail_id: int) -> ResponseReturnValue:
    """Join a piece; what else was typed is kept with it."""
    kept = _PageSave(mail_id)
    try:
        kept.all()
        chosen_file()  # `all` has joined the one that was chosen
    except REFUSALS as error:
        return edit_page(mail_id, error, version=kept.version)
    return redirect(url_for("drafts.edit", mail_id=mail_id) + "#pieces", 303)


@blueprint.post("/<int:mail_id>/pieces/<int:attachment_id>/retirer")
def remove_annex(mail_id: int, attachment_id: int) -> ResponseReturnValue:
    """Take a piece out; what else was typed is kept with it."""
    kept = _PageSave(mail_id)
    try:
        kept.all()
        saved = drafts.remove_annex(
            context.services(), mail_id, attachment_id, version=kept.version, actor=context.actor(), now=context.now()
        )
    except REFUSALS as error:
        return edit_page(mail_id, error, version=kept.version)
    _tell(saved)
    return redirect(url_for("drafts.edit", mail_id=mail_id) + "#pieces", 303)


# --- circuit -----------------------------------------------------------------------------------------------------


@blueprint.post("/<int:mail_id>/circuit")
def set_circuit(mail_id: int) -> ResponseReturnValue:
    """Choose who gives a visa or an opinion, and who signs; what else was typed is kept with it."""
    kept = _PageSave(mail_id)
    try:
        kept.all(with_circuit=True, offer=request.form.get("offer", ""))
    except REFUSALS as error:
        return edit_page(mail_id, error, version=kept.version)
    return redirect(url_for("drafts.edit", mail_id=mail_id) + "#circuit", 303)


def _steps(fields: FormReader) -> tuple[Step, ...]:
    """The steps of the rows with a post; a ticked row is in the same stage as the row above."""
    found: list[Step] = []
    for n in range(1, MAX_VISAS + 1):
        post_id, kind = fields.integer(f"visa-{n}"), fields.choice(f"kind-{n}", StepKind)
        if post_id is None:
            continue
        above = found[-1].stage if found else 0
        stage = above if above and fields.ticked(f"with-{n}") else above + 1
        found.append(Step(PostId(post_id), stage, kind or StepKind.VISA))
    return tuple(found)


@blueprint.post("/<int:mail_id>/remettre")
def submit(mail_id: int) -> ResponseReturnValue:
    """Submit the letter to the signature book; the typed values of the page are saved first."""
    kept = _PageSave(mail_id)
    try:
        kept.all()
        operations.submit(context.services(), mail_id, version=kept.version, actor=context.actor(), now=context.now())
    except REFUSALS as error:
        return edit_page(mail_id, error, version=kept.version)
    flash(_("Le projet est au parapheur."), "success")
    return redirect(url_for("signbook.show", mail_id=mail_id), 303)


# --- given up ----------------------------------------------------------------------------------------------------


@blueprint.get("/<int:mail_id>/abandonner")
def abandon_form(mail_id: int) -> ResponseReturnValue:
    """The form for the reason of abandoning the letter."""
    return _abandon_form(mail_id)


def _abandon_form(mail_id: int, error: GedError | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        row = queries.letter(session, mail_id, context.actor(), on=context.today())
    if not row.may.abandon and error is None:
        return redirect(url_for("signbook.show", mail_id=mail_id), 303)
    return render_form("drafts/abandon.html", error=error, row=row)


@blueprint.post("/<int:mail_id>/abandonner")
def abandon(mail_id: int) -> ResponseReturnValue:
    """Abandon a letter before it has a number."""
    fields = FormReader(request.form)
    reason = fields.text("reason", required=True, maximum=500)
    version = fields.integer("version", required=True)
    try:
        fields.check()
        with context.services().unit_of_work(context.now()) as uow:
            operations.abandon(uow, mail_id, reason=reason, version=version, actor=context.actor())
    except REFUSALS as error:
        return _abandon_form(mail_id, error)
    flash(_("Le projet est abandonné ; il reste lisible, avec son motif."), "success")
    return redirect(url_for("signbook.index"), 303)


# --- the letter's page -------------------------------------------------------------------------------------------


# For an incoming letter: its answers, and a link to begin one. For an outgoing letter: its state in the signature book.
PANEL = Panel("signbook", 50, queries.letter_panel)
