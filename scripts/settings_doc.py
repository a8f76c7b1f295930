"""Writes docs/operate/settings.md from the docstrings of ``ged.config``: ``python -m scripts.settings_doc``."""

import re
from pathlib import Path

from ged.config import Settings

PLACE = Path(__file__).parents[1] / "docs" / "operate" / "settings.md"
HEAD = """# All settings

Variables of the process, or lines `GED_NAME=value` of the file that `GED_ENV_FILE` names. Lists are JSON: `["a", "b"]`.
Written by `python -m scripts.settings_doc` from `ged/config.py`.

| setting | without it | meaning |
|---|---|---|
"""


def text() -> str:
    """The whole page."""
    return HEAD + "".join(_setting_row(name) for name in Settings.model_fields)


def _setting_row(name: str) -> str:
    field = Settings.model_fields[name]
    default = "must be set" if field.is_required() else _shown(field.default)
    meaning = re.sub(r"\s+", " ", (field.description or "").replace("``", "`").replace("|", "\\|"))
    return f"| `GED_{name.upper()}` | {default} | {meaning} |\n"


def _shown(value: object) -> str:
    return "" if value in (None, "", ()) else f"`{' '.join(value) if isinstance(value, tuple) else value}`"


if __name__ == "__main__":
    PLACE.write_text(text(), encoding="utf-8")
