"""Keeps an act within its ministry: of another one nothing is changed, named or told, and no account that looks after all of them.

Where there is one ministry, all is its own.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, not_, select
from sqlalchemy.orm import Session

from ged.administration.differences import Difference
from ged.administration.lines import Sheets, field_of
from ged.administration.reach import Reach
from ged.errors import Invalid
from ged.org.file import GIVEN_TO
from ged.org.models import Person, Post
from ged.register.models import Register
from ged.workbook.cells import Finding
from ged.workbook.merging import LISTED, entity_and_code
from ged.workbook.sheets import SHEETS

OF_UNITS = frozenset({"units", "posts", "people", "registers", "delegations"})
"""Sections whose records belong to the ministry of a unit."""


class Unfit(Invalid):
    """An act that cannot be done; ``errors`` are all reasons, each with the field of the form that it concerns."""

    def __init__(self, errors: Sequence[Invalid]) -> None:
        super().__init__(errors[0].code, errors[0].remedy, **errors[0].params)
        self.errors = tuple(errors)


@dataclass(frozen=True)
class Far:
    """The codes and accounts of what is of another ministry."""

    units: frozenset[str] = frozenset()
    posts: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    registers: frozenset[str] = frozenset()

    def of(self, section: str) -> frozenset[str]:
        """Those of a section; of a list that belongs to no unit there are none, and a delegation is known by its post."""
        found: frozenset[str] = getattr(self, section, frozenset())
        return found


def _far(session: Session, reach: Reach, near_people: ColumnElement[bool]) -> Far:
    near = reach.units
    units = frozenset(unit.code for unit_id, unit in reach.actor.units.items() if unit_id not in near)
    if not units:
        return Far()
    return Far(
        units,
        frozenset(session.scalars(select(Post.code).where(Post.unit_id.not_in(near)))),
        frozenset(session.scalars(select(Person.account).where(not_(near_people)))),
        frozenset(session.scalars(select(Register.code).where(Register.unit_id.not_in(near)))),
    )


def check(session: Session, found: Sequence[Difference], reach: Reach, *, on: date, is_undone: bool = False) -> None:
    """Nothing of another ministry is changed or named: such a unit, post or person is not known.

    Args:
        is_undone: the differences are taken back: what they had added is there.

    Raises:
        Unfit: ``cell.unknown``; ``act.installation_account``: the account looks after the whole installation, and ``reach`` does not.
        Invalid: ``act.common_stock``.
    """
    _check(found, _far(session, reach, reach.looked_after(on)), is_undone=is_undone)
    named = next((one for one in found if one.kind == "people" and one.code in reach.others_accounts), None)
    if named is not None:
        field = "account" if named.is_new else named.field
        raise Unfit([Invalid("act.installation_account", "ask who looks after the installation", field=field)])


def may_look(session: Session, found: Sequence[Difference], reach: Reach, *, is_done: bool = False) -> bool:
    """Whether an act names nothing of another ministry; whoever held a post here may be named, and so may the common stock.

    Args:
        is_done: what it added is there.
    """
    shown = [one for one in found if one.kind in OF_UNITS or (one.kind in LISTED and entity_and_code(one.code)[0])]
    try:
        _check(shown, _far(session, reach, reach.people), is_undone=is_done)
    except Invalid:
        return False
    return True


def _check(found: Sequence[Difference], far: Far, *, is_undone: bool) -> None:
    if not far.units:
        return
    _check_lists(found, far.units)
    of_field = {
        "register": far.registers,
        "parent": far.units,
        "successor": far.units,
        "unit": far.units,
        "secretary_of": far.posts,
        "holder": far.people,
        "post": far.posts,
        "person": far.people,
    }
    named = [
        (one.field, one.after if one.after in of_field.get(one.field, ()) else one.code)
        for one in found
        if one.after in of_field.get(one.field, ()) or (one.code in far.of(one.kind) and (is_undone or not one.is_new))
    ]
    named += [
        ("post", post)
        for one in found
        if one.kind == "delegations" and (post := one.code.partition(GIVEN_TO)[0]) in far.posts
    ]
    named += [("post", code) for one in found for code in sorted(_circuit_posts(one) & far.posts)]
    if named:
        raise Unfit([_unknown(field, code) for field, code in named])


def _unknown(field: str, value: str, sheet: str = "") -> Invalid:
    return Invalid("cell.unknown", "correct it", value=value, sheet=sheet, field=field)


def _check_lists(found: Iterable[Difference], far: Collection[str]) -> None:
    """The lists of the own entities are changed. The common stock, and any section that nobody has said to be of a ministry, is
    looked after for all ministries at once."""
    for one in found:
        if one.kind in OF_UNITS:
            continue
        entity, _code = entity_and_code(one.code) if one.kind in LISTED else ("", one.code)
        if not entity:
            raise Invalid("act.common_stock", "keep an own one", field="entity")
        if entity in far:
            raise Unfit([_unknown("entity", entity)])


def _circuit_posts(one: Difference) -> set[str]:
    """The posts that a circuit names, if the difference is one."""
    if one.kind != "natures" or one.field != "circuit" or not isinstance(one.after, dict):
        return set()
    return {one.after["signatory"], *(step["post"] for step in one.after["steps"] if step["post"])}


# --- what is told ---------------------------------------------------------------------------------------------------


def refusals_of(
    session: Session, findings: Iterable[Finding], sheets: Sheets, reach: Reach | None, *, on: date
) -> list[Invalid]:
    """The findings of the workbook at the fields of the form. What is of another ministry is not known, and not proposed.

    Args:
        reach: of who is told; None: nobody is.
    """
    far = _far(session, reach, reach.looked_after(on)) if reach is not None else Far()
    return [_refusal(one, sheets, far) for one in findings]


def _refusal(finding: Finding, sheets: Sheets, far: Far) -> Invalid:
    field, values = field_of(finding, sheets), dict(finding.params)
    kind, refers_to, typed = _cell(finding, sheets)
    if kind == "delegations" and (post := sheets[finding.sheet][finding.row - 1][0].strip()) in far.posts:
        return _unknown("post", post)  # whatever is wrong beside it would tell that it is there
    if finding.code != "workbook.unknown" and typed in far.of(refers_to):
        return _unknown(field, typed)
    code = finding.code
    if code == "workbook.unknown" and values.get("near"):
        if values["near"] in far.of(refers_to):
            return _unknown(field, typed, str(values.get("sheet", "")))
        code = "workbook.unknown_near"
    if values.get("other") in far.of(kind):
        values["other"] = typed
    if code == "workbook.still_holds":
        held = [post for post in str(values["posts"]).split(", ") if post not in far.posts]
        values["posts"] = ", ".join(held) or "…"
    return Invalid(code.replace("workbook.", "cell."), "correct it", **values | {"field": field})


def _cell(finding: Finding, sheets: Sheets) -> tuple[str, str, str]:
    """Of the cell of a finding: the section of its sheet, the section that it names, and its text."""
    sheet = next((one for one in SHEETS if one.title == finding.sheet), None)
    if sheet is None or not finding.row or not finding.column:
        return "", "", ""
    return (
        sheet.kind,
        sheet.columns[finding.column - 1].refers_to,
        sheets[sheet.title][finding.row - 1][finding.column - 1].strip(),
    )
