"""No text that people read is outside of the catalogue, and each message of the catalogue is translated."""

import ast
import re
from collections.abc import Iterator, Sequence

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po
from jinja2 import Environment
from jinja2.nodes import Call, Const, Name, Node

from tests.source_kit import ROOT, messages, modules, nodes
from web.words import catalogue
from web.words.translations import path_of

MARKS = frozenset({"_", "_l", "gettext", "ngettext", "pgettext", "lazy_gettext", "lazy_ngettext", "lazy_pgettext"})
FRENCH = re.compile(
    r"[éèêëàâçôîïûùœÉÈÀÇ«»]|n°"
    r"|(?<![\w/<-])(?i:le|la|les|des|du|de|un|une|est|pour|dans|par|sur|avec|au|aux|sans|ne|pas) [\w%({]"
    r"|(?<!\w)[dlnscjmDLNSCJM]'\w"
)
"""A French letter, a French article or preposition before a word, or an elided word."""
LABEL = re.compile(r"[A-ZÀ-Ý][a-zà-ÿ']+(?: [a-zà-ÿ']+)*[.:!?]?")
"""One word or more, as in a label."""
ENGLISH_PARTS = ("commands", "processes", "wiring")
"""Parts of ``web`` with texts in English for the operator at a terminal."""
NOT_MESSAGES = {
    "site/i18n.py": "the names of the languages",
    "views/search/search.py": "an operator of what is typed in the search",
}
"""Modules of ``web`` with French that is not a message, with the reason."""
PAPER = "printed, or stored as a document, in the organisation's language"
DATA = "stored as it is, in the organisation's language"
DISK = "on the pages of a disk, in the organisation's language"
READ = "read in texts, never shown"
SENT = "an e-mail to a correspondent, in the organisation's language"
ON_PAPER = {
    "training/exercises.py": "on paper; the site has these words in its catalogue (`catalogue.extract`)",
    "training/sheet.py": PAPER,
    "adapters/post_smtp.py": SENT,
    "administration/first_access.py": PAPER,
    "administration/first_account.py": DATA,
    "archive/institution_seal.py": PAPER,
    "backup/drill_sheet.py": PAPER,
    "backup/medium.py": "a note on the medium, for whoever finds it",
    "capture/bridges.py": DATA,
    "case_export.py": PAPER,
    "closing/sheet.py": PAPER,
    "compliance/decision.py": PAPER,
    "compliance/declaration.py": PAPER,
    "compliance/words.py": PAPER,
    "disk/making.py": DISK,
    "disk/papers.py": "a note on the disk, for whoever finds it",
    "disk/reading.py": DISK,
    "disk/terms.py": READ,
    "disk/words.py": DISK,
    "dispatch/operations.py": SENT,
    "entry/recovery.py": PAPER,
    "dispatch/print.py": PAPER,
    "followup/sheet.py": PAPER,
    "followup/words.py": "on paper; the site has these words in its catalogue (`catalogue.extract`)",
    "in_words.py": PAPER,
    "mailbox/messages.py": PAPER,
    "mailbox/operations.py": PAPER,
    "figures/definitions.py": "on paper; the command and the page have these words in both languages",
    "monthly/open_data.py": "in the file, in both languages; the page shows the rule in that of its reader",
    "monthly/sample.py": PAPER,
    "monthly/sheet.py": PAPER,
    "monthly/templates.py": PAPER,
    "letterhead.py": DATA,
    "org/titles.py": PAPER,
    "org/words.py": PAPER,
    "paper/compare.py": READ,
    "paper/ink.py": PAPER,
    "paper/rules.py": READ,
    "preservation/documents.py": DATA,
    "register/correspondents.py": READ,
    "register/prints.py": PAPER,
    "register/words.py": "on paper; the site has these words in its catalogue (`catalogue.extract`)",
    "reports/register_pages.py": PAPER,
    "reserve/numbers.py": PAPER,
    "reserve/sheet.py": PAPER,
    "resuming/operations.py": DATA,
    "richtext/announced.py": READ,
    "richtext/marks.py": "what is typed in a text, in every language",
    "routing/calendar_changes.py": "the names of public holidays, stored as they are",
    "search/letter_search.py": READ,
    "search/said_days.py": READ,
    "search/short_days.py": READ,
    "signbook/answers.py": DATA,
    "signbook/operations.py": PAPER,
    "signbook/render.py": PAPER,
    "slips/answers.py": DATA,
    "slips/delivery_book.py": PAPER,
    "slips/drafting.py": PAPER,
    "slips/receive.py": DATA,
    "slips/receive_many.py": DATA,
    "slips/render.py": PAPER,
    "suggestions/linear.py": READ,
    "takeover/lines.py": READ,
    "takeover/sheets.py": READ,
    "suggestions/matching.py": READ,
    "takeover/operations.py": DATA,
    "transfer/export.py": PAPER,
    "transfer/sealed.py": PAPER,
    "typography.py": "the marks of French typography",
    "unit.py": "the name of the system in the journal",
    "workbook/merging.py": DATA,
    "workbook/sheets.py": "the names in a workbook that people keep",
    "workbook/words.py": "stands in the workbook, in the organisation's language",
    "writing/word.py": PAPER,
    "writing/word_templates.py": PAPER,
}
"""Modules of ``ged`` that contain French, with the reason why it is not a message of the site."""


