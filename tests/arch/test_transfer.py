"""Of every table it is said whether its rows leave with an entity, and of every kind of journal entry too."""

import ast
import re

from sqlalchemy import JSON

from ged.models import metadata
from ged.transfer import arriving, belonging, journal
from tests.source_kit import modules, nodes

SECRET = re.compile(r"hash|password|secret|token|keystore|salt|epoch|code_hash")
NO_SECRETS = {
    "takeover_files.sha256": "of a file",
    "letter_sketches.image_hash": "of how a page looks",
    "people.must_change_password": "says that one must be chosen",
    "posts.secretary_of_id": "a post",
    "letter_tokens.token_hash": "of a code that is printed on letters",
    "taken_letters.content_hash": "of a line that was taken over",
    "register_closings.content_hash": "of a sealed list",
    "scan_pages.token": "names a page that was sent twice",
}


def test_every_table_is_in_one_list() -> None:
    lists = (belonging.OWNED, belonging.STOCK, belonging.STAYS)
    named = [name for one in lists for name in one]
    assert sorted(named) == sorted(metadata.tables), "say in ged/transfer/belonging.py whose its rows are"


def test_paths_are_columns_that_name_a_record_which_leaves() -> None:
    leaving = {table.name for table in belonging.travelling()}
    for name, owned in belonging.OWNED.items():
        for column in (*owned.by, *owned.every):
            (key,) = metadata.tables[name].c[column].foreign_keys
            assert key.column.table.name in leaving, (name, column)
        assert set(owned.withheld) <= set(metadata.tables[name].c.keys()), name
    for one in belonging.SEVERED:
        table, _, column = one.partition(".")
        assert metadata.tables[table].c[column].nullable, one


def test_no_column_that_may_hold_a_secret_leaves() -> None:
    found = {
        f"{table.name}.{column.name}"
        for table in belonging.travelling()
        for column in table.columns
        if SECRET.search(column.name) and column.name not in belonging.withheld(table.name)
    }
    assert found <= NO_SECRETS.keys(), "withhold it, or say why it is none"


def test_every_kind_of_entry_is_said_to_leave_or_to_stay() -> None:
    kinds = {
        call.args[1].value
        for path in modules("ged", "web")
        for call in nodes(path)
        if isinstance(call, ast.Call) and len(call.args) >= 3 and getattr(call.func, "attr", "") == "record"
        if isinstance(call.args[1], ast.Constant) and isinstance(call.args[1].value, str)
    }
    assert len(kinds) > 20, "the calls are no longer found"
    assert kinds <= journal.SUBJECTS.keys() | journal.OF_INSTALLATION.keys(), "say it in ged/transfer/journal.py"
    assert set(journal.SUBJECTS.values()) <= {table.name for table in belonging.travelling()}


def test_every_column_that_may_name_a_record_is_moved_or_said_to_be_none() -> None:
    """An id that is not moved would name another record where the entity arrives."""
    named = {*arriving.SOFT, *arriving.BY_KIND, *arriving.NO_RECORDS}
    alike = {
        f"{table.name}.{column.name}"
        for table in belonging.travelling()
        for column in table.columns
        if column.name.endswith("_id") and arriving.root(column) is None
    }
    assert alike == {one for one in named if one.endswith("_id")}
    held = {
        f"{table.name}.{column.name}"
        for table in belonging.travelling()
        for column in table.columns
        if isinstance(column.type, JSON)
    }
    assert held == arriving.READ_WITHIN | arriving.WITHOUT_RECORDS, (
        "say in ged/transfer/arriving.py whether it holds ids"
    )
