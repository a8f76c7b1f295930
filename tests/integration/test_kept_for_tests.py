"""What the tests keep for each other is what they would have made: rows, read pages, authorities, views, and the part of a walk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from ged.ports import PageRef
from ged.register.models import Mail
from ged.unit import Services
from tests import kept_authorities, kept_rows, ocr_pages, registered_once, sample_kit
from tests.factories import make_organisation, make_services
from tests.figure_letters_kit import letter
from tests.kept_pages import KeptPages
from tests.site import open_site


def place(folder: Path) -> Services:
    folder.mkdir()
    services = make_services(folder)
    make_organisation(services)
    return services


def letters(services: Services) -> int:
    with services.reading() as session:
        return session.scalar(select(func.count(Mail.id))) or 0


def test_rows_are_stored_again_over_equal_rows_and_made_anew_over_others(tmp_path: Path) -> None:
    made: list[Services] = []

    def two(services: Services) -> None:
        made.append(services)
        for _ in range(2):
            letter(services)

    first, second, third = (place(tmp_path / name) for name in ("first", "second", "third"))
    letter(third)
    for services in (first, second, third):
        kept_rows.once(services, ("two letters of this test",), lambda services=services: two(services))
    assert made == [first, third]
    assert kept_rows._rows(second) == kept_rows._rows(first)
    letter(second)
    assert [letters(one) for one in (first, second, third)] == [2, 3, 3]
    for services in (first, second, third):
        services.engine.dispose()


def test_a_page_is_read_once_and_its_files_lie_in_each_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = KeptPages(jobs=1)
    page = PageRef(ocr_pages.save(ocr_pages.draw(), tmp_path / "page.png"), "image/png", 0)
    asked: list[object] = []
    ask = engine._sandbox.ask

    def counted(request: dict[str, object], **named: object) -> object:
        asked.append(request["do"])
        return ask(request, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(engine._sandbox, "ask", counted)
    read = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        read.append(engine.recognise([page], languages=["fra"], timeout_s=120, out=tmp_path / name))
    engine.close()
    assert asked.count("page") == 1
    assert read[0].pages[0].text == read[1].pages[0].text != ""
    assert read[1].searchable_pdf.parent == tmp_path / "other"
    assert read[0].searchable_pdf.stat().st_size == read[1].searchable_pdf.stat().st_size


def test_each_case_of_a_walk_is_in_turn_by_its_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"/pages/{n}" for n in range(300)]
    monkeypatch.setattr(sample_kit, "LONG_RUN", False)
    chosen = [name for name in names if sample_kit.in_turn(name, 3)]
    assert 60 < len(chosen) < 140
    assert chosen == [name for name in names if sample_kit.in_turn(name, 3)]
    monkeypatch.setattr(sample_kit, "LONG_RUN", True)
    assert all(sample_kit.in_turn(name, 3) for name in names)


def test_the_turns_of_the_usual_run_take_each_case_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"/pages/{n}" for n in range(300)]
    monkeypatch.setattr(sample_kit, "LONG_RUN", False)
    taken: list[str] = []
    for turn in range(3):
        monkeypatch.setattr(sample_kit, "TURN", turn)
        taken += [name for name in names if sample_kit.in_turn(name, 3)]
        assert len(sample_kit.share("matrix", names, 3)) > 60
    assert sorted(taken) == sorted(names)


def test_a_large_module_runs_in_turns_and_whole_where_no_turn_is_given(tmp_path: Path) -> None:
    module = tmp_path / "test_large.py"
    tests = {f"test_{n}" for n in range(30)}
    module.write_text(
        "\n".join(["import pytest", "pytestmark = pytest.mark.in_turns(3)", *(f"def {one}(): ..." for one in tests)])
    )
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_collection_modifyitems\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    in_turns(of): x\n")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("GED_TEST_", "PYTEST_"))}

    def passed(**turn: str) -> set[str]:
        told = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rp", "-q", str(module)],
            cwd=tmp_path,
            env=plain | {"PYTHONPATH": str(Path(__file__).parents[2])} | turn,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        return {line.split("::")[1] for line in told.splitlines() if line.startswith("PASSED")}

    def chosen(turn: int) -> set[str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sample_kit, "TURN", turn)
            patch.setattr(sample_kit, "LONG_RUN", False)
            return {one for one in tests if sample_kit.in_turn(one, 3)}

    turns = [chosen(turn) for turn in range(3)]
    assert passed() == tests
    assert passed(GED_TEST_TURN="1") == turns[1]
    assert all(turns)
    assert sum(map(len, turns)) == len(tests)
    assert set().union(*turns) == tests


def test_no_turn_leaves_out_a_whole_module_that_has_a_test_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_kit, "LONG_RUN", False)
    alike, now = {f"test_{n}" for n in range(30) if sample_kit.in_turn(f"test_{n}", 3)}, sample_kit.TURN
    two = set(sorted(alike)[:2])
    assert (sample_kit.tests_in_turn(alike, 3), sample_kit.tests_in_turn(two, 3)) == (alike, two)
    for turn in (now + 1, now + 2):
        monkeypatch.setattr(sample_kit, "TURN", turn)
        assert sample_kit.tests_in_turn(alike, 3) == {max(alike)}
        assert sample_kit.tests_in_turn(two, 3) == set(), "two tests cannot be in three turns"


def test_a_share_of_a_matrix_follows_from_the_names_of_its_cases_and_is_never_empty() -> None:
    names = [f"case {n}" for n in range(300)]
    chosen = sample_kit.share("matrix", names, 3)
    assert 60 < len(chosen) < 140
    assert chosen != sample_kit.share("another matrix", names, 3)
    fewer = [name for name in names if name != "case 7"]
    assert sample_kit.share("matrix", fewer, 3) == chosen - {"case 7"}
    for name in names[:20]:
        assert sample_kit.share("matrix", [name], 3) == {name}
    shares = [sample_kit.share(f"matrix {n}", names, 3) for n in range(40)]
    assert frozenset().union(*shares) == set(names), "each case is in the share of some name"


def test_each_installation_of_a_module_has_another_authority_and_the_next_module_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(
        tmp_path / "first of this process"
    ).engine.dispose()  # makes the rows of the organisation, with services of their own
    monkeypatch.setattr(kept_authorities, "_TAKEN", kept_authorities._Taken(Path("one")))
    monkeypatch.setattr(kept_authorities, "_KEPT", [])
    roots = list[tuple[str, ...]]()
    for n, module in enumerate(["one", "one", "other", "other", "other"]):
        kept_authorities.begin(Path(module))
        services = place(tmp_path / str(n))
        roots.append(tuple(services.vault.trust_roots_pem()))
        modes = {one.name: one.stat().st_mode & 0o777 for one in (tmp_path / str(n) / "authority").iterdir()}
        assert modes["root.key"] == modes["issuing.key"] == 0o600
        services.engine.dispose()
    assert roots[:2] == roots[2:4]
    assert len({roots[0], roots[1], roots[4]}) == 3


def test_an_application_has_the_views_of_an_earlier_one_as_if_it_had_registered_them(tmp_path: Path) -> None:
    services = place(tmp_path / "site")
    whole, *shared = (open_site(tmp_path / "site", services, adds_routes=own) for own in (True, False, False))
    for app in shared:
        assert _routes(app) == _routes(whole) != []
        assert app.view_functions.keys() == whole.view_functions.keys()
        assert app.blueprints == whole.blueprints
        assert app.error_handler_spec.keys() == whole.error_handler_spec.keys()
        for one in ("filters", "tests", "globals"):
            assert getattr(app.jinja_env, one).keys() == getattr(whole.jinja_env, one).keys()
        for one in registered_once.BY_NAME:
            assert _called(app, one) == _called(whole, one)
    assert shared[0].before_request_funcs[None] is not shared[1].before_request_funcs[None]
    with pytest.raises(AssertionError, match="adds_routes"):
        shared[1].add_url_rule("/essai", "probe.more", str)
    services.engine.dispose()


def _routes(app: Flask) -> list[str]:
    return sorted(f"{rule} {rule.endpoint} {sorted(rule.methods or ())}" for rule in app.url_map.iter_rules())


def _called(app: Flask, registry: str) -> dict[object, list[str]]:
    """The names of the functions, in their order. Each application has some of its own, in closures."""
    return {name: [one.__qualname__ for one in own] for name, own in getattr(app, registry).items() if own}
