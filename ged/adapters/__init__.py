"""Small plugs with no house of their own."""
