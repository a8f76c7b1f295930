"""The signed codes on letters: made at the signature, stored with the letter; their keys are published."""
