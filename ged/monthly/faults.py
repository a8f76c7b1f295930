"""What the proof of a report may find wrong."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """Something that proves that the file, the journal or the database was changed by another than the program.

    Attributes:
        code: ``seal.…`` (the reason of the check of signatures), ``file.…``, ``journal.…``, ``taken.…`` (of the journal that came with an
            entity), ``letter.unexplained``, ``letter.unproven`` (an entry that names it is not believed), ``letter.not_begun`` (no journal
            has the act that begins it), ``faults.others`` (how many more there are).
        where: the place; empty: the file.
    """

    code: str
    where: str = ""
