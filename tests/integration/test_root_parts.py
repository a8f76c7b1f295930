"""The root's key in the hands of two: any two of three parts open it, one opens nothing, and the terminal asks who types them."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from ged.audit import AuditEntry
from ged.errors import ConfigError, Invalid
from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.org.passwords import hash_password
from ged.unit import Role
from signing import root_parts
from signing.pki import OfflineRoot
from tests.terminal_kit import Terminal
from tests.worker_kit import Installation
from web.commands import main
from web.wiring import root_parts as wired
from web.wiring.authority import create_authority

pytestmark = pytest.mark.in_turns(3)

WORDS = "une racine bien gardée"
PASSWORD = "un mot de passe pour deux"
Split = tuple[Installation, Path, dict[str, str]]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Installation, Path]]:
    house, root = Installation.make(tmp_path), tmp_path / "medium"
    now = datetime.now(UTC)
    create_authority(house.settings, organisation="Ministère d'essai", now=now, root=root, passphrase=WORDS)
    with house.services.unit_of_work(now) as uow:
        unit = uow.session.scalars(select(Unit.id).order_by(Unit.id)).first()
        post = Post(code="ADM2", title="Administration 2", unit_id=unit, roles=[PostRole(role=Role.ADMINISTRATOR)])
        person = Person(account="admin2", name="Admin Deux", clearance=0)
        uow.session.add_all([post, person])
        uow.session.flush()
        uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))
        uow.session.execute(update(Person).values(password_hash=hash_password(PASSWORD)))
    yield house, root
    house.close()


def split(root: Path, passphrase: str = WORDS, holders: tuple[str, str] = ("sg", "admin")) -> dict[str, str]:
    """Split the key; the three parts as they were told."""
    told: dict[str, str] = {}

    def tell(letter: str, text: str, _is_again: bool) -> str:
        told[letter] = text
        return text.lower().replace("-", " ")

    wired.split(root, passphrase, holders, tell=tell)
    return told


def run(house: Installation, root: Path, *typed: str, command: str = "root-crl") -> tuple[int, str]:
    env: dict[str, str | None] = {name: None for name in os.environ if name.startswith("GED_")}
    env["GED_ENV_FILE"] = str(house.env_file)
    lines = "".join(f"{line}\n" for line in typed)
    done = CliRunner(env=env).invoke(main, ["pki", command, "--root", str(root)], input=lines)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_any_two_parts_open_the_key_and_one_opens_nothing(made: tuple[Installation, Path]) -> None:
    _house, root = made
    told = split(root)
    parts = wired.parts_of(root)
    assert parts is not None
    words = {parts.passphrase(told[one], told[other]) for one, other in ("AB", "BA", "AC", "BC")}
    assert len(words) == 1
    OfflineRoot(root, words.pop()).open()
    with pytest.raises(Invalid, match=r"authority\.root_passphrase"):
        OfflineRoot(root, WORDS).open()
    with pytest.raises(Invalid, match=r"root\.part_twice"):
        parts.passphrase(told["A"], told["A"].lower())
    with pytest.raises(Invalid, match=r"root\.part_wrong"):
        parts.passphrase(told["A"], told["B"][:-1] + ("2" if told["B"][-1] != "2" else "3"))
    strange = root_parts.make("sg", "admin").texts
    with pytest.raises(Invalid, match=r"root\.part_wrong"):
        parts.passphrase(told["A"], strange["B"])
    content = (root / root_parts.FILE).read_text()
    assert not any(text.replace("-", "")[1:20] in content for text in told.values())


def test_holders_that_somebody_changed_open_nothing(made: tuple[Installation, Path]) -> None:
    _house, root = made
    told = split(root)
    place = root / root_parts.FILE
    content = json.loads(place.read_text())
    content["holders"]["B"] = "sg"
    place.write_text(json.dumps(content))
    parts = wired.parts_of(root)
    assert parts is not None
    with pytest.raises(Invalid, match=r"root\.part_wrong"):
        parts.passphrase(told["A"], told["B"])
    place.write_text("{}")
    with pytest.raises(ConfigError, match=r"root\.parts_damaged"):
        wired.parts_of(root)


def wrongly_written_c(letter: str, text: str, _is_again: bool) -> str:
    return text if letter != "C" else text[:-2] + ("33" if text[-2:] == "22" else "22")


def test_a_part_that_was_written_wrongly_changes_nothing(made: tuple[Installation, Path]) -> None:
    _house, root = made
    with pytest.raises(Invalid, match=r"root\.part_wrong"):
        wired.split(root, WORDS, ("sg", "admin"), tell=wrongly_written_c)
    assert wired.parts_of(root) is None
    OfflineRoot(root, WORDS).open()


@pytest.mark.parametrize("at", [1, 2])
def test_interrupted_one_way_opens_the_key(
    made: tuple[Installation, Path], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """The power goes after the new parts are written, or after the key is."""
    _house, root = made
    told = split(root)
    first = wired.parts_of(root)
    assert first is not None
    words = first.passphrase(told["A"], told["B"])
    real, calls = root_parts.replace_file, []

    def cut(path: Path, content: bytes, *, mode: int | None = None) -> None:
        if len(calls) == at:
            raise OSError("power")
        calls.append(path)
        real(path, content, mode=mode)
        if at == 2 and path.name == "root.key":
            raise OSError("power")

    monkeypatch.setattr(root_parts, "replace_file", cut)
    again: dict[str, str] = {}
    with pytest.raises(OSError, match="power"):
        wired.split(root, words, ("sg", "admin"), tell=lambda letter, text, _is_again: again.setdefault(letter, text))
    parts = wired.parts_of(root)
    assert parts is not None
    known = told if at == 1 else again
    OfflineRoot(root, parts.passphrase(known["A"], known["C"])).open()


def test_the_terminal_asks_two_people_for_their_own_parts(made: tuple[Installation, Path]) -> None:
    house, root = made
    assert run(house, root, WORDS)[0] == 0, "before the split the passphrase alone serves"
    told = split(root)
    sg, admin = ("sg", PASSWORD, told["A"]), ("admin", PASSWORD, told["B"])
    ended, said = run(house, root, *sg, *admin)
    assert ended == 0, said
    assert told["A"] not in said
    with house.services.reading() as session:
        used = session.scalars(select(AuditEntry).where(AuditEntry.action == "authority.root_used")).all()
    assert len(used) == 1
    for typed, refusal in (
        ((*sg, "sg", PASSWORD, told["C"]), "root.not_holder"), ((*sg, "admin", "faux"), "session.refused"),
        ((*sg, "admin2", PASSWORD, told["B"]), "root.not_holder"), (("dge", PASSWORD, told["A"]), "root.not_holder"),
        ((*admin, "admin", PASSWORD, told["C"]), "machine.one_person"), ((*sg, "agent", PASSWORD, told["C"]), "root.not_holder"),
    ):  # fmt: skip
        ended, said = run(house, root, *typed)
        assert ended == 1
        assert refusal in said
    ended, said = run(house, root, *sg, "admin2", PASSWORD, told["C"], command="renew")
    assert ended == 0, f"with the envelope where one is missing: {said}"


def test_cut_twice_in_a_row_one_way_still_opens_the_key(
    made: tuple[Installation, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A split was cut before its parts got their name; the next one is cut before it writes the key."""
    _house, root = made
    told = split(root)
    (root / root_parts.FILE).rename(root / root_parts.NEW)
    parts = wired.parts_of(root)
    assert parts is not None
    real = root_parts.replace_file

    def cut(path: Path, content: bytes, *, mode: int | None = None) -> None:
        if path.name == "root.key":
            raise OSError("power")
        real(path, content, mode=mode)

    monkeypatch.setattr(root_parts, "replace_file", cut)
    with pytest.raises(OSError, match="power"):
        split(root, parts.passphrase(told["A"], told["B"]))
    parts = wired.parts_of(root)
    assert parts is not None, "or nobody would open the root ever again"
    OfflineRoot(root, parts.passphrase(told["B"], told["C"])).open()


