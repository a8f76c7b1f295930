"""Read-only figures: jobs, journal, health."""
