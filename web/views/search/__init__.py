"""Finding letters: the search, searches that are kept, synonyms."""
