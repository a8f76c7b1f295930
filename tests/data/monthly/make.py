"""Makes the monthly report that every later program must prove: ``python -m tests.data.monthly.make``, when the definitions have a new version.

A file that is there is never made anew: that would prove nothing of the program that wrote it. Letters, people and the seal are made for it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ged.figures.definitions import VERSION
from tests.factories import make_organisation, make_services
from tests.figure_play_kit import Play
from tests.monthly_kit import file_of, with_seal
from tests.monthly_kit import make as report_of

HERE = Path(__file__).parent


def kept(version: int) -> Path:
    """Where the report of a version is."""
    return HERE / f"version-{version}.pdf"


def make(place: Path) -> None:
    """Write a report on letters that people acted on."""
    with tempfile.TemporaryDirectory(prefix="ged-report-") as spare:
        services = make_services(Path(spare))
        make_organisation(services)
        services = with_seal(services, Path(spare))
        play = Play(services, 5)
        play.turns(200)
        place.write_bytes(file_of(services, report_of(services)))
        services.engine.dispose()


if __name__ == "__main__":
    target = kept(VERSION)
    if target.exists():
        sys.exit(f"{target} is there: give the definitions a new version first (ged/figures/definitions.py)")
    make(target)
