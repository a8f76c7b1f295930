"""Signatures are raised to B-LTA and kept there for as long as the documents are kept."""
