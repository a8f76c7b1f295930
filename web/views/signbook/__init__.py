"""Drafts, their margin, the sign book, the check before signing, the public page of a code."""
