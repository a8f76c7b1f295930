"""The keys of the site, one table for the window that ``?`` opens and for the printed guide."""

from dataclasses import dataclass

from flask_babel import LazyString

from web.words.messages import lazy_gettext as _l


@dataclass(frozen=True)
class Key:
    """A key, or keys pressed together or one after the other.

    Attributes:
        when: CSS selector of what a page must hold for the keys to work there; empty: every page.
    """

    keys: tuple[LazyString | str, ...]
    label: LazyString
    when: str = ""


_ALT, _CTRL, _ENTER = _l("Alt"), _l("Ctrl"), _l("Entrée")
FIRST = (Key(("/",), _l("Rechercher un courrier")), Key(("g", "h"), _l("Accueil")))
"""Before the pages of the navigation."""
LAST = (
    Key((_ALT, _ENTER), _l("Accepter la proposition du champ"), ".proposal [data-for]"),
    Key((_ALT, _l("Maj"), _ENTER), _l("Accepter toutes les propositions sûres de la page"), "[data-take-all]"),
    Key((_CTRL, _ENTER), _l("Envoyer le formulaire"), "main form"),
    Key(("↓", "↑", _ENTER), _l("Choisir dans la liste qui s'ouvre sous un champ"), "[data-suggest], .unit-filter"),
    Key(("→",), _l("Prendre la première proposition, à la fin de ce qui est tapé"), "[data-suggest=takes]"),
    Key((_CTRL, "→"), _l("N'en prendre que les mots suivants"), "[data-suggest=takes]"),
    Key((_CTRL, "Z"), _l("Rendre ce qui était écrit avant la proposition prise"), "[data-suggest=takes]"),
    # While the question is shown, its own label tells the key.
    Key((_ALT, "A"), _l("Répondre que le courrier cité est un autre"), "#duplicates:not(:has([accesskey]))"),
    Key((_CTRL, "B", "I", "U"), _l("Gras, italique, souligné"), "[data-toolbar-of]"),
    Key((_CTRL, "Z", "Y"), _l("Annuler la frappe, la rétablir"), "[data-toolbar-of]"),
    Key((_l("Échap"),), _l("Fermer ce qui est ouvert : un menu, une liste, la visite")),
    Key(("?",), _l("Afficher cette aide")),
)
"""After them."""
