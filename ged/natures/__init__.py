"""Natures of letters: what each proposes to a clerk, an authority and an author, and the circuit of its drafts."""
