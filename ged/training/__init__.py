"""Exercises of a training installation. What a person did is read from the journal: there is no table of its own."""
