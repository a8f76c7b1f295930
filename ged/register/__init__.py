"""Letters and their data: numbers, books, correspondents, documents, levels, corrections."""
