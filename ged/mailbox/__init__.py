"""E-mail that came in, until a clerk registers it."""
