"""Who stands at the machine: people prove themselves at a terminal, for an act of the command line that nobody does alone.

The password is the one that signs the account in, and a second step that is armed is asked for too. A passkey cannot be used at a
terminal: a recovery code is taken in its place. Failures count as at the sign-in, and are in the journal.
"""

from collections.abc import Callable
from datetime import datetime

from ged.directory import passwords
from ged.entry import factors, second
from ged.errors import Forbidden
from ged.org.accounts import Caller
from ged.org.actors import load_actor
from ged.seconded import are_two, humans
from ged.unit import Actor, Role, Services

AT_MACHINE = Caller("terminal")
"""In the journal's place of a network address."""


def prove(
    services: Services, account: str, password: str, *, ask_code: Callable[[], str], role: Role | None, now: datetime
) -> Actor:
    """Check that it is the person of an account, who holds a post with a role.

    Args:
        role: None: any open account.
        ask_code: asks for the code of the telephone, or a recovery code; called only where a second step is armed.

    Raises:
        Invalid: as ``ged.directory.passwords.sign_in``; ``second_step.code_wrong``, ``second_step.recovery_wrong``,
            ``session.throttled``.
        Forbidden: ``machine.no_role``.
    """
    person_id = passwords.sign_in(services, account, password, caller=AT_MACHINE, now=now)
    with services.reading() as session:
        is_armed = factors.is_armed(session, int(person_id))
        actor = load_actor(session, person_id, on=now.astimezone(services.zone).date())
    if is_armed:
        step = second.begin(services, int(person_id), instead_of="", now=now)
        code = ask_code().strip()
        is_of_telephone = len(code.replace(" ", "")) == 6 and code.replace(" ", "").isdigit()
        take = second.by_totp if is_of_telephone else second.by_recovery_code
        take(services, step, code, caller=AT_MACHINE, now=now)
    if role is not None and not any(role in post.roles and post.because == "holder" for post in actor.posts):
        raise Forbidden("machine.no_role", "let somebody prove who holds such a post", account=actor.account)
    return actor


def require_two(services: Services, first: Actor, second_: Actor, *, role: Role | None, now: datetime) -> None:
    """Check that two people who proved themselves are two humans.

    Raises:
        Forbidden: ``machine.one_person``.
    """
    on = now.astimezone(services.zone).date()
    with services.reading() as session:
        sides = [
            humans(session, one, one.post_with(role) if role is not None else None, on=on) for one in (first, second_)
        ]
    if not are_two(*sides):
        raise Forbidden("machine.one_person", "another person proves himself", account=first.account)
