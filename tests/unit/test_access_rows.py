"""Rights as rows: granted, withdrawn and checked, one right at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from ged import access
from ged.access import Because, MailAccess
from ged.errors import NotFound
from ged.ports import Confidentiality, Principal, Principals, post_principal
from ged.register.models import Direction, Mail
from ged.register.states import MailState
from ged.unit import UnitOfWork
from tests.remedies import refused
from tests.rows_kit import asked, held, person, principals, rows, work

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
A, B, C = Principal("a"), Principal("b"), Principal("c")
ORDINARY, RESTRICTED, SECRET = Confidentiality


@pytest.fixture
def session() -> Iterator[Session]:
    with rows(MailAccess, Mail) as session:
        yield session


def rights(session: Session) -> set[tuple[int, str, str]]:
    found = session.execute(select(MailAccess.mail_id, MailAccess.principal, MailAccess.because))
    return {(mail_id, principal, because) for mail_id, principal, because in found}


def given(session: Session, mail_id: int, *names: Principal, because: Because = Because.SHARED) -> UnitOfWork:
    uow = work(session, NOW)
    access.grant(uow, mail_id, names, because)
    return uow


def test_the_reasons_are_stored_words() -> None:
    words = "registered addressed imputed assigned copied authored visa signatory slip shared"
    assert [because.value for because in Because] == words.split()


def test_a_right_is_given_once_for_each_reason_and_bears_its_moment(session: Session) -> None:
    given(session, 1, A, B, A)
    uow = work(session, LATER)
    access.grant(uow, 1, [A, C], Because.SHARED)
    access.grant(uow, 1, [A], Because.SLIP)
    assert rights(session) == {(1, "a", "shared"), (1, "b", "shared"), (1, "c", "shared"), (1, "a", "slip")}
    found = session.execute(select(MailAccess.principal, MailAccess.because, MailAccess.granted_at))
    assert {(p, b): at for p, b, at in found} == {
        ("a", "shared"): NOW, ("b", "shared"): NOW, ("c", "shared"): LATER, ("a", "slip"): LATER,
    }  # fmt: skip


def test_a_new_letter_is_indexed_and_one_whose_rights_change_is_hidden_meanwhile(session: Session) -> None:
    uow = given(session, 1, A)
    access.grant(uow, 1, [B], Because.SLIP)
    assert (uow.first_granted, asked(uow)) == ({1}, [("index", 1, "")])
    again = given(session, 1, C)
    assert (again.first_granted, asked(again)) == (set(), [("index", 1, "access")])
    other = given(session, 2, A)
    assert (other.first_granted, asked(other)) == ({2}, [("index", 2, "")])


def test_who_sees_a_letter_for_one_reason(session: Session) -> None:
    given(session, 1, A, B)
    given(session, 1, C, because=Because.SLIP)
    given(session, 2, C)
    assert access.principals_because(session, 1, Because.SHARED) == {A, B}
    assert access.principals_because(session, 1, Because.SLIP) == {C}
    assert access.principals_because(session, 1, Because.VISA) == frozenset()


def test_what_is_there_already_asks_for_nothing(session: Session) -> None:
    given(session, 1, A)
    assert asked(given(session, 1, A)) == []
    assert asked(given(session, 1)) == []


def test_two_who_grant_at_once_write_one_right(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one's row exists although it was not seen: it stays."""
    given(session, 1, A)
    uow = work(session, LATER)
    monkeypatch.setattr(session, "execute", _blind_once(session))
    access.grant(uow, 1, [A, B], Because.SHARED)
    assert rights(session) == {(1, "a", "shared"), (1, "b", "shared")}


def _blind_once(session: Session):
    execute, calls = session.execute, []

    def one(statement, *rest, **options):
        calls.append(statement)
        return execute(statement.where(MailAccess.mail_id == 0) if len(calls) == 1 else statement, *rest, **options)

    return one


def test_the_first_rights_of_a_letter_go_by_one_statement(session: Session) -> None:
    uow = work(session, NOW)
    access.grant_new(uow, 3, {Because.REGISTERED: [A, A, B], Because.ADDRESSED: [A]})
    assert rights(session) == {(3, "a", "registered"), (3, "b", "registered"), (3, "a", "addressed")}
    assert set(session.scalars(select(MailAccess.granted_at))) == {NOW}
    assert (uow.first_granted, asked(uow)) == ({3}, [("index", 3, "")])


def test_one_right_for_each_of_many_letters_and_the_job_is_the_callers(session: Session) -> None:
    uow = work(session, NOW)
    access.grant_first(uow, {4: A, 5: B}, Because.REGISTERED)
    assert rights(session) == {(4, "a", "registered"), (5, "b", "registered")}
    assert set(session.scalars(select(MailAccess.granted_at))) == {NOW}
    assert (uow.first_granted, asked(uow)) == ({4, 5}, [])
    access.grant_first(work(session, NOW), {}, Because.REGISTERED)
    assert len(rights(session)) == 2


def test_a_reason_is_withdrawn_and_nothing_else(session: Session) -> None:
    given(session, 1, A, B)
    given(session, 1, A, because=Because.SLIP)
    given(session, 2, A)
    uow = work(session, LATER)
    access.revoke(uow, 1, A, Because.SHARED)
    assert rights(session) == {(1, "b", "shared"), (1, "a", "slip"), (2, "a", "shared")}
    assert asked(uow) == [("index", 1, "access")]