def test_every_message_is_translated() -> None:
    """To mend: call ``python -m web.words.catalogue extract``, translate in the ``.po`` the messages that it prints."""
    for language in catalogue.TRANSLATED:
        found = [f"{fault}: {message}" for message, fault in catalogue.faults(messages(), catalogue.read(language))]
        assert not found, f"translate in {path_of(language).relative_to(ROOT)} (docs/dev/add.md):\n" + "\n".join(found)


OTHER_WORDS = {"overdue": "late", "in hand": "in progress", "nature": "type", "natures": "types of letters"}
"""English words that are not used for a thing -> the word that it has everywhere."""


def test_one_thing_has_one_english_word() -> None:
    """On the screens and in the guide: a clerk who reads two words looks for two things."""
    texts = [
        re.sub(r"%\(\w+\)s", "", one)
        for message in catalogue.read("en")
        if message.id
        for one in ([message.string] if isinstance(message.string, str) else message.string)
    ]
    # An anchor is the same in both languages.
    texts += [
        re.sub(r"#[\w-]+", "", page.read_text("utf-8"))
        for page in sorted((path_of("en").parents[1] / "guide").glob("*.md"))
    ]
    other = re.compile(rf"\b(?:{'|'.join(OTHER_WORDS)})\b", re.IGNORECASE)
    found = [
        f"{word[0]} ({OTHER_WORDS[word[0].lower()]}): {text[:80]}" for text in texts for word in other.finditer(text)
    ]
    assert len(texts) > 1_000
    assert found == []


def test_the_template_of_the_catalogue_is_current() -> None:
    with catalogue.TEMPLATE.open("rb") as file:
        kept = {(m.id, m.context) for m in read_po(file) if m.id}
    now = {(m.id, m.context) for m in messages() if m.id}
    assert kept == now, "run: .venv/bin/python -m web.words.catalogue extract"


def test_the_translations_are_as_the_command_writes_them() -> None:
    for language in catalogue.TRANSLATED:
        kept = catalogue.read(language)
        kept.update(messages(), no_fuzzy_matching=True)
        is_current = path_of(language).read_bytes() == catalogue.render_language(kept, language)
        assert is_current, "run: .venv/bin/python -m web.words.catalogue extract"


@pytest.mark.parametrize(
    ("french", "english", "fault"),
    [
        ("Ouvrir", "Open", ""),
        ("Ouvrir", "", "not translated"),
        ("Le %(day)s", "On %(date)s", "['%(date)s'] instead of ['%(day)s']"),
        ("Le %(day)s", "On", "[] instead of ['%(day)s']"),
        ("Lu à %(n)s %%", "Read at %(n)s", "['%(n)s'] instead of ['%%', '%(n)s']"),
        ("<b>Lu</b>", "<b>Read", "['<b>'] instead of ['</b>', '<b>']"),
        ("Lu", "Read ", "spaces at an end"),
        (("%(num)s page", "%(num)s pages"), ("One page", "%(num)s pages"), ""),
        (("%(num)s page de %(x)s", "%(num)s pages de %(x)s"), ("page", "%(num)s pages of %(x)s"), "[] instead of ['%(x)s']"),
        (("%(num)s page", "%(num)s pages"), ("%(num)s page", ""), "not translated"),
    ],
)  # fmt: skip
def test_a_wrong_translation_is_found(
    french: str | tuple[str, str], english: str | tuple[str, str], fault: str
) -> None:
    asked, kept = Catalog(), Catalog(locale="en")
    asked.add(french)
    kept.add(french, english)
    first = french if isinstance(french, str) else french[0]
    assert list(catalogue.faults(asked, kept)) == ([(first, fault)] if fault else [])


