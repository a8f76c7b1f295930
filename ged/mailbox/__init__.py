"""Incoming e-mail, until a clerk registers it."""
