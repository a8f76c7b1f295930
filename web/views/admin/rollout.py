"""The roll-out: the workbook of the organisation, handed out, checked, taken in and taken back."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from flask import Blueprint, flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from werkzeug.wrappers import Response

from ged.administration.differences import Difference, differences
from ged.administration.registers import NextNumbers, next_numbers_of
from ged.errors import EngineFailed, GedError, Invalid, NotFound
from ged.org.file import OrganisationFile
from ged.org.load import Change
from ged.spreadsheet.marking import MEDIA_TYPE, place
from ged.spreadsheet.reading import MAX_BYTES, read_apart
from ged.typography import french
from ged.workbook import operations, writing
from ged.workbook.cells import Finding
from ged.workbook.merging import LISTED, Merged, entity_and_code, key_of
from ged.workbook.state import organisation_now
from ged.workbook.words import sentence
from web.site import context
from web.site.auth import require_recent_proof
from web.site.errors import view_of
from web.site.forms import chosen_file
from web.words import acts as words
from web.words.messages import gettext as _
from web.words.messages import lazy_gettext as _l
from web.words.messages import ngettext

blueprint = Blueprint("rollout", __name__, url_prefix="/administration/deploiement")
SHOWN = 100
"""Cells to correct, or changes, on the page; the workbook has all cells."""
KINDS: Mapping[str, LazyString] = {
    "organisation": _l("Organisation"), "units": _l("Unités"), "unit": _l("Unités"), "people": _l("Personnes"),
    "posts": _l("Postes"), "post": _l("Postes"), "holder": _l("Titulaires"), "registers": _l("Registres"),
    "correspondents": _l("Correspondants"), "filing_classes": _l("Plan de classement"), "mentions": _l("Mentions"),
    "delegations": _l("Délégations"), "sessions": _l("Sessions"), "certificates": _l("Certificats"),
    "natures": _l("Natures"), "holidays": _l("Jours fériés"), "letter_templates": _l("Modèles de lettres"),
}  # fmt: skip
"""The kinds of ``ged.org.load.Change``."""
FIELDS: Mapping[str, LazyString] = {
    "name": _l("nom"), "title": _l("intitulé"), "label": _l("libellé"), "kind": _l("type"), "is_entity": _l("entité"),
    "parent_id": _l("rattachement"), "successor_id": _l("successeur"), "closed_at": _l("fermeture"),
    "email": _l("courriel"), "is_active": _l("compte"), "clearance": _l("habilitation"), "unit_id": _l("unité"), "roles": _l("rôles"),
    "secretary_of_id": _l("secrétariat de"), "direction": _l("sens"), "nature": _l("nature"),
    "pattern": _l("modèle de numéro"), "restarts_yearly": _l("recommence chaque année"), "reminder": _l("rappels"),
    "reminders": _l("rappels"), "delay_days": _l("délai"), "register_id": _l("registre"), "mentions": _l("mentions"),
    "template_code": _l("modèle de lettre"), "signatory_post_id": _l("circuit"), "circuit": _l("circuit"),
    "is_closed": _l("fermeture"), "address": _l("adresse"), "phone": _l("téléphone"), "position": _l("ordre"), "withdrawn": _l("retrait"),
}  # fmt: skip
"""The fields that a change names: columns of a table."""
SECTION_OF: Mapping[str, str] = {
    "unit": "units", "post": "posts", "holder": "posts", "filing_classes": "filing_plan", "letter_templates": "templates",
}  # fmt: skip
"""Kinds of changes whose section of ``ged.org.file`` has another name."""
RECORDED: Mapping[str, str] = {
    "is_entity": "entity", "parent_id": "parent", "successor_id": "successor", "closed_at": "closed", "is_closed": "closed",
    "is_active": "closed", "unit_id": "unit", "secretary_of_id": "secretary_of", "register_id": "register",
    "template_code": "template", "signatory_post_id": "circuit",
}  # fmt: skip
"""Columns whose field in ``ged.org.file`` has another name."""


@dataclass(frozen=True)
class ChangeRow:
    """A change in the words of the sheets.

    Attributes:
        detail: what changes, where no values are known.
        values: what changes, before and after.
    """

    action: str
    kind: str
    code: str
    detail: str
    values: tuple[tuple[str, str, str], ...]


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The workbook to fill in, what exists, the form, and the workbooks handed in."""
    return _index()


