"""Finding letters: the search, saved searches, synonyms."""
