"""What may become of a letter is said in four places: each says the same."""

import re

from ged.natures.models import FinalAct
from ged.org.file import NatureRecord
from ged.workbook.sheets import FINAL_ACTS as OF_WORKBOOK
from web.words.acts import FINAL_ACTS as OF_SCREEN


def test_every_final_act_has_a_name_on_the_screen_and_in_the_workbook_and_is_taken_from_a_file() -> None:
    assert OF_SCREEN.keys() == set(FinalAct)
    assert sorted(OF_WORKBOOK.values()) == sorted(act for act in FinalAct if act is not FinalAct.PAPER)
    (pattern,) = (one.pattern for one in NatureRecord.model_fields["final_act"].metadata if hasattr(one, "pattern"))
    assert all(re.search(pattern, act) for act in FinalAct)
    assert not re.search(pattern, "burn")
