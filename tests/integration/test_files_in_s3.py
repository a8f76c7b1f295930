"""An installation whose files lie in an S3 store: moved there by a command, checked, encrypted, told by the doctor, and by the site
when the store is away."""

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ged.adapters.blobs_s3 import S3Blobs
from ged.adapters.s3 import Bucket
from ged.adapters.s3_wire import Lock, Place
from ged.config import Settings, load_settings
from ged.errors import ConfigError
from tests import pages, s3_kit
from tests.commands import ged
from tests.doctor_kit import Patient, patient, whole
from tests.factories import SECRET, make_natures, make_organisation, make_services
from tests.scan_site_kit import Site, paired, put_page, upload
from tests.site import build_app
from web.wiring.services import build_services
from web.wiring.stored_files import opened

__all__ = ["patient", "whole"]  # fixtures

pytestmark = pytest.mark.in_turns(3)


def in_settings(patient: Patient, **lines: str) -> None:
    """Write settings into its file; an empty one is removed."""
    kept = [line for line in patient.file.read_text().splitlines() if line.partition("=")[0] not in lines]
    patient.file.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in lines.items() if value)]) + "\n")


def call(patient: Patient, *words: str) -> str:
    done = ged(*words, cwd=None, GED_ENV_FILE=str(patient.file))
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


@pytest.mark.servers
def test_files_are_moved_to_a_bucket_checked_and_brought_back(patient: Patient) -> None:
    place = s3_kit.new_place(s3_kit.store_url())
    digests = [patient.services.blobs.put(io.BytesIO(os.urandom(1000) * n)).digest for n in (1, 300)]
    patient.close()
    in_settings(patient, **s3_kit.access_of(place))
    count = len(list((patient.data / "blobs").glob("??/??/*")))
    assert call(patient, "blobs", "move", "--to", place.address).startswith(f"{count} files copied, 0 were there")
    in_settings(patient, GED_BLOBS=place.address)
    assert call(patient, "blobs", "move", "--to", place.address).startswith(f"0 files copied, {count} were there")
    assert call(patient, "blobs", "check").startswith(f"{count} files encrypted, 0 clear\n0 keys without")
    aside = patient.folder / "aside"
    (patient.data / "blobs").rename(aside)
    services = build_services(load_settings(patient.file))
    assert all(services.blobs.verify(one) for one in digests)
    services.engine.dispose()
    call(patient, "blobs", "rotate")
    assert "blobs: " in call(patient, "verify")
    found = patient.doctor("store")
    assert (found["state"], found["code"]) == ("ok", "ok"), found
    in_settings(patient, GED_BLOBS="")
    assert call(patient, "blobs", "move", "--from", place.address, "--to", "folder").startswith(f"{count} files copied")
    assert sorted(one.name for one in (patient.data / "blobs").glob("??/??/*")) == sorted(
        one.name for one in aside.glob("??/??/*")
    )


@pytest.mark.servers
def test_files_without_a_key_are_counted_not_forgotten(patient: Patient) -> None:
    place = s3_kit.new_place(s3_kit.store_url())
    digest = patient.services.blobs.put(io.BytesIO(b"its key is in a later keyring")).digest
    patient.close()
    in_settings(patient, **s3_kit.access_of(place))
    with opened(load_settings(patient.file)) as (files, keyring):
        keyring.destroy(files.key_of(digest) or b"")
    done = ged("blobs", "move", "--to", place.address, cwd=None, GED_ENV_FILE=str(patient.file))
    assert done.returncode == 0, done.stderr
    assert "1 files were not copied, they have no key" in done.stderr


@pytest.mark.servers
def test_the_doctor_says_what_is_wrong_with_a_store(patient: Patient) -> None:
    assert patient.doctor("store")["code"] == "not_set"
    place = s3_kit.new_place(s3_kit.store_url())
    in_settings(patient, GED_BLOBS=place.address, **s3_kit.access_of(place))
    for wrong, code in (
        ({"GED_S3_SECRET_KEY": "wrong"}, "refused"),
        ({"GED_BLOBS": "s3://not-there"}, "refused"),
        ({"GED_S3_ENDPOINT": "http://127.0.0.1:9"}, "refused"),
        ({"GED_S3_LOCK": "compliance 30"}, "no_lock"),
    ):
        in_settings(patient, GED_BLOBS=place.address, GED_S3_LOCK="", **s3_kit.access_of(place))
        in_settings(patient, **wrong)
        found = patient.doctor("store")
        assert (found["state"], found["code"]) == ("fault", code), found


