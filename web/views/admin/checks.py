"""The state of the installation: the checks of ``ged doctor``. Quick ones are made for the page, slow ones in the background."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ged.errors import GedError
from ged.health.findings import Check, Finding, Group, State, run_all
from ged.health.ground import Ground
from web.site import context
from web.site.errors import view_of
from web.wiring.checks import CHECKS, ground_of
from web.wiring.kept_checks import KeptChecks
from web.words import checks as words
from web.words.checks import FindingWords
from web.words.error_table import MESSAGES
from web.words.languages import language
from web.words.messages import gettext as _

blueprint = Blueprint("checks", __name__, url_prefix="/administration/etat")

WITHIN_S = 2.0
"""So long the page waits for its quick checks."""
QUICK = tuple(one for one in CHECKS if not one.slow)
SLOW = tuple(one for one in CHECKS if one.slow)


@dataclass(frozen=True)
class CheckRow:
    """A line of the page. ``at``: when a slow check was made; None for one that was made for this page, or never."""

    check: Check
    finding: Finding | None
    words: FindingWords
    at: datetime | None = None

    @property
    def weight(self) -> int:
        """2: not working, 1: to be looked at."""
        return self.finding.state.weight if self.finding is not None else 0


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """All checks, those that need somebody first."""
    return render_template("checks/index.html", **_shown())


@blueprint.get("/avancement")
def progress() -> ResponseReturnValue:
    """The checks without the frame of the page, while the slow ones are made."""
    return render_template("checks/_panel.html", **_shown())


@blueprint.post("/")
def look() -> ResponseReturnValue:
    """Make the slow checks now, in the background."""
    kept, ground = _kept(), _ground()
    if kept.is_running():
        flash(_("Les contrôles longs sont déjà en cours."), "info")
    else:
        threading.Thread(target=kept.run, args=(SLOW, ground), daemon=True, name="slow-checks").start()
        flash(_("Les contrôles longs sont lancés : la page se complète d'elle-même."), "success")
    return redirect(url_for("checks.index"), 303)


def _kept() -> KeptChecks:
    return KeptChecks(Path(context.services().data_dir))


def _ground() -> Ground:
    return ground_of(context.services(), context.settings(), now=context.now())


def _shown() -> dict[str, object]:
    kept = _kept()
    rows = list(_rows(kept))
    return {
        "groups": [
            (words.group_title(group, language()), [row for row in rows if row.check.group is group]) for group in Group
        ],
        "urgent": sorted((row for row in rows if row.weight), key=lambda row: -row.weight),
        "faults": sum(row.weight == State.FAULT.weight for row in rows),
        "warnings": sum(row.weight == State.WARNING.weight for row in rows),
        "unseen": sum(row.finding is None for row in rows),
        "oldest": min((row.at for row in rows if row.at is not None), default=None),
        "is_running": kept.is_running(),
        "state_word": lambda state: words.state_word(state, language()),
        "tones": words.TONES,
    }


def _rows(kept: KeptChecks) -> Iterator[CheckRow]:
    made = {check.name: finding for check, finding in run_all(QUICK, _ground(), within_s=WITHIN_S)}
    latest = kept.latest()
    for check in CHECKS:
        if not check.slow:
            yield CheckRow(check, made[check.name], _finding_words(check, made[check.name]))
        elif check.name in latest:
            one = latest[check.name]
            yield CheckRow(check, one.finding, _finding_words(check, one.finding), one.at)
        else:
            yield CheckRow(check, None, FindingWords(words.title(check.name, language()), _("Pas encore regardé."), ""))


def _finding_words(check: Check, finding: Finding) -> FindingWords:
    finding_words = words.words_of(check.name, finding, language=language(), zone=context.services().zone)
    error = str(finding.figures.get("error", ""))
    if finding.code == "refused" and error in MESSAGES:
        view = view_of(GedError(error))
        return FindingWords(finding_words.title, view.message, view.remedy)
    return finding_words
