"""Each section of the organisation file is known wherever acts ask for its kind: one that is forgotten would be changed unseen."""

from ged.administration.apart import OF_UNITS
from ged.administration.differences import SECTIONS
from ged.org.file import OrganisationFile
from ged.workbook.merging import LISTED
from web.words.acts import KINDS

ALL = OrganisationFile.model_fields.keys() - {"organisation"}
OF_NO_MINISTRY = {"correspondents", "filing_plan"}
"""Kept for all ministries at once: by the workbook and by whoever runs the installation."""


def test_an_act_compares_and_names_every_section() -> None:
    assert set(SECTIONS) == ALL
    assert KINDS.keys() == ALL


def test_it_is_said_of_every_section_whose_it_is() -> None:
    assert OF_UNITS | LISTED | OF_NO_MINISTRY == ALL
    assert not OF_UNITS & LISTED
