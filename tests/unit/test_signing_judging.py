"""The verdict that follows from the facts of a signature, and the time for which its certificate is judged."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from pyhanko.sign.ades.report import AdESIndeterminate

from ged.ports import Verdict
from signing.judging import Facts, Surroundings, facts_of, judge
from signing.trust import Trust
from tests.pki_kit import NOW, YEAR, Ministry, crl, holder

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@dataclass
class Stamp:
    """A validated time-stamp."""

    timestamp: datetime = NOW
    intact: bool = True
    valid: bool = True
    trusted: bool = True
    revoked: bool = False
    signing_cert: Any = None


@dataclass
class Status:
    """A validated signature."""

    intact: bool = True
    valid: bool = True
    trusted: bool = True
    revoked: bool = False
    signer_reported_dt: Any = None
    timestamp_validity: Stamp | None = None
    signing_cert: Any = None
    trust_problem_indic: Any = None


@cache
def ministry() -> Ministry:
    return Ministry()


def facts(*, stamp: Stamp | None = None, problem: str = "", revoked: bool = False, **status: Any) -> Facts:
    found: Any = Status(**status)
    given: Any = stamp
    return Facts(found, NOW, given, problem, revoked)


def verdict(found: Facts, **around: Any) -> tuple[str, str]:
    told, reason = judge(found, Surroundings(**around), NOW)
    return told.value, reason


# --- facts


@pytest.mark.parametrize(("intact", "valid"), [(True, True), (True, False), (False, True), (False, False)])
def test_sound_is_whole_and_valid(intact: bool, valid: bool) -> None:
    sound = intact and valid
    assert facts(intact=intact, valid=valid).is_sound is sound
    found = facts(stamp=Stamp(intact=intact, valid=valid))
    assert found.stamp_broken is not sound
    assert found.stamp_time == (NOW if sound else None)
    assert found.stamp_trusted is sound


def test_a_stamp_is_believed_when_its_authority_is_trusted_and_not_revoked() -> None:
    assert (facts().stamp_broken, facts().stamp_time, facts().stamp_trusted) == (False, None, False)
    assert facts(stamp=Stamp()).stamp_trusted is True
    assert facts(stamp=Stamp(trusted=False)).stamp_trusted is False
    assert facts(stamp=Stamp(trusted=False)).stamp_time == NOW
    assert facts(stamp=Stamp(), revoked=True).stamp_trusted is False
    assert facts(stamp=Stamp(), revoked=True).stamp_time == NOW


@pytest.mark.parametrize("told", [None, "2026", NOW.replace(tzinfo=None)])
def test_a_claimed_time_that_is_no_time_is_none(told: object) -> None:
    assert facts(signer_reported_dt=told).claimed is None


def test_a_claimed_time_is_told() -> None:
    assert facts(signer_reported_dt=NOW).claimed == NOW
    bare: Any = object()
    assert Facts(bare, NOW, None, "").claimed is None
    assert Facts(bare, NOW, None, "").stamp_revoked is False


def test_nothing_speaks_against_surroundings_of_which_nothing_is_told() -> None:
    assert Surroundings() == Surroundings(True, False, (), True, (), False, True)
    assert judge(facts(), Surroundings(covers_all=False), NOW) == (Verdict.AMBER, "bytes_after")


# --- verdicts

GREEN = ("green", "ok")


def test_nothing_against_it_is_green() -> None:
    assert verdict(facts()) == GREEN
    assert judge(facts(), Surroundings(), NOW) == (Verdict.GREEN, "ok")
    assert verdict(facts(), covers_all=False, issued=True) == ("green", "countersigned")
    assert verdict(facts(), covers_all=False, changes=("validation_data",)) == ("green", "validation_data")


@pytest.mark.parametrize(
    ("found", "around", "expected"),
    [
        (facts(intact=False), {}, ("red", "broken")),
        (facts(valid=False), {}, ("red", "broken")),
        (facts(), {"is_well_formed": False}, ("red", "broken")),
        (facts(), {"is_duplicate": True}, ("red", "duplicate_field")),
        (facts(problem="revoked"), {}, ("red", "revoked")),
        (facts(problem="wrong_purpose"), {}, ("red", "wrong_purpose")),
        (facts(problem="expired"), {}, ("amber", "expired")),
        (facts(problem="untrusted"), {}, ("amber", "untrusted")),
        (facts(problem="training"), {}, ("red", "training")),
        (facts(problem="weak_algorithm"), {}, ("amber", "weak_algorithm")),
        (facts(), {"suspects": ("javascript", "hidden_layers")}, ("amber", "javascript")),
        (facts(stamp=Stamp(intact=False)), {}, ("amber", "timestamp_broken")),
        (facts(stamp=Stamp(timestamp=NOW + YEAR)), {}, ("red", "timestamp_future")),
        (facts(stamp=Stamp(timestamp=NOW + YEAR, trusted=False)), {}, ("red", "timestamp_future")),
        (facts(stamp=Stamp(timestamp=NOW + YEAR, intact=False)), {}, ("amber", "timestamp_broken")),
        (facts(signer_reported_dt=NOW + YEAR), {}, ("amber", "signed_in_future")),
        (facts(stamp=Stamp(intact=False), signer_reported_dt=NOW + YEAR), {}, ("amber", "timestamp_broken")),
    ],
)
def test_each_finding_has_its_colour(found: Facts, around: dict[str, Any], expected: tuple[str, str]) -> None:
    assert verdict(found, **around) == expected


@pytest.mark.parametrize(
    ("changes", "allowed", "expected"),
    [
        ((), True, ("amber", "bytes_after")),
        ((), False, ("red", "modified_after")),
        (("validation_data",), True, ("green", "validation_data")),
        (("validation_data",), False, ("red", "modified_after")),
        (("signed_again",), True, ("amber", "signed_again")),
        (("new_field",), True, ("amber", "signed_again")),
        (("new_field", "signed_again", "validation_data"), True, ("amber", "signed_again")),
        (("new_field", "validation_data"), False, ("red", "modified_after")),
        (("covers_content", "new_field"), True, ("red", "modified_after")),
        (("page_content",), True, ("red", "modified_after")),
        (("structure", "validation_data"), True, ("red", "modified_after")),
    ],
)
def test_what_came_after(changes: tuple[str, ...], allowed: bool, expected: tuple[str, str]) -> None:
    assert verdict(facts(), covers_all=False, changes=changes, docmdp_allows=allowed) == expected
    ours = ("green", "countersigned")
    assert verdict(facts(), covers_all=False, issued=True, changes=changes, docmdp_allows=allowed) == ours
    assert verdict(facts(), covers_all=True, changes=changes, docmdp_allows=allowed) == GREEN


def test_clocks_may_differ_by_five_minutes() -> None:
    latest = NOW + 5 * MINUTE
    assert verdict(facts(stamp=Stamp(timestamp=latest), signer_reported_dt=latest)) == GREEN
    assert verdict(facts(stamp=Stamp(timestamp=latest + SECOND)))[1] == "timestamp_future"
    assert verdict(facts(signer_reported_dt=latest + SECOND))[1] == "signed_in_future"


def test_the_worst_counts_and_the_first_among_equals() -> None:
    assert verdict(facts(problem="expired"), suspects=("javascript",)) == ("amber", "expired")
    assert verdict(facts(problem="revoked"), suspects=("javascript",)) == ("red", "revoked")
    assert verdict(facts(problem="revoked", intact=False), is_duplicate=True) == ("red", "broken")
    assert verdict(facts(problem="revoked"), is_duplicate=True) == ("red", "duplicate_field")
    late = {"covers_all": False, "changes": ("new_field",)}
    assert verdict(facts(problem="expired"), **late) == ("amber", "signed_again")
    assert verdict(facts(problem="revoked"), **late) == ("red", "revoked")
    assert verdict(facts(signer_reported_dt=NOW + YEAR, problem="expired")) == ("amber", "signed_in_future")


# --- the time for which a certificate is judged


class Validator:
    """Replaces pyHanko: it returns what the test says, and records its arguments."""

    def __init__(self, *found: Status) -> None:
        self._found = list(found)
        self.asked: list[tuple[datetime, bool, datetime, bool]] = []

    async def __call__(self, signer: Any, stamp: Any) -> Any:
        self.asked.append((signer.moment, _has_lists(signer), stamp.moment, _has_lists(stamp)))
        return self._found.pop(0) if len(self._found) > 1 else self._found[0]


def _has_lists(context: Any) -> bool:
    return bool(context.revinfo_manager.crls)


def trust(*, revoked: dict[Any, datetime] | None = None) -> Trust:
    from asn1crypto import crl as asn1

    known = crl(ministry().root, revoked or {}, at=NOW)
    return Trust((ministry().root.asn1,), crls=(asn1.CertificateList.load(known),))


def status(*, stamp: Stamp | None = None, who: Any = None, **how: Any) -> Status:
    if stamp is not None and stamp.signing_cert is None:
        stamp.signing_cert = ministry().stamper.asn1
    return Status(timestamp_validity=stamp, signing_cert=(who or ministry().signer).asn1, **how)


def asked(validator: Validator, *, proven: datetime | None = None, known: Trust | None = None) -> Facts:
    return asyncio.run(facts_of(validator, known or trust(), NOW, proven))


def test_without_a_stamp_the_certificate_is_judged_now() -> None:
    found = status()
    validator = Validator(found)
    told = asked(validator)
    assert (told.status, told.moment, told.stamp, told.problem, told.stamp_revoked) == (found, NOW, None, "", False)
    assert validator.asked == [(NOW, True, NOW, True)]


def test_a_stamp_of_the_document_has_no_stamp_of_its_own() -> None:
    bare: Any = SimpleNamespace(
        intact=True, valid=True, trusted=True, revoked=False, signing_cert=ministry().signer.asn1,
        trust_problem_indic=None,
    )  # fmt: skip
    told = asked(Validator(bare))
    assert (told.stamp, told.claimed, told.moment, told.problem) == (None, None, NOW, "")


def test_a_later_stamp_of_the_document_moves_it_back_and_never_forth() -> None:
    validator = Validator(status())
    assert asked(validator, proven=NOW - YEAR).moment == NOW - YEAR
    assert validator.asked == [(NOW - YEAR, True, NOW - YEAR, True)]
    assert asked(Validator(status()), proven=NOW + YEAR).moment == NOW


def test_its_own_stamp_moves_it_back_and_the_stamp_is_judged_now() -> None:
    first, second = status(stamp=Stamp(NOW - YEAR / 2)), status(stamp=Stamp(NOW - YEAR / 2))
    validator = Validator(first, second)
    told = asked(validator)
    assert validator.asked == [(NOW, True, NOW, True), (NOW - YEAR / 2, True, NOW, True)]
    assert told.moment == NOW - YEAR / 2
    assert told.status is second
    assert told.stamp is first.timestamp_validity
    assert (told.problem, told.stamp_revoked) == ("", False)


@pytest.mark.parametrize(
    "stamp",
    [
        Stamp(NOW),
        Stamp(NOW + SECOND),
        Stamp(NOW - YEAR / 2, trusted=False, revoked=True),
        Stamp(NOW - YEAR / 2, intact=False),
        Stamp(NOW - YEAR / 2, valid=False),
    ],
)
def test_a_stamp_that_is_not_believed_or_not_earlier_moves_nothing(stamp: Stamp) -> None:
    validator = Validator(status(stamp=stamp))
    told = asked(validator)
    assert told.moment == NOW
    assert told.stamp is stamp
    assert len(validator.asked) == 1


def test_a_revoked_authority_proves_no_time() -> None:
    known = trust(revoked={ministry().stamper.certificate: NOW - YEAR})
    validator = Validator(status(stamp=Stamp(NOW - YEAR / 2)))
    told = asked(validator, known=known)
    assert (told.moment, told.stamp_revoked, told.stamp_trusted) == (NOW, True, False)
    later = trust(revoked={ministry().stamper.certificate: NOW + YEAR})
    assert asked(validator, known=later).stamp_revoked is False
    moved = asked(Validator(status(stamp=Stamp(NOW - YEAR / 2))), known=known, proven=NOW - 2 * YEAR)
    assert moved.stamp_revoked is False, "it was good at the time that a later stamp proves"


def test_a_certificate_that_was_revoked_later_was_good_then() -> None:
    known = trust(revoked={ministry().signer.certificate: NOW - SECOND})
    assert asked(Validator(status()), known=known).problem == "revoked"
    assert asked(Validator(status(stamp=Stamp(NOW - MINUTE))), known=known).problem == ""
    early = trust(revoked={ministry().signer.certificate: NOW - 2 * MINUTE})
    assert asked(Validator(status(stamp=Stamp(NOW - MINUTE))), known=early).problem == "revoked"


def test_the_problem_is_that_of_the_moment() -> None:
    short = holder("X", ministry().root, start=NOW - YEAR, end=NOW - MINUTE)
    ended = {"trusted": False, "trust_problem_indic": AdESIndeterminate.OUT_OF_BOUNDS_NO_POE}
    assert asked(Validator(status(who=short, **ended))).problem == "expired"
    good = status(who=short, stamp=Stamp(NOW - YEAR / 2))
    first, second = (status(who=short, stamp=Stamp(NOW - YEAR / 2), **ended) for _ in range(2))
    assert asked(Validator(first, second, good)).problem == ""


# --- data on revocation that does not count


def test_data_that_does_not_count_is_left_out() -> None:
    bad = status(trusted=False)
    validator = Validator(bad, good := status())
    assert asked(validator).status is good
    assert validator.asked == [(NOW, True, NOW, True), (NOW, False, NOW, True)]


@pytest.mark.parametrize(
    ("own", "stamp", "again"),
    [
        ({"trusted": True}, None, None),
        ({"trusted": False, "revoked": True}, None, None),
        ({"trusted": False}, None, (False, True)),
        ({"trusted": True}, {"trusted": True}, None),
        ({"trusted": True}, {"trusted": False, "revoked": True}, None),
        ({"trusted": True}, {"trusted": False}, (True, False)),
        ({"trusted": False}, {"trusted": True}, (False, True)),
        ({"trusted": False, "revoked": True}, {"trusted": False}, (True, False)),
        ({"trusted": False}, {"trusted": False}, (False, False)),
    ],
)
def test_only_what_is_neither_trusted_nor_revoked_is_asked_again(
    own: dict[str, bool], stamp: dict[str, bool] | None, again: tuple[bool, bool] | None
) -> None:
    validator = Validator(status(stamp=None if stamp is None else Stamp(**stamp), **own))
    asked(validator)
    expected = [(NOW, True, NOW, True)]
    if again is not None:
        expected.append((NOW, again[0], NOW, again[1]))
    assert validator.asked == expected


def test_what_is_not_told_speaks_for_a_file_that_is_whole() -> None:
    whole = Surroundings(
        covers_all=True,
        issued=False,
        changes=(),
        docmdp_allows=True,
        suspects=(),
        is_duplicate=False,
        is_well_formed=True,
    )
    assert Surroundings() == whole
    assert Facts(Any, NOW, None, "").stamp_revoked is False  # type: ignore[arg-type]
