"""Parses the forms of slips: lines of a new slip, decisions of a reception. No blueprint of its own."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from flask import request
from werkzeug.datastructures import MultiDict

from ged.errors import GedError
from ged.paper.slip_receipt import Proposal
from ged.ports import MailId, UnitId
from ged.register import opening
from ged.slips import drafting, parties, receive
from ged.slips import view as slip_views
from ged.slips.drafting import LineForm, SlipForm, SuggestedLine
from ged.slips.models import SlipPurpose
from ged.slips.receive import Decision
from ged.slips.states import DECISIONS, LineState
from ged.slips.view import LineView, SlipView
from ged.unit import Actor, HeldPost
from web.site import context, errors
from web.site.forms import FormReader
from web.site.letter_numbers import letter_of
from web.site.numbers import id_of, whole

FREE_LINES = 2
"""Empty lines at the foot of a new form."""
MAX_SCANS = 50


Given = MultiDict[str, str]


def refused(error: GedError) -> GedError:
    """Return an error that the form shows, also a missing key; raise others (an unknown slip or letter)."""
    return errors.refused(error, "key.none", "unit.unknown", "envelope.unknown")


@dataclass(frozen=True)
class FormLines:
    """The lines that a form of a new slip shows: letters and envelopes, then keys of free pieces."""

    known: tuple[SuggestedLine, ...]
    free: tuple[str, ...]
    missing: int
    """How many letters and envelopes are named there and are on no line: nobody may see them, or their name is none."""


def lines_of(given: Given, post: HeldPost, actor: Actor) -> FormLines:
    """The lines named in the URL or in the form."""
    mail_ids, unread = _ids(given.getlist("mail"))
    envelope_ids, also_unread = _ids(given.getlist("envelope"))
    free = min(max(given.get("free", FREE_LINES, type=whole), 0), drafting.MAX_LINES)
    with context.services().reading() as session:
        letters = drafting.suggest(session, mail_ids, post=post, actor=actor)
        envelopes = drafting.suggest_envelopes(session, envelope_ids, post=post)
    return FormLines(
        (*letters, *envelopes),
        tuple(f"f{n}" for n in range(1, free + 1)),
        missing=max(0, len(mail_ids) + len(envelope_ids) - len(letters) - len(envelopes)) + unread + also_unread,
    )


def _ids(given: list[str]) -> tuple[list[int], int]:
    """The ids that are named, each once, and how many texts are none."""
    named = {text: id_of(text) for text in given if text}
    return list(dict.fromkeys(one for one in named.values() if one is not None)), list(named.values()).count(None)


def read_slip(fields: FormReader, lines: FormLines, post: HeldPost) -> SlipForm:
    """Parse the whole form; deselected lines and empty free lines are skipped."""
    receiver = fields.integer("receiver_unit_id", required=True)
    copies = fields.integers("copy_unit_ids")
    purpose = fields.choice("purpose", SlipPurpose, required=True)
    known = [_letter(fields, line) for line in lines.known if not fields.ticked(f"remove-{line.key}")]
    return SlipForm(
        lines=(*known, *(line for key in lines.free if (line := _piece(fields, key)) is not None)),
        receiver_unit_ids=tuple(UnitId(unit) for unit in (receiver, *copies) if unit),
        purpose=purpose or SlipPurpose.HANDOVER,
        remark=fields.text("remark", maximum=drafting.MAX_REMARK),
        return_by=fields.day("return_by"),
        messenger=fields.text("messenger", maximum=drafting.MAX_MESSENGER),
        post_id=post.post_id,
    )


def _letter(fields: FormReader, line: SuggestedLine) -> LineForm:
    description, count, remark = _texts(fields, line.key)
    original = (fields.ticked(f"original-{line.key}") and line.holds_paper) if line.mail_id is not None else None
    return LineForm(description, count, remark, line.mail_id, line.envelope_id, original, line.key)


def _piece(fields: FormReader, key: str) -> LineForm | None:
    description, count, remark = _texts(fields, key)
    return LineForm(description, count, remark, key=key) if description or remark else None


def _texts(fields: FormReader, key: str) -> tuple[str, int, str]:
    count = fields.integer(f"count-{key}", minimum=1, maximum=drafting.MAX_COUNT)
    description = fields.text(f"description-{key}", maximum=drafting.MAX_DESCRIPTION)
    return description, count or 1, fields.text(f"remark-{key}", maximum=drafting.MAX_LINE_REMARK)


def add_letter(number: str, chosen: int | None) -> MailId:
    """The letter to put on the slip: by its number, whole or short, or the code of its label; or chosen among several.

    Raises:
        Invalid: ``number.none_visible``, ``number.several``, at the field ``add_number``.
    """
    with context.services().reading() as session:
        return letter_of(session, number, field="add_number", chosen=chosen)


def sending_post(actor: Actor) -> HeldPost:
    """The chosen post, or the first post that may send.

    Raises:
        Forbidden: ``slip.not_sender``.
    """
    return parties.sending_post(actor, request.values.get("post_id", type=whole))


MOST_SHOWN = 10
"""Of more lines that are wrong, the first are told: a slip may have hundreds, and none of them ticked."""


def read_decisions(fields: FormReader, slip: SlipView) -> Mapping[int, Decision]:
    """The finding on each line. What is wrong with the lines is told together with the other fields."""
    found = {}
    for line in slip.lines:
        state = fields.choice(f"line-{line.position}", LineState)
        remark = fields.text(f"remark-{line.position}", maximum=drafting.MAX_LINE_REMARK)
        if state in DECISIONS and state is not None:
            found[line.position] = Decision(state, remark)
    wrong = receive.wrong_lines(slip.row.kind, [line.position for line in slip.lines], found)
    # Of a remark that is too long, its field has told so.
    for error in islice((one for one in wrong if one.code != "slip.text_long"), MOST_SHOWN):
        fields.refuse(error)
    return found


def all_received(lines: Sequence[LineView]) -> MultiDict[str, str]:
    """The form as typed, with every line set to received on which nothing is decided yet; nothing is signed."""
    typed = MultiDict(request.form)
    for line in lines:
        if not typed.get(f"line-{line.position}"):
            typed[f"line-{line.position}"] = LineState.RECEIVED.value
    typed.pop("all", None)
    return typed


def decided_before(lines: Sequence[LineView]) -> MultiDict[str, str]:
    """The receiver's decisions from before the signature failed."""
    typed: MultiDict[str, str] = MultiDict()
    for line in lines:
        if line.decided is not None:
            typed[f"line-{line.position}"] = line.decided.value
            typed[f"remark-{line.position}"] = line.decided_remark
    return typed


