"""French of the acts that change the organisation: what they are, what they change, what follows, what hangs."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import LazyString

from ged.administration.consequences import Consequence
from ged.administration.differences import Difference, is_nothing
from ged.days import long_day
from ged.natures.steps import StepKind
from ged.org.models import DelegationKind
from ged.org.openings import OpeningRow, OpeningStep
from ged.ports import Confidentiality
from ged.register.models import Direction, RegisterNature
from ged.unit import Role
from ged.workbook.inverse import Obstacle
from web.words.labels import label
from web.words.messages import gettext as _
from web.words.messages import lazy_gettext as _l
from web.words.messages import ngettext

WHATS: Mapping[str, LazyString] = {
    "unit.new": _l("Créer un service"),
    "unit.change": _l("Modifier un service"),
    "unit.move": _l("Déplacer un service"),
    "unit.merge": _l("Fusionner avec un autre service"),
    "unit.close": _l("Fermer un service"),
    "post.new": _l("Créer un poste"),
    "post.change": _l("Modifier un poste"),
    "post.give": _l("Nommer un titulaire"),
    "person.new": _l("Créer le compte d'un agent"),
    "person.change": _l("Modifier une personne"),
    "person.leave": _l("Cessation de fonctions"),
    "person.return": _l("Rouvrir un compte"),
    "register.new": _l("Ouvrir un registre"),
    "register.change": _l("Modifier un registre"),
    "register.continue": _l("Continuer un registre papier"),
    "register.close": _l("Fermer un registre"),
    "register.reopen": _l("Rouvrir un registre"),
    "nature.new": _l("Créer une nature"),
    "nature.change": _l("Modifier une nature"),
    "nature.circuit": _l("Circuit d'une nature"),
    "nature.close": _l("Fermer une nature"),
    "nature.reopen": _l("Rouvrir une nature"),
    "mention.new": _l("Créer une mention"),
    "mention.change": _l("Modifier une mention"),
    "template.new": _l("Créer un modèle de lettre"),
    "template.change": _l("Modifier un modèle de lettre"),
    "filing.new": _l("Créer une classe"),
    "filing.change": _l("Modifier une classe"),
    "filing.close": _l("Fermer une classe"),
    "filing.reopen": _l("Rouvrir une classe"),
}
"""What a form asks for: ``OrganisationAct.what``."""
KINDS: Mapping[str, LazyString] = {
    "units": _l("Service"), "people": _l("Personne"), "posts": _l("Poste"), "registers": _l("Registre"),
    "mentions": _l("Mention"), "natures": _l("Nature"), "correspondents": _l("Correspondant"),
    "filing_plan": _l("Plan de classement"), "templates": _l("Modèle de lettre"), "delegations": _l("Délégation"),
}  # fmt: skip
FIELDS: Mapping[str, LazyString] = {
    "code": _l("Code"), "account": _l("Compte"), "name": _l("Nom"), "title": _l("Intitulé"), "label": _l("Libellé"),
    "kind": _l("Type"), "address": _l("Adresse imprimée"), "entity": _l("Tient ses propres registres"), "parent": _l("Rattachement"),
    "closed": _l("Fermé"), "successor": _l("Successeur"), "email": _l("Courriel"), "clearance": _l("Habilitation"),
    "unit": _l("Service"), "roles": _l("Rôles"), "holder": _l("Titulaire"), "secretary_of": _l("Secrétariat de"),
    "direction": _l("Sens"), "nature": _l("Nature"), "pattern": _l("Modèle de numéro"),
    "restarts_yearly": _l("Recommence chaque année"), "reminder": _l("Rappels"), "register": _l("Registre"),
    "delay_days": _l("Délai"), "mentions": _l("Mentions"), "reminders": _l("Rappels"), "template": _l("Modèle de lettre"),
    "circuit": _l("Circuit"), "level": _l("Confidentialité proposée"), "silence": _l("Silence de l'administration"),
    "retention_years": _l("Conservation en années"), "final_act": _l("Sort final"), "filing_class": _l("Classement"), "paper_number": _l("Dernier numéro du registre papier"), "paper_reason": _l("Registre papier continué"),
    "post": _l("Poste"), "person": _l("Délégataire"), "act": _l("Acte"), "from_on": _l("Du"), "until_on": _l("Au"),
    "may_sign": _l("Signature"), "templates": _l("Types de lettres"), "max_amount_xof": _l("Montant maximal"),
    "withdrawn": _l("Retirée"), "subject": _l("Objet"), "body": _l("Texte"),
}  # fmt: skip
UNIT_KINDS: Mapping[str, LazyString] = {
    "ministry": _l("Ministère"), "cabinet": _l("Cabinet"), "general_secretariat": _l("Secrétariat général"),
    "directorate": _l("Direction"), "service": _l("Service"), "mail_office": _l("Bureau d'ordre"), "entity": _l("Organisme"),
}  # fmt: skip
NAMED_BY: Mapping[str, str] = {
    "parent": "units", "successor": "units", "unit": "units", "holder": "people", "secretary_of": "posts",
    "register": "registers", "post": "posts", "person": "people",
}  # fmt: skip
"""Fields that name another record -> its section."""
Names = Mapping[tuple[str, str], str]


def what_words(what: str) -> str:
    """The name of an act."""
    return str(WHATS.get(what, _("Modifier l'organisation")))


def unit_kind(kind: str) -> str:
    """The kind of a unit; one that no list has is shown as it is."""
    return str(UNIT_KINDS.get(kind, kind))


def named(kind: str, code: str, names: Names) -> str:
    """A record with its code, which tells two of one name apart."""
    name = names.get((kind, code), "")
    return f"{name} ({code})" if name and name != code else code


def value_words(one: Difference, value: Any, names: Names) -> str:
    """A value of a field, before or after."""
    if is_nothing(value):
        return "—"
    if value is True:
        return str(_("oui"))
    if one.field in NAMED_BY:
        return named(NAMED_BY[one.field], str(value), names)
    if one.field == "roles":
        return ", ".join(label(Role(role)) for role in value)
    if one.field in ("clearance", "level"):
        return label(Confidentiality[str(value).upper()])
    if one.field == "entity" and one.kind != "units":
        return named("units", str(value), names)
    if one.field == "silence":
        return silence_words(str(value))
    if one.field == "final_act":
        return final_words(str(value))
    if one.field == "direction":
        return label(Direction(value))
    if one.field == "nature" and one.kind == "registers":
        return label(RegisterNature(value))
    if one.field == "kind" and one.kind == "units":
        return unit_kind(str(value))
    if one.kind == "delegations" and one.field == "kind":
        return label(DelegationKind(value))
    if one.field in ("from_on", "until_on"):
        return long_day(date.fromisoformat(str(value)))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(str(part) for part in value)
    return _circuit_words(value, names) if isinstance(value, Mapping) else str(value)


def pair_words(one: Difference, names: Names) -> tuple[str, str]:
    """Both values of a difference, never in the same words: nobody confirms a change that cannot be seen."""
    before, after = value_words(one, one.before, names), value_words(one, one.after, names)
    if before != after:
        return before, after
    # Two stored values with one name, for example a kind of unit that was typed as the list words it.
    return f"{before} [{_stored(one.before)}]", f"{after} [{_stored(one.after)}]"


def _stored(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _circuit_words(circuit: Mapping[str, Any], names: Names) -> str:
    """The steps of a circuit in their order with what holds for each, as the page of a nature words it; the signatory last."""
    asked = [_step_words(step, names) for step in circuit["steps"]]
    return " › ".join([*asked, named("posts", circuit["signatory"], names)])


def _step_words(step: Mapping[str, Any], names: Names) -> str:
    post = named("posts", step["post"], names) if step["post"] else str(_("Le chef du rédacteur"))
    words = [label(StepKind(step["kind"]))]
    if step["compulsory"]:
        words.append(str(_("le rédacteur ne peut pas l'ôter")))
    if step["with_previous"]:
        words.append(str(_("en même temps que la précédente")))
    return f"{post} [{', '.join(words)}]"


def consequence_words(kind: str, count: int) -> str:
    """A count of what follows, as a sentence."""
    words: str
    match Consequence(kind):
        case Consequence.LETTERS_FOLLOW_POST:
            words = ngettext(
                "%(num)s courrier en cours suit le poste", "%(num)s courriers en cours suivent le poste", count
            )
        case Consequence.LETTERS_WAIT:
            words = ngettext(
                "%(num)s courrier en cours attend à un poste qui devient vacant",
                "%(num)s courriers en cours attendent à un poste qui devient vacant",
                count,
            )
        case Consequence.LETTERS_TO_SUCCESSOR:
            words = ngettext(
                "%(num)s courrier en cours passe au successeur",
                "%(num)s courriers en cours passent au successeur",
                count,
            )
        case Consequence.LETTERS_KEEP_PLACE:
            words = ngettext(
                "%(num)s courrier en cours reste au service, sous sa nouvelle hiérarchie",
                "%(num)s courriers en cours restent aux services, sous leur nouvelle hiérarchie",
                count,
            )
        case Consequence.UNITS_MOVE:
            words = ngettext("%(num)s service change de place", "%(num)s services changent de place", count)
        case Consequence.POSTS_MOVE:
            words = ngettext("%(num)s poste change de service", "%(num)s postes changent de service", count)
        case Consequence.REGISTERS_MOVE:
            words = ngettext(
                "%(num)s registre change de service, sa suite de numéros continue",
                "%(num)s registres changent de service, leurs suites de numéros continuent",
                count,
            )
        case Consequence.VACANT:
            words = ngettext("%(num)s poste devient vacant", "%(num)s postes deviennent vacants", count)
        case Consequence.DELEGATIONS_END:
            words = ngettext("%(num)s délégation prend fin", "%(num)s délégations prennent fin", count)
        case Consequence.SESSIONS_END:
            words = ngettext("%(num)s session est fermée", "%(num)s sessions sont fermées", count)
        case Consequence.PLANS_LOST:
            words = ngettext(
                "%(num)s modification prévue par cette personne sera refusée : qu'un autre administrateur la prévoie de nouveau",
                "%(num)s modifications prévues par cette personne seront refusées : qu'un autre administrateur les prévoie de nouveau",
                count,
            )
        case Consequence.PLANS_TOUCHED:
            words = ngettext(
                "%(num)s autre modification prévue concerne un service qui ferme : elle peut être refusée le jour venu, revoyez-la",
                "%(num)s autres modifications prévues concernent un service qui ferme : elles peuvent être refusées le jour venu, revoyez-les",
                count,
            )
        case Consequence.CERTIFICATES_END:
            words = ngettext(
                "%(num)s certificat est révoqué, ce qui ne s'annule pas",
                "%(num)s certificats sont révoqués, ce qui ne s'annule pas",
                count,
            )
        case Consequence.NATURE_KEEPS:
            words = ngettext(
                "%(num)s courrier en cours de cette nature garde son délai, ses mentions et son registre",
                "%(num)s courriers en cours de cette nature gardent leur délai, leurs mentions et leur registre",
                count,
            )
        case Consequence.REMINDERS_CHANGE:
            words = ngettext(
                "%(num)s courrier en cours de cette nature suit aussitôt les nouveaux rappels",
                "%(num)s courriers en cours de cette nature suivent aussitôt les nouveaux rappels",
                count,
            )
        case Consequence.DRAFTS_FOLLOW:
            words = ngettext(
                "%(num)s projet en cours de rédaction suivra ce circuit ; ceux qui sont soumis gardent le leur",
                "%(num)s projets en cours de rédaction suivront ce circuit ; ceux qui sont soumis gardent le leur",
                count,
            )
        case Consequence.NUMBERS_STAY:
            words = ngettext(
                "%(num)s numéro déjà donné reste tel qu'il est, la suite continue",
                "%(num)s numéros déjà donnés restent tels qu'ils sont, la suite continue",
                count,
            )
        case Consequence.NUMBERS_ALIKE:
            words = ngettext(
                "%(num)s autre registre donne les mêmes numéros : rien ne les distinguera",
                "%(num)s autres registres donnent les mêmes numéros : rien ne les distinguera",
                count,
            )
        case Consequence.NONE_OF_KIND:
            words = ngettext(
                "%(num)s registre est le dernier de sa nature dans son service, qui n'en aura plus",
                "%(num)s registres sont les derniers de leur nature dans leur service, qui n'en aura plus",
                count,
            )
        case Consequence.NATURES_PROPOSE:
            words = ngettext(
                "%(num)s nature de courrier propose ce registre, qui ne sera plus offert",
                "%(num)s natures de courrier proposent ce registre, qui ne sera plus offert",
                count,
            )
        case Consequence.TEXTS_STAY:
            words = ngettext(
                "%(num)s projet en cours de rédaction garde le texte par lequel il a commencé",
                "%(num)s projets en cours de rédaction gardent le texte par lequel ils ont commencé",
                count,
            )
        case Consequence.CLASSES_PROPOSED:
            words = ngettext(
                "%(num)s nature de courrier propose cette classe, qui ne sera plus offerte à la clôture",
                "%(num)s natures de courrier proposent cette classe, qui ne sera plus offerte à la clôture",
                count,
            )
    return words


HANGING: Mapping[str, LazyString] = {
    "units": _l("services"), "posts": _l("postes"), "people": _l("personnes"), "holdings": _l("titulaires de postes"),
    "registers": _l("registres"), "delegations": _l("délégations"), "absences": _l("absences"),
    "mail_access": _l("droits sur des courriers"), "audit_entries": _l("écritures du journal"), "mails": _l("courriers"),
    "natures": _l("natures"), "first_accesses": _l("codes de premier accès"), "nature_steps": _l("étapes de circuits"), "correspondents": _l("correspondants"),
    "organisation_acts": _l("modifications de l'organisation"), "register_counters": _l("suites de numéros"),
    "mail_numbers": _l("numéros donnés"), "filing_classes": _l("classes du plan de classement"),
    "letter_templates": _l("modèles de lettres"), "reserve_books": _l("carnets de secours"),
}  # fmt: skip
"""Tables whose rows hang on others."""


BECAUSE: Mapping[str, LazyString] = {
    "holder": _l("titulaire"), "secretary": _l("secrétariat de ce poste"), "delegation": _l("délégation"),
    "interim": _l("intérim"), "order": _l("par ordre (P.O.)"),
}  # fmt: skip
"""Why somebody acts through a post: ``HeldPost.because``."""


SILENCES: Mapping[str, LazyString] = {"accepts": _l("vaut acceptation"), "refuses": _l("vaut rejet")}
"""What no answer in time means in law: ``Nature.silence``."""


def silence_words(silence: str) -> str:
    """What no answer in time means in law."""
    return str(SILENCES[silence])


FINAL_ACTS: Mapping[str, LazyString] = {
    "": _l("le papier est éliminé, les fichiers restent"), "destroy": _l("destruction du papier et des fichiers"),
    "transfer": _l("versement aux Archives nationales"), "keep": _l("conservation définitive"),
}  # fmt: skip
"""What becomes of a letter at the end of its time of keeping: ``Nature.final_act``."""


def final_words(act: str) -> str:
    """What becomes of a letter at the end of its time of keeping."""
    return str(FINAL_ACTS[act])


def because_words(because: str) -> str:
    """Why somebody acts through a post."""
    return str(BECAUSE[because])


def obstacle_words(one: Obstacle) -> str:
    """Why a row cannot be taken back."""
    kind, by = (str(HANGING.get(name, _("autres données"))) for name in (one.table, one.by))
    if one.count:
        return str(_("%(key)s (%(kind)s) : %(by)s, %(count)s", key=one.key, kind=kind, by=by, count=one.count))
    return str(_("%(key)s (%(kind)s) : changé depuis", key=one.key, kind=kind))


def opening_words(step: OpeningStep, row: OpeningRow) -> str:
    """What a notice of a first access says, as ``ged.notices.mail.opening_sentence``."""
    values = {
        "account": row.account, "posts": ", ".join(row.titles) or _("sans poste"), "by": row.by_name, "second": row.second_name,
    }  # fmt: skip
    match step:
        case OpeningStep.WAITING:
            words = _("Le compte %(account)s (%(posts)s) attend votre confirmation : %(by)s a fait son premier accès.")
        case OpeningStep.MADE:
            words = _("Un premier accès est fait pour le compte %(account)s (%(posts)s), par %(by)s.")
        case OpeningStep.REFUSED:
            words = _("Le premier accès du compte %(account)s (%(posts)s), fait par %(by)s, est refusé par %(second)s.")
        case OpeningStep.USED:
            words = _("Le compte %(account)s est ouvert (%(posts)s), par un premier accès de %(by)s.")
        case OpeningStep.GIVEN:
            words = _("Le compte %(account)s, ouvert sans seconde personne par %(by)s, reçoit un poste : %(posts)s.")
    return str(words) % values
