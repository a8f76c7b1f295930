"""Checks of the e-mail that comes in and goes out; the connections themselves are the wiring's."""

from datetime import datetime

from ged.errors import EngineFailed
from ged.health.findings import Figures, Finding, fault, not_applicable, ok, warning
from ged.health.ground import Ground
from ged.notices import returned
from ged.notices.returned import LoopState


def boxes(ground: Ground) -> Finding:
    """Whether each mailbox that is collected can be opened."""
    found = ground.serving.mailboxes
    if not found:
        return not_applicable("none")
    waiting = 0
    for box in found:
        try:
            with box.open() as opened:
                waiting += len(opened.waiting())
        except EngineFailed as error:
            code = {"mailbox.login": "login", "mailbox.token": "token"}.get(error.code, "away")
            return fault(code, box=box.name, why=str(error.params.get("detail") or error.params.get("cause") or ""))
    return ok(boxes=len(found), waiting=waiting)


def loop(ground: Ground) -> Finding:
    """Whether the message that the program writes to itself each day comes back."""
    if not returned.may_loop(ground.serving):
        return not_applicable("no_way_back")
    with ground.reading() as session:
        last = returned.last_loop(session, now=ground.now)
    times: Figures = {"sent_at": _iso(last.sent_at), "good_at": _iso(last.good_at)}
    if last.state is LoopState.NEVER:
        return warning("never")
    if last.state is LoopState.UNSENT:
        return fault("unsent", error=last.failure, **times)
    if last.state is LoopState.LOST:
        return fault("lost", **times)
    return ok("under_way" if last.state is LoopState.UNDER_WAY else "ok", **times)


def deaf(ground: Ground) -> Finding:
    """How many people the last e-mail to their address did not reach."""
    with ground.reading() as session:
        count = returned.failing(session)
    return warning("deaf", people=count) if count else ok()


def _iso(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()