def test_a_missing_and_a_fuzzy_translation_are_found() -> None:
    asked, kept = Catalog(), Catalog(locale="en")
    asked.add("Ouvrir")
    asked.add("Fermer")
    kept.add("Fermer", "Close", flags=["fuzzy"])
    assert [fault for _message, fault in catalogue.faults(asked, kept)] == [
        "not translated",
        "marked fuzzy: look at it, and delete the mark",
    ]


# --- texts outside of the catalogue ---


def _bare_constants(module: Sequence[ast.AST]) -> Iterator[str]:
    """String constants that are neither marked for the catalogue nor documentation."""
    left_out: set[int] = set()
    for node in module:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(id(node.value))
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in MARKS:
                left_out.update(id(inside) for inside in ast.walk(node) if isinstance(inside, ast.Constant))
    for node in module:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.value


def _is_french(text: str) -> bool:
    return not text.startswith("/") and FRENCH.search(text) is not None


def test_no_french_of_the_site_s_code_is_outside_of_the_catalogue() -> None:
    found = {
        path.relative_to(ROOT / "web").as_posix(): texts
        for path in modules("web")
        if path.relative_to(ROOT / "web").parts[0] not in ENGLISH_PARTS
        and (texts := [text for text in _bare_constants(nodes(path)) if _is_french(text)])
    }
    assert {path: texts for path, texts in found.items() if path not in NOT_MESSAGES} == {}, "put these into _()"
    assert sorted(NOT_MESSAGES.keys() - found.keys()) == [], "these hold no French any more"


def test_french_in_the_core_is_for_paper_and_data_alone() -> None:
    """For the site, ``ged`` gives codes; their words are in ``web/words``."""
    found = {
        path.relative_to(ROOT / "ged").as_posix()
        for path in modules("ged")
        if "migrations" not in path.parts and any(_is_french(text) for text in _bare_constants(nodes(path)))
    }
    assert sorted(found - ON_PAPER.keys()) == [], "a code and its words in web/words; or say here why not"
    assert sorted(ON_PAPER.keys() - found) == [], "these hold no French any more"


def _bare_template_constants(node: Node) -> Iterator[str]:
    if isinstance(node, Call) and isinstance(node.node, Name) and node.node.name in MARKS:
        for inside in (*(one for one in node.args if not isinstance(one, Const)), *node.kwargs):
            yield from _bare_template_constants(inside)
        return
    if isinstance(node, Const) and isinstance(node.value, str):
        yield node.value
    for child in node.iter_child_nodes():
        yield from _bare_template_constants(child)


def test_no_text_inside_a_template_s_expression_is_outside_of_the_catalogue() -> None:
    """Arguments of macros, cells of tables, attributes. Bare text is checked in ``test_catalogue``."""
    environment = Environment(autoescape=True)
    found = {
        path.relative_to(ROOT / "web" / "templates").as_posix(): texts
        for path in sorted((ROOT / "web" / "templates").rglob("*.html"))
        if (
            texts := [
                text
                for text in _bare_template_constants(environment.parse(path.read_text(encoding="utf-8")))
                if _is_french(text) or LABEL.fullmatch(text)
            ]
        )
    }
    assert found == {}, "put these into _()"


def test_scripts_hold_no_words() -> None:
    """Scripts take their words from ``data-`` attributes of the page."""
    found = {
        f"{path.name}: {text}"
        for path in (ROOT / "web" / "static" / "js").glob("*.js")
        for line in path.read_text(encoding="utf-8").splitlines()
        for texts in re.findall(r'"([^"]*)"|`([^`]*)`', re.sub(r"(^|\s)//.*", "", line))
        for text in texts
        if _is_french(text) or (" " in text and LABEL.fullmatch(text))
    }
    assert found == set()


def test_what_escapes_is_found() -> None:
    module = ast.parse('"""Le nom."""\n_("Le titre")\nflash("Le courrier est lu.")')
    assert list(_bare_constants(list(ast.walk(module)))) == ["Le courrier est lu."]
    assert [text for text in ("Le courrier", "l'avis", "Reçu", "/a-la-page", "Read it") if _is_french(text)] == [
        "Le courrier", "l'avis", "Reçu",
    ]  # fmt: skip
    template = Environment().parse('{{ td(_("Objet"), "Sans objet") }}{{ ngettext("a", "b", n) }}')
    assert list(_bare_template_constants(template)) == ["Sans objet"]
