"""Which store the copies go to."""

import pytest

from ged.errors import ConfigError
from web.wiring import s3_stores

LETTERS = {"GED_S3_ENDPOINT": "https://letters.example", "GED_S3_ACCESS_KEY": "ged", "GED_S3_SECRET_KEY": "s"}


def endpoint_with(monkeypatch: pytest.MonkeyPatch, **own: str) -> str:
    for name, value in (LETTERS | own).items():
        monkeypatch.setenv(name, value)
    return s3_stores.place_of_copies(None, "s3://copies").endpoint


def test_copies_go_to_the_store_of_the_letters_where_no_other_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert endpoint_with(monkeypatch) == "https://letters.example"
    whole = {"ENDPOINT": "https://copies.example", "ACCESS_KEY": "copies", "SECRET_KEY": "s"}
    own = {f"GED_BACKUP_S3_{name}": value for name, value in whole.items()}
    assert endpoint_with(monkeypatch, **own) == "https://copies.example"


@pytest.mark.parametrize("name", ["ENDPOINT", "SECRET_KEY", "ACCESS_KEY"])
def test_half_of_an_access_of_the_copies_never_leads_to_the_letters(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(ConfigError, match=r"backup\.not_set"):
        endpoint_with(monkeypatch, **{f"GED_BACKUP_S3_{name}": "https://copies.example"})