def _index(error: Invalid | EngineFailed | None = None) -> ResponseReturnValue:
    with context.services().reading() as session:
        rows = operations.handed_in(session)
    page = render_template("admin/rollout.html", rows=rows, errors=[view_of(error)] if error else [])
    return page, 422 if error else 200


@blueprint.get("/modele.xlsx")
def template() -> ResponseReturnValue:
    """The empty workbook."""
    return _file(writing.template(), "modele.xlsx")


@blueprint.get("/existant.xlsx")
def existing() -> ResponseReturnValue:
    """The organisation as it is."""
    with context.services().reading() as session:
        now = organisation_now(session, on=context.today())
    return _file(writing.filled(now), "organisation.xlsx")


def _file(content: bytes, name: str) -> Response:
    return send_file(BytesIO(content), mimetype=MEDIA_TYPE, as_attachment=True, download_name=name, max_age=0)


@blueprint.post("/")
def hand_in() -> ResponseReturnValue:
    """Keep a workbook that can be read; the next page says what it changes."""
    try:
        file = chosen_file()
        content = file.stream.read(MAX_BYTES + 1)
        read_apart(content)
        with context.services().unit_of_work(context.now()) as uow:
            import_id = operations.hand_in(uow, content, file.name, actor=context.actor())
    except (Invalid, EngineFailed) as error:
        return _index(error)
    return redirect(url_for("rollout.show", import_id=import_id), 303)


@blueprint.get("/<int:import_id>")
def show(import_id: int) -> ResponseReturnValue:
    """What a workbook would change, or every cell to correct."""
    name, _rows, seen, merged = _checked(import_id)
    changes: tuple[Change, ...] = ()
    numbers: list[NextNumbers] = []
    refused: Invalid | None = None
    try:
        if merged.file:
            wanted = merged.file
            changes = operations.preview(
                context.services(), wanted, seen=seen, now=context.now(),
                before_rollback=lambda session: numbers.extend(next_numbers_of(session, seen, wanted, on=context.today())),
            )  # fmt: skip
    except Invalid as error:
        refused = error
    return render_template(
        "admin/rollout_check.html",
        import_id=import_id,
        filename=name,
        lines=merged.lines,
        findings=[(one.sheet, _place(one), french(sentence(one))) for one in merged.findings[:SHOWN]],
        count=len(merged.findings),
        changes=_in_words(changes[:SHOWN], seen, merged.file),
        changed=len(changes),
        counts=_counts(changes),
        numbers=numbers[:SHOWN],
        refused=view_of(refused) if refused else None,
    )


@blueprint.get("/<int:import_id>/corrige.xlsx")
def marked(import_id: int) -> ResponseReturnValue:
    """The workbook with its wrong cells in red, each with a note."""
    name, rows, _now, merged = _checked(import_id)
    return _file(writing.marked(rows, merged.findings), f"{name.rpartition('.')[0] or name} - a corriger.xlsx")


def _checked(import_id: int) -> tuple[str, dict[str, list[list[str]]], OrganisationFile, Merged]:
    """Name, rows, the organisation as it is, and what the workbook asks for over it. No lock is held meanwhile."""
    with context.services().reading() as session:
        name, content = operations.content_of(session, import_id)
        now = organisation_now(session, on=context.today())
    rows = read_apart(content)
    return name, rows, now, operations.merged(now, rows, on=context.today())


def _counts(changes: Iterable[Change]) -> list[tuple[str, int, int, int]]:
    """Each list with what is added to it, changed in it, and ends: who filled the workbook in compares them with the sheets."""
    counts = Counter((str(KINDS.get(one.kind, one.kind)), one.action) for one in changes)
    lists = dict.fromkeys(name for name, _action in counts)
    return [(name, counts[name, "added"], counts[name, "changed"], counts[name, "ended"]) for name in lists]