def as_proposed(proposal: Proposal, usual: tuple[str, str] | None) -> MultiDict[str, str]:
    """The form of a paper reception with what the boxes surely say; ``usual``: name and capacity of who signs as a rule."""
    typed: MultiDict[str, str] = MultiDict()
    for line in proposal.lines:
        if line.state is not None:
            typed[f"line-{line.position}"] = line.state.value
    if usual is not None:
        typed["name"], typed["capacity"] = usual
    return typed


def read_scans() -> dict[int, int | None]:
    """The scans that the form showed -> version of each."""
    found: dict[int, int | None] = {}
    for text in request.form.getlist("scan")[:MAX_SCANS]:
        scan_id, _, version = text.partition("-")
        if (number := id_of(scan_id)) is not None:
            found[number] = id_of(version)
    return found


def record_openings(slip_id: int, *, printed: bool = False) -> None:
    """Record in the journal that the slip showed the subjects of confidential letters."""
    with context.services().reading() as session:
        named = slip_views.restricted_letters(session, slip_id, context.actor(), printed=printed)
    record_named(named, printed=printed)


def record_named(named: Collection[MailId], *, printed: bool = False) -> None:
    """As ``record_openings``, for the letters of ``slip_views.restricted_letters``."""
    actor = context.actor()
    if not named:
        return
    with context.services().unit_of_work(context.now()) as uow:
        for mail_id in named:
            if printed:
                opening.record_printing(uow, mail_id, what="slip", actor=actor)
            else:
                opening.record_opening(uow, mail_id, where="slip", actor=actor)
