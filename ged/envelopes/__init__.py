"""Sealed envelopes: numbered unopened, handed over, opened by the person or office that they are for."""
