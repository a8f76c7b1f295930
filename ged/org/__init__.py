"""The organisation: units (any tree), posts, people, delegation and interim."""