def _in_words(changes: Sequence[Change], seen: OrganisationFile, wanted: OrganisationFile | None) -> list[ChangeRow]:
    """The changes in the words of the sheets, with the values before and after."""
    found: dict[tuple[str, str], list[Difference]] = {}
    for one in differences(seen, wanted) if wanted is not None else ():
        found.setdefault((one.kind, entity_and_code(one.code)[1] if one.kind in LISTED else one.code), []).append(one)
    names = {**_names(wanted), **_names(seen)} if wanted is not None else {}
    rows = []
    for change in changes:
        columns = ("holder",) if change.kind == "holder" else tuple(name for name in change.detail.split(", ") if name)
        asked = {RECORDED.get(name, name) for name in columns}
        section = SECTION_OF.get(change.kind, change.kind)
        code = key_of(section, {"name": change.code}) if section == "correspondents" else change.code
        of_record = found.get((section, code), ())
        # Two entities may have a record of one code: whose values these are is not told.
        is_one = len({one.code for one in of_record}) == 1
        values = tuple(
            (str(words.FIELDS.get(one.field, one.field)), *words.pair_words(one, names))
            for one in of_record
            if change.action == "changed" and is_one and one.field in asked
        )
        said = (
            change.detail
            if change.kind == "holder"
            else ", ".join(dict.fromkeys(str(FIELDS.get(name, name)) for name in columns))
        )
        rows.append(ChangeRow(change.action, str(KINDS.get(change.kind, change.kind)), change.code, said, values))
    return rows


def _names(file: OrganisationFile) -> dict[tuple[str, str], str]:
    """(section, code) -> name, of the units, people, posts and registers to which other records refer."""
    named = {("units", one.code): one.name for one in file.units} | {
        ("people", one.account): one.name for one in file.people
    }
    return (
        named
        | {("posts", one.code): one.title for one in file.posts}
        | {("registers", one.code): one.name for one in file.registers}
    )


def _place(finding: Finding) -> str:
    if finding.row and finding.column:
        return place(finding.row, finding.column)
    return _("ligne %(row)s", row=finding.row) if finding.row else ""


@blueprint.post("/<int:import_id>/importer")
def take_in(import_id: int) -> ResponseReturnValue:
    """Take a workbook in. Cells that became wrong meanwhile are told instead."""
    require_recent_proof()
    _name, _rows, seen, merged = _checked(import_id)
    here = redirect(url_for("rollout.show", import_id=import_id), 303)
    if merged.file is None:
        return here
    try:
        with context.services().unit_of_work(context.now()) as uow:
            changes = operations.take_in(
                uow, import_id, merged.file, seen=seen, on=context.today(), actor=context.actor()
            )
    except Invalid as error:
        _tell_why(error)
        return here
    flash(
        ngettext(
            "Le classeur est importé : %(num)s changement.",
            "Le classeur est importé : %(num)s changements.",
            len(changes),
        ),
        "success",
    )
    return redirect(url_for("rollout.index"), 303)


@blueprint.post("/<int:import_id>/reprendre")
def undo(import_id: int) -> ResponseReturnValue:
    """Take the last workbook back, whole, or say what hangs on it."""
    require_recent_proof()
    try:
        with context.services().unit_of_work(context.now()) as uow:
            row = operations.undo(uow, import_id, actor=context.actor())
    except (Invalid, NotFound) as error:
        _tell_why(error)
        return redirect(url_for("rollout.index"), 303)
    flash(_("L'import de « %(name)s » est annulé : tout est comme avant.", name=row.filename), "success")
    return redirect(url_for("rollout.index"), 303)


def _tell_why(error: GedError) -> None:
    view = view_of(error)
    hanging = error.params.get("obstacles", ())
    parts = [view.message, view.remedy, *(hanging if isinstance(hanging, tuple) else ())]
    flash(" ".join(str(part) for part in parts if part), "danger")
