"""The desk's pages: registering, registers as books, letters, documents, correspondents, proposals, proofs."""
