"""Every channel, date and day has words, and these words are equal everywhere."""

from ged.followup.listing import DueTime
from ged.followup.words import DUE_TIMES
from ged.org.models import DelegationKind
from ged.org.words import CAPACITIES, LEVELS
from ged.ports import Confidentiality
from ged.register.models import Channel, Priority
from ged.register.words import CHANNELS, URGENCY
from tests.source_kit import ROOT, messages

SHOWN = ("web/templates/**/*.html", "web/*.py", "ged/templates/*", "ged/**/*.py", "demo/*.py")


def test_every_code_has_its_words_on_paper() -> None:
    assert set(CHANNELS) == set(Channel)
    assert set(LEVELS) == set(Confidentiality)
    assert set(DUE_TIMES) == set(DueTime)
    assert set(URGENCY) == set(Priority)
    assert set(CAPACITIES) == {"secretary", *(kind.value for kind in DelegationKind)}


def test_the_catalogue_has_the_words_of_paper() -> None:
    catalog = messages()
    assert all(words in catalog for words in (*CHANNELS.values(), *DUE_TIMES.values()))


def test_working_days_are_called_ouvres() -> None:
    """In French law « ouvrables » includes Saturdays. The calendar counts the days on which people work: « ouvrés »."""
    said = [
        str(path.relative_to(ROOT))
        for pattern in SHOWN
        for path in sorted(ROOT.glob(pattern))
        if "jour ouvrable" in (text := path.read_text().casefold()) or "jours ouvrables" in text
    ]
    assert said == []
