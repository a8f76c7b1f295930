"""Independent judges for the tests: programs that share no code with what they judge."""
