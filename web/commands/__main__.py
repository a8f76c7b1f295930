"""``python -m web.commands``: the command line, where ``ged`` is not on the path."""

from web.commands import program

program()
