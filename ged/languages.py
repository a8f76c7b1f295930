"""The languages of people. Sentences are written in French; a catalogue has them in the other languages. Pure.

A page is in the language of who looks at it, an e-mail to a person with an account in that person's. What is printed,
and what leaves for a correspondent, is in the organisation's language, French, whoever prints or sends it.
"""

from collections.abc import Sequence
from gettext import NullTranslations

SOURCE = "fr"
LANGUAGES: Sequence[str] = (SOURCE, "en")
"""ISO 639 codes of the languages that a person may choose."""


class French(NullTranslations):
    """Sentences as they are written; in French zero is singular."""

    def gettext(self, message: str) -> str:
        """The message itself."""
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """The singular for zero and one."""
        return msgid1 if abs(n) < 2 else msgid2


def french_only(language: str) -> NullTranslations:  # noqa: ARG001  # the form of ``Services.translations``
    """The sentences as they are written, for every language: without a catalogue."""
    return French()
