"""The destruction of a letter whose files lie in an S3 store: with versions, under a lock, under the bucket's own rule, interrupted."""

import io
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ged import destroyed
from ged.adapters import blobs_s3
from ged.adapters.blobs_s3 import S3Blobs
from ged.adapters.s3 import Bucket
from ged.adapters.s3_wire import Lock, Place
from ged.errors import EngineFailed, Invalid
from ged.ports import Digest
from ged.unit import Services
from ged.verify import verify
from tests import s3_kit
from tests.destroyed_kit import (
    carry_out,
    confirm,
    decided,
    digests,
    keyed,
    keyring_of,
    left_over,
    letter,
    lose,
    over,
    propose,
    stored_in_clear,
)
from tests.factories import NOW, make_organisation, make_services
from tests.together_kit import together

pytestmark = [pytest.mark.servers, pytest.mark.in_turns(3)]


@pytest.fixture
def made(tmp_path: Path) -> "Callable[[Place], Services]":
    def make(place: Place) -> Services:
        services = keyed(make_services(tmp_path), tmp_path, place)
        make_organisation(services)
        return services

    return make


def held(place: Place) -> list[tuple[str, str]]:
    """(key, version) of whatever the bucket still has, marks of removals and earlier versions too."""
    with s3_kit.bare(place) as bare:
        told = bare.list_object_versions(Bucket=place.bucket)
    found = [*told.get("Versions", ()), *told.get("DeleteMarkers", ())]
    return [(one["Key"].removeprefix(place.prefix), one["VersionId"]) for one in found]


def of_files(place: Place, digest: Digest) -> list[str]:
    return [version for key, version in held(place) if key == f"{digest[:2]}/{digest[2:4]}/{digest}"]


def lifted(place: Place) -> None:
    """End the lock of everything that the store holds. Returns when it has ended."""
    ends = datetime.now(UTC) + timedelta(seconds=1)  # no store takes a moment that is past
    with s3_kit.bare(place) as bare:
        for one in bare.list_object_versions(Bucket=place.bucket).get("Versions", ()):
            with suppress(bare.exceptions.ClientError):  # what has no lock gets none
                bare.put_object_retention(
                    Bucket=place.bucket, Key=one["Key"], VersionId=one["VersionId"], BypassGovernanceRetention=True,
                    Retention={"Mode": "GOVERNANCE", "RetainUntilDate": ends},
                )  # fmt: skip
    while datetime.now(UTC) <= ends + timedelta(seconds=0.2):
        time.sleep(0.05)


def is_done(services: Services, mail: int) -> bool:
    with services.reading() as session:
        found = destroyed.of_letter(session, mail)
    assert found is not None
    return found.done_at is not None


def test_no_version_of_its_files_stays(made: "Callable[[Place], Services]") -> None:
    place = s3_kit.new_place(s3_kit.store_url(), versioned=True)
    services = made(place)
    gone, stays = letter(services, "Périmée", b"one", b"two"), letter(services, "Gardée", b"three")
    decided(services, [gone])
    assert carry_out(services) == 1
    (kept,) = digests(services, stays)
    assert [key.rpartition("/")[2] for key, _ in held(place)] == [kept]
    assert verify(services, now=NOW).problems == ()
    services.engine.dispose()


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_what_the_store_keeps_under_a_lock_is_read_by_nobody(
    made: "Callable[[Place], Services]", tmp_path: Path, mode: str
) -> None:
    place = s3_kit.new_place(s3_kit.store_url(), lock=Lock(mode, 1))  # type: ignore[arg-type]
    services = made(place)
    gone, stays = letter(services, "Périmée"), letter(services, "Gardée")
    decided(services, [gone])
    (digest,) = digests(services, gone)
    assert carry_out(services) == 1
    assert is_done(services, gone)
    assert not services.blobs.exists(digest)
    assert keyring_of(tmp_path).without_key({digest}) == {digest}
    assert of_files(place, digest), "the bytes are there until the lock ends"
    with s3_kit.bare(place) as bare:
        key = f"{place.prefix}{digest[:2]}/{digest[2:4]}/{digest}"
        raw = bare.list_object_versions(Bucket=place.bucket, Prefix=key)["Versions"][0]["VersionId"]
        bytes_left = bare.get_object(Bucket=place.bucket, Key=key, VersionId=raw)["Body"].read()
    assert "page de Périmée".encode() not in bytes_left
    assert services.blobs.verify(*digests(services, stays))
    assert left_over(services) == []
    assert verify(services, now=NOW).problems == ()
    services.engine.dispose()


