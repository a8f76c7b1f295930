"""The program at the registry desk. Scans by SANE, spools on disk, uploads over HTTP. Shares no code with the site."""
