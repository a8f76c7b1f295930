"""How long work tells its steps to whoever started it: a command prints them."""

from collections.abc import Callable

Progress = Callable[[str], None]
"""Is given the name of each step as the step begins."""
CountedProgress = Callable[[str, int], None]
"""Is given the name of each step, and how many things it has done; 0 where nothing is counted."""
