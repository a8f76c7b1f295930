"""The words of channels, dates and days are there for every member, and say one thing everywhere."""

from pathlib import Path

from ged.dispatch import print as dispatch_print
from ged.register import prints
from ged.register.models import Channel

ROOT = Path(__file__).parents[2]
SHOWN = ("web/templates/**/*.html", "web/*.py", "ged/templates/*", "ged/**/*.py", "demo/*.py")


def test_every_channel_has_its_words_on_paper() -> None:
    assert set(prints.CHANNELS) == set(dispatch_print.CHANNELS) == set(Channel)


def test_working_days_are_called_ouvres() -> None:
    """« Ouvrables » counts Saturday in French law; the calendar counts the days that are worked."""
    said = [
        str(path.relative_to(ROOT))
        for pattern in SHOWN
        for path in sorted(ROOT.glob(pattern))
        if "jour ouvrable" in (text := path.read_text().casefold()) or "jours ouvrables" in text
    ]
    assert said == []
