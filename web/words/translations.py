"""The catalogue of a language, read from its ``.po`` file: nothing is compiled, so nothing can be out of date.

A message that has no translation is shown in French.
"""

from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from ged.languages import LANGUAGES, SOURCE, French
from ged.typography import french

TRANSLATIONS = Path(__file__).parents[1] / "translations"


_set = lru_cache(maxsize=8192)(french)
"""The messages are three thousand, and a page shows some hundred of them."""


class _French(French):
    """Messages as they are written, with French typography."""

    def gettext(self, message: str) -> str:
        return _set(message)

    def upgettext(self, context: str, message: str) -> str:  # noqa: ARG002  # a context tells translations apart
        return _set(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(super().ngettext(msgid1, msgid2, n))


def path_of(language: str) -> Path:
    """Where the translations of a language are written."""
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


@cache
def translations(language: str) -> Translations:
    """The messages in a language; French for an empty or unknown one. Half a second at the first call of a process."""
    found = Translations(_compiled(language) if language in LANGUAGES and language != SOURCE else None)
    found.add_fallback(_French())
    return found


def _compiled(language: str) -> BytesIO:
    compiled = BytesIO()
    with path_of(language).open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return compiled
