"""An archive of another system, taken over in pieces."""
