"""Automatic suggestions for people: a suggestion becomes a fact only by a click, and never raises a row's version."""
