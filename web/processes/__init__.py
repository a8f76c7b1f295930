"""The long-running programs: the site, its processes, the worker; and the migration before their start."""
