"""Applies the rows of a workbook to the current organisation: the organisation that is wanted, and every finding. Pure.

Nothing stops at the first error: whoever fills in a workbook corrects all of it in one go.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import ValidationError

from ged.errors import Invalid
from ged.org.delegations import wrong_day
from ged.org.file import AS_GIVEN, OrganisationFile, check_references, delegation_key
from ged.register.addresses import EMAIL
from ged.register.correspondents import fold
from ged.register.numbering import check_pattern
from ged.spreadsheet.reading import MAX_ROWS
from ged.unit import Role
from ged.workbook.cells import Finding, Left, Removed, WrongCell, folded, read_cell
from ged.workbook.sheets import EXAMPLE, NEAREST_HEAD, SHEETS, Column, Holds, Sheet

Rows = Sequence[Sequence[str]]
Records = dict[str, dict[str, dict[str, Any]]]
"""Section -> key of a record -> its fields, in the order of the lists."""
READ_ME = "Lisez-moi"
LISTS = "Listes"
EMPTY: Mapping[str, Any] = {
    "kind": "", "parent": None, "successor": None, "closed": False, "email": "", "clearance": "ordinary", "holder": None,
    "roles": (), "secretary_of": None, "restarts_yearly": True, "reminder": "", "register": None, "delay_days": None,
    "mentions": (), "reminders": (), "level": None, "silence": "", "retention_years": None, "final_act": "", "filing_class": "", "may_sign": True, "templates": (), "max_amount_xof": None, "withdrawn": False, "paper_number": None, "paper_reason": "", "address": "", "phone": None, "template": None, "entity": None,
}  # fmt: skip
"""The value of a field after a dash, and of a field that a new record leaves empty."""
KEY_OF_DELEGATION = ("post", "person", "kind", "from_on", "act")
PRINTED = frozenset("‐‑–—‘’“”„…€")
"""Signs beyond the Latin letters that every font has: an act is printed under a signature."""
LAST_LATIN = "\u024f"
ACCOUNT = re.compile(r"[a-z0-9._@+'-]+")
"""A new account: with letters of other alphabets, two accounts would look alike in lists and in the journal."""
LISTED = frozenset({"mentions", "natures", "templates"})
"""Lists that entities keep beside the common stock."""
KINDS_OF_UNITS = {True: "entity", False: "service"}


@dataclass(frozen=True)
class Merged:
    """The result of reading a workbook.

    Attributes:
        file: the organisation that is wanted; None if anything is to be corrected.
        findings: sheet by sheet, line by line.
        lines: lines that were read, without names and examples.
    """

    file: OrganisationFile | None
    findings: tuple[Finding, ...]
    lines: int


@dataclass
class _Line:
    """A line of a sheet whose cells could be read."""

    sheet: Sheet
    row: int
    columns: Mapping[str, int]
    said: dict[str, object]


@dataclass
class _Work:
    records: Records
    lacking: frozenset[str] = frozenset()
    findings: list[Finding] = field(default_factory=list)
    lines: dict[tuple[str, str], _Line] = field(default_factory=dict)
    """Section and key -> the line that speaks of it."""
    on: date | None = None
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The delegations that are there, as they are."""
    held_natures: frozenset[str] | None = None
    """The natures that are there, by key; None: names are not compared."""
    steps: dict[str, list[_Line]] = field(default_factory=dict)
    """Nature -> its lines of the sheet of circuits."""
    count: int = 0
    wrong: set[tuple[str, int, int]] = field(default_factory=set)
    """Sheet, line and column of each finding; and column 0 of each line with one."""
    by_word: dict[str, dict[str, str]] = field(default_factory=dict)
    """Section -> folded key -> key: finds the key that a typing error stands for."""

    def note(self, line: _Line, key: str, code: str, **params: object) -> None:
        self.add(Finding(line.sheet.title, line.row, line.columns.get(key, 0), code, params))

    def add(self, finding: Finding) -> None:
        self.findings.append(finding)
        self.wrong |= {(finding.sheet, finding.row, finding.column), (finding.sheet, finding.row, 0)}

    def is_wrong(self, line: _Line, key: str = "") -> bool:
        """Whether a cell of a line, or any cell of it, was found wrong."""
        return (line.sheet.title, line.row, line.columns.get(key, 0) if key else 0) in self.wrong

    def near(self, kind: str, code: str) -> str:
        """The key of a section that differs from a code only by case, accents or spaces; empty: none."""
        if kind not in self.by_word:
            self.by_word[kind] = {folded(key): key for key in self.records[kind]}
        return self.by_word[kind].get(folded(code), "")


