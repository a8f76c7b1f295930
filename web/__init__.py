"""The site, the API, the worker and the command line: every server process starts here."""
