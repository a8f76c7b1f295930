"""The guide on paper: a booklet for each role, made of the same texts and pictures as the pages of the guide.

A booklet has the letterhead of the reader's entity, the keys of the role, and four pages at most.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from flask_babel import LazyString

from ged.languages import SOURCE
from ged.letterhead import Letterhead
from ged.typeset import TEMPLATES, typeset
from ged.typography import on_paper
from ged.unit import Role
from web.site import guard, guide
from web.site.guard import OfInstallation
from web.site.navigation import ENTRIES, Entry
from web.words import keys
from web.words.languages import in_language
from web.words.messages import gettext as _
from web.words.messages import lazy_gettext as _l

TEMPLATE = TEMPLATES / "guide.typ"
_BLANKS = re.compile(r"[ \t\n]+")
"""Blanks as a browser joins them; spaces that must not break stay."""
_STYLES: Mapping[str, str] = {"strong": "bold", "em": "italic", "code": "code"}


@dataclass(frozen=True)
class Booklet:
    """A booklet.

    Attributes:
        name: in addresses and names of files.
        title: of the role.
        parts: pages of the guide, each with the anchors of its sections that are taken; none: the whole page.
        roles: whose keys it lists.
    """

    name: str
    title: LazyString
    parts: tuple[tuple[str, tuple[str, ...]], ...]
    roles: frozenset[Role]

    @property
    def page(self) -> str:
        """The page of the guide that is printed whole; empty: the booklet is made of sections."""
        return self.name if self.parts == ((self.name, ()),) else ""


def _whole(name: str, title: LazyString, *roles: Role) -> Booklet:
    return Booklet(name, title, ((name, ()),), frozenset(roles))


BOOKLETS: tuple[Booklet, ...] = (
    _whole("bureau-ordre", _l("Le bureau d'ordre"), Role.CLERK),
    Booklet(
        "secretariat", _l("Le secrétariat"),
        (
            ("responsable", ("imputer", "suivre", "etre-absent-deleguer")),
            ("agent", ("ma-bannette", "recevoir-un-bordereau", "retrouver")),
        ),
        frozenset({Role.SECRETARY, Role.MEMBER}),
    ),
    _whole("agent", _l("L'agent"), Role.MEMBER),
    _whole("responsable", _l("Le responsable"), Role.HEAD),
    Booklet(
        "autorite", _l("Le directeur, le secrétaire général"),
        (
            ("responsable", ("imputer", "viser-et-signer", "suivre", "etre-absent-deleguer", "la-confidentialite")),
            ("agent", ("retrouver",)),
        ),
        frozenset({Role.AUTHORITY, Role.SIGNATORY, Role.HEAD}),
    ),
    _whole("administrateur", _l("L'administrateur"), Role.ADMINISTRATOR),
    Booklet(
        "auditeur", _l("L'auditeur"),
        (("administrateur", ("veiller", "decision-et-declaration")), ("bureau-ordre", ("le-registre",))),
        frozenset({Role.AUDITOR}),
    ),
    _whole("formateur", _l("Le formateur"), *Role),
)  # fmt: skip
BY_NAME: Mapping[str, Booklet] = {one.name: one for one in BOOKLETS}


def booklet_of(page: str) -> Booklet | None:
    """The booklet that a page of the guide is printed as; None for the first page."""
    return next((one for one in BOOKLETS if one.page == page), None)


def printed(booklet: Booklet, head: Letterhead, *, language: str, at: datetime) -> bytes:
    """The booklet as PDF/A, in French or English.

    Raises:
        Invalid, EngineFailed: as ``ged.typeset.typeset``.
    """
    with in_language(language):
        data = {
            "language": language,
            "head": on_paper(head.data()),
            "title": str(booklet.title),
            "guide": _("Guide de GED"),
            "page": _("Page"),
            "blocks": [block for name, anchors in booklet.parts for block in _part(name, anchors, language)],
            "keys_title": _("Les touches"),
            "keys": [{"keys": [str(key) for key in one.keys], "label": str(one.label)} for one in keys_of(booklet.roles)],
        }  # fmt: skip
    return typeset(TEMPLATE, data, at=at, as_written=True)


def keys_of(roles: frozenset[Role]) -> tuple[keys.Key, ...]:
    """The keys that people of these roles have, without those that work in a training installation alone."""
    pages = tuple(
        keys.Key(("g", one.shortcut), one.label) for one in ENTRIES if one.shortcut and not one.in_training and _sees(one, roles)
    )  # fmt: skip
    return (*keys.FIRST, *pages, *keys.LAST)


def _sees(entry: Entry, roles: frozenset[Role]) -> bool:
    if Role.SECRETARY in roles:
        roles = roles | {Role.AUTHORITY}  # a secretary prepares what the authority decides
    if entry.roles is not None and roles.isdisjoint(entry.roles):
        return False
    rule = guard.ACCESS[entry.endpoint]
    allowed = rule.roles if isinstance(rule, OfInstallation) else rule if isinstance(rule, frozenset) else roles
    return not roles.isdisjoint(allowed)


def _part(name: str, anchors: tuple[str, ...], language: str) -> Iterator[dict[str, Any]]:
    """The blocks of a page of the guide, or of some of its sections."""
    tree = ElementTree.fromstring(f"<div>{guide.page(name, language).html}</div>")  # noqa: S314  # our own text
    section = ""
    for child in tree:
        if child.tag == "h2":
            section = child.get("id", "")
        if child.tag != "h1" and (not anchors or section in anchors):
            yield from _blocks(child)


def _blocks(element: Element) -> Iterator[dict[str, Any]]:
    picture = element.find("img")
    match element.tag:
        case "h2" | "h3":
            yield {"kind": "heading", "level": int(element.tag[1]) - 1, "runs": _runs(element)}
        case "ul" | "ol":
            items = [_item(one) for one in element]
            yield {"kind": "list", "numbered": element.tag == "ol", "items": items}
        case _ if picture is not None:
            yield _picture(picture)
        case _:
            yield {"kind": "paragraph", "runs": _runs(element)}


def _item(element: Element) -> list[dict[str, Any]]:
    """The runs of an item; paragraphs inside of it follow each other."""
    inner = element.findall("p")
    return [run for one in inner for run in _runs(one)] if inner else _runs(element)


def _picture(image: Element) -> dict[str, Any]:
    path = guide.PICTURES / f"{image.get('src', '').rpartition('/')[2].removesuffix('.webp')}.webp"
    return {
        "kind": "picture", "alt": image.get("alt", ""), "bytes": list(path.read_bytes()),
        "width": int(image.get("width", "1")), "height": int(image.get("height", "1")),
    }  # fmt: skip


def _runs(element: Element, style: str = "") -> list[dict[str, Any]]:
    """The texts of an element with their style; a link is its text."""
    own = _STYLES.get(element.tag, style)
    found = [_run(element.text, own)]
    for child in element:
        found += [*_runs(child, own), _run(child.tail, own)]
    return [run for run in found if run["text"]]


def _run(text: str | None, style: str) -> dict[str, Any]:
    return {"text": _BLANKS.sub(" ", text or ""), "style": style}


def filename(booklet: Booklet, language: str) -> str:
    """The name of the file: the language is in it where it is not French."""
    return f"guide-{booklet.name}{'' if language == SOURCE else f'-{language}'}.pdf"
