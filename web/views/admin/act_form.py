"""The forms that propose a change of the organisation: one template, a list of fields each. No blueprint of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ged.administration import operations
from ged.administration.lines import Line
from ged.administration.operations import Unfit
from ged.errors import Invalid
from ged.org.file import OrganisationFile
from web.site import context
from web.site.errors import FormRefused
from web.site.forms import FormReader
from web.site.pages import render_form

Options = Sequence[tuple[Any, Any]]


@dataclass(frozen=True)
class Field:
    """A field of a form.

    Attributes:
        name: the field of the record that it fills, so that findings of the workbook are told at it.
        kind: ``text``, ``select``, ``radio``, ``checks`` (several of a list) or ``check``.
        empty: text of the empty choice of a select; without one a choice is required.
    """

    name: str
    label: str
    kind: str = "text"
    value: Any = ""
    hint: str = ""
    options: Options = ()
    empty: str = ""
    required: bool = False
    maximum: int = 200
    attrs: Mapping[str, str] = field(default_factory=dict)


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
        return render_form("organisation/form.html", act=form)
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
    return redirect(url_for("acts.show", act_id=act_id), 303)


def _read(fields: Sequence[Field]) -> dict[str, Any]:
    reader = FormReader(request.form)
    values: dict[str, Any] = {}
    for one in fields:
        if one.kind == "check":
            values[one.name] = reader.ticked(one.name)
        elif one.kind == "checks":
            values[one.name] = tuple(value for value in request.form.getlist(one.name) if value)
            known = {str(option[0]) for option in one.options}
            if not known.issuperset(values[one.name]):
                reader.refuse(Invalid("form.unknown_choice", "choose from the list", field=one.name))
        else:
            # Letters of a name are printed on slips and letters: a sign that no font has is refused here.
            read = reader.on_paper if one.kind == "text" else reader.text
            values[one.name] = read(one.name, required=one.required, maximum=one.maximum)
    reader.check()
    return values
