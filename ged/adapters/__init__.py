"""Small adapters of ports that have no package of their own."""
