"""An address that names several PostgreSQL servers, read without any of them."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine

from ged import slots, standby
from ged.slots import Slots

SEVERAL = "?host=db1,db2&port=5432,5433"
REPEATED = "?host=db1:5432&host=db2:5433"


@pytest.mark.parametrize("hosts", [SEVERAL, REPEATED])
def test_programs_of_postgresql_get_all_servers_and_no_password(hosts: str) -> None:
    """libpq takes the last of repeated hosts alone: a backup would have asked the standby."""
    engine = create_engine(f"postgresql+psycopg://ged:word@/name{hosts}&sslmode=verify-full")
    address = standby.libpq_address(engine)
    assert address.startswith("postgresql://ged@/name?")
    assert {"host=db1%2Cdb2", "port=5432%2C5433", "sslmode=verify-full"} <= set(address.partition("?")[2].split("&"))
    assert "word" not in address


@pytest.mark.parametrize("hosts", [SEVERAL, REPEATED])
def test_where_a_standby_is_named_a_silent_server_is_given_up_sooner(hosts: str) -> None:
    assert standby.arguments(f"postgresql+psycopg://ged@/name{hosts}")["connect_timeout"] == standby.CONNECT_TO_ONE_S
    alone = standby.arguments("postgresql+psycopg://ged@db1/name?tcp_user_timeout=60000")
    assert alone["connect_timeout"] == standby.CONNECT_S
    assert "tcp_user_timeout" not in alone, "what the address says stays"


def test_the_address_of_a_server_goes_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """libpq takes the first name with the first address: to turn the names alone would ask the old server for the new one's certificate."""
    engine = create_engine("postgresql+psycopg://ged@/name?host=db1,db2&hostaddr=192.0.2.1,192.0.2.2&port=5432,5433")
    asked: list[dict[str, object]] = []

    def answered(**named: object) -> object:
        asked.append(named)
        return SimpleNamespace(info=SimpleNamespace(host="db2", port=5433), close=lambda: None)

    monkeypatch.setattr(standby, "_accepting", {})
    monkeypatch.setattr(standby, "_timeline_of", lambda *_: ("", 0))
    monkeypatch.setattr(engine.dialect, "connect", answered)
    standby.connect(engine, {})
    standby.connect(engine, {})
    assert [(one["host"], one["hostaddr"], one["port"]) for one in asked] == [
        ("db1,db2", "192.0.2.1,192.0.2.2", "5432,5433"),
        ("db1", "192.0.2.1", "5432"),
        ("db2,db1", "192.0.2.2,192.0.2.1", "5433,5432"),
    ]
    assert {"host=db1%2Cdb2", "hostaddr=192.0.2.1%2C192.0.2.2"} <= set(
        standby.libpq_address(engine).partition("?")[2].split("&")
    )


def test_servers_that_are_named_by_address_alone_are_several(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgresql+psycopg://ged@/name?hostaddr=192.0.2.1,192.0.2.2"
    assert standby.arguments(address)["connect_timeout"] == standby.CONNECT_TO_ONE_S
    engine = create_engine(address)
    asked: list[tuple[object, object]] = []

    def away(**named: object) -> object:
        asked.append((named.get("host"), named["hostaddr"]))
        raise engine.dialect.loaded_dbapi.Error

    monkeypatch.setattr(engine.dialect, "connect", away)
    assert [one.name for one in standby.servers_of(engine)] == ["192.0.2.1:5432", "192.0.2.2:5432"]
    assert asked == [(None, "192.0.2.1"), (None, "192.0.2.2")]


def test_each_machine_has_slots_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They share the data folder. A machine that froze with both slots would have stopped the heavy work of all."""
    monkeypatch.setattr("socket.gethostname", lambda: "alpha")
    first = Slots(slots.of_this_machine(tmp_path), 1)
    monkeypatch.setattr("socket.gethostname", lambda: "beta")
    second = Slots(slots.of_this_machine(tmp_path), 1)
    with first.taken(wait_s=0), second.taken(wait_s=0):
        pass
