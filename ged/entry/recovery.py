"""Ten codes in a sealed envelope, for whoever has lost telephone and passkeys: told once, stored as digests, each used once."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, select

from ged.entry import codes, factors
from ged.entry.models import RecoveryCode
from ged.errors import Invalid
from ged.letterhead import country_and_motto, organisation_name
from ged.sheets import Sheet
from ged.typography import french
from ged.unit import Actor, ReadSession, Services, UnitOfWork


def renew(uow: UnitOfWork, person_id: int, *, actor: Actor) -> tuple[str, ...]:
    """Make ten new codes; the earlier ones are worth nothing any more. The caller holds the person's row."""
    made = codes.new_recovery_codes()
    uow.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    uow.session.add_all(
        RecoveryCode(person_id=person_id, code_hash=codes.recovery_hash(person_id, one), made_at=uow.now)
        for one in made
    )
    uow.record("second_step.codes_made", "person", person_id, actor=actor, count=len(made))
    return made


def renew_own(uow: UnitOfWork, *, actor: Actor) -> tuple[str, ...]:
    """Ten new codes of the actor.

    Raises:
        Invalid: ``second_step.nothing``: there is no second step that they could replace.
    """
    person = factors.hold(uow, int(actor.person_id))
    if not factors.is_armed(uow.session, person.id):
        raise Invalid("second_step.nothing", "arm a telephone or a passkey first")
    return renew(uow, person.id, actor=actor)


def are_present(session: ReadSession, person_id: int, shown_codes: Collection[str]) -> bool:
    """Whether these are codes of the person that are not used yet: nothing else is printed as such."""
    asked = {codes.recovery_hash(person_id, one) for one in shown_codes}
    found = session.scalars(
        select(RecoveryCode.code_hash).where(
            RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None), RecoveryCode.code_hash.in_(asked)
        )
    ).all()
    return bool(asked) and set(found) == asked


def sheet(
    session: ReadSession, services: Services, shown_codes: Sequence[str], *, actor: Actor, address: str, now: datetime
) -> Sheet:
    """The sheet for the sealed envelope.

    Args:
        shown_codes: the codes, which the browser still shows: the program does not know them.
        address: of the sign-in page.

    Raises:
        Invalid: ``second_step.codes_gone``: they are not the actor's present codes.
    """
    if not are_present(session, int(actor.person_id), shown_codes):
        raise Invalid("second_step.codes_gone", "make new codes")
    country, motto = country_and_motto(services.country)
    data = {
        "organisation": organisation_name(session), "country": country, "motto": motto, "name": french(actor.name),
        "account": actor.account, "codes": list(shown_codes), "address": address,
        "made": f"{now.astimezone(services.zone):%d/%m/%Y à %H:%M}",
    }  # fmt: skip
    return Sheet("recovery_codes.typ", data, now, f"codes-de-secours-{actor.account}.pdf")
