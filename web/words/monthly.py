"""What ``ged report verify`` says, and the page of monthly reports. French is the source; the command also speaks English."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from unicodedata import category
from zoneinfo import ZoneInfo

from ged.figures import definitions
from ged.monthly.checking import Change, Move, Proof, SealOf
from ged.monthly.faults import Fault
from ged.monthly.proofs import OTHER_ACTS, Changed
from ged.monthly.replaying import Act
from ged.ports import Certificate
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
        "Cette installation n'a pas gardé ce fichier : même avec les données d'un rapport, il ne prouve rien ici. Un rapport se vérifie dans l'installation qui l'a établi."
    ),
    "file.number": _("Un nombre du fichier n'est pas celui de ses propres courriers (%(where)s)."),
    "file.definitions": _("Ce programme ne connaît pas les définitions du rapport (%(where)s)."),
    "database.report": _("La ligne du rapport dans la base ne dit pas ce que dit le fichier (%(where)s)."),
    "journal.report": _("Le journal ne dit pas que ce rapport a été établi (%(where)s)."),
    "journal.replaced": _("Le journal n'est plus celui que le rapport cite (%(where)s)."),
    "journal.entry_missing": _("Une écriture du journal manque (%(where)s)."),
    "journal.entry_foreign": _(
        "Une écriture se trouve avant le début du journal : une autre main l'a ajoutée (%(where)s)."
    ),
    "journal.entry_altered": _("Une écriture du journal a été modifiée (%(where)s)."),
    "journal.payload_altered": _("Le détail d'une écriture du journal a été modifié (%(where)s)."),
    "journal.payload_missing": _(
        "Le détail d'une écriture du journal a été effacé hors du programme : ce qu'elle disait n'est plus prouvé (%(where)s)."
    ),
    "journal.put_back": _(
        "L'installation a été remise à une copie antérieure : ni ce rapport ni les actes qu'il a comptés depuis cette copie ne sont dans son journal (%(where)s)."
    ),
    "journal.tail_cut": _("La fin du journal manque (%(where)s)."),
    "taken.unrecorded": _("Le journal ne mentionne pas l'arrivée de cette entité telle qu'elle est ici (%(where)s)."),
    "taken.proof_altered": _("Le journal venu avec une entité n'est plus celui qui a été signé (%(where)s)."),
    "taken.payload_missing": _(
        "Le journal venu avec une entité porte une écriture sans son détail : ce qu'elle disait n'est plus prouvé (%(where)s)."
    ),
    "taken.entry_unreadable": _(
        "Le journal venu avec une entité porte une écriture que ce programme ne sait pas lire (%(where)s)."
    ),
    "faults.others": _("D'autres anomalies ne sont pas énumérées ici (%(where)s)."),
    "letter.not_begun": _(
        "Aucun journal ne dit comment ce courrier est entré : ses actes ont été cachés ou effacés hors du programme (%(where)s)."
    ),
    "letter.unproven": _(
        "Une écriture du journal qui cite ce courrier n'est plus garantie par la chaîne du journal : on ne peut dire si le courrier est tel que ses actes l'ont laissé (%(where)s)."
    ),
    "letter.unexplained": _(
        "Aucun acte du journal n'explique ce qui a changé : la base a été modifiée hors du programme (%(where)s)."
    ),
}
_SEAL = _("Le cachet ou un horodatage n'est pas valable : %(reason)s")
_HEAD = _("Rapport mensuel : %(entity)s, %(month)s")
_SIGNER = _("Signé par : %(signer)s")
_CERTIFICATE = _("Certificat n° %(serial)s : %(subject)s, émis par %(issuer)s")
SEALS: Mapping[SealOf, str] = {
    SealOf.PRESENT: _("C'est le cachet actuel de l'institution."),
    SealOf.EARLIER: _("C'est un certificat antérieur du cachet de l'institution : même nom, même autorité."),
    SealOf.OTHER: _("Ce n'est pas le cachet actuel de l'institution : un autre nom, ou une autre autorité."),
    SealOf.NOT_KNOWN: _("Le cachet de l'institution ne peut pas être lu ici : rien à quoi comparer."),
    SealOf.NONE: _("Le rapport n'a pas encore de cachet."),
}
_COUNTED = _("Nombres recomptés d'après le registre et le journal : %(counted)s, dont identiques : %(equal)s")
_EARLIER = _(
    "Le rapport suit la version %(version)s des définitions, et il est vérifié d'après elle. La version d'aujourd'hui est la %(present)s."
)
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
_ACTS = _("Courriers concernés : %(letters)s ; au journal, du %(since)s au %(until)s : %(acts)s")
_ONE_ACT = _("%(action)s (%(times)s)")
_OTHER_ACTS = _("autres actes")
_NOT_EXPLAINED_AT_ALL = _("Courriers concernés : %(letters)s ; aucun acte du journal ne l'explique")
_NOT_PROVEN = _("Le rapport n'est pas prouvé :")


def proof_lines(proof: Proof, *, language: str, zone: ZoneInfo) -> Iterator[str]:
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
        if proof.certificate is not None:
            yield certificate_words(proof.certificate, language)
        yield look_up(SEALS[proof.seal_of])
        yield look_up(_COUNTED) % {"counted": proof.counted, "equal": proof.equal}
        if remark := definitions_words(proof.definitions, language):
            yield remark
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
        yield from (f"  {fault.code}: {_fault(_named(proof, fault), language)}" for fault in proof.faults)
    else:
        yield look_up(_CHANGED if proof.changes else _ALL_EQUAL)


def change_words(change: Changed, language: str) -> str:
    """A number that is another one today."""
    return _change(change, language)


def acts_words(change: Changed, language: str) -> str:
    """What changed a number, without naming a letter or a person."""
    look_up = translations(language).gettext
    if change.since is None or change.until is None:
        return look_up(_NOT_EXPLAINED_AT_ALL) % {"letters": change.letters}
    acts = ", ".join(
        look_up(_ONE_ACT) % {"action": look_up(_act_words(action)), "times": times} for action, times in change.acts
    )
    return look_up(_ACTS) % {
        "letters": change.letters,
        "since": f"{change.since:%d/%m/%Y}",
        "until": f"{change.until:%d/%m/%Y}",
        "acts": acts,
    }


def _act_words(action: str) -> str:
    return _OTHER_ACTS if action == OTHER_ACTS else str(ACTIONS.get(action, action))


def fault_words(fault: Fault, language: str) -> str:
    """What must not be."""
    return _fault(fault, language)


def seal_words(seal_of: SealOf, language: str) -> str:
    """Whose the seal is."""
    return translations(language).gettext(SEALS[seal_of])


def definitions_words(version: int, language: str) -> str:
    """That a report counts by another version than that of today; empty: it does not."""
    if version in (0, definitions.VERSION):
        return ""
    return translations(language).gettext(_EARLIER) % {"version": version, "present": definitions.VERSION}


def certificate_words(certificate: Certificate, language: str) -> str:
    """Which certificate signed."""
    return translations(language).gettext(_CERTIFICATE) % {
        "serial": certificate.serial,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
    }


def _change(change: Change | Changed, language: str) -> str:
    look_up = translations(language).gettext
    name = next(one for one in definitions.ALL if one.name == change.number)
    return look_up(_CHANGE) % {
        "number": name.french if language == "fr" else name.english,
        "unit": change.unit or look_up(_WHOLE),
        "reported": change.reported,
        "now": change.now,
    }


def _move(move: Move, language: str) -> str:
    text = _MOVED if move.before and move.after else _LEFT if move.before else _CAME
    return translations(language).gettext(text) % {"id": _letter(move), "before": move.before, "after": move.after}


def _letter(move: Move) -> str:
    """The letter as a clerk knows it, and as the report's file has it."""
    return f"{move.number} ({move.mail_id})" if move.number else str(move.mail_id)


