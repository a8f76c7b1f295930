"""The program at the registry desk. Scans by SANE, spools on disk, uploads over HTTP. Shares no code with the site."""

VERSION = "0.1.0"
"""The bridge reports it to the site, which shows it on the page of the stations."""
