"""``ged doctor``: looks at everything that this installation needs, and says what to do."""

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click

from ged.health.findings import Check, Finding, State, run_all, worst
from ged.health.ground import Ground
from ged.languages import LANGUAGES
from web.wiring.checks import CHECKS, find_ground
from web.wiring.kept_checks import KeptChecks
from web.words.checks import FindingWords, words_of

_MARKS = {State.OK: "ok", State.NOT_APPLICABLE: "-", State.WARNING: "WARNING", State.FAULT: "FAULT"}
_COLOURS = {State.OK: "green", State.NOT_APPLICABLE: "bright_black", State.WARNING: "yellow", State.FAULT: "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for a monitor.")
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Only this check, or those whose names begin with NAME and a dot; may be repeated.",
)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the sentences.")
@click.option("--keep", is_flag=True, help="Keep the findings of slow checks for the page of the administration.")
def doctor(as_json: bool, only: tuple[str, ...], language: str, keep: bool) -> None:
    """Check programs, files, clock, database, workers, mail, proofs and addresses, and say what to do.

    It changes nothing, and works when the database is away or the settings are wrong. Exit 0: all is well; 1: something
    is to be looked at; 2: something does not work.
    """
    logging.getLogger().setLevel(logging.CRITICAL)  # the findings say it
    checks = _chosen(only)
    ground = find_ground(now=datetime.now(UTC))
    found: list[tuple[Check, Finding, FindingWords]] = []
    try:
        for check, finding in _findings(checks, ground, keep=keep):
            words = words_of(check.name, finding, language=language, zone=_zone(ground))
            found.append((check, finding, words))
            if not as_json:
                _show(check, finding, words)
    finally:
        if ground.services is not None:
            ground.services.engine.dispose()
    state = worst([finding for _check, finding, _words in found])
    if as_json:
        click.echo(json.dumps(_object(found, state), ensure_ascii=False))
    else:
        _sum_up([finding for _check, finding, _words in found])
    sys.exit(state.weight)


def _chosen(only: Sequence[str]) -> list[Check]:
    chosen = [one for one in CHECKS if not only or any(_is_named(one.name, name) for name in only)]
    unknown = [name for name in only if not any(_is_named(one.name, name) for one in CHECKS)]
    if unknown:
        raise click.UsageError(f"no check {unknown[0]}; there are: {', '.join(one.name for one in CHECKS)}")
    return chosen


def _findings(checks: Sequence[Check], ground: Ground, *, keep: bool) -> Iterator[tuple[Check, Finding]]:
    slow = [check for check in checks if check.slow]
    if keep and ground.services is not None and ground.settings is not None:
        kept = KeptChecks(ground.settings.data_dir)
        if kept.run(slow, ground):
            made = {name: one.finding for name, one in kept.latest().items()}
            quick = dict(run_all([check for check in checks if not check.slow], ground))
            yield from ((check, made[check.name] if check.slow else quick[check]) for check in checks)
            return
    yield from run_all(checks, ground)


def _is_named(name: str, asked: str) -> bool:
    return name == asked or name.startswith(f"{asked}.")


def _zone(ground: Ground) -> ZoneInfo:
    return ground.settings.zone if ground.settings is not None else ZoneInfo("UTC")


def _show(check: Check, finding: Finding, words: FindingWords) -> None:
    mark = click.style(f"{_MARKS[finding.state]:7}", fg=_COLOURS[finding.state])
    click.echo(f"{mark}  {check.name:22}  {words.found}")
    if finding.state.weight and words.to_do:
        click.echo(f"{'':31}  -> {words.to_do}")


def _sum_up(findings: Sequence[Finding]) -> None:
    faults = sum(one.state is State.FAULT for one in findings)
    warnings = sum(one.state is State.WARNING for one in findings)
    click.echo(f"{len(findings)} checks; faults: {faults}, warnings: {warnings}")


def _object(found: Sequence[tuple[Check, Finding, FindingWords]], state: State) -> dict[str, object]:
    return {
        "status": state.value,
        "checks": [
            {
                "name": check.name, "group": check.group.value, "state": finding.state.value, "code": finding.code,
                "figures": dict(finding.figures), "found": words.found, "to_do": words.to_do if finding.state.weight else "",
            }
            for check, finding, words in found
        ],
    }  # fmt: skip
