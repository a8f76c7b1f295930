"""Decisions on a code found on paper: a person confirms its proposal, or refuses it with a reason."""

from datetime import datetime

from ged import locks
from ged.capture.files import Upload
from ged.capture.intake import accept_proposal
from ged.capture.models import PaperCode, PaperState, Scan, ScanState
from ged.codes import CodeKind, OurCode
from ged.errors import Invalid, InvalidTransition, StaleVersion
from ged.paper import ink, queries
from ged.paper.rules import RULES, came, disposing_post
from ged.ports import MailId
from ged.recognition import scans as scan_reading
from ged.unit import Actor, UnitOfWork

MAX_REASON = 500


def confirm(uow: UnitOfWork, paper_id: int, *, version: int | None, actor: Actor) -> None:
    """Carry out the code's proposal. The journal names the actor, and also who brought the scan.

    Args:
        version: version of the scan that was shown beside its print.

    Raises:
        NotFound: ``paper.unknown``: also when the actor has no right to decide on it.
        InvalidTransition: ``paper.decided``, ``paper.put_away``, ``paper.voided``, ``ink.not_numbered``,
            ``discharge.not_left``, ``dispatch.not_signed``.
        StaleVersion: ``paper.stale``: the pages have been rearranged since.
        Invalid: ``scan.no_pages``.
    """
    row, scan = _held(uow, paper_id, version, actor)
    post = disposing_post(uow.session, row, actor)
    RULES[row.kind].take(uow, row, scan, actor, post)
    _decided(uow, row, PaperState.CONFIRMED, actor, post.post_id)
    uow.record(
        "paper.confirmed", "scan", scan.id, actor=actor, post=post, paper=row.id, kind=row.kind.value, **came(row)
    )


def refuse(uow: UnitOfWork, paper_id: int, *, reason: str, version: int | None, actor: Actor) -> None:
    """Refuse the code: the scan goes back to the waiting scans of the unit that brought it.

    Raises:
        NotFound, InvalidTransition, StaleVersion: as ``confirm``.
        Invalid: ``paper.reason``, ``form.too_long``.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise Invalid("paper.reason", "say why", field="reason")
    if len(reason) > MAX_REASON:
        raise Invalid("form.too_long", "shorten it", field="reason", maximum=MAX_REASON)
    row, scan = _held(uow, paper_id, version, actor)
    post = disposing_post(uow.session, row, actor)
    scan.proof_kind, scan.proof_subject_id, scan.note = "", None, "code_refused"
    scan.edits += 1
    row.refusal = reason
    _decided(uow, row, PaperState.REFUSED, actor, post.post_id)
    uow.record(
        "paper.refused", "scan", scan.id, actor=actor, post=post, paper=row.id, kind=row.kind.value, reason=reason,
        **came(row),
    )  # fmt: skip
    # Now the scan is an ordinary one: read it for suggestions.
    scan_reading.ask(uow, scan)


def bring_original(uow: UnitOfWork, mail_id: MailId | int, upload: Upload, *, actor: Actor, now: datetime) -> int:
    """Upload the scan of an ink-signed original whose code could not be read, by a clerk of the register.

    It waits for the comparison with its print as any other. Returns the id of the waiting code.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
        Forbidden: ``register.not_clerk``.
        InvalidTransition: ``ink.not_numbered``.
    """
    post = ink.office_for_original(uow.session, mail_id, actor)
    code = OurCode(CodeKind.OUTGOING, int(mail_id))
    return accept_proposal(uow, upload, code, unit_id=post.unit_id, actor=actor, now=now).id


def _held(uow: UnitOfWork, paper_id: int, version: int | None, actor: Actor) -> tuple[PaperCode, Scan]:
    """Lock the row and its scan: of two concurrent decisions, the second sees the first."""
    row = queries.require(uow.session, paper_id, actor)
    scan = locks.hold_known(uow.session, Scan, row.scan_id)
    # It was read before the lock: the decision that this one waited for is in the row now.
    uow.session.refresh(row)
    if row.state is not PaperState.WAITING:
        raise InvalidTransition("paper.decided", "reload the list", id=paper_id)
    if scan.state is not ScanState.WAITING:
        raise InvalidTransition("paper.put_away", "ask the unit that brought it", id=paper_id)
    if version is not None and scan.version != version:
        raise StaleVersion("paper.stale", "look at the pages as they are now", id=paper_id)
    return row, scan


def _decided(uow: UnitOfWork, row: PaperCode, state: PaperState, actor: Actor, post_id: int) -> None:
    row.state, row.decided_at = state, uow.now
    row.decided_by_id, row.decided_post_id = actor.person_id or None, post_id
