"""A person's own pages: signing in, absences, delegations, notices, requested files."""
