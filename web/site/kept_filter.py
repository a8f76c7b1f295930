"""What narrows a list that waits for its reader: it stands in the address, and stays for the session."""

from dataclasses import dataclass

from flask import request
from flask import session as browser_session

from ged.routing.queries import ListFilter, Whose
from web.site import context

NAMES = ("q", "mention", "urgence", "pour")
MAX_TEXT = 200
CHOSEN = "filtre"
"""In an address whose filter was chosen, if only to show everything."""
WHOSE = {"moi": Whose.MINE, "autrui": Whose.OTHERS}


@dataclass(frozen=True)
class KeptFilter:
    """The filter of one list; ``key``: its name in the session's cookie."""

    key: str

    def narrowed(self) -> dict[str, str]:
        """The filters of the address that are set."""
        return {name: value for name in NAMES if (value := request.args.get(name, "").strip()[:MAX_TEXT])}

    def to_go_to(self) -> dict[str, str] | None:
        """The arguments of the address with the filter of this session, where the address names none; else None.

        A chosen filter is kept in the session's cookie; choosing everything forgets it.
        """
        narrowed = self.narrowed()
        if narrowed or CHOSEN in request.args:
            if self._kept() != narrowed:
                browser_session[self.key] = narrowed
            return None
        kept = self._kept()
        return {**request.args.to_dict(), **kept} if kept else None

    def asked(self) -> ListFilter:
        """The filter of the address."""
        return _filter_of(self.narrowed())

    def kept(self) -> ListFilter:
        """The filter of this session, for a page that has none in its address."""
        return _filter_of(self._kept())

    def _kept(self) -> dict[str, str]:
        found = browser_session.get(self.key)
        return dict(found) if isinstance(found, dict) else {}


def _filter_of(narrowed: dict[str, str]) -> ListFilter:
    return ListFilter(
        text=" ".join(narrowed.get("q", "").split()),
        mention=narrowed.get("mention", ""),
        urgent="urgence" in narrowed,
        whose=WHOSE.get(narrowed.get("pour", "")),
    )


def acts_for() -> bool:
    """Whether the reader acts for somebody: then the lists tell own letters from those of the absent."""
    return any(post.because != "holder" for post in context.actor().posts)