def test_a_slip_of_the_hand_is_typed_again(made: tuple[Installation, Path]) -> None:
    house, root = made
    told = split(root)
    ended, said = run(house, root, "sg", PASSWORD, told["A"][:-1], told["A"], "admin", PASSWORD, told["B"])
    assert ended == 0, said
    assert "mistyped" in said
    ended, said = run(house, root, "sg", PASSWORD, *["A-2"] * wired.TRIES, told["A"])
    assert (ended, "root.part_wrong" in said) == (1, True)


def test_where_both_holders_have_left_administrators_type_their_parts(made: tuple[Installation, Path]) -> None:
    house, root = made
    told = split(root, holders=("sg", "dge"))
    first, second = ("admin", PASSWORD, told["A"]), ("admin2", PASSWORD, told["B"])
    ended, said = run(house, root, *first, *second)
    assert (ended, "root.not_holder" in said) == (1, True), "while the account is open its holder alone types it"
    with house.services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(update(Person).where(Person.account.in_(["sg", "dge"])).values(is_active=False))
    ended, said = run(house, root, *first, "agent", PASSWORD, told["B"])
    assert (ended, "root.not_holder" in said) == (1, True), "and then not anybody"
    ended, said = run(house, root, *first, *second)
    assert ended == 0, said


def test_each_sees_the_own_part_alone(made: tuple[Installation, Path]) -> None:
    """At a real terminal: between two people, and after the last one, the screen holds no part, nor does what it has kept."""
    house, root = made
    assert run(house, root, command="split")[0] == 2, "parts are not told into a file or a pipe"
    shown: list[str] = []
    terminal = Terminal(["pki", "split", "--root", str(root)], {"GED_ENV_FILE": str(house.env_file)})
    terminal.answer("Passphrase of the root", WORDS)
    for which, account in (("First", "sg"), ("Second", "admin")):
        terminal.answer(f"{which} person: account", account)
        terminal.answer(f"Password of {account}", PASSWORD)
    for letter in "ABC":
        terminal.answer("Press a key.", "")
        shown.append(terminal.told(rf"({letter}(?:-[2-9A-Z]{{5}}){{7}})"))
        terminal.answer("then press a key.", "")
        terminal.answer(f"Type part {letter} from the paper", shown[-1].lower() if letter != "A" else "A-22222")
        if letter == "A":
            terminal.answer("Compare the paper with the screen", "")
            terminal.answer("Type part A from the paper", shown[-1])
    assert terminal.end() == 0
    for part in shown:
        assert part.lower() not in terminal.stays().lower()
    assert "Type part" not in terminal.stays()
    parts = wired.parts_of(root)
    assert parts is not None
    OfflineRoot(root, parts.passphrase(shown[0], shown[2])).open()


def test_split_anew_the_earlier_parts_open_nothing(made: tuple[Installation, Path]) -> None:
    _house, root = made
    told = split(root)
    parts = wired.parts_of(root)
    assert parts is not None
    new = split(root, parts.passphrase(told["A"], told["C"]), ("sg", "admin2"))
    parts = wired.parts_of(root)
    assert parts is not None
    with pytest.raises(Invalid, match=r"root\.part_wrong"):
        parts.passphrase(told["A"], told["B"])
    OfflineRoot(root, parts.passphrase(new["B"], new["C"])).open()
