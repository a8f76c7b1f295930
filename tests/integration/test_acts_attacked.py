"""Acts of an administrator against the grain: rights that begin later, own departure, accounts closed by an undo, counts of
secret letters."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.access import Because, grant
from ged.administration import operations, wanted
from ged.administration.states import ActState, state_of
from ged.errors import Invalid
from ged.org.delegations import DelegationForm, delegate
from ged.org.models import Delegation, DelegationKind, OpenSession, Person, PostRole, Unit
from ged.org.sessions import open_session
from ged.ports import Confidentiality, PersonId, PostId, holder_principal, post_principal
from ged.register.models import Mail
from ged.unit import Role, Services
from tests.administration_kit import Wanted, confirm, do, dump, organisation, propose, the_act, undo
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import post_id, register, unit_id

pytestmark = pytest.mark.slow


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    yield made
    made.engine.dispose()


def _delegated(services: Services, who: str, post: str, to: str, *, begins: int = 0) -> int:
    with services.unit_of_work(NOW) as uow:
        form = DelegationForm(
            PostId(post_id(services, post)), PersonId(int(actor(services, to).person_id)), DelegationKind.DELEGATION,
            "Décision n° 4", TODAY + timedelta(days=begins), TODAY + timedelta(days=begins + 2),
        )  # fmt: skip
        return delegate(uow, form, actor=actor(services, who))


def _refused(services: Services, asked: Wanted) -> str:
    before = dump(services)
    act_id = propose(services, asked)
    with pytest.raises(Invalid) as refusal:
        confirm(services, act_id)
    assert dump(services) == before
    return refusal.value.code


def test_a_delegation_that_begins_tomorrow_is_not_made_stronger_today(services: Services) -> None:
    """The post that an administrator will act for tomorrow is made an authority today."""
    _delegated(services, "etudes", "ETU-M", "admin", begins=1)
    stronger = lambda now: wanted.changed_post(  # noqa: E731
        now, "ETU-M", title="Poste ETU-M", unit="SG", roles=("authority",), secretary_of=None
    )
    assert _refused(services, stronger) == "act.own_rights"


def test_a_delegation_of_a_few_days_is_not_made_lasting(services: Services) -> None:
    """An administrator who is a secretary, and acts for a post today, becomes its secretary for good."""
    with services.unit_of_work(NOW) as uow:
        uow.session.add(PostRole(post_id=post_id(services, "ADM"), role=Role.SECRETARY))
    _delegated(services, "dge", "DGE-C", "admin")
    secretary = lambda now: wanted.changed_post(  # noqa: E731
        now, "ADM", title="Poste ADM", unit="SG", roles=("administrator", "secretary"), secretary_of="DGE-C"
    )
    assert _refused(services, secretary) == "act.own_rights"


def test_an_administrator_is_not_also_auditor_by_an_act_of_one_s_own(services: Services) -> None:
    both = lambda now: wanted.changed_post(  # noqa: E731
        now, "ADM", title="Poste ADM", unit="SG", roles=("administrator", "auditor"), secretary_of=None
    )
    assert _refused(services, both) == "act.own_rights"


@pytest.mark.parametrize(
    "asked",
    [
        lambda now: wanted.departure(now, "admin", successors={}),
        lambda now: wanted.given_post(now, "ADM", holder=None),
        lambda now: wanted.closed_unit(now, "SG", successor="DAF", keeps_posts=True),
        lambda now: wanted.changed_post(now, "ADM", title="Poste ADM", unit="SG", roles=(), secretary_of=None),
    ],
)
def test_the_last_administrator_stays(services: Services, asked: Wanted) -> None:
    assert _refused(services, asked) == "act.last_administrator"


def test_an_administrator_may_leave(services: Services) -> None:
    act_id = propose(services, lambda now: wanted.departure(now, "admin", successors={"ADM": "daf"}))
    confirm(services, act_id)
    assert state_of(the_act(services, act_id)) is ActState.DONE


def test_an_undone_return_ends_what_the_account_did_since(services: Services) -> None:
    do(services, lambda now: wanted.departure(now, "dge", successors={}))
    back = do(services, lambda now: wanted.return_of(now, "dge"))
    with services.unit_of_work(NOW) as uow:
        person_id = uow.session.scalars(select(Person.id).where(Person.account == "dge")).one()
        open_session(uow, person_id, address="::1", device="x")
    given = _delegated(services, "sg", "SG-T", "dge")
    undo(services, back)
    with services.reading() as session:
        assert not session.get_one(Person, person_id).is_active
        assert session.scalars(select(OpenSession).where(OpenSession.person_id == person_id)).all() == []
        assert session.get_one(Delegation, given).withdrawn_at is not None


def test_an_interim_of_an_emptied_post_ends_when_its_holder_is_put_back(services: Services) -> None:
    """Else two people decide through the post."""
    emptied = do(services, lambda now: wanted.given_post(now, "DGE-C", holder=None))
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Unit, unit_id(services, "DGE")).parent_id = unit_id(services, "SG")
    with services.unit_of_work(NOW) as uow:
        form = DelegationForm(
            PostId(post_id(services, "DGE-C")), PersonId(int(actor(services, "daf").person_id)), DelegationKind.INTERIM,
            "Note n° 5", TODAY, TODAY + timedelta(days=30),
        )  # fmt: skip
        interim = delegate(uow, form, actor=actor(services, "sg"))
    undo(services, emptied)
    with services.reading() as session:
        assert session.get_one(Delegation, interim).withdrawn_at is not None
    assert {one.code: one.holder for one in organisation(services).posts}["DGE-C"] == "dge"


def test_no_number_tells_of_a_secret_letter(services: Services) -> None:
    ordinary = register(services, "Ordinaire").mail_id
    secret, personal = (register(services, subject).mail_id for subject in ("Secret", "Personnel"))
    post = PostId(post_id(services, "DGE-C"))
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, secret).level = Confidentiality.SECRET
        for mail_id in (ordinary, secret):
            grant(uow, mail_id, [post_principal(post)], Because.ASSIGNED)
        grant(uow, personal, [holder_principal(post)], Because.ADDRESSED)
    act_id = propose(services, lambda now: wanted.given_post(now, "DGE-C", holder="etudes"))
    shown = operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW)
    assert shown.consequences == {"letters_follow_post": 1}
