"""From the right password, or a passkey, to the open session: what of a sign-in lies between two requests.

The text of a step (``ged.entry.steps``) stands in the browser's signed cookie. It is no session: no page but those of the second step
reads it. The session that follows has a new text, and the step's row is gone.
"""

from flask import redirect, session, url_for
from flask.typing import ResponseReturnValue

from ged.entry import factors, second
from ged.org import accounts
from ged.ports import PersonId
from web.site import auth, context, i18n
from web.site.paths import next_path, safe_path

STEP = "step"
ADDING = "adding"
FULL = "full"
"""The second step of an administrator while a full disk refuses its row: see ``begin_on_full_disk``."""


def begin_second(person_id: PersonId, target: str | None, *, epoch: int) -> ResponseReturnValue:
    """Begin the second step of whoever has the first one behind them, and lead there.

    Args:
        epoch: as for ``ged.org.sessions.open_session``.

    Raises:
        NotRecorded: the database's disk is full.
    """
    with accounts.told_when_full(person_id, epoch):
        services, now = context.services(), context.now()
        session[STEP] = second.begin(services, int(person_id), instead_of=text(), now=now, epoch=epoch)
    session.pop(FULL, None)
    return redirect(url_for("second_step.form", next=safe_path(target)), 303)


def begin_on_full_disk(refused: accounts.NotRecorded, target: str | None) -> ResponseReturnValue:
    """As ``begin_second``, while nothing can be stored: the signed cookie alone says whose second step is due.

    Raises:
        NotRecorded: the person has no telephone that makes codes: what else opens an account must be stored.
    """
    with context.services().reading() as db:
        pending = second.unrecorded(db, int(refused.person_id), epoch=refused.epoch, now=context.now())
    if pending is None:
        raise refused
    session[FULL] = pending
    session.pop(STEP, None)
    return redirect(url_for("second_step.form", next=safe_path(target)), 303)


def is_half(person_id: PersonId) -> bool:
    """Whether a person's password alone does not open the account."""
    with context.services().reading() as db:
        return factors.is_armed(db, int(person_id))


def text(name: str = STEP) -> str:
    """The text of the step that this browser is in the middle of; empty: of none."""
    return str(session.get(name, ""))


def enter(person_id: PersonId, *, by_password: bool = False, epoch: int) -> ResponseReturnValue:
    """Open the session, remember the device, and lead to where the person wanted to go.

    Args:
        by_password: as for ``auth.open_session``.
        epoch: as for ``ged.org.sessions.open_session``.

    Raises:
        Invalid: as ``auth.open_session``.
        NotRecorded: the database's disk is full.
    """
    auth.open_session(person_id, by_password=by_password, epoch=epoch)
    return welcome()


def welcome(target: str | None = None) -> ResponseReturnValue:
    """What follows an opened session.

    Args:
        target: where it leads; None: where the form says.
    """
    auth.remember_device(context.actor().account)
    if context.actor().language:
        i18n.choose(context.actor().language)
    return redirect(safe_path(target) or next_path(), 303)
