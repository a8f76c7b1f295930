"""What long work calls to tell how far it is. A command prints it."""

from collections.abc import Callable

Progress = Callable[[str], None]
"""Called with a line for people: the step that begins, how far it is, or what they should know of it."""
CountedProgress = Callable[[str, int], None]
"""Called with the name of a step, and how many things it has done; 0 where nothing is counted."""
PartProgress = Callable[[int, int], None]
"""Called with the part that is done and with the whole: two counts, or the id of the last letter done and the highest id."""
