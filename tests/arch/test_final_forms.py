"""An act that a person must do in person is never sent later by itself, when the network is back.

A form with ``data-final`` waits for the person (js/ged.js). Every other form is sent when the network is back. The
table lists each form that signs, gives a visa, numbers, dispatches, closes, voids or confirms a paper code.
"""

import re
from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "web" / "templates"
FORM = re.compile(r"<form\b(?P<head>(?:[^>{]|\{\{.*?\}\})*)>(?P<inside>.*?)</form>", re.DOTALL)
ACTION = re.compile(r"action=\"\{\{ url_for\('([\w.]+)'")

FINAL = {
    "signs": {"signbook.sign", "signbook.sign_selected", "signbook.sign_in_ink", "slips.create", "slips.sign",
              "slips.take", "slips.answer", "slips_reading.read", "to_transmit.send"},
    "gives a visa": {"signbook.visa", "signbook.visa_selected"},
    "numbers": {"dispatch.number", "letters.take_number", "letters/number.html", "slips.number", "registers/opening.html", "resuming/lost.html",
                "takeovers.start"},
    "dispatches": {"dispatch.leave", "dispatch.send", "dispatch.settle", "dispatch_rounds/index.html"},
    "closes": {"letters/close.html", "registers.close"},
    "seals": {"monthly_reports.make"},
    "publishes": {"open_data.publish"},
    "voids": {"letters/void.html", "resuming.release_unused", "resuming/show.html", "slips.void", "envelopes.void", "reserve.void"},
    "changes the organisation": {"acts.confirm", "acts.undo", "people.first_access", "openings.confirm",
                                 "openings.refuse", "directory_settings.unlink", "directory_settings.withdraw_glass", "factor_resets.ask", "factor_resets.confirm", "factor_resets.refuse", "disposals.propose", "disposals.confirm", "disposals.refuse", "letter_exceptions.propose", "letter_exceptions.confirm", "letter_exceptions.refuse", "letter_exceptions.end", "work_calendar/check.html", "work_calendar.undo_day",
                                 "work_calendar.undo_week", "scans.revoke"},
    "confirms a paper code": {"paper.confirm"},
}  # fmt: skip
"""Name of the act -> endpoints of its forms. A form without an action is named by its template."""


def forms() -> list[tuple[str, bool, bool]]:
    """For each form that posts: its endpoint or template, whether it is marked final, whether it may open a signing
    key."""
    found = []
    for path in sorted(TEMPLATES.rglob("*.html")):
        for form in FORM.finditer(path.read_text(encoding="utf-8")):
            head = form["head"]
            if 'method="post"' in head:
                action = ACTION.search(head)
                name = action[1] if action else path.relative_to(TEMPLATES).as_posix()
                found.append((name, "data-final" in head, "passphrase_field()" in form["inside"]))
    return found


def test_each_final_act_is_sent_by_the_person_only() -> None:
    final = set().union(*FINAL.values())
    assert {name for name, _, _ in forms()} >= final, "a form that is no longer there"
    assert sorted(name for name, marked, _ in forms() if marked != (name in final)) == []


def test_each_form_that_signs_is_final_while_the_key_is_open_too() -> None:
    signing = [(name, marked) for name, marked, asks in forms() if asks]
    assert len(signing) >= 8
    assert [name for name, marked in signing if not marked] == []
