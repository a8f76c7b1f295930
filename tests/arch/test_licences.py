"""Every package in the program states a licence under which the program may be distributed under the EUPL."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = re.compile(
    r"""0BSD | Apache([ -]2\.0 | [ ]Software[ ]License | [ ]License[ ]2\.0)? | BSD([ -][23]-Clause | [ ]License)?
    | CC0-1\.0 | ISC([ ]License([ ]\(ISCL\))?)? | MIT(-0 | -CMU | [ ]License)? | PSF-2\.0
    | Python[ ]Software[ ]Foundation[ ]License | Unlicense | Zlib | Zope[ ]Public[ ]License | ZPL-2\.1
    | MPL-2\.0 | Mozilla[ ]Public[ ]License[ ]2\.0[ ]\(MPL[ ]2\.0\) | LGPL-3\.0-only""",
    re.VERBOSE,
)
"""Permissive licences, and those whose copyleft covers only the package's files (MPL, LGPL: we import them
unchanged)."""
UNSAID = {
    "imapclient": "BSD-3-Clause",  # COPYING of its sources
    "pyrage": "MIT",  # LICENSE of its wheel
    "python-sane": "MIT-CMU",  # COPYING of its sources
    "pypdfium2": "Apache-2.0 OR BSD-3-Clause",  # with PDFium's own, BSD-3-Clause: "dependency licenses"
}
"""Packages whose metadata state no licence that can be read, with the licence that their sources state."""


def packages() -> list[str]:
    """The packages that the locks install, without those for other systems or Python versions alone."""
    locked = "".join((ROOT / lock).read_text() for lock in ("requirements.txt", "requirements-bridge.txt"))
    names = re.findall(r"^([a-z0-9._-]+)==", locked, re.MULTILINE)
    return [name for name in sorted(set(names)) if _is_here(name)]


def _is_here(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def licence(name: str) -> str:
    """The licence that a package states: an SPDX expression, or the names of its classifiers."""
    if name in UNSAID:
        return UNSAID[name]
    said = metadata.metadata(name)
    classified = [one.rsplit(" :: ", 1)[1] for one in said.get_all("Classifier", []) if one.startswith("License ::")]
    return said.get("License-Expression") or "; ".join(classified) or (said.get("License") or "").partition("\n")[0]


def refused(said: str) -> list[str]:
    """The parts of a licence expression that are not allowed. Of alternatives (OR), one allowed part is enough."""
    alternatives = re.split(r"\s+OR\s+", said)
    found = [
        [part for part in map(str.strip, re.split(r"\s+AND\s+|;", one)) if part and not _fits(part)]
        for one in alternatives
    ]
    return min(found, key=len) if said.strip() else ["none said"]


def _fits(part: str) -> bool:
    return ALLOWED.fullmatch(part) is not None


@pytest.mark.parametrize("name", packages())
def test_every_package_may_be_given_on_with_the_program(name: str) -> None:
    assert refused(licence(name)) == [], f"{name} says: {licence(name)!r}"


def test_what_was_said_for_a_package_is_still_needed() -> None:
    assert set(UNSAID) <= set(packages())


@pytest.mark.parametrize("said", ["GPL-2.0", "AGPL-3.0-or-later", "", "MIT AND GPL-3.0-only", "Proprietary"])
def test_a_licence_that_binds_the_whole_is_seen(said: str) -> None:
    assert refused(said) != []


def test_of_alternatives_one_is_enough() -> None:
    assert refused("GPL-2.0-or-later OR Apache-2.0") == []
