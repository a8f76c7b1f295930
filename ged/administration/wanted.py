"""What the forms of the administration ask for, as lines of the workbook over the current organisation. Pure.

The first line is about the record of the form: its wrong cells are told at the fields of the form.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from ged.administration.lines import TAKEN_AWAY, Line, line
from ged.errors import Invalid, NotFound
from ged.org.file import OrganisationFile, PersonRecord, PostRecord, RegisterRecord, UnitRecord

Record = TypeVar("Record", UnitRecord, PersonRecord, PostRecord, RegisterRecord)


def new_unit(now: OrganisationFile, *, code: str, name: str, kind: str, below: str, is_entity: bool) -> list[Line]:
    """Lines that add a unit below another.

    Raises:
        Invalid: ``cell.nearly_twice``: the code is taken.
    """
    unit_of(now, below)
    _refuse_taken(code, "code", (unit.code for unit in now.units))
    return [line("units", {"code": code, "name": name, "kind": kind, "parent": below}, is_entity=is_entity)]


def changed_unit(now: OrganisationFile, code: str, *, name: str, kind: str, address: str | None = None) -> list[Line]:
    """Lines that give a unit another name, kind or printed address (None: its own).

    A kind that no list has is not written while it is unchanged: the sheet would refuse it.
    """
    unit = unit_of(now, code)
    values = {"name": name, "address": unit.address if address is None else address}
    if kind != unit.kind:
        values["kind"] = kind
    return [line("units", {"code": code, **values}, is_entity=unit.entity)]


def moved_unit(now: OrganisationFile, code: str, *, below: str) -> list[Line]:
    """Lines that move a unit, with all units below it, under another one."""
    return [line("units", {"code": code, "parent": below}, is_entity=unit_of(now, code).entity)]


def closed_unit(now: OrganisationFile, code: str, *, successor: str, keeps_posts: bool) -> list[Line]:
    """Lines that close a unit: its letters, registers and the units below it pass to a successor.

    Args:
        keeps_posts: its posts stay in the closed unit and become vacant; False: they pass on with their holders (a merger).
    """
    unit = unit_of(now, code)
    posts = [post for post in now.posts if post.unit == code]
    moved: list[Line] = (
        [line("posts", {"code": post.code, "holder": TAKEN_AWAY}) for post in posts if post.holder]
        if keeps_posts
        else [line("posts", {"code": post.code, "unit": successor}) for post in posts]
    )
    return [
        line("units", {"code": code, "closed": True, "successor": successor}, is_entity=unit.entity),
        *_children(now, unit, successor),
        *moved,
        *(line("registers", {"code": one.code, "unit": successor}) for one in now.registers if one.unit == code),
    ]


def _children(now: OrganisationFile, unit: UnitRecord, successor: str) -> Iterable[Line]:
    """The units below go under the successor; the one that the successor is in, or is itself, takes the unit's place."""
    above = _upwards(now, successor)
    for child in now.units:
        if child.parent == unit.code and not child.closed:
            place = unit.parent if child.code in above else successor
            yield line("units", {"code": child.code, "parent": place}, is_entity=child.entity)


def _upwards(now: OrganisationFile, code: str) -> frozenset[str]:
    parents = {unit.code: unit.parent for unit in now.units}
    found: set[str] = set()
    at: str | None = code
    while at in parents and at not in found:
        found.add(str(at))
        at = parents[str(at)]
    return frozenset(found)


def new_post(
    now: OrganisationFile, *, code: str, title: str, unit: str, roles: tuple[str, ...], holder: str | None,
    secretary_of: str | None,
) -> list[Line]:  # fmt: skip
    """A post in a unit, with or without a holder.

    Raises:
        Invalid: ``cell.nearly_twice``: the code is taken.
    """
    unit_of(now, unit)
    _refuse_taken(code, "code", (post.code for post in now.posts))
    values: dict[str, object] = {"code": code, "title": title, "unit": unit, "roles": roles or TAKEN_AWAY}
    if holder:
        values["holder"] = holder
    if secretary_of:
        values["secretary_of"] = secretary_of
    return [line("posts", values)]


