"""The first pages of monthly reports, which a ministry writes: checked, shown, kept in versions, and taken back.

The pages with all numbers, definitions and digests are the program's. They follow the first pages, in every report, and no template changes
them. An entity's own template stands for the common one, and both for the pages that are shipped. A report is never
late for a template: one that fails with the numbers of a month is left out, and the report says so.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from unicodedata import category

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import EngineFailed, GedError, Invalid, NotFound, StaleVersion
from ged.letterhead import country_and_motto, letterhead, organisation_name
from ged.monthly import again, sheet
from ged.monthly.models import ReportTemplate
from ged.monthly.sample import sample
from ged.monthly.sheet import Front
from ged.org.models import Person, Unit
from ged.org.tree import ministry_of_role, runs_installation
from ged.typeset import TEMPLATES, mistake_in
from ged.unit import Actor, Role, Services

OPENING = TEMPLATES / "monthly_opening.typ"
SHIPPED: Path = TEMPLATES / "monthly_front.typ"
"""An example to begin with."""
MAX_SIGNS = 60_000
CHECK_S = 12.0
"""For the pages of a sample month."""
_READS = re.compile(r"\b(?:import|include)\b")
"""Words that read another file. They stand nowhere in a template, so no way of writing hides one."""
_REFUSED, _UNKNOWN_NUMBER = re.compile(r'"?refused:([\w-]+)'), re.compile(r'"?number:([^"]*)')
_UNKNOWN_NAME = re.compile(r"unknown variable: (\S+)")
_ENDLESS = ("condition is always true", "loop seems to be infinite", "maximum function call depth")
_OPEN = re.compile(r"unclosed |unexpected end of")


@dataclass(frozen=True)
class VersionRow:
    """A version of an entity's template. ``is_in_use``: the next report has it."""

    version_no: int
    added_at: datetime
    added_by: str
    withdrawn_at: datetime | None
    is_in_use: bool


@dataclass(frozen=True)
class InUse:
    """The template of an entity's next report.

    Attributes:
        is_common: it is that of the common stock.
    """

    id: int
    version_no: int
    source: str
    is_common: bool

    def front(self) -> Front:
        """As the sheet prints it."""
        return Front(self.source, f"Les pages qui précèdent suivent {self._named()}. {OURS}")

    def left_out(self) -> Front:
        """As the sheet says that it is left out."""
        return Front(sentence=f"Les premières pages selon {self._named()} n'ont pas pu être composées. {OURS}")

    def _named(self) -> str:
        whose = "commun" if self.is_common else "de l'entité"
        return f"le modèle {whose}, version {self.version_no}"


OURS = (
    "Les pages à partir de celle-ci sont écrites par le programme : ce sont leurs nombres que la vérification recompte."
)
PREVIEW_TITLE = "Aperçu du rapport mensuel"
PREVIEW_SENTENCE = f"Aperçu : tous les nombres sont inventés. {OURS}"
PREVIEW_MADE = "aperçu d'un modèle, sans valeur"


def places(session: Session, actor: Actor, accounts: Collection[str]) -> list[tuple[int | None, str]]:
    """(id, name) of the entities whose templates an administrator changes; None: the common stock, for the whole
    installation's administrators only."""
    whole = runs_installation(actor, accounts)
    near = frozenset(actor.units) if whole else ministry_of_role(actor, Role.ADMINISTRATOR)
    query = select(Unit.id, Unit.name).where(Unit.is_entity, Unit.closed_at.is_(None), Unit.id.in_(sorted(near)))
    entities: list[tuple[int | None, str]] = [
        (unit_id, name) for unit_id, name in session.execute(query.order_by(Unit.name, Unit.id))
    ]
    return [*entities, *([(None, "")] if whole else [])]


def versions(session: Session, entity_id: int | None) -> tuple[VersionRow, ...]:
    """The versions of an entity's template, the last one first; None: of the common stock."""
    query = (
        select(ReportTemplate, Person.name)
        .join(Person, Person.id == ReportTemplate.added_by_id)
        .where(_of(entity_id))
        .order_by(ReportTemplate.version_no.desc())
    )
    return tuple(
        VersionRow(row.version_no, row.added_at, name, row.withdrawn_at, number == 0 and row.withdrawn_at is None)
        for number, (row, name) in enumerate(session.execute(query))
    )


