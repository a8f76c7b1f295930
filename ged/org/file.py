"""The organisation file: units, people, posts, registers, lists. The whole file is checked before a row is changed.

YAML with English keys; texts for people are in the organisation's language. ``demo/ministry.yaml`` is an example of
every section.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ged.errors import Invalid
from ged.unit import Role


class Section(BaseModel):
    """A record of the file: unknown keys are refused, so that a typing error is found."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UnitRecord(Section):
    """A unit; if ``closed``, its mail goes to ``successor``."""

    code: str = Field(min_length=1, max_length=32)
    name: str = Field(min_length=1, max_length=200)
    kind: str = "service"
    address: str | None = Field(default=None, max_length=200)
    """As printed; None: left as it is, for a file from before addresses takes none away."""
    parent: str | None = None
    entity: bool = False
    closed: bool = False
    successor: str | None = None


class PersonRecord(Section):
    """A person with an account."""

    account: str = Field(min_length=1, max_length=64)
    name: str = Field(min_length=1, max_length=200)
    email: str = ""
    clearance: str = Field(default="ordinary", pattern="^(ordinary|restricted|secret)$")
    closed: bool | None = None
    """Whether the account is closed; None: left as it is."""


class PostRecord(Section):
    """A post, its roles and who holds it now."""

    code: str = Field(min_length=1, max_length=64)
    title: str = Field(min_length=1, max_length=200)
    unit: str
    holder: str | None = None
    roles: tuple[Role, ...] = ()
    secretary_of: str | None = None


MAX_SEQUENCE = 9_999_999
"""As ``ged.register.numbering.MAX_SEQUENCE``, of a higher room."""


class RegisterRecord(Section):
    """A register of a unit. ``paper_number``: the last number of the paper book that it continues, ``paper_reason`` names it."""

    code: str = Field(min_length=1, max_length=32)
    name: str
    unit: str
    direction: str
    nature: str
    pattern: str
    restarts_yearly: bool = True
    closed: bool = False
    paper_number: int | None = Field(default=None, ge=0, le=MAX_SEQUENCE)
    paper_reason: str = Field(default="", max_length=300)


class MentionRecord(Section):
    """A mention that an authority ticks. ``reminder``: working days before the date, after it, then every so many."""

    code: str
    label: str
    entity: str | None = None
    reminder: str = Field(default="", pattern=r"^(\d{1,2}/\d{1,2}/\d{1,2}|-)?$")


class CorrespondentRecord(Section):
    """A correspondent of the directory."""

    name: str
    kind: str = ""
    address: str = ""
    email: str | None = None
    phone: str | None = None


class FilingRecord(Section):
    """A class of the filing plan. A closed one takes no more letters."""

    code: str
    title: str
    closed: bool = False


class TemplateRecord(Section):
    """A template of outgoing letters; names in braces are filled when a letter is drafted."""

    code: str
    title: str
    subject: str
    body: str
    entity: str | None = None


class StepRecord(Section):
    """A step of a nature's circuit: a post, or the nearest head above the author (``head``)."""

    post: str | None = None
    head: bool = False
    kind: str = Field(default="visa", pattern="^(visa|opinion)$")
    compulsory: bool = False
    with_previous: bool = False
    """Open together with the step before it."""


class CircuitRecord(Section):
    """The circuit of a nature: who is asked, then who signs."""

    signatory: str
    steps: tuple[StepRecord, ...] = Field(default=(), max_length=12)


class NatureRecord(Section):
    """A nature of letters, and what it proposes. ``reminders``: working days from the deadline, negative before it.

    Without any the installation's rule holds. ``silence``: what no answer in time means in law. ``filing_class``: a code.
    ``final_act``: what becomes of a letter after its years of keeping; empty: the paper goes, the files stay.
    """

    code: str = Field(min_length=1, max_length=32)
    name: str = Field(min_length=1, max_length=100)
    entity: str | None = None
    direction: str = Field(pattern="^(incoming|outgoing|internal)$")
    register_code: str | None = Field(default=None, alias="register")
    delay_days: int | None = Field(default=None, ge=0, le=366)
    mentions: tuple[str, ...] = ()
    reminders: tuple[Annotated[int, Field(ge=-30, le=366)], ...] = Field(default=(), max_length=12)
    template: str | None = None
    circuit: CircuitRecord | None = None
    level: str | None = Field(default=None, pattern="^(ordinary|restricted|secret)$")
    silence: str = Field(default="", pattern="^(accepts|refuses)?$")
    retention_years: int | None = Field(default=None, ge=1, le=200)
    final_act: str = Field(default="", pattern="^(destroy|transfer|keep)?$")
    filing_class: str = Field(default="", max_length=32)
    closed: bool = False


class DelegationRecord(Section):
    """A post's powers, given to a person between two days (inclusive) by a named legal act, until it is withdrawn.

    Such an act is given or withdrawn, never changed: what it says is what was signed. ``templates``: the types of letters that it
    covers; empty: all.
    """

    post: str
    person: str
    kind: str = Field(pattern="^(delegation|interim|order)$")
    act: str = Field(min_length=1, max_length=200)
    from_on: date
    until_on: date
    may_sign: bool = True
    templates: tuple[str, ...] = ()
    max_amount_xof: int | None = Field(default=None, ge=1)
    withdrawn: bool = False


AS_GIVEN = ("until_on", "may_sign", "templates", "max_amount_xof")
"""What a delegation that was given keeps; the other fields are its key."""


def delegation_key(*, post: str, person: str, kind: str, from_on: date | str, act: str) -> str:
    """How a delegation is found again. Of the act's text it holds a digest: one post may give a person two on one day."""
    of_act = hashlib.sha256(" ".join(act.split()).encode()).hexdigest()[:8]
    return f"{post}{GIVEN_TO}{person}, {kind}, {from_on}, {of_act}"