def _named(proof: Proof, fault: Fault) -> Fault:
    """A fault with the letter named as a clerk knows it."""
    known = {f"letter {move.mail_id}": _letter(move) for change in proof.changes for move in change.moves}
    return replace(fault, where=f"letter {known[fault.where]}") if fault.where in known else fault


def _act(act: Act, language: str, zone: ZoneInfo) -> str:
    look_up, at = translations(language).gettext, act.at.astimezone(zone)
    return look_up(_ACT) % {
        "day": f"{at:%d/%m/%Y}",
        "time": f"{at:%H:%M}",
        "who": _printable(act.who) or look_up(_PROGRAM),
        "action": look_up(str(ACTIONS.get(act.action, act.action))),
        "sequence": act.sequence,
        "code": act.action,
    }


def _printable(name: str) -> str:
    """A name that a row of the database holds, without signs that would steer the terminal of whoever reads it."""
    return "".join(sign if sign.isprintable() or category(sign) == "Zs" else " " for sign in name)


def _fault(fault: Fault, language: str) -> str:
    look_up = translations(language).gettext
    kind, _dot, reason = fault.code.partition(".")
    if fault.code not in FAULTS and kind == "seal":
        return look_up(_SEAL) % {"reason": look_up(str(REASONS.get(reason, reason)))}
    text = look_up(FAULTS[fault.code])
    return text % {"where": _printable(fault.where)} if fault.where else text.replace(" (%(where)s)", "")