def source_of(session: Session, entity_id: int | None, version_no: int | None = None) -> str:
    """The text of a version; without a number that in use, else the example that is shipped."""
    if version_no is not None:
        query = select(ReportTemplate.source).where(_of(entity_id), ReportTemplate.version_no == version_no)
        found = session.scalar(query)
        if found is None:
            raise NotFound("report_template.unknown", "choose a version of the list", id=version_no)
        return found
    row = _latest_template(session, entity_id)
    return row.source if row is not None and row.withdrawn_at is None else SHIPPED.read_text()


def in_use(session: Session, entity_id: int) -> InUse | None:
    """The template of an entity's next report; None: the pages that are shipped."""
    for of in (entity_id, None):
        row = _latest_template(session, of)
        if row is not None and row.withdrawn_at is None:
            return InUse(row.id, row.version_no, row.source, of is None)
    return None


def told_of(session: Session, report_id: int) -> tuple[int, bool] | None:
    """The version of the template that a report was made with, and whether it was left out because it failed; None: without one."""
    version = again.noted(session, report_id, "template_version")
    return (int(version), bool(again.noted(session, report_id, "template_failed"))) if version else None


def preview(services: Services, entity_id: int | None, source: str, *, actor: Actor, now: datetime) -> bytes:
    """A report on a made-up month with these first pages.

    Raises:
        NotFound: ``report_template.entity``: the administrator does not look after this entity, or the common stock.
        Invalid: ``report_template.…``, at the field ``source``.
        EngineFailed: ``work.busy``.
    """
    return _checked(services, entity_id, _clean(source), actor=actor, now=now)


def add(services: Services, entity_id: int | None, source: str, *, after: int, actor: Actor, now: datetime) -> int:
    """Check first pages, and make them the next version of an entity's template. Returns its number.

    Args:
        after: the last version that its author saw; 0: none.

    Raises:
        NotFound, Invalid, EngineFailed: as ``preview``.
        StaleVersion: ``report_template.stale``: somebody else has just changed it.
    """
    source = _clean(source)
    _checked(services, entity_id, source, actor=actor, now=now)
    with services.unit_of_work(now) as uow:
        _require(uow.session, services, entity_id, actor)
        last = _latest_template(uow.session, entity_id)
        if (last.version_no if last is not None else 0) != after:
            raise StaleVersion("report_template.stale", "read the page again")
        row = ReportTemplate(
            entity_id=entity_id, version_no=after + 1, source=source, fingerprint=_fingerprint(source), added_at=now,
            added_by_id=actor.person_id,
        )  # fmt: skip
        uow.session.add(row)
        try:
            uow.session.flush()
        except IntegrityError:
            raise StaleVersion("report_template.stale", "read the page again") from None
        uow.record(
            "report_template.added", "report_template", row.id, actor=actor, entity=entity_id, template_version=row.version_no,
            sha256=row.fingerprint,
        )  # fmt: skip
        return row.version_no


def withdraw(services: Services, entity_id: int | None, version_no: int, *, actor: Actor, now: datetime) -> None:
    """Make the next reports without this template. Its versions stay.

    Raises:
        NotFound: ``report_template.entity``.
        StaleVersion: ``report_template.stale``: it is not the last version, or it was withdrawn.
    """
    with services.unit_of_work(now) as uow:
        _require(uow.session, services, entity_id, actor)
        last = _latest_template(uow.session, entity_id)
        # Of two people at once the second one waits here, and is told.
        row = locks.hold_one(uow.session, ReportTemplate, last.id) if last is not None else None
        if row is None or row.version_no != version_no or row.withdrawn_at is not None:
            raise StaleVersion("report_template.stale", "read the page again")
        row.withdrawn_at = uow.now
        uow.record(
            "report_template.withdrawn", "report_template", row.id, actor=actor, entity=entity_id,
            template_version=row.version_no,
        )  # fmt: skip


