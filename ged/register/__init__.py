"""Letters and what is kept of them: numbers, books, correspondents, documents, levels, corrections."""
