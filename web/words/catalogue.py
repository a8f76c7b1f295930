"""The catalogue of messages: extract, update, compile.

python -m web.words.catalogue extract    # web/translations/messages.pot from code and templates
python -m web.words.catalogue update     # carry the template into every language
python -m web.words.catalogue compile    # .po -> .mo
"""

import io
import sys
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from ged.followup.words import DUE_TIMES
from ged.register.words import CHANNELS

WEB = Path(__file__).parents[1]
TRANSLATIONS = WEB / "translations"
TEMPLATE = TRANSLATIONS / "messages.pot"
METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "lazy_ngettext": (1, 2)}
OPTIONS = {"templates/**.html": {"silent": "false", "trim_blocks": "true", "lstrip_blocks": "true"}}


def extract() -> Catalog:
    """All messages of the site's code and templates, with the files that hold them (no line numbers: they move)."""
    catalog = Catalog(project="ged", version="1", charset="utf-8", fuzzy=False)
    found = extract_from_dir(
        str(WEB), method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS, comment_tags=("NOTE:",)
    )
    for filename, line, message, comments, context in sorted(found, key=lambda row: (row[0], str(row[2]))):
        catalog.add(message, None, [(filename, line)], auto_comments=comments, context=context)
    for words in sorted({*CHANNELS.values(), *DUE_TIMES.values()}):  # of the tables that paper bears too
        catalog.add(words, None, [("words/labels.py", 0)])
    return catalog


def render(catalog: Catalog) -> bytes:
    """A stable text: sorted, without dates."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, sort_output=True, omit_header=True, include_lineno=False, width=110)
    header = b'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    return header + buffer.getvalue()


def update(catalog: Catalog) -> list[Path]:
    """Carry new messages into every language; returns the files written."""
    written = []
    for path in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")):
        with path.open("rb") as file:
            language = read_po(file, locale=path.parts[-3])
        language.update(catalog, no_fuzzy_matching=True)
        with path.open("wb") as file:
            write_po(file, language, sort_output=True, width=110, ignore_obsolete=True, include_lineno=False)
        written.append(path)
    return written


def compile_all() -> list[Path]:
    """Write the ``.mo`` of every language; returns the files written."""
    written = []
    for path in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")):
        with path.open("rb") as file:
            language = read_po(file, locale=path.parts[-3])
        target = path.with_suffix(".mo")
        with target.open("wb") as file:
            write_mo(file, language)
        written.append(target)
    return written


def main(arguments: list[str]) -> int:
    """Run one of the three acts."""
    match arguments:
        case ["extract"]:
            TEMPLATE.write_bytes(render(extract()))
        case ["update"]:
            update(extract())
        case ["compile"]:
            compile_all()
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
