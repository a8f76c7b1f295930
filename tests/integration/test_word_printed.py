"""Readers compare, and checks examine, what is printed of a Word letter."""

from __future__ import annotations

import pytest

from ged.errors import Invalid
from ged.writing import word
from tests.factories import NOW
from tests.signbook_kit import House, pdf_of
from tests.word_kit import edited, given, taken, text_of, word_house

__all__ = ["word_house"]

pytestmark = pytest.mark.in_turns(3)

BEGIN = (
    '<w:body><w:p><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:zz="urn:zz"><mc:Choice Requires="zz"><w:r><w:t>Bonjour</w:t></w:r></mc:Choice><mc:Fallback>'
)
END = "</mc:Fallback></mc:AlternateContent></w:p>"
HIDDEN = "<w:r><w:t>Montant doublé en cachette</w:t></w:r>"
BOX = (
    '<w:r><w:pict><v:rect xmlns:v="urn:schemas-microsoft-com:vml" style="width:300pt;height:40pt"><v:textbox>'
    f"<w:txbxContent><w:p>{HIDDEN}</w:p></w:txbxContent></v:textbox></v:rect></w:pict></w:r>"
)
DELETED = '<w:del w:id="2" w:author="KD"><w:r><w:delText>Refus secret</w:delText></w:r></w:del>'
FOOT = "<w:p><w:r><w:t>Montant doublé en cachette</w:t></w:r></w:p></w:ftr>"


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(
    ("before", "after", "part"),
    [
        ("<w:body>", BEGIN + HIDDEN + END, "word/document.xml"),
        ("<w:body>", BEGIN + BOX + END, "word/document.xml"),
        ("</w:ftr>", FOOT, "word/footer1.xml"),
    ],
    ids=["run", "box", "foot"],
)
def test_what_is_printed_is_what_the_comparison_reads(word_house: House, before: str, after: str, part: str) -> None:
    house = word_house
    mail_id = house.answer()
    given(house, mail_id, edited(taken(house, mail_id), {before: after}, part=part))
    word.run_pages(house.services, mail_id, now=NOW)
    house.submit(mail_id)
    row = house.show(mail_id, "dge")
    printed = text_of(pdf_of(house, row.preview_id))
    assert "cachette" in printed
    assert "cachette" in row.body
    assert "Bonjour" not in printed + row.body


@pytest.mark.long("files of older programs; followed changes of today's stop in tests/integration/test_word_letters.py")
def test_followed_changes_in_what_older_programs_print_stop_the_handing_in(word_house: House) -> None:
    mail_id = word_house.answer()
    given(word_house, mail_id, edited(taken(word_house, mail_id), {"<w:body>": BEGIN + DELETED + END}))
    word.run_pages(word_house.services, mail_id, now=NOW)
    with pytest.raises(Invalid, match=r"word\.unsettled"):
        word_house.submit(mail_id)
