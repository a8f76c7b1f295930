"""Sealed envelopes: numbered unopened, handed over, opened by their addressee (a person or an office)."""
