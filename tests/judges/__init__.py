"""Independent judges for the tests: programs that share no code with the program under test."""
