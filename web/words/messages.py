"""Messages in the language of the page, as text. In templates they are HTML (``web.site.i18n.shown``).

They have the names and arguments of Flask-Babel's, which finds its settings anew for each message: a page looks up some hundred, and
that took a tenth of its time.
"""

from flask_babel import LazyString

from web.words.languages import language
from web.words.numbers import decimal
from web.words.translations import translations


def gettext(message: str, /, **values: object) -> str:
    """A message, with its values put in."""
    found = str(translations(language()).gettext(message))
    return found % values if values else found


def lazy_gettext(message: str, /, **values: object) -> LazyString:
    """A message of a module: it is looked up each time that it is shown."""
    return LazyString(gettext, message, **values)


def lazy_pgettext(meaning: str, message: str, /) -> LazyString:
    """A message of a module whose words have several meanings."""
    return LazyString(_in_context, meaning, message)


def _in_context(meaning: str, message: str) -> str:
    return str(translations(language()).pgettext(meaning, message))


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """The message of a number, ``%(num)s``, which is written as a reader writes it: "1 153 courriers"."""
    return str(translations(language()).ngettext(one, many, num)) % {"num": counted(num), **values}


def counted(number: int) -> int | str:
    """A number of things in a sentence. Only from a thousand on do languages write it differently."""
    return decimal(number) if isinstance(number, int) and number >= 1000 else number
