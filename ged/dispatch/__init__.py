"""The dispatch of letters, and the proofs of delivery."""
