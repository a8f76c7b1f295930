"""What narrows a list that waits for its reader: it stands in the address, and stays for the session."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import request
from flask import session as browser_session

from ged.routing.queries import ListFilter, Whose
from web.site import context, unknown_filters
from web.site.numbers import id_of

MAX_TEXT = 200
CHOSEN = "filtre"
"""In an address whose filter was chosen, if only to show everything."""
WHOSE = {"moi": Whose.MINE, "autrui": Whose.OTHERS}
KNOWN: Mapping[str, Callable[[str], bool]] = {
    "urgence": {"1"}.__contains__,
    "pour": WHOSE.__contains__,
    "service": lambda text: id_of(text) is not None,
}
"""Of filters whose values are not free text: whether a value is one of them."""


@dataclass(frozen=True)
class KeptFilter:
    """The filter of one list; ``key``: its name in the session's cookie; ``names``: its arguments in the address."""

    key: str
    names: tuple[str, ...]

    def narrowed(self) -> dict[str, str]:
        """The filters of the address that are set and known; of a page that answers a form, which has none, those of the session."""
        if request.method != "GET":
            return self.kept()
        return {name: value for name in self.names if (value := unknown_filters.parsed(name, _known(name)))}

    def to_go_to(self) -> dict[str, str | list[str]] | None:
        """The arguments of the address with the filter of this session, where the address names none; else None.

        A chosen filter is kept in the session's cookie; choosing everything forgets it. A filter that is not known changes nothing there.
        """
        narrowed = self.narrowed()
        if narrowed or CHOSEN in request.args:
            if self.kept() != narrowed:
                browser_session[self.key] = narrowed
            return None
        if any(request.args.get(name, "").strip() for name in self.names):
            return None
        kept = self.kept()
        return {**request.args.to_dict(flat=False), **kept} if kept else None

    def kept(self) -> dict[str, str]:
        """The filters of this session, for a page that has none in its address."""
        found = browser_session.get(self.key)
        return {name: value for name, value in found.items() if name in self.names} if isinstance(found, dict) else {}


def _known(name: str) -> Callable[[str], str | None]:
    is_known = KNOWN.get(name)
    return lambda text: text[:MAX_TEXT] if is_known is None or is_known(text) else None


def list_filter(narrowed: Mapping[str, str]) -> ListFilter:
    """What an inbox, or the queue of an authority, shows."""
    return ListFilter(
        text=text_of(narrowed),
        mention=narrowed.get("mention", ""),
        urgent="urgence" in narrowed,
        whose=whose_of(narrowed),
    )


def text_of(narrowed: Mapping[str, str]) -> str:
    """The text that is looked for."""
    return " ".join(narrowed.get("q", "").split())


def whose_of(narrowed: Mapping[str, str]) -> Whose | None:
    """Own letters, those of the absent, or all."""
    return WHOSE.get(narrowed.get("pour", ""))


def acts_for() -> bool:
    """Whether the reader acts for somebody: then the lists tell own letters from those of the absent."""
    return any(post.because != "holder" for post in context.actor().posts)