def merge(
    now: OrganisationFile,
    workbook: Mapping[str, Rows],
    *,
    on: date | None = None,
    lacking: frozenset[str] = frozenset(),
    one_name_each: bool = False,
) -> Merged:
    """Apply the sheets to the current organisation.

    Args:
        workbook: title of a sheet -> its rows of text, the first one the names of the columns.
        on: the day, by which a period is over; None: that is left to the taking in.
        lacking: characters that no font of ours has: names and titles are printed.
        one_name_each: a new nature is not named as another one. An act from a form does not ask: who may not see the other
            ministry's natures would learn their names.
    """
    work = _Work(_records(now), lacking, on=on)
    work.given = dict(work.records["delegations"])
    work.held_natures = frozenset(work.records["natures"]) if one_name_each else None
    for sheet, rows in _known_sheets(workbook, work):
        for line in _lines(sheet, rows, work):
            work.count += 1
            _take(line, work)
    _check_all_references(work)
    _check_meaning(work)
    _take_circuits(work)
    file = _file(now, work) if not work.findings else None
    return Merged(file, tuple(sorted(work.findings, key=_order)), work.count)


def _order(finding: Finding) -> tuple[int, int, int]:
    titles = [sheet.title for sheet in SHEETS]
    return titles.index(finding.sheet) if finding.sheet in titles else -1, finding.row, finding.column


# --- the organisation as records ------------------------------------------------------------------------------------


def _records(now: OrganisationFile) -> Records:
    found: Records = {}
    for kind in (*dict.fromkeys(sheet.kind for sheet in SHEETS if sheet.kind != "circuits"), "templates"):
        found[kind] = {
            key_of(kind, fields): fields
            for fields in (record.model_dump(by_alias=True) for record in getattr(now, kind))
        }
    return found


def key_of(kind: str, fields: Mapping[str, Any]) -> str:
    """How a record is found again: codes and accounts as they are, correspondents by their folded name.

    In a list that entities keep, a code stands once in each entity and once in the common stock.
    """
    if kind == "correspondents":
        return fold(str(fields["name"]))
    if kind == "delegations":
        return delegation_key(**{name: fields[name] for name in KEY_OF_DELEGATION})
    if kind in LISTED:
        return listed(str(fields["code"]), fields.get("entity"))
    return str(fields["account"] if kind == "people" else fields["code"])


def listed(code: str, entity: object) -> str:
    """The key of a code in the list of an entity, or in the common stock; ``entity_and_code`` is the inverse.

    Two records never have one key: a slash that stands in a code of old is written as %2F.
    """
    plain = code.replace("%", "%25").replace("/", "%2F")
    return f"{entity}/{plain}" if isinstance(entity, str) and entity else plain


def entity_and_code(key: str) -> tuple[str, str]:
    """The entity (empty: the common stock) and the code of a key of a list."""
    entity, _slash, plain = key.rpartition("/")
    return entity, plain.replace("%2F", "/").replace("%25", "%")


# --- sheets and lines -----------------------------------------------------------------------------------------------


