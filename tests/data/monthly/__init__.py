"""A monthly report of each version of the definitions: ``make.py`` makes that of today's."""