def _checked(services: Services, entity_id: int | None, source: str, *, actor: Actor, now: datetime) -> bytes:
    """A report on a made-up month; one on a month without letters is made, too, for a template may divide by a number."""
    with services.reading() as session:
        _require(session, services, entity_id, actor)
        name, head = _head(session, entity_id, services.country)
    _require_text(source)
    shown = b""
    for is_empty in (True, False):
        content, counted = sample(name, is_empty=is_empty)
        front = Front(source, PREVIEW_SENTENCE)
        try:
            shown = sheet.report_pdf(
                content, counted, head, made=PREVIEW_MADE, at=now, front=front, title=PREVIEW_TITLE, limit_s=CHECK_S
            )
        except (Invalid, EngineFailed) as error:
            data = sheet.printed(content, counted, head, made=PREVIEW_MADE, front=front, title=PREVIEW_TITLE)
            raise _refusal(error, source, data) from error
    return shown


def _head(session: Session, entity_id: int | None, country: str) -> tuple[str, dict[str, Any]]:
    if entity_id is not None:
        name = session.scalars(select(Unit.name).where(Unit.id == entity_id)).one()
        return name, letterhead(session, entity_id, country=country).data()
    organisation, (nation, motto) = organisation_name(session), country_and_motto(country)
    return organisation, {"organisation": organisation, "units": [], "entity": "", "country": nation, "motto": motto, "qr": "", "caption": ""}  # fmt: skip


def _require_text(source: str) -> None:
    if not source:
        raise Invalid("form.required", "write the first pages", field="source")
    if len(source) > MAX_SIGNS:
        raise Invalid("report_template.long", "write less", field="source", limit=MAX_SIGNS)
    found = _READS.search(source)
    if found is not None:
        line = source.count("\n", 0, found.start()) + 1
        raise Invalid("report_template.forbidden", "remove it", field="source", line=line, name=found[0])


def _refusal(error: GedError, source: str, data: dict[str, Any]) -> GedError:
    """What to tell the author of first pages that could not be set."""
    if error.code == "typeset.crashed":
        return Invalid("report_template.heavy", "ask for less work", field="source", seconds=int(CHECK_S))
    if error.code != "typeset.failed":
        return error
    try:
        found = mistake_in(source, OPENING, data, limit_s=CHECK_S)
    except EngineFailed as late:
        return late if late.code == "work.busy" else Invalid("report_template.heavy", "ask for less work", field="source", seconds=int(CHECK_S))  # fmt: skip
    if found is None or not found.line:
        said = found.said if found is not None else str(error.params.get("detail", ""))
        return Invalid("report_template.refused", "correct it", field="source", said=said[:200])
    return _of_line(found.line, found.said)


def _of_line(line: int, said: str) -> Invalid:
    if refused := _REFUSED.search(said):
        return Invalid("report_template.forbidden", "remove it", field="source", line=line, name=refused[1])
    if number := _UNKNOWN_NUMBER.search(said):
        return Invalid("report_template.number", "take a name of the list", field="source", line=line, name=number[1])
    if name := _UNKNOWN_NAME.search(said):
        return Invalid("report_template.name", "take a name of the list", field="source", line=line, name=name[1])
    if any(one in said for one in _ENDLESS):
        return Invalid("report_template.endless", "let it end", field="source", line=line)
    if "divide by zero" in said:
        return Invalid("report_template.zero", "ask whether the number is zero", field="source", line=line)
    if _OPEN.match(said):
        return Invalid("report_template.open", "close it", field="source", line=line)
    return Invalid("report_template.mistake", "correct the line", field="source", line=line, said=said[:200])


def _clean(source: str) -> str:
    """The text with one kind of line ends, without spaces at their ends, and without signs that nobody sees: controls, and those that turn the
    direction of a line. Unlike ``ged.typography.visible`` it keeps spaces that do not break: their author chose them.
    """
    lines = (
        "".join(c for c in line if c.isprintable() or c == "\t" or category(c) == "Zs") for line in source.splitlines()
    )
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _fingerprint(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def _of(entity_id: int | None) -> Any:
    return ReportTemplate.entity_id.is_(None) if entity_id is None else ReportTemplate.entity_id == entity_id


def _latest_template(session: Session, entity_id: int | None) -> ReportTemplate | None:
    query = select(ReportTemplate).where(_of(entity_id)).order_by(ReportTemplate.version_no.desc()).limit(1)
    return session.scalars(query).first()


def _require(session: Session, services: Services, entity_id: int | None, actor: Actor) -> None:
    if entity_id not in dict(places(session, actor, services.installation_accounts)):
        raise NotFound("report_template.entity", "choose an entity of the list", id=entity_id)
