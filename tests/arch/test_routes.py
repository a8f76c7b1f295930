"""Every endpoint is on the one access list, and a GET changes nothing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Blueprint, Flask

from tests.site import make_site
from web import api
from web.site import guard, navigation

ROOT = Path(__file__).parents[2]
VIEWS = sorted((ROOT / "web" / "views").rglob("*.py"))

GET_THAT_RECORDS_A_READING = {
    # "blueprint.function": why it writes. Only marks of reading and the journal of readings are allowed here.
    "impute.form": "reading a letter to decide over it is reading it: seen mark, and the journal when restricted",
    "scans.picture": "a page of a joined scan in full size is a page of its letter: in the journal when restricted",
    "impute.sheet_part": "the picture of a RESTRICTED or SECRET letter's fiche is in the journal",
    "reserve.sheet_part": "the picture of a line of a RESTRICTED letter is in the journal",
    "slips.sheet_part": "the picture of a slip that names a RESTRICTED letter is in the journal",
    "impute.sheet": "printing a RESTRICTED or SECRET letter's fiche is in the journal",
    "followup.sheet": "printing a list with a RESTRICTED or SECRET letter is in the journal",
    "followup.export": "saving a list with a RESTRICTED or SECRET letter is in the journal",
    "paper.show": "a RESTRICTED or SECRET letter shown beside its scan is in the journal",
    "drafts.edit": "opening a RESTRICTED or SECRET draft is in the journal",
    "drafts.preview": "printing a RESTRICTED or SECRET draft is in the journal",
    "signbook.show": "opening a RESTRICTED or SECRET letter is in the journal",
    "drafts.show_versions": "opening a RESTRICTED or SECRET letter is in the journal",
    "letters.rectify_form": "the form of an act on a RESTRICTED or SECRET letter shows its subject: in the journal",
    "letters.level_form": "the form of an act on a RESTRICTED or SECRET letter shows its subject: in the journal",
    "letters.close_form": "the form of an act on a RESTRICTED or SECRET letter shows its subject: in the journal",
    "letters.reopen_form": "the form of an act on a RESTRICTED or SECRET letter shows its subject: in the journal",
    "letters.number_form": "the form of an act on a RESTRICTED or SECRET letter shows its subject: in the journal",
    "letters.void_form": "the form of an act on a RESTRICTED or SECRET letter shows its subject: in the journal",
    "letters.link_form": "the form of an act on a RESTRICTED or SECRET letter shows its subject: in the journal",
    "dispatch.show": "a RESTRICTED or SECRET letter named on its page of departure is in the journal",
    "dispatch.line": "a RESTRICTED or SECRET letter named on its page of departure is in the journal",
    "dispatch.sheet": "printing the sheet of a RESTRICTED or SECRET letter is in the journal",
    "dispatch_rounds.sheet": "printing the sheet of a round with a RESTRICTED or SECRET letter is in the journal",
    "dispatch.book_pdf": "printing the book with a RESTRICTED or SECRET letter is in the journal",
    "proofs.signed_revision": "opening a RESTRICTED or SECRET document is in the journal",
    "inbox.show": "reading a letter to work on it is reading it: seen mark, and the journal when restricted",
    "notes.show": "reading what is written on a letter is reading it: seen mark, and the journal when restricted",
    "search.export": "a RESTRICTED or SECRET letter that a saved list names is in the journal",
    "scans.show": "looking at the joined scan of a RESTRICTED or SECRET letter is in the journal",
    "slips.show": "a RESTRICTED or SECRET letter that a slip names is in the journal",
    "slips.pdf": "a RESTRICTED or SECRET letter that a slip's print names is in the journal",
    "slips.proof": "a RESTRICTED or SECRET letter that a slip's print names is in the journal",
    "slips.receive_form": "a RESTRICTED or SECRET letter that a slip names is in the journal",
    "slips.paper_form": "a RESTRICTED or SECRET letter that a slip names is in the journal",
    "slips.answer_form": "a RESTRICTED or SECRET letter that a slip names is in the journal",
    "provider.returned": "an identity provider sends the browser back by GET: what it brings is taken once, by the browser that was sent",
    "notices.follow": "a notice that is followed is read: a seen mark of its own",
    "letter_readers.index": "looking at who reads a RESTRICTED or SECRET letter is in the journal",
    "letters.show": "the seen mark, and the opening of a RESTRICTED or SECRET letter",
    "register.receipt": "printing a RESTRICTED or SECRET letter is in the journal",
    "registers.pages": "printing a RESTRICTED or SECRET letter is in the journal",
    "documents": "opening a RESTRICTED or SECRET letter is in the journal",
}
"""The name of a blueprint (all of its module) or one endpoint."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The site as it is built."""
    return make_site(tmp_path_factory.mktemp("site"))[0]


