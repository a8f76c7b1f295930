"""Bulk reception: slips are read one after the other with a code reader (it types like a keyboard and ends with Enter),
then signed in one act. The page's form holds the list read so far; without JavaScript each code reloads the page.
"""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from ged.errors import Forbidden, GedError, Invalid
from ged.slips import receive_many, scanning
from ged.slips.receive_many import Received, ToReceive
from ged.slips.scanning import MAX_CODE, MAX_CODES, MAX_SLIPS, Reading, ReadList, ReadSlip
from web.site import context, keyring
from web.site.errors import view_of
from web.site.forms import FormReader
from web.site.numbers import whole
from web.site.pages import render_form
from web.views.slips.forms import refused

blueprint = Blueprint("slips_reading", __name__, url_prefix="/bordereaux/lecture")

ALL, MISSING, ASIDE = "all", "missing", "aside"
"""The choice for a slip: everything is present; unread letters are missing; leave the slip out of this act."""


@blueprint.get("/")
def form() -> ResponseReturnValue:
    """An empty list, ready to read."""
    return _page(ReadList())


@blueprint.post("/")
def read() -> ResponseReturnValue:
    """Read typed, pasted or scanned codes. Returns the page with the new list, or only the list for the script."""
    services, actor = context.services(), context.actor()
    text = f"{request.form.get('scan', '')}\n{request.form.get('pasted', '')}"[: MAX_CODE * MAX_CODES]
    with services.reading() as session:
        so_far, readings = scanning.read_all(session, text, _so_far(), code_key=services.code_key, actor=actor)
    return _page(so_far, readings)


@blueprint.post("/signer")
def sign() -> ResponseReturnValue:
    """Receive and countersign all valid slips; a failed slip stays in the list, with the reason."""
    services, actor, so_far = context.services(), context.actor(), _so_far()
    with services.reading() as session:
        slips = scanning.listed(session, so_far, actor)
    try:
        wanted = _wanted(slips)
        key = keyring.signing_key(FormReader(request.form).secret("passphrase", required=False))
        results = receive_many.receive_many(services, wanted, key=key, actor=actor, now=context.now())
    except GedError as error:
        return _page(so_far, error=refused(error))
    received = {one.slip_id for one in results if one.failure is None}
    left = tuple(slip_id for slip_id in so_far.slip_ids if slip_id not in received)
    return _page(ReadList(left, so_far.ticked), results=results)


def _wanted(slips: Sequence[ReadSlip]) -> list[ToReceive]:
    """The slips to receive, by the form's choice for each; a partly read slip needs a choice."""
    wanted = []
    for slip in slips:
        choice = request.form.get(f"do-{slip.id}", "") or ("" if slip.is_partial else ALL)
        if choice not in (ALL, MISSING, ASIDE):
            raise Invalid("slip.partly_read", "say what it means", field=f"do-{slip.id}", number=slip.number)
        if choice != ASIDE:
            missing = slip.missing_ids if choice == MISSING else frozenset[int]()
            version = request.form.get(f"version-{slip.id}", slip.version, type=whole)
            wanted.append(ToReceive(slip.id, version, missing))
    return wanted


def _so_far() -> ReadList:
    fields = FormReader(request.form)
    slip_ids = tuple(dict.fromkeys(fields.integers("slip")))
    taken_out = set(fields.integers("drop"))
    fields.check()
    return ReadList(tuple(i for i in slip_ids if i not in taken_out)[:MAX_SLIPS], frozenset(fields.integers("line")))


def _page(
    so_far: ReadList,
    readings: Sequence[Reading] = (),
    *,
    results: Sequence[Received] = (),
    error: GedError | None = None,
) -> ResponseReturnValue:
    services, actor = context.services(), context.actor()
    if not actor.working_posts:
        raise Forbidden("slip.not_receiver", "a post of the receiving unit receives it")
    with services.reading() as session:
        slips = scanning.listed(session, so_far, actor)
    shown = [(reading, view_of(reading.error) if reading.error else None) for reading in reversed(readings)]
    done = [(one, view_of(one.failure) if one.failure else None) for one in results]
    values: dict[str, Any] = {
        "slips": slips,
        "ticked": sorted(so_far.ticked),
        "told": shown,
        "done": done,
        "chosen": request.form,
    }
    if request.headers.get("X-Part"):
        return render_template("slips/_reading.html", **values)
    return render_form("slips/reading.html", error=error, form={} if error is not None else None, **values)
