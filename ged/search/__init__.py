"""Finding letters: searches, searches that are kept and followed, synonyms, and the jobs of the index."""
