"""Figures of the register: each letter counted once, added up by day, so that a figure is exact and can be proven."""
