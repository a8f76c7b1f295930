"""An import inside a function hides a dependency. At most ten are allowed, and each states its reason on its line."""

import ast

from tests.source_kit import ROOT, modules, nodes

PRODUCT = ("ged", "sandbox", "ocr", "indexer", "signing", "web", "scanner_bridge", "demo")


def test_few_imports_are_late_and_each_says_why() -> None:
    late: dict[str, str] = {}
    for path in modules(*PRODUCT):
        lines = path.read_text().splitlines()
        for function in nodes(path):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for found in ast.walk(function):
                    if isinstance(found, ast.Import | ast.ImportFrom):
                        late[f"{path.relative_to(ROOT)}:{found.lineno}"] = lines[found.lineno - 1]
    assert len(late) <= 10, late
    silent = {place: line for place, line in late.items() if len(line.split("# noqa: PLC0415")[-1].strip(" -#")) < 10}
    assert silent == {}
