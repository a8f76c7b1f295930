"""The catalogue of messages, and the command that keeps it.

python -m web.words.catalogue extract    # messages.pot from code and templates, carried into every language
python -m web.words.catalogue missing    # what a language lacks, or holds wrongly
"""

import io
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir, extract_python
from babel.messages.pofile import read_po, write_po

from ged.followup.words import DUE_TIMES
from ged.languages import LANGUAGES, SOURCE
from ged.register.words import CHANNELS
from ged.training.exercises import EXERCISES
from web.words.translations import TRANSLATIONS, path_of

WEB = Path(__file__).parents[1]
GED = WEB.parent / "ged"
TEMPLATE = TRANSLATIONS / "messages.pot"
METHODS = [("templates/**.html", "jinja2"), ("**.py", "web.words.catalogue:in_code")]
KEYWORDS = {
    "_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2), "lazy_pgettext": ((1, "c"), 2),
}  # fmt: skip
OPTIONS = {"templates/**.html": {"silent": "false", "trim_blocks": "true", "lstrip_blocks": "true"}}
TRANSLATED = tuple(language for language in LANGUAGES if language != SOURCE)
"""The languages that have a file of translations: all but that of the messages."""

_HEADER = 'msgid ""\nmsgstr ""\n{language}"Content-Type: text/plain; charset=utf-8\\n"\n{plurals}\n'
_CALL = re.compile(rb"\b(?:" + "|".join(KEYWORDS).encode() + rb")\s*\(")
_PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%")
_TAG = re.compile(r"</?[a-z][^<>]*>")


def extract() -> Catalog:
    """All messages of the site's code and templates, and of ``ged``'s e-mails to people, with the files that hold them
    (no line numbers: they move)."""
    catalog = Catalog(project="ged", version="1", charset="utf-8", fuzzy=False)
    found = [
        *extract_from_dir(
            str(WEB), method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS, comment_tags=("NOTE:",)
        ),
        *(
            (f"ged/{name}", line, message, comments, context)
            for name, line, message, comments, context in extract_from_dir(
                str(GED), method_map=METHODS[1:], keywords=KEYWORDS
            )
        ),
    ]
    for filename, line, message, comments, context in sorted(found, key=lambda row: (row[0], str(row[2]))):
        catalog.add(message, None, [(filename, line)], auto_comments=comments, context=context)
    exercises = {words for one in EXERCISES for words in (one.title, one.hint)}
    for words in sorted({*CHANNELS.values(), *DUE_TIMES.values(), *exercises}):  # of the tables that paper bears too
        catalog.add(words, None, [("words/labels.py", 0)])
    return catalog


def in_code(
    file: BinaryIO, keywords: Mapping[str, Any], comment_tags: Collection[str], options: Any
) -> Iterable[tuple[Any, ...]]:
    """The messages of a Python file. One that calls no function of ``KEYWORDS`` is not taken apart: most are such, and
    that took half of the time."""
    if not _CALL.search(file.read()):
        return ()
    file.seek(0)
    return extract_python(file, keywords, comment_tags, options)


def render(catalog: Catalog) -> bytes:
    """The template of the catalogue: a stable text, sorted, without dates."""
    return _render(catalog, _HEADER.format(language="", plurals=""), no_location=False)


def render_language(catalog: Catalog, language: str) -> bytes:
    """The translations of a language, in the form of the template; without the files that hold the messages, which the template names."""
    plurals = f'"Plural-Forms: nplurals={catalog.num_plurals}; plural={catalog.plural_expr};\\n"\n'
    header = _HEADER.format(language=f'"Language: {language}\\n"\n', plurals=plurals)
    return _render(catalog, header, no_location=True)


def _render(catalog: Catalog, header: str, *, no_location: bool) -> bytes:
    buffer = io.BytesIO()
    write_po(
        buffer, catalog, sort_output=True, omit_header=True, include_lineno=False, no_location=no_location, width=110,
        ignore_obsolete=True,
    )  # fmt: skip
    return header.encode() + buffer.getvalue()


def read(language: str) -> Catalog:
    """The translations of a language."""
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def update(catalog: Catalog) -> None:
    """Write the template; carry new messages, untranslated, into every language, and leave out those that are gone."""
    TEMPLATE.write_bytes(render(catalog))
    for language in TRANSLATED:
        kept = read(language)
        kept.update(catalog, no_fuzzy_matching=True)
        path_of(language).write_bytes(render_language(kept, language))


def faults(catalog: Catalog, kept: Catalog) -> Iterator[tuple[str, str]]:
    """What is wrong with a language's translations: the French message, and the fault in English.

    Args:
        catalog: what is to be translated.
        kept: the translations.
    """
    for message in catalog:
        if not message.id:
            continue
        found = kept.get(message.id, message.context)
        french = _forms(message.id)
        if found is None or not all(_forms(found.string)):
            yield french[0], "not translated"
        elif found.fuzzy:
            yield french[0], "marked fuzzy: look at it, and delete the mark"
        elif len(_forms(found.string)) != (kept.num_plurals if message.pluralizable else 1):
            yield french[0], f"{len(_forms(found.string))} plural forms"
        else:
            yield from ((french[0], fault) for fault in _differences(found))


def _differences(message: Message) -> Iterator[str]:
    """Placeholders and tags are those of the French; a plural form may leave out the number that it says in words."""
    french, translated = _forms(message.id), _forms(message.string)
    for number, text in enumerate(translated):
        source = french[min(number, len(french) - 1)]
        for pattern in (_PLACEHOLDER, _TAG):
            there, here = sorted(pattern.findall(source)), sorted(pattern.findall(text))
            if message.pluralizable and pattern is _PLACEHOLDER:
                there, here = ([one for one in found if one != "%(num)s"] for found in (there, here))
            if there != here:
                yield f"{here} instead of {there}"
        if text.strip() != text and source.strip() == source:
            yield "spaces at an end"


def _forms(texts: str | Iterable[str] | None) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts or ("",))


def main(arguments: list[str]) -> int:
    """Run one of the two acts."""
    match arguments:
        case ["extract"]:
            update(extract())
            report()
            return 0
        case ["missing"]:
            return report()
        case _:
            print(__doc__)
            return 2


def report() -> int:
    """Print what the languages lack; returns 1 when there is something."""
    found = [(language, *fault) for language in TRANSLATED for fault in faults(extract(), read(language))]
    for language, message, fault in found:
        print(f"{language}: {fault}: {message}")
    if found:
        print(f"\nTranslate these in {', '.join(str(path_of(one).relative_to(WEB.parent)) for one in TRANSLATED)}.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