def test_clear_bytes_under_a_lock_are_told_before_it_is_decided(
    made: "Callable[[Place], Services]",
) -> None:
    """They were encrypted since; the earlier version is clear, and nobody can remove it yet."""
    place = s3_kit.new_place(s3_kit.store_url(), lock=Lock("GOVERNANCE", 1))
    services = made(place)
    gone = letter(services, "Périmée")
    (digest,) = digests(services, gone)
    lifted(place)
    lose(services, digest)
    assert stored_in_clear(services, "page de Périmée".encode()) == digest
    assert isinstance(services.blobs, S3Blobs)
    with pytest.raises(EngineFailed, match=r"store\.locked"):
        services.blobs.encrypt(digest)
    over(services, [gone])
    with pytest.raises(Invalid, match=r"disposal\.in_clear"):
        propose(services)
    lifted(place)
    confirm(services, propose(services))
    assert carry_out(services) == 1
    assert of_files(place, digest) == []
    services.engine.dispose()


def test_clear_bytes_that_came_under_a_lock_meanwhile_wait_and_stop_no_other(
    made: "Callable[[Place], Services]", caplog: pytest.LogCaptureFixture
) -> None:
    place = s3_kit.new_place(s3_kit.store_url(), lock=Lock("GOVERNANCE", 1))
    services = made(place)
    waits, other = letter(services, "Périmée"), letter(services, "Autre")
    (digest,) = digests(services, waits)
    decided(services, [waits, other])
    with s3_kit.bare(place) as bare:  # another program, without a keyring
        until = datetime.now(UTC) + timedelta(days=1)
        bare.put_object(
            Bucket=place.bucket, Key=f"{place.prefix}{digest[:2]}/{digest[2:4]}/{digest}", Body=b"clear",
            ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until,
        )  # fmt: skip
    caplog.set_level("INFO")
    assert carry_out(services) == 1
    assert (is_done(services, waits), is_done(services, other)) == (False, True)
    assert f"destroy.waits mail={waits}" in caplog.text
    lifted(place)
    assert carry_out(services) == 1
    assert is_done(services, waits)
    services.engine.dispose()


def test_under_a_rule_of_the_bucket_a_second_try_is_not_refused_for_ever(
    made: "Callable[[Place], Services]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule locks our marks too: removed, they are hidden only, and some stores take a hidden name for one that is there."""
    place = s3_kit.new_place(s3_kit.store_url(), lock=Lock("GOVERNANCE", 1))
    with s3_kit.bare(place) as bare:
        rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
        bare.put_object_lock_configuration(
            Bucket=place.bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )
    services = made(replace(place, lock=None))
    gone = letter(services, "Périmée")
    (digest,) = digests(services, gone)
    assert not services.blobs.discard(digest, written_before=datetime.now(UTC) - timedelta(days=1)), "it is new"
    decided(services, [gone])
    assert carry_out(services) == 0, "a mark was there a moment ago"
    assert not is_done(services, gone)
    monkeypatch.setattr(blobs_s3, "GOING_S", -5.0)
    assert carry_out(services) == 1
    assert is_done(services, gone)
    assert left_over(services) == []
    services.engine.dispose()


@pytest.mark.parametrize("versioned", [False, True])
def test_of_two_who_find_a_mark_that_was_left_one_goes_on(
    made: "Callable[[Place], Services]", monkeypatch: pytest.MonkeyPatch, versioned: bool
) -> None:
    place = s3_kit.new_place(s3_kit.store_url(), versioned=versioned)
    services = made(place)
    assert isinstance(services.blobs, S3Blobs)
    blobs = services.blobs
    for n in range(3):
        digest = services.blobs.put(io.BytesIO(f"left {n}".encode())).digest
        assert blobs._mark_as_going(digest)
        assert not blobs._mark_as_going(digest), "it may still be at work"
        with monkeypatch.context() as later:
            later.setattr(blobs_s3, "GOING_S", -5.0)
            found = blobs._bucket.head(f"going/{digest}")
            later.setattr(Bucket, "head", lambda _bucket, _key, found=found: found)  # both have found the same one
            results = together(
                lambda digest=digest: blobs._mark_as_going(digest), lambda digest=digest: blobs._mark_as_going(digest)
            )  # type: ignore[misc]
        assert sorted(map(bool, results)) == [False, True]
    services.engine.dispose()
