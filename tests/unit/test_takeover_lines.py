"""A line of an archive's file: what may be missing, what is refused, and which letter it becomes."""

import json
from datetime import date
from typing import Any

import pytest

from ged.errors import Invalid
from ged.ports import Confidentiality
from ged.takeover.lines import SUBJECT_FROM_TEXT, ArchiveLine, read_line

TODAY = date(2026, 11, 24)


def read(**told: Any) -> ArchiveLine:
    return read_line(1, json.dumps({"id": "a1", **told}).encode(), today=TODAY)


def refused(**told: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        read(**told)
    return caught.value


def test_an_id_and_a_text_are_enough() -> None:
    line = read_line(7, b'{"id": 12, "text": "Lom\xc3\xa9, le 9 mars\\nMonsieur le Ministre"}', today=TODAY)
    assert (line.own_id, line.line_no, line.subject) == ("12", 7, "Lomé, le 9 mars")
    assert line.pages == ("Lomé, le 9 mars\nMonsieur le Ministre",)
    assert (line.number, line.sender, line.unit, line.registered_on, line.direction) == ("", "", "", None, None)
    assert line.level is Confidentiality.ORDINARY


def test_a_long_first_line_is_cut_at_a_blank_and_pages_are_parted_by_form_feeds() -> None:
    line = read(text="mot " * 100 + "\fdeux")
    assert len(line.subject) <= SUBJECT_FROM_TEXT
    assert line.subject.endswith("mot")
    assert [page.strip()[-4:] for page in line.pages] == ["mot", "deux"] or len(line.pages) == 2


def test_other_names_are_understood_and_unknown_ones_told() -> None:
    line = read(title="Bail", reference="X/1", date="09/03/2015", niveau=1, url="x")
    assert (line.subject, line.their_reference, line.registered_on) == ("Bail", "X/1", date(2015, 3, 9))
    assert line.ignored == ("niveau", "url")
    assert read(title="autre", subject="Bail").subject == "Bail"


@pytest.mark.parametrize(("told", "level"), [("confidentiel", 1), (1, 1), ("SECRET", 2), ("ordinaire", 0), (None, 0)])
def test_levels(told: object, level: int) -> None:
    assert read(subject="x", confidentiality=told).level == level


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"id": " ", "subject": "x"}, "import.own_id"),
        ({}, "import.empty"),
        ({"text": " \n"}, "import.empty"),
        ({"subject": "x", "registered_on": "2015-02-30"}, "import.date"),
        ({"subject": "x", "written_on": "hier"}, "import.date"),
        ({"subject": "x", "received_on": "2027-01-01"}, "import.date_future"),
        ({"subject": "x" * 2001}, "import.field_long"),
        ({"subject": ["x"]}, "import.field_kind"),
        ({"subject": "x", "confidentiality": "un peu"}, "import.level"),
        ({"subject": "x", "direction": "là"}, "import.direction"),
    ],
)
def test_what_is_refused(told: dict[str, Any], code: str) -> None:
    assert refused(**told).code == code


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'"text"'])
def test_what_is_no_object(raw: bytes) -> None:
    with pytest.raises(Invalid, match="import.not_json"):
        read_line(1, raw, today=TODAY)


def test_the_same_content_has_the_same_hash_and_no_character_of_it_breaks_a_database() -> None:
    assert read(subject="x", text="y").content_hash == read(text="y", subject="x").content_hash
    assert read(subject="x").content_hash != read(subject="y").content_hash
    assert "\x00" not in read(subject="a\x00b\ud800").subject
