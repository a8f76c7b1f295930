"""The sentences of a finding in a language: what was found, and what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.numbers import format_decimal

from ged.health.findings import Figure, Finding, Group, State
from ged.jobs import JobKind
from ged.ports import Lane
from web.words.check_table import COMMON, GROUPS, TEXTS, TITLES
from web.words.labels import LABELS
from web.words.translations import translations


def _(message: str) -> str:
    return message


STATES: Mapping[State, str] = {
    State.OK: _("en ordre"),
    State.NOT_APPLICABLE: _("sans objet"),
    State.WARNING: _("à surveiller"),
    State.FAULT: _("en panne"),
}
TONES: Mapping[State, str] = {
    State.OK: "success",
    State.NOT_APPLICABLE: "neutral",
    State.WARNING: "warning",
    State.FAULT: "danger",
}
_SIZES = ((1000**3, _("%(n)s Go")), (1000**2, _("%(n)s Mo")), (1000, _("%(n)s Ko")), (1, _("%(n)s octets")))
_SPANS = (
    (172_800, 86_400, _("%(n)s jours")),
    (7200, 3600, _("%(n)s h")),
    (120, 60, _("%(n)s min")),
    (0, 1, _("%(n)s s")),
)
"""(from so many seconds on, seconds of the unit, words)."""

_MOMENT = _("%(day)s à %(time)s")
_LANES: Mapping[str, str] = {
    Lane.QUICK.value: _("les tâches de quelques secondes"),
    Lane.DESK.value: _("ce qu'un agent attend à l'écran"),
    Lane.FILES.value: _("les gros fichiers demandés"),
    Lane.UPKEEP.value: _("l'entretien"),
    Lane.SLOW.value: _("les tâches longues"),
    Lane.BACKLOG.value: _("les archives reprises"),
}
_CODES: Mapping[str, Mapping[str, str]] = {
    "lane": _LANES,
    "lanes": _LANES,
    "reached": {
        "network": _("le réseau"),
        "file": _("un fichier du serveur"),
        "program": _("un autre programme"),
        "memory": _("plus de mémoire que permis"),
    },
    "which": {"root": _("racine"), "issuing": _("émettrice")},
}
"""Figures that are codes, or several with commas between -> their words."""


@dataclass(frozen=True)
class FindingWords:
    """A finding in words; ``to_do`` is empty where there is nothing to do."""

    title: str
    found: str
    to_do: str


def words_of(name: str, finding: Finding, *, language: str, zone: ZoneInfo) -> FindingWords:
    """The words of a check's finding.

    Args:
        language: of the words: ``fr`` or ``en``.
        zone: in which times are told.
    """
    look_up = translations(language).gettext
    found, to_do = TEXTS.get((name, finding.code)) or COMMON[finding.code]
    figures = {key: _written(key, value, language, zone) for key, value in finding.figures.items()}
    return FindingWords(look_up(TITLES[name]), look_up(found) % figures, (look_up(to_do) % figures) if to_do else "")


def title(name: str, language: str) -> str:
    """The title of a check."""
    return translations(language).gettext(TITLES[name])


def group_title(group: Group, language: str) -> str:
    """The title of a group."""
    return translations(language).gettext(GROUPS[group])


def state_word(state: State, language: str) -> str:
    """The word of a state."""
    return translations(language).gettext(STATES[state])


def _written(name: str, value: Figure, language: str, zone: ZoneInfo) -> str:
    look_up = translations(language).gettext
    if isinstance(value, str):
        if name.endswith("_at") and value:
            at = datetime.fromisoformat(value).astimezone(zone)
            return look_up(_MOMENT) % {"day": f"{at:%d/%m/%Y}", "time": f"{at:%H:%M}"}
        codes = _CODES.get(name, {})
        return ", ".join(look_up(codes[one]) if one in codes else _kind(one, look_up) for one in value.split(", "))
    if name.endswith("_bytes"):
        unit, words = next((one for one in _SIZES if value >= one[0]), _SIZES[-1])
        return look_up(words) % {"n": _number(value / unit, language)}
    if name.endswith("_s"):
        _from, unit, words = next(one for one in _SPANS if value >= one[0])
        return look_up(words) % {"n": _number(value / unit, language)}
    return _number(value, language)


def _kind(text: str, look_up: Callable[[str], str]) -> str:
    """``index (3)`` with the name of the kind of job; any other text as it is."""
    kind, _space, rest = text.partition(" (")
    return f"{look_up(str(LABELS[JobKind][JobKind(kind)]))} ({rest}" if rest and kind in set(JobKind) else text


def _number(value: float, language: str) -> str:
    return str(format_decimal(value, "#,##0.#" if value < 10 else "#,##0", locale={"en": "en_GB"}.get(language, "fr")))
