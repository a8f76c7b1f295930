"""``ged ocr`` needs no database and no site, so its start loads neither: most of its time would go there."""

import subprocess
import sys

import pytest

from tests.source_kit import ROOT

SITE = ("flask", "flask_babel", "werkzeug", "jinja2", "sqlalchemy", "alembic", "pydantic", "structlog")
ENGINES = ("fontTools", "scipy", "tesserocr", "pdfplumber", "pypdfium2", "pyhanko", "asyncio", "ssl")


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Names of the modules in a new process, once the command has been looked up."""
    code = (
        "import sys, web.commands\n"
        "assert web.commands.main.get_command(None, 'ocr').name == 'ocr'\n"
        "print(*sys.modules, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", SITE + ENGINES)
def test_a_start_does_not_load(loaded: set[str], name: str) -> None:
    assert {"web.commands.ocr", "ocr.engine"} <= loaded
    assert sorted(one for one in loaded if one.split(".")[0] == name) == []
