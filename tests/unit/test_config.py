"""Settings that make no sense are refused, naming the setting and the remedy."""

from pathlib import Path

import pytest

from ged.config import load_settings
from ged.errors import ConfigError

SECRET = "s" * 40


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
        (["GED_REDIS=redis://127.0.0.1/0"], "GED_REDIS", "config.unknown"),
        (["GED_OCR_JOBS=none"], "GED_OCR_JOBS", "config.invalid"),
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