def _known_sheets(workbook: Mapping[str, Rows], work: _Work) -> Iterator[tuple[Sheet, Rows]]:
    by_title = {folded(sheet.title): sheet for sheet in SHEETS}
    given = {}
    for title, rows in workbook.items():
        sheet = by_title.get(folded(title))
        if sheet is not None:
            given[sheet.title] = rows
        elif folded(title) not in {folded(READ_ME), folded(LISTS)} and rows:
            work.add(Finding(title, 0, 0, "workbook.unknown_sheet"))
    if not given:
        work.add(Finding("", 0, 0, "workbook.no_sheet"))
    for sheet in SHEETS:
        if sheet.title in given:
            yield sheet, given[sheet.title]


def _lines(sheet: Sheet, rows: Rows, work: _Work) -> Iterator[_Line]:
    if not rows:
        return
    columns = _columns(sheet, rows[0], work)
    if sheet.key.key not in columns:
        return
    if len(rows) > MAX_ROWS:
        work.add(Finding(sheet.title, MAX_ROWS + 1, 0, "workbook.too_many_lines", {"limit": MAX_ROWS}))
    for number, cells in enumerate(rows[1:MAX_ROWS], start=2):
        texts = [str(cell).strip() for cell in cells]
        if any(texts) and not folded(texts[0]).startswith(folded(EXAMPLE)):
            yield _line(sheet, number, columns, texts, work)


def _columns(sheet: Sheet, names: Sequence[str], work: _Work) -> dict[str, int]:
    """The place of each column, from 1."""
    by_title = {folded(column.title): column for column in sheet.columns}
    found: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if not folded(name):
            continue
        column = by_title.get(folded(name))
        if column is None:
            known = ", ".join(one.title for one in sheet.columns)
            work.add(Finding(sheet.title, 1, place, "workbook.unknown_column", {"columns": known}))
        elif column.key in found:
            work.add(Finding(sheet.title, 1, place, "workbook.column_twice"))
        else:
            found[column.key] = place
    if sheet.key.key not in found:
        work.add(Finding(sheet.title, 1, 0, "workbook.missing_column", {"column": sheet.key.title}))
    return found


def _line(sheet: Sheet, number: int, columns: Mapping[str, int], texts: Sequence[str], work: _Work) -> _Line:
    said: dict[str, object] = {}
    for column in sheet.columns:
        place = columns.get(column.key)
        text = texts[place - 1] if place is not None and place <= len(texts) else ""
        try:
            said[column.key] = read_cell(column, text)
        except WrongCell as wrong:
            # What was typed stays for the checks that follow: a wrong line still takes its key.
            said[column.key] = Left()
            work.add(Finding(sheet.title, number, place or 0, wrong.code, wrong.params))
            continue
        unprinted = next((sign for sign in text if sign in work.lacking and sign.isprintable()), "")
        if unprinted:
            work.add(Finding(sheet.title, number, place or 0, "workbook.glyph", {"character": unprinted}))
    beyond = max(columns.values(), default=0)
    if any(texts[beyond:]):
        place = beyond + 1 + next(n for n, text in enumerate(texts[beyond:]) if text)
        work.add(Finding(sheet.title, number, place, "workbook.beyond"))
    return _Line(sheet, number, columns, said)


# --- one line -------------------------------------------------------------------------------------------------------


def _take(line: _Line, work: _Work) -> None:
    kind, key_column = line.sheet.kind, line.sheet.key
    key = line.said[key_column.key]
    if isinstance(key, Left | Removed):
        if not work.is_wrong(line):
            work.note(line, key_column.key, "workbook.missing", column=key_column.title)
        return
    if kind == "circuits":
        work.steps.setdefault(listed(str(key), line.said["entity"]), []).append(line)
        return
    if kind == "delegations" and not _has_key(line, work):
        return
    named = key_of(kind, line.said)
    before = work.lines.get((kind, named))
    if before is not None:
        work.note(line, key_column.key, "workbook.twice", sheet=before.sheet.title, row=before.row)
        return
    work.lines[kind, named] = line
    held = work.records[kind].get(named)
    if held is None and kind != "delegations":  # whose key is made of references, which are looked for
        _warn_of_case(line, named, work)
        work.by_word[kind][folded(named)] = named
    work.records[kind][named] = _fields(line, held, work)