@pytest.mark.servers
def test_the_doctor_names_the_rights_that_are_lacking_to_see_locks(patient: Patient) -> None:
    place = s3_kit.new_place(s3_kit.store_url(), lock=Lock("GOVERNANCE", 1))
    with s3_kit.line_to(place.endpoint) as line:
        in_settings(patient, GED_BLOBS=place.address, **(s3_kit.access_of(place) | {"GED_S3_ENDPOINT": line.url}))
        assert patient.doctor("store")["code"] == "ok"
        line.forbidden = b"legal-hold"
        found = patient.doctor("store")
        assert (found["state"], found["code"]) == ("warning", "unseen_lock"), found
        assert "s3:GetObjectLegalHold" in str(found)
        line.forbidden = b"versionId="
        assert patient.doctor("store")["code"] == "refused"


def test_a_bucket_that_locks_by_a_rule_of_its_own_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket(Place("letters", "ged/", "http://127.0.0.1:9", "us-east-1", "a", "b"))
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}
    for told, locks in (
        ({}, False),
        ({"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}, False),
        ({"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": rule}}, True),
        (None, True),  # we may not ask
    ):
        monkeypatch.setattr(bucket, "_asked", lambda _call, told=told, **_named: told)
        assert bucket.locks_all() is locks, told


@pytest.mark.servers
def test_small_texts_are_files_in_a_bucket_that_locks_by_a_rule_of_its_own(patient: Patient) -> None:
    place = s3_kit.new_place(s3_kit.store_url(), lock=Lock("GOVERNANCE", 1))
    in_settings(patient, GED_BLOBS=place.address, **s3_kit.access_of(place))
    with opened(load_settings(patient.file)) as (files, _keyring):
        assert files.sealed([b"before the rule"]) is not None
        rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
        with s3_kit.bare(place) as bare:
            bare.put_object_lock_configuration(Bucket=place.bucket, ObjectLockConfiguration=rule)
        assert files.sealed([b"under the rule"]) is None


def test_half_a_store_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ged.env"
    base = "GED_SECRET=" + "x" * 40 + "\nGED_BLOBS=s3://bucket/ged\n"
    keys = "GED_S3_ACCESS_KEY=a\nGED_S3_SECRET_KEY=b\n"
    for lines, setting in (
        (base, "GED_S3_ACCESS_KEY"),
        (base + keys + "GED_S3_LOCK=governance 30\n", "GED_S3_LOCK"),
        (base + keys + "GED_S3_ENDPOINT=http://store.example\n", "GED_S3_ENDPOINT"),
        (base.replace("s3://", "https://") + keys, "GED_BLOBS"),
    ):
        file.write_text(lines)
        with pytest.raises(ConfigError) as refused:
            load_settings(file, alone=True)
        assert refused.value.params["setting"] == setting
    file.write_text(base + keys)
    assert load_settings(file, alone=True).blobs == "s3://bucket/ged"


@pytest.mark.servers
def test_what_is_handed_in_while_the_store_is_away_is_refused_to_be_sent_again(tmp_path: Path) -> None:
    """A bridge keeps a page whose upload was answered by 503 (``scanner_bridge.api``), and sends it again."""
    place = s3_kit.new_place(s3_kit.store_url())
    with s3_kit.line_to(place.endpoint) as line:
        services = make_services(tmp_path)
        make_organisation(services)
        make_natures(services)
        services = replace(services, blobs=S3Blobs(Bucket(replace(place, endpoint=line.url)), tmp_path / "sending"))
        site = Site(services, build_app(services, Settings(data_dir=tmp_path, secret=SECRET)))  # type: ignore[arg-type]
        bridge, page = paired(site), pages.png("Lettre")
        site.app.test_client().put("/api/bridge/batch/batch-1", json={}, headers=bridge)
        line.refuse = True
        away = put_page(site, bridge, "batch-1", "p1", page)
        assert (away.status_code, away.json["error"]["code"]) == (503, "store.away")
        assert not list((tmp_path / "sending").iterdir())
        shown = upload(site.browser("agent"), (page, "lettre.png"))
        assert shown.status_code == 503
        assert "Le stockage des fichiers ne répond pas" in shown.text
        line.refuse = False
        assert put_page(site, bridge, "batch-1", "p1", page).status_code in {200, 201}
        assert upload(site.browser("agent"), (page, "lettre.png")).status_code == 200
        assert [services.blobs.verify(one) for one, _ in services.blobs.digests()] == [True]
        services.engine.dispose()
