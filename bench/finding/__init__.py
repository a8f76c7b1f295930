"""The parts of ``bench.relevance``: generated letters, simulated OCR, queries, judged collections, peers."""
