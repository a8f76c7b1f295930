"""The first account of an empty installation. With it a ministry is set up in the browser: nobody else could sign in to do so."""

from datetime import date

from sqlalchemy import select

from ged.administration.lines import as_sheets, line
from ged.errors import Invalid
from ged.org.accounts import person_of_account, set_password
from ged.org.file import OrganisationFile
from ged.org.models import Person
from ged.org.turns import one_at_a_time
from ged.unit import SYSTEM, Role, UnitOfWork
from ged.workbook.operations import bring_to, merged
from ged.workbook.words import sentence


def make_first_account(
    uow: UnitOfWork, account: str, password_hash: str, *, name: str, code: str, ministry: str, on: date
) -> None:
    """Make a ministry, in it a post that administers, and its holder, who chooses a password at the first sign-in.

    Args:
        account: what the person types to sign in.
        name: first and last name of the person.
        code, ministry: code and name of the ministry, a unit without a unit above it.

    Raises:
        Invalid: ``account.not_first``: somebody has an account already; ``account.refused``: ``detail`` says what to correct.
    """
    post = {"code": f"{code}-ADMIN", "title": "Administrateur du système", "unit": code, "holder": account}
    lines = [
        line("units", {"code": code, "name": ministry, "kind": "ministry"}, is_entity=True),
        line("people", {"account": account, "name": name}),
        line("posts", {**post, "roles": (Role.ADMINISTRATOR,)}),
    ]
    wanted = merged(OrganisationFile(organisation=""), as_sheets(lines), on=on)
    one_at_a_time(uow)
    if uow.session.scalar(select(Person.id).limit(1)) is not None:
        raise Invalid(
            "account.not_first", "an administrator makes the others; `ged account password` gives a password anew"
        )
    if wanted.file is None:
        raise Invalid("account.refused", "correct it", detail=sentence(wanted.findings[0]))
    bring_to(uow, wanted.file, on=on)
    set_password(uow, person_of_account(uow.session, account).id, password_hash, actor=SYSTEM, is_given=True)
