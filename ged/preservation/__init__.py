"""Raises signatures to B-LTA, and keeps them there for as long as the documents are kept."""
