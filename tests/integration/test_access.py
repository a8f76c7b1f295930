"""The one access rule in its three forms, a check, an SQL clause and principals for the index: they always agree."""

import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged import access
from ged.access import Because
from ged.audit import AuditEntry
from ged.jobs import open_access_changes
from ged.ports import (
    Confidentiality,
    Digest,
    Principal,
    SearchQuery,
    person_principal,
    unit_principal,
)
from ged.register import documents, journal, opening
from ged.register.documents import FileRow
from ged.register.models import Direction, Mail
from ged.register.states import MailState
from ged.search.indexing import index_document
from ged.unit import Services
from tests.access_kit import grants
from tests.factories import NOW, actor, make_organisation, make_services

ACCOUNTS = ("sg", "secretaire", "agent", "dge", "etudes", "daf", "admin")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    made = make_services(Path(tmp_path_factory.mktemp("access")))
    make_organisation(made)
    return made


def make_letter(services: Services, level: Confidentiality, principal: Principal) -> int:
    unit_id = actor(services, "agent").posts[0].unit_id
    with services.unit_of_work(NOW) as uow:
        mail = Mail(
            direction=Direction.INCOMING,
            state=MailState.TO_IMPUTE,
            level=int(level),
            subject="objet convoité",
            unit_id=unit_id,
            created_at=NOW,
        )
        uow.session.add(mail)
        uow.session.flush()
        access.grant(uow, mail.id, [principal], Because.SHARED)
    with services.reading() as session:
        document = index_document(session, mail.id, version=mail.id, units=())
        assert document is not None
        services.index.put([document])
    return mail.id


EXPECTED = {
    ("unit BO", 0): {"agent"},
    ("unit BO", 1): set(),
    ("unit BO", 2): set(),
    ("unit DGE", 0): {"dge"},
    ("unit DGE", 1): {"dge"},
    ("unit DGE", 2): set(),
    ("unit ETU", 0): {"etudes", "dge"},
    ("unit ETU", 1): {"dge"},
    ("unit ETU", 2): set(),
    ("post SG", 0): {"sg", "secretaire"},
    ("post SG", 1): {"sg", "secretaire"},
    ("post SG", 2): {"sg", "secretaire"},
    ("post ETU", 0): {"etudes"},
    ("post ETU", 1): {"etudes"},
    ("post ETU", 2): set(),
    ("heads ETU", 0): {"dge"},
    ("heads ETU", 1): set(),
    ("heads ETU", 2): set(),
    ("post DAF", 0): {"daf"},
    ("post DAF", 1): {"daf"},
    ("post DAF", 2): set(),
}


@pytest.mark.parametrize(
    ("granted", "level"),
    list(
        itertools.product(("unit BO", "unit DGE", "unit ETU", "post SG", "post ETU", "heads ETU", "post DAF"), range(3))
    ),
)
def test_the_three_forms_agree(services: Services, granted: str, level: int) -> None:
    confidentiality = Confidentiality(level)
    mail_id = make_letter(services, confidentiality, grants(services)[granted])
    expected = {"sg"} if granted == "unit BO" and level < 2 else set()
    expected |= EXPECTED[granted, level]
    # The secretary acts for the secretary general. Letters that the chief sees by headship, the secretary sees equally
    # cleared.
    if granted == "unit BO" and level < 2:
        expected.add("secretaire")
    by_check, by_sql, by_index = set(), set(), set()
    for account in ACCOUNTS:
        who = actor(services, account)
        with services.reading() as session:
            if access.may_see(session, mail_id, confidentiality, who):
                by_check.add(account)
            clause = access.visible_clause(Mail.id, Mail.level, who.principals)
            if session.scalar(select(Mail.id).where(Mail.id == mail_id, clause)) is not None:
                by_sql.add(account)
        found = services.index.search(SearchQuery("", limit=1000), principals=who.principals)
        if mail_id in [hit.mail_id for hit in found.hits]:
            by_index.add(account)
    assert by_check == expected
    assert by_sql == expected
    assert by_index == expected


def test_a_reading_names_the_post_acted_for(services: Services) -> None:
    by_post, secretary = grants(services), actor(services, "secretaire")
    of_chief = make_letter(services, Confidentiality.SECRET, by_post["post SG"])
    of_both = make_letter(services, Confidentiality.RESTRICTED, unit_principal(secretary.posts[0].unit_id))
    mine = make_letter(services, Confidentiality.SECRET, person_principal(secretary.person_id))
    levels = {of_chief: Confidentiality.SECRET, of_both: Confidentiality.RESTRICTED, mine: Confidentiality.SECRET}
    for mail_id, level in levels.items():
        with services.unit_of_work(NOW) as uow:
            opening.mark_opened(uow, mail_id, actor=secretary, now=NOW)
            opening.record_printing(uow, mail_id, what="receipt", actor=secretary)
            file = FileRow(0, mail_id, level, Digest(""), "text/plain", "", "text")
            documents.record_opening(uow, file, actor=secretary)
    own, chief = secretary.posts[0].post_id, actor(services, "sg").posts[0].post_id
    expected = {of_chief: (own, chief), of_both: (own, None), mine: (own, None)}
    with services.reading() as session:
        for mail_id, posts in expected.items():
            entries = session.scalars(select(AuditEntry).where(AuditEntry.subject_id == mail_id)).all()
            read = [e for e in entries if e.action in journal.READINGS]
            assert [(e.post_id, e.acting_for_post_id) for e in read] == [posts] * 3, mail_id


def test_a_post_through_which_nothing_is_seen_is_not_named(services: Services) -> None:
    daf, etudes = actor(services, "daf"), actor(services, "etudes")
    hidden = make_letter(services, Confidentiality.RESTRICTED, grants(services)["unit ETU"])
    with services.reading() as session:
        assert access.through(session, hidden, Confidentiality.RESTRICTED, daf) is None
        assert access.through(session, hidden, Confidentiality.RESTRICTED, etudes) is None
        assert access.through(session, hidden, Confidentiality.RESTRICTED, actor(services, "dge")) is not None


def test_an_administrator_sees_nothing_by_the_role(services: Services) -> None:
    admin = actor(services, "admin")
    assert not any(p.startswith("u") for p in admin.principals.ordinary)


def test_a_new_letter_is_not_excluded_but_a_changed_right_is(services: Services) -> None:
    mail_id = make_letter(services, Confidentiality.ORDINARY, grants(services)["unit BO"])
    with services.reading() as session:
        assert mail_id not in open_access_changes(session)
    with services.unit_of_work(NOW + timedelta(seconds=1)) as uow:
        access.grant(uow, mail_id, [grants(services)["unit DGE"]], Because.SHARED)
    with services.reading() as session:
        assert mail_id in open_access_changes(session)
