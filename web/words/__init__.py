"""What is said to people: names of members, errors, faults, due dates, verdicts."""