GIVEN_TO = " → "
"""Stands behind the post in the key of a delegation; no code contains it."""


class OrganisationFile(Section):
    """The whole file. A mention, a template or a nature with an ``entity`` is of this entity alone (``ged.org.stock``)."""

    organisation: str
    units: tuple[UnitRecord, ...] = ()
    people: tuple[PersonRecord, ...] = ()
    posts: tuple[PostRecord, ...] = ()
    registers: tuple[RegisterRecord, ...] = ()
    mentions: tuple[MentionRecord, ...] = ()
    correspondents: tuple[CorrespondentRecord, ...] = ()
    filing_plan: tuple[FilingRecord, ...] = ()
    templates: tuple[TemplateRecord, ...] = ()
    natures: tuple[NatureRecord, ...] = ()
    delegations: tuple[DelegationRecord, ...] = ()


def read_organisation(path: Path) -> OrganisationFile:
    """Read and check a file.

    Raises:
        Invalid: ``organisation.unreadable``, ``organisation.field``, ``organisation.reference``,
            ``organisation.twice``, ``organisation.cycle``; ``params`` say where.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Invalid(
            "organisation.unreadable", "give a YAML file in UTF-8", file=path.name, detail=str(error)[:200]
        ) from None
    try:
        file = OrganisationFile.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Invalid("organisation.field", "correct this field", where=where, detail=first["msg"]) from None
    check_references(file)
    return file


def check_references(file: OrganisationFile) -> None:
    """Check that each code stands once and that what is named is there.

    Raises:
        Invalid: ``organisation.reference``, ``organisation.twice``, ``organisation.cycle``, ``organisation.field``.
    """
    registers = _unique("registers", [r.code for r in file.registers])
    mentions = _listed("mentions", file.mentions)
    templates = _listed("templates", file.templates)
    units = _unique("units", [u.code for u in file.units])
    people = _unique("people", [p.account for p in file.people])
    posts = _unique("posts", [p.code for p in file.posts])
    natures = _listed("natures", file.natures)
    _unique("filing_plan", [f.code for f in file.filing_plan])
    for unit in file.units:
        _known(f"units.{unit.code}.parent", unit.parent, units)
        _known(f"units.{unit.code}.successor", unit.successor, units)
    for post in file.posts:
        _known(f"posts.{post.code}.unit", post.unit, units)
        _known(f"posts.{post.code}.holder", post.holder, people)
        _known(f"posts.{post.code}.secretary_of", post.secretary_of, posts)
    for register in file.registers:
        _known(f"registers.{register.code}.unit", register.unit, units)
    for given in file.delegations:
        where = f"delegations.{given.post}"
        _known(f"{where}.post", given.post, posts)
        _known(f"{where}.person", given.person, people)
    entities = frozenset(unit.code for unit in file.units if unit.entity)
    for section, found in (("mentions", mentions), ("templates", templates), ("natures", natures)):
        for entity in found:
            _known(f"{section}.entity", entity, entities)
    for nature in file.natures:
        where, nobody = f"natures.{nature.code}", frozenset[str]()
        _known(f"{where}.register", nature.register_code, registers)
        # An entity's nature names what the entity sees: its own, and the common stock.
        _known(f"{where}.template", nature.template, templates[None] | templates.get(nature.entity, nobody))
        for mention in nature.mentions:
            _known(f"{where}.mentions", mention, mentions[None] | mentions.get(nature.entity, nobody))
        if nature.circuit is not None:
            _check_circuit(f"{where}.circuit", nature.circuit, {post.code: post for post in file.posts})
    parents = {u.code: u.parent for u in file.units}
    for code in parents:
        seen: set[str] = set()
        at: str | None = code
        while at is not None:
            if at in seen:
                raise Invalid("organisation.cycle", "a unit cannot stand below itself", where=f"units.{code}.parent")
            seen.add(at)
            at = parents.get(at)


def _check_circuit(where: str, circuit: CircuitRecord, by_code: dict[str, PostRecord]) -> None:
    posts = frozenset(by_code)
    _known(f"{where}.signatory", circuit.signatory, posts)
    if Role.SIGNATORY not in by_code[circuit.signatory].roles:
        raise Invalid(
            "organisation.field", "name a post that signs", where=f"{where}.signatory", detail=circuit.signatory
        )
    named = [step.post for step in circuit.steps]
    for step in circuit.steps:
        _known(f"{where}.steps", step.post, posts)
        if (step.post is None) is not step.head:
            raise Invalid("organisation.field", "name a post, or head: true", where=f"{where}.steps", detail=str(step))
    twice = next((code for code in (*named, circuit.signatory) if [*named, circuit.signatory].count(code) > 1), None)
    if twice is not None or len(set(named)) != len(named):
        raise Invalid("organisation.twice", "each post stands once", where=f"{where}.{twice or 'head'}")


def _unique(section: str, codes: list[str]) -> frozenset[str]:
    for code, count in Counter(codes).items():
        if count > 1:
            raise Invalid("organisation.twice", "each code stands once", where=f"{section}.{code}")
    return frozenset(codes)


def _listed(
    section: str, records: Iterable[MentionRecord | TemplateRecord | NatureRecord]
) -> dict[str | None, frozenset[str]]:
    """The codes of each entity's list; None: the common stock."""
    codes: dict[str | None, list[str]] = {None: []}
    for record in records:
        codes.setdefault(record.entity, []).append(record.code)
    return {entity: _unique(section, found) for entity, found in codes.items()}


def _known(where: str, code: str | None, codes: frozenset[str]) -> None:
    if code is not None and code not in codes:
        raise Invalid("organisation.reference", "name something that stands in the file", where=where, value=code)
