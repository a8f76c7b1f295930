"""The tour of the first day: for each role, places of the home page with one sentence and a section of the guide.

A step whose page the person may not open is left out, so that the tour shows only what is on the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for
from flask_babel import LazyString

from ged.unit import Actor, Role
from web.site.navigation import navigation
from web.words.messages import lazy_gettext as _l
from web.words.messages import lazy_pgettext

MOST = 6
_DESK, _STAFF, _HEAD, _ADMINISTRATOR, _START = "bureau-ordre", "agent", "responsable", "administrateur", "index"


@dataclass(frozen=True)
class Place:
    """A place of the home page.

    Attributes:
        endpoint: the page that an entry of the menu opens; empty: the place is no entry of the menu.
        at: the CSS selector of a place that is no entry of the menu.
        guide: page and anchor of the guide.
    """

    title: LazyString
    sentence: LazyString
    guide: tuple[str, str]
    endpoint: str = ""
    at: str = ""


@dataclass(frozen=True)
class Step:
    """A place as the template shows it; ``url`` is empty for what is no page."""

    title: str
    sentence: str
    at: str
    url: str
    help_url: str


_SEARCH = Place(
    _l("Rechercher"), _l("Un numéro entier ouvre son courrier ; un nom ou quelques mots le cherchent."),
    (_STAFF, "retrouver"), at="#site-search",
)  # fmt: skip
_NAME = Place(
    _l("Le menu de votre nom"),
    _l("Il contient l'aide sur chaque page, les raccourcis du clavier, la langue et votre mot de passe."),
    (_START, ""), at=".user-menu__summary",
)  # fmt: skip
_BELL = Place(
    lazy_pgettext("à une personne", "Avis"),
    _l("La cloche dit ce qui vous a été confié, ce qui est revenu et ce qui arrive à échéance."),
    (_STAFF, "ma-bannette"), at=".bell",
)  # fmt: skip
_IMPUTE = Place(
    _l("À imputer"), _l("Choisissez pour chaque courrier le service ou la personne qui le traite, et ce qui est demandé."),
    (_HEAD, "imputer"), "impute.queue",
)  # fmt: skip
_INBOX = Place(
    _l("Ma bannette"), _l("Les courriers qui vous sont confiés ; prenez-les en charge, répondez, puis clôturez."),
    (_STAFF, "ma-bannette"), "inbox.index",
)  # fmt: skip
_SIGNBOOK = Place(
    _l("Parapheur"), _l("Ce que vous devez viser ou signer, et les projets qui vous sont renvoyés."),
    (_HEAD, "viser-et-signer"), "signbook.index",
)  # fmt: skip
_FOLLOWUP = Place(
    _l("Suivi"), _l("Ce que vos services doivent et ce que vous avez confié ; ce qui est en retard vient d'abord."),
    (_HEAD, "suivre"), "followup.index",
)  # fmt: skip
_DELEGATIONS = Place(
    _l("Délégations"), _l("Avant une absence, dites ici qui agit à votre place et jusqu'à quand."),
    (_HEAD, "etre-absent-deleguer"), "delegations.index",
)  # fmt: skip
_RECEIVE = Place(
    _l("Bordereaux"), _l("Pointez chaque courrier qui arrive sur papier, puis signez : le bordereau vaut décharge."),
    (_STAFF, "recevoir-un-bordereau"), "slips.index",
)  # fmt: skip

TOURS: Mapping[str, Sequence[Place]] = {
    "clerk": (
        Place(
            _l("Numérisations"), _l("Les pages numérisées et les fichiers reçus attendent ici leur numéro."),
            (_DESK, "recevoir-et-numeriser"), "scans.index",
        ),
        Place(
            lazy_pgettext("un courrier", "Enregistrer"),
            _l("Donnez ici leur numéro aux courriers, aux plis fermés et aux départs."),
            (_DESK, "enregistrer"), "register.index",
        ),
        Place(
            _l("À transmettre"), _l("Une fois imputés, les originaux partent d'ici vers les services, chacun avec son bordereau."),
            (_DESK, "transmettre-par-bordereau"), "to_transmit.index",
        ),
        Place(
            _l("Départs"), _l("Ce qui est signé s'expédie d'ici, et la preuve de remise y revient."),
            (_DESK, "expedier"), "dispatch.index",
        ),
        _SEARCH,
        _NAME,
    ),
    "secretary": (_IMPUTE, _INBOX, _SIGNBOOK, _RECEIVE, _SEARCH, _NAME),
    "head": (_IMPUTE, _INBOX, _SIGNBOOK, _FOLLOWUP, _DELEGATIONS, _SEARCH, _NAME),
    "officer": (_INBOX, _RECEIVE, _SIGNBOOK, _BELL, _SEARCH, _NAME),
    "administrator": (
        Place(
            _l("Administration"), _l("L'état du service, les tâches en échec, le calendrier : un avertissement dit toujours quoi faire."),
            (_ADMINISTRATOR, "veiller"), "admin.index",
        ),
        Place(
            _l("Correspondants"), _l("L'annuaire : on y corrige une fiche et on y fusionne les doubles."),
            (_DESK, "les-correspondants"), "correspondents.index",
        ),
        _DELEGATIONS,
        _BELL,
        _NAME,
    ),
    "auditor": (
        Place(
            _l("Journal"), _l("Chaque acte, par qui, pour qui et quand ; rien ne s'y efface."),
            (_ADMINISTRATOR, "veiller"), "admin.entries",
        ),
        Place(
            _l("Registres"), _l("Les numéros donnés, sans lacune ni doublon, et leurs clôtures signées."),
            (_DESK, "le-registre"), "registers.index",
        ),
        _BELL,
        _SEARCH,
        _NAME,
    ),
}  # fmt: skip

_ROLES = (
    (Role.CLERK, "clerk"),
    (Role.SECRETARY, "secretary"),
    (Role.AUTHORITY, "head"),
    (Role.HEAD, "head"),
    (Role.SIGNATORY, "head"),
    (Role.ADMINISTRATOR, "administrator"),
    (Role.AUDITOR, "auditor"),
)


def tour_of(actor: Actor) -> str:
    """The tour of a person's own posts; who only replaces somebody takes that post's tour."""
    own = [post for post in actor.posts if post.because == "holder"] or actor.posts
    return next((name for role, name in _ROLES if any(role in post.roles for post in own)), "officer")


def steps(actor: Actor) -> list[Step]:
    """The steps of a person's tour: 4 to 6, each a place that is on their home page."""
    shown = {item.url for _, items in navigation() for item in items}
    found = [step for place in TOURS[tour_of(actor)] if (step := _step(place)).url in shown or not step.url]
    return found[:MOST]


def _step(place: Place) -> Step:
    url = url_for(place.endpoint) if place.endpoint else ""
    name, anchor = place.guide
    help_url = url_for("help.show", name=name, _anchor=anchor or None)
    at = place.at or f"#navigation a[href='{url}']"
    return Step(str(place.title), str(place.sentence), at, url, help_url)
