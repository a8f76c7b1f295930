"""The site's navigation: one list. An entry is shown if its page exists and the actor has one of its roles.

To add an entry: a line in ``ENTRIES``. Roles come from the access list (``web.site.guard``), so that nobody sees a link
that is forbidden. ``counter`` is the statement that counts waiting items; all counters run in one query.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from flask import Flask, current_app, g, request, url_for
from flask_babel import LazyString

from ged.capture import queries as scan_queries
from ged.counting import MOST_IN_MENU, Counter, counted
from ged.dispatch import queries as dispatch_queries
from ged.envelopes import operations as envelopes
from ged.followup import notes
from ged.notices import queries as notices
from ged.paper import queries as paper_queries
from ged.routing import queries as routing_queries
from ged.search import saved as saved_searches
from ged.signbook import queries as signbook_queries
from ged.slips import queries as slip_queries
from ged.slips import to_transmit
from ged.supervisors import queries as supervisors
from ged.unit import Actor, ReadSession, Role
from web.site import context, guard
from web.words import keys
from web.words.messages import lazy_gettext as _l
from web.words.messages import lazy_pgettext

LookCount = Callable[[ReadSession, Actor], int]

WORK, OFFICE, CONSULT, ADMIN = _l("Mon travail"), _l("Bureau d'ordre"), _l("Consulter"), _l("Gérer")


READING = frozenset({"search", "dashboard", "supervision"})
"""Blueprints of pages of a search and of figures."""
COUNT_KEPT_S = 30.0
COUNTS_KEPT = 20_000
_COUNTED = "ged_counted"


@dataclass(frozen=True)
class Entry:
    """A line of the navigation.

    Attributes:
        group: the heading of the entry.
        endpoint: its target; the blueprint marks the whole feature as current.
        hint: description of the page, shown on the home page.
        shortcut: key pressed after ``g``.
        roles: who sees it, narrower than the access list; None: everybody on the access list.
        counter: the statement that counts waiting items (``ged.counting``).
        look: a function that counts waiting items, if no single statement can; added to what ``counter`` counts.
        looks_among: the statement that counts the items among which ``look`` looks; without any, it is not called.
        among: a function that counts the actor's own of what ``counter`` counts for everybody; called when there are any.
        most: ``counter`` counts no further; a count that reaches it is shown as "99+".
        also: endpoints of other features that belong to this entry.
        in_training: shown in a training installation alone.
        opened_by: counts what gives the entry to who has none of the roles; it is not shown as a count.
        also_when_waiting: while items wait, everybody on the access list sees the entry, whatever the roles.
    """

    group: LazyString
    label: LazyString
    endpoint: str
    hint: LazyString
    shortcut: str = ""
    roles: frozenset[Role] | None = None
    counter: Counter | None = None
    look: LookCount | None = None
    looks_among: Counter | None = None
    among: LookCount | None = None
    most: int | None = None
    also: tuple[str, ...] = ()
    also_when_waiting: bool = False
    opened_by: Counter | None = None
    in_training: bool = False


@dataclass(frozen=True)
class Item:
    """An entry as one person sees it on one page."""

    label: str
    url: str
    hint: str
    shortcut: str
    current: bool
    count: int
    most: int | None = None

    @property
    def shown(self) -> str:
        """The count as it is written."""
        return f"{self.most - 1}+" if self.most is not None and self.count >= self.most else str(self.count)


ENTRIES: tuple[Entry, ...] = (
    Entry(
        WORK,
        _l("Exercices"),
        "training.index",
        _l("Ce qui est à faire pour apprendre, et où vous en êtes"),
        "x",
        in_training=True,
    ),
    Entry(
        WORK,
        _l("À imputer"),
        "impute.queue",
        _l("Les courriers qui attendent une décision"),
        "i",
        roles=frozenset({Role.AUTHORITY}),
        counter=routing_queries.to_impute_in_menu,
        most=MOST_IN_MENU,
        also_when_waiting=True,
    ),
    Entry(
        WORK,
        _l("Ma bannette"),
        "inbox.index",
        _l("Les courriers qui vous sont confiés"),
        "b",
        counter=routing_queries.inbox_in_menu,
        most=MOST_IN_MENU,
    ),
    Entry(
        WORK,
        _l("Questions"),
        "notes.index",
        _l("Les questions qui attendent votre réponse"),
        roles=frozenset(),
        counter=notes.count_questions,
        also_when_waiting=True,
    ),
    Entry(
        WORK,
        _l("Suivi"),
        "followup.index",
        _l("Ce que vous avez confié, ce que vos services doivent"),
        "s",
    ),
    Entry(
        WORK,
        _l("Parapheur"),
        "signbook.index",
        _l("À viser, à signer, à corriger"),
        "p",
        counter=signbook_queries.count_returned,
        look=signbook_queries.waiting_count,
        looks_among=signbook_queries.count_in_circuit,
        also=("drafts.new", "drafts.create", "drafts.edit", "drafts.save"),
    ),
    Entry(
        WORK,
        _l("Point du matin"),
        "morning.index",
        _l("Ce qui est en souffrance, et qui doit agir"),
        "k",
    ),
    Entry(
        WORK,
        lazy_pgettext("à une personne", "Avis"),
        "notices.index",
        _l("Ce qui vous est arrivé, que vous n'avez pas lu"),
        "m",
        counter=notices.count_unread,
        most=MOST_IN_MENU,
    ),
    Entry(
        OFFICE,
        lazy_pgettext("un courrier", "Enregistrer"),
        "register.index",
        _l("Donner un numéro à un courrier ou à un pli"),
        "e",
    ),
    Entry(
        OFFICE,
        _l("Numérisations"),
        "scans.index",
        _l("Les numérisations qui attendent leur numéro"),
        "n",
        counter=scan_queries.count_waiting,
    ),
    Entry(
        OFFICE,
        _l("À confirmer"),
        "paper.index",
        _l("Les feuilles revenues qu'il faut comparer à leur imprimé"),
        "v",
        roles=frozenset({Role.CLERK}),
        counter=paper_queries.count_all,
        among=paper_queries.count,
        also_when_waiting=True,
    ),
    Entry(
        OFFICE,
        _l("Plis fermés"),
        "envelopes.index",
        _l("Les plis enregistrés sans être ouverts"),
        "f",
        counter=envelopes.count_waiting_for,
    ),
    Entry(
        OFFICE,
        _l("À transmettre"),
        "to_transmit.index",
        _l("Les originaux qui attendent leur bordereau"),
        "o",
        roles=frozenset({Role.CLERK}),
        counter=to_transmit.count_papers,
        most=MOST_IN_MENU,
    ),
    Entry(
        OFFICE,
        _l("Bordereaux"),
        "slips.index",
        _l("Transmettre, recevoir, pointer"),
        "t",
        counter=slip_queries.count_waiting,
        also=("slips_reading.form", "slips_reading.read", "slips_reading.sign"),
    ),
    Entry(
        OFFICE,
        _l("Départs"),
        "dispatch.index",
        _l("Expédier et garder la preuve de remise"),
        "d",
        counter=dispatch_queries.count_waiting,
        also=("dispatch_rounds.index", "dispatch_rounds.leave", "dispatch_rounds.done"),
    ),
    Entry(CONSULT, _l("Rechercher"), "search.index", _l("Retrouver un courrier par son texte ou ses références"), "r"),
    Entry(
        CONSULT,
        _l("Recherches suivies"),
        "saved_searches.index",
        _l("Les recherches que vous gardez, et ce qu'elles trouvent de nouveau"),
        counter=saved_searches.count_new,
    ),
    Entry(
        CONSULT,
        _l("Tableau de bord"),
        "dashboard.index",
        _l("Les chiffres de vos services : arrivées, retards, délais"),
        "u",
    ),
    Entry(
        CONSULT,
        _l("Supervision"),
        "supervision.index",
        _l("Entités, services, natures et mois côte à côte"),
        roles=frozenset({Role.HEAD, Role.AUTHORITY, Role.AUDITOR}),
        opened_by=supervisors.acts_naming,
    ),
    Entry(
        CONSULT,
        _l("Registres"),
        "registers.index",
        _l("Lire et imprimer les registres"),
        "l",
        also=("exports.index", "resuming.index", "reserve.index", "monthly_reports.index", "open_data.index"),
    ),
    Entry(
        CONSULT,
        _l("Correspondants"),
        "correspondents.index",
        _l("L'annuaire, et les courriers échangés avec chacun"),
        "c",
        roles=frozenset({Role.CLERK, Role.ADMINISTRATOR}),
    ),
    Entry(
        ADMIN,
        _l("Délégations"),
        "delegations.index",
        _l("Qui agit pour qui, qui est absent, et jusqu'à quand"),
        also=("absences.index", "absences.declare", "absences.end", "absences.acknowledge"),
    ),
    Entry(
        ADMIN,
        _l("Journal"),
        "admin.entries",
        _l("Qui a fait quoi, quand, au nom de qui"),
        "j",
        roles=frozenset({Role.AUDITOR}),
    ),
    Entry(
        ADMIN,
        _l("Preuves des signatures"),
        "preservations.index",
        _l("Jusqu'où chaque signature se prouve, et ce qui l'empêche d'aller plus loin"),
        roles=frozenset({Role.AUDITOR}),
    ),
    Entry(ADMIN, _l("Administration"), "admin.index", _l("Tâches, journal, jours fériés, clés"), "a"),
)


def install(app: Flask) -> None:
    """Check the list, and give it to the templates as ``navigation()``.

    Raises:
        RuntimeError: a shortcut is used twice.
    """
    shortcuts = [entry.shortcut for entry in ENTRIES if entry.shortcut]
    if len(shortcuts) != len(set(shortcuts)):
        raise RuntimeError("two navigation entries share a shortcut")
    app.jinja_env.globals["navigation"] = navigation
    app.jinja_env.globals["unread_notices"] = unread_notices
    app.jinja_env.globals["shortcut_keys"] = keys
    app.jinja_env.globals["may_open"] = lambda endpoint: guard.opens(guard.ACCESS[endpoint], context.actor())
    app.jinja_env.globals["has_page"] = lambda endpoint: endpoint in current_app.view_functions


def unread_notices() -> Item | None:
    """The bell's entry with its count, from the same statement as the navigation's other counts; None: nothing is unread."""
    url = url_for("notices.index")
    return next((item for _, items in navigation() for item in items if item.url == url and item.count), None)


def _may_enter(entry: Entry, actor: Actor) -> bool:
    if entry.endpoint not in current_app.view_functions or (entry.in_training and not context.services().training):
        return False
    return guard.opens(guard.ACCESS[entry.endpoint], actor)


def stand_under(endpoint: str) -> None:
    """Mark another entry of the menu than the one of this page: a list belongs where its reader came from."""
    g.stands_under = endpoint


def _is_current(entry: Entry) -> bool:
    here = g.get("stands_under") or request.endpoint or ""
    return here.partition(".")[0] == entry.endpoint.partition(".")[0] or here in entry.also


def navigation() -> list[tuple[str, list[Item]]]:
    """The groups and items that the actor sees on this page, counted once per request; empty for nobody."""
    actor = context.actor_or_none()
    if actor is None:
        return []
    if "navigation" not in g:
        g.navigation = _navigation(actor)
    return cast(list[tuple[str, list[Item]]], g.navigation)


def _navigation(actor: Actor) -> list[tuple[str, list[Item]]]:
    groups: dict[str, list[Item]] = {}
    with context.services().reading() as session:
        for entry, item in _items(session, actor):
            groups.setdefault(str(entry.group), []).append(item)
    return list(groups.items())


def _counts(session: ReadSession, actor: Actor, entries: Sequence[Entry]) -> dict[str, int]:
    """Endpoint -> number of waiting items. On pages of ``READING`` the counts may be up to half a minute old.

    There pages follow each other in seconds, nothing is changed, and a dozen counts would cost more than a search.
    """
    kept: dict[tuple[object, tuple[str, ...]], tuple[float, dict[str, int]]]
    kept = current_app.extensions.setdefault(_COUNTED, {})
    key, now = ((actor.person_id, actor.principals), tuple(entry.endpoint for entry in entries)), time.monotonic()
    if request.blueprint in READING and key in kept and now - kept[key][0] < COUNT_KEPT_S:
        return kept[key][1]
    counts = _counted_now(session, actor, entries)
    if len(kept) > COUNTS_KEPT:
        kept.clear()
    kept[key] = now, counts
    return counts


def _counted_now(session: ReadSession, actor: Actor, entries: Sequence[Entry]) -> dict[str, int]:
    """Count with one statement, as far as statements can count."""
    asked = {entry.endpoint: one for entry in entries if (one := entry.counter or entry.opened_by) is not None}
    among = {entry.endpoint: entry.looks_among for entry in entries if entry.looks_among is not None}
    numbers = counted(session, actor, (*asked.values(), *among.values()))
    counts = dict(zip(asked, numbers[: len(asked)], strict=True))
    to_look_among = dict(zip(among, numbers[len(asked) :], strict=True))
    for entry in entries:
        if entry.among is not None and counts.get(entry.endpoint):
            counts[entry.endpoint] = entry.among(session, actor)
        if entry.look is not None and to_look_among.get(entry.endpoint, 1):
            counts[entry.endpoint] = counts.get(entry.endpoint, 0) + entry.look(session, actor)
    return counts


def _items(session: ReadSession, actor: Actor) -> Iterator[tuple[Entry, Item]]:
    entered = [entry for entry in ENTRIES if _may_enter(entry, actor)]
    own = {entry.endpoint for entry in entered if entry.roles is None or actor.has(*entry.roles)}
    # What a role gives already is not asked for.
    shown = [
        entry for entry in entered if entry.endpoint in own or entry.also_when_waiting or entry.opened_by is not None
    ]
    counts = _counts(session, actor, [replace(one, opened_by=None) if one.endpoint in own else one for one in shown])
    for entry in shown:
        count = counts.get(entry.endpoint, 0)
        if entry.endpoint in own or count:
            count = count if entry.counter is not None or entry.look is not None else 0
            url = url_for(entry.endpoint)
            yield (
                entry,
                Item(str(entry.label), url, str(entry.hint), entry.shortcut, _is_current(entry), count, entry.most),
            )
