"""The guide for people (``docs/guide``) as pages of the site, and the section of it that explains each page.

Its translations stand in ``web/translations``, with the same names and the same anchors; a page that has none is shown in
French. The texts are part of the program, so their HTML is trusted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree.ElementTree import Element

from flask import request, url_for
from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

from ged.languages import SOURCE
from ged.typography import french
from web.words.translations import TRANSLATIONS

GUIDE = Path(__file__).parents[1] / "guide"
PICTURES = GUIDE / "images"
START = "index"

_DESK, _STAFF, _HEAD, _ADMINISTRATOR = "bureau-ordre", "agent", "responsable", "administrateur"
SECTIONS: Mapping[str, tuple[str, str]] = {
    "scans": (_DESK, "recevoir-et-numeriser"),
    "separators": (_DESK, "recevoir-et-numeriser"),
    "register": (_DESK, "enregistrer"),
    "envelopes": (_DESK, "enregistrer"),
    "correspondents": (_DESK, "enregistrer"),
    "outgoing": (_DESK, "enregistrer-un-depart-un-courrier-interne-une-note-de-service-une-decision"),
    "paper": (_DESK, "ce-quun-code-propose"),
    "to_transmit": (_DESK, "transmettre-par-bordereau"),
    "slips": (_DESK, "transmettre-par-bordereau"),
    "slips_reading": (_STAFF, "recevoir-un-bordereau"),
    "dispatch": (_DESK, "expedier"),
    "dispatch_rounds": (_DESK, "expedier"),
    "registers": (_DESK, "le-registre"),
    "resuming": (_DESK, "reprendre-apres-une-panne"),
    "reserve": (_DESK, "recevoir-pendant-une-coupure"),
    "exports": (_DESK, "le-registre"),
    "takeovers": (_DESK, "reprendre-un-registre-tenu-sur-tableur"),
    "scan_folders": (_DESK, "reprendre-un-dossier-de-scans"),
    "inbox": (_STAFF, "ma-bannette"),
    "morning": (START, "le-point-du-matin"),
    "dashboard": (_STAFF, "le-tableau-de-bord"),
    "supervision": (_HEAD, "les-chiffres"),
    "notes": (_STAFF, "ma-bannette"),
    "letters": (_STAFF, "ma-bannette"),
    "letter_files": (_STAFF, "ma-bannette"),
    "proofs": (_STAFF, "ma-bannette"),
    "drafts": (_STAFF, "repondre"),
    "word": (_STAFF, "repondre"),
    "documents": (_STAFF, "retrouver"),
    "search": (_STAFF, "retrouver"),
    "saved_searches": (_STAFF, "retrouver"),
    "impute": (_HEAD, "imputer"),
    "signbook": (_HEAD, "viser-et-signer"),
    "presign": (_HEAD, "viser-et-signer"),
    "followup": (_HEAD, "suivre"),
    "monthly_reports": (_HEAD, "le-rapport-mensuel"),
    "open_data": (_HEAD, "les-donnees-ouvertes"),
    "letter_readers": (_HEAD, "suivre"),
    "letter_exceptions": (_HEAD, "la-confidentialite"),
    "disposals": (_HEAD, "eliminer"),
    "letter_exceptions.request_form": (_STAFF, "retrouver"),
    "delegations": (_HEAD, "etre-absent-deleguer"),
    "absences": (_HEAD, "etre-absent-deleguer"),
    "admin": (_ADMINISTRATOR, "veiller"),
    "checks": (_ADMINISTRATOR, "letat-de-linstallation"),
    "mailboxes": (_ADMINISTRATOR, "veiller"),
    "post": (_ADMINISTRATOR, "veiller"),
    "preservations": (_ADMINISTRATOR, "veiller"),
    "organisation": (_ADMINISTRATOR, "lorganigramme"),
    "second_factor": (START, "la-verification-en-deux-etapes"),
    "second_step": (START, "la-verification-en-deux-etapes"),
    "factor_resets": (_ADMINISTRATOR, "la-verification-en-deux-etapes"),
    "directory_settings": (_ADMINISTRATOR, "la-connexion-par-lannuaire"),
    "provider": (START, "se-connecter"),
    "first_access": (_ADMINISTRATOR, "premier-acces"),
    "openings": (_ADMINISTRATOR, "premier-acces"),
    "people": (_ADMINISTRATOR, "les-personnes"),
    "posts": (_ADMINISTRATOR, "les-personnes"),
    "acts": (_ADMINISTRATOR, "lorganigramme"),
    "register_settings": (_ADMINISTRATOR, "les-registres"),
    "nature_settings": (_ADMINISTRATOR, "les-natures"),
    "mention_settings": (_ADMINISTRATOR, "les-natures"),
    "template_settings": (_ADMINISTRATOR, "les-modeles-de-lettres"),
    "filing_settings": (_ADMINISTRATOR, "le-plan-de-classement"),
    "checklist": (_ADMINISTRATOR, "mettre-en-place"),
    "supervisors": (_ADMINISTRATOR, "les-superviseurs"),
    "legal_papers": (_ADMINISTRATOR, "decision-et-declaration"),
    "word_templates": (_ADMINISTRATOR, "les-modeles-word"),
    "report_templates": (_ADMINISTRATOR, "le-modele-du-rapport-mensuel"),
    "entity_exports": (_ADMINISTRATOR, "exporter-une-entite"),
    "rollout": (_ADMINISTRATOR, "mettre-en-place"),
    "work_calendar": (_ADMINISTRATOR, "veiller"),
    "synonyms": (_ADMINISTRATOR, "veiller"),
    "proposals": (_ADMINISTRATOR, "veiller"),
    "training": ("formateur", "les-exercices"),
    "training_place": ("formateur", "avant-la-formation"),
    "session.all_sessions": (_ADMINISTRATOR, "les-personnes"),
    "letters.level_form": (_HEAD, "la-confidentialite"),
    "slips.receive_form": (_STAFF, "recevoir-un-bordereau"),
}
"""A blueprint or an endpoint -> page and anchor; an endpoint's own line comes before that of its blueprint."""