def _has_key(line: _Line, work: _Work) -> bool:
    """Whether a line names all by which a delegation is found again."""
    lacking = [key for key in KEY_OF_DELEGATION if isinstance(line.said[key], Left | Removed)]
    for key in lacking:
        if not work.is_wrong(line, key):
            column = next(one for one in line.sheet.columns if one.key == key)
            work.note(line, key, "workbook.missing", column=column.title)
    return not lacking


def _warn_of_case(line: _Line, named: str, work: _Work) -> None:
    """A code that differs from another only by case or accents is a typing error: two units of one name. So is what nobody could type."""
    kind, column = line.sheet.kind, line.sheet.key
    other = work.near(kind, named)
    if other:
        work.note(line, column.key, "workbook.nearly_twice", other=other)
    elif kind != "correspondents" and " " in named:
        work.note(line, column.key, "workbook.space")
    elif kind == "people" and named != named.lower():  # what is typed to sign in is read in lower case
        work.note(line, column.key, "workbook.capitals", account=named.lower())
    elif kind == "people" and not ACCOUNT.fullmatch(named):
        work.note(line, column.key, "workbook.letters")
    elif kind in LISTED and "/" in str(line.said[column.key]):
        work.note(line, column.key, "workbook.slash")


def _fields(line: _Line, held: Mapping[str, Any] | None, work: _Work) -> dict[str, Any]:
    fields = dict(held or {})
    for column in line.sheet.columns:
        value = line.said[column.key]
        if isinstance(value, Left):
            if held is None:
                fields[column.key] = EMPTY.get(column.key)
                if column.is_required and not work.is_wrong(line, column.key):
                    work.note(line, column.key, "workbook.missing", column=column.title)
        elif isinstance(value, Removed):
            fields[column.key] = EMPTY.get(column.key)
        else:
            fields[column.key] = value
    if line.sheet.kind == "units":
        if held is not None and held["entity"] is not (line.sheet is SHEETS[0]):
            work.note(line, line.sheet.key.key, "workbook.other_sheet", sheet=SHEETS[0 if held["entity"] else 1].title)
        fields["entity"] = line.sheet is SHEETS[0]
        fields["kind"] = fields["kind"] or KINDS_OF_UNITS[fields["entity"]]
    return fields


# --- what cells say of each other -----------------------------------------------------------------------------------


def _check_all_references(work: _Work) -> None:
    lines = [*work.lines.values(), *(line for lines in work.steps.values() for line in lines)]
    for line in lines:
        for column in line.sheet.columns:
            for code in _named(column, line.said[column.key]):
                only_own = line.sheet.kind == "circuits"  # a circuit is of one nature, not of the one that it replaces
                found = {code}
                if line.sheet.kind == "delegations" and column.refers_to in LISTED:
                    # A delegation covers letters of its post's entity, which writes them by its own models and the common ones.
                    found = {key for key in work.records[column.refers_to] if entity_and_code(key)[1] == code}
                elif column.refers_to in LISTED:
                    own = listed(code, line.said.get("entity"))
                    found = {own} if only_own else {own, listed(code, None)}
                if found.isdisjoint(work.records[column.refers_to]) and not (only_own and _is_head(code)):
                    near = work.near(column.refers_to, code)
                    work.note(
                        line, column.key, "workbook.unknown", value=code, sheet=_title(column.refers_to), near=near
                    )


def _named(column: Column, value: object) -> Iterable[str]:
    if column.holds is Holds.REFERENCE and isinstance(value, str):
        return [value]
    return value if column.holds is Holds.REFERENCES and isinstance(value, tuple) else []


