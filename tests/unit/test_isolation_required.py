"""A production server does not start where its parsers could read the server's data."""

from pathlib import Path

import pytest

import sandbox
from ged.errors import ConfigError
from sandbox import NONE, Isolation, Kind
from tests.site import make_settings
from web.wiring.isolation import require_isolation

SERVERS = {
    "database_url": "postgresql+psycopg://127.0.0.1/ged",
    "redis_url": "redis://127.0.0.1/0",
    "elasticsearch_url": "http://127.0.0.1:9200",
}
HTTPS = {"public_url": "https://courrier.example"}


@pytest.fixture
def nothing_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "chosen", lambda: NONE)


@pytest.mark.usefixtures("nothing_holds")
@pytest.mark.parametrize("shape", [HTTPS, SERVERS], ids=["https", "servers"])
def test_without_any_isolation_production_does_not_start(tmp_path: Path, shape: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as refused:
        require_isolation(make_settings(tmp_path, **shape))
    assert refused.value.code == "parsers.open"
    assert "bubblewrap" in refused.value.remedy


@pytest.mark.usefixtures("nothing_holds")
def test_a_trial_or_an_explicit_setting_starts_and_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    require_isolation(make_settings(tmp_path))
    require_isolation(make_settings(tmp_path, **HTTPS, open_parsers="accepted"))
    assert [record.message.split(":")[0] for record in caplog.records] == ["parsers.open", "parsers.open"]


def test_data_among_the_programs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "chosen", lambda: Isolation(Kind.LANDLOCK))
    require_isolation(make_settings(tmp_path, **HTTPS))
    with pytest.raises(ConfigError) as refused:
        require_isolation(make_settings(Path("/usr/share/ged-data"), **HTTPS))
    assert refused.value.code == "parsers.see_data"
