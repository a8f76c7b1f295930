"""What a person is told, by which way, once."""