def _title(kind: str) -> str:
    titles = [sheet.title for sheet in SHEETS if sheet.kind == kind]
    return " ou ".join(titles) or "Modèles de lettres"


def _is_head(code: str) -> bool:
    return folded(code) == folded(NEAREST_HEAD)


def _check_meaning(work: _Work) -> None:
    for (kind, key), line in work.lines.items():
        fields = work.records[kind][key]
        if kind == "units":
            _check_unit(line, key, fields, work)
        elif kind == "registers":
            _check_register(line, key, fields, work)
        elif kind == "delegations":
            _check_delegation(line, key, fields, work)
        elif kind in LISTED and not work.records["units"].get(fields.get("entity") or "", {"entity": True})["entity"]:
            work.note(line, "entity", "workbook.no_entity")
        if kind == "natures" and work.held_natures is not None and key not in work.held_natures:
            _check_name(line, key, fields, work)
        if kind == "natures" and fields.get("register") in work.records["registers"]:
            if work.records["registers"][fields["register"]]["direction"] != fields["direction"]:
                work.note(line, "register", "workbook.other_direction")
        elif kind == "posts" and fields.get("secretary_of") == key:
            work.note(line, "secretary_of", "workbook.itself")
        elif kind == "people":
            _check_person(line, key, fields, work)
        if kind == "posts" and work.records["people"].get(fields.get("holder") or "", {}).get("closed"):
            work.note(line, "holder", "workbook.closed_holder")
    _check_moved_registers(work)


def _check_name(line: _Line, key: str, fields: Mapping[str, Any], work: _Work) -> None:
    """A new nature that is named as another one of its direction and list: the clerk would see two of one name.

    A new installation has natures of its own, which whoever fills in a template does not see there.
    """
    for other, held in work.records["natures"].items():
        is_same = held["direction"] == fields["direction"] and (held.get("entity") or None) == (
            fields.get("entity") or None
        )
        if (
            other != key
            and is_same
            and not held.get("closed")
            and folded(str(held["name"])) == folded(str(fields["name"]))
        ):
            work.note(line, "name", "workbook.same_name", name=held["name"], other=held["code"])
            return


def _check_register(line: _Line, key: str, fields: Mapping[str, Any], work: _Work) -> None:
    if fields.get("pattern"):
        _note_wrong_pattern(line, "pattern", _wrong_pattern(key, fields, work), work)
    if fields.get("paper_number") and not fields.get("paper_reason"):
        work.note(line, "paper_reason", "workbook.no_paper")


def _wrong_pattern(key: str, fields: Mapping[str, Any], work: _Work) -> Invalid | None:
    """What is wrong with the numbers of a register where it stands in the tree."""
    unit = str(fields.get("unit") or "")
    entity = next((code for code in _upwards(unit, work) if work.records["units"][code].get("entity")), "")
    try:
        check_pattern(fields["pattern"], entity=entity or _top_of(unit, work.records["units"]), unit=unit, register=key)
    except Invalid as error:
        return Invalid(error.code, error.remedy, **{**error.params, "register": key})
    return None


def _note_wrong_pattern(line: _Line, field: str, wrong: Invalid | None, work: _Work) -> None:
    if wrong is not None:
        work.note(line, field, wrong.code.replace("register.", "workbook."), **wrong.params)


def _upwards(code: str, work: _Work) -> Iterator[str]:
    """A unit and those above it; in a circle each once."""
    seen: set[str] = set()
    while code in work.records["units"] and code not in seen:
        seen.add(code)
        yield code
        code = str(work.records["units"][code].get("parent") or "")