def changed_post(
    now: OrganisationFile, code: str, *, title: str, unit: str, roles: tuple[str, ...], secretary_of: str | None
) -> list[Line]:
    """Another title, unit, roles or authority."""
    post_of(now, code)
    return [
        line("posts", {"code": code, "title": title, "unit": unit, "roles": roles or TAKEN_AWAY, "secretary_of": secretary_of or TAKEN_AWAY})
    ]  # fmt: skip


def given_post(now: OrganisationFile, code: str, *, holder: str | None) -> list[Line]:
    """A post goes to a person, or becomes vacant."""
    post_of(now, code)
    return [line("posts", {"code": code, "holder": holder or TAKEN_AWAY})]


def new_person(
    now: OrganisationFile, *, account: str, name: str, email: str, clearance: str, post: str | None = None
) -> list[Line]:
    """A person with an account, and the post that it is for.

    Raises:
        Invalid: ``cell.nearly_twice``: the account is taken; ``cell.unknown``: the post is not there.
    """
    _refuse_taken(account, "account", (person.account for person in now.people))
    if post is not None and post not in {one.code for one in now.posts}:
        raise Invalid("cell.unknown", "choose from the list", field="post", value=post)
    values = {"account": account, "name": name, "clearance": clearance} | ({"email": email} if email else {})
    return [line("people", values), *([line("posts", {"code": post, "holder": account})] if post else [])]


def changed_person(now: OrganisationFile, account: str, *, name: str, email: str, clearance: str) -> list[Line]:
    """Another name, address or clearance."""
    person_of(now, account)
    return [line("people", {"account": account, "name": name, "email": email or TAKEN_AWAY, "clearance": clearance})]


def departure(now: OrganisationFile, account: str, *, successors: Mapping[str, str | None]) -> list[Line]:
    """A person leaves: the account is closed, each post goes to a successor or becomes vacant.

    Args:
        successors: code of a post -> account; a post that is not named becomes vacant.
    """
    person_of(now, account)
    held = [post.code for post in now.posts if post.holder == account]
    return [
        line("people", {"account": account, "closed": True}),
        *(line("posts", {"code": code, "holder": successors.get(code) or TAKEN_AWAY}) for code in held),
    ]


def return_of(now: OrganisationFile, account: str) -> list[Line]:
    """A closed account is opened again; posts and keys are given anew."""
    person_of(now, account)
    return [line("people", {"account": account, "closed": False})]


def new_register(
    now: OrganisationFile, *, code: str, name: str, unit: str, nature: str, direction: str, pattern: str,
    restarts_yearly: bool, paper_number: str, paper_reason: str,
) -> list[Line]:  # fmt: skip
    """A register of a unit, which may go on from a paper book.

    Args:
        paper_number: the last number of the paper book, as typed; empty: it begins at 1.

    Raises:
        Invalid: ``cell.nearly_twice``: the code is taken.
    """
    unit_of(now, unit)
    _refuse_taken(code, "code", (register.code for register in now.registers))
    values: dict[str, object] = {
        "code": code, "name": name, "unit": unit, "nature": nature, "direction": direction, "pattern": pattern,
        "restarts_yearly": restarts_yearly,
    }  # fmt: skip
    return [line("registers", values | {k: v for k, v in _paper(paper_number, paper_reason).items() if v is not None})]


def changed_register(now: OrganisationFile, code: str, *, name: str, unit: str, pattern: str) -> list[Line]:
    """Another name, unit or pattern; numbers that were given stay as they are."""
    register_of(now, code)
    return [line("registers", {"code": code, "name": name, "unit": unit, "pattern": pattern})]


def continued_register(now: OrganisationFile, code: str, *, paper_number: str, paper_reason: str) -> list[Line]:
    """The paper book that a register goes on from; an empty number: none."""
    register_of(now, code)
    return [line("registers", {"code": code, **_paper(paper_number, paper_reason)})]


def closed_register(now: OrganisationFile, code: str) -> list[Line]:
    """Nothing is numbered in it any more."""
    register_of(now, code)
    return [line("registers", {"code": code, "closed": True})]


def reopened_register(now: OrganisationFile, code: str) -> list[Line]:
    """It numbers again, from where it was."""
    register_of(now, code)
    return [line("registers", {"code": code, "closed": False})]


