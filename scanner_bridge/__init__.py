"""The program at the registry desk: scans by SANE, spools on disk, uploads over HTTP; shares no code with the site."""