def _check_moved_registers(work: _Work) -> None:
    """The numbers of a register become longer when its unit goes to another entity: told at the unit that goes."""
    if not any(kind == "units" for kind, _key in work.lines):
        return
    for key, fields in work.records["registers"].items():
        if ("registers", key) in work.lines or fields.get("closed"):
            continue
        moved = [
            work.lines["units", code] for code in _upwards(str(fields["unit"]), work) if ("units", code) in work.lines
        ]
        if moved and not work.is_wrong(moved[0], "parent"):
            _note_wrong_pattern(moved[0], "parent", _wrong_pattern(key, fields, work), work)


def _check_unit(line: _Line, key: str, fields: Mapping[str, Any], work: _Work) -> None:
    units = work.records["units"]
    seen, at = {key}, fields.get("parent")
    while at in units:
        if at in seen:
            work.note(line, "parent", "workbook.cycle")
            break
        seen.add(at)
        at = units[at].get("parent")
    if fields.get("closed") and not fields.get("successor"):
        work.note(line, "successor", "workbook.no_successor")
    if fields.get("successor") == key:
        work.note(line, "successor", "workbook.itself")
    elif fields.get("closed") and fields.get("successor") in units and not _is_followed(key, units):
        work.note(line, "successor", "workbook.closed_successor")


