"""Does the acts that are planned for a day, each once and whole, or refuses what does not fit any more."""

import logging
from datetime import date, datetime

from sqlalchemy import ColumnElement, select

from ged import locks
from ged.administration.apart import Unfit, may_look
from ged.administration.differences import as_json, from_json
from ged.administration.models import OrganisationAct, is_planned
from ged.administration.operations import do, look, record, today_of
from ged.administration.reach import Reach, administrator, administrators
from ged.administration.states import ActState, state_of
from ged.errors import Forbidden, GedError, Invalid, InvalidTransition, NotFound
from ged.notices import finding
from ged.notices.models import Occasion
from ged.org.turns import one_at_a_time
from ged.register import clock
from ged.unit import SYSTEM, Services, UnitOfWork

_log = logging.getLogger(__name__)


def _due(on: date) -> tuple[ColumnElement[bool], ...]:
    return (OrganisationAct.planned_on <= on, *is_planned())


def is_due(uow: UnitOfWork) -> bool:
    """Whether an act waits for today, or for a day that passed while no worker ran."""
    return uow.session.scalars(select(OrganisationAct.id).where(*_due(today_of(uow))).limit(1)).first() is not None


def run(services: Services, *, now: datetime) -> None:
    """Do the acts whose day has come, in the order of their days, then of their proposals.

    An act that fails, for example because the database does not answer, does not keep the later ones waiting; the first failure is
    raised when all were tried. While this server's clock is in doubt nothing is done and nothing refused: a clock that jumped ahead
    would do all of them too early. Clerks are told of it by the refusal of their numbers.
    """
    on = now.astimezone(services.zone).date()
    try:
        with services.unit_of_work(now) as uow:
            clock.check(uow, on, None)
    except InvalidTransition as doubt:
        _log.error("organisation.acts_wait code=%s", doubt.code)
        return
    with services.reading() as session:
        ids = session.scalars(
            select(OrganisationAct.id).where(*_due(on)).order_by(OrganisationAct.planned_on, OrganisationAct.id)
        ).all()
    failed: list[Exception] = []
    for act_id in ids:
        try:
            _run_one(services, act_id, on=on, now=now)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the other acts are due too
            _log.error("organisation.act_failed act=%s fault=%s", act_id, type(fault).__name__)
            failed.append(fault)
    if failed:
        raise failed[0]


def _run_one(services: Services, act_id: int, *, on: date, now: datetime) -> None:
    try:
        for attempt in services.attempts(now):
            with attempt as uow:
                act = _held(uow, act_id)
                if act is not None:
                    _do_planned(uow, act, on)
    except (Forbidden, Invalid, InvalidTransition, NotFound) as refused:
        _refuse(services, act_id, refused, now=now)


def _do_planned(uow: UnitOfWork, act: OrganisationAct, on: date) -> None:
    """Do an act that is held.

    Raises:
        Unfit, Invalid: it does not fit any more; ``act.overtaken``: it would change something else than was planned;
            ``act.planner_gone``: who planned it has left, or is no administrator any more: nobody answers for it.
    """
    planner = administrator(uow.session, act.person_id, on=on)
    if planner is None:
        raise Invalid("act.planner_gone", "let another administrator propose it again")
    reach = Reach(planner, uow.services.installation_accounts)
    looked = look(uow.session, act.sheets, on=on, what=act.what, reach=reach)
    if as_json(looked.differences) != act.differences:
        raise Invalid("act.overtaken", "propose it again")
    do(uow, act, looked, on=on, whose=planner, by=SYSTEM)


def _held(uow: UnitOfWork, act_id: int) -> OrganisationAct | None:
    """The act, locked; None when it was done or withdrawn meanwhile."""
    one_at_a_time(uow)
    act = locks.hold_one(uow.session, OrganisationAct, act_id)
    return act if act is not None and state_of(act) is ActState.PLANNED else None


def _refuse(services: Services, act_id: int, refused: GedError, *, now: datetime) -> None:
    reasons = refused.errors if isinstance(refused, Unfit) else (refused,)
    # In a new transaction: the one that tried it is rolled back, with all that it had changed.
    with services.unit_of_work(now) as uow:
        act = _held(uow, act_id)
        if act is None:
            return
        act.refusal = [[one.code, {key: str(value) for key, value in one.params.items()}] for one in reasons]
        act.refused_at = uow.now
        record(uow, "organisation.refused", act, SYSTEM, codes=[one.code for one in reasons])
        _tell(uow, act)
    _log.warning("organisation.refused act=%s code=%s", act_id, refused.code)


def _tell(uow: UnitOfWork, act: OrganisationAct) -> None:
    """Tell every administrator who may open the act's page, the one who planned it among them."""
    session, differences = uow.session, from_json(act.differences)
    on, accounts = today_of(uow), uow.services.installation_accounts
    notices = []
    for actor in administrators(session, on=on):
        reach = Reach(actor, accounts)
        if reach.covers(session, act.id) and may_look(session, differences, reach):
            notices.append(finding.Found(int(actor.person_id), Occasion.CHANGE_REFUSED, f"act:{act.id}", None, act.id))
    finding.tell(uow, notices)
