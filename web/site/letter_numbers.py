"""The letter that a person means by a typed number."""

from ged.ports import MailId
from ged.register import typed_numbers
from ged.unit import ReadSession
from web.site import context


def letter_of(db: ReadSession, text: str, *, field: str, chosen: int | None = None) -> MailId:
    """The letter with a typed number, whole or short (11), or with the label of a typed code; the actor may see it.

    Args:
        chosen: the letter that the actor chose among several with this number.

    Raises:
        Invalid: ``number.none_visible``, ``number.several``, at ``field``.
    """
    return typed_numbers.letter_by_short_number(
        db, text, context.actor(), year=context.today().year, code_key=context.services().code_key, field=field,
        chosen=chosen,
    )  # fmt: skip
