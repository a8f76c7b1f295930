"""The site with the engine for Word letters, and the acts of the officer who writes them."""

from __future__ import annotations

import dataclasses
from io import BytesIO
from pathlib import Path

from tests.signbook_kit import House
from tests.signbook_site_kit import Site, hidden
from tests.site import build_app, make_settings
from tests.word_kit import ENGINE

SAID = "Votre demande est acceptée"


class WordSite(Site):
    """The site with the engine for Word letters."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.begin()

    def begin(self) -> None:
        """Restart the site with the engine."""
        self.services = dataclasses.replace(self.services, word=ENGINE)
        self.app = build_app(self.services, make_settings(Path(self.services.data_dir)))
        self.app.testing = False
        self.house = House(self.services, self.house.signer)
        self.clients.clear()

    def take(self, mail_id: int, query: str = "?modele=lettre") -> bytes:
        """Download the Word file of a draft. Returns its bytes."""
        answer = self.as_("dge").get(f"/projets/{mail_id}/redaction.docx{query}")
        assert answer.status_code == 200, answer.text[:500]
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=projet-")
        return answer.data

    def give(self, mail_id: int, content: bytes, status: int = 303, name: str = "lettre.docx") -> str:
        """Upload a Word file for a draft. Returns the address of the redirect, or the page's text."""
        version = hidden(self.get("dge", f"/projets/{mail_id}"), "version")
        return self.send("dge", f"/projets/{mail_id}/redaction", status, version=version, word=(BytesIO(content), name))
