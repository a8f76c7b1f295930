"""French texts for people: names of members, errors, faults, due dates, verdicts."""