def test_every_endpoint_stands_on_the_access_list(app: Flask) -> None:
    missing = {rule.endpoint for rule in app.url_map.iter_rules()} - guard.ACCESS.keys()
    assert not missing, f"add to web/site/guard.py ACCESS: {sorted(missing)}"


def test_the_access_list_names_no_endpoint_that_is_gone(app: Flask) -> None:
    gone = guard.ACCESS.keys() - {rule.endpoint for rule in app.url_map.iter_rules()}
    assert not gone, f"remove from web/site/guard.py ACCESS: {sorted(gone)}"


def test_an_endpoint_that_nobody_thought_about_stops_the_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = Blueprint("stray", __name__)
    stray.add_url_rule("/egare", "page", lambda: "")
    monkeypatch.setattr("web.views.blueprints", lambda: iter([stray]))
    with pytest.raises(RuntimeError, match="stray.page"):
        make_site(tmp_path)


def test_only_the_bridge_comes_without_session(app: Flask) -> None:
    assert guard.endpoints_of(app, guard.BRIDGE)
    for endpoint in guard.endpoints_of(app, guard.BRIDGE):
        assert all(r.rule.startswith("/api/") for r in app.url_map.iter_rules(endpoint)), endpoint


def test_only_the_provider_s_message_comes_with_a_token_of_the_provider(app: Flask) -> None:
    assert guard.endpoints_of(app, guard.PROVIDER) == ["provider.left"]


def test_what_is_published_is_the_authority_s_and_the_page_of_a_code_alone(app: Flask) -> None:
    assert guard.endpoints_of(app, guard.PUBLISHED)
    for endpoint in guard.endpoints_of(app, guard.PUBLISHED):
        assert endpoint.startswith(("pki.", "check.")), endpoint


def test_what_is_published_writes_nothing() -> None:
    for name in ("check", "pki"):
        (path,) = (path for path in VIEWS if path.stem == name)
        assert "unit_of_work" not in path.read_text(encoding="utf-8"), name


def test_public_pages_are_the_few_that_must_be(app: Flask) -> None:
    public = set(guard.endpoints_of(app, guard.PUBLIC))
    assert public <= {
        "static",
        "session.sign_in_form",
        "session.sign_in",
        "session.sign_out",
        "session.change_person",
        "provider.begin",
        "provider.returned",
        "second_step.form",
        "second_step.code",
        "second_step.recovery",
        "second_step.ask_passkey",
        "second_step.passkey",
        "second_step.ask_alone",
        "second_step.passkey_alone",
        "first_access.form",
        "first_access.read",
        "first_access.choose",
        "language.switch",
        "health.show",
        "health.site",
        "health.ready",
    }


def test_a_module_of_pages_bears_the_name_of_its_blueprint(app: Flask) -> None:
    # A search for an endpoint finds its module by this name, and the test below excuses the right module.
    of_pages = {path.stem for path in VIEWS if "\nblueprint = Blueprint(" in path.read_text(encoding="utf-8")}
    assert of_pages == app.blueprints.keys() - {blueprint.name for blueprint in api.blueprints()}


def test_whatever_changes_something_is_no_get(app: Flask) -> None:
    handlers = [(path, *handler) for path in VIEWS for handler in _get_handlers(path)]
    assert len(handlers) > len(VIEWS) / 2
    for path, blueprint, function, calls in handlers:
        excused = {blueprint, f"{blueprint}.{function}"} & GET_THAT_RECORDS_A_READING.keys()
        assert "unit_of_work" not in calls or excused, f"{path.name}: {function} answers GET and writes"


def test_navigation_leads_to_pages_that_exist(app: Flask) -> None:
    dead = [entry.endpoint for entry in navigation.ENTRIES if entry.endpoint not in app.view_functions]
    assert not dead, f"correct web/site/navigation.py, no such page: {dead}"


def _get_handlers(path: Path) -> Iterator[tuple[str, str, set[str]]]:
    """Blueprint, name, and all names that each GET handler calls, also through helpers of its module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name, node in functions.items():
        if any(_is_get(decorator) for decorator in node.decorator_list):
            yield path.stem, name, _called(node, functions, set())


def _is_get(decorator: ast.expr) -> bool:
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
        return False
    methods = [k.value for k in decorator.keywords if k.arg == "methods"]
    # A route without methods serves GET; one with several methods serves GET when GET is among them.
    answers_get = not methods or "GET" in ast.unparse(methods[0])
    return decorator.func.attr == "get" or (decorator.func.attr == "route" and answers_get)


def _called(node: ast.FunctionDef, functions: dict[str, ast.FunctionDef], seen: set[str]) -> set[str]:
    names = set()
    for call in (found for found in ast.walk(node) if isinstance(found, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        names.add(name)
        if isinstance(call.func, ast.Name) and name in functions and name not in seen:
            names |= _called(functions[name], functions, seen | {name})
    return names
