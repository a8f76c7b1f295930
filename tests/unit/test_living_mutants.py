"""``scripts/living.py`` puts a mutant into the running program, or reports that it cannot."""

import importlib.util
import sys
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.long("the tool of `make mutate` alone, which tells when a mutant cannot be put in")
LIVING = Path(__file__).resolve().parents[2] / "scripts" / "living.py"
SOURCE = """
from functools import cache

LIMIT = 1000
DOUBLE = LIMIT * 2
NAMES = frozenset({"a", "b"})


def size(value, most=LIMIT):
    return min(value, most) + 1


@cache
def kept():
    return LIMIT


class Box:
    WIDE = 5

    def area(self):
        return self.WIDE * 2

    @property
    def name(self):
        def inner():
            return "box"

        return inner()
"""
OTHER = """
from mutated import LIMIT as MOST
from mutated import NAMES, Box

HELD = NAMES


def most():
    return MOST


def made():
    return Box()
"""


@cache
def living():
    spec = importlib.util.spec_from_file_location("living", LIVING)
    module = importlib.util.module_from_spec(spec)
    sys.modules["living"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """(the function that puts mutants in, the module, a module that imported values from it)"""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mutated.py").write_text(SOURCE)
    (tmp_path / "taker.py").write_text(OTHER)
    taker = importlib.import_module("taker")
    yield living().Living(tmp_path, ("mutated.py",)), sys.modules["mutated"], taker
    for name in ("mutated", "taker"):
        del sys.modules[name]


def put(loaded, was, becomes):
    assert was in SOURCE
    loaded[0].put("mutated.py", SOURCE.replace(was, becomes))


def test_the_body_of_a_function_is_another_for_whoever_holds_it(loaded):
    size, box = loaded[1].size, loaded[2].made()
    put(loaded, "+ 1", "- 1")
    assert size(5) == 4
    put(loaded, "self.WIDE * 2", "self.WIDE / 2")
    assert box.area() == 2.5
    put(loaded, 'return "box"', 'return "XXboxXX"')
    assert box.name == "XXboxXX"


def test_a_value_is_another_wherever_it_was_taken_and_so_is_what_hangs_on_it(loaded):
    source = SOURCE.replace("most=LIMIT", "most=9")
    Path(loaded[1].__file__).write_text(source)
    importlib.reload(loaded[1])
    importlib.reload(loaded[2])
    again = living().Living(Path(loaded[1].__file__).parent, ("mutated.py",))
    assert loaded[1].kept() == 1000
    again.put("mutated.py", source.replace("LIMIT = 1000", "LIMIT = 1001"))
    assert (loaded[1].LIMIT, loaded[1].DOUBLE, loaded[2].most(), loaded[1].kept()) == (1001, 2002, 1001, 1001)


AT_LOADING = (
    ("LIMIT = 1000", "LIMIT = 1001"),  # a default of a function
    ('{"a", "b"}', '{"a"}'),  # it was computed into a value of another module
    ("most=LIMIT", "most=5"),
    ("WIDE = 5", "WIDE = 6"),
    ("class Box:", "class Box(object):"),
    ("@cache\n", ""),
    ("LIMIT * 2", "LIMIT / 0"),
)


def test_what_is_seen_only_at_loading_is_refused_and_nothing_is_changed(loaded):
    """In one test: to load it looks through all objects of the process, of which there are many."""
    module = loaded[1]
    for was, becomes in AT_LOADING:
        with pytest.raises(living().NotInPlace):
            put(loaded, was, becomes)
        held = (module.LIMIT, module.DOUBLE, module.NAMES, module.size(2000), module.Box().area())
        assert held == (1000, 2000, {"a", "b"}, 1001, 10), was
