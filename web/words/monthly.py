"""What ``ged report verify`` says, and the page of monthly reports. French is the source; the command also speaks English."""

from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from ged.figures.definitions import ALL
from ged.monthly.checking import Act, Change, Fault, Move, Proof
from web.words.labels import ACTIONS
from web.words.translations import translations
from web.words.verdicts import REASONS


def _(message: str) -> str:
    """Mark a message for the catalogue. It is looked up when it is told."""
    return message


FAULTS: Mapping[str, str] = {
    "seal.none": _("Le fichier ne porte pas de cachet : rien ne prouve qu'il vient de cette installation."),
    "file.altered": _("Le fichier n'est plus celui qui a été gardé (%(where)s)."),
    "file.unknown": _(
        "Cette installation n'a pas gardé ce fichier : même avec les données d'un rapport, il ne prouve rien."
    ),
    "file.number": _("Un nombre du fichier n'est pas celui de ses propres courriers (%(where)s)."),
    "file.definitions": _("Le rapport suit d'autres définitions (%(where)s)."),
    "database.report": _("La ligne du rapport dans la base ne dit pas ce que dit le fichier (%(where)s)."),
    "journal.report": _("Le journal ne dit pas que ce rapport a été établi (%(where)s)."),
    "journal.replaced": _("Le journal n'est plus celui que le rapport cite (%(where)s)."),
    "journal.entry_missing": _("Une écriture du journal manque (%(where)s)."),
    "journal.entry_altered": _("Une écriture du journal a été modifiée (%(where)s)."),
    "journal.payload_altered": _("Le détail d'une écriture du journal a été modifié (%(where)s)."),
    "journal.tail_cut": _("La fin du journal manque (%(where)s)."),
    "letter.unexplained": _(
        "Aucun acte du journal n'explique ce qui a changé : la base a été modifiée hors du programme (%(where)s)."
    ),
}
_SEAL = _("Le cachet ou un horodatage n'est pas valable : %(reason)s")
_HEAD = _("Rapport mensuel : %(entity)s, %(month)s")
_SIGNER = _("Cachet : %(signer)s")
_COUNTED = _("Nombres recomptés d'après le registre et le journal : %(counted)s, dont identiques : %(equal)s")
_CHANGE = _("%(number)s, %(unit)s : %(reported)s dans le rapport, %(now)s aujourd'hui")
_WHOLE = _("ensemble")
_CAME = _("courrier %(id)s : entré, %(after)s")
_LEFT = _("courrier %(id)s : sorti, %(before)s dans le rapport")
_MOVED = _("courrier %(id)s : %(before)s dans le rapport, %(after)s aujourd'hui")
_ACT = _("le %(day)s à %(time)s, %(who)s %(action)s (écriture n° %(sequence)s, %(code)s)")
_PROGRAM = _("le programme")
_NOT_EXPLAINED = _("aucun acte du journal ne l'explique")
_ALL_EQUAL = _("Tous les nombres sont ceux du rapport.")
_CHANGED = _("Ce qui a changé depuis est expliqué par le journal.")
_NOT_PROVEN = _("Le rapport n'est pas prouvé :")


def told(proof: Proof, *, language: str, zone: ZoneInfo) -> Iterator[str]:
    """The lines that tell a proof.

    Args:
        language: ``fr`` or ``en``.
        zone: in which times are told.
    """
    look_up = translations(language).gettext
    if proof.entity:
        yield look_up(_HEAD) % {"entity": proof.entity, "month": proof.month[:7]}
        if proof.signer:
            yield look_up(_SIGNER) % {"signer": proof.signer}
        yield look_up(_COUNTED) % {"counted": proof.counted, "equal": proof.equal}
    for change in proof.changes:
        yield ""
        yield _change(change, language)
        for move in change.moves:
            yield f"  {_move(move, language)}"
            yield from (f"    {_act(act, language, zone)}" for act in move.acts)
            if not move.acts:
                yield f"    {look_up(_NOT_EXPLAINED)}"
    yield ""
    if proof.faults:
        yield look_up(_NOT_PROVEN)
        yield from (f"  {fault.code}: {_fault(fault, language)}" for fault in proof.faults)
    else:
        yield look_up(_CHANGED if proof.changes else _ALL_EQUAL)


def _change(change: Change, language: str) -> str:
    look_up = translations(language).gettext
    name = next(one for one in ALL if one.name == change.number)
    return look_up(_CHANGE) % {
        "number": name.french if language == "fr" else name.english,
        "unit": change.unit or look_up(_WHOLE),
        "reported": change.reported,
        "now": change.now,
    }


def _move(move: Move, language: str) -> str:
    text = _MOVED if move.before and move.after else _LEFT if move.before else _CAME
    return translations(language).gettext(text) % {"id": move.mail_id, "before": move.before, "after": move.after}


def _act(act: Act, language: str, zone: ZoneInfo) -> str:
    look_up, at = translations(language).gettext, act.at.astimezone(zone)
    return look_up(_ACT) % {
        "day": f"{at:%d/%m/%Y}",
        "time": f"{at:%H:%M}",
        "who": act.who or look_up(_PROGRAM),
        "action": look_up(str(ACTIONS.get(act.action, act.action))),
        "sequence": act.sequence,
        "code": act.action,
    }


def _fault(fault: Fault, language: str) -> str:
    look_up = translations(language).gettext
    kind, _dot, reason = fault.code.partition(".")
    if fault.code not in FAULTS and kind == "seal":
        return look_up(_SEAL) % {"reason": look_up(str(REASONS.get(reason, reason)))}
    return look_up(FAULTS[fault.code]) % {"where": fault.where}
