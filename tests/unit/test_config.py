"""Settings that make no sense are refused. The error names the setting and the remedy."""

from pathlib import Path

import pytest

from ged.config import Settings, load_settings
from ged.errors import ConfigError
from scripts import settings_doc

SECRET = "s" * 40
PG = "GED_DATABASE_URL=postgresql+psycopg"
REDIS = "GED_REDIS_URL=redis://127.0.0.1:6379/0"
SEARCH = "GED_ELASTICSEARCH_URL=http://127.0.0.1:9200"


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "ged.env"
    path.write_text("\n".join([f"GED_SECRET={SECRET}", *lines]) + "\n")
    return path


def test_embedded_by_default(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, f"GED_DATA_DIR={tmp_path}"))
    assert settings.embedded
    assert settings.url == f"sqlite:///{tmp_path}/ged.sqlite3"


def test_a_secret_has_no_default() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(None)
    assert caught.value.params["setting"] == "GED_SECRET"


@pytest.mark.parametrize(
    ("lines", "setting", "code"),
    [
        (["GED_REDIS_URL=redis://127.0.0.1/0"], "GED_REDIS_URL", "config.mixture"),
        (["GED_ELASTICSEARCH_URL=http://127.0.0.1:9200"], "GED_ELASTICSEARCH_URL", "config.mixture"),
        (
            ["GED_DATABASE_URL=postgresql+psycopg://x/y", "GED_REDIS_URL=redis://127.0.0.1/0"],
            "GED_ELASTICSEARCH_URL",
            "config.mixture",
        ),
        ([PG + "://localhost/ged"], "GED_REDIS_URL", "config.mixture"),
        ([PG + "://localhost/ged", SEARCH], "GED_REDIS_URL", "config.mixture"),
        (["GED_REDIS=redis://127.0.0.1/0"], "GED_REDIS", "config.unknown"),
        (["GED_OCR_JOBS=none"], "GED_OCR_JOBS", "config.invalid"),
        (["GED_SMTP_URL=mail.example:25"], "GED_SMTP_URL", "config.invalid"),
        (["GED_BACKUP_RECIPIENTS=age1abc"], "GED_BACKUP_RECIPIENTS", "config.invalid"),
        (['GED_SECOND_FACTOR_ROLES=["head", "chief"]'], "GED_SECOND_FACTOR_ROLES", "config.invalid"),
        (
            ["GED_REDIS_URL=redis://jobs.example:6379/0", PG + "://localhost/ged", SEARCH],
            "GED_REDIS_URL",
            "config.unprotected",
        ),
        (
            ["GED_REDIS_URL=rediss://jobs.example/0?ssl_cert_reqs=none", PG + "://localhost/ged", SEARCH],
            "GED_REDIS_URL",
            "config.invalid",
        ),
        (["GED_REDIS_URL=http://jobs.example/0", PG + "://localhost/ged", SEARCH], "GED_REDIS_URL", "config.invalid"),
        (
            ["GED_REDIS_URL=redis://:word@jobs.example:6379/0", PG + "://localhost/ged", SEARCH],
            "GED_REDIS_URL",
            "config.unprotected",
        ),
        (["GED_REDIS_CA=/etc/ged/redis.pem"], "GED_REDIS_CA", "config.invalid"),
        (["GED_SEAL_URL=http://signature.example"], "GED_SEAL_URL", "config.unprotected"),
        ([PG + "://ged@db.example/ged"], "GED_DATABASE_URL", "config.unprotected"),
        ([PG + "://ged@db.example/ged?sslmode=require"], "GED_DATABASE_URL", "config.unprotected"),
        ([PG + "://ged@localhost/ged?host=db.example"], "GED_DATABASE_URL", "config.unprotected"),
        ([PG + "://ged@/ged?host=127.0.0.1:5432,db.example:5432"], "GED_DATABASE_URL", "config.unprotected"),
        ([PG + "://ged@/ged?host=db.example:5432&host=127.0.0.1:5432"], "GED_DATABASE_URL", "config.unprotected"),
        (
            [PG + "://localhost/ged", "GED_ELASTICSEARCH_URL=http://search.example:9200"],
            "GED_ELASTICSEARCH_URL",
            "config.unprotected",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, lines: list[str], setting: str, code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, *lines))
    assert caught.value.code == code
    assert caught.value.params["setting"] == setting
    assert caught.value.remedy


def test_the_secret_is_not_shown(tmp_path: Path) -> None:
    assert SECRET not in repr(load_settings(write(tmp_path)))


@pytest.mark.parametrize(
    "lines",
    [
        [PG + "://ged@db.example/ged?sslmode=verify-full&sslrootcert=/etc/ged/authority.pem", REDIS, SEARCH],
        [PG + "://ged@127.0.0.1:5433/ged", REDIS, SEARCH],
        [PG + "://ged@[::1]/ged", REDIS, SEARCH],
        [PG + ":///ged?host=/run/postgresql", REDIS, SEARCH],
        [PG + "://ged@db.example/ged", 'GED_PROTECTED_HOSTS=["db.example"]', REDIS, SEARCH],
        [PG + "://localhost/ged", "GED_ELASTICSEARCH_URL=https://search.example:9200", REDIS],
        [PG + "://localhost/ged", "GED_ELASTICSEARCH_URL=http://127.0.0.1:9200", REDIS],
        ["GED_SEAL_URL=https://signature.example"],
        ["GED_SMTP_URL=smtps://mail.example"],
    ],
)
def test_a_checked_or_local_link_is_accepted(tmp_path: Path, lines: list[str]) -> None:
    load_settings(write(tmp_path, *lines))


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://:word@[::1]:6379/0",
        "rediss://jobs.example:6380/0",
        "unix:///run/redis.sock",
    ],
)
def test_a_redis_that_is_closed_to_others_is_taken(tmp_path: Path, url: str) -> None:
    given = load_settings(write(tmp_path, f"GED_REDIS_URL={url}", PG + "://localhost/ged", SEARCH))
    assert given.redis_url == url


def test_every_setting_says_what_it_is_for_and_the_page_of_them_is_that_of_today() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
    assert settings_doc.PLACE.read_text(encoding="utf-8") == settings_doc.text(), "python -m scripts.settings_doc"