def _is_followed(key: str, units: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether an open unit receives the letters of a closed one, through its successors."""
    seen: set[str] = set()
    while key in units and key not in seen and units[key].get("closed"):
        seen.add(key)
        key = str(units[key].get("successor") or "")
    return key in units and key not in seen


def _check_delegation(line: _Line, key: str, fields: Mapping[str, Any], work: _Work) -> None:
    if key in work.given:
        for name in AS_GIVEN:
            if not isinstance(line.said[name], Left) and fields[name] != work.given[key][name]:
                work.note(line, name, "workbook.as_given")
        return
    if fields["withdrawn"]:
        work.note(line, "withdrawn", "workbook.not_given")
        return
    post, person = work.records["posts"].get(fields["post"], {}), work.records["people"].get(fields["person"], {})
    if person.get("closed"):
        work.note(line, "person", "workbook.closed_person")
    elif post and post.get("holder") == fields["person"]:
        work.note(line, "person", "workbook.already_holds")
    elif post and person and not _shares_ministry(fields["person"], post, work):
        work.note(line, "person", "workbook.other_ministry")
    if fields["kind"] == "interim" and post.get("holder"):
        work.note(line, "kind", "workbook.interim_held")
    if fields["until_on"] is not None:
        _check_period(line, fields["from_on"], fields["until_on"], work)
    if fields["max_amount_xof"] == 0:
        work.note(line, "max_amount_xof", "workbook.amount")
    lacking = next((sign for sign in fields["act"] if sign > LAST_LATIN and sign not in PRINTED), "")
    if lacking and not work.is_wrong(line, "act"):
        work.note(line, "act", "workbook.glyph", character=lacking)


def _check_period(line: _Line, from_on: date, until_on: date, work: _Work) -> None:
    # Without a day of its own, a period is looked at as on its first day: only whether it is in order and not too long.
    field = wrong_day(from_on, until_on, today=work.on or from_on)
    if field is not None:
        work.note(line, field, "workbook.period")


def _shares_ministry(account: str, post: Mapping[str, Any], work: _Work) -> bool:
    """Whether a person holds a post of the ministry of another post; where there is one ministry, everybody is of it."""
    units = work.records["units"]
    tops = {_top_of(code, units) for code in units}
    own = {_top_of(one["unit"], units) for one in work.records["posts"].values() if one.get("holder") == account}
    return len(tops) <= 1 or _top_of(post["unit"], units) in own


def _top_of(code: str, units: Mapping[str, Mapping[str, Any]]) -> str:
    seen: set[str] = set()
    while code in units and code not in seen and units[code].get("parent"):
        seen.add(code)
        code = str(units[code]["parent"])
    return code


def _check_person(line: _Line, key: str, fields: Mapping[str, Any], work: _Work) -> None:
    if fields.get("email") and EMAIL.fullmatch(fields["email"]) is None:
        work.note(line, "email", "workbook.email")
    if fields.get("closed"):
        held = [code for code, post in work.records["posts"].items() if post.get("holder") == key]
        if held:
            work.note(line, "closed", "workbook.still_holds", posts=", ".join(held))


# --- circuits -------------------------------------------------------------------------------------------------------


def _take_circuits(work: _Work) -> None:
    for nature, lines in work.steps.items():
        if nature not in work.records["natures"]:
            continue
        if isinstance(lines[0].said["post"], Removed):
            work.records["natures"][nature]["circuit"] = None
            continue
        if _has_gaps(lines, work):
            continue
        *asked, last = lines
        if last.said["kind"] != "signature" or any(line.said["kind"] == "signature" for line in asked):
            work.note(last, "kind", "workbook.signature_last")
            continue
        signatory = str(last.said["post"])
        roles = work.records["posts"].get(signatory, {}).get("roles", ())
        if _is_head(signatory) or (signatory in work.records["posts"] and Role.SIGNATORY not in roles):
            work.note(last, "post", "workbook.no_signatory")
        _check_once(lines, work)
        work.records["natures"][nature]["circuit"] = {
            "signatory": signatory, "steps": tuple(_step(line) for line in asked),
        }  # fmt: skip


def _has_gaps(lines: Sequence[_Line], work: _Work) -> bool:
    gaps = [(line, key) for line in lines for key in ("post", "kind") if isinstance(line.said[key], Left)]
    for line, key in gaps:
        if not work.is_wrong(line):
            work.note(line, key, "workbook.missing", column=next(c.title for c in line.sheet.columns if c.key == key))
    return bool(gaps)


def _check_once(lines: Sequence[_Line], work: _Work) -> None:
    seen: set[str] = set()
    for line in lines:
        post = folded(str(line.said["post"]))
        if post in seen:
            work.note(line, "post", "workbook.post_twice")
        seen.add(post)


def _step(line: _Line) -> dict[str, object]:
    post = str(line.said["post"])
    return {
        "post": None if _is_head(post) else post, "head": _is_head(post), "kind": line.said["kind"],
        "compulsory": line.said["compulsory"] is True, "with_previous": line.said["with_previous"] is True,
    }  # fmt: skip


# --- the whole ------------------------------------------------------------------------------------------------------


def _file(now: OrganisationFile, work: _Work) -> OrganisationFile | None:
    """The organisation that is wanted. What the sheets' own rules let through is a finding without a cell."""
    sections = {kind: tuple(records.values()) for kind, records in work.records.items()}
    try:
        file = OrganisationFile.model_validate({"organisation": now.organisation or _top(work), **sections})
        check_references(file)
    except ValidationError as error:
        for one in error.errors():
            work.add(_of_record(one["loc"], str(one["msg"]), work))
        return None
    except Invalid as error:
        detail = " ".join(str(value) for value in error.params.values())
        work.add(Finding("", 0, 0, "workbook.refused", {"detail": detail}))
        return None
    return file


def _top(work: _Work) -> str:
    """The name of a new installation: that of the first entity at the top."""
    units = work.records["units"].values()
    return next((str(unit["name"]) for unit in units if unit["entity"] and not unit["parent"]), "")


def _of_record(loc: tuple[int | str, ...], message: str, work: _Work) -> Finding:
    kind, position, name = str(loc[0]), loc[1] if len(loc) > 1 else 0, str(loc[2]) if len(loc) > 2 else ""
    key = list(work.records.get(kind, {}))[int(position)] if isinstance(position, int) and kind in work.records else ""
    line = work.lines.get((kind, key))
    if line is None:
        return Finding("", 0, 0, "workbook.refused", {"detail": f"{kind} {key} {name} : {message}"})
    return Finding(line.sheet.title, line.row, line.columns.get(name, 0), "workbook.refused", {"detail": message})
