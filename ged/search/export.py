"""The result of a search as rows to save; letters above the ordinary level are recorded in the journal."""

from dataclasses import replace

from sqlalchemy.orm import Session

from ged import access
from ged.ports import Confidentiality, SearchQuery
from ged.search import letter_search
from ged.search.letter_search import FoundLetter
from ged.unit import Actor, Services, UnitOfWork

MAX_ROWS = 1_000
BATCH = 200


def rows(services: Services, session: Session, actor: Actor, query: SearchQuery) -> tuple[list[FoundLetter], bool]:
    """The letters of a search, each once, ``MAX_ROWS`` at most; and whether there are more."""
    found: dict[int, FoundLetter] = {}
    total = 0
    for offset in range(0, MAX_ROWS, BATCH):
        page = letter_search.search_letters(
            services, session, actor, replace(query, offset=offset, limit=BATCH, highlight=False)
        )
        found |= {letter.mail_id: letter for letter in page.letters}
        total = page.total
        if offset + BATCH >= total:
            break
    return list(found.values()), total > MAX_ROWS


def record(uow: UnitOfWork, letters: list[FoundLetter], *, form: str, actor: Actor) -> None:
    """Record in the journal which restricted and secret letters were exported."""
    for letter in letters:
        if letter.level >= Confidentiality.RESTRICTED:
            post = access.through(uow.session, letter.mail_id, letter.level, actor)
            uow.record("mail.exported", "mail", letter.mail_id, actor=actor, post=post, form=form)
