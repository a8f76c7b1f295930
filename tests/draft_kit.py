"""The form on the page of a draft: the fields that a browser would send."""

from __future__ import annotations

import re
from html import unescape

from tests.signbook_site_kit import Site


def form_of(page: str) -> dict[str, str]:
    """Field name -> value of each field of the draft's form, as it stands in the page's HTML."""
    body = page[page.index('id="draft"') :]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", body):
        name, value = re.search(r' name="([^"]+)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and value and ('type="checkbox"' not in tag or " checked" in tag):
            found[name[1]] = unescape(value[1])
    for name, inner in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', body, re.DOTALL):
        found[name] = unescape(inner).removeprefix("\n")
    for name, inner in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', inner)
        found[name] = chosen[1] if chosen else ""
    return found


def draft(site: Site) -> tuple[int, str, dict[str, str]]:
    """A new draft: its letter's id, the path of its page, and the fields of its form."""
    mail_id = site.house.answer()
    place = f"/projets/{mail_id}"
    return mail_id, place, form_of(site.get("dge", place))
