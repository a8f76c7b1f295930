"""How letters name the signing post, and the capacity of the signer. Pure.

French administrative usage: a delegate signs "Pour <the holder> et par délégation," above their own title; a person
signing by order of the holder, "Pour <the holder> et par ordre,"; an interim holder signs as "<the post> par
intérim".
"""

import re
from dataclasses import dataclass

_FEMININE_ENDINGS = (
    "tion",
    "sion",
    "ence",
    "iété",
    "orité",
    "gnie",
    "trice",
    "euse",
    "ière",
    "ffe",
    "dente",
    "ante",
    "ienne",
    "ée",
)
_FEMININE_ADJECTIVES = frozenset({"générale", "particulière", "adjointe", "déléguée"})
_UNIT = re.compile(r"(?:(?<!\w)(à|de) )?\{service\}")
_ARTICLE = re.compile(r"(?:le |la |les |l['’])", re.IGNORECASE)
_CONTRACTED = {("à", "Le "): "au ", ("de", "Le "): "du ", ("à", "Les "): "aux ", ("de", "Les "): "des "}
_VOWELS = "aàâeéèêiîoôuùy"


@dataclass(frozen=True)
class Signatory:
    """The signer: the title, the lines of the capacity above it (none for the holder), the act granting the power."""

    title: str
    name: str
    capacity: tuple[str, ...] = ()
    act: str = ""


def with_article(title: str) -> str:
    """A title with its article, as at the beginning of a line; one that was typed with its article keeps it.

    >>> with_article("Secrétaire générale"), with_article("Ministre des Mines"), with_article("Administrateur")
    ('La Secrétaire générale', 'Le Ministre des Mines', "L'Administrateur")
    >>> with_article("le ministre")
    'Le ministre'
    """
    words = title.split()
    if not words:
        return ""
    if _ARTICLE.match(title):
        return title[0].upper() + title[1:]
    first = words[0].casefold()
    if first[0] in _VOWELS:
        return f"L'{title}"
    adjective = words[1].casefold() if len(words) > 1 else ""
    feminine = first.endswith(_FEMININE_ENDINGS) or adjective in _FEMININE_ADJECTIVES
    return f"{'La' if feminine else 'Le'} {title}"


def with_unit(text: str, name: str) -> str:
    """Fill ``{service}`` in a template's text with a unit's name; contracts and capitalises the French article.

    >>> with_unit("confié à {service}. {service} répondra.", "Service des études")
    'confié au Service des études. Le Service des études répondra.'
    >>> with_unit("confié à {service}, auprès de {service}", "Direction générale")
    'confié à la Direction générale, auprès de la Direction générale'
    """
    named = with_article(name)
    found = _ARTICLE.match(named)
    article, rest = (found[0], named[found.end() :]) if found else ("", named)

    def filled(found: re.Match[str]) -> str:
        before, preposition = found.string[: found.start()].rstrip(" "), found[1]
        if (preposition, article) in _CONTRACTED:
            return _CONTRACTED[preposition, article] + rest
        if preposition:
            return f"{preposition} {article.lower()}{rest}"
        begins = not before or before[-1] in ".!?\n"
        return f"{article if begins else article.lower()}{rest}"

    return _UNIT.sub(filled, text)


def signatory_for(*, post_title: str, own_title: str, name: str, because: str, act: str) -> Signatory:
    """The wording with which a person signs for a post.

    Args:
        own_title: title of the signer's own post; empty without one.
        because: ``holder``, ``delegation``, ``interim`` or ``order``, as ``HeldPost.because``.
    """
    title = with_article(post_title)
    if because == "delegation":
        holder = title[0].lower() + title[1:]
        return Signatory(with_article(own_title or "délégataire"), name, (f"Pour {holder} et par délégation,",), act)
    if because == "order":
        holder = title[0].lower() + title[1:]
        return Signatory(with_article(own_title or "délégataire"), name, (f"Pour {holder} et par ordre,",), act)
    if because == "interim":
        return Signatory(f"{title} par intérim", name, (), act)
    return Signatory(title, name)
