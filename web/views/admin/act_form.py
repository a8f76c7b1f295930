"""The forms that propose a change of the organisation: one template, a list of fields each. No blueprint of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import redirect, request, url_for
from flask import session as browser_session
from flask.typing import ResponseReturnValue

from ged.administration import operations, queries
from ged.administration.apart import Unfit
from ged.administration.lines import Line
from ged.errors import Invalid
from ged.org.file import OrganisationFile
from web.site import context
from web.site.errors import FormRefused
from web.site.forms import FormReader
from web.site.numbers import whole
from web.site.pages import render_form
from web.words.messages import gettext as _

PROPOSED = "acte"
"""In the session's cookie: the last proposed act of this reader, and the path of its form."""
TYPED = frozenset(
    {
        "unit.new",
        "unit.change",
        "post.new",
        "post.change",
        "person.new",
        "person.change",
        "register.new",
        "register.change",
        "register.continue",
        "nature.new",
        "nature.change",
        "mention.new",
        "mention.change",
        "template.new",
        "template.change",
        "filing.new",
        "filing.change",
    }
)
"""Acts whose forms hold typed text, which a correction must not lose."""
Options = Sequence[tuple[Any, Any]]


@dataclass(frozen=True)
class Field:
    """A field of a form.

    Attributes:
        name: the field of the record that it fills, so that findings of the workbook are told at it.
        kind: ``text``, ``lines`` (several), ``select``, ``radio``, ``checks`` (several of a list) or ``check``; ``live``: no field, but what the
            address ``value`` returns for the fields named in ``options``, each time that one of them changes.
        empty: text of the empty choice of a select; without one a choice is required.
    """

    name: str
    label: str
    kind: str = "text"
    value: Any = ""
    hint: str = ""
    options: Options | Sequence[str] = ()
    empty: str = ""
    required: bool = False
    maximum: int = 200
    attrs: Mapping[str, str] = field(default_factory=dict)


def code_field(label: str, maximum: int) -> Field:
    """The code of a new record, by which acts and the workbook name it for ever."""
    return Field("code", label, hint=_("Court, sans espace ; il ne change plus."), required=True, maximum=maximum)


@dataclass(frozen=True)
class ActForm:
    """A form: what it proposes (``ged.administration.models.OrganisationAct.what``), and of what."""

    what: str
    title: str
    lead: str
    subject: str
    back: tuple[str, str]
    """Address and text of the link back."""
    fields: tuple[Field, ...]


Values = Mapping[str, Any]
Wanted = Callable[[OrganisationFile, Values], list[Line]]


def answer(form: ActForm, wanted: Wanted) -> ResponseReturnValue:
    """Show the form, or propose what was sent and go on to what will change.

    Args:
        wanted: makes lines of the workbook from the values, by the names of the fields.
    """
    if request.method == "GET":
        return render_form("organisation/form.html", act=_as_proposed(form))
    try:
        values = _read(form.fields)
        with context.services().unit_of_work(context.now()) as uow:
            lines = wanted(operations.current(uow.session, on=context.today()), values)
            subject = form.subject or str(values.get("code") or values.get("account", "").lower())
            act_id = operations.propose(uow, form.what, subject, lines, actor=context.actor())
    except Unfit as refused:
        return render_form("organisation/form.html", error=FormRefused(refused.errors), act=form)
    except Invalid as refused:
        return render_form("organisation/form.html", error=refused, act=form)
    browser_session[PROPOSED] = [act_id, request.path]
    return redirect(url_for("acts.show", act_id=act_id), 303)


def correct_url(act_id: int, what: str) -> str | None:
    """The address of the form of an act, as it was filled in; None of a form of choices only, or of an older act."""
    kept = browser_session.get(PROPOSED)
    if what not in TYPED or not isinstance(kept, list) or len(kept) != 2 or kept[0] != act_id:
        return None
    return f"{kept[1]}?acte={act_id}"


def _as_proposed(form: ActForm) -> ActForm:
    """The form with what was sent before, when its reader comes back to correct it."""
    act_id = request.args.get("acte", type=whole)
    if act_id is None or correct_url(act_id, form.what) != f"{request.path}?acte={act_id}":
        return form
    with context.services().reading() as session:
        typed = queries.proposed_values(session, act_id)
    return replace(form, fields=tuple(replace(one, value=typed.get(one.name, one.value)) for one in form.fields))


def _read(fields: Sequence[Field]) -> dict[str, Any]:
    reader = FormReader(request.form)
    values: dict[str, Any] = {}
    for one in fields:
        if one.kind == "live":
            continue
        if one.kind == "check":
            values[one.name] = reader.ticked(one.name)
        elif one.kind == "checks":
            values[one.name] = tuple(value for value in request.form.getlist(one.name) if value)
            known = {str(option[0]) for option in one.options}
            if not known.issuperset(values[one.name]):
                reader.refuse(Invalid("form.unknown_choice", "choose from the list", field=one.name))
        else:
            # Letters of a name are printed on slips and letters: a sign that no font has is refused here.
            read = reader.on_paper if one.kind in ("text", "lines") else reader.text
            values[one.name] = read(one.name, required=one.required, maximum=one.maximum)
    reader.check()
    return values