@dataclass(frozen=True)
class GuidePage:
    """A page of the guide.

    Attributes:
        title: its first heading.
        sections: anchor and text of each heading of the second level.
    """

    name: str
    title: str
    sections: tuple[tuple[str, str], ...]
    html: str
    language: str


def names() -> tuple[str, ...]:
    """The names of the pages, the first page first."""
    return (START, *sorted(path.stem for path in GUIDE.glob("*.md") if path.stem != START))


@cache
def page(name: str, language: str = SOURCE) -> GuidePage:
    """A page by its name, one of ``names``, in a language if it is translated, else in French."""
    path = TRANSLATIONS / language / "guide" / f"{name}.md"
    if not path.exists():
        path, language = GUIDE / f"{name}.md", SOURCE
    markdown = Markdown(extensions=["toc", "attr_list", _Links()])
    text = path.read_text(encoding="utf-8")
    html = markdown.convert(french(text) if language == SOURCE else text)
    (top,) = markdown.toc_tokens
    sections = tuple((one["id"], one["name"]) for one in top["children"])
    return GuidePage(name, top["name"], sections, html, language)


def help_url() -> str:
    """The address of the section that explains the page of this request."""
    endpoint = request.endpoint or ""
    found = SECTIONS.get(endpoint) or SECTIONS.get(endpoint.partition(".")[0])
    return url_for("help.show", name=found[0], _anchor=found[1]) if found else url_for("help.show", name=START)


class _Links(Extension):  # type: ignore[misc]  # the library is untyped
    def extendMarkdown(self, md: Markdown) -> None:
        md.treeprocessors.register(_PageLinks(md), "guide_links", 0)


class _PageLinks(Treeprocessor):  # type: ignore[misc]
    """Links between pages of the guide lead to the site's pages; what lies elsewhere in the documents is a text."""

    def run(self, root: Element) -> None:
        for link in root.iter("a"):
            name = link.get("href", "").removesuffix(".md")
            if "/" in name or name not in names():
                link.tag = "span"
                del link.attrib["href"]
            else:
                link.set("href", name)