def new_listed(now: OrganisationFile, section: str, values: Mapping[str, object]) -> list[Line]:
    """A nature or a mention at the end of its list.

    Args:
        section: ``natures`` or ``mentions``.
        values: by the names of the sheet's columns; empty texts are left out. ``entity``: whose list; empty: the common stock.

    Raises:
        Invalid: ``cell.nearly_twice``: the code is taken in this list.
    """
    entity = values.get("entity") or None
    taken = (record.code for record in getattr(now, section) if record.entity == entity)
    _refuse_taken(str(values["code"]), "code", taken)
    return [line(section, {key: value for key, value in values.items() if value not in ("", (), None)})]


def changed_listed(
    now: OrganisationFile, section: str, code: str, entity: str | None, values: Mapping[str, object]
) -> list[Line]:
    """Other values of a nature or a mention; an empty one is taken away.

    Raises:
        NotFound: ``act.unknown``.
    """
    _listed_of(now, section, code, entity)
    emptied = {key: TAKEN_AWAY if value in ("", (), None) else value for key, value in values.items()}
    return [line(section, {"code": code, **_of_list(entity), **emptied})]


def new_class(*, code: str, title: str) -> list[Line]:
    """A class of the filing plan. That its code is free is seen when the act is proposed: it adds."""
    return [line("filing_plan", {"code": code, "title": title})]


def changed_class(code: str, *, title: str) -> list[Line]:
    """Another title; the letters filed there show it."""
    return [line("filing_plan", {"code": code, "title": title})]


def closed_class(code: str, *, closed: bool) -> list[Line]:
    """Nothing is filed there any more, or is again."""
    return [line("filing_plan", {"code": code, "closed": closed})]


def circuit_of(
    now: OrganisationFile, code: str, entity: str | None, *, steps: Iterable[Mapping[str, object]], signatory: str
) -> list[Line]:
    """The circuit of a nature.

    Args:
        steps: ``post`` (a code, or ``NEAREST_HEAD``), ``kind``, ``compulsory``, ``with_previous`` of each, in order.
        signatory: code of the post that signs; empty: the nature has no circuit any more.

    Raises:
        NotFound: ``act.unknown``.
        Invalid: ``act.no_signatory``: steps without a signatory.
    """
    _listed_of(now, "natures", code, entity)
    asked, own = list(steps), {"nature": code, **_of_list(entity)}
    if not signatory:
        if asked:
            raise Invalid("act.no_signatory", "choose who signs", field="signatory")
        return [line("circuits", {**own, "post": TAKEN_AWAY})]
    signature = {"post": signatory, "kind": "signature"}
    return [line("circuits", {**own, **one}) for one in (*asked, signature)]


def _of_list(entity: str | None) -> dict[str, object]:
    return {"entity": entity} if entity else {}


def _listed_of(now: OrganisationFile, section: str, code: str, entity: str | None) -> None:
    if not any(record.code == code and record.entity == entity for record in getattr(now, section)):
        raise NotFound("act.unknown", "open it from the list again", sought=code)


def _paper(number: str, reason: str) -> dict[str, object]:
    """A number and no reason: the reading of the line asks for the reason."""
    return {"paper_number": number, "paper_reason": reason} if number else {"paper_number": None, "paper_reason": None}


def _refuse_taken(code: str, field: str, codes: Iterable[str]) -> None:
    """A line of the workbook changes the record that its key names; a form that adds a record must not."""
    if code in codes:
        raise Invalid("cell.nearly_twice", "choose another", field=field, other=code)


def unit_of(now: OrganisationFile, code: str) -> UnitRecord:
    """The unit of a code.

    Raises:
        NotFound: ``act.unknown``.
    """
    return _of(now.units, "code", code)


def post_of(now: OrganisationFile, code: str) -> PostRecord:
    """The post of a code.

    Raises:
        NotFound: ``act.unknown``.
    """
    return _of(now.posts, "code", code)


def person_of(now: OrganisationFile, account: str) -> PersonRecord:
    """The person of an account.

    Raises:
        NotFound: ``act.unknown``.
    """
    return _of(now.people, "account", account)


def register_of(now: OrganisationFile, code: str) -> RegisterRecord:
    """The register of a code.

    Raises:
        NotFound: ``act.unknown``.
    """
    return _of(now.registers, "code", code)


def _of(records: tuple[Record, ...], key: str, code: str) -> Record:
    found = next((record for record in records if getattr(record, key) == code), None)
    if found is None:
        raise NotFound("act.unknown", "open it from the list again", sought=code)
    return found
