"""What runs for long: the site, its processes, the worker; and the migration before they start."""