def test_rights_of_some_reasons_are_kept_and_restored_with_their_moments(session: Session) -> None:
    given(session, 1, B, A, because=Because.IMPUTED)
    given(session, 1, A, because=Because.COPIED)
    given(session, 1, C)
    given(session, 2, A, because=Because.IMPUTED)
    reasons = [Because.IMPUTED, Because.COPIED]
    kept = access.rights_because(session, 1, reasons)
    assert kept == [(A, Because.COPIED, NOW), (A, Because.IMPUTED, NOW), (B, Because.IMPUTED, NOW)]
    uow = work(session, LATER)
    access.grant(uow, 1, [C], Because.IMPUTED)
    access.restore(uow, 1, kept, reasons)
    assert access.rights_because(session, 1, list(Because)) == [*kept, (C, Because.SHARED, NOW)]
    assert access.rights_because(session, 2, reasons) == [(A, Because.IMPUTED, NOW)]
    emptied = work(session, LATER)
    access.restore(emptied, 1, [], reasons)
    assert asked(emptied) == [("index", 1, "access")]
    assert rights(session) == {(1, "c", "shared"), (2, "a", "imputed")}


def test_principals_of_a_letter_and_of_many(session: Session) -> None:
    given(session, 1, A, B)
    given(session, 1, A, because=Because.SLIP)
    given(session, 2, C)
    given(session, 3, A)
    assert access.principals_of(session, 1) == frozenset({A, B})
    assert access.principals_of(session, 9) == frozenset()
    assert access.principals_of_many(session, [1, 2, 9]) == {1: frozenset({A, B}), 2: frozenset({C})}


LEVELS = principals("a", "b", "c")


@pytest.mark.parametrize(
    ("name", "level"), [(name, level) for name in (A, B, C, Principal("d")) for level in Confidentiality]
)
def test_a_letter_is_seen_by_the_set_of_its_level(session: Session, name: Principal, level: Confidentiality) -> None:
    given(session, 1, name)
    sees = name in LEVELS.at(level)
    who = person(7, sees=LEVELS)
    assert access.may_see(session, 1, level, who) is sees
    assert by_clause(session, LEVELS, {1: level}) == ({1} if sees else set())
    if sees:
        access.require(session, 1, level, who)
    else:
        with refused(NotFound, "mail.unknown", id=1, refused=True):
            access.require(session, 1, level, who)


def by_clause(session: Session, sees: Principals, letters: dict[int, Confidentiality]) -> set[int]:
    for mail_id, level in letters.items():
        session.add(
            Mail(
                id=mail_id, direction=Direction.INCOMING, state=MailState.TO_IMPUTE, level=int(level), subject="",
                unit_id=1, created_at=NOW,
            )
        )  # fmt: skip
    session.flush()
    return set(session.scalars(select(Mail.id).where(access.visible_clause(Mail.id, Mail.level, sees))))


def test_one_clause_finds_the_letters_of_every_level(session: Session) -> None:
    for mail_id, name in ((1, A), (2, B), (3, C), (4, A), (5, Principal("d"))):
        given(session, mail_id, name)
    letters = {1: ORDINARY, 2: RESTRICTED, 3: SECRET, 4: SECRET, 5: ORDINARY, 6: ORDINARY}
    assert by_clause(session, LEVELS, letters) == {1, 2, 3}


def test_who_has_no_principal_sees_nothing_and_without_clearance_nothing_of_the_level(session: Session) -> None:
    given(session, 1, A)
    assert by_clause(session, principals(""), {1: ORDINARY}) == set()
    given(session, 2, A)
    assert by_clause(session, principals("a"), {2: RESTRICTED}) == {1}


def test_a_set_that_counts_for_several_levels_is_named_once() -> None:
    clause = access.visible_clause(Mail.id, Mail.level, principals("b a", "a b", "a"))
    sent = clause.compile(dialect=sqlite.dialect()).params.values()
    assert sorted(names for names in sent if isinstance(names[0], str)) == [["a"], ["a", "b"]]


def test_the_post_that_gives_the_sight_is_named(session: Session) -> None:
    first, second = held(5), held(6)
    given(session, 1, post_principal(second.post_id))
    who = person(7, first, second)
    assert access.through(session, 1, ORDINARY, who) == second
    assert access.through(session, 2, ORDINARY, who) is None
    assert access.through(session, 1, SECRET, who) is None


def test_a_refusal_bears_a_plain_number() -> None:
    said = access.not_seen("12")  # type: ignore[arg-type]  # an id of any kind that counts
    assert said.params == {"id": 12, "refused": True}


@pytest.mark.parametrize(("sees", "seen"), [("a", True), ("b", False), ("", False)])
def test_the_rule_as_a_column_says_yes_or_no(session: Session, sees: str, seen: bool) -> None:
    given(session, 1, A)
    by_clause(session, principals(""), {1: ORDINARY})
    said = session.execute(select(access.visible_clause(Mail.id, Mail.level, principals(sees)))).scalar_one()
    assert said is seen
