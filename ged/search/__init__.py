"""Finding letters: searches, saved and followed searches, synonyms, and the jobs of the index."""
